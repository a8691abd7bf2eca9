"""The few figures of a version that one looks at first, each with its definition and mark."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from sentinel_forest.evaluation.average import AVERAGES
from sentinel_forest.evaluation.confusion import FOREST, on_the_same_pixels
from sentinel_forest.evaluation.evaluate import UNWEIGHTED
from sentinel_forest.evaluation.figures import FIGURE, WHO
from sentinel_forest.evaluation.metrics import short
from sentinel_forest.evaluation.scored import notes
from sentinel_forest.evaluation.seed_notes import SEEDS, noted
from sentinel_forest.io import schemas as pa
from sentinel_forest.io.tables import columns, conform, read_tsv, write_tsv
from sentinel_forest.steps import Output, ReleaseFile

SHOWN = ("oa", "aa.present", "boa.median")
"""The headline figures; of unequally drawn patches without weights and with those of the design."""

HEADLINE = pa.DataFrameSchema(
    {
        **columns("str", "release", "scheme"),
        **columns("int64", "trials"),
        **{name: column for name, column in AVERAGES.columns.items() if name not in ("release", "scheme", "trials")},
    },
    strict=True,
    ordered=True,
)
"""Scores on the role test over the `trials` of a scheme; all columns as in `average.AVERAGES`."""

EXPLAINED = (
    "Means over trials on test patches [95 % interval of the mean, over groups].\n"
    "± trials: standard deviation between trials. That between forest seeds stands in a note, or was not computed.\n"
    "n, groups: units (patches or pixels) and groups that a score rests on, in the trial that has the fewest."
)

SHORT = ["figure", "score", "± trials", "n", "groups", "mark", "note"]
"""What a terminal shows of a score."""

KEYS = ["release", "scheme", *WHO, *FIGURE]


def headline(*, averages: list[Path], seeds: list[ReleaseFile], output: Output) -> None:
    """Write the headline table of a version.

    Parameters
    ----------
    averages : list of Path
        The averages of each release.
    seeds : list of ReleaseFile
        Of one trial of releases, how far scores differ between seeds of the forest.
    output : Path
        The table `HEADLINE`.
    """
    table = headline_of([read_tsv(path, AVERAGES) for path in averages])
    for file in seeds:
        table = with_seeds(table, read_tsv(file.path, SEEDS), file)
    write_tsv(output, table, HEADLINE)


def show_headline(*, table: Path) -> None:
    """Print the headline table of a version.

    Parameters
    ----------
    table : Path
        The file ``headline.tsv`` of the version.
    """
    print(text(read_tsv(table, HEADLINE)))
    print(f"\n{EXPLAINED}\nIn full: {table}")


def headline_of(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The headline table (schema `HEADLINE`) from the averages (`average.AVERAGES`) of each release."""
    shown = [on_the_same_pixels(table) for table in tables]
    rows = pd.concat([pd.DataFrame(columns=list(AVERAGES.columns)), *shown], ignore_index=True)
    rows = rows[rows["metric"].isin(SHOWN) & (rows["role"] == "test")].sort_values(KEYS, ignore_index=True)
    return conform(rows[list(HEADLINE.columns)], HEADLINE)


def with_seeds(table: pd.DataFrame, seeds: pd.DataFrame, file: ReleaseFile) -> pd.DataFrame:
    """The headline table with a note on how far scores of forests differ between seeds, where that was computed."""
    of_scheme = (table["release"] == file.release) & (table["scheme"] == file.scheme) & (table["class"] == "")
    here = of_scheme & (table["classifier"] == FOREST) & (table["weighting"] == UNWEIGHTED)
    said = noted(seeds, file.trial)
    keys = zip(table["features"], table["task"], table["metric"], strict=True)
    parts = [said.get(key, "") if wanted else "" for key, wanted in zip(keys, here, strict=True)]
    both = [notes(own, part) for own, part in zip(table["note"], parts, strict=True)]
    return conform(table.assign(note=both), HEADLINE)


def text(table: pd.DataFrame) -> str:
    """The table for a terminal: forests, then reference algorithms, one line a score.

    Of the two-class questions it shows the one that most classifiers answer; the others, design-weighted
    scores, full marks and the dummy classifiers are in the file. Notes stand below, numbered.
    """
    named = table.assign(mark=table["mark"].map(_kinds))
    releases = [(str(name), _few(as_figures(rows))) for name, rows in named.groupby("release", sort=False)]
    numbers: dict[str, int] = {}
    blocks = [
        f"{release}: {title}\n{_aligned(_numbered(part.astype(str), numbers))}"
        for title, index in (("forests", "features"), ("reference algorithms", "classifier"))
        for release, rows in releases
        if len(part := _kind(rows, title).sort_values(["scheme", index], kind="stable")[["scheme", index, *SHORT]])
    ]
    told = [f"({number}) {note}" for note, number in numbers.items()]
    return "\n\n".join([*blocks, *(["\n".join(told)] if told else [])]) or "no scores"


