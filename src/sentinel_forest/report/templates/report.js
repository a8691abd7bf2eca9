"use strict";
// Tables that sort, filter and turn pages; figures that can be explored. Without it, all is simply there.
window.sentinel = {rows: {}, charts: {}, explorer: null};
const ASSETS = document.currentScript.dataset.assets;
const loaded = {};

function load(address) {
  loaded[address] ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = resolve;
    script.onerror = () => reject(new Error(`${address} cannot be read`));
    document.head.append(script);
  });
  return loaded[address];
}

function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function choice(label, options, onchange) {
  const select = make("select", {onchange});
  for (const [value, text] of options) select.append(make("option", {value, textContent: text}));
  return [make("label", {}, `${label} `, select), select];
}

// Tables

function compare(one, other) {
  if (one === "" || other === "") return (one === "") - (other === "");
  const numbers = [Number(one), Number(other)];
  if (numbers.some(Number.isNaN)) return one.localeCompare(other, "en", {numeric: true});
  return numbers[0] - numbers[1];
}

function ofElement(element) {
  const cells = [...element.cells];
  return {
    element,
    keys: cells.map((cell) => cell.dataset.key || cell.textContent.trim()),
    texts: cells.map((cell) => cell.textContent.trim()),
  };
}

function ofData(cells) {
  const full = cells.map((cell) => (typeof cell === "string" ? {t: cell} : cell));
  return {cells: full, keys: full.map((cell) => cell.k || cell.t), texts: full.map((cell) => cell.t)};
}

function elementOf(row, kinds) {
  if (row.element) return row.element;
  row.element = make("tr", {}, ...row.cells.map((cell, place) => {
    const made = make(place ? "td" : "th", {className: kinds[place] === "number" ? "number" : ""});
    if (!place) made.scope = "row";
    made.append(cell.c ? make("span", {className: `tone ${cell.c}${cell.t.length > 24 ? " long" : ""}`, textContent: cell.t}) : cell.t);
    for (const [text, href] of cell.l || []) made.append(" ", make("a", {href, textContent: text}));
    return made;
  }));
  return row.element;
}

