"""What pages are made of: notes, tables, plots and galleries, each with the files it comes from."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from sentinel_forest.report import palette
from sentinel_forest.report.charts import Chart
from sentinel_forest.splits.marks import percent as told_percent

DIGITS = 3
SHORT = 12
"""Rows of a table that the page holds; the others lie in a file beside it and are fetched when they are asked for."""


@dataclass(frozen=True)
class Source:
    """A file that figures come from: its path below the version's folder, and the rule that wrote it."""

    path: str
    rule: str


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    `key` is what the table is sorted by (a number, or text); `links` are (text, path) pairs shown after
    the text; `kind` is ``text``, ``number``, ``mark`` or ``status``; `tone` colours a mark.
    """

    text: str
    key: str = ""
    kind: str = "text"
    tone: str = ""
    links: tuple[tuple[str, str], ...] = ()

    def packed(self, root: str) -> Any:
        """The cell for the scripts of the page: its text, or all that it has with short names."""
        links = [[text, path if path.startswith("https://") else root + path] for text, path in self.links]
        more = {"k": self.key if self.key != self.text else "", "c": self.tone, "l": links}
        filled = {key: value for key, value in more.items() if value}
        return {"t": self.text, **filled} if filled else self.text


@dataclass(frozen=True)
class Table:
    """A table that sorts, filters and turns pages.

    `explained` says what its columns mean; `is_folded` whether it opens on a click only; `notes` are what the
    numbers in brackets in its cells stand for.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    sources: tuple[Source, ...]
    explained: str = ""
    is_sample: bool = False
    is_folded: bool = False
    notes: tuple[str, ...] = ()

    @property
    def anchor(self) -> str:
        """Name of its place on the page."""
        return anchor(self.title)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kind of each column: that of its first cell."""
        return tuple(cell.kind for cell in self.rows[0]) if self.rows else ("text",) * len(self.columns)

    @property
    def first(self) -> tuple[tuple[Cell, ...], ...]:
        """The rows that the page holds."""
        return self.rows[:SHORT]

    def script(self, root: str) -> str:
        """All rows as a script, for a table that has more than the page holds; `root` leads to the version's folder."""
        rows = [[cell.packed(root) for cell in row] for row in self.rows]
        text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
        return f"sentinel.rows[{json.dumps(self.anchor)}] = {text};\n"


@dataclass(frozen=True)
class Plot:
    """A figure.

    `alternative` says what is seen for those who do not see it; `reading` how
    to read it, `suspicious` what would be a bad sign; `is_folded` whether these two open on a click only.
    """

    title: str
    chart: Chart
    alternative: str
    reading: str
    suspicious: str
    sources: tuple[Source, ...]
    is_sample: bool = False
    is_folded: bool = False

    @property
    def anchor(self) -> str:
        """Name of its place on the page, and of its files."""
        return anchor(self.title)


@dataclass(frozen=True)
class Picture:
    """A picture of a patch: a PNG file, its caption and what it shows in words."""

    caption: str
    alternative: str
    content: bytes

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, from the header of the file."""
        return int.from_bytes(self.content[16:20], "big"), int.from_bytes(self.content[20:24], "big")


@dataclass(frozen=True)
class Gallery:
    """Pictures side by side; `legend` gives the colour of each class.

    `layout`: ``pictures`` of one patch, ``strips`` (a picture for each patch), or a large ``pair``.
    """

    title: str
    pictures: tuple[Picture, ...]
    reading: str
    legend: tuple[tuple[str, str], ...]
    sources: tuple[Source, ...]
    is_sample: bool = False
    layout: str = "pictures"

    @property
    def anchor(self) -> str:
        """Name of its place on the page, and of its files."""
        return anchor(self.title)


@dataclass(frozen=True)
class Note:
    """A paragraph; `tone` is ``plain`` or ``warning``."""

    text: str
    tone: str = "plain"
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Listing:
    """Text that is shown as it is, e.g. a configuration."""

    title: str
    text: str
    sources: tuple[Source, ...] = ()

    @property
    def anchor(self) -> str:
        """Name of its place on the page."""
        return anchor(self.title)


@dataclass(frozen=True)
class Findings:
    """What was found, in a few sentences, each with a word of what it is about (``forest``, ``random``, ``doubts``)."""

    sentences: tuple[tuple[str, str], ...]


@dataclass(frozen=True, eq=False)
class Explorer:
    """A figure that the reader chooses: `data` has what can be chosen, for the scripts of the page."""

    title: str
    explained: str
    data: Mapping[str, Any]
    sources: tuple[Source, ...]

    @property
    def anchor(self) -> str:
        """Name of its place on the page, and of its file."""
        return anchor(self.title)

    def script(self) -> str:
        """The data as a script."""
        return f"sentinel.explorer = {json.dumps(self.data, separators=(',', ':'))};\n"


Item = Table | Plot | Gallery | Note | Listing | Findings | Explorer


@dataclass(frozen=True)
class Section:
    """A part of a page, usually about one release."""

    title: str
    items: tuple[Item, ...]
    is_sample: bool = False

    @property
    def anchor(self) -> str:
        """Name of its place on the page."""
        return anchor(self.title)


@dataclass(frozen=True)
class Page:
    """A page; `name` is that of its file, ``report`` for the first.

    `prints_tables`: on paper, tables are printed with their first rows; else it is only said where they lie.
    """

    name: str
    title: str
    lead: str
    sections: tuple[Section, ...] = field(default_factory=tuple)
    prints_tables: bool = False


def anchor(title: str) -> str:
    """A title as a name in an address: lower case, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def table(
    title: str,
    frame: pd.DataFrame,
    sources: Iterable[Source],
    explained: str = "",
    is_sample: bool = False,
    titles: Mapping[str, str] | None = None,
    is_folded: bool = False,
) -> Table:
    """A data frame as a table. Columns may hold `Cell` objects, numbers or text.

    Parameters
    ----------
    titles : mapping
        Headings of columns that are not shown by their name.
    """
    named = titles or {}
    frame, notes = _noted(frame)
    columns = tuple(named.get(name, name.replace("_", " ")) for name in frame.columns)
    cells = [[_cell(name, value) for value in frame[name]] for name in frame.columns]
    rows = tuple(zip(*cells, strict=True)) if cells else ()
    return Table(title, columns, rows, tuple(dict.fromkeys(sources)), explained, is_sample, is_folded, notes)