def as_figures(table: pd.DataFrame) -> pd.DataFrame:
    """Rows without weights, with the columns `figure` (metric, class), `score` (with its interval) and `± trials`."""
    rows = table[table["weighting"] == UNWEIGHTED]
    scores = zip(rows["value"], rows["low"], rows["high"], strict=True)
    figures = (rows["metric"].map(short) + " " + rows["class"]).str.strip()
    spread = _spread(rows)
    return rows.assign(figure=figures, score=[_figure(*row) for row in scores], **{"± trials": spread})


def wide(rows: pd.DataFrame, index: list[str]) -> pd.DataFrame:
    """A line for each entry of `index`: its figures side by side, then std between trials, n, groups, mark and note.

    Where figures differ in n or groups, those of each are told, in the order of the figures; a note that
    does not hold for all figures is told with theirs.
    """
    names = list(dict.fromkeys(rows["figure"]))
    lines = []
    for key, part in rows.groupby(index, sort=True):
        scores = dict(zip(part["figure"], part["score"], strict=True))
        line = dict(zip(index, key, strict=True)) | {name: scores.get(name, "-") for name in names}
        lines.append(line | support(part))
    return pd.DataFrame(lines, columns=[*index, *names, "± trials", "n", "groups", "mark", "note"])


def support(rows: pd.DataFrame) -> dict[str, str]:
    """What the figures of one line rest on, as texts: n, groups, mark and note."""
    numbers = {"± trials": _each(_spread(rows))} | {name: _each(rows[name]) for name in ("n", "groups")}
    return numbers | {"mark": "; ".join(dict.fromkeys(rows["mark"])), "note": _notes(rows)}


def _spread(rows: pd.DataFrame) -> list[str]:
    """Standard deviation between trials, as text."""
    return ["-" if pd.isna(value) else f"{value:.3f}" for value in rows["trial_std"]]


def _each(values: Iterable[object]) -> str:
    """A number that all figures have, or that of each."""
    texts = [str(value) for value in values]
    return texts[0] if len(set(texts)) == 1 else "/".join(texts)


def _notes(rows: pd.DataFrame) -> str:
    """What is noted on all figures, and on some with their names."""
    noted = zip(rows["figure"].astype(str), rows["note"].astype(str), strict=True)
    parts = {figure: note.split("; ") for figure, note in noted if note}
    found = []
    for part in dict.fromkeys(part for of_figure in parts.values() for part in of_figure):
        where = [figure for figure, of_figure in parts.items() if part in of_figure]
        found.append(part if len(where) == len(rows) else f"{', '.join(where)}: {part}")
    return "; ".join(found)


def _kind(rows: pd.DataFrame, title: str) -> pd.DataFrame:
    """The forests, or the reference algorithms."""
    is_forest = (rows["classifier"] == FOREST) & (rows["features"] != "")
    return rows[is_forest if title == "forests" else rows["features"] == ""]


def _numbered(table: pd.DataFrame, numbers: dict[str, int]) -> pd.DataFrame:
    """The table with numbers for its notes, added to `numbers`; without the column if it is blank."""
    for note in table["note"]:
        if note:
            numbers.setdefault(note, len(numbers) + 1)
    told = [f"({numbers[note]})" if note else "" for note in table["note"]]
    return table.assign(note=told) if any(told) else table.drop(columns="note")


def _few(rows: pd.DataFrame) -> pd.DataFrame:
    """Figures over all classes and of the question that most classifiers answer, in the order of `SHOWN`."""
    questions = rows.loc[rows["class"] != "", "class"].value_counts()
    few = rows[rows["class"].isin(["", *questions.index[:1]])]
    return few.sort_values("metric", key=lambda names: names.map(SHOWN.index), kind="stable")


def _aligned(table: pd.DataFrame) -> str:
    """A table of texts, cells to the left."""
    lines = [list(table.columns), *table.to_numpy().tolist()]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _kinds(mark: str) -> str:
    """A mark without the keys: ``linked: city, roi`` is ``linked``, whatever links validation and test."""
    kinds = [part.split(": ", 1)[0] for part in mark.split("; ")]
    return ", ".join(kind for kind in kinds if kind != "linked (validation-test)" or "linked" not in kinds)


def _figure(value: float, low: float, high: float) -> str:
    if pd.isna(value):
        return "-"
    return f"{value:.3f}" if pd.isna(low) else f"{value:.3f} [{low:.3f}, {high:.3f}]"
