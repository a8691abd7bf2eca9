"""Scores of the trials of a scheme as one: their mean, with an interval of that mean.

The trials of a scheme share patches, so that their scores are not independent, and the bounds of their
intervals cannot be put together to those of the mean. Instead each draw of the bootstrap takes groups, with
replacement, out of the union of the groups that the trials test on. Each trial is scored on those of its own
test patches whose groups were drawn, as often as they were; the mean of these scores is the replicate of the
mean. So trials that test on the same groups rise and fall together, and trials that test on others do not.
A draw in which a trial has no score, because none of its groups was drawn or the metric is undefined, is left
out, and the note counts such draws.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sentinel_forest import datasets
from sentinel_forest.config.groups import least_groups
from sentinel_forest.datasets.base import Dataset
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation import uncertainty
from sentinel_forest.evaluation.confusion import ROLES, classifiers
from sentinel_forest.evaluation.evaluate import drawn, evaluate, known_groups
from sentinel_forest.evaluation.figures import FIGURE, WHICH, WHO
from sentinel_forest.evaluation.score import METRICS
from sentinel_forest.evaluation.scored import SAME_PATCHES, Score, notes
from sentinel_forest.evaluation.uncertainty import Support
from sentinel_forest.io import checksums
from sentinel_forest.io import schemas as pa
from sentinel_forest.io.tables import columns, conform, read_parquet, read_tsv, write_tsv
from sentinel_forest.splits.marks import combine
from sentinel_forest.steps import Layout, Output, TrialFile

KEY = [*WHO, *FIGURE]

AVERAGES = pa.DataFrameSchema(
    {
        **columns("str", "release", "scheme"),
        **columns("int64", "trials"),
        **WHICH,
        **columns("float64", "value", "low", "high", "trial_std", nullable=True),
        **columns("int64", "n", "groups"),
        **columns("str", "mark", "note"),
    },
    strict=True,
    ordered=True,
    unique=["release", "scheme", *KEY],
)
"""Scores over the `trials` of a scheme; of a single trial, its row of `METRICS`.

`value`: mean of the trials in which it is defined, `trial_std`: their standard deviation; empty for one.
`low`, `high`: 95 % interval of this mean, never put together from those of the trials; empty where a trial has too
few groups, or patches without a known group. `n`, `groups`: of the trial that has the fewest. `mark`: what links the
patches of any trial with training. `note`: what is to be said of the interval, then of the trials, with their numbers
unless it holds for all.
"""

OF_NO_COUNTS = "mean over trials: no interval, as the score does not follow from counts alone"
"""Doubt about the mean of scores that joined those of counts, see `sentinel_forest.evaluation.further`."""

Key = tuple[str, ...]
"""Entries of the columns `KEY`."""
ROLE = KEY.index("role")


class Trial(NamedTuple):
    """A trial of a scheme: its scores (`METRICS`), and its counts (`CONFUSION`)."""

    scheme: str
    number: int
    metrics: pd.DataFrame
    confusion: pd.DataFrame


def average_trials(trials: Sequence[Trial], dataset: Dataset, draws: int, seed: Sequence[object]) -> pd.DataFrame:
    """The scores of the trials of one scheme as one.

    Parameters
    ----------
    trials : sequence of Trial
        All of the same scheme.
    dataset : Dataset
        The vocabulary.
    draws : int
        Number of bootstrap draws.
    seed : sequence
        Names that the seed derives from.

    Returns
    -------
    DataFrame
        See `AVERAGES`; sorted as the scores of the first trial, then those that only others have.
    """
    if len(trials) == 1:
        alone = trials[0].metrics.assign(trials=1, trial_std=np.nan)
        return conform(alone[list(AVERAGES.columns)], AVERAGES)
    scores = [dict[Key, Score]() for _ in trials]
    for role in ROLES:
        names = known_groups(*(trial.confusion[trial.confusion["role"] == role] for trial in trials))
        counts = uncertainty.resamples(len(names), draws, checksums.seed(*seed, role, "average"))
        for found, trial in zip(scores, trials, strict=True):
            found |= _scores(trial.confusion, dataset, role, names, counts)
    by_key: list[dict[Key, Mapping[Any, Any]]] = [
        dict(zip(trial.metrics[KEY].itertuples(index=False, name=None), trial.metrics.to_dict("records"), strict=True))
        for trial in trials
    ]
    numbers = [trial.number for trial in trials]
    repeated = {role: notes(*_repeated(trials, role)) for role in ROLES}
    rows = [
        _mean(numbers, [each.get(key) for each in by_key], [each.get(key) for each in scores], repeated[key[ROLE]])
        for key in dict.fromkeys(key for each in by_key for key in each)
    ]
    return conform(pd.DataFrame(rows, columns=list(AVERAGES.columns)), AVERAGES)


def _repeated(trials: Sequence[Trial], role: str) -> Iterator[str]:
    """Which trials hold out the same patches: their spread is not one between draws of the split."""
    alike: dict[frozenset[str], list[str]] = {}
    for trial in trials:
        held = trial.confusion.loc[trial.confusion["role"] == role, "patch"].unique()
        alike.setdefault(frozenset(held), []).append(str(trial.number))
    for patches, numbers in alike.items():
        if patches and len(numbers) > 1:
            yield f"trials {', '.join(numbers)} {SAME_PATCHES} {role} patches"


def _scores(
    table: pd.DataFrame, dataset: Dataset, role: str, names: Sequence[str], counts: np.ndarray
) -> dict[Key, Score]:
    """The scores of a trial in a role, from its counts, for draws over all groups `names`."""
    held = table.loc[table["role"] == role, ["patch", "group", "weight"]].drop_duplicates("patch")
    if held.empty:
        return {}
    patches = drawn(held, names, counts)
    return {
        (one.task.name, one.features, one.name, role, *(score.about[name] for name in FIGURE)): score
        for one in classifiers(table, dataset)
        for score in evaluate(one.rows(table, role), one, patches)
    }


def _mean(
    numbers: Sequence[int], rows: Sequence[Mapping[Any, Any] | None], scores: Sequence[Score | None], repeated: str
) -> dict[str, object]:
    """A row of `AVERAGES` from those of the trials: None where a trial has none; `repeated`: see `_repeated`."""
    told = {number: row for number, row in zip(numbers, rows, strict=True) if row is not None}
    first = next(iter(told.values()))
    known = {number: row for number, row in told.items() if not pd.isna(row["value"])}
    support = (known or told).values()
    groups = min(int(row["groups"]) for row in support)
    of_known = [score for number, score in zip(numbers, scores, strict=True) if number in known and score]
    low, high, doubts = np.nan, np.nan, ""
    value = float(np.mean([row["value"] for row in known.values()])) if known else np.nan
    if known and not of_known:
        doubts = OF_NO_COUNTS
    elif known:
        mean = np.mean([score.replicates for score in of_known], axis=0)
        fewest = Support.least(score.support for score in of_known)
        least = least_groups(str(first["class"]))
        exact = float(np.mean([score.value for score in of_known]))
        low, high = uncertainty.interval(exact, mean, fewest, of_known[0].span, least)
        doubts = _doubts(mean, fewest, of_known)
    parts = {number: _parts(str(row["note"])) for number, row in told.items()}
    few = f"mean of {len(known)} of {len(numbers)} trials" if 0 < len(known) < len(numbers) else ""
    return {name: first[name] for name in AVERAGES.columns if name in first} | {
        "trials": len(numbers),
        "value": value,
        "low": low,
        "high": high,
        "trial_std": float(np.std([row["value"] for row in known.values()], ddof=1)) if len(known) > 1 else np.nan,
        "n": min(int(row["n"]) for row in support),
        "groups": groups,
        "mark": combine([str(row["mark"]) for row in told.values()]),
        "note": notes(doubts, few, repeated if len(known) > 1 else "", *_by_trial(parts)),
    }


def _doubts(replicates: np.ndarray, support: Support, scores: Sequence[Score]) -> str:
    """What is to be said about the interval of a mean of scores; which patches have no group, its trials say."""
    if any(score.reservation for score in scores):
        return ""
    of_class = scores[0].of_class
    few = uncertainty.few_groups(support.groups, of_class, support.lacking, scores[0].kind)
    if support.whole < least_groups(of_class):
        return few
    if not np.nanstd(replicates) > 0:
        return uncertainty.ALIKE
    undefined = int(np.isnan(replicates).sum())
    return notes(few, f"undefined in a trial in {undefined} of {len(replicates)} draws" if undefined else "")


OF_ONE_INTERVAL = re.compile(
    r"from a sample of pixels: .*|undefined in \d+ of \d+ draws|"
    r"\d+ (of \d+ )?groups?( have all it needs)?: (no interval|95 % intervals|no p value).*|" + uncertainty.ALIKE
)
"""Parts of a note that tell of the interval of a trial, and not of that of the mean."""


def _parts(note: str) -> list[str]:
    """The parts of a trial's note that hold beside a mean too."""
    return [part for part in note.split("; ") if part and not OF_ONE_INTERVAL.fullmatch(part)]


