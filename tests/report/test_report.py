"""The report: what a made-up version must show, where, and that it is always the same."""

import hashlib
import io
import itertools
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sentinel_forest import datasets
from sentinel_forest.config.model import Configuration
from sentinel_forest.datasets import pictures
from sentinel_forest.datasets.base import Block
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation.average import AVERAGES
from sentinel_forest.evaluation.calibration import CALIBRATION
from sentinel_forest.evaluation.curves import CURVES
from sentinel_forest.evaluation.engine_comparison import ENGINES
from sentinel_forest.evaluation.importance import IMPORTANCE
from sentinel_forest.evaluation.metrics import registry
from sentinel_forest.evaluation.score import CONFUSION, METRICS, PAIRED
from sentinel_forest.io.tables import write_parquet, write_text, write_tsv
from sentinel_forest.report import charts, class_maps, classes, figures, images, importance, model, pages, reproduction
from sentinel_forest.splits.balance import BALANCE, INFEASIBLE
from sentinel_forest.splits.ledger import build
from sentinel_forest.splits.split import SPLIT
from sentinel_forest.verify.catalog import schema
from sentinel_forest.verify.inspect import INTEGRITY
from sentinel_forest.versions import clean
from sentinel_forest.versions.compare import COMPARISON
from sentinel_forest.versions.headline import HEADLINE, headline_of
from sentinel_forest.versions.manifest import manifest
from sentinel_forest.versions.reproduction import REPRODUCTION

RELEASE = "cloudsen12-sample"
CLOUDSEN12 = datasets.load("cloudsen12", {"side": 96})
CLASSES = CLOUDSEN12.tasks["cloud"].names
ROLES = ["train", "train", "validation", "test", "test"]
PATCHES = [f"ROI_{number}/<p&q>" for number in range(len(ROLES))]  # ids that HTML must escape


def make_version(folder: Path, release: str = RELEASE, own: dict | None = None) -> dict[str, Path]:
    """Write a version with one release, one scheme and one trial; give the arguments of the step."""
    results = folder / "results" / "v1"
    below = results / release
    write_version(results, release, own or {})
    write_tables(below, release)
    catalog = make_catalog()
    write_parquet(folder / "work" / release / "catalog.parquet", catalog, schema(CLOUDSEN12))
    split = pd.DataFrame({"patch": PATCHES, "role": ROLES, "weight": 1.0}).astype({"patch": "str", "role": "str"})
    write_parquet(below / "splits" / "published" / "1.parquet", split, SPLIT)
    ledger = build(catalog, {("published", 1): split}, keys={"roi": "mark"})
    ledger.to_csv(below / "ledger.tsv", sep="\t", index=False)
    files = [path for path in below.rglob("*") if path.is_file()]
    write_text(results / "manifest.sha256", manifest(results, files))
    return {"results": results, "work": folder / "work", "data": folder / "data", "output": results / "report.html"}


def write_version(results: Path, release: str, own: dict) -> None:
    config = {"version": "v1", "releases": [release], "own_releases": own, "schemes": ["published"]}
    settings = Configuration.model_validate(config).model_dump()
    settings |= {key: {release: settings[key]} for key in ("forest", "draw")}
    description = {
        "configuration": {key: value for key, value in settings.items() if key not in ("version", "folders")},
        "identity": {"configuration": "c" * 64, "code": "d" * 64, "registry": {}, "data": {release: "e" * 64}},
        "skipped": [{"release": release, "kind": "reference", "name": "qa60", "reason": "lacks LABEL_qa60"}],
        "accepted": {release: ["value-range"]},
    }
    machine = {"commit": None, "environment": {"python": "3.11"}}
    write_text(results / "environment.json", json.dumps(machine))
    write_text(results / "version.json", json.dumps(description))


def make_catalog() -> pd.DataFrame:
    count = len(PATCHES)
    fractions = {f"fraction_{name}": np.zeros(count, np.float32) for name in CLASSES}
    fractions["fraction_clear"][:] = 0.75
    fractions["fraction_thick cloud"][:] = 0.25
    return pd.DataFrame(
        {
            "patch": PATCHES,
            "published_split": ROLES,
            "file": "train",
            "row": np.arange(count),
            "x": np.nan,
            "group": [patch[:5] for patch in PATCHES],
            "y": np.nan,
            "epsg": pd.array([None] * count, "Int32"),
            "lon": [0.0, 10, 20, 30, 40],
            "lat": 50.0,
            "label": np.int16(-1),
            **fractions,
            "labelled_fraction": np.float32(1),
            "content_hash": "",
            "group_source": "published",
            "roi": [patch[:5] for patch in PATCHES],
            "product": "",
            "tile": "",
        }
    ).astype(dict.fromkeys(("patch", "published_split", "file", "group", "group_source", "content_hash"), "str"))


def metric(release: str, classifier: str, name: str, of_class: str, value: float, note: str = "") -> tuple:
    features = "l1c" if classifier == "forest" else ""
    interval = (value - 0.05, value + 0.05)
    mark = "linked: <roi>"
    who = (release, "published", 1, "cloud", features, classifier, "test")
    which = (name, registry()[name].definition, "none", "all", of_class)
    return (*who, *which, value, *interval, 90, 2, mark, note)


