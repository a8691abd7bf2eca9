"""Reference algorithms against the values that their paper's authors give of each patch.

An algorithm is deterministic: on the same image with the same labels its value is the authors' value. So the answer is
not an interval, but on which part of the patches the two are equal, to the decimals that the authors' table has, and
how far they differ at most.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd

from sentinel_forest import datasets
from sentinel_forest.config.papers import Paper, PatchValues
from sentinel_forest.config.validation import parse, read_yaml
from sentinel_forest.datasets.base import Dataset
from sentinel_forest.datasets.keys import key_values
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation.papers_pixels import whole_counts
from sentinel_forest.evaluation.patch_metrics import UNDEFINED, fractions
from sentinel_forest.evaluation.scored import notes
from sentinel_forest.io import schemas as pa
from sentinel_forest.io.tables import columns, conform, read_parquet, write_tsv
from sentinel_forest.io.texts import read_texts
from sentinel_forest.registry import PAPERS
from sentinel_forest.steps import Layout, Output

FULL = 9
"""Decimals from which on a table is taken to hold whole values: ratios of numbers of pixels differ by more."""

BY_PATCH = pa.DataFrameSchema(
    {
        **columns("str", "paper", "classifier", "class", "metric"),
        **columns("int64", "patches", "equal", "one_undefined"),
        **columns("float64", "fraction_equal", "largest", nullable=True),
        **columns("str", "patch", "verdict"),
    },
    strict=True,
    ordered=True,
)
"""Values of each patch, ours and the authors'. `class`: the two-class question; `metric`: pa, ua or boa; `patches`:
those that both know; `equal`: those with the same value, to the decimals of the authors' table, or undefined in both;
`one_undefined`: those where one value is undefined. `largest`: the difference ours minus theirs of largest size, and
the `patch` that has it, if that is more than rounding. `verdict` also says how many of our patches their table lacks.
All pixels of an image count, as in the paper.
"""


def patch_values(dataset: Dataset, name: str, counts: pd.DataFrame, question: str) -> pd.DataFrame:
    """Producer's and user's accuracy and BOA of one algorithm and question by patch: float64, index patch.

    PA = TP / (TP + FN), UA = TP / (TP + FP), BOA = (TP / (TP + FN) + TN / (TN + FP)) / 2; NaN for 0 / 0.
    """
    about = dataset.references[name]
    positive = next(each.positive for each in dataset.tasks[about.task].questions if each.name == question)
    rows = counts[counts["classifier"] == name]
    true, said = rows["true"].isin(positive), rows["predicted"].isin(about.answers[question])
    cells = {"tp": true & said, "fn": true & ~said, "fp": ~true & said, "tn": ~true & ~said}
    sums = pd.DataFrame({cell: rows["count"].where(which, 0) for cell, which in cells.items()})
    tp, fn, fp, tn = sums.groupby(rows["patch"]).sum().astype("float64").to_numpy().T
    with np.errstate(invalid="ignore"):
        values = {"pa": tp / (tp + fn), "ua": tp / (tp + fp), "boa": (tp / (tp + fn) + tn / (tn + fp)) / 2}
    return pd.DataFrame(values, index=sorted(rows["patch"].unique()))


def decimals_of(texts: pd.DataFrame) -> int:
    """Most decimals that a value of a table is written with.

    Examples
    --------
    >>> decimals_of(pd.DataFrame({"a": ["0.5", "NA"], "b": ["1", "2.5e-3"]}))
    4
    """
    numbers = {text for name in texts for text in texts[name].unique() if text not in UNDEFINED}
    return max((-int(Decimal(text).as_tuple().exponent) for text in numbers), default=0)


def read_values(path: Path, form: PatchValues, catalog: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The authors' values by our patch ids, float64, and the decimals that they are written with.

    Raises
    ------
    InputError
        If the table lacks a column, names a patch twice, or has no patch of the catalog.
    """
    table = read_texts(path)
    figures = [form.column_of(*each) for each in form.figures()]
    missing = [name for name in (*form.keys.values(), *figures) if name not in table]
    if missing:
        raise InputError(
            "The authors' table lacks columns.",
            where=path,
            found=", ".join(map(str, table.columns[:6])),
            expected=", ".join(missing[:6]),
            remedy=f"give the file that the registry names: {form.source}",
        )
    known = catalog[["patch", *form.keys]].rename(columns=form.keys)
    for side, name in ((side, name) for side in (table, known) for name in form.keys.values()):
        side[name] = key_values(side[name])
    if table.duplicated(list(form.keys.values())).any():
        raise InputError("The authors' table has a patch twice.", where=path, expected="one row for each patch")
    texts = table[figures].apply(lambda column: column.str.strip())
    values = pd.concat([table[[*form.keys.values()]], fractions(texts, path)], axis=1)
    joined = known.merge(values, on=list(form.keys.values()), how="inner").set_index("patch")
    if joined.empty:
        raise InputError(
            "The authors' table has no patch of this release.",
            where=path,
            found=", ".join(map(str, table[list(form.keys.values())].iloc[0])) if len(table) else "no row",
            expected=", ".join(map(str, known.iloc[0][1:])),
            remedy="leave the release out of published_patches, or give the table of this release",
        )
    return joined, decimals_of(texts)


