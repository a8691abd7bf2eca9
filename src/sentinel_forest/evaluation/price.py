"""The price of a leak: what scores gain where test patches have relatives among the training patches.

Scores of the trials of a leaky scheme (patches assigned at random) are held against those of a clean one
(whole groups assigned), classifier by classifier. A reference algorithm was not trained here: its
difference shows how much of the gap is due to other test patches, and should not differ from 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa

from sentinel_forest import datasets
from sentinel_forest.datasets.base import Dataset
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation import metrics, uncertainty
from sentinel_forest.evaluation.confusion import ROLES, classifiers
from sentinel_forest.evaluation.evaluate import ALL_PIXELS, Score, drawn, evaluate, notes
from sentinel_forest.evaluation.figures import METRIC
from sentinel_forest.io import checksums
from sentinel_forest.io.tables import columns, conform, read_parquet, write_tsv
from sentinel_forest.steps import Layout, Output

PRICE = pa.DataFrameSchema(
    {
        **columns("str", "leaky_scheme", "clean_scheme", "classifier", "features", "task"),
        "role": pa.Column("str", pa.Check.isin(ROLES)),
        **METRIC,
        **columns("float64", "leaky", "clean", "difference", "low", "high", nullable=True),
        **columns("int64", "leaky_trials", "clean_trials"),
        **columns("float64", "leaky_train_patches", "clean_train_patches"),
        **columns("int64", "groups"),
        **columns("str", "note"),
    },
    strict=True,
    ordered=True,
)
"""Means over the trials of each scheme and their difference, with a 95 % interval.

`..._train_patches`: mean number of training patches. `groups`: groups that the scores rest on, the
smaller number of the two schemes. Other columns as in `score.METRICS`.
"""

SIDES = ("leaky", "clean")

Key = tuple[str, str, str, str, str, str]
"""task, features, classifier, metric, weighting, class."""


def price_of_leak(
    leaky: Sequence[pd.DataFrame], clean: Sequence[pd.DataFrame], dataset: Dataset, draws: int, seed: Sequence[object]
) -> pd.DataFrame:
    """Hold the trials of a leaky scheme against those of a clean one.

    Patches without a known group are left out. Each draw takes groups of the release with replacement, the
    same for all trials of both schemes, and then trials of each scheme with replacement: the interval holds
    both sources of chance.

    Parameters
    ----------
    leaky, clean : sequence of DataFrame
        Confusion tables (`confusion.CONFUSION`), one of each trial, of one scheme each.
    dataset : Dataset
        The vocabulary.
    draws : int
        Number of bootstrap draws.
    seed : sequence
        Names that the seed derives from.

    Returns
    -------
    DataFrame
        See `PRICE`.

    Raises
    ------
    InputError
        If a side has no trial, trials of several schemes, or the same trial twice.
    """
    sides = {"leaky": list(leaky), "clean": list(clean)}
    schemes = {side: _scheme(side, sides[side]) for side in SIDES}
    train = {side: _train_patches(sides[side]) for side in SIDES}
    ungrouped = _ungrouped(pd.concat(chain.from_iterable(sides.values())))
    sides = {side: [table[known_group(table)] for table in tables] for side, tables in sides.items()}
    names = sorted({group for tables in sides.values() for table in tables for group in table["group"]})
    counts = uncertainty.resamples(len(names), draws, checksums.seed(*seed, "price", "groups"))
    trials = {
        side: uncertainty.resamples(len(tables), draws, checksums.seed(*seed, "price", "trials", side))
        for side, tables in sides.items()
    }
    rows: list[dict[str, object]] = []
    for role in ROLES:
        scores = {
            side: _by_key([_scores(table, dataset, role, names, counts) for table in tables])
            for side, tables in sides.items()
        }
        for key in scores["leaky"]:
            if key in scores["clean"]:
                means = {side: _mean(scores[side][key], trials[side]) for side in SIDES}
                row = _row(key, role, schemes, means, train)
                rows.append(row | {"note": notes(str(row["note"]), ungrouped)})
    return conform(pd.DataFrame(rows, columns=list(PRICE.columns)), PRICE)


def known_group(table: pd.DataFrame) -> pd.Series:
    """Whether the group of each row's patch is known: without it nobody knows its relatives."""
    return table["group"].notna() & (table["group"] != "")


def _ungrouped(table: pd.DataFrame) -> str:
    """What is to be said about patches that are left out, or nothing."""
    count = table.loc[~known_group(table), "patch"].nunique()
    return f"{count} held-out patches without a known group left out" if count else ""


def _scheme(side: str, tables: Sequence[pd.DataFrame]) -> str:
    """The one scheme of a side."""
    met = [pair for table in tables for pair in table[["scheme", "trial"]].drop_duplicates().to_numpy().tolist()]
    if not met or len({scheme for scheme, _ in met}) > 1 or len(met) != len({tuple(pair) for pair in met}):
        raise InputError(
            "A side of the comparison needs trials of one scheme, each once.",
            where=side,
            found=", ".join(f"{scheme} {trial}" for scheme, trial in met) or "no scores",
            expected="confusion tables of one scheme",
        )
    return str(met[0][0])