def write_tables(below: Path, release: str) -> None:
    trial = below / "baselines" / "published" / "1"
    rows = [
        metric(release, "forest", "oa", "", 0.8127),
        metric(release, "forest", "aa.present", "", 0.7),
        metric(release, "forest", "f1", "clear", 0.6),
        metric(release, "forest", "f1", "thin cloud", np.nan, "no true thin cloud here"),
        metric(release, "forest", "boa.median", "cloud", 0.9),
        metric(release, "fmask", "oa", "", 0.5),
    ]
    metrics = pd.DataFrame(rows, columns=list(METRICS.columns))
    write_tsv(trial / "metrics.tsv", metrics, METRICS)
    averages = metrics.assign(trials=1, trial_std=np.nan)[list(AVERAGES.columns)]
    write_tsv(below / "averages.tsv", averages, AVERAGES)
    write_tsv(below.parent / "headline.tsv", headline_of([averages]), HEADLINE)
    pair = (release, "published", 1, "cloud", "l1c", "forest", "", "fmask", "test", "oa", "OA", "none", "all", "")
    pair += (0.3125, 0.1, 0.5, 0.01, 0.02, "swaps of whole groups", "2 tests", 2, 2)
    paired = pd.DataFrame([(*pair, "clean", "")], columns=list(PAIRED.columns))
    write_tsv(trial / "paired.tsv", paired, PAIRED)
    counts = [("clear", "clear", 60), ("clear", "thin cloud", 20), ("thick cloud", "thick cloud", 10)]
    all_pixels = 1.0, 2, "all", 1.0
    confusion = pd.DataFrame(
        [
            ("published", 1, "cloud", "l1c", "forest", PATCHES[3], "ROI_3", "test", true, said, count, *all_pixels)
            for true, said, count in counts
        ],
        columns=list(CONFUSION.columns),
    )
    write_parquet(trial / "confusion.parquet", confusion, CONFUSION)
    fit = {
        "importance": {"caveat": "caveat of the fit", "features": {"B1": 0.25, "B2": 0.75}},
        "notes": ["a note"],
        "out_of_bag": {"rows": 90, "accuracy": 0.9377, "balanced_accuracy": None},
    }
    write_text(trial / "l1c" / "fit.json", json.dumps(fit))
    findings = pd.DataFrame(
        [
            ("train/L1C_B1.dat", "bytes", "size", "ok", "1", "1", "", ""),
            (
                "train/L1C_B2.dat",
                "content",
                "value-range",
                "failed",
                "<script>alert(1)</script>",
                "less",
                "look",
                "kept",
            ),
        ],
        columns=list(INTEGRITY.columns),
    )
    write_tsv(below / "integrity.tsv", findings, INTEGRITY)
    balance = [("size", "test", "", 2, 0.4, 0.1, 0.3), ("class", "test", "clear", 1.5, 0.75, 0.7, 0.05)]
    splits = below / "splits" / "published"
    write_tsv(
        splits / "1.balance.tsv",
        pd.DataFrame(balance, columns=list(BALANCE.columns)).astype({"patches": float}),
        BALANCE,
    )
    unmet = pd.DataFrame([("5 groups", "3", "too few")], columns=list(INFEASIBLE.columns))
    write_tsv(splits / "1.infeasible.tsv", unmet, INFEASIBLE)
    write_inspection(trial)
    write_sheet(below.parent, release)


def write_inspection(trial: Path) -> None:
    """Two band families, a curve of two steps, two bins of which one is empty."""
    caveat = "caveat of the families"
    families = [("visible", 3, 0.31, 0.25, 0.4, 0.6), ("red edge", 3, 0.02, -0.01, 0.05, 0.4)]
    write_tsv(
        trial / "importance.tsv",
        pd.DataFrame(
            [
                ("l1c", "cloud", name, members, "oa", 0.8, *lost, impurity, 90, 2, "", caveat)
                for name, members, *lost, impurity in families
            ],
            columns=list(IMPORTANCE.columns),
        ),
        IMPORTANCE,
    )
    steps = [
        *[("trees", 1, 8, "oa", "", 0.6), ("trees", 20, 8, "oa", "", 0.8125)],
        *[("trees", 20, 8, "brier", "cloud", 0.0625)],
        *[("groups", 20, 1, "oa", "", np.nan), ("groups", 20, 8, "oa", "", 0.8125)],
    ]
    curves = [
        ("l1c", "cloud", curve, 1, trees, groups, 100, name, event, value, value - 0.05, value + 0.05, 90, 2, "")
        for curve, trees, groups, name, event, value in steps
    ]
    write_tsv(trial / "curves.tsv", pd.DataFrame(curves, columns=list(CURVES.columns)), CURVES)
    bins = [(0.0, 0.1, 0.04, 0.25, 0.1, 0.4, 1.0, 90), (0.1, 0.2, *[np.nan] * 4, 0.0, 0)]
    calibration = pd.DataFrame(
        [("l1c", "cloud", "cloud", kind, *values, 2, "") for kind in ("none", "isotonic") for values in bins],
        columns=list(CALIBRATION.columns),
    )
    write_tsv(trial / "calibration.tsv", calibration, CALIBRATION)
    scored = ("l1c", "cloud", "oa", 0.8125, 0.75, 0.875)
    beside = [
        (*scored[:2], "scikit-learn", *scored[2:], 0.9375, 0.125, "", *[np.nan] * 5, "", 90, 2, ""),
        (
            *scored[:2],
            "scikit-learn-intelex",
            *scored[2:],
            0.9375,
            0.125,
            "scikit-learn",
            0.0625,
            -0.25,
            0.3125,
            0.04,
            0.08,
            "cluster bootstrap over groups",
            90,
            2,
            "few groups",
        ),
    ]
    write_tsv(trial / "engines.tsv", pd.DataFrame(beside, columns=list(ENGINES.columns)), ENGINES)