def compare_values(
    about: Mapping[str, str], ours: pd.DataFrame, theirs: pd.DataFrame, decimals: int = FULL
) -> pd.DataFrame:
    """Rows of `BY_PATCH` of one algorithm and question.

    Parameters
    ----------
    about : mapping
        paper, classifier and class.
    ours, theirs : DataFrame
        Values by patch: pa, ua and boa, float64; NaN where undefined.
    decimals : int
        Those that their values are written with; from `FULL` on they are taken as they are.
    """
    patches = ours.index.intersection(theirs.index)
    absent = len(ours) - len(patches)
    alone = f"{absent} of {len(ours)} patches not in their table" if absent else ""
    rows = [
        {**about, "metric": metric} | _compared(ours.loc[patches, metric], theirs.loc[patches, metric], decimals, alone)
        for metric in ("pa", "ua", "boa")
    ]
    return pd.DataFrame(rows)


def _compared(ours: pd.Series, theirs: pd.Series, decimals: int, alone: str) -> dict[str, object]:
    """The entries of a row from `patches` on; both by the same patches."""
    difference, empty = ours - theirs, (ours.isna(), theirs.isna())
    rounding = 0.5 * 10.0 ** -min(decimals, FULL) * (1 + 1e-9)
    equal = int(((difference.abs() <= rounding) | (empty[0] & empty[1])).sum())
    worst = str(difference.abs().idxmax()) if difference.notna().any() else ""
    largest = float(difference[worst]) if worst else np.nan
    far = abs(largest) > rounding
    exact = "equal" if decimals >= FULL else f"equal to the decimals of their table ({decimals})"
    text = f"{exact} in {equal} of {len(ours)} patches"
    return {
        "patches": len(ours),
        "equal": equal,
        "one_undefined": int((empty[0] ^ empty[1]).sum()),
        "fraction_equal": equal / len(ours) if len(ours) else np.nan,
        "largest": largest,
        "patch": worst if far else "",
        "verdict": notes(text, f"largest difference {largest:+.4g} in {worst}" if far else "", alone),
    }


def _tables(
    paper: Paper, form: PatchValues, path: Path, dataset: Dataset, catalog: pd.DataFrame, counts: pd.DataFrame
) -> Iterator[pd.DataFrame]:
    theirs, decimals = read_values(path, form, catalog)
    there = set(counts["classifier"])
    for name, question in dict.fromkeys(each[:2] for each in form.figures()):
        if name in there and question in dataset.references[name].answers:
            named = {form.column_of(name, question, metric): metric for metric in form.metrics}
            ours = patch_values(dataset, name, counts, question)
            about = {"paper": paper.paper, "classifier": name, "class": question}
            yield compare_values(about, ours, theirs[[*named]].rename(columns=named), decimals)


def by_patch(
    *,
    dataset: str,
    layout: Layout | None = None,
    catalog: Path,
    counts: list[Path],
    unmeasured: list[Path],
    values: Path,
    output: Output,
) -> None:
    """Compare reference algorithms with the authors' values, patch by patch.

    Parameters
    ----------
    dataset, layout
        Name of the dataset, and how the release deviates from its published layout.
    catalog : Path
        Its catalog.
    counts, unmeasured : list of Path
        Counts of the algorithms on pixels with and without a measurement, of all shards.
    values : Path
        The authors' table; a paper of the registry describes its form.
    output : Path
        The table `BY_PATCH`.
    """
    opened = datasets.load(dataset, layout)
    papers = [parse(Paper.model_validate, read_yaml(path), path) for path in sorted(PAPERS.glob("*.yaml"))]
    forms = [(paper, form) for paper in papers for form in paper.patch_values if form.task in opened.tasks]
    patches, counted = read_parquet(catalog), whole_counts(counts, unmeasured)
    parts = [table for paper, form in forms for table in _tables(paper, form, values, opened, patches, counted)]
    empty = pd.DataFrame(columns=list(BY_PATCH.columns))
    write_tsv(output, conform(pd.concat(parts or [empty], ignore_index=True), BY_PATCH), BY_PATCH)
