"""The confusion table of a trial: counts by patch, true class and predicted class.

Every figure of a version follows from such tables and from nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import pandas as pd

from sentinel_forest.datasets.base import NO_ANSWER, Dataset, Reference, Task
from sentinel_forest.errors import InputError
from sentinel_forest.io import schemas as pa
from sentinel_forest.io.tables import columns, conform, stack
from sentinel_forest.models.scored_pixels import ALL_PIXELS, sample_of

ROLES = ("validation", "test")
FOREST = "forest"
Known = TypeVar("Known")

PIXELS = pa.Column("str", pa.Check.str_matches(rf"^({ALL_PIXELS}|sample( of \d+)?)$"))
"""Which pixels of a patch are scored."""

SCORED = {"pixels": PIXELS, "pixel_weight": pa.Column("float64", pa.Check.ge(1))}
"""Columns that tell which pixels of a patch are scored, and how many of them each counted one stands for."""
WHOLE: Mapping[str, Any] = {"pixels": ALL_PIXELS, "pixel_weight": 1.0}
"""Their values where all are scored."""

CONFUSION = pa.DataFrameSchema(
    {
        **columns("str", "scheme"),
        "trial": pa.Column("int64", pa.Check.ge(1)),
        **columns("str", "task", "features", "classifier", "patch"),
        **columns("str", "group", nullable=True),
        "role": pa.Column("str", pa.Check.isin(ROLES)),
        **columns("str", "true", "predicted"),
        "count": pa.Column("int64", pa.Check.gt(0)),
        "weight": pa.Column("float64", pa.Check.gt(0)),
        "train_patches": pa.Column("int64", pa.Check.ge(0)),
        **SCORED,
    },
    strict=True,
    ordered=True,
)
"""Counts (patches, or pixels) by patch, true class and predicted class.