def _by_trial(parts: Mapping[int, Sequence[str]]) -> Iterator[str]:
    """What is said of all trials, and of some with their numbers."""
    for part in dict.fromkeys(part for of_trial in parts.values() for part in of_trial):
        where = [str(number) for number, of_trial in parts.items() if part in of_trial]
        named = f"trial{'s' if len(where) > 1 else ''} {', '.join(where)}"
        yield part if len(where) == len(parts) else f"{named}: {part}"


# Step


def average(
    *,
    dataset: str,
    layout: Layout | None = None,
    metrics: list[TrialFile],
    confusions: list[TrialFile],
    seed: int,
    draws: int = 1000,
    output: Output,
) -> None:
    """Average the scores over the trials of each scheme.

    Parameters
    ----------
    dataset, layout
        Name of the dataset, and how the release deviates from its published layout.
    metrics, confusions : list of TrialFile
        Scores and counts of the same trials.
    seed : int
        Seed of the release.
    draws : int
        Number of bootstrap draws.
    output : Path
        The table `AVERAGES`.
    """
    opened = datasets.load(dataset, layout)
    found = [average_trials(trials, opened, draws, (seed,)) for trials in _read(metrics, confusions)]
    table = pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=list(AVERAGES.columns))
    write_tsv(output, conform(table, AVERAGES), AVERAGES)


def _read(metrics: Sequence[TrialFile], confusions: Sequence[TrialFile]) -> Iterator[list[Trial]]:
    """The trials of one scheme after the other; counts are read only where there are several trials."""
    scores, counts = ({file.owner: file.path for file in files} for files in (metrics, confusions))
    if set(scores) != set(counts):
        alone = min(set(scores) ^ set(counts))
        raise InputError(
            "A trial has scores or counts, not both.",
            where="{}, trial {}".format(*alone),
            expected="metrics and confusions of the same trials",
            remedy="give both tables of each trial",
        )
    for scheme in dict.fromkeys(scheme for scheme, _ in scores):
        numbers = sorted(number for name, number in scores if name == scheme)
        several = len(numbers) > 1
        yield [
            Trial(
                scheme,
                number,
                read_tsv(scores[scheme, number], METRICS),
                read_parquet(counts[scheme, number], categories=True) if several else pd.DataFrame(),
            )
            for number in numbers
        ]
