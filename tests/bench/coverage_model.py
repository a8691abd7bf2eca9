"""Models that generate the data of simulations of coverage, sizes of groups, and the figures that are looked at.

Each group draws class fractions from a Dirichlet distribution with mean `FRACTIONS`, and the accuracy of each class on
the logit scale: that of `ACCURACY`, plus an effect of the group, plus one of the group and class. Units of a group are
then multinomial; errors fall on other classes by their frequency. The fourth class is rare. `Model` says how much
groups differ: in the model *clustered*, which is there to strain the intervals, half of the groups have next to nothing
of the rare class. Sizes of groups are the real ones where they are published.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy import special

from sentinel_forest.datasets.metric import Metric
from sentinel_forest.evaluation import metrics
from sentinel_forest.evaluation.uncertainty import Supports

FRACTIONS, ACCURACY = np.array([0.5, 0.3, 0.15, 0.05]), np.array([0.9, 0.8, 0.65, 0.55])


class Model(NamedTuple):
    """Concentration of class fractions in groups, and std of the effects on accuracy of a group, and of group and
    class, both on the logit scale.
    """

    concentration: float
    of_group: float
    of_class: float


MODELS = {"usual": Model(8.0, 0.6, 0.4), "clustered": Model(1.0, 1.2, 0.8)}
CLASSES, RARE = len(FRACTIONS), 3
SCENES = (205, 479, 557, 599, 612, 663, 687, 690, 690, 694, 695, 696, 744, 747, 756, 760, 763, 772, 775, 779, 783, 784)
SCENES = (*SCENES, 784, 784, 789, 819)
"""Patches of the 26 scenes of the hold-out of SEN12MS."""
LARGEST = 5.0
"""Sizes of So2Sat's ten test cities are not published: 24,119 patches, the largest city with 5 times the smallest."""


def uneven(groups: int, each: int) -> np.ndarray:
    """Sizes in geometric steps, the largest `LARGEST` times the smallest, `each` on average."""
    steps = LARGEST ** np.linspace(0, 1, groups)
    return np.round(groups * each * steps / steps.sum()).astype(int)


SIZES: dict[str, np.ndarray] = {
    **{f"{groups} of 60": np.full(groups, 60) for groups in (3, 4, 5, 6, 8, 10, 12, 15, 20)},
    **{f"{groups} uneven": uneven(groups, 60) for groups in (4, 5, 7, 10, 15, 25)},
    **{f"{groups} cities": uneven(groups, 2412) for groups in (5, 7, 10, 15, 20, 29)},
    "26 scenes": np.array(SCENES),
    "195 ROIs of 5": np.full(195, 5),
}


def _rare_or_not(tables: np.ndarray) -> np.ndarray:
    """Two-class tables of the rare class and all others."""
    rare = np.eye(2)[(np.arange(CLASSES) == RARE).astype(int)]
    return np.einsum("...ij,ia,jb->...ab", tables, rare, rare, optimize=True)


class Figure(NamedTuple):
    """A figure of the simulation: its metric, and where it is found among the metric's values."""

    metric: Metric
    kind: str

    @property
    def tables(self) -> Callable[[np.ndarray], np.ndarray]:
        """What is done to tables before."""
        return _rare_or_not if self.metric in metrics.QUESTION else np.asarray

    def pick(self, values: np.ndarray) -> np.ndarray:
        """The values of the rare class, if the metric has one for each class."""
        return values[..., RARE] if self.metric in metrics.PER_CLASS else values

    def of(self, tables: np.ndarray) -> np.ndarray:
        """Values of tables (..., classes, classes)."""
        return self.pick(self.metric.function(self.tables(tables)))

    def supports(self, tables: np.ndarray) -> Supports:
        """The groups that values of runs rest on; tables (runs, groups, classes, classes)."""
        counts = np.moveaxis(self.tables(tables), 1, 0)
        return Supports(*(self.pick(each) for each in Supports.of(self.metric, counts)))


FIGURES = [
    *(Figure(each, "overall") for each in metrics.OVERALL if not each.id.endswith(".all")),
    *(Figure(each, "class") for each in metrics.PER_CLASS),
    *(Figure(each, "class") for each in metrics.QUESTION if each.id == "boa.question"),
]


def effects(generator: np.random.Generator, runs: int, groups: int, model: Model) -> np.ndarray:
    """Effects of a group, and of group and class, on accuracy: (runs, groups, classes), on the logit scale."""
    of_group = generator.normal(0, model.of_group, (runs, groups, 1))
    return of_group + generator.normal(0, model.of_class, (runs, groups, CLASSES))


def answers(effect: np.ndarray) -> np.ndarray:
    """Probability of each answer to a unit of each class, (..., classes, classes)."""
    right = special.expit(special.logit(ACCURACY) + effect)[..., None]
    wrong = np.broadcast_to(FRACTIONS, (CLASSES, CLASSES)) * (1 - np.eye(CLASSES))
    return np.asarray(np.eye(CLASSES) * right + (1 - right) * wrong / wrong.sum(axis=1, keepdims=True))


def expected(generator: np.random.Generator, runs: int, groups: int, model: Model) -> np.ndarray:
    """Probabilities of the cells of each group's table, (runs, groups, classes, classes)."""
    fractions = generator.dirichlet(model.concentration * FRACTIONS, (runs, groups))
    found = fractions[..., None] * answers(effects(generator, runs, groups, model))
    return found / found.sum(axis=(-2, -1), keepdims=True)


@cache
def population(model: Model) -> np.ndarray:
    """The table of 400,000 groups."""
    return np.asarray(expected(np.random.default_rng(0), 1, 400_000, model)[0].sum(axis=0))
