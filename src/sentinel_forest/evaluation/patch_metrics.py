"""Published metrics of each patch: their summaries, intervals over groups, and tests between algorithms.

Authors of a benchmark may publish the metrics of every patch and no prediction. What is a summary over patches follows
from such a table as it follows from counts, and needs no pixel. What is computed here says so in its note.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from sentinel_forest import datasets
from sentinel_forest.config.papers import Paper, PatchValues
from sentinel_forest.config.releases import read_entry
from sentinel_forest.config.validation import parse, read_yaml
from sentinel_forest.datasets.base import Dataset
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation import metrics as metric_table
from sentinel_forest.evaluation.confusion import Classifier
from sentinel_forest.evaluation.evaluate import Sample, sample, summarise
from sentinel_forest.evaluation.figures import Place
from sentinel_forest.evaluation.paired import PAIRED, difference, paired_table
from sentinel_forest.evaluation.score import METRICS, metric_rows
from sentinel_forest.evaluation.scored import Score, notes
from sentinel_forest.io import checksums
from sentinel_forest.io.tables import conform, read_parquet, write_tsv
from sentinel_forest.io.texts import read_texts
from sentinel_forest.registry import PAPERS, RELEASES
from sentinel_forest.splits.named import catalog_of_names
from sentinel_forest.steps import Layout, Output

NOTE = "from the authors' values of each patch, not from pixels"
UNDEFINED = ["", "NA", "NaN", "nan"]
"""What a table holds where a value is undefined."""
UNDECLARED = "unknown: pretraining"
"""The mark of a model of which nobody says what it was trained on."""


def form_of(path: Path, table: pd.DataFrame, dataset: Dataset) -> PatchValues:
    """The form of the registry's papers that a table has.

    Raises
    ------
    InputError
        If it has none of a task of the dataset.
    """
    papers = [parse(Paper.model_validate, read_yaml(name), name) for name in sorted(PAPERS.glob("*.yaml"))]
    forms = [form for paper in papers for form in paper.patch_values if form.task in dataset.tasks and form.models]
    for form in forms:
        if {*form.keys.values(), form.positives} <= set(table) and any(_answered(form, table)):
            return form
    raise InputError(
        "A table is none of the metrics of each patch that a paper of the registry describes.",
        where=path,
        found=", ".join(table.columns[:6]),
        expected="; ".join(f"{', '.join(form.keys.values())}, ... of {form.source}" for form in forms) or "none",
        remedy="give the authors' file as they publish it",
    )


def _answered(form: PatchValues, table: pd.DataFrame) -> list[tuple[str, str]]:
    """Models and questions of which a table has all metrics."""
    every = [(model, question) for model in form.models for question in form.questions]
    return [each for each in every if all(form.column_of(*each, metric) in table for metric in form.metrics)]


def read_values(path: Path, form: PatchValues, dataset: Dataset) -> pd.DataFrame:
    """A table of metrics of each patch, by our patch ids: numbers, NaN where undefined, and `positives`.

    Raises
    ------
    InputError
        If a patch stands twice or has no id, or a value is no fraction.
    """
    table = read_texts(path).apply(lambda column: column.str.strip())
    ids = [dataset.listed_name(name) for name in table[list(form.keys.values())].agg("/".join, axis=1)]
    patches = pd.Series([found[1] if found else "" for found in ids], dtype="str")
    for wrong, problem in ((patches == "", "A row names no patch."), (patches.duplicated(), "A patch stands twice.")):
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            found = ", ".join(table[list(form.keys.values())].iloc[row])
            raise InputError(
                problem,
                where=f"{path}, row {row + 2}",
                found=found,
                expected="one row for each patch",
                remedy="give the authors' file as they publish it",
            )
    wanted = {
        form.column_of(*each, metric): (*each, metric) for each in _answered(form, table) for metric in form.metrics
    }
    numbers = fractions(table[[*wanted, form.positives]], path)
    names = pd.MultiIndex.from_tuples([*wanted.values(), ("positives", "", "")])
    values: pd.DataFrame = numbers.set_index(pd.Index(patches)).set_axis(names, axis=1)
    return values


def fractions(texts: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Numbers from 0 to 1 that a table at `path` holds as text, float64; NaN where it has none (`UNDEFINED`).

    Raises
    ------
    InputError
        If a value is no fraction.
    """
    numbers: pd.DataFrame = texts.apply(pd.to_numeric, errors="coerce").astype("float64")
    wrong = ~(numbers.apply(lambda column: column.between(0, 1)) | texts.isin(UNDEFINED))
    for name in numbers.columns[wrong.any()]:
        row = int(np.flatnonzero(wrong[name])[0])
        raise InputError(
            "A value is no fraction.",
            where=f"{path}, column {name}, row {row + 2}",
            found=texts[name].iloc[row][:80],
            expected="0 to 1",
            remedy="give the authors' file as they publish it",
        )
    return numbers


