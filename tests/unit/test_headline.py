"""The headline table: test scores of the trials, brought together without hiding anything."""

import numpy as np
import pandas as pd
import pytest

from sentinel_forest import headline


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


def test_other_roles_and_other_definitions_stay_out():
    tables = [
        _metrics(1, 0.5, 0.4, 0.6),
        _metrics(1, 0.9, 0.8, 1.0, role="validation"),
        _metrics(1, 0.9, 0.8, 1.0, metric="AA", definition="AA over all classes"),
    ]
    assert len(headline.headline(tables)) == 1


def test_terminal_shows_forests_and_references_and_an_undefined_score_as_nothing():
    tables = [
        _metrics(1, 0.5, 0.4, 0.6),
        _metrics(1, np.nan, np.nan, np.nan, classifier="fmask", features=""),
        _metrics(1, 0.25, 0.2, 0.3, classifier="majority"),
    ]
    text = headline.text(headline.headline(tables))
    assert "0.500 [0.400, 0.600]" in text
    assert "fmask" in text
    assert "majority" not in text
    assert "nan" not in text.lower()
