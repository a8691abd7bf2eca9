"""Scores of two hand-made versions: what moved, by how much, beyond what, explained by what."""

import json

import pandas as pd
import pytest

from sentinel_forest.errors import InputError
from sentinel_forest.evaluation.score import METRICS
from sentinel_forest.versions import compare, index
from sentinel_forest.versions import manifest as manifests

COLUMNS = list(METRICS.columns)
TRIAL = "r/baselines/published/1/metrics.tsv"
SPLIT = "r/splits/published/1.parquet"


def _score(value, low=0.4, high=0.6, classifier="forest", role="test"):
    about = ["r", "published", 1, "cloud", "l1c", classifier, role, "oa", "OA", "none", "all", ""]
    return [*about, value, low, high, 10, 2, "clean", ""]


def _version(folder, scores, split="s", **changes):
    """A finished version with one trial; `changes` go into its description."""
    for path, text in ((TRIAL, None), (SPLIT, split)):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            pd.DataFrame(scores, columns=COLUMNS).to_csv(folder / path, sep="\t", index=False)
        else:
            (folder / path).write_text(text)
    identity = {"configuration": "c", "code": "d", "registry": {"r": "e"}, "data": {"r": "f"}}
    about = {
        "configuration": {"releases": ["r"], "schemes": ["published"], "feature_sets": ["l1c"], "forest": {"trees": 5}},
        "identity": identity | changes.pop("identity", {}),
        "environment": {"numpy": "2.4.6", "python": "3.11.7"},
        "commit": None,
    } | changes
    (folder / "version.json").write_text(json.dumps(about))
    manifest = manifests.manifest(folder, [folder / TRIAL, folder / SPLIT])
    (folder / "manifest.sha256").write_text(manifest)
    return folder


def _compared(tmp_path, before, now, **changes):
    sides = [compare.read(_version(tmp_path / "v1", before)), compare.read(_version(tmp_path / "v2", now, **changes))]
    return compare.comparison(*sides)


def test_equal_scores_are_left_out(tmp_path):
    table = _compared(
        tmp_path, [_score(0.5), _score(None, None, None, "Fmask")], [_score(0.5), _score(None, None, None, "Fmask")]
    )
    assert table.empty
    assert compare.text(table, "v1", "v2") == "v2 and v1 have the same scores"


def test_predictions_made_elsewhere_are_compared_like_forests(tmp_path):
    sides = []
    for name, value in (("v1", 0.6), ("v2", 1.0)):
        folder = _version(tmp_path / name, [_score(0.5)])
        table = folder / "r/foreign/net/metrics.tsv"
        table.parent.mkdir(parents=True)
        pd.DataFrame([_score(value, classifier="net")], columns=COLUMNS).to_csv(table, sep="\t", index=False)
        files = [folder / TRIAL, folder / SPLIT, table]
        (folder / "manifest.sha256").write_text(manifests.manifest(folder, files))
        sides.append(compare.read(folder))
    found = compare.comparison(*sides)
    assert found[["classifier", "before", "now"]].to_numpy().tolist() == [["net", 0.6, 1.0]]


def test_a_score_whose_interval_alone_differs_has_not_moved(tmp_path):
    table = _compared(tmp_path, [_score(0.5)], [_score(0.5, low=0.41)])
    assert "0 scores moved, 0 of them beyond their interval, 0 without one; of 1 only the interval" in compare.text(
        table, "v1", "v2"
    )


@pytest.mark.parametrize(
    ("before", "now", "difference", "beyond"),
    [
        ((0.5, 0.4, 0.6), (0.55, 0.45, 0.65), 0.05, "no"),
        ((0.5, 0.4, 0.6), (0.6, 0.45, 0.65), 0.1, "no"),
        ((0.5, 0.4, 0.6), (0.61, 0.5, 0.7), 0.11, "yes"),
        ((0.5, 0.4, 0.6), (0.3, 0.2, 0.9), -0.2, "yes"),
        ((0.5, None, None), (0.9, 0.8, 1.0), 0.4, ""),
        ((0.5, 0.4, 0.6), (0.5, 0.3, 0.6), 0.0, "no"),
        ((None, None, None), (0.5, 0.4, 0.6), None, ""),
        ((0.5, 0.4, 0.6), (None, None, None), None, ""),
    ],
)
def test_how_far_a_score_moved(tmp_path, before, now, difference, beyond):
    [row] = _compared(tmp_path, [_score(*before)], [_score(*now)]).itertuples()
    assert row.change == "moved"
    assert row.beyond == beyond
    assert pd.isna(row.difference) if difference is None else row.difference == pytest.approx(difference)


