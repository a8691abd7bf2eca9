"""A score rests on the groups that have all its parts, not on all that have units."""

import numpy as np
import pytest

from sentinel_forest.evaluation import metrics, uncertainty
from sentinel_forest.evaluation.uncertainty import Support, Supports

BY_ID = metrics.registry()
TABLES = np.zeros((6, 3, 3))
TABLES[:, 0, 0] = 10
TABLES[:, 0, 2] = [1, 1, 1, 1, 0, 0]
TABLES[:2, 2, 2] = [8, 4]
TABLES[5, 1, 1] = 3
"""Class 0 is in all six groups; class 2 in the truth of two groups and in the predictions of four; class 1 in one."""


def kish(*units: float) -> float:
    return sum(units) ** 2 / sum(each**2 for each in units)


def test_of_a_class_by_hand():
    rare = {name: Supports.of(BY_ID[name], TABLES).at(2) for name in ("pa", "ua", "f1", "iou")}
    assert rare["pa"] == Support(2, kish(8, 4))
    assert rare["ua"] == Support(4, min(kish(8, 4), kish(9, 5, 1, 1)), lacking=2)
    assert rare["f1"] == rare["iou"] == rare["ua"]
    assert rare["ua"].whole == 2


def test_of_means_over_classes_by_hand():
    """Satterthwaite's degrees of freedom: class 1 is in one group, class 2 in 1.8, and both count with one degree."""
    many, few = kish(11, 11, 11, 11, 10, 10), kish(8, 4)
    freedom = (1 / many + 1 + 1 / few) ** 2 / (1 / many**2 / (many - 1) + 1 + 1 / few**2)
    assert 1.9 < freedom < 2.4
    for name in ("aa.present", "aa.all", "f1.present", "iou.present", "iou.all"):
        support = Supports.of(BY_ID[name], TABLES).at()
        assert (support.groups, support.lacking) == (6, 0)
        assert support.effective == pytest.approx(1 + freedom)
    total = TABLES.sum(axis=(1, 2))
    assert Supports.of(BY_ID["oa"], TABLES).at() == Support(6, pytest.approx(kish(*total)))


def test_a_question_needs_both_its_sides():
    two = np.zeros((9, 2, 2))
    two[:, 0, 0], two[:3, 1, 1] = 5, [2, 2, 2]
    sides = Supports.of(BY_ID["boa.question"], two).at()
    assert (sides.groups, sides.whole) == (9, 3)
    assert sides.effective == pytest.approx(3)
    assert Supports.of(BY_ID["oa.question"], two).at().whole == 9
    assert Supports.of(BY_ID["ua.question"], two).at() == Support(3, pytest.approx(3))


def test_a_class_that_is_nowhere_and_one_that_is_never_predicted():
    empty = np.zeros((4, 2, 2))
    assert Supports.of(BY_ID["f1"], empty).at(1) == Support(0, 0.0)
    empty[:, 1, 0] = 1
    assert Supports.of(BY_ID["ua"], empty).at(1) == Support(0, 0.0)
    assert Supports.of(BY_ID["f1"], empty).at(1) == Support(4, 4.0)


def test_the_note_says_how_many_groups_have_it():
    assert uncertainty.few_groups(12, "water", 7) == "5 of 12 groups have all it needs: no interval below 7"
    said = uncertainty.few_groups(12, "water", 2)
    assert said.startswith("10 of 12 groups have all it needs: 95 % intervals held at least 9")
    assert said.endswith(uncertainty.few_groups(10, "water").split(":")[1])
    assert uncertainty.few_groups(50, "water", 20) == ""
    value, drawn = 0.5, np.array([0.4, 0.6, 0.5])
    assert np.isnan(uncertainty.interval(value, drawn, Support(12, 9.0, lacking=8))).all()
    assert not np.isnan(uncertainty.interval(value, drawn, Support(12, 9.0, lacking=7))).any()


def test_two_scores_have_the_least_of_both():
    assert Support.least([Support(9, 8.0, 1), Support(7, 5.0)]) == Support(7, 5.0)
    assert Support.least([Support(9, 3.0, 5), Support(7, 5.0)]) == Support(7, 3.0, 3)
