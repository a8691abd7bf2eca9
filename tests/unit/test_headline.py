"""The headline table: test scores of the trials, brought together without hiding anything."""

import re

import numpy as np
import pandas as pd
import pytest

from project import ROOT
from sentinel_forest import headline
from sentinel_forest.tables import read_tsv


def _metrics(trial, value, low, high, mark="clean", **other):
    row = {
        "classifier": "forest", "features": "l1c", "task": "cloud", "role": "test", "metric": "OA",
        "definition": "OA", "class": "", "value": value, "low": low, "high": high, "mark": mark,
        "release": "r", "scheme": "s", "trial": trial,
    }  # fmt: skip
    return pd.DataFrame([row | other])


def test_value_is_the_mean_and_the_interval_holds_those_of_all_trials():
    (row,) = headline.headline([_metrics(1, 0.8, 0.7, 0.9), _metrics(2, 0.6, 0.5, 0.75)]).itertuples()
    assert (row.trials, row.value, row.low, row.high) == (2, pytest.approx(0.7), 0.5, 0.9)


def test_a_trial_without_an_interval_leaves_none():
    (row,) = headline.headline([_metrics(1, 0.8, 0.7, 0.9), _metrics(2, 0.6, np.nan, np.nan)]).itertuples()
    assert row.value == pytest.approx(0.7)
    assert np.isnan(row.low)
    assert np.isnan(row.high)


def test_every_link_of_any_trial_is_in_the_mark():
    marks = ["linked: roi", "clean", "linked: content, roi (validation-test); failed checks accepted: nan"]
    tables = [_metrics(trial, 0.5, 0.4, 0.6, mark) for trial, mark in enumerate(marks, 1)]
    (row,) = headline.headline(tables).itertuples()
    assert row.mark == "failed checks accepted: nan; linked: content, roi, roi (validation-test)"


def test_rows_are_sorted_whatever_the_order_of_the_tables():
    tables = [_metrics(1, 0.5, 0.4, 0.6, release=name, scheme=scheme) for name in "ba" for scheme in "ts"]
    table = headline.headline(tables)
    assert table[["release", "scheme"]].to_numpy().tolist() == [
        ["a", "s"],
        ["a", "t"],
        ["b", "s"],
        ["b", "t"],
    ]


def test_other_roles_and_other_definitions_stay_out():
    tables = [
        _metrics(1, 0.5, 0.4, 0.6),
        _metrics(1, 0.9, 0.8, 1.0, role="validation"),
        _metrics(1, 0.9, 0.8, 1.0, metric="AA", definition="AA over all classes"),
    ]
    assert len(headline.headline(tables)) == 1


def test_scores_of_unequally_drawn_patches_are_there_as_sampled_and_weighted():
    tables = [
        _metrics(1, 0.5, 0.4, 0.6, definition="OA, as sampled"),
        _metrics(1, 0.7, 0.6, 0.8, definition="OA, design-weighted"),
    ]
    table = headline.headline(tables)
    assert table.set_index("definition")["value"].to_dict() == {
        "OA, as sampled": 0.5, "OA, design-weighted": 0.7,
    }  # fmt: skip
    assert lines(table)[1:] == [
        ["scheme", "features", "OA", "mark"],
        ["s", "l1c", "0.500 [0.400, 0.600]", "clean"],
    ]


def lines(table):
    """Cells of the lines that a terminal shows."""
    return [re.split(" {2,}", line) for line in headline.text(table).splitlines()]


def _boa(value, question, **other):
    return _metrics(
        1, value, 0.1, 0.9, metric="BOA", definition="median over patches", **{"class": question}, **other
    )


def test_terminal_shows_forests_then_references_without_the_trivial_company():
    tables = [
        _metrics(1, 0.5, 0.4, 0.6, "linked: city, roi (validation-test); failed checks accepted: nan"),
        _boa(0.75, "cloud"),
        _boa(0.85, "shadow"),
        _boa(np.nan, "cloud", classifier="fmask", features=""),
        _boa(0.625, "cloud", classifier="sen2cor", features=""),
        _metrics(1, 0.25, 0.2, 0.3, classifier="majority"),
    ]
    assert lines(headline.headline([table.assign(mark=tables[0]["mark"]) for table in tables])) == [
        ["r: forests"],
        ["scheme", "features", "OA", "BOA cloud", "mark"],
        ["s", "l1c", "0.500 [0.400, 0.600]", "0.750 [0.100, 0.900]", "failed checks accepted, linked"],
        [""],
        ["r: reference algorithms, BOA cloud"],
        ["scheme", "fmask", "sen2cor"],
        ["s", "-", "0.625"],
    ]


def test_terminal_shows_the_numbers_of_the_reference_run_in_120_columns():
    table = read_tsv(ROOT / "results" / "reference" / "headline.tsv", headline.HEADLINE)
    shown = headline.text(table)
    assert max(map(len, shown.splitlines())) <= 120
    forests = table[(table["classifier"] == "forest") & table["class"].isin(["", "cloud"])]
    for row in forests.itertuples():
        assert f"{row.value:.3f} [{row.low:.3f}, {row.high:.3f}]" in shown
    assert len(re.findall(r"\d\.\d{3} \[", shown)) == len(forests)


def test_nothing_scored_is_said():
    assert headline.text(headline.headline([_metrics(1, 0.9, 0.8, 1.0, role="validation")])) == "no scores"
