"""Values of keys: by what patches are linked, whatever way a file writes it."""

from __future__ import annotations

import re
import string
import unicodedata
from typing import TYPE_CHECKING

import numpy as np

from sentinel_forest.io.lazy import lazy

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = lazy("pandas")

_DECIMAL = re.compile(r"([+-]?\d+)\.0*")
_WHOLE = re.compile(r"\+?(-?)0*(\d+)")
_PRODUCT = re.compile(
    r"(?:S2[A-D]_MSI(?:L1C|L2A)_)?(\d{8}T\d{6})_(?:\w+_)?(T\d{2}[C-X][A-Z]{2})(?:_\w+)?(?:\.SAFE)?", re.ASCII
)
"""A product of Sentinel-2 as the hubs and Google Earth Engine name it: start of the acquisition, and tile."""
_SEPARATORS = re.compile(r"[\s_-]+")
_FORMS = {"decimal numbers": _DECIMAL, "whole numbers": _WHOLE}
MISSING = frozenset({"", "n/a", "#n/a", "#na", "<na>", "-nan", "unknown"})
"""What tables write for a value that they do not have, in small letters: no place has such a name."""
MISSING_AS_WRITTEN = frozenset({"nan", "NaN", "NAN", "na", "NA", "null", "NULL", "none", "None", "NONE"})
"""Words for nothing, as programs write them (Python ``None``, R ``NA``, SQL ``NULL``, NumPy ``nan``). Places have such
names, too, but written as names: Na, Nan, Null."""


def value_of(text: str) -> str:
    """The value of a key that a text stands for: ``" 7"``, ``"7.0"``, ``"07"`` and ``"7"`` are one ROI,
    and ``"ö"`` is the same as one character or as two (macOS writes names of files as two). A product of Sentinel-2 is
    its acquisition and tile: 1C or 2A, of whatever baseline, with ``.SAFE`` or without, as the hubs or Google Earth
    Engine name it, it shows the same ground at the same time.

    Blank where the text stands for none (`MISSING`, `MISSING_AS_WRITTEN`): to patches of unknown place, ``"nan"`` is no
    place in common. ``"Nan"`` is a town.
    """
    stripped = unicodedata.normalize("NFC", text).strip("\ufeff" + string.whitespace).strip()
    decimal = _DECIMAL.fullmatch(stripped)
    whole = decimal[1] if decimal else stripped
    if number := _WHOLE.fullmatch(whole):
        return number[1] + number[2]
    if product := _PRODUCT.fullmatch(stripped):
        return f"{product[1]}_{product[2]}"
    return "" if stripped.lower() in MISSING or stripped in MISSING_AS_WRITTEN else stripped


def compared(text: str) -> str:
    """The form in which values of keys are compared: case makes no difference, nor do blanks, ``_`` and ``-`` in names.

    They part two numbers all the same, and nothing is changed where there are no letters. A ``-`` between a single
    letter and a number may be a minus sign.

    Examples
    --------
    >>> compared("San Francisco"), compared("san_francisco"), compared("City-17"), compared("city17")
    ('sanfrancisco', 'sanfrancisco', 'city17', 'city17')
    >>> compared("ROI 1_2"), compared("roi_12"), compared("1-2"), compared("x-1"), compared("x1")
    ('roi1-2', 'roi12', '1-2', 'x-1', 'x1')
    """
    value = value_of(text).casefold()
    if not any(character.isalpha() for character in value):
        return value
    return _SEPARATORS.sub(_separator, value) or value


def _separator(match: re.Match[str]) -> str:
    """What is left of blanks, ``_`` and ``-`` in a name."""
    before, after = match.string[: match.start()][-2:], match.string[match.end() : match.end() + 1]
    between = before[-1:].isdigit() and after.isdigit()
    single = before[-1:].isalpha() and not before[:-1].isalpha()
    return "-" if between or (single and match[0] == "-" and after.isdigit()) else ""


def key_values(column: pd.Series) -> pd.Series:
    """A key as text that is equal where its values are; missing where it is missing or blank."""
    codes, texts = pd.factorize(column)
    values = np.array([value_of(str(text)) for text in texts] + [""], dtype=object)[codes]
    return pd.Series(values, index=column.index, dtype="str").where(values != "")


def is_known(column: pd.Series) -> np.ndarray:
    """Whether a key has a value, bool: neither missing, nor blank, nor a word for nothing."""
    known: np.ndarray = codes_of(column) >= 0
    return known


def codes_of(column: pd.Series) -> np.ndarray:
    """A number for each value of a key, int64 from 0; -1 where it is missing or blank; see `compared`."""
    codes, texts = pd.factorize(column)
    values = pd.Series([compared(str(text)) for text in texts] + [""], dtype="str")
    return np.asarray(pd.factorize(values.where(values != ""))[0], dtype=np.int64)[codes]


def codes_as_written(column: pd.Series) -> np.ndarray:
    """A number for each text of a column, int64 from 0; -1 where it is missing or empty.

    For what is equal only if it is written alike: names of patches, hashes. Of 400,000 it takes a thirtieth of the time
    of `codes_of`.

    Examples
    --------
    >>> codes_as_written(pd.Series(["p7", "p07", "", "p7"])).tolist()
    [0, 1, -1, 0]
    """
    return np.asarray(pd.factorize(column.where(column != ""))[0], dtype=np.int64)


def forms_of(column: pd.Series) -> str:
    """How the values of a key are written, in words; blank where there is none.

    Examples
    --------
    >>> forms_of(pd.Series(["7", "12", ""])), forms_of(pd.Series([" 7.0", "8"]))
    ('whole numbers', 'blanks around, decimal numbers, whole numbers')
    """
    texts = [str(text) for text in column.dropna().unique() if str(text).strip()]
    found = {"blanks around" for text in texts if text != text.strip()}
    for text in texts:
        fitting = (name for name, form in _FORMS.items() if form.fullmatch(text.strip()))
        found.add(next(fitting, "text"))
    return ", ".join(sorted(found))