// What a spreadsheet would take for a formula stands behind an apostrophe, as in the tables of a version.
function cellOf(text) {
  const cell = text.replace(/[\t\r\n]+/g, " ").trim();
  const plain = cell === "" || cell === "-" || Number.isFinite(Number(cell));
  return plain ? cell : cell.replace(/^(?='*[=+\-@\uff1d\uff0b\uff0d\uff20])/, "'");
}

class Table {
  constructor(table) {
    this.table = table;
    this.headings = [...table.tHead.rows[0].cells];
    this.kinds = this.headings.map((each) => each.className);
    this.rows = [...table.tBodies[0].rows].map(ofElement);
    this.total = Number(table.dataset.total || this.rows.length);
    this.size = 12;
    this.page = 0;
    this.sorted = {column: -1, descending: false};
    for (const heading of this.headings) this.addSort(heading);
    if (this.total > 8) this.addTools();
  }

  async complete() {
    if (!this.table.dataset.rows || this.rows.length === this.total) return;
    await load(this.table.dataset.rows);
    const name = this.table.dataset.rows.split("/").pop().replace(/\.js$/, "");
    this.rows = sentinel.rows[name].map(ofData);
  }

  addSort(heading) {
    const button = make("button", {type: "button"}, ...heading.childNodes);
    button.addEventListener("click", async () => {
      await this.complete();
      const descending = heading.getAttribute("aria-sort") === "ascending";
      for (const each of this.headings) each.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
      this.sorted = {column: heading.cellIndex, descending};
      this.page = 0;
      this.show();
    });
    heading.append(button);
  }

  addTools() {
    const columns = this.headings.map((each, place) => [place, each.textContent]);
    const change = async () => { await this.complete(); this.page = 0; this.show(); };
    this.words = make("input", {type: "search", oninput: change});
    const [where, column] = choice("in", [[-1, "all columns"], ...columns], change);
    const turn = (step) => async () => { await this.complete(); this.page += step; this.show(); };
    this.back = make("button", {type: "button", textContent: "‹ Back", onclick: turn(-1), disabled: true});
    this.next = make("button", {type: "button", textContent: "Next ›", onclick: turn(1)});
    const [size, rows] = choice("Rows", [[12, "12"], [50, "50"], [1e6, "all"]], () => { this.size = Number(rows.value); change(); });
    const tsv = make("button", {type: "button", textContent: "TSV", onclick: async () => { await this.complete(); this.save(); }});
    this.column = column;
    this.count = make("span", {}, "");
    this.count.setAttribute("role", "status");
    const tools = make("div", {className: "tools"});
    tools.append(make("label", {}, "Filter rows: ", this.words), where, this.count, this.back, this.next, size, tsv);
    this.table.parentElement.before(tools);
    this.tell(this.total, Math.min(this.size, this.total));
  }

  chosen() {
    const words = this.words ? this.words.value.toLowerCase().split(/\s+/).filter(Boolean) : [];
    const column = this.column ? Number(this.column.value) : -1;
    const textOf = (row) => (column < 0 ? row.texts.join(" ") : row.texts[column]).toLowerCase();
    const rows = this.rows.filter((row) => { const text = textOf(row); return words.every((word) => text.includes(word)); });
    const {column: by, descending} = this.sorted;
    if (by < 0) return rows;
    return rows.map((row) => [row.keys[by], row]).sort(([one], [other]) => {
      const order = compare(one, other);
      return descending && one !== "" && other !== "" ? -order : order;
    }).map(([, row]) => row);
  }

  show() {
    const rows = this.chosen();
    const last = Math.max(0, Math.ceil(rows.length / this.size) - 1);
    this.page = Math.min(Math.max(this.page, 0), last);
    const shown = rows.slice(this.page * this.size, (this.page + 1) * this.size);
    this.table.tBodies[0].replaceChildren(...shown.map((row) => elementOf(row, this.kinds)));
    if (this.words) this.tell(rows.length, shown.length);
  }

  tell(fitting, shown) {
    const first = shown ? this.page * this.size + 1 : 0;
    const of = fitting === this.total ? `${this.total} rows` : `${fitting} of ${this.total} rows`;
    this.count.textContent = shown < fitting ? `${of}, ${first}–${first + shown - 1} shown` : of;
    this.back.disabled = this.page === 0;
    this.next.disabled = (this.page + 1) * this.size >= fitting;
  }

  save() {
    const lines = [this.headings.map((each) => each.textContent), ...this.chosen().map((row) => row.texts)];
    const text = lines.map((cells) => cells.map(cellOf).join("\t")).join("\n") + "\n";
    const href = URL.createObjectURL(new Blob([text], {type: "text/tab-separated-values"}));
    make("a", {href, download: `${this.table.parentElement.getAttribute("aria-labelledby")}.tsv`}).click();
  }
}

// Figures

const EMBED = {actions: {export: {png: true, svg: true}, source: false, compiled: false, editor: false}, renderer: "svg", scaleFactor: {png: 2}};

async function draw(place, spec) {
  await load(`${ASSETS}vega.js`);
  const shown = await vegaEmbed(place, spec, EMBED);
  const drawn = place.querySelector("svg.marks");
  if (drawn) drawn.setAttribute("aria-label", "The figure that is described beside it");
  place.querySelector("details > summary")?.setAttribute("aria-label", "Save the figure");
  return shown;
}

function addFigure(get) {
  const image = get.closest("figure").querySelector("img.plot");
  const explore = make("button", {type: "button", textContent: "Explore"});
  const png = make("button", {type: "button", textContent: "PNG"});
  const spec = async () => { await load(get.dataset.chart); return structuredClone(sentinel.charts[get.dataset.name]); };
  explore.addEventListener("click", async () => {
    const place = make("div", {className: "chart"});
    image.parentElement.append(place);
    await draw(place, await spec());
    image.hidden = true;
    explore.remove();
  });
  png.addEventListener("click", async () => {
    const shown = await draw(make("div", {}), await spec());
    const href = await shown.view.toImageURL("png", 2);
    make("a", {href, download: `${get.dataset.name}.png`}).click();
  });
  get.prepend(explore, " ", png, " ");
}

window.addEventListener("beforeprint", () => {
  for (const image of document.images) image.loading = "eager";
});
for (const table of document.querySelectorAll("table")) new Table(table);
for (const get of document.querySelectorAll(".get[data-chart]")) addFigure(get);

// The chooser

function recordsOf(release) {
  return release.scores.map((row) => Object.fromEntries(sentinel.explorer.columns.map((name, place) => [name, row[place]])));
}

function different(values) { return [...new Set(values)]; }

function intervalSpec(values, label, title, release) {
  const {colours, shapes} = sentinel.explorer;
  const series = Object.keys(colours).flatMap((meaning) => Object.keys(release.meanings)
    .filter((scheme) => release.meanings[scheme] === meaning).map((scheme) => ({scheme, meaning, text: `${scheme}: ${release.words[scheme]}`})));
  const range = series.map((each) => colours[each.meaning]);
  const domain = series.map((each) => each.text);
  const shape = domain.map((text) => shapes[[...domain].sort().indexOf(text) % shapes.length]);
  const shown = values.map((row) => ({...row, series: `${row.scheme}: ${release.words[row.scheme]}`}));
  const where = {y: {field: label, type: "nominal", sort: null, title: null, axis: {labelLimit: 330}}, yOffset: {field: "series", sort: domain}};
  const color = {field: "series", scale: {domain, range}, legend: {orient: "top", title: null, labelLimit: 400, columns: domain.some((text) => text.length > 24) ? 1 : 3}};
  return {
    data: {values: shown}, width: 440, height: {step: Math.max(19, 9 * series.length), for: "position"},
    layer: [
      {transform: [{filter: "isValid(datum.low)"}], mark: {type: "rule", strokeWidth: 2},
        encoding: {...where, x: {field: "low", type: "quantitative", title, scale: {zero: false}}, x2: {field: "high"}, color}},
      {mark: {type: "point", filled: true, size: 60, opacity: 1, tooltip: {content: "data"}},
        encoding: {...where, x: {field: "value", type: "quantitative", title, scale: {zero: false}}, color,
          shape: {field: "series", scale: {domain, range: shape}, legend: color.legend}}},
    ],
  };
}

function percents(matrix, panel) {
  const totals = {};
  for (const [truth, , count] of matrix.counts) totals[truth] = (totals[truth] || 0) + count;
  return matrix.counts.map(([truth, predicted, count]) => ({panel, true: truth, predicted, percent: 100 * count / totals[truth], count}));
}

function difference(one, other) {
  const keyOf = (row) => JSON.stringify([row.true, row.predicted]);
  const [left, right] = [one, other].map((rows) => new Map(rows.map((row) => [keyOf(row), row.percent])));
  return different([...left.keys(), ...right.keys()]).map((key) => {
    const [truth, predicted] = JSON.parse(key);
    return {panel: "difference (left − right)", true: truth, predicted, percent: (left.get(key) || 0) - (right.get(key) || 0)};
  });
}

function heatSpec(values, classes, isDifference) {
  const predicted = [...classes, ...different(values.map((row) => row.predicted)).filter((name) => !classes.includes(name))];
  const step = classes.length > 10 ? 19 : 34;
  const where = {
    y: {field: "true", type: "nominal", sort: classes, title: "true class"},
    x: {field: "predicted", type: "nominal", sort: predicted, title: "predicted class", axis: {labelAngle: -45}},
  };
  const scale = isDifference ? {domain: [-100, 0, 100], scheme: "purpleorange"} : {domain: [0, 40, 100], range: ["#f3f6f9", "#9ecae1", "#08519c"]};
  return {
    title: values[0].panel, width: {step}, height: {step: Math.min(step, 26)}, data: {values},
    layer: [
      {mark: {type: "rect", tooltip: {content: "data"}}, encoding: {...where, color: {field: "percent", type: "quantitative", scale, legend: null}}},
      {mark: {type: "text", fontSize: classes.length > 10 ? 8 : 11}, encoding: {...where, text: {field: "percent", format: ".0f"},
        color: {condition: {test: "abs(datum.percent) > 60", value: "white"}, value: "#1b1f23"}}},
    ],
  };
}

async function addExplorer(place) {
  await load(place.dataset.chart);
  const {releases} = sentinel.explorer;
  const parts = {};
  const bar = make("div", {className: "tools"});
  const chart = make("div", {className: "scroll chart", tabIndex: 0});
  chart.setAttribute("role", "region");
  chart.setAttribute("aria-label", "The figure that you chose");
  place.replaceChildren(bar, chart);
  const value = (name) => parts[name]?.value;
  const choose = (name, label, options, rebuild) => {
    const before = value(name);
    const [shown, select] = choice(label, options.map((each) => (Array.isArray(each) ? each : [each, each])), () => (rebuild ? build() : show()));
    if ([...select.options].some((each) => each.value === before)) select.value = before;
    parts[name] = select;
    bar.append(shown);
  };
  const release = () => releases.find((each) => each.name === value("dataset"));

  function build() {
    bar.replaceChildren();
    choose("dataset", "Dataset", releases.filter((each) => each.scores.length).map((each) => each.name), true);
    choose("view", "Show", [["metric", "one metric, all classifiers"], ["classes", "classes of one classifier"], ["matrix", "two confusion matrices"]], true);
    const rows = recordsOf(release());
    const names = different(rows.map((row) => row.classifier));
    if (value("view") === "matrix") {
      const options = release().matrices.map((each, at) => [at, `${each.classifier}, ${each.scheme}${different(release().matrices.map((one) => one.task)).length > 1 ? `, ${each.task}` : ""}`]);
      choose("left", "Left", options);
      choose("right", "Right", options);
      if (parts.left.value === parts.right.value && options.length > 1) parts.right.value = "1";
    } else if (value("view") === "classes") {
      const own = rows.filter((row) => row.class);
      choose("classifier", "Classifier", names.filter((name) => own.some((row) => row.classifier === name)));
      choose("metric", "Metric", different(own.map((row) => row.metric)));
    } else {
      choose("metric", "Metric", different(rows.filter((row) => !row.class).map((row) => row.metric)).concat(
        different(rows.filter((row) => row.class).map((row) => `${row.metric} · ${row.class}`))));
    }
    show();
  }

  async function show() {
    const here = release();
    const rows = recordsOf(here);
    let spec;
    if (value("view") === "matrix") {
      const [left, right] = ["left", "right"].map((side) => here.matrices[Number(value(side))]);
      const [one, other] = [left, right].map((each) => percents(each, `${each.classifier}, ${each.scheme}`));
      spec = {hconcat: [heatSpec(one, left.classes, false), heatSpec(other, right.classes, false), heatSpec(difference(one, other), left.classes, true)],
        resolve: {scale: {color: "independent"}}};
    } else if (value("view") === "classes") {
      const shown = rows.filter((row) => row.class && row.classifier === value("classifier") && row.metric === value("metric"));
      spec = intervalSpec(shown, "class", value("metric"), here);
    } else {
      const shown = rows.filter((row) => (row.class ? `${row.metric} · ${row.class}` : row.metric) === value("metric"));
      const ofTask = different(rows.map((row) => row.task)).length > 1;
      spec = intervalSpec(shown.map((row) => ({...row, classifier: ofTask ? `${row.classifier} (${row.task})` : row.classifier})), "classifier", value("metric"), here);
    }
    if (here.sample) spec.title = {text: "Sample data: simulated pixels", anchor: "start", fontSize: 11, fontWeight: "normal", color: "#5b3c00"};
    await draw(chart, {config: sentinel.explorer.config, ...spec});
  }

  build();
}

for (const place of document.querySelectorAll(".explorer[data-chart]")) {
  new IntersectionObserver((entries, watch) => {
    if (entries.some((entry) => entry.isIntersecting)) { watch.disconnect(); addExplorer(place); }
  }, {rootMargin: "300px"}).observe(place);
}
