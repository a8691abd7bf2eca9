"""The price of a leak: what scores gain where test patches have relatives among the training patches.

Scores of the trials of a leaky scheme (patches assigned at random) are held against those of a clean one
(whole groups assigned), classifier by classifier. A reference algorithm was not trained here: its
difference shows how much of the gap is due to other test patches, and should not differ from 0.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa

from . import datasets, digests, score, uncertainty
from .datasets.base import Dataset
from .errors import InputError, run
from .tables import read_parquet, write_tsv

PRICE = pa.DataFrameSchema(
    {
        "leaky_scheme": pa.Column("str"),
        "clean_scheme": pa.Column("str"),
        "classifier": pa.Column("str"),
        "features": pa.Column("str"),
        "task": pa.Column("str"),
        "role": pa.Column("str", pa.Check.isin(score.ROLES)),
        "metric": pa.Column("str"),
        "definition": pa.Column("str"),
        "class": pa.Column("str"),
        "leaky": pa.Column("float64", nullable=True),
        "clean": pa.Column("float64", nullable=True),
        "difference": pa.Column("float64", nullable=True),
        "low": pa.Column("float64", nullable=True),
        "high": pa.Column("float64", nullable=True),
        "leaky_trials": pa.Column("int64"),
        "clean_trials": pa.Column("int64"),
        "leaky_train_patches": pa.Column("float64"),
        "clean_train_patches": pa.Column("float64"),
        "groups": pa.Column("int64"),
        "note": pa.Column("str"),
    },
    strict=True,
    ordered=True,
)
"""Means over the trials of each scheme and their difference, with a 95 % interval.

`..._train_patches`: mean number of training patches. `groups`: groups that the scores rest on, the
smaller number of the two schemes. Other columns as in `score.METRICS`.
"""

Key = tuple[str, str, str, str, str, str]
"""task, features, classifier, metric, definition, class."""


def price(
    leaky: Sequence[pd.DataFrame],
    clean: Sequence[pd.DataFrame],
    dataset: Dataset,
    draws: int,
    seed: Sequence[object],
) -> pd.DataFrame:
    """Hold the trials of a leaky scheme against those of a clean one.

    Each draw takes groups of the release with replacement, the same for all trials of both schemes, and
    then trials of each scheme with replacement: the interval holds both sources of chance.

    Parameters
    ----------
    leaky, clean : sequence of DataFrame
        Confusion tables (`score.CONFUSION`), one of each trial, of one scheme each.
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
    schemes = {side: _scheme(side, tables) for side, tables in sides.items()}
    names = pd.Index(
        sorted({group for tables in sides.values() for table in tables for group in table["group"]})
    )
    counts = uncertainty.resamples(len(names), draws, digests.seed(*seed, "price", "groups"))
    trials = {
        side: uncertainty.resamples(len(tables), draws, digests.seed(*seed, "price", "trials", side))
        for side, tables in sides.items()
    }
    train = {side: _train_patches(tables) for side, tables in sides.items()}
    rows: list[tuple[object, ...]] = []
    for role in score.ROLES:
        scores = {
            side: _by_key([_scores(table, dataset, role, names, counts) for table in tables])
            for side, tables in sides.items()
        }
        for key, of_leaky in scores["leaky"].items():
            if key in scores["clean"]:
                of_clean = scores["clean"][key]
                rows.append(_row(key, role, schemes, of_leaky, of_clean, trials, train))
    return score.conform(pd.DataFrame(rows, columns=list(PRICE.columns)), PRICE)


def _scheme(side: str, tables: Sequence[pd.DataFrame]) -> str:
    """The one scheme of a side."""
    met = [
        pair for table in tables for pair in table[["scheme", "trial"]].drop_duplicates().to_numpy().tolist()
    ]
    if not met or len({scheme for scheme, _ in met}) > 1 or len(met) != len({tuple(pair) for pair in met}):
        raise InputError(
            "A side of the comparison needs trials of one scheme, each once.", where=f"--{side}",
            found=", ".join(f"{scheme} {trial}" for scheme, trial in met) or "no scores",
            expected="confusion tables of one scheme",
        )  # fmt: skip
    return str(met[0][0])


def _train_patches(tables: Sequence[pd.DataFrame]) -> float:
    """Mean number of training patches."""
    return float(np.mean([table["train_patches"].iloc[0] for table in tables if len(table)]))