def _noted(frame: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The column `note` as numbers, and what they stand for; without the column where nothing is noted."""
    if "note" not in frame:
        return frame, ()
    texts = [value.text if isinstance(value, Cell) else str(value or "") for value in frame["note"]]
    numbers = {text: place for place, text in enumerate(dict.fromkeys(filter(None, texts)), 1)}
    if not numbers:
        return frame.drop(columns="note"), ()
    cells = [Cell(f"({numbers[text]})" if text else "", text) for text in texts]
    return frame.assign(note=column(cells)), tuple(numbers)


def _cell(column: str, value: object) -> Cell:
    if isinstance(value, Cell):
        return value
    if column == "mark":
        return mark(str(value))
    if column == "status":
        return Cell(str(value), str(value), "status", _STATES.get(str(value), "plain"))
    return number(value) if not isinstance(value, str) else Cell(value, value)


TONES = {palette.CLEAN_SPLIT: "good", palette.LEAKS: "bad", palette.BETWEEN_ONLY: "caution", palette.UNKNOWN: "caution"}
"""How a mark is coloured in tables: as its split is in figures."""

_STATES = {
    "ok": "good",
    "clean": "good",
    "note": "caution",
    "counted": "caution",
    "marked": "bad",
    "marked, some unknown": "bad",
    "failed": "bad",
    "stops": "bad",
    "unknown": "bad",
    "not published": "caution",
}


def column(cells: Iterable[Cell]) -> Any:
    """Cells as a column of a data frame."""
    return list(cells)


def mark(text: Any) -> Cell:
    """The mark of a score."""
    return Cell(text, text, "mark", TONES[palette.meaning(str(text))] if text else "")


def number(value: Any, digits: int = DIGITS) -> Cell:
    """A number; an undefined one is an empty cell."""
    if pd.isna(value):
        return Cell("", "", "number")
    if isinstance(value, float) and not value.is_integer():
        return Cell(f"{value:.{digits}f}", repr(float(value)), "number")
    return Cell(f"{int(value):,}".replace(",", "\u202f"), str(int(value)), "number")


def p_value(value: Any) -> Cell:
    """A p-value; a small one is not said to be 0."""
    return Cell("< 0.001", repr(float(value)), "number") if value < 0.001 else number(value)


def percent(value: Any) -> Cell:
    """A fraction as a percentage."""
    return Cell("", "", "number") if pd.isna(value) else Cell(told_percent(value), repr(float(value)), "number")


def score(value: Any, low: Any, high: Any) -> Cell:
    """A score with its interval; an undefined one is empty."""
    if pd.isna(value):
        return Cell("", "", "number")
    text = interval_text(value, low, high).replace(", ", ",\u00a0")  # an interval stays on one line
    return Cell(text, repr(float(value)), "number")


def interval_text(value: Any, low: Any, high: Any) -> str:
    """``0.812 [0.790, 0.830]``, or the value alone where there is no interval."""
    text = f"{value:.{DIGITS}f}"
    return text if pd.isna(low) or pd.isna(high) else f"{text} [{low:.{DIGITS}f}, {high:.{DIGITS}f}]"


def links(pairs: Sequence[tuple[str, str]]) -> Cell:
    """A cell of links (text, path below the version's folder)."""
    return Cell("", "", "text", "", tuple(pairs))