def write_sheet(results: Path, release: str) -> None:
    """A figure that is inside, one (a percentage) that is outside, one that cannot be compared."""
    figures_of_papers = [
        ("inside", "oa", "OA", "", 0.8, 0.8127, 0.76, 0.86),
        ("outside by +3", "pa.low", "PA, % of cloudy patches below 0.1", "cloud", 2.0, 10.0, 5.0, 15.0),
        ("not comparable: sample data", "boa.median", "BOA, median over patches", "cloud", 0.92, 0.9, 0.85, 0.95),
    ]
    rows = [
        (
            "a-paper",
            "its figure",
            "confirmed",
            release,
            "published",
            1,
            "forest",
            "l1c",
            "cloud",
            "test",
            name,
            definition,
            of_class,
            "as in this project",
            *values,
            verdict,
            "",
            "doi 10.0000/made-up",
            "five folds",
        )
        for verdict, name, definition, of_class, *values in figures_of_papers
    ]
    sheet = pd.DataFrame(rows, columns=list(REPRODUCTION.columns))
    write_tsv(results / "reproduction.tsv", sheet, REPRODUCTION)


def write_comparison(results: Path, moved: bool = True) -> None:
    """One score that left its interval, and one that is new, since the version v0."""
    keys = (RELEASE, "published", 1)
    first = ("test", "oa", "none", "all", "")
    rows = [
        (
            *keys,
            "cloud",
            "l1c",
            "forest",
            *first,
            "moved",
            0.5,
            0.4,
            0.6,
            0.8125,
            0.7,
            0.9,
            0.3125,
            "yes",
            "configuration: <trees>",
        ),
        (*keys, "cloud", "", "fmask", *first, "only now", *[np.nan] * 3, 0.5, 0.4, 0.6, np.nan, "", ""),
    ]
    table = pd.DataFrame(rows if moved else [], columns=list(COMPARISON.columns))
    kinds = {name: str(column.dtype) for name, column in COMPARISON.columns.items()}
    write_tsv(results / "compare_v0.tsv", table.astype(kinds), COMPARISON)