def _train_patches(tables: Sequence[pd.DataFrame]) -> float:
    """Mean number of training patches."""
    return float(np.mean([table["train_patches"].iloc[0] for table in tables if len(table)]))


def _scores(
    table: pd.DataFrame, dataset: Dataset, role: str, names: Sequence[str], counts: np.ndarray
) -> dict[Key, Score]:
    """The headline scores of one trial, with replicates for the release's draws of groups."""
    in_role = table[table["role"] == role]
    patches = drawn(in_role[["patch", "group", "weight"]].drop_duplicates("patch"), names, counts)
    found: dict[Key, Score] = {}
    for one in classifiers(table, dataset):
        rows = one.rows(table, role)
        if not one.constant and len(rows):
            scores = evaluate(rows, one, patches)
            about = one.task.name, one.features, one.name
            found |= {(*about, *each.key): each for each in scores if each.metric.headline}
    return found


def _by_key(trials: Sequence[dict[Key, Score]]) -> dict[Key, list[Score | None]]:
    """Scores of all trials, those of the first trial that has them in the lead; None where there is none."""
    keys = dict.fromkeys(key for trial in trials for key in trial)
    return {key: [trial.get(key) for trial in trials] for key in keys}


@dataclass(frozen=True)
class Mean:
    """A score over the trials of a scheme: its mean, that of each draw, the trials that have it, the
    groups that it rests on, and why there are no draws."""

    value: float
    replicates: np.ndarray
    trials: int
    groups: int
    reservation: str


def _mean(scores: Sequence[Score | None], trials: np.ndarray) -> Mean:
    """Mean over the trials, and over the drawn ones; `trials` (draws, trials). NaN is left out."""
    values = np.array([np.nan if each is None else each.value for each in scores])
    known = values[~np.isnan(values)]
    unknown = np.full(len(trials), np.nan)
    replicates = np.stack([unknown if each is None else each.replicates for each in scores], axis=1)
    weight = np.where(np.isnan(replicates), 0.0, trials)
    total = weight.sum(axis=1)
    summed = (weight * np.nan_to_num(replicates)).sum(axis=1)
    return Mean(
        float(known.mean()) if len(known) else np.nan,
        np.divide(summed, total, out=unknown, where=total > 0),
        len(known),
        max((each.groups for each in scores if each is not None), default=0),
        max((each.reservation for each in scores if each is not None), default=""),
    )


def _row(
    key: Key, role: str, schemes: Mapping[str, str], means: Mapping[str, Mean], train: Mapping[str, float]
) -> dict[str, object]:
    """A row of `PRICE`; schemes, means and numbers of training patches by side."""
    task, features, classifier, metric, weighting, of_class = key
    leaky, clean = (means[side] for side in SIDES)
    groups = min(leaky.groups, clean.groups)
    difference = leaky.value - clean.value
    low, high, _ = uncertainty.difference(difference, leaky.replicates - clean.replicates, groups)
    row: dict[str, object] = {
        "classifier": classifier,
        "features": features,
        "task": task,
        "role": role,
        "metric": metric,
        "definition": metrics.registry()[metric].definition,
        "weighting": weighting,
        "pixels": ALL_PIXELS,
        "class": of_class,
        "difference": difference,
        "low": low,
        "high": high,
        "groups": groups,
        "note": _note(difference, groups, means, train),
    }
    for side in SIDES:
        row |= {
            f"{side}_scheme": schemes[side],
            side: means[side].value,
            f"{side}_trials": means[side].trials,
            f"{side}_train_patches": train[side],
        }
    return row


def _note(difference: float, groups: int, means: Mapping[str, Mean], train: Mapping[str, float]) -> str:
    undefined = "undefined in all trials of a scheme" if np.isnan(difference) else ""
    reservation = max(mean.reservation for mean in means.values())
    one_trial = min(mean.trials for mean in means.values()) == 1
    unequal = abs(train["leaky"] - train["clean"]) > 0.05 * max(train.values())
    return notes(
        undefined or reservation or uncertainty.few_groups(groups),
        "one trial: the chance of the draw is not in the interval" if one_trial else "",
        "training sizes differ by more than 5 %" if unequal else "",
    )


def price(
    *,
    dataset: str,
    layout: Layout | None = None,
    leaky: list[Path],
    clean: list[Path],
    seed: int,
    draws: int = 1000,
    output: Output,
) -> None:
    """Hold scores of splits that leak against scores of splits that do not.

    Parameters
    ----------
    dataset, layout
        Name of the dataset, and how the release deviates from its published layout.
    leaky, clean : list of Path
        Confusion tables of the trials of a scheme that leaks, and of one that does not.
    seed : int
        Seed of the release.
    draws : int
        Number of bootstrap draws.
    output : Path
        The table `PRICE`.
    """
    opened = datasets.load(dataset, layout)
    leaking, not_leaking = ([read_parquet(path) for path in paths] for paths in (leaky, clean))
    write_tsv(output, price_of_leak(leaking, not_leaking, opened, draws, (seed,)), PRICE)
