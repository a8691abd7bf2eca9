"""The reproduction sheet: published figures beside those of a version, with a verdict on each.

A published figure of a forest is *inside* if it lies in the 95 % interval of ours (over groups), widened by
half a unit of its last published decimal; else the sheet says by how much it lies *outside*. A reference
algorithm ships with the release and leaves nothing to chance: on the same images its score is the published
one. So ours is *equal to the printed decimals*, or *differs*, whatever its interval. No verdict is given
where the two are not of the same thing: sample data; another release, split, other bands, classes, another
metric or model; a figure that is itself unconfirmed, or one that the version does not have.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pandera.pandas as pa

from sentinel_forest import datasets
from sentinel_forest.config.papers import Aspect, Column, Paper, Row, Table
from sentinel_forest.config.validation import nearest, parse, read_yaml
from sentinel_forest.datasets.base import FeatureSet, Task
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation import metrics
from sentinel_forest.evaluation.confusion import ROLES
from sentinel_forest.evaluation.evaluate import ALL_PIXELS, UNWEIGHTED
from sentinel_forest.evaluation.figures import PLACE, Place
from sentinel_forest.evaluation.score import METRICS
from sentinel_forest.io.tables import columns, conform, read_tsv, write_tsv
from sentinel_forest.registry import PAPERS
from sentinel_forest.steps import Output, ReleaseFile

UNCONFIRMED = "unconfirmed"
EQUAL = "equal to the printed decimals"
VERDICTS = rf"^(inside$|outside by [+-]|{EQUAL}$|differs by [+-]|not comparable: )"

REPRODUCTION = pa.DataFrameSchema(
    {
        **columns("str", "paper", "figure", "confirmed", "release", "scheme"),
        **columns("int64", "trial"),
        **columns("str", "classifier", "features", "task"),
        "role": pa.Column("str", pa.Check.isin(ROLES)),
        **columns("str", "metric", "definition", "class"),
        **columns("float64", "published"),
        **columns("float64", "ours", "low", "high", nullable=True),
        "verdict": pa.Column("str", pa.Check.str_matches(VERDICTS)),
        **columns("str", "note", "source", "protocol"),
    },
    strict=True,
    ordered=True,
)
"""Published figures beside ours.

