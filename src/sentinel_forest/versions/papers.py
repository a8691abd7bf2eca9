"""Published figures of the papers in the registry, with a check that each can be told from all others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sentinel_forest import datasets
from sentinel_forest.config.papers import Aspect, Column, Paper, Row, Table
from sentinel_forest.config.validation import nearest, parse, read_yaml
from sentinel_forest.datasets.base import FeatureSet, Task
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation import metrics


@dataclass(frozen=True)
class Figure:
    """One published figure; see `sentinel_forest.config.papers` for what each part means.

    `differs` says by aspect (release, split, ...) why it cannot be held against ours; empty if it can.
    """

    paper: str
    name: str
    model: str
    release: str
    kind: str
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
        row.model,
        table.release,
        table.kind,
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