`features` is the feature set, empty for a reference algorithm; `pixels`: ``all``, or ``sample of N`` a patch;
`group` is missing where it is unknown; `pixel_weight` is the number of pixels that each counted one stands for;
`weight` is 1 / probability of the patch to be drawn; `train_patches` is the number of patches of role train.
"""

_WHO = ["task", "features", "classifier"]
_CELL = [*_WHO, "pixels", "patch", "true", "predicted"]


@dataclass(frozen=True, eq=False)
class Classifier:
    """Something that predicts: a forest, a dummy classifier, or a reference algorithm.

    `predicted` are the names it can predict; `positive` gives, for each question of the task that it
    answers, which of them count as positive. `constant` is set to the only name that a reference
    algorithm predicts where its layer holds nothing else; `unanswered` is the fraction of units for which
    it has no answer: they count as negative, as in the paper on CloudSEN12 (whatever is not said to be
    cloud is not cloud), so that all classifiers are judged on the same pixels. `pixels` are those of a patch that are
    scored: where forests are scored on a sample, a reference algorithm is scored twice.
    """

    name: str
    features: str
    task: Task
    predicted: tuple[str, ...]
    positive: Mapping[str, tuple[str, ...]]
    constant: str = ""
    unanswered: float = 0.0
    pixels: str = ALL_PIXELS

    @property
    def is_reference(self) -> bool:
        """Whether it ships with the release."""
        return not self.features

    @property
    def is_forest(self) -> bool:
        """Whether it is a forest, not a dummy classifier and no reference algorithm."""
        return self.name == FOREST and bool(self.features)

    def silence(self) -> str:
        """What is to be said about units for which it has no answer, or nothing."""
        if not self.unanswered:
            return ""
        counted = "wrong, and as negative in questions" if self.positive else "wrong"
        return f"no answer for {100 * self.unanswered:.3g} % of all units: counted as {counted}"

    def rows(self, table: pd.DataFrame, role: str) -> pd.DataFrame:
        """Rows of a confusion table of this classifier in a role."""
        mine = (table["classifier"] == self.name) & (table["features"] == self.features)
        mine &= table["pixels"] == self.pixels
        return table[mine & (table["task"] == self.task.name) & (table["role"] == role)]


def confusion(
    dataset: Dataset,
    catalog: pd.DataFrame,
    split: pd.DataFrame,
    predictions: pd.DataFrame,
    references: pd.DataFrame,
    scheme: str,
    trial: int,
    sets: Sequence[str],
) -> pd.DataFrame:
    """The confusion table of a trial.

    Parameters
    ----------
    dataset : Dataset
        The vocabulary.
    catalog, split : DataFrame
        With the columns patch and group; patch, role and weight.
    predictions : DataFrame
        scheme, trial, set, classifier, pixels, patch, true, predicted, count, pixel_weight.
    references : DataFrame
        classifier, pixels, patch, true, predicted, count, pixel_weight.
    scheme, trial, sets
        What is to be taken from `predictions`.

    Returns
    -------
    DataFrame
        See `CONFUSION`; sorted by task, features, classifier and the order of the catalog.

    Raises
    ------
    InputError
        If a feature set or a reference algorithm is unknown, a patch is not in the split, a pair of
        classes is counted twice, or a feature set has no prediction of held-out patches.
    """
    mine = predictions[(predictions["scheme"] == scheme) & (predictions["trial"] == trial)]
    mine = mine[mine["set"].isin(sets)].rename(columns={"set": "features"})
    absent = [name for name in sets if name not in set(mine["features"])]
    if absent and split["role"].isin(ROLES).any():
        raise InputError(
            "A feature set has no predictions.",
            where=f"{scheme}, trial {trial}",
            found="none",
            expected=", ".join(absent),
            remedy="predict it, or leave it out of --sets",
        )
    tasks = {name: _known(name, dataset.feature_sets, "feature set").task for name in sets}
    forests = mine.assign(task=mine["features"].map(tasks))
    names = references["classifier"].unique()
    tasks = {name: _known(name, dataset.references, "reference algorithm").task for name in names}
    others = references.assign(task=references["classifier"].map(tasks), features="")
    # Millions of rows name few things: as texts they would take a kilobyte each while they are joined.
    categories = dict.fromkeys(_CELL, "category")
    counts = stack([part[[*_CELL, "count", "pixel_weight"]].astype(categories) for part in (forests, others)])
    _check_once(counts)
    table = _with_roles(counts, catalog, split)
    table["scheme"], table["trial"] = scheme, trial
    table["train_patches"] = int((split["role"] == "train").sum())
    return conform(table[list(CONFUSION.columns)], CONFUSION)


def counted_units(rows: pd.DataFrame) -> pd.Series:
    """Units that counts stand for: all pixels where a sample was counted, which a column `pixel_weight` tells."""
    return rows["count"] * rows["pixel_weight"] if "pixel_weight" in rows else rows["count"]


def on_the_same_pixels(table: pd.DataFrame) -> pd.DataFrame:
    """Rows without those of all pixels that stand beside rows of a sample: what forests can be held against.

    Parameters
    ----------
    table : DataFrame
        With the columns ``task`` and ``pixels``.
    """
    of_patches = table["pixels"].str.startswith(sample_of(""))
    return table[(table["pixels"] != ALL_PIXELS) | ~table["task"].isin(table.loc[of_patches, "task"].unique())]


def _known(name: str, known: Mapping[str, Known], what: str) -> Known:
    if name not in known:
        raise InputError(f"Unknown {what}.", found=name, expected=" | ".join(known) or "none")
    return known[name]


def _check_once(counts: pd.DataFrame) -> None:
    twice = counts[counts.duplicated(_CELL)]
    if len(twice):
        raise InputError(
            "Counts are given twice.",
            where=", ".join(twice.iloc[0][_CELL]),
            found=f"{len(twice)} rows too many",
            expected="one row for a classifier, patch, true and predicted class",
            remedy="give each table of a shard once",
        )


def _with_roles(counts: pd.DataFrame, catalog: pd.DataFrame, split: pd.DataFrame) -> pd.DataFrame:
    """Counts above 0 of the patches of role validation or test, with group, role and weight."""
    about = split.merge(catalog[["patch", "group"]], on="patch", how="inner", validate="1:1")
    about = about.set_index("patch")
    patches, patch = counts["patch"].cat.categories, counts["patch"].cat.codes.to_numpy()
    unknown = ~patches.isin(about.index)[patch]
    if unknown.any():
        raise InputError(
            "A patch is not in the split.",
            where=counts.loc[unknown, "patch"].iloc[0],
            found=f"{int(unknown.sum())} rows of such patches",
            expected="patches of catalog and split",
            remedy="predict again with the tables that were given here",
        )
    held = about["role"].isin(ROLES).reindex(patches, fill_value=False).to_numpy()
    kept = held[patch] & (counts["count"] > 0).to_numpy()
    place = pd.Index(catalog["patch"]).get_indexer(patches)
    beside = about[["group", "role", "weight"]].reindex(patches[patch[kept]]).reset_index(drop=True)
    table = pd.concat([counts[kept].reset_index(drop=True), beside], axis=1).assign(place=place[patch[kept]])
    return table.sort_values([*_WHO, "pixels", "place", "true", "predicted"], kind="stable", ignore_index=True)


def classifiers(table: pd.DataFrame, dataset: Dataset) -> list[Classifier]:
    """The classifiers of a confusion table, feature sets first, in sorted order.

    Raises
    ------
    InputError
        If a class is not in the vocabulary of the task or of the reference algorithm.
    """
    found = []
    for key, rows in table.groupby([*_WHO, "pixels"], sort=True):
        task, features, name, pixels = map(str, key)
        about = dataset.tasks[task]
        if features:
            positive = {question.name: question.positive for question in about.questions}
            one = Classifier(name, features, about, about.names, positive, pixels=pixels)
        else:
            one = replace(_reference(dataset.references[name], about, rows), pixels=pixels)
        _check_classes(one, rows)
        found.append(one)
    return sorted(found, key=lambda classifier: classifier.is_reference)


def _reference(reference: Reference, task: Task, rows: pd.DataFrame) -> Classifier:
    """A reference algorithm, and what its counts show about its layer."""
    silent = rows["predicted"] == NO_ANSWER
    said = sorted(set(rows.loc[~silent, "predicted"]))
    constant = (said or [NO_ANSWER])[0] if len(said) < 2 and rows["true"].nunique() > 1 else ""
    predicted = (*reference.predicted, NO_ANSWER) if silent.any() else reference.predicted
    units = counted_units(rows)
    unanswered = float(units[silent].sum() / units.sum())
    return Classifier(reference.name, "", task, predicted, dict(reference.answers), constant, unanswered)


def _check_classes(one: Classifier, rows: pd.DataFrame) -> None:
    for column, known in (("true", one.task.names), ("predicted", one.predicted)):
        unknown = sorted(set(rows[column].unique()) - set(known))
        if unknown:
            raise InputError(
                f"Unknown {column} class.",
                where=f"{one.name} {one.features}".strip(),
                found=", ".join(unknown),
                expected=" | ".join(known),
                remedy="check the class table of the layer",
            )
