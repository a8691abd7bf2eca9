"use strict";
// Makes every table sort by its headings and filter by words. Without it the tables are simply there.

function keyOf(row, column) {
  return row.cells[column].dataset.key || row.cells[column].textContent.trim();
}

function compare(one, other) {
  if (one === "" || other === "") return (one === "") - (other === "");
  const numbers = [Number(one), Number(other)];
  if (numbers.some(Number.isNaN)) return one.localeCompare(other, "en", {numeric: true});
  return numbers[0] - numbers[1];
}

function sort(table, heading) {
  const body = table.tBodies[0];
  const column = heading.cellIndex;
  const descending = heading.getAttribute("aria-sort") === "ascending";
  for (const each of table.tHead.rows[0].cells) each.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
  const rows = [...body.rows].map((row) => [keyOf(row, column), row]);
  rows.sort(([one], [other]) => {
    const order = compare(one, other);
    return descending && one !== "" && other !== "" ? -order : order;
  });
  body.append(...rows.map(([, row]) => row));
}

function filter(table, words, count) {
  const rows = [...table.tBodies[0].rows];
  let shown = 0;
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
    shown += !row.hidden;
  }
  count.textContent = `${shown} of ${rows.length} rows`;
}

function addTools(table) {
  const tools = document.createElement("div");
  const label = document.createElement("label");
  const input = document.createElement("input");
  const count = document.createElement("span");
  tools.className = "tools";
  input.type = "search";
  count.setAttribute("role", "status");
  label.append("Filter rows: ", input);
  tools.append(label, count);
  table.parentElement.before(tools);
  const update = () => filter(table, input.value.toLowerCase().split(/\s+/).filter(Boolean), count);
  input.addEventListener("input", update);
  update();
}

// Paper shows what is folded on a screen.
window.addEventListener("beforeprint", () => {
  for (const folded of document.querySelectorAll("details.folded")) folded.open = true;
});

for (const table of document.querySelectorAll("table")) {
  for (const heading of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    button.addEventListener("click", () => sort(table, heading));
    heading.append(button);
  }
  if (table.tBodies[0].rows.length > 8) addTools(table);
}