def scores_of(
    values: pd.DataFrame, model: str, question: str, dataset: Dataset, form: PatchValues, patches: Sample
) -> list[Score]:
    """Summaries over patches of one model and question; `values` in the order of the sample."""
    some = values["positives"].to_numpy().ravel() > 0
    found = {}
    for metric in metric_table.per_patch(dataset.tasks[form.task]):
        of_patch = values[model, question, metric.id.split(".")[0]].to_numpy(np.float64)
        found[metric] = np.where(some | (not metric.with_positives), of_patch, np.nan)
    return list(summarise(found, question, patches, np.ones(len(values))))


def about_patches(
    values: pd.DataFrame, dataset: Dataset, catalog: Path | None, split: Path | None, role: str, where: Path
) -> pd.DataFrame:
    """patch, group and weight of the patches that are scored: those of a role, or all of a table.

    Raises
    ------
    InputError
        If a patch of the role is not in the table.
    """
    if catalog is None or split is None:
        return catalog_of_names(dataset, dict.fromkeys(values.index, "")).assign(weight=1.0)
    roles = read_parquet(split).merge(read_parquet(catalog, ["patch", "group"]), on="patch", validate="1:1")
    patches = roles[roles["role"] == role]
    absent = patches[~patches["patch"].isin(values.index)]
    if len(absent) or patches.empty:
        raise InputError(
            "The table lacks patches of the role.",
            where=where,
            found=f"{len(patches) - len(absent)} of {len(patches)}, without {', '.join(absent['patch'].head(2))}",
            expected=f"all patches of role {role}",
            remedy="give the whole table, of this release",
        )
    return patches


def part_of(release: str, role: str, patches: int) -> str:
    """What is to be said of a table with another number of patches than the registry gives a role; blank for none."""
    known = read_entry(release)["patches"] or {} if (RELEASES / f"{release}.yaml").is_file() else {}
    return f"{patches} of the {known[role]} {role} patches" if known.get(role, patches) != patches else ""


def score_models(
    values: pd.DataFrame, about: pd.DataFrame, dataset: Dataset, form: PatchValues, place: Place, role: str,
    draws: int, seed: Sequence[object],
) -> tuple[pd.DataFrame, pd.DataFrame]:  # fmt: skip
    """Scores (`METRICS`) and comparisons of every two models (`PAIRED`)."""
    patches = sample(about, draws, checksums.seed(*seed, role, "bootstrap"))
    ordered = values.loc[about["patch"]]
    task, swaps = dataset.tasks[form.task], checksums.seed(*seed, role, "swaps")
    found: dict[tuple[str, str], list[Score]] = {}
    answered = dict.fromkeys((str(name[0]), str(name[1])) for name in values.columns if name[0] != "positives")
    for model, question in answered:
        found[model, question] = scores_of(ordered, model, question, dataset, form, patches)
    known = {model: Classifier(model, "", task, (), {}) for model, _ in found}
    note = notes(NOTE, part_of(place.release, role, len(about)))
    rows = [
        row
        for (model, _), scores in found.items()
        for row in metric_rows(place, known[model], role, scores, UNDECLARED, note)
    ]
    compared = [
        place._asdict() | row
        for one, other in combinations(found, 2)
        if one[1] == other[1]
        for row in _differences(found[one], found[other], (known[one[0]], known[other[0]]), role, swaps, about, note)
    ]
    return conform(pd.DataFrame(rows, columns=list(METRICS.columns)), METRICS), paired_table(compared)


def _differences(
    a: Sequence[Score], b: Sequence[Score], who: tuple[Classifier, Classifier], role: str, seed: int,
    about: pd.DataFrame, note: str,
) -> Iterator[dict[str, object]]:  # fmt: skip
    """Rows of `PAIRED` for the metrics by which algorithms are compared."""
    for one, other in zip(a, b, strict=True):
        if one.metric.headline:
            yield difference(one, other, who, role, UNDECLARED, seed, len(about), [note])


def patch_metrics(
    *,
    release: str,
    scheme: str = "published",
    trial: int = 1,
    role: str = "test",
    dataset: str,
    layout: Layout | None = None,
    catalog: Path | None = None,
    split: Path | None = None,
    values: Path,
    seed: int = 1,
    draws: int = 1000,
    metrics: Output,
    paired: Output,
) -> None:
    """Score models from the metrics of each patch that their authors published; no pixel is needed.

    Parameters
    ----------
    release, scheme, trial, role
        What the patches are: a role of a trial.
    dataset, layout
        Name of the dataset, and how the release deviates from its published layout.
    catalog, split : Path, optional
        Catalog of the release and roles of the trial; without them, patches and groups are those that names tell.
    values : Path
        The authors' table; a paper of the registry describes its form.
    seed : int
        Seed of the scheme.
    draws : int
        Number of bootstrap draws.
    metrics, paired : Path
        Tables to write: `sentinel_forest.evaluation.score.METRICS`, `sentinel_forest.evaluation.paired.PAIRED`.
    """
    opened = datasets.load(dataset, layout)
    form = form_of(values, read_texts(values), opened)
    table = read_values(values, form, opened)
    about = about_patches(table, opened, catalog, split, role, values)
    seeds = checksums.seed(seed, "published values of patches"), trial
    scored, compared = score_models(table, about, opened, form, Place(release, scheme, trial), role, draws, seeds)
    write_tsv(metrics, scored, METRICS)
    write_tsv(paired, compared, PAIRED)
