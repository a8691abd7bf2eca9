"""Which figure a row of a table of scores is: the trial, the classifier and the metric that it belongs to."""

from typing import NamedTuple

from sentinel_forest.evaluation.confusion import PIXELS, ROLES
from sentinel_forest.evaluation.evaluate import WEIGHTINGS
from sentinel_forest.io import schemas as pa
from sentinel_forest.io.tables import columns


class Place(NamedTuple):
    """A trial of a release."""

    release: str
    scheme: str
    trial: int


PLACE = {**columns("str", "release", "scheme"), "trial": pa.Column("int64", pa.Check.ge(1))}
"""Columns that name the trial."""

METRIC = {
    **columns("str", "metric", "definition"),
    "weighting": pa.Column("str", pa.Check.isin(WEIGHTINGS)),
    "pixels": PIXELS,
    "class": pa.Column("str"),
}
"""Columns that name the metric."""

WHO = ("task", "features", "classifier", "role")

WHICH = {**columns("str", *WHO[:3]), "role": pa.Column("str", pa.Check.isin(ROLES)), **METRIC}
"""Columns that name the figure of a trial."""

FIGURE = ("metric", "weighting", "pixels", "class")
"""What tells the scores of a classifier in a role apart; a definition follows from its metric."""
