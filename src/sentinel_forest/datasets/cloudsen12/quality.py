"""Label quality: trust and hardness of each image, as the authors of CloudSEN12 publish them.

The trustworthiness index (TI) and the hardness index (HI) lie in 0..1 (Aybar et al. 2024, Data in Brief, doi
10.1016/j.dib.2024.110852); labels of images with low trust were drawn again for CloudSEN12+. They are read from the
columns ``TI`` and ``HI`` of ``metadata.csv``, or from the authors' table ``cloudsen12_indices.csv`` beside the folders
of the splits, by ROI, start of the acquisition and tile.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sentinel_forest.datasets.findings import Finding
from sentinel_forest.datasets.keys import key_values
from sentinel_forest.errors import InputError
from sentinel_forest.io.lazy import lazy
from sentinel_forest.io.texts import first_line, read_texts

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = lazy("pandas")

INDICES = "cloudsen12_indices.csv"
COLUMNS = {"TI": "trust", "HI": "hardness"}
"""Published column, and its name in the catalog."""
KEYS = ("roi_id", "s2_id_gee")
TEXTS = ("label_trust", "label_quality")
"""Columns of the catalog by which scores are reported too."""
HALF = 0.5
"""From here on a label counts as trusted, and an image as hard."""
TRUSTED, SUSPECT = "trusted", "suspect"
EASY, HARD = "easy", "hard"
_IMAGE = r"(?P<start>\d{8}T\d{6})_.*?(?P<tile>T\d{2}[C-X][A-Z]{2})(?:_|$)"
"""Start and tile in the two ways to write a product: of Google Earth Engine, and of the Copernicus hubs."""


def image_keys(roi: pd.Series, product: pd.Series) -> pd.Series:
    """ROI, start of the acquisition and tile as one text; blank where one of them is unknown.

    Examples
    --------
    >>> image_keys(pd.Series(["ROI_0002"]), pd.Series(["20190116T142751_20190116T143701_T19GDN"]))[0]
    'ROI_0002/20190116T142751/T19GDN'
    """
    parts = product.str.extract(_IMAGE)
    key = roi + "/" + parts["start"] + "/" + parts["tile"]
    return key.where(roi != "").fillna("").astype("str")


def indices(folder: Path) -> pd.DataFrame | None:
    """Trust and hardness by image (index: `image_keys`) from the table beside the splits; None if there is none.

    Raises
    ------
    InputError
        If the table lacks a column, has an image twice, or a number outside 0..1.
    """
    path = folder / INDICES
    if not os.path.lexists(path):
        return None
    table = read_texts(path)
    if missing := [name for name in (*KEYS, *COLUMNS) if name not in table]:
        raise InputError(
            "The table of label quality lacks columns.",
            where=path,
            found=", ".join(map(str, table.columns))[:200],
            expected=", ".join((*KEYS, *COLUMNS)),
            remedy=f"get the authors' table again, or take out column(s) {', '.join(missing)} with the whole file",
        )
    keys = image_keys(key_values(table[KEYS[0]]).fillna(""), table[KEYS[1]])
    if (twice := keys[(keys != "") & keys.duplicated()]).size:
        raise InputError(
            "The table of label quality has an image twice.",
            where=f"{path}, row {int(twice.index[0]) + 2}",
            found=twice.iloc[0],
            expected="one row for each image",
        )
    numbers = _numbers(table)
    wrong = ~numbers.apply(lambda column: column.between(0, 1)).all(axis=1)
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        raise InputError(
            "An index of label quality is no number from 0 to 1.",
            where=f"{path}, row {row + 2}",
            found=", ".join(f"{name} {table[name].iloc[row]}" for name in COLUMNS),
            expected="numbers from 0 to 1",
        )
    named: pd.DataFrame = numbers.set_axis(keys).loc[keys.to_numpy() != ""]
    return named


def is_told(metadata: Path) -> bool:
    """Whether metadata have columns of label quality; only the first line of text is looked at."""
    return metadata.suffix != ".csv" or all(name in first_line(metadata) for name in COLUMNS)


def _numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Trust and hardness of a table, float64; NaN where there is no number."""
    found = {
        name: pd.to_numeric(table[column], errors="coerce") if column in table else np.nan
        for column, name in COLUMNS.items()
    }
    return pd.DataFrame(found, index=table.index, dtype="float64")


def described(metadata: pd.DataFrame, roi: pd.Series, beside: pd.DataFrame | None) -> pd.DataFrame:
    """The columns of the catalog on label quality.

    Parameters
    ----------
    metadata : DataFrame
        metadata.csv of a split, as text.
    roi : Series
        The ROI of each patch.
    beside : DataFrame or None
        See `indices`; it fills what the metadata do not tell.

    Returns
    -------
    DataFrame
        trust, hardness: float32, NaN unknown. label_trust: ``trusted`` or ``suspect``; label_quality: that and ``easy``
        or ``hard``; blank where unknown.
    """
    own = _numbers(metadata)
    found = own.where((own >= 0) & (own <= 1))
    if beside is not None:
        named = [metadata[name] for name in ("s2_id_gee", "s2_id") if name in metadata]
        for product in named:
            other = beside.reindex(image_keys(roi, product)).set_axis(found.index)
            found = found.fillna(other)
    trusted = np.where(found["trust"] >= HALF, TRUSTED, SUSPECT)
    hard = np.where(found["hardness"] >= HALF, HARD, EASY)
    both = pd.Series(trusted, found.index, "str") + ", " + pd.Series(hard, found.index, "str")
    return found.astype("float32").assign(
        label_trust=pd.Series(trusted, found.index, "str").where(found["trust"].notna(), ""),
        label_quality=both.where(found.notna().all(axis=1), ""),
    )


def findings(folder: Path, tables: Sequence[pd.DataFrame]) -> list[Finding]:
    """What is wrong with the table beside the splits, or for how many images of the release it has no row."""
    try:
        beside = indices(folder)
    except InputError as error:
        return [Finding(INDICES, "structure", "indices", "failed", str(error.found), str(error.expected))]
    if beside is None:
        return []
    known = [
        described(table, key_values(table["roi_id"]).fillna(""), beside)["label_quality"] != ""
        for table in tables
        if "roi_id" in table
    ]
    images, met = sum(map(len, known)), int(sum(each.sum() for each in known))
    found = f"trust and hardness of {met} of {images} images with metadata"
    if met == images:
        return [Finding(INDICES, "structure", "indices", "ok", found)]
    return [Finding(INDICES, "structure", "indices", "note", found, f"of all {images}")]