class Outline(HTMLParser):
    """What a page is made of: tags with attributes, ids, headings, text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def outlines(results: Path) -> dict[Path, Outline]:
    paths = [results / "report.html", *sorted((results / "report").glob("*.html"))]
    return {path: Outline(path.read_text(encoding="utf-8")) for path in paths}


@pytest.fixture(scope="module")
def version(tmp_path_factory) -> Path:
    """A made-up version of a sample with its report; only read it."""
    folder = tmp_path_factory.mktemp("version")
    pages.pages(**make_version(folder))
    return folder / "results" / "v1"


def row_with(page: str, *texts: str) -> str:
    """The only table row that holds all texts."""
    rows = [row for row in re.findall(r"<tr>.*?</tr>", page, re.S) if all(text in row for text in texts)]
    assert len(rows) == 1, rows
    return rows[0]


def test_all_pages_are_written_and_reach_each_other(version):
    names = {path.stem for path in outlines(version)}
    assert names == {
        "report",
        "integrity",
        "datasets",
        "galleries",
        "mistakes",
        "splits",
        "features",
        "baselines",
        "forests",
        "reproduction",
        "provenance",
    }
    for path, page in outlines(version).items():
        targets = {(path.parent / str(link["href"])).resolve() for link in page.all("a") if link["href"]}
        assert set(outlines(version)) <= {*targets, path} | targets


def test_every_link_leads_to_a_file_or_a_place_that_exists(version):
    for path, page in outlines(version).items():
        places = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
        addresses = [str(link.get("href")) for tag in ("a", "link") for link in page.all(tag)]
        addresses += [str(item["src"]) for tag in ("img", "script") for item in page.all(tag)]
        for address in addresses:
            if address.startswith("#"):
                assert address[1:] in places, (path.name, address)
            elif not address.startswith(("https://", "data:")):
                assert (path.parent / address).resolve().is_file(), (path.name, address)


def test_nothing_comes_from_a_network(version):
    for path, page in outlines(version).items():
        for tag, attributes in page.tags:
            for name in ("src", "href", "srcset", "action"):
                if str(attributes.get(name, "")).startswith(("http:", "https:", "//")):
                    assert (tag, name) == ("a", "href"), path
    style = (version / "report" / "style.css").read_text(encoding="utf-8")
    assert "url(" not in style
    assert "@import" not in style


def test_a_headline_number_has_its_data_split_definition_interval_mark_and_file(version):
    page = (version / "report.html").read_text(encoding="utf-8")
    row = row_with(page, "0.813 [0.763,\u00a00.863]")
    for expected in (RELEASE, "published", "l1c", ">OA</td>", "linked: &lt;roi&gt;", ">90</td>", ">2</td>"):
        assert expected in row
    assert f'href="{RELEASE}/baselines/published/1/metrics.tsv">1</a>' in row
    assert "BOA, median over patches: cloud" in row_with(page, "0.900 [0.850,")


def test_the_first_page_says_first_what_was_found(version):
    page = Outline((version / "report.html").read_text(encoding="utf-8"))
    found = page.text.index("The random forest on the features l1c reaches 0.813 [0.763, 0.863] (OA)")
    assert "on test patches of a split that is not clean (linked: <roi>)" in page.text[found : found + 150]
    assert "the best reference algorithm (fmask) reaches 0.500 [0.450, 0.550]." in page.text
    assert "Doubts: the data are simulated" in page.text
    assert "failed checks were accepted: value-range" in page.text
    assert found < page.text.index("Headline scores on test patches") < page.text.index("What was run")


def test_published_figures_stand_beside_ours_with_a_verdict(version):
    page = (version / "report" / "reproduction.html").read_text(encoding="utf-8")
    row = row_with(page, "0.813 [0.760,\u00a00.860]", ">0.8</td>", "tone good")
    for expected in ("its figure", RELEASE, "published", "test", ">OA</td>", "inside"):
        assert expected in row
    assert "BOA, median over patches: cloud" in row_with(page, "not comparable: sample data", ">0.92</td>")


def test_only_what_can_be_compared_is_drawn_and_percentages_as_shares(version, monkeypatch):
    drawn = []
    monkeypatch.setattr(figures, "intervals", lambda frame, axis, **_: drawn.append(frame.set_index("series")))
    sheet = pd.read_csv(version / "reproduction.tsv", sep="\t", keep_default_na=False, na_values=[""])
    sheet["class"] = sheet["class"].fillna("")
    sheet["kind"] = sheet["verdict"].map(reproduction.kind)
    compared = sheet[sheet["kind"] != reproduction.NOT_COMPARABLE]
    plot = reproduction._drawn(SimpleNamespace(is_sample=lambda _: False), "a-paper", compared)
    assert sorted(drawn[0].loc["published", "value"]) == [0.02, 0.8]
    assert drawn[0].loc["ours, differs", ["value", "low", "high"]].tolist() == [0.1, 0.05, 0.15]
    assert plot.alternative.startswith(("1 agrees, 1 differs.", "1 differs, 1 agrees."))


def test_behaviour_of_forests_is_shown_with_its_caveats(version):
    forests = outlines(version)[version / "report" / "forests.html"]
    alternatives = " ".join(str(image["alt"]) for image in forests.all("img"))
    assert "With all 20 trees: OA 0.812, Brier score of cloud 0.062." in alternatives
    assert "from the diagonal: forest 0.210, after isotonic calibration 0.210." in alternatives
    assert "With all 8 training groups: OA 0.812." in alternatives
    features = outlines(version)[version / "report" / "features.html"]
    assert any("visible OA 0.310, red edge OA 0.020" in str(image["alt"]) for image in features.all("img"))
    assert "Caveat: caveat of the families." in features.text


def test_out_of_bag_scores_stand_beside_test_scores_with_the_gap(version):
    page = (version / "report" / "forests.html").read_text(encoding="utf-8")
    row = row_with(page, "0.813 [0.763,\u00a00.863]")
    for expected in (">OA</td>", ">0.938</td>", ">0.125</td>", "linked: &lt;roi&gt;"):
        assert expected in row
    assert "AA over present classes" not in page  # its out-of-bag score is not known


def test_engines_stand_side_by_side(version):
    page = (version / "report" / "forests.html").read_text(encoding="utf-8")
    row = row_with(page, ">scikit-learn-intelex</td>", "0.062 [-0.250,\u00a00.312]")
    for expected in (">0.040</td>", ">0.080</td>", "few groups", "cluster bootstrap over groups"):
        assert expected in row
    configured = row_with(page, ">scikit-learn</td>", "0.812 [0.750,\u00a00.875]", '<td class="number"></td>')
    assert ">0.125</td>" in configured
    assert f'href="../{RELEASE}/baselines/published/1/engines.tsv"' in page


def test_comparisons_are_a_page_where_there_are_some(tmp_path):
    arguments = make_version(tmp_path)
    results = tmp_path / "results" / "v1"
    write_comparison(results)
    pages.pages(**arguments)
    page = (results / "report" / "comparison.html").read_text(encoding="utf-8")
    row = row_with(page, "0.500 [0.400,\u00a00.600]", "0.812 [0.700,\u00a00.900]")
    for expected in (RELEASE, "forest l1c", ">OA</td>", ">yes</td>", "configuration: &lt;trees&gt;"):
        assert expected in row
    assert "only now" in row_with(page, "only now", ">1</td>")
    assert 'href="../compare_v0.tsv"' in page
    assert "report/comparison.html" in (results / "report.html").read_text(encoding="utf-8")


def test_a_comparison_without_differences_says_so(tmp_path):
    arguments = make_version(tmp_path)
    write_comparison(tmp_path / "results" / "v1", moved=False)
    pages.pages(**arguments)
    page = tmp_path / "results" / "v1" / "report" / "comparison.html"
    assert "v1 and v0 have the same scores" in Outline(page.read_text(encoding="utf-8")).text


def test_an_undefined_metric_is_empty_and_says_why(version):
    page = (version / "report" / "baselines.html").read_text(encoding="utf-8")
    row = row_with(page, "thin cloud", "F1", "forest")
    assert "no true thin cloud here" in row
    assert '<td class="number"></td>' in row
    assert not re.search(r"\bnan\b", page.lower())


def test_every_figure_and_table_of_scores_carries_the_mark(version):
    """Figures in the words of their colours; the tables of scores have a column for it."""
    assert (
        "published: leaks"
        in (version / "report" / "figures" / "f1-by-class-of-the-forest-l1c-on-cloudsen12-sample.tsv").read_text()
    )
    assert "published: leaks: 70 of 90" in str(
        outlines(version)[version / "report" / "baselines.html"].all("img")[0]["alt"]
    )
    tables = re.findall(r"<table.*?</table>", (version / "report" / "baselines.html").read_text(), re.S)
    scored = [table for table in tables if "[95 % interval]" in table]
    assert scored
    assert all(re.search(r'<th scope="col" class="mark">mark</th>', table) for table in scored)


def test_confusion_counts_are_those_of_the_table(version):
    path = version / "report" / "figures" / "confusion-of-the-forest-on-l1c-cloudsen12-sample.tsv"
    counts = pd.read_csv(path, sep="\t").set_index(["true", "predicted"])["count"]
    assert counts[counts > 0].to_dict() == {
        ("clear", "clear"): 60,
        ("clear", "thin cloud"): 20,
        ("thick cloud", "thick cloud"): 10,
    }
    alternatives = [image["alt"] for image in outlines(version)[version / "report" / "baselines.html"].all("img")]
    assert any("70 of 90 on the diagonal (clear 75 %, thick cloud 100 %)" in str(text) for text in alternatives)


def test_accepted_checks_and_what_was_skipped_are_shown(version):
    page = Outline((version / "report.html").read_text(encoding="utf-8")).text
    assert "accepted: value-range" in page
    assert "qa60lacks LABEL_qa60" in page
    assert "accepted by the user: value-range" in Outline((version / "report" / "integrity.html").read_text()).text


def test_text_from_files_is_no_markup(version):
    for page in outlines(version).values():
        assert [str(script["src"]).endswith("report.js") for script in page.all("script")] == [True]
    assert "<script>alert(1)</script>" in outlines(version)[version / "report" / "integrity.html"].text


def test_every_page_and_every_figure_of_a_sample_is_labelled(version):
    for path, page in outlines(version).items():
        assert "Sample data." in page.text, path
    assert '<span class="chip">sample</span>' in (version / "report" / "baselines.html").read_text(encoding="utf-8")
    drawn = list((version / "report" / "figures").glob("*.svg"))
    assert drawn
    assert not [path.name for path in drawn if "Sample data: simulated pixels" not in path.read_text(encoding="utf-8")]


def test_data_of_ones_own_are_not_called_a_sample(tmp_path):
    own = {"mine": {"dataset": "cloudsen12", "folder": "x", "layout": {"side": 96}, "licence": "CC-BY-NC-4.0"}}
    pages.pages(**make_version(tmp_path, "mine", own))
    for page in outlines(tmp_path / "results" / "v1").values():
        assert "Sample data." not in page.text
        assert not [item for item in page.all("span") if item.get("class") == "chip"]
    text = outlines(tmp_path / "results" / "v1")[tmp_path / "results" / "v1" / "report" / "provenance.html"].text
    assert "forbids commercial use" in text


def test_pages_can_be_used_without_eyes(version):
    for path, page in outlines(version).items():
        assert page.all("html")[0]["lang"] == "en"
        assert page.all("a")[0] == {"class": "skip", "href": "#content"}
        levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), path
        assert all(image.get("alt") for image in page.all("img"))
        assert all(heading.get("scope") in ("row", "col") for heading in page.all("th"))
        ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
        assert len(ids) == len(set(ids)), path
        assert [link for link in page.all("a") if link.get("aria-current") == "page"]


def test_every_figure_says_how_to_read_it_and_names_its_files(version):
    for page in outlines(version).values():
        plots = [image for image in page.all("img") if str(image["class"]).startswith("plot")]
        assert page.text.count("How to read it. ") == len(plots)
        assert page.text.count("What would be suspicious.") == len(plots)
        parts = len(plots) + len(page.all("table"))
        assert len([item for item in page.all("details") if item.get("class") == "from"]) >= parts


def test_the_same_version_gives_the_same_bytes(version, tmp_path):
    pages.pages(**make_version(tmp_path))
    files = {path.relative_to(version): path.read_bytes() for path in version.rglob("*") if path.is_file()}
    again = tmp_path / "results" / "v1"
    assert files == {path.relative_to(again): path.read_bytes() for path in again.rglob("*") if path.is_file()}
    assert not [path for path in version.iterdir() if path.name.startswith(".")]


def test_what_an_earlier_configuration_left_is_not_shown(tmp_path):
    """Results of a draft are written over; the manifest says which of them are of now."""
    arguments = make_version(tmp_path)
    results = tmp_path / "results" / "v1"
    for below in ("splits", "baselines"):
        shutil.copytree(results / RELEASE / below / "published", results / RELEASE / below / "formerly")
    pages.pages(**arguments)
    assert "formerly" not in "".join(path.read_text() for path in results.rglob("*.html"))


def test_a_report_replaces_the_one_before_whole(tmp_path):
    arguments = make_version(tmp_path)
    stale = tmp_path / "results" / "v1" / "report" / "stale.html"
    write_text(stale, "old")
    pages.pages(**arguments)
    assert not stale.exists()


def test_a_report_that_fails_leaves_the_one_before(tmp_path, monkeypatch):
    arguments = make_version(tmp_path)
    pages.pages(**arguments)
    before = (tmp_path / "results" / "v1" / "report" / "splits.html").read_bytes()
    monkeypatch.setattr(pages, "_html", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        pages.pages(**arguments)
    assert (tmp_path / "results" / "v1" / "report" / "splits.html").read_bytes() == before
    assert not [path for path in (tmp_path / "results" / "v1").iterdir() if path.name.startswith(".")]


def test_scripts_are_put_together_once_and_a_damaged_copy_is_not_used(tmp_path, monkeypatch):
    arguments = make_version(tmp_path)
    written = tmp_path / "results" / "v1" / "report" / "vega.js"
    pages.pages(**arguments)
    whole = written.read_bytes()
    with monkeypatch.context() as changed:
        changed.setattr(charts, "_scripts", lambda: 1 / 0)
        pages.pages(**arguments)
    assert written.read_bytes() == whole
    (copy,) = (tmp_path / "work" / "store" / "vega").glob("*/script")
    entries = [entry for entry in clean.read_entries(tmp_path / "work" / "store") if entry.step == "vega"]
    assert len(entries) == 1
    assert clean.unneeded(entries, clean.version_checksums(tmp_path / "results")) == []
    copy.write_bytes(b"alert(1)")
    pages.pages(**arguments)
    assert written.read_bytes() == whole


def test_what_is_drawn_once_is_kept_while_a_report_shows_it(tmp_path, monkeypatch):
    arguments, store = make_version(tmp_path), tmp_path / "work" / "store"
    figures = tmp_path / "results" / "v1" / "report" / "figures"
    pages.pages(**arguments)
    drawn = {path.name: path.read_bytes() for path in figures.glob("*.svg")}
    assert drawn
    with monkeypatch.context() as changed:
        changed.setattr(charts, "svg", lambda _: 1 / 0)
        pages.pages(**arguments)
    assert {path.name: path.read_bytes() for path in figures.glob("*.svg")} == drawn
    kept = [entry for entry in clean.read_entries(store) if entry.step == "figure"]
    assert {output for entry in kept for output in entry.outputs} == {
        hashlib.sha256(content).hexdigest() for content in drawn.values()
    }
    assert clean.unneeded(kept, clean.version_checksums(tmp_path / "results")) == []
    (figures / min(drawn)).unlink()
    (gone,) = clean.unneeded(kept, clean.version_checksums(tmp_path / "results"))
    assert (gone.folder / "drawing").read_bytes() == drawn[min(drawn)]


def test_another_description_is_drawn_anew(tmp_path):
    first, second = (json.dumps({"mark": "bar", "data": {"values": [{"x": x}]}, "width": 20}) for x in (1, 2))
    for text in (first, second, first):
        assert charts.write_svg(tmp_path / "a.svg", text, tmp_path) == charts.svg(json.loads(text))
    assert len(list(tmp_path.glob("figure/*/drawing"))) == 2


def test_pages_say_what_is_not_there(tmp_path):
    arguments = make_version(tmp_path)
    shutil.rmtree(tmp_path / "work")
    pages.pages(**arguments)
    pages_by_name = {path.stem: page.text for path, page in outlines(tmp_path / "results" / "v1").items()}
    assert "is not among the working files" in pages_by_name["datasets"]
    assert "there are no pictures" in pages_by_name["galleries"]


def test_a_folder_without_a_finished_version_is_refused(tmp_path):
    arguments = make_version(tmp_path)
    (tmp_path / "results" / "v1" / "version.json").unlink()
    with pytest.raises(InputError, match="no finished version"):
        pages.pages(**arguments)


# Parts


@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(1, 9)), min_size=1, max_size=40))
def test_weighted_quantiles_are_those_of_repeated_values(pairs):
    values = pd.Series([float(value) for value, _ in pairs])
    weight = pd.Series([float(times) for _, times in pairs])
    repeated = np.repeat(values.to_numpy(), weight.astype(int))
    expected = np.quantile(repeated, importance.QUANTILES, method="inverted_cdf")
    found = importance._quantiles(values, weight)
    at = np.array(importance.QUANTILES) * len(repeated)
    exact = np.abs(at - np.round(at)) > 1e-9  # between two values either is a quantile
    assert np.array_equal(np.array(found)[exact], expected[exact])


@pytest.mark.parametrize(
    ("value", "text", "key"),
    [(0.8125, "0.812", "0.8125"), (1234, "1\u202f234", "1234"), (float("nan"), "", ""), (2.0, "2", "2")],
)
def test_numbers_are_short_to_read_and_sorted_in_full(value, text, key):
    cell = model.number(value)
    assert (cell.text, cell.key) == (text, key)


def test_figures_hold_the_published_colours_and_are_always_the_same():
    task = CLOUDSEN12.tasks["cloud"]
    colours = {category.name: category.colour for category in task.categories}
    fractions = pd.DataFrame({"train": [0.25] * 4}, index=list(task.names))
    drawn = charts.svg(figures.class_fractions(fractions, colours).complete())
    assert all(colour in drawn for colour in colours.values())
    assert charts.svg(figures.class_fractions(fractions, colours).complete()) == drawn


def test_reference_answers_are_drawn_in_the_colour_of_what_they_stand_for():
    task = CLOUDSEN12.tasks["cloud"]
    fmask = CLOUDSEN12.references["fmask"]
    stands = [task.names[class_maps._stand_in(task, fmask, number)] for number in range(len(fmask.predicted))]
    assert dict(zip(fmask.predicted, stands, strict=True)) == {
        "land": "clear",
        "water": "clear",
        "snow": "clear",
        "cloud shadow": "cloud shadow",
        "cloud": "thick cloud",
    }


def test_maps_are_painted_class_by_class():
    painted = class_maps.coloured(np.array([[0, 1], [255, 0]], np.uint8), ["#8b4000", "#0a0b0c"])
    assert painted.tolist() == [[[139, 64, 0], [10, 11, 12]], [[255, 255, 255], [139, 64, 0]]]


def test_bands_are_stretched_alike_and_gaps_are_white():
    channel = np.array([[-0.1, 0.0], [pictures.WHITE, np.nan]], np.float32)
    made = images.coloured(pictures.TRUE_COLOUR, dict.fromkeys(("B4", "B3", "B2"), channel))
    assert made[..., 0].tolist() == [[0, 0], [255, 255]]
    dark = np.zeros_like(channel)
    one_gap = images.coloured(pictures.TRUE_COLOUR, {"B4": channel, "B3": dark, "B2": dark})
    assert one_gap[1].tolist() == [[255, 0, 0], [255, 255, 255]]


def test_radar_is_drawn_in_the_stated_range_of_decibels():
    """VV, VH and their difference at the ends and in the middle of their ranges."""
    vv = np.array([[-25.0, 5.0, -10.0, -40.0, np.nan]], np.float32)
    vh = np.array([[-25.0, -10.0, -17.0, -40.0, -17.0]], np.float32)
    shades = [[0, 60, 0], [255, 187, 255], [128, 128, 119], [0, 0, 0], [255, 255, 255]]
    assert images.coloured(pictures.RADAR, {"VV": vv, "VH": vh})[0].tolist() == shades
    for bound in ("red VV from −25 (dark) to 5", "green VH from −32 (dark) to −2", "0 (dark) to 15"):
        assert bound in pictures.SENTINEL.reading


def test_pictures_hold_every_pixel_and_know_their_size():
    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    made = images.picture("caption", "alternative", pixels)
    assert made.size == (3, 2)
    assert np.array_equal(decoded(made), pixels)


def decoded(picture: model.Picture) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture.content)))


def test_strips_hold_small_patches_as_they_are_with_white_between_them():
    one, other = (np.full((2, 2, 3), shade, np.uint8) for shade in (10, 200))
    made = images.strip("caption", "alternative", [one, other])
    assert made.size == (5, 2)
    assert decoded(made)[0, :, 0].tolist() == [10, 10, 255, 200, 200]


def test_large_patches_are_averaged_in_strips():
    side = 2 * images.THUMBNAIL
    board = np.indices((side, side)).sum(axis=0) % 2 * 200
    made = images.strip("caption", "alternative", [np.stack([board] * 3, axis=-1).astype(np.uint8)])
    assert made.size == (images.THUMBNAIL, images.THUMBNAIL)
    assert np.unique(decoded(made)).tolist() == [100]


@pytest.mark.parametrize(
    ("dataset", "vv", "vh"),
    [
        ("cloudsen12", "S1_VV", "S1_VH"),
        ("so2sat", "sen1:VV_intensity", "sen1:VH_intensity"),
        ("sen12ms", "s1:VV", "s1:VH"),
    ],
)
def test_the_bands_of_pictures_are_found_in_every_dataset(dataset, vv, vh):
    about = datasets.load(dataset)
    bands = images.bands(about, frozenset(about.layer_table))
    assert (bands["VV"], bands["VH"]) == (vv, vh)
    assert images.composites(about, bands) == (pictures.RADAR, pictures.TRUE_COLOUR, pictures.FALSE_COLOUR)
    assert not images.composites(about, images.bands(about, frozenset()))
    assert images.composites(about, {"VV", "B2", "B3", "B4"}) == (pictures.TRUE_COLOUR,)


def scenes(folder: Path, told: list[tuple[str, str]]) -> tuple[SimpleNamespace, pd.DataFrame]:
    """A release of eight patches of 32 x 32: classes 16 and 0 by turns, the last two without a label.

    Reflectance of the patch in row n is n / 100; VV is 1 (0 dB), VH 0.01 (-20 dB). `told`: answers of a
    forest by patch.
    """
    about = datasets.load("so2sat")

    def blocks(where, rows, layers, patches):
        for number in rows["row"]:
            shades = {"sen1:VV_intensity": 1.0, "sen1:VH_intensity": 0.01}
            arrays = {layer: np.full((1, 32, 32), shades.get(layer, number / 100)) for layer in layers}
            yield Block(rows[rows["row"] == number], arrays)

    dataset = SimpleNamespace(
        blocks=blocks,
        physical=about.physical,
        layer_table=about.layer_table,
        tasks=about.tasks,
        pictures=about.pictures,
        patch_classes=about.patch_classes,
        classes=about.classes,
    )
    confusion = pd.DataFrame(
        [
            ("published", 1, "lcz", "s1", classifier, patch, "", "test", "?", said, 1, 1.0, 2, "all", 1.0)
            for classifier in ("forest", "majority")
            for patch, said in (told if classifier == "forest" else [("p0", "Majority")])
        ],
        columns=list(CONFUSION.columns),
    )
    write_parquet(folder / "confusion.parquet", confusion, CONFUSION)
    release = SimpleNamespace(
        name="r",
        dataset=dataset,
        layers=frozenset(about.layer_table),
        primary=("published", 1),
        data=folder,
        work=folder,
        results=folder,
        is_sample=False,
        from_file=lambda pattern, rule, **_: model.Source(pattern, rule),
        path=lambda *_, **__: folder / "confusion.parquet",
        work_path=lambda *_, **__: folder / "catalog.parquet",
    )
    labels = [16, 0, 16, 0, 16, 16, 16, -1]
    patches = [f"p{number}" for number in range(8)]
    return release, pd.DataFrame({"patch": patches, "row": range(8), "label": labels})


def test_each_class_has_a_gallery_of_its_first_patches(tmp_path):
    release, test = scenes(tmp_path, [("p0", "Water"), ("p1", "Water")])
    pair, note, *galleries = classes.items(release, release.dataset.tasks["lcz"], test)
    assert [each.title for each in galleries] == ["Class Compact high-rise in r", "Class Water in r"]
    assert [[each.caption for each in gallery.pictures] for gallery in galleries] == [
        ["p1. Truth: Compact high-rise. Forest s1: Water (wrong).", "p3. Truth: Compact high-rise."],
        ["p0. Truth: Water. Forest s1: Water (correct).", *(f"p{n}. Truth: Water." for n in (2, 4, 5))],
    ]
    assert "4 of 5 test patches" in galleries[1].reading
    assert "Compact mid-rise" in note.text
    assert "Water" not in note.text
    assert pair.title == "Both sensors on patch p0 of r"  # a gallery of pixels may show the same patch
    assert [each.caption for each in pair.pictures] == [pictures.RADAR.name, pictures.TRUE_COLOUR.name]
    assert "Truth: Water. Forest s1: Water (correct)." in pair.reading


def test_a_strip_shows_the_patch_that_its_caption_names(tmp_path):
    release, test = scenes(tmp_path, [])
    *_, water = classes.items(release, release.dataset.tasks["lcz"], test)
    for made, row in zip(water.pictures, (0, 2, 4, 5), strict=True):
        strip = decoded(made)
        assert strip.shape == (32, 3 * 32 + 2, 3)
        expected = round(255 * (row / 100 / pictures.WHITE) ** pictures.TRUE_COLOUR.gamma)
        assert strip[0, 33].tolist() == [expected] * 3
        radar = images.coloured(pictures.RADAR, {"VV": np.zeros((1, 1)), "VH": np.full((1, 1), -20.0)})
        assert strip[0, 0].tolist() == radar[0, 0].tolist()


def test_a_release_without_bands_or_classes_says_so(tmp_path):
    release, test = scenes(tmp_path, [])
    task = release.dataset.tasks["lcz"]
    assert [type(each) for each in classes.items(release, task, test.assign(label=-1))] == [model.Note]
    release.layers = frozenset({"sen2:B2"})
    assert [type(each) for each in classes.items(release, task, test)] == [model.Note]
