"""What pages are made of: notes, tables, plots and galleries, each with the files it comes from."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

DIGITS = 3


@dataclass(frozen=True)
class Source:
    """A file that figures come from: its path below the version's folder, and the rule that wrote it."""

    path: str
    rule: str


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    `key` is what the table is sorted by (a number, or text); `links` are (text, path) pairs shown after
    the text; `kind` is ``text``, ``number``, ``mark`` or ``status``; `tone` colours a mark; `is_sample`
    labels what a row is about.
    """

    text: str
    key: str = ""
    kind: str = "text"
    tone: str = ""
    links: tuple[tuple[str, str], ...] = ()
    is_sample: bool = False


@dataclass(frozen=True)
class Table:
    """A table that sorts and filters.

    `explained` says what its columns mean; `is_folded` whether it opens on a click only.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    sources: tuple[Source, ...]
    explained: str = ""
    is_sample: bool = False
    is_folded: bool = False

    @property
    def anchor(self) -> str:
        """Name of its place on the page."""
        return anchor(self.title)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kind of each column: that of its first cell."""
        return tuple(cell.kind for cell in self.rows[0]) if self.rows else ("text",) * len(self.columns)


@dataclass(frozen=True)
class Plot:
    """A figure.

    `content` is an SVG file; `alternative` says what is seen for those who do not see it; `reading` how
    to read it, `suspicious` what would be a bad sign.
    """

    title: str
    content: bytes
    alternative: str
    reading: str
    suspicious: str
    sources: tuple[Source, ...]
    is_sample: bool = False

    @property
    def anchor(self) -> str:
        """Name of its place on the page, and of its file."""
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


Item = Table | Plot | Gallery | Note | Listing


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
    """A page; `name` is that of its file, ``report`` for the first."""

    name: str
    title: str
    lead: str
    sections: tuple[Section, ...] = field(default_factory=tuple)


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
    columns = tuple(named.get(name, name.replace("_", " ")) for name in frame.columns)
    cells = [[_cell(name, value) for value in frame[name]] for name in frame.columns]
    rows = tuple(zip(*cells, strict=True)) if cells else ()
    return Table(title, columns, rows, tuple(dict.fromkeys(sources)), explained, is_sample, is_folded)


def _cell(column: str, value: object) -> Cell:
    if isinstance(value, Cell):
        return value
    if column == "mark":
        return mark(str(value))
    if column == "status":
        return Cell(str(value), str(value), "status", _STATES.get(str(value), "plain"))
    return number(value) if not isinstance(value, str) else Cell(value, value)


_STATES = {
    "ok": "good",
    "clean": "good",
    "note": "caution",
    "counted": "caution",
    "marked": "bad",
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
    tone = "good" if text == "clean" else "bad"
    return Cell(text, text, "mark", tone)


def number(value: Any, digits: int = DIGITS) -> Cell:
    """A number; an undefined one is an empty cell."""
    if pd.isna(value):
        return Cell("", "", "number")
    if isinstance(value, float) and not value.is_integer():
        return Cell(f"{value:.{digits}f}", repr(float(value)), "number")
    return Cell(f"{int(value):,}".replace(",", "\u202f"), str(int(value)), "number")


def share(value: Any) -> Cell:
    """A share as a percentage."""
    return Cell("", "", "number") if pd.isna(value) else Cell(f"{100 * value:.1f} %", repr(float(value)), "number")


def score(value: Any, low: Any, high: Any) -> Cell:
    """A score with its interval; an undefined one is empty."""
    if pd.isna(value):
        return Cell("", "", "number")
    text = interval_text(value, low, high).replace(", ", ",\u00a0")  # an interval stays on one line
    return Cell(text, repr(float(value)), "number")


def interval_text(value: Any, low: Any, high: Any, digits: int = DIGITS) -> str:
    """``0.812 [0.790, 0.830]``, or the value alone where there is no interval."""
    text = f"{value:.{digits}f}"
    return text if pd.isna(low) or pd.isna(high) else f"{text} [{low:.{digits}f}, {high:.{digits}f}]"


def links(pairs: Sequence[tuple[str, str]]) -> Cell:
    """A cell of links (text, path below the version's folder)."""
    return Cell("", "", "text", "", tuple(pairs))