def test_scores_of_one_version_only(tmp_path):
    table = _compared(
        tmp_path, [_score(0.5), _score(0.4, role="validation")], [_score(0.5), _score(0.6, classifier="Fmask")]
    )
    assert table[["classifier", "role", "change", "explained"]].to_numpy().tolist() == [
        ["Fmask", "test", "only now", ""],
        ["forest", "validation", "only before", ""],
    ]
    assert "1 only in v1, 1 only in v2" in compare.text(table, "v1", "v2")


CONFIGURATION = {
    "releases": ["r", "s"],
    "schemes": ["published"],
    "feature_sets": ["l1c"],
    "forest": {"trees": 9},
    "seed": 2,
}


@pytest.mark.parametrize(
    ("changes", "explained"),
    [
        ({"identity": {"data": {"r": "0"}}}, "data"),
        ({"identity": {"data": {"r": "f", "other": "0"}}}, "nothing that is recorded"),
        ({"identity": {"registry": {"r": "0"}}}, "registry"),
        ({"identity": {"code": "0"}}, "code"),
        ({"split": "t"}, "split"),
        ({"environment": {"numpy": "2.4.7", "python": "3.11.7", "scipy": "1"}}, "environment: numpy, scipy"),
        ({"configuration": CONFIGURATION}, "configuration: forest.trees, seed"),
        ({"identity": {"code": "0"}, "split": "t"}, "split; code"),
    ],
)
def test_what_explains_a_move(tmp_path, changes, explained):
    table = _compared(tmp_path, [_score(0.5)], [_score(0.55)], **changes)
    assert table["explained"].tolist()[0].startswith(explained)
    assert f"explained by: {explained}" in compare.text(table, "v1", "v2")


def test_command_writes_and_prints(tmp_path, capsys):
    before = _version(tmp_path / "v1", [_score(0.5), _score(0.5, role="validation")])
    now = _version(tmp_path / "v2", [_score(0.7), _score(0.7, role="validation")], split="t")
    output = tmp_path / "compare_v1.tsv"
    compare.compare_versions(results=now, against=before, output=output)
    printed = capsys.readouterr().out
    assert (
        "v2 held against v1: 2 scores moved, 2 of them beyond their interval, 0 without one; of 0 only the" in printed
    )
    assert printed.count("published") == 1, "only the role test is printed"
    written = pd.read_csv(output, sep="\t")
    assert list(written.columns) == list(compare.COMPARISON.columns)
    assert written["difference"].round(6).tolist() == [0.2, 0.2]


def test_comparison_with_what_is_no_version(tmp_path):
    with pytest.raises(InputError, match="no finished version"):
        compare.read(tmp_path)


# The list of versions


@pytest.fixture
def results(tmp_path):
    """Two versions, a draft, a folder that is none, and the committed reference."""
    for name in ("v2", "v1", "draft", "reference", "broken"):
        _version(tmp_path / name, [_score(0.5)])
    (tmp_path / "broken" / "version.json").unlink()
    return tmp_path


def test_index_lists_finished_versions(results):
    table = index.listed(results)
    assert table[["version", "sealed"]].to_numpy().tolist() == [["draft", "no"], ["v1", "yes"], ["v2", "yes"]]
    assert table["manifest"].nunique() == 1
    assert table["files"].tolist() == [2, 2, 2]
    index.index(results=results, output=results / "index.tsv")
    assert (results / "index.tsv").read_text().splitlines()[2].startswith("v1\tyes\tr\tpublished\tl1c\t2\t")


def test_another_finished_version(results):
    files = index.finished(results, "v1", but="v2")
    assert files == [str(results / "v1" / "manifest.sha256"), str(results / "v1" / "version.json")]


@pytest.mark.parametrize("name", ["", "v2", "v3", "broken", "reference"])
def test_no_other_finished_version(results, name):
    with pytest.raises(InputError, match="valid: draft, v1"):
        index.finished(results, name, but="v2")


def test_scores_of_unequally_drawn_patches_are_among_the_first():
    rows = [("oa", "none", "test"), ("oa", "design", "test"), ("oa", "none", "validation"), ("aa.all", "none", "test")]
    scores = pd.DataFrame(rows, columns=["metric", "weighting", "role"])
    assert compare.is_headline(scores).tolist() == [True, True, False, False]