`figure`: table and model of the paper's file; `confirmed`: how far the published figure itself is. From
`release` to `class`: what ours is (the figure's own release and trial 1 where the version has none).
`published`, `ours`, `low`, `high`: as in `score.METRICS`. `verdict`: ``inside``; ``outside by`` the
distance from the published figure to the nearer end of our interval, with ``+`` where ours is higher; of
reference algorithms ``equal to the printed decimals`` or ``differs by`` ours minus the published figure, in
its unit; or ``not comparable:`` and why. `note`: what else a reader must know; `source`: where the figure
was read; `protocol`: how it came about.
"""


@dataclass(frozen=True)
class Figure:
    """One published figure; see `sentinel_forest.config.papers` for what each part means.

    `differs` says by aspect (release, split, ...) why it cannot be held against ours; empty if it can.
    """

    paper: str
    name: str
    release: str
    scheme: str
    role: str
    task: str
    classifier: str
    features: tuple[str, ...]
    metric: str
    of_class: str
    value: float
    decimals: int
    confirmed: str
    differs: Mapping[Aspect, str]
    note: str
    source: str
    protocol: str


class Key(NamedTuple):
    """What finds a score in the metrics of a trial."""

    task: str
    role: str
    classifier: str
    features: str
    metric: str
    of_class: str


class Ours(NamedTuple):
    """A score of the version."""

    value: float
    low: float
    high: float
    mark: str
    note: str


Scores = Mapping[Place, Mapping[Key, Ours]]

MISSING = Ours(np.nan, np.nan, np.nan, "", "")


# Papers


def read_papers(folder: Path) -> list[Figure]:
    """All figures of the papers in a folder, papers in the order of their names.

    Raises
    ------
    InputError
        If there is no paper, a file breaks the model, or a figure names a metric, task, class or
        feature set that does not exist, has a value out of the metric's range, or is given twice.
    """
    paths = sorted(folder.glob("*.yaml"))
    if not paths:
        raise InputError("There is no paper.", where=folder, expected="files <paper>.yaml")
    vocabulary = _vocabulary()
    return [figure for path in paths for figure in read_paper(path, vocabulary)]


Vocabulary = Mapping[str, tuple[Task, Mapping[str, FeatureSet]]]


def _vocabulary() -> Vocabulary:
    """Tasks by name, each with the feature sets of its dataset."""
    loaded = [datasets.load(name) for name in datasets.names()]
    return {name: (task, dataset.feature_sets) for dataset in loaded for name, task in dataset.tasks.items()}


def read_paper(path: Path, vocabulary: Vocabulary) -> list[Figure]:
    """The figures of one paper, in the order of its file; see `read_papers`."""
    content = parse(Paper.model_validate, read_yaml(path), path)
    if content.paper != path.stem:
        raise InputError(
            "The file of a paper and the paper differ in name.",
            where=path,
            found=content.paper,
            expected=path.stem,
            remedy="rename one of them",
        )
    figures = []
    for table in content.tables:
        where = f"{path}, table {table.table!r}"
        _check_table(table, vocabulary, where)
        for row in table.rows:
            _check_row(row, table, vocabulary, f"{where}, model {row.model!r}")
            figures += [
                _figure(content.paper, table, row, column, value)
                for column, value in zip(table.figures, row.values, strict=True)
                if value is not None
            ]
    _check_unique(figures, path)
    return figures


def _figure(paper: str, table: Table, row: Row, column: Column, value: float) -> Figure:
    return Figure(
        paper,
        f"{table.table}: {row.model}",
        table.release,
        table.scheme,
        table.role,
        table.task,
        row.classifier,
        tuple(row.features),
        column.metric,
        column.of_class,
        value,
        column.decimals,
        table.confirmed,
        {**table.differs, **row.differs},
        table.note,
        table.source,
        table.protocol,
    )


def _check_table(table: Table, vocabulary: Vocabulary, where: str) -> None:
    """Whether the task, the metrics and their classes exist."""
    if table.task not in vocabulary:
        raise InputError("Unknown task.", where=where, found=table.task, expected=nearest(table.task, vocabulary))
    task, _ = vocabulary[table.task]
    for column in table.figures:
        if column.metric not in metrics.registry():
            raise InputError(
                "Unknown metric.",
                where=where,
                found=column.metric,
                expected=nearest(column.metric, metrics.registry()),
                remedy="name a metric as in metrics.tsv, or leave the figure out",
            )
        classes = _classes(column.metric, task)
        if column.of_class not in classes:
            raise InputError(
                "Unknown class of a metric.",
                where=f"{where}, {column.metric}",
                found=repr(column.of_class),
                expected=nearest(column.of_class, classes),
            )


def _classes(name: str, task: Task) -> tuple[str, ...]:
    """What a metric can be of: nothing for those over all classes, classes, or questions."""
    if any(each.id == name for each in metrics.PER_CLASS):
        return task.names
    if any(each.id == name for each in metrics.overall(task)):
        return ("",)
    return tuple(question.name for question in task.questions)


def _check_row(row: Row, table: Table, vocabulary: Vocabulary, where: str) -> None:
    """Whether the values of a model are in range, and it has something to stand beside."""
    for name in row.features:
        sets = [key for key, about in vocabulary[table.task][1].items() if about.task == table.task]
        if name not in sets:
            raise InputError("Unknown feature set.", where=where, found=name, expected=nearest(name, sets))
    if not row.classifier and not (row.differs or table.differs):
        raise InputError(
            "A model has no classifier beside it, and nothing says why.",
            where=where,
            remedy="name a classifier of metrics.tsv, or say in `differs` why there is none",
        )
    for column, value in zip(table.figures, row.values, strict=True):
        metric = metrics.registry()[column.metric]
        if value is not None and not metric.low <= value <= metric.high:
            raise InputError(
                "A published value is out of the range of its metric.",
                where=f"{where}, {column.metric}",
                found=value,
                expected=f"{metric.low:g} to {metric.high:g}",
                remedy="give fractions; per cent only where the definition has a %",
            )


def _check_unique(figures: Sequence[Figure], path: Path) -> None:
    met = set[tuple[str, ...]]()
    for figure in figures:
        key = figure.name, figure.metric, figure.of_class
        if key in met:
            raise InputError(
                "A figure is given twice.",
                where=path,
                found=", ".join(key),
                remedy="give models and tables different names, or leave one out",
            )
        met.add(key)


# The sheet


def index(tables: Sequence[pd.DataFrame]) -> dict[Place, dict[Key, Ours]]:
    """Scores by trial and key, from metrics (`score.METRICS`).

    Scores without weights count: they are what papers report.
    """
    found: dict[Place, dict[Key, Ours]] = {}
    keys = ["task", "role", "classifier", "features", "metric", "class"]
    for table in tables:
        plain = table[(table["weighting"] == UNWEIGHTED) & (table["pixels"] == ALL_PIXELS)]
        places = plain[[*PLACE]].itertuples(index=False, name=None)
        names = plain[keys].itertuples(index=False, name=None)
        values = plain[["value", "low", "high", "mark", "note"]].itertuples(index=False, name=None)
        for place, key, value in zip(places, names, values, strict=True):
            found.setdefault(Place(*place), {})[Key(*key)] = Ours(*value)
    return found


def sheet(figures: Sequence[Figure], scores: Scores, samples: Sequence[str]) -> pd.DataFrame:
    """The reproduction sheet (schema `REPRODUCTION`).

    Parameters
    ----------
    figures : sequence of Figure
        What was published.
    scores : mapping
        See `index`.
    samples : sequence of str
        Releases whose pixels come from the scene model.

    Notes
    -----
    A figure stands beside all trials of its scheme on its own release. If the version has none, it stands
    beside those of other releases with the same task (so that the demo has a sheet); else it stands alone.
    """
    rows = [row for figure in figures for row in _rows(figure, scores, frozenset(samples))]
    return conform(pd.DataFrame(rows, columns=list(REPRODUCTION.columns)), REPRODUCTION)


def _rows(figure: Figure, scores: Scores, samples: frozenset[str]) -> Iterator[dict[str, object]]:
    """Rows of `REPRODUCTION`: one a trial that the figure stands beside, and a feature set that is there."""
    for place in _places(figure, scores):
        known = scores.get(place, {})
        sets = [name for name in figure.features if _key(figure, name) in known]
        for features in sets or [""]:
            ours = known.get(_key(figure, features), MISSING)
            yield {
                "paper": figure.paper,
                "figure": figure.name,
                "confirmed": figure.confirmed,
                **place._asdict(),
                "classifier": figure.classifier,
                "features": features,
                "task": figure.task,
                "role": figure.role,
                "metric": figure.metric,
                "definition": metrics.registry()[figure.metric].definition,
                "class": figure.of_class,
                "published": figure.value,
                "ours": ours.value,
                "low": ours.low,
                "high": ours.high,
                "verdict": _verdict(figure, place, place in scores, ours, samples),
                "note": _note(figure, ours),
                "source": figure.source,
                "protocol": figure.protocol,
            }


def _places(figure: Figure, scores: Scores) -> list[Place]:
    """Trials that a figure stands beside, see `sheet`."""
    trials = [place for place, known in scores.items() if place.scheme == figure.scheme]
    own = [place for place in trials if place.release == figure.release]
    akin = [place for place in trials if any(key.task == figure.task for key in scores[place])]
    return sorted(own or akin) or [Place(figure.release, figure.scheme, 1)]


def _key(figure: Figure, features: str) -> Key:
    return Key(figure.task, figure.role, figure.classifier, features, figure.metric, figure.of_class)


def _verdict(figure: Figure, place: Place, computed: bool, ours: Ours, samples: frozenset[str]) -> str:
    why = _why_not(figure, place, computed, ours, samples)
    if why:
        return f"not comparable: {why}"
    if _is_reference(figure):
        difference = ours.value - figure.value
        differs = outside(figure.value, figure.decimals, ours.value, ours.value)
        return f"differs by {difference:+.{figure.decimals + 2}f}" if differs else EQUAL
    distance = outside(figure.value, figure.decimals, ours.low, ours.high)
    return f"outside by {distance:+.{figure.decimals + 2}f}" if distance else "inside"


def _why_not(figure: Figure, place: Place, computed: bool, ours: Ours, samples: frozenset[str]) -> str:
    """Why there is no verdict, or nothing; what says most about the comparison comes first."""
    if place.release in samples:
        return "sample data"
    if not computed:
        return f"release (no scores of {figure.release}, split {figure.scheme}, in this version)"
    differs = dict(figure.differs)
    if place.release != figure.release:
        release = _joined(f"published for {figure.release}", differs.pop("release", ""))
        differs = {"release": release, **differs}
    reasons = [f"{aspect} ({words})" for aspect, words in differs.items()]
    if figure.confirmed == UNCONFIRMED:
        reasons.append("the published figure is unconfirmed")
    if reasons:
        return ", ".join(reasons)
    if ours is MISSING:
        return "not computed in this version"
    if np.isnan(ours.value):
        return ours.note or "ours is undefined"
    bounds = np.isnan(ours.low) or np.isnan(ours.high)
    return "ours has no interval" if bounds and not _is_reference(figure) else ""


def _is_reference(figure: Figure) -> bool:
    """Whether a figure is of a reference algorithm, which was not trained here."""
    return bool(figure.classifier) and not figure.features


def outside(published: float, decimals: int, low: float, high: float) -> float:
    """How far an interval lies above (positive) or below (negative) a rounded figure; 0 if it holds it.

    Parameters
    ----------
    published : float
        The figure; what was rounded to it lies within half a unit of its last decimal.
    decimals : int
        Its decimals.
    low, high : float
        The interval.
    """
    half = 0.5 * 10.0**-decimals
    # A bound that is exactly half a unit away counts as inside, however the sum is rounded.
    slack = half + 1e-12
    if low - slack <= published <= high + slack:
        return 0.0
    return low - published if published < low else high - published


def _note(figure: Figure, ours: Ours) -> str:
    linked = f"test patches {ours.mark}" if ours.mark not in ("", "clean") else ""
    return _joined(figure.note, ours.note, linked)


def _joined(*texts: str) -> str:
    return "; ".join(text for text in texts if text)


def reproduction(*, metrics: list[ReleaseFile], samples: list[str], output: Output) -> None:
    """Hold published figures against the scores of a version.

    Parameters
    ----------
    metrics : list of ReleaseFile
        Metrics of every trial.
    samples : list of str
        Releases that hold sample data.
    output : Path
        The table `REPRODUCTION`.
    """
    figures = read_papers(PAPERS)
    schemes = {figure.scheme for figure in figures}
    tables = [read_tsv(file.path, METRICS) for file in metrics if file.scheme in schemes]
    write_tsv(output, sheet(figures, index(tables), samples), REPRODUCTION)
