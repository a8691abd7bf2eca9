"""The headline table: test scores of the trials, brought together without hiding anything."""

import re

import numpy as np
import pandas as pd

from project import ROOT
from sentinel_forest.io.tables import read_tsv
from sentinel_forest.versions import headline


def _row(value, low, high, mark="clean", **other):
    """A row of the averages of release r, unless changed."""
    row = {
        "release": "r",
        "scheme": "s",
        "trials": 2,
        "classifier": "forest",
        "features": "l1c",
        "task": "cloud",
        "role": "test",
        "metric": "oa",
        "definition": "OA",
        "weighting": "none",
        "pixels": "all",
        "class": "",
        "value": value,
        "low": low,
        "high": high,
        "trial_std": 0.0125,
        "n": 90,
        "groups": 12,
        "mark": mark,
        "note": "",
    }
    return row | other


def brought_together(*rows):
    """The headline table of some rows."""
    table = pd.DataFrame(rows)
    return headline.headline_of([part for _, part in table.groupby("release", sort=False)])


def test_rows_are_sorted_whatever_the_order_of_the_tables():
    table = brought_together(*(_row(0.5, 0.4, 0.6, release=name, scheme=scheme) for name in "ba" for scheme in "ts"))
    assert table[["release", "scheme"]].to_numpy().tolist() == [["a", "s"], ["a", "t"], ["b", "s"], ["b", "t"]]


def test_other_roles_and_other_definitions_stay_out():
    table = brought_together(
        _row(0.5, 0.4, 0.6), _row(0.9, 0.8, 1.0, role="validation"), _row(0.9, 0.8, 1.0, metric="aa.all")
    )
    assert len(table) == 1


def test_scores_of_unequally_drawn_patches_are_there_as_sampled_and_weighted():
    table = brought_together(_row(0.5, 0.4, 0.6), _row(0.7, 0.6, 0.8, weighting="design"))
    assert table.set_index("weighting")["value"].to_dict() == {"none": 0.5, "design": 0.7}
    assert lines(table)[1:] == [
        ["scheme", "features", "figure", "score", "± trials", "n", "groups", "mark"],
        ["s", "l1c", "OA", "0.500 [0.400, 0.600]", "0.013", "90", "12", "clean"],
    ]


def lines(table):
    """Cells of the lines that a terminal shows."""
    return [re.split(" {2,}", line) for line in headline.text(table).splitlines()]


def _boa(value, question, **other):
    about = {"metric": "boa.median", "definition": "BOA, median over patches", "class": question, "n": 7, "groups": 5}
    return _row(value, None, None, **about | {"note": "5 groups: no interval below 7"} | other)


def test_terminal_shows_forests_then_references_without_dummy_classifiers():
    rows = [
        _row(0.5, 0.4, 0.6),
        _boa(0.75, "cloud"),
        _boa(0.85, "shadow"),
        _boa(np.nan, "cloud", classifier="fmask", features="", note="constant"),
        _boa(0.625, "cloud", classifier="sen2cor", features=""),
        _row(0.25, 0.2, 0.3, classifier="majority"),
    ]
    mark = "linked: city, roi (validation-test); failed checks accepted: nan"
    kinds = "linked, failed checks accepted"
    assert lines(brought_together(*(row | {"mark": mark} for row in rows))) == [
        ["r: forests"],
        ["scheme", "features", "figure", "score", "± trials", "n", "groups", "mark", "note"],
        ["s", "l1c", "OA", "0.500 [0.400, 0.600]", "0.013", "90", "12", kinds],
        ["s", "l1c", "BOA cloud", "0.750", "0.013", "7", "5", kinds, "(1)"],
        [""],
        ["r: reference algorithms"],
        ["scheme", "classifier", "figure", "score", "± trials", "n", "groups", "mark", "note"],
        ["s", "fmask", "BOA cloud", "-", "0.013", "7", "5", kinds, "(2)"],
        ["s", "sen2cor", "BOA cloud", "0.625", "0.013", "7", "5", kinds, "(1)"],
        [""],
        ["(1) 5 groups: no interval below 7"],
        ["(2) constant"],
    ]


def test_terminal_shows_the_numbers_of_the_reference_run_in_120_columns():
    table = read_tsv(ROOT / "results" / "reference" / "headline.tsv", headline.HEADLINE)
    shown = headline.text(table)
    lines_of_tables = [line for line in shown.splitlines() if not line.startswith("(")]
    assert max(map(len, lines_of_tables)) <= 120
    forests = headline.as_figures(table[(table["classifier"] == "forest") & table["class"].isin(["", "cloud"])])
    assert all(score in shown for score in forests["score"])


def test_nothing_scored_is_said():
    assert headline.text(brought_together(_row(0.9, 0.8, 1.0, role="validation"))) == "no scores"


def test_what_a_score_rests_on_stands_in_every_table_that_shows_it():
    columns = list(brought_together(_row(0.5, 0.4, 0.6)))
    assert columns[-4:] == ["n", "groups", "mark", "note"]
    wide = headline.wide(headline.as_figures(brought_together(_row(0.5, 0.4, 0.6))), ["scheme"])
    assert list(wide)[-4:] == ["n", "groups", "mark", "note"]


def test_a_note_on_all_figures_is_told_once():
    rows = brought_together(_row(0.5, None, None, note="a; b"), _row(0.4, None, None, metric="aa.present", note="a"))
    (line,) = headline.wide(headline.as_figures(rows), ["scheme"]).itertuples()
    assert line.note == "a; OA: b"