def _scores(
    table: pd.DataFrame, dataset: Dataset, role: str, names: pd.Index, counts: np.ndarray
) -> dict[Key, score.Score]:
    """The headline scores of one trial, with replicates for the release's draws of groups."""
    in_role = table[table["role"] == role]
    patches = in_role[["patch", "group", "weight"]].drop_duplicates("patch")
    group, present = pd.factorize(patches["group"], sort=True)
    mine = counts[:, names.get_indexer(present)]
    patches_and_draws = score.Sample(
        pd.Index(patches["patch"]), group, patches["weight"].to_numpy(np.float64),
        np.vstack([np.ones((1, len(present))), mine]),
    )  # fmt: skip
    found: dict[Key, score.Score] = {}
    for one in score.classifiers(table, dataset):
        rows = in_role[
            (in_role["task"] == one.task.name)
            & (in_role["features"] == one.features)
            & (in_role["classifier"] == one.name)
        ]
        if one.constant or rows.empty:
            continue
        for each in score.evaluate(rows, one, patches_and_draws):
            if each.headline:
                found[(one.task.name, one.features, one.name, *each.key)] = each
    return found


def _by_key(trials: Sequence[dict[Key, score.Score]]) -> dict[Key, list[score.Score | None]]:
    """Scores of all trials, those of the first trial that has them in the lead; None where there is none."""
    keys = dict.fromkeys(key for trial in trials for key in trial)
    return {key: [trial.get(key) for trial in trials] for key in keys}


def _row(
    key: Key,
    role: str,
    schemes: Mapping[str, str],
    leaky: Sequence[score.Score | None],
    clean: Sequence[score.Score | None],
    trials: Mapping[str, np.ndarray],
    train: Mapping[str, float],
) -> tuple[object, ...]:
    task, features, classifier, *about = key
    value, replicates, used, groups = {}, {}, {}, {}
    for side, scores in (("leaky", leaky), ("clean", clean)):
        values = np.array([np.nan if each is None else each.value for each in scores])
        known = ~np.isnan(values)
        used[side] = int(known.sum())
        value[side] = float(values[known].mean()) if known.any() else np.nan
        draws = trials[side].shape[0]
        drawn = np.stack([np.full(draws, np.nan) if each is None else each.replicates for each in scores])
        replicates[side] = _mean_of_trials(drawn, trials[side])
        groups[side] = max((each.groups for each in scores if each is not None), default=0)
    fewest = min(groups.values())
    difference = value["leaky"] - value["clean"]
    low, high, _ = uncertainty.difference(difference, replicates["leaky"] - replicates["clean"], fewest)
    return (
        schemes["leaky"], schemes["clean"], classifier, features, task, role, *about, value["leaky"],
        value["clean"], difference, low, high, used["leaky"], used["clean"], train["leaky"], train["clean"],
        fewest, _note(difference, fewest, used, train),
    )  # fmt: skip


def _mean_of_trials(drawn: np.ndarray, trials: np.ndarray) -> np.ndarray:
    """Mean over the drawn trials: `drawn` (trials, draws), `trials` (draws, trials); NaN is left out."""
    weight = np.where(np.isnan(drawn.T), 0.0, trials)
    total = weight.sum(axis=1)
    summed = (weight * np.nan_to_num(drawn.T)).sum(axis=1)
    return np.divide(summed, total, out=np.full(len(total), np.nan), where=total > 0)


def _note(difference: float, groups: int, used: Mapping[str, int], train: Mapping[str, float]) -> str:
    notes = []
    if np.isnan(difference):
        notes.append("undefined in all trials of a scheme")
    elif groups < 2:
        notes.append("one group: no interval")
    elif groups < uncertainty.FEW_GROUPS:
        notes.append(f"fewer than ten groups ({groups}): interval not to be trusted")
    if min(used.values()) == 1:
        notes.append("one trial: the chance of the draw is not in the interval")
    if abs(train["leaky"] - train["clean"]) > 0.05 * max(train.values()):
        notes.append("training sizes differ by more than 5 %")
    return "; ".join(notes)


def main(argv: Sequence[str] | None = None) -> None:
    """Write the price of a leak on one release."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--layout", type=json.loads, default={})
    parser.add_argument("--release", required=True)
    parser.add_argument("--leaky", type=Path, nargs="+", required=True, help="confusion tables of its trials")
    parser.add_argument("--clean", type=Path, nargs="+", required=True, help="confusion tables of its trials")
    parser.add_argument("--seed", type=int, required=True, help="seed of the version")
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args(argv)
    dataset = datasets.load(given.dataset, given.layout)
    leaky, clean = ([read_parquet(path) for path in paths] for paths in (given.leaky, given.clean))
    table = price(leaky, clean, dataset, given.draws, (given.seed, given.release))
    write_tsv(given.output, table, PRICE)


if __name__ == "__main__":
    run(main)
