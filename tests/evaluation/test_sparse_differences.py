"""Two classifiers that differ in few of many groups: the interval of their difference rests on these."""

import numpy as np
import pytest
from scipy import stats

from sentinel_forest.datasets.base import Category, Task
from sentinel_forest.evaluation import metrics, paired, uncertainty
from sentinel_forest.evaluation.confusion import Classifier
from sentinel_forest.evaluation.parts import Tables
from sentinel_forest.evaluation.scored import Score
from sentinel_forest.evaluation.uncertainty import Support

OA = metrics.OVERALL[0]
GROUPS = 28
TASK = Task("scene", "patch", tuple(Category(code, name, "#000000") for code, name in enumerate("ab")))
WHO = Classifier("forest", "s1", TASK, TASK.names, {}), Classifier("forest", "s2", TASK, TASK.names, {})


def scored(right: np.ndarray, draws: np.ndarray) -> Score:
    """A patch in each group, and whether it is right."""
    tables = np.zeros((GROUPS, 2, 2))
    tables[:, 0, 0], tables[:, 0, 1] = right, ~right
    replicates = OA.function(np.einsum("dg,gab->dab", draws, tables))
    support = Support(GROUPS, float(GROUPS))
    return Score(OA, "", "none", float(right.mean()), replicates, GROUPS, support, Tables(tables, OA.function))


def compared(differing: int) -> dict[str, object]:
    """The first is right in so many groups in which the second is wrong; in all others both are right."""
    draws = uncertainty.resamples(GROUPS, 4000, 1)
    first = np.ones(GROUPS, dtype=bool)
    second = np.arange(GROUPS) >= differing
    return paired.difference(scored(first, draws), scored(second, draws), WHO, "test", "clean", 1, GROUPS)


@pytest.mark.parametrize("differing", [3, 4, 5, 6, 8, 12])
def test_the_interval_leaves_out_0_only_where_the_test_does(differing: int) -> None:
    """All swaps of k groups that all favour the first: p = 2 / 2^k. With 27 degrees of freedom, four were enough."""
    row = compared(differing)
    assert row["p"] == pytest.approx(2 / 2**differing)
    assert (float(row["low"]) > 0) == (float(row["p"]) < 0.05)  # type: ignore[arg-type]
    error = np.sqrt(differing / GROUPS * (1 - differing / GROUPS) / (GROUPS - 1))
    reach = error * stats.t.ppf(0.975, differing - 1)
    assert float(row["high"]) - float(row["difference"]) == pytest.approx(reach, rel=0.05)  # type: ignore[arg-type]


def test_coverage_where_few_groups_differ() -> None:
    """One of 20 groups differs, four times in five in favour of the first: the difference is 0.03."""
    generator, draws, inside = np.random.default_rng(5), uncertainty.resamples(100, 200, 1), []
    for _ in range(300):
        change = np.where(generator.random(100) < 0.05, np.where(generator.random(100) < 0.8, 1.0, -1.0), 0.0)
        support = Support(100, float(np.count_nonzero(change)))
        low, high = uncertainty.difference(float(change.mean()), draws @ change / 100, support)
        inside.append(low <= 0.03 <= high)
    assert np.mean(inside) > 0.93
