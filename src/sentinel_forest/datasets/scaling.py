"""Scales and offsets that files declare for their numbers.

No published file of these datasets declares any: the layout says what the stored numbers are. Where a file does,
nobody knows whether its numbers are the published ones, so that it is a failure. Nothing is ever applied: a scale that
gives reflectance makes other numbers than those of a layout in reflectance x 10,000.
"""

import re
from collections.abc import Iterable

import numpy as np

from sentinel_forest.datasets.findings import Finding, Part

NEUTRAL = {
    "scale": 1, "scale_factor": 1, "slope": 1, "gain": 1, "offset": 0, "add_offset": 0, "intercept": 0,
}  # fmt: skip
"""Names of tags and attributes (those of GDAL, netCDF and HDF), and the number that changes nothing."""

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
MOST_SHOWN = 4


def scaling_text(declared: Iterable[tuple[str, object]]) -> str:
    """Tags or attributes that change numbers, in words; blank if there are none.

    Parameters
    ----------
    declared : iterable of (str, object)
        Names, of which those of `NEUTRAL` count (netCDF's ``band#scale_factor`` too), and values: numbers, arrays of
        numbers, or text with numbers.

    Examples
    --------
    >>> scaling_text([("scale_factor", "0.0001"), ("add_offset", 0.0), ("units", "1")])
    'scale_factor 0.0001'
    """
    found = []
    for name, value in declared:
        neutral = NEUTRAL.get(re.split(r"[#:]", name)[-1].lower())
        if neutral is None:
            continue
        values = [float(text) for text in _NUMBER.findall(" ".join(map(_text, np.asarray(value).ravel())))]
        found += [f"{name} {number:g}" for number in values if number != neutral]
    told = list(dict.fromkeys(found))
    return ", ".join(told[:MOST_SHOWN]) + (", ..." if len(told) > MOST_SHOWN else "")


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def scaling_finding(file: str, layer: Part, check: str, text: str) -> Finding:
    """The failure for what `scaling_text` says."""
    remedy = (
        "if the stored numbers are as published, remove what is declared; else apply it and write the file anew; "
        "accepted, the stored numbers are taken without it"
    )
    return Finding(file, layer, check, "failed", text, "no scale, no offset: numbers as published", remedy, "kept")
