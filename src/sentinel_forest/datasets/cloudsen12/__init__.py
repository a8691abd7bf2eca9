"""CloudSEN12, high quality: clouds and their shadows in images of 512 x 512 pixels, as raw arrays.

The folders ``train``, ``val`` and ``test`` hold one file a layer (``L1C_B2.dat``: C order, little-endian,
no header, N x 512 x 512) and ``metadata.csv`` with one row per patch. An image has 509 x 509 pixels; it
is padded by one row and column before, two behind. The padding is cut off by its place: its value need
not be known, and 0 would be taken for clear sky. Other copies are padded elsewhere (CloudSEN12+: left and
below); the key `padding` of the layout says so.

Source: Aybar et al. 2022, Scientific Data 9, 782, doi 10.1038/s41597-022-01878-2, and the authors' code.
"""

import mmap
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import xxhash
from rasterio.crs import CRS
from rasterio.errors import CRSError
from rasterio.warp import transform

from sentinel_forest.datasets.base import (
    GROUND,
    IGNORE,
    Block,
    Category,
    Columns,
    Dataset,
    FeatureSet,
    File,
    Finding,
    Implied,
    Inspection,
    Inspector,
    Layer,
    NotPublished,
    Question,
    Reference,
    Task,
    hash_table,
    no_hashes,
    unmeasured_finding,
    unmeasured_text,
)
from sentinel_forest.errors import InputError
from sentinel_forest.io.copying import NewFile, Piece, append, runs
from sentinel_forest.io.tables import replacing

FOLDERS = {"train": "train", "val": "validation", "test": "test"}
"""Folder of each split, and the split's name in the catalog."""

METADATA = "metadata.csv"
LABEL = "LABEL_manual_hq"

WAVELENGTHS = {
    "B1": 442.7,
    "B2": 492.4,
    "B3": 559.8,
    "B4": 664.6,
    "B5": 704.1,
    "B6": 740.5,
    "B7": 782.8,
    "B8": 832.8,
    "B8A": 864.7,
    "B9": 945.1,
    "B10": 1373.5,
    "B11": 1613.7,
    "B12": 2202.4,
}
"""Central wavelengths of Sentinel-2A in nm (ESA, Sentinel-2 spectral response functions)."""

NO_DATA = -99
"""Written by the authors where Sentinel-1 or an ancillary map has no value."""

NO_CODE = 254
"""Stands for a label that does not fit 8 bits."""


def _layer_table() -> dict[str, Layer]:
    layers = [Layer(f"L1C_{band}", "int16", 1e-4, "reflectance", None, length) for band, length in WAVELENGTHS.items()]
    layers += [
        Layer(f"L2A_{band}", "int16", 1e-4, "reflectance", None, length)
        for band, length in WAVELENGTHS.items()
        if band != "B10"
    ]
    layers += [Layer("L2A_AOT", "int16", 1e-3), Layer("L2A_WVP", "int16", 1e-3, "cm")]
    layers += [Layer(f"L2A_TCI_{colour}", "int16") for colour in "RGB"]
    layers += [
        Layer("EXTRA_CDI", "int16", 1e-4, "1", NO_DATA),
        Layer("EXTRA_Shwdirection", "int16", 1e-2, "degree", NO_DATA),
        Layer("EXTRA_elevation", "int16", 1.0, "m", NO_DATA),
        Layer("EXTRA_ocurrence", "int16", 1.0, "%", NO_DATA),
        Layer("EXTRA_lc100", "int16", 1.0, "class", NO_DATA),
        Layer("EXTRA_lc10", "int16", 1.0, "class", NO_DATA),
        Layer("S1_VV", "float32", 1.0, "dB", NO_DATA),
        Layer("S1_VH", "float32", 1.0, "dB", NO_DATA),
        Layer("S1_angle", "float32", 1.0, "degree", NO_DATA),
    ]
    classes = ("fmask", "qa60", "sen2cor", "kappamask_L1C", "kappamask_L2A", "manual_hq", "manual_sc")
    percent = ("s2cloudless", "cd_fcnn_rgbi", "cd_fcnn_rgbi_swir")
    layers += [Layer(f"LABEL_{name}", "uint8", 1.0, "class") for name in classes]
    layers += [Layer(f"LABEL_{name}", "uint8", 1e-2, "probability") for name in percent]
    return {layer.name: layer for layer in layers}


LAYERS = _layer_table()
IMAGE_LAYERS = tuple(f"L1C_{band}" for band in WAVELENGTHS)
"""Layers whose pixels identify a patch, in the order in which their hashes are combined."""
PIXEL_M = 10.0
"""Side of a pixel on the ground in m."""


@dataclass(frozen=True)
class Padding:
    """Rows and columns of a stored patch around its image."""

    top: int = 0
    bottom: int = 0
    left: int = 0
    right: int = 0

    def window(self, side: int) -> tuple[slice, slice]:
        """Rows and columns of the image in a patch of `side` x `side`."""
        return slice(self.top, side - self.bottom), slice(self.left, side - self.right)

    def strips(self, patches: np.ndarray) -> tuple[np.ndarray, ...]:
        """The padding of patches (patches, rows, columns): above, below, left, right."""
        rows, columns = self.window(patches.shape[1])
        return (
            patches[:, : rows.start],
            patches[:, rows.stop :],
            patches[:, :, : columns.start],
            patches[:, :, columns.stop :],
        )

    def layout(self, side: int) -> str:
        """The keys of the layout that declare it."""
        sides = ", ".join(f"{name}: {width}" for name, width in asdict(self).items())
        return f"layout: {{side: {side}, padding: {{{sides}}}}}"


PUBLISHED_PADDING = Padding(top=1, bottom=2, left=1, right=2)
"""As the authors' code pads and crops: the image is ``[1:510, 1:510]``."""


def _padding(given: Mapping[str, int] | None, side: int) -> Padding:
    """The padding that a layout declares."""
    if given is None:
        return PUBLISHED_PADDING
    names = [field.name for field in fields(Padding)]
    if not isinstance(given, Mapping) or not (
        set(given) <= set(names) and all(type(width) is int and width >= 0 for width in given.values())
    ):
        raise InputError(
            "A layout has an impossible padding.",
            where="layout, key 'padding'",
            found=given,
            expected=f"rows and columns on each side: {', '.join(names)}; e.g. {{bottom: 3, left: 3}}",
        )
    padding = Padding(**given)
    height, width = (part.stop - part.start for part in padding.window(side))
    if height != width or height < 1:
        raise InputError(
            "A layout leaves no square image inside its padding.",
            where="layout, key 'padding'",
            found=f"{height} rows x {width} columns of {side}",
            expected="as many rows as columns, 1 or more",
        )
    return padding


def _aliases() -> dict[str, str]:
    """Lower-case names under which a layer occurs in older uploads and in tutorials."""
    known: dict[str, str] = {}
    for name in LAYERS:
        product, rest = name.lower().split("_", 1)
        padded = re.sub(r"^b(\d)(a?)$", r"b0\1\2", rest)
        known |= {f"{product}_{rest}": name, f"{product}_{padded}": name}
        if product != "l2a" or rest not in {band.lower() for band in WAVELENGTHS}:
            known |= {rest: name, padded: name}
    return known | {"extra_occurrence": "EXTRA_ocurrence", "occurrence": "EXTRA_ocurrence"}


ALIASES = _aliases()
_NAME = re.compile(r"(?:(?:train|validation|val|test)_)?(?P<name>.+)\.dat", re.IGNORECASE)
_TILE = re.compile(r"(?:^|_)(T\d{2}[C-X][A-Z]{2})(?:_|$)")
_DATE = re.compile(r"(?:^|_)(\d{4})(\d{2})(\d{2})T\d{6}")
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?")

# ---------------------------------------------------------------------------- classes and algorithms

CATEGORIES = (
    Category(0, "clear", "#8b4000"),
    Category(1, "thick cloud", "#dcdcdc"),
    Category(2, "thin cloud", "#b4b4b4"),
    Category(3, "cloud shadow", "#3c3c3c"),
)
"""Codes of ``LABEL_manual_hq``; colours as in the authors' package cloudsen12_models."""

_CLOUD, _SHADOW = ("thick cloud", "thin cloud"), ("cloud shadow",)
TASK = Task(
    "cloud",
    "pixel",
    CATEGORIES,
    (Question("cloud", _CLOUD), Question("shadow", _SHADOW), Question("contaminated", _CLOUD + _SHADOW)),
)

FMASK = ("land", "water", "cloud shadow", "snow", "cloud")
SEN2COR = (
    "saturated or defective",
    "dark area",
    "cloud shadow",
    "vegetation",
    "not vegetated",
    "water",
    "unclassified",
    "cloud medium probability",
    "cloud high probability",
    "thin cirrus",
    "snow or ice",
)
"""Codes 1 to 11 of the scene classification of Sen2Cor."""
KAPPAMASK = ("clear", "cloud shadow", "semi-transparent cloud", "cloud", "undefined")
"""Codes 1 to 5 of KappaMask."""

FIRST_CODE = {"LABEL_sen2cor": 1, "LABEL_kappamask_L1C": 1, "LABEL_kappamask_L2A": 1}
"""The stored code of the first class, where it is not 0."""

CODES: Mapping[str, frozenset[int]] = {
    LABEL: frozenset(range(4)),
    "LABEL_fmask": frozenset({*range(5), 255}),
    "LABEL_sen2cor": frozenset(range(12)),
    "LABEL_kappamask_L1C": frozenset(range(6)),
    "LABEL_kappamask_L2A": frozenset(range(6)),
    **dict.fromkeys(("LABEL_s2cloudless", "LABEL_cd_fcnn_rgbi", "LABEL_cd_fcnn_rgbi_swir"), frozenset(range(101))),
}
"""Values that label layers may hold, fill values included; the codes of ``manual_sc`` are not documented."""

S2CLOUDLESS_THRESHOLD = 40
CD_FCNN_THRESHOLD = 50
"""Probabilities in percent above which the authors speak of cloud."""


def _reference(name: str, predicted: tuple[str, ...], cloud: Sequence[str], shadow: Sequence[str] = ()) -> Reference:
    """A reference algorithm; one without shadows answers the question of cloud only, as in the paper."""
    answers = {"cloud": tuple(cloud)}
    if shadow:
        answers |= {"shadow": tuple(shadow), "contaminated": (*cloud, *shadow)}
    return Reference(name, TASK.name, f"LABEL_{name}", predicted, answers)


_TWO = ("clear", "cloud")
REFERENCES = {
    reference.name: reference
    for reference in (
        _reference("fmask", FMASK, ("cloud",), _SHADOW),
        _reference("qa60", _TWO, ("cloud",)),
        _reference("s2cloudless", _TWO, ("cloud",)),
        _reference("sen2cor", SEN2COR, SEN2COR[7:10], _SHADOW),
        _reference("cd_fcnn_rgbi", _TWO, ("cloud",)),
        _reference("cd_fcnn_rgbi_swir", _TWO, ("cloud",)),
        _reference("kappamask_L1C", KAPPAMASK, KAPPAMASK[2:4], _SHADOW),
        _reference("kappamask_L2A", KAPPAMASK, KAPPAMASK[2:4], _SHADOW),
    )
}

# -------------------------------------------------------------------------------------- feature sets

_BANDS = tuple(WAVELENGTHS)
_SIX = ("B2", "B3", "B4", "B8", "B11", "B12")
_INDICES = ("NDVI", "NDWI", "NDSI", "NDBI", "NBR", "HOT", "whiteness", "brightness_visible", "B8/B11")
_CONTEXT = (
    "NDVI",
    "NDSI",
    "HOT",
    "whiteness",
    "B2_mean_3",
    "B2_mean_7",
    "B2_mean_15",
    "B2_deviation_3",
    "B2_deviation_7",
    "B2_deviation_15",
    "B8_mean_7",
    "B8_mean_15",
    "B8_deviation_7",
    "B8_deviation_15",
    "B10_mean_7",
    "B10_mean_15",
    "B11_mean_7",
    "B11_mean_15",
    "B11_deviation_7",
    "HOT_mean_7",
    "HOT_mean_15",
    "NDSI_mean_7",
    "NDVI_deviation_15",
)


# What shades a pixel: cloud towards the sun. The azimuth is that of metadata.csv, which points to the sun;
# of EXTRA_Shwdirection it is not documented whether it points to the sun or to the shadow.
_SHADOW_WAY = (
    "NDVI",
    "NDSI",
    "HOT",
    "whiteness",
    "B8_mean_7",
    "B8_deviation_7",
    "HOT_mean_7",
    "B11_mean_7",
    "HOT_sunward_15",
    "HOT_sunward_60",
    "HOT_sunward_150",
    "HOT_steps_200",
)


def _feature_set(name: str, bands: Sequence[str], more: Sequence[str] = (), **layers: str) -> FeatureSet:
    """Bands of level 1C, features, and bands of further layers (by their names in features)."""
    of_bands = {band: f"L1C_{band}" for band in bands} | layers
    return FeatureSet(name, TASK.name, (*of_bands, *more), of_bands)


FEATURE_SETS = {
    feature_set.name: feature_set
    for feature_set in (
        _feature_set("l1c", _BANDS),
        _feature_set("l1c+indices", _BANDS, _INDICES),
        _feature_set("l1c+context", _BANDS, _CONTEXT),
        _feature_set("l1c+shadow", _BANDS, _SHADOW_WAY, CDI="EXTRA_CDI"),
        _feature_set("l1c-6", _SIX, ("NDVI", "NDSI", "HOT", "whiteness")),
    )
}

# ------------------------------------------------------------------------------------ names and sizes


def layer_of(path: str) -> str | None:
    """The layer that a file holds, by its name; None if it holds none.

    Understood are the published names and those of older uploads and tutorials, in any case:
    ``L1C_B04.dat``, ``train_B04.dat``, ``manual_hq.dat``, ``EXTRA_LC100.dat``.
    """
    match = _NAME.fullmatch(path.rsplit("/", 1)[-1])
    return ALIASES.get(match["name"].lower()) if match else None


def _published(path: str) -> str:
    """The published path of the layer in a file (which must hold one)."""
    return f"{path.rsplit('/', 1)[0]}/{layer_of(path)}.dat"


def dtypes(layer: str) -> tuple[str, ...]:
    """Dtypes in which a layer is published, the usual one first; release 1.1 has labels in 16 bits."""
    usual = LAYERS[layer].dtype
    return (usual, "<i2") if usual == "uint8" else ({"int16": "<i2", "float32": "<f4"}[usual],)


@dataclass(frozen=True)
class Split:
    """The files of a split.

    `files` gives the file of each layer; `twins` are further files of the same layers; `count` is the
    number of patches.
    """

    name: str
    files: Mapping[str, str]
    twins: tuple[str, ...]
    sizes: Mapping[str, int]
    count: int
    side: int

    def dtype(self, layer: str) -> np.dtype | None:
        """The dtype that a layer is stored in, or None if its size fits none."""
        size = self.sizes[layer]
        for kind in dtypes(layer):
            if size and size == self.count * self.side**2 * np.dtype(kind).itemsize:
                return np.dtype(kind)
        return None

    def fitting(self, layer: str) -> str:
        """The sizes that would fit, in words."""
        sizes = {np.dtype(kind).name: self.count * self.side**2 * np.dtype(kind).itemsize for kind in dtypes(layer)}
        return " or ".join(f"{size} B ({self.count} patches of {kind})" for kind, size in sizes.items())


def _split(folder: Path, name: str, paths: Iterable[str], side: int) -> Split:
    """What the files of a split say about the number of its patches.

    That number is the one on which most layers agree; where several are as good, the one with a row of
    metadata.csv for each patch, then the one that takes most layers for their usual dtype.
    """
    files: dict[str, str] = {}
    twins = []
    # The published name comes first, so that it wins over its variants.
    for path in sorted(paths, key=lambda path: (layer_of(path) is None or path != _published(path), path)):
        layer = layer_of(path)
        if layer is not None and path.startswith(f"{name}/"):
            if layer in files:
                twins.append(path)
            files.setdefault(layer, path)
    sizes = {layer: (folder / path).stat().st_size for layer, path in files.items()}
    count = _patch_count(sizes, folder / name / METADATA, side)
    return Split(name, files, tuple(twins), sizes, count, side)


def _patch_count(sizes: Mapping[str, int], metadata: Path, side: int) -> int:
    """Number of patches (see `_split`); metadata.csv is read only where sizes alone do not tell it."""
    votes: Counter[int] = Counter()
    usual: Counter[int] = Counter()
    for layer, size in sizes.items():
        for place, kind in enumerate(dtypes(layer)):
            count, rest = divmod(size, side**2 * np.dtype(kind).itemsize)
            if count and not rest:
                votes[count] += 1
                usual[count] += place == 0
    best = [count for count in votes if votes[count] == max(votes.values())]
    if len(best) == 1:
        return best[0]
    rows = _count_rows(metadata)
    return max(best, key=lambda count: (count == rows, usual[count], count), default=rows or 0)


def _count_rows(path: Path) -> int | None:
    """Rows of metadata.csv; None if there is none, or it cannot be read."""
    try:
        return len(_read_metadata(path)) if path.is_file() else None
    except InputError:
        return None


def _read_metadata(path: Path) -> pd.DataFrame:
    """metadata.csv, all columns as text, blank where there is nothing."""
    try:
        with warnings.catch_warnings():
            # Rows that are longer than the header are cut off with a warning only.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table = pd.read_csv(path, dtype="str", keep_default_na=False, encoding="utf-8", index_col=False)
    except (pd.errors.ParserError, pd.errors.ParserWarning, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(
            "A table cannot be read.",
            where=path,
            found=error,
            expected="comma-separated text in UTF-8",
            remedy="fetch it again",
        ) from error
    missing = table.fillna("")  # short rows
    return missing.apply(lambda column: column.str.strip())


def _names_rois(path: Path) -> bool:
    """Whether a table of metadata has a column for the ROI; only the first line of text is looked at."""
    if path.suffix != ".csv":
        return True
    with open(path, encoding="utf-8", errors="replace") as stream:
        return "roi_id" in stream.readline(10_000)


def _splits_of(folder: Path, paths: Sequence[str], side: int) -> list[Split]:
    there = {path.split("/", 1)[0] for path in paths}
    return [_split(folder, name, paths, side) for name in FOLDERS if name in there]


def _let_go(stored: np.ndarray) -> None:
    """Give the pages back that reading has mapped, or a job is charged for all of its shard's bytes."""
    mapped = getattr(stored, "_mmap", None)
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


# ---------------------------------------------------------------------------------------- structure


def _split_findings(folder: Path, split: Split, image: int) -> Iterator[Finding]:
    """Findings about a split; `image` is the side of an image without its padding."""
    table = f"{split.name}/{METADATA}"
    if split.count == 0:
        yield Finding(
            f"{split.name}/",
            "structure",
            "patches",
            "failed",
            "no patch",
            "at least one",
            next((text for layer in split.files if (text := _without_padding(split, layer, image))), "")
            or "fetch the files of this split, or leave it out with `select`",
        )
        return
    yield Finding(f"{split.name}/", "structure", "patches", "ok", str(split.count))
    if (folder / table).is_file():
        yield from _metadata_findings(folder, table, split)
    else:
        yield Finding(
            table,
            "structure",
            "metadata",
            "note",
            "missing",
            "one row per patch",
            "ROIs and products are unknown, so that each patch is a group of its own and links between "
            "splits cannot be seen: fetch it",
        )
    for path in split.twins:
        layer = str(layer_of(path))
        yield Finding(
            path,
            "structure",
            "twin",
            "failed",
            f"{path} and {split.files[layer]}",
            f"one file of {layer}",
            "remove one of the two",
        )
    for layer, path in split.files.items():
        yield from _layer_findings(split, layer, path, image)


def _metadata_findings(folder: Path, path: str, split: Split) -> Iterator[Finding]:
    try:
        table = _read_metadata(folder / path)
    except InputError as error:
        found = str(error).replace("\n", ";")
        yield Finding(path, "structure", "metadata", "failed", found, "a CSV table", "fetch it again")
        return
    status, expected = ("ok" if len(table) == split.count else "failed"), f"{split.count}, as in the layers"
    remedy = "" if status == "ok" else "table and layers do not belong together: fetch both again"
    yield Finding(path, "structure", "rows", status, f"{len(table)} rows", expected, remedy)  # type: ignore[arg-type]
    needed = {"roi_id": ("roi_id",), "s2_id or s2_id_gee": ("s2_id", "s2_id_gee")}
    lacking = [text for text, names in needed.items() if not any(name in table for name in names)]
    if lacking:
        yield Finding(
            path,
            "structure",
            "columns",
            "note",
            ", ".join(table.columns),
            ", ".join(lacking),
            "without them links between splits by ROI or product cannot be seen",
        )


def _without_padding(split: Split, layer: str, image: int) -> str:
    """What to do where a size is that of images without any padding; "" where it is not."""
    size = split.sizes[layer]
    for kind in dtypes(layer):
        count, rest = divmod(size, image**2 * np.dtype(kind).itemsize)
        if count and not rest and split.side != image:
            return f"these are {count} images of {image} x {image} without padding: " + Padding().layout(image)
    return ""


def _layer_findings(split: Split, layer: str, path: str, image: int) -> Iterator[Finding]:
    if path != _published(path):
        yield Finding(path, "structure", "name", "note", path, _published(path))
    size, kind = split.sizes[layer], split.dtype(layer)
    if kind is None:
        yield Finding(
            path,
            "structure",
            "size",
            "failed",
            _size_text(size, layer, split.side),
            split.fitting(layer),
            _without_padding(split, layer, image)
            or "the file is incomplete, of another split, or of another layout: fetch it again",
        )
        return
    yield Finding(
        path, "structure", "size", "ok", f"{size} B ({split.count} patches of {kind.name})", split.fitting(layer)
    )
    if kind != np.dtype(dtypes(layer)[0]):
        yield Finding(path, "structure", "dtype", "note", kind.name, np.dtype(dtypes(layer)[0]).name)


def _size_text(size: int, layer: str, side: int) -> str:
    """A size, and what it would be as patches."""
    for kind in dtypes(layer):
        patch = side**2 * np.dtype(kind).itemsize
        if size and size % patch == 0:
            return f"{size} B ({size // patch} patches of {np.dtype(kind).name})"
    return f"{size} B"


# --------------------------------------------------------------------- content, while the bytes pass by


@dataclass(frozen=True)
class LayerInspection(Inspection):
    """What one layer of a split has shown, for `CloudSEN12.conclude`.

    Parameters
    ----------
    folder : Path
        Of the release.
    layer : str
        The layer.
    count : int
        Its patches.
    constant : bool
        Whether all pixels have one value.
    misplaced : bool
        Whether there is more than one value where the padding should be.
    blank : tuple of bool
        Whether the outermost row or column of the image is 0 in all patches: above, below, left, right.
    data : tuple of (int, int)
        First and last + 1 of the rows, and of the columns, that have more than one value.
    """

    folder: Path = Path()
    layer: str = ""
    count: int = 0
    constant: bool = False
    misplaced: bool = False
    blank: tuple[bool, ...] = ()
    data: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))


class _Extent:
    """Where the patches of a layer have data: rows and columns with more than one value.

    Most files show in their first patches that they have data up to the edge of the image and none
    beyond; only where they do not, all patches are looked through.
    """

    def __init__(self, side: int, padding: Padding) -> None:
        self.side, self.padding = side, padding
        self.blank = np.ones(4, dtype=bool)
        self.low, self.high = np.full((2, side), np.inf), np.full((2, side), -np.inf)

    def update(self, patches: np.ndarray, misplaced: bool) -> None:
        window = patches[:, *self.padding.window(self.side)]
        if self.blank.any():
            edges = (window[:, 0], window[:, -1], window[:, :, 0], window[:, :, -1])
            self.blank &= [not edge.any() for edge in edges]
        if misplaced or self.blank.any():
            for place, axes in enumerate(((0, 2), (0, 1))):
                np.minimum(self.low[place], patches.min(axis=axes), out=self.low[place])
                np.maximum(self.high[place], patches.max(axis=axes), out=self.high[place])

    def data(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """First and last + 1 of the rows and columns that hold data, at least as far as was looked."""
        (rows, columns) = (np.flatnonzero(low < high) for low, high in zip(self.low, self.high, strict=True))
        declared = self.padding.window(self.side)
        if not (len(rows) and len(columns)):
            return (declared[0].start, declared[0].stop), (declared[1].start, declared[1].stop)
        return (int(rows[0]), int(rows[-1]) + 1), (int(columns[0]), int(columns[-1]) + 1)


class _LayerInspector(Inspector):
    """Looks at the patches of a layer: padding, values, and a hash of each image."""

    def __init__(self, folder: Path, path: str, layer: str, dtype: np.dtype, side: int, padding: Padding) -> None:
        self.folder, self.path, self.layer, self.dtype, self.side = folder, path, layer, dtype, side
        self.place, self.extent = padding, _Extent(side, padding)
        self.codes, self.hashed = CODES.get(layer), layer in IMAGE_LAYERS
        patch = side**2 * dtype.itemsize
        self.block_bytes = patch * max(1, (512 << 10) // patch)  # what is looked at stays in the cache
        self.count = 0
        self.hashes: list[str] = []
        self.empty: list[int] = []
        self.padding: set[str] = set()
        self.constant: np.generic | None = None
        self.low, self.high = np.inf, -np.inf
        self.wrong, self.first_wrong = 0, ""
        self.missing, self.first_missing = 0, ""

    def update(self, block: memoryview) -> None:
        whole = len(block) // (self.side**2 * self.dtype.itemsize)
        values = np.frombuffer(block, self.dtype, whole * self.side**2)
        patches = values.reshape(whole, self.side, self.side)
        if not whole:
            return
        window = patches[:, *self.place.window(self.side)]
        if self.count == 0:
            self.constant = window[0, 0, 0]
        self._see_padding(patches)
        if self.hashed:
            self._see_image(window)
        else:
            self._see_values(window)
        self.count += whole

    def _see_padding(self, patches: np.ndarray) -> None:
        strips = [strip for strip in self.place.strips(patches) if strip.size]
        if strips and not any(strip.any() for strip in strips):
            self.padding.add("0")
        elif len(self.padding) <= 4:  # enough to say that it is not one value
            self.padding |= {f"{value:g}" for strip in strips for value in np.unique(strip)[:4]}
        if self.hashed or self.layer == LABEL:
            self.extent.update(patches, len(self.padding) > 1)

    def _see_image(self, window: np.ndarray) -> None:
        images = np.ascontiguousarray(window)
        self.hashes += [xxhash.xxh3_128_hexdigest(image) for image in images]
        none = images.min() > 0
        self.empty += [0] * len(images) if none else (images == 0).sum(axis=(1, 2)).tolist()
        if self.constant is not None and (images != self.constant).any():
            self.constant = None

    def _see_values(self, window: np.ndarray) -> None:
        low, high = window.min(), window.max()  # NaN, if there is one
        if self.dtype.kind == "f" and not (np.isfinite(low) and np.isfinite(high)):
            window, low, high = self._see_gaps(window)
        self.low, self.high = min(self.low, float(low)), max(self.high, float(high))
        if self.codes is not None and not (low >= 0 and set(range(int(high) + 1)) <= self.codes):
            self._see_codes(window)

    def _see_gaps(self, window: np.ndarray) -> tuple[np.ndarray, float, float]:
        """Count NaN and infinite values; what is left, and its extremes."""
        finite = np.isfinite(window)
        self.missing += int((~finite).sum())
        self.first_missing = self.first_missing or self._place(~finite)
        rest = window[finite]
        return rest, rest.min(initial=np.inf), rest.max(initial=-np.inf)

    def _see_codes(self, window: np.ndarray) -> None:
        codes = np.array(sorted(self.codes or ()), dtype=np.uint8)
        wrong = ~np.isin(_eight_bits(window), codes)
        if wrong.any():
            self.wrong += int(wrong.sum())
            self.first_wrong = self.first_wrong or f"{window[wrong][0]} in {self._place(wrong)}"

    def _place(self, mask: np.ndarray) -> str:
        """The first patch and pixel of a mask of the valid window, by row and column of the file."""
        patch, row, column = np.unravel_index(int(mask.argmax()), mask.shape)
        return f"patch {self.count + patch}, pixel ({row + self.place.top}, {column + self.place.left})"

    def finish(self) -> Inspection:
        if not self.count:
            return Inspection(())
        return LayerInspection(
            tuple(self._findings()),
            self._hash_table() if self.hashes else no_hashes(),
            self.folder,
            self.layer,
            self.count,
            self.hashed and self.constant is not None,
            len(self.padding) > 1,
            tuple(self.extent.blank.tolist()),
            self.extent.data(),
        )

    def _findings(self) -> Iterator[Finding]:
        value = ", ".join(sorted(self.padding)[:4]) + (", ..." if len(self.padding) > 4 else "")
        good = value in ("0", "")
        yield Finding(self.path, "content", "padding", "ok" if good else "note", value or "none", "0")
        constant = self.low if self.low == self.high else self.constant if self.hashed else None
        if constant is not None:
            remedy = "the layer says nothing about any pixel; what is computed from it means nothing"
            yield Finding(
                self.path, "content", "constant", "note", f"{constant:g} everywhere", "several values", remedy
            )
        if not self.hashed:
            yield Finding(self.path, "content", "range", "ok", f"{self.low:g} .. {self.high:g}")
        if self.codes is not None:
            yield self._verdict(
                "codes",
                self.wrong,
                self.first_wrong,
                f"{_ranges(self.codes)}",
                "fetch the file again; if `codes` is accepted, these pixels take no part",
            )
        if self.dtype.kind == "f":
            yield self._verdict(
                "finite",
                self.missing,
                self.first_missing,
                "no NaN, no infinite value",
                "fetch the file again; if `finite` is accepted, these pixels count as missing",
            )

    def _verdict(self, check: str, count: int, first: str, expected: str, remedy: str) -> Finding:
        if not count:
            return Finding(self.path, "content", check, "ok", "all pixels", expected)
        return Finding(self.path, "content", check, "failed", f"{count} pixels, the first: {first}", expected, remedy)

    def _hash_table(self) -> pd.DataFrame:
        count = len(self.hashes)
        return hash_table([self.path] * count, range(count), [self.layer] * count, self.hashes, self.empty)


def _ranges(codes: frozenset[int]) -> str:
    """Codes in words: ``0-4, 255``."""
    ordered = np.array(sorted(codes))
    runs = np.split(ordered, np.flatnonzero(np.diff(ordered) != 1) + 1)
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)


def _eight_bits(stored: np.ndarray) -> np.ndarray:
    """Label codes as uint8: -1 is 255, anything else that does not fit is `NO_CODE`."""
    if stored.dtype == np.uint8:
        return stored
    codes = stored.astype(np.uint8)
    codes[(stored < -1) | (stored > 255)] = NO_CODE
    return codes


# ---------------------------------------------------------------------------------------- algorithms


def s2cloudless_mask(percent: np.ndarray) -> np.ndarray:
    """Cloud mask from cloud probabilities, as s2cloudless 1.5.0 makes it by default.

    The probability is averaged over a disk of radius 1 (the pixel and its four neighbours; the image is
    mirrored at its edge), held against the threshold of 0.4, and the mask is grown by the same disk.
    Whole percentages are added as integers: a mean of exactly 0.4 is no cloud.

    Parameters
    ----------
    percent : ndarray
        uint8 (patches, rows, columns), probabilities in percent.

    Returns
    -------
    ndarray
        bool, as `percent`.
    """
    edged = np.pad(percent.astype(np.uint16), ((0, 0), (1, 1), (1, 1)), mode="symmetric")
    total = edged[:, 1:-1, 1:-1].copy()
    for neighbour in (edged[:, :-2, 1:-1], edged[:, 2:, 1:-1], edged[:, 1:-1, :-2], edged[:, 1:-1, 2:]):
        total += neighbour
    core = total > 5 * S2CLOUDLESS_THRESHOLD
    mask = core.copy()
    mask[:, 1:] |= core[:, :-1]
    mask[:, :-1] |= core[:, 1:]
    mask[:, :, 1:] |= core[:, :, :-1]
    mask[:, :, :-1] |= core[:, :, 1:]
    return mask


def _predicted(layer: str, codes: np.ndarray, classes: int) -> np.ndarray:
    """Index of the predicted class from the codes of a reference layer, or `IGNORE`."""
    if layer == "LABEL_s2cloudless":
        known = codes <= 100
        return np.where(known, s2cloudless_mask(np.where(known, codes, 0)), IGNORE).astype(np.uint8)
    table = np.full(256, IGNORE, dtype=np.uint8)
    if layer.startswith("LABEL_cd_fcnn"):
        table[:101] = np.arange(101) > CD_FCNN_THRESHOLD
    elif layer == "LABEL_qa60":
        table[:] = np.arange(256) > 0
    else:
        first = FIRST_CODE.get(layer, 0)
        table[first : first + classes] = np.arange(classes)
    return table[codes]


# ------------------------------------------------------------------------------------------- catalog


def _texts(table: pd.DataFrame, *names: str) -> pd.Series:
    """The first of some columns that is there, as text; blank if none is."""
    for name in names:
        if name in table:
            return table[name].replace(dict.fromkeys(("nan", "NaN", "None", "NA"), ""))
    return pd.Series("", index=table.index, dtype="str")


def _numbers(table: pd.DataFrame, name: str) -> pd.Series:
    """A column as float64, NaN where it holds no number."""
    return pd.to_numeric(_texts(table, name), errors="coerce").astype("float64")


def _described(table: pd.DataFrame, product: str) -> pd.DataFrame:
    """The columns of the catalog that follow from metadata.csv alone."""
    products = _texts(table, product)
    parts = products.str.extract(_DATE).fillna("")
    acquired = (parts[0] + "-" + parts[1] + "-" + parts[2]).where(parts[0] != "", "")
    dates = _texts(table, "s2_date").str.slice(0, 10)
    return pd.DataFrame(
        {
            "roi": _texts(table, "roi_id"),
            "product": products,
            "tile": products.str.extract(_TILE)[0].fillna(""),
            "date": dates.where(dates != "", acquired),
            "difficulty": _numbers(table, "difficulty").astype("float32"),
            "land_cover": _texts(table, "land_cover").str.replace(r"\.0$", "", regex=True),
            "cloud_coverage": _texts(table, "cloud_coverage"),
            "sun_azimuth": _numbers(table, "s2_view_sun_azimuth").astype("float32"),
            "sun_elevation": _numbers(table, "s2_view_sun_elevation").astype("float32"),
        }
    ).astype(dict.fromkeys(("roi", "product", "tile", "date", "land_cover", "cloud_coverage"), "str"))


def _coordinates(text: str) -> list[float]:
    """The numbers after the first bracket of WKT, GeoJSON or a list; nothing is evaluated."""
    start = re.search(r"[(\[]", text)
    return [float(number) for number in _NUMBER.findall(text[start.start() :])] if start else []


def centre(text: str) -> tuple[float, float]:
    """Mean of the vertices of a point or polygon in WKT or GeoJSON; NaN if the text holds none.

    The last vertex of a ring repeats the first one and is left out.
    """
    numbers = _coordinates(text)
    points = np.array(numbers[: len(numbers) // 2 * 2]).reshape(-1, 2)
    if len(points) > 1 and (points[0] == points[-1]).all():
        points = points[:-1]
    return (float(points[:, 0].mean()), float(points[:, 1].mean())) if len(points) else (np.nan, np.nan)


LARGEST_PIXEL_M = 1000
"""Whatever is larger is a coordinate."""


def _affine_centre(text: str, side: float) -> tuple[float, float]:
    """Centre of a square image from its transform (a, b, c, d, e, f) and its side in pixels.

    In GDAL's order (c, a, b, f, d, e) the first number is no size of a pixel.
    """
    numbers = _coordinates(text)
    if len(numbers) < 6:
        return np.nan, np.nan
    a, b, c, d, e, f = numbers[:6]
    if abs(a) > LARGEST_PIXEL_M:
        c, a, b, f, d, e = numbers[:6]
    return c + (a + b) * side / 2, f + (d + e) * side / 2


def _places(table: pd.DataFrame, image: int) -> pd.DataFrame:
    """Centres x, y (m), epsg, lon, lat (degrees), and side_m, as far as ``proj_*`` columns tell.

    Centres in degrees give lon and lat alone. Degrees are rounded to a millionth (0.1 m), below which
    versions of PROJ need not agree. `image` is the side of an image in pixels where no column gives it.
    """
    sides = pd.to_numeric(_texts(table, "proj_shape").str.extract(r"(\d+)")[0]).fillna(image)
    codes = pd.to_numeric(_texts(table, "proj_epsg").str.extract(r"(\d{1,5})\b")[0]).astype("Int32")
    corner = zip(_texts(table, "proj_transform"), sides, strict=True)
    choices = [
        [_affine_centre(text, float(width)) for text, width in corner],
        [centre(text) for text in _texts(table, "proj_centroid")],
        [centre(text) for text in _texts(table, "proj_geometry")],
    ]
    metres, degrees = np.full((len(table), 2), np.nan), np.full((len(table), 2), np.nan)
    for choice in choices:
        points = np.array(choice, dtype=np.float64).reshape(-1, 2)
        angular = (np.abs(points[:, 0]) <= 180) & (np.abs(points[:, 1]) <= 90)
        degrees = np.where(np.isnan(degrees) & angular[:, None], points, degrees)
        metres = np.where(np.isnan(metres) & ~angular[:, None], points, metres)
    places = pd.DataFrame(
        {
            "x": metres[:, 0],
            "y": metres[:, 1],
            "epsg": codes.to_numpy(),
            "lon": degrees[:, 0],
            "lat": degrees[:, 1],
            "side_m": sides.to_numpy(np.float64) * PIXEL_M,
        }
    )
    return _with_degrees(places.astype({"epsg": "Int32"}))


def _with_degrees(places: pd.DataFrame) -> pd.DataFrame:
    """Longitude and latitude from projected centres, where they are not known otherwise."""
    known, lon, lat = (
        places["x"].notna() & places["lon"].isna(),
        places["lon"].to_numpy(copy=True),
        places["lat"].to_numpy(copy=True),
    )
    for epsg in places["epsg"][known].dropna().unique():
        here = (known & (places["epsg"] == epsg).fillna(False)).to_numpy(dtype=bool)
        x, y = (places.loc[here, axis].to_list() for axis in "xy")
        try:
            where = transform(CRS.from_epsg(int(epsg)), CRS.from_epsg(4326), x, y)
        except CRSError:
            continue
        lon[here], lat[here] = where[0], where[1]
    return places.assign(epsg=places["epsg"].where(places["x"].notna()), lon=np.round(lon, 6), lat=np.round(lat, 6))


def _patch_names(catalog: pd.DataFrame) -> pd.Series:
    """``<roi>/<product>`` where both are known and no other patch has them, else ``<split>/<row>``."""
    name = catalog["roi"] + "/" + catalog["product"]
    unique = (catalog["roi"] != "") & (catalog["product"] != "") & ~name.duplicated(keep=False)
    place = catalog["published_split"] + "/" + catalog["row"].map("{:05d}".format)
    return name.where(unique, place).astype("str")


def _combined_hashes(hashes: pd.DataFrame, split: Split, layers: Sequence[str]) -> list[str]:
    """Hash of the hashes of a patch's layers, in their order; blank where one is missing."""
    if not layers:
        return [""] * split.count
    parts = []
    for layer in layers:
        here = hashes[(hashes["file"] == split.files.get(layer, "")) & (hashes["layer"] == layer)]
        parts.append(here.set_index("row")["hash"].reindex(range(split.count)).fillna("").tolist())
    rows = zip(*parts, strict=True)
    return [xxhash.xxh3_128_hexdigest("".join(row).encode("ascii")) if all(row) else "" for row in rows]


# ------------------------------------------------------------------------------------------- dataset


class CloudSEN12(Dataset):
    """CloudSEN12 in its layout of raw arrays.

    Parameters
    ----------
    side : int
        Rows and columns of a stored patch, padding included.
    padding : mapping, optional
        Rows and columns around the image that do not belong to it: ``top``, ``bottom``, ``left``, ``right``,
        0 where not given. Without, it is as published: the image lies in ``[1:side - 2, 1:side - 2]``.
    """

    name = "cloudsen12"
    tasks: Mapping[str, Task] = {TASK.name: TASK}
    layer_table: Mapping[str, Layer] = LAYERS
    references: Mapping[str, Reference] = REFERENCES
    feature_sets: Mapping[str, FeatureSet] = FEATURE_SETS
    group_keys = ("roi", "product", "tile")
    marking_keys: Mapping[str, Columns | Implied | NotPublished] = {
        "place": Columns(("roi",)),
        "acquisition": Columns(("product",)),
        "footprint": GROUND,
    }
    # ROIs of one tile were taken at the same dates and may lie side by side.
    joined_by = ("tile",)
    strata_keys = ("cloud_coverage", "land_cover")

    def __init__(self, *, side: int = 512, padding: Mapping[str, int] | None = None) -> None:
        if type(side) is not int or side < 4:
            raise InputError(
                "A layout has an impossible side.", where="layout, key 'side'", found=side, expected="4 or more"
            )
        self.side = side
        self.padding = _padding(padding, side)
        self.window = self.padding.window(side)
        self.image = self.window[0].stop - self.window[0].start
        """Rows, and columns, of an image."""

    # Files

    def list_files(self, folder: Path) -> list[str]:
        found = [
            f"{split}/{path.name}"
            for split in FOLDERS
            if (folder / split).is_dir()
            for path in (folder / split).iterdir()
            if path.is_file() and (path.name == METADATA or layer_of(path.name) is not None)
        ]
        if not found:
            there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else ["no folder"]
            raise InputError(
                "The folder holds no files of CloudSEN12.",
                where=folder,
                found=", ".join(there[:8]),
                expected="train/, val/ or test/ with files such as L1C_B2.dat and LABEL_manual_hq.dat",
                remedy="give the folder that holds these folders",
            )
        return sorted(found)

    def layers(self, paths: Iterable[str]) -> frozenset[str]:
        """Layers that every split with data has."""
        by_split: dict[str, set[str]] = {}
        for path in paths:
            layer = layer_of(path)
            if layer is not None:
                by_split.setdefault(path.split("/", 1)[0], set()).add(layer)
        return frozenset(set.intersection(*by_split.values())) if by_split else frozenset()

    def unknown_columns(self, folder: Path | None, paths: Iterable[str]) -> dict[str, str]:
        """All that the metadata tell, where there are none; the ROI, where they do not name it."""
        tables = [path for path in paths if Path(path).stem == Path(METADATA).stem]
        if not tables:
            unknown = ("group", "roi", "product", "tile", "x", "y", "lon", "lat")
            return dict.fromkeys(unknown, f"it has no {METADATA}")
        if folder is not None and not any(_names_rois(folder / path) for path in tables):
            return dict.fromkeys(("group", "roi"), f"{', '.join(tables)} have no column roi_id")
        return {}

    def structure(self, folder: Path, files: Sequence[File]) -> list[Finding]:
        paths = [file.path for file in files]
        splits = _splits_of(folder, paths, self.side)
        findings = [finding for split in splits for finding in _split_findings(folder, split, self.image)]
        everywhere = self.layers(paths)
        for split in splits:
            only = sorted(set(split.files) - everywhere)
            if only:
                findings.append(
                    Finding(
                        f"{split.name}/",
                        "structure",
                        "layers",
                        "note",
                        ", ".join(only),
                        "layers that all splits have",
                        "these layers are not used: fetch them for the other splits too",
                    )
                )
        return findings

    def inspector(self, folder: Path, file: File) -> Inspector | None:
        layer = layer_of(file.path)
        if layer is None:
            return None
        split = self._split_at(folder, file.path.split("/", 1)[0])
        twin = split.files[layer] != file.path
        kind = None if twin else split.dtype(layer)
        if kind is None:
            return None
        return _LayerInspector(folder, file.path, layer, kind, self.side, self.padding)

    def conclude(self, inspections: Mapping[str, Inspection]) -> Inspection:
        """What the layers of a split say together: where its images lie, and which pixels are measured.

        Checks: ``padding`` (only if it fails: data elsewhere than the layout says) and ``measured``.
        """
        splits: dict[str, list[LayerInspection]] = {}
        for path, seen in inspections.items():
            if isinstance(seen, LayerInspection):
                splits.setdefault(path.split("/", 1)[0], []).append(seen)
        findings = [
            finding
            for name, layers in splits.items()
            for finding in (*self._extent_findings(name, layers), *self._measured_findings(name, layers))
        ]
        return Inspection(tuple(findings))

    def _extent_findings(self, name: str, layers: Sequence[LayerInspection]) -> Iterator[Finding]:
        """A failure if images do not lie where the layout says.

        There are data where the padding should be; or several patches have no data, in any band, up to the
        same edge of the image. (A single one may lie at the edge of what was seen from orbit.)
        """
        images = [seen for seen in layers if seen.layer in IMAGE_LAYERS and not seen.constant]
        images = images or [seen for seen in layers if seen.layer == LABEL and seen.misplaced]
        if not images:
            return
        misplaced = any(seen.misplaced for seen in images)
        blank = np.all([seen.blank for seen in images], axis=0).any() and images[0].count > 1
        if not (misplaced or (blank and images[0].layer != LABEL)):
            return
        told = [seen for seen in images if seen.misplaced] or images
        ends = np.array([seen.data for seen in told])
        (top, bottom), (left, right) = np.stack([ends[..., 0].min(0), ends[..., 1].max(0)], axis=1).tolist()
        padding = Padding(top, self.side - bottom, left, self.side - right)
        square = bottom - top == right - left
        remedy = (
            f"declare where the images lie: {padding.layout(self.side)}"
            if square
            else ("declare where the images lie with the key `padding` of the layout; they must be square")
        )
        yield Finding(
            f"{name}/",
            "content",
            "padding",
            "failed",
            _window_text(padding.window(self.side)),
            _window_text(self.window),
            remedy,
        )

    def _measured_findings(self, name: str, layers: Sequence[LayerInspection]) -> Iterator[Finding]:
        images = [seen for seen in layers if seen.layer in IMAGE_LAYERS]
        if not images:
            return
        count = max(seen.count for seen in images)
        hashes = pd.concat([seen.hashes for seen in images], ignore_index=True)
        unmeasured = self._unmeasured(images[0].folder, name, count, hashes)
        text = unmeasured_text(unmeasured, self.image**2, [f"row {row}" for row in range(count)])
        yield unmeasured_finding(f"{name}/", "measured", text, count)

    def _unmeasured(self, folder: Path, name: str, count: int, hashes: pd.DataFrame) -> np.ndarray:
        """Pixels of the patches of a split that carry no measurement, int32; 0 where nothing is known.

        Only patches with a pixel of 0 in each band are read for it.
        """
        here = hashes[hashes["layer"].isin(IMAGE_LAYERS) & (hashes["file"].str.split("/").str[0] == name)]
        bands = here[here["empty"] > 0].groupby("row").size()
        rows = bands.index[bands == here["layer"].nunique()]
        result = np.zeros(count, dtype=np.int32)
        for row in rows:
            patch = pd.DataFrame({"file": [name], "row": [row]})
            result[row] = (~self.measured(folder, patch)).sum()
        return result

    def _split_at(self, folder: Path, name: str) -> Split:
        """A split with all files in its folder."""
        paths = [f"{name}/{path.name}" for path in sorted((folder / name).iterdir()) if path.is_file()]
        return _split(folder, name, paths, self.side)

    # Catalog

    def catalog(self, folder: Path, files: Sequence[str], hashes: pd.DataFrame) -> pd.DataFrame:
        """One row per patch in file order.

        Further columns: date (ISO), difficulty (1-5), land_cover (code of CGLS-LC100), cloud_coverage,
        sun_azimuth and sun_elevation (degrees), side_m (side of the footprint). Where only metadata.csv
        is there yet, fractions are NaN and hashes blank.
        """
        splits = [split for split in _splits_of(folder, files, self.side) if split.count]
        if not splits:
            raise InputError("A release has no patches.", where=folder, expected="layers or metadata.csv with rows")
        tables = [self._metadata(folder, split) for split in splits]
        # One column for all splits: the two ways to write a product would never be found equal.
        product = next((name for name in ("s2_id", "s2_id_gee") if all(name in table for table in tables)), "")
        images = [layer for layer in IMAGE_LAYERS if layer in self.layers(files)]
        parts = []
        for split, table in zip(splits, tables, strict=True):
            about = {
                "published_split": FOLDERS[split.name],
                "file": split.name,
                "row": np.arange(split.count, dtype=np.int64),
            }
            part = pd.concat([pd.DataFrame(about), _described(table, product), _places(table, self.image)], axis=1)
            unmeasured = self._unmeasured(folder, split.name, split.count, hashes)
            parts.append(part.assign(label=np.int16(-1), **self._fractions(folder, split, unmeasured)))
            parts[-1]["content_hash"] = _combined_hashes(hashes, split, images)
            parts[-1]["unmeasured"] = unmeasured
        catalog = pd.concat(parts, ignore_index=True)
        catalog.insert(0, "patch", _patch_names(catalog))
        texts = ("patch", "published_split", "file", "content_hash")
        return catalog.astype(dict.fromkeys(texts, "str") | {"label": "int16"})

    def _metadata(self, folder: Path, split: Split) -> pd.DataFrame:
        """metadata.csv of a split, or a table without columns if there is none."""
        path = folder / split.name / METADATA
        if not path.is_file():
            return pd.DataFrame(index=range(split.count))
        table = _read_metadata(path)
        if len(table) != split.count:
            raise InputError(
                "Metadata and layers differ in their number of patches.",
                where=path,
                found=f"{len(table)} rows",
                expected=f"{split.count}, as in the layers",
                remedy="fetch both again",
            )
        return table

    def _fractions(self, folder: Path, split: Split, unmeasured: np.ndarray) -> dict[str, np.ndarray]:
        """Share of each class among the valid pixels, and share of valid pixels, float32; NaN if unknown.

        `unmeasured`: for each patch the pixels that carry no measurement, and are not valid.
        """
        names = [f"fraction_{name}" for name in TASK.names]
        if LABEL not in split.files:
            return {name: np.full(split.count, np.nan, np.float32) for name in (*names, "valid_share")}
        counts = np.zeros((split.count, len(names)), dtype=np.int64)
        stored = self._open(folder, split, LABEL)
        for row in range(split.count):
            window = np.ascontiguousarray(stored[row, *self.window])
            if unmeasured[row]:
                patch = pd.DataFrame({"file": [split.name], "row": [row]})
                window = window[self.measured(folder, patch)[0]]
            counts[row] = [np.count_nonzero(window == category.code) for category in CATEGORIES]
            _let_go(stored)
        valid = counts.sum(axis=1)
        with np.errstate(invalid="ignore"):
            shares = (counts / valid[:, None]).astype(np.float32)
        fractions = {name: shares[:, place] for place, name in enumerate(names)}
        return fractions | {"valid_share": (valid / self.image**2).astype(np.float32)}

    # Pixels

    def measured(self, folder: Path, patches: pd.DataFrame) -> np.ndarray:
        """Pixels that are not 0 in all bands of level 1C that the split has."""
        result = np.zeros((len(patches), self.image, self.image), dtype=bool)
        for name in patches["file"].unique():
            split = self._split_at(folder, str(name))
            places = np.flatnonzero(patches["file"] == name)
            rows = patches["row"].to_numpy()[places]
            _check_rows(folder, split, rows)
            for layer in IMAGE_LAYERS:
                if layer in split.files and split.dtype(layer) is not None:
                    result[places] |= self._read(self._open(folder, split, layer), rows) != 0
        return result

    def blocks(self, folder: Path, catalog: pd.DataFrame, layers: Sequence[str], patches: int) -> Iterator[Block]:
        """Read layers of catalog rows in their order; rows that follow each other are read as one slice."""
        place = catalog["file"].to_numpy()
        starts = np.flatnonzero(place[1:] != place[:-1]) + 1
        for run in np.split(np.arange(len(catalog)), starts) if len(catalog) else []:
            split = self._split_at(folder, str(place[run[0]]))
            stored = {layer: self._open(folder, split, layer) for layer in layers}
            for first in range(0, len(run), patches):
                rows = catalog.iloc[run[first : first + patches]]
                numbers = rows["row"].to_numpy()
                _check_rows(folder, split, numbers)
                yield Block(rows, {layer: self._read(array, numbers) for layer, array in stored.items()})

    def _read(self, stored: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """The valid windows of some rows, in the stored dtype."""
        values = np.empty((len(rows), self.image, self.image), stored.dtype)
        done = 0
        for run in np.split(rows, np.flatnonzero(np.diff(rows) != 1) + 1):
            values[done : done + len(run)] = stored[run[0] : run[-1] + 1, *self.window]
            done += len(run)
        _let_go(stored)
        return values

    def _open(self, folder: Path, split: Split, layer: str) -> np.ndarray:
        """A layer of a split, mapped into memory."""
        if layer not in split.files:
            raise InputError(
                "A layer is missing.",
                where=folder / split.name,
                found=", ".join(split.files),
                expected=layer,
                remedy="fetch it, or leave out what needs it",
            )
        kind = split.dtype(layer)
        if kind is None:
            raise InputError(
                "A file has a size that fits no dtype.",
                where=folder / split.files[layer],
                found=_size_text(split.sizes[layer], layer, self.side),
                expected=split.fitting(layer),
                remedy="fetch it again",
            )
        shape = (split.count, self.side, self.side)
        return np.memmap(folder / split.files[layer], kind, mode="r", shape=shape)

    def reader(self, folder: Path, file: str, layers: Sequence[str]) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
        """A function from rows of a split to their valid windows; the files are mapped into memory."""
        split = self._split_at(folder, file)
        stored = {layer: self._open(folder, split, layer) for layer in layers}

        def read(rows: np.ndarray) -> dict[str, np.ndarray]:
            _check_rows(folder, split, rows)
            return {layer: self._read(array, rows) for layer, array in stored.items()}

        return read

    def label_layers(self, task: str) -> tuple[str, ...]:
        return (LABEL,)

    def labels(self, task: str, block: Block) -> np.ndarray:
        table = np.full(256, IGNORE, dtype=np.uint8)
        table[[category.code for category in CATEGORIES]] = np.arange(len(CATEGORIES))
        return table[_eight_bits(block.layers[LABEL])]

    def reference(self, reference: str, block: Block) -> np.ndarray:
        about = REFERENCES[reference]
        return _predicted(about.layer, _eight_bits(block.layers[about.layer]), len(about.predicted))

    # Writing

    def create(self, folder: Path, split: str, count: int, layers: Sequence[str]) -> dict[str, np.memmap]:
        """Make files of zeros in the published layout, to be filled by the caller.

        Parameters
        ----------
        folder : Path
            The folder of the release.
        split : str
            ``train``, ``val`` or ``test``.
        count : int
            Number of patches, at least 1.
        layers : sequence of str
            Names of `layer_table`.

        Returns
        -------
        dict
            Layer to a writable array (count, side, side) in its published dtype.
        """
        (folder / split).mkdir(parents=True, exist_ok=True)
        shape = (count, self.side, self.side)
        return {
            layer: np.memmap(folder / split / f"{layer}.dat", dtypes(layer)[0], mode="w+", shape=shape)
            for layer in layers
        }

    def write_metadata(self, folder: Path, split: str, table: pd.DataFrame) -> None:
        """Write ``metadata.csv`` of a split: one row per patch, in the order of the layers."""
        with replacing(folder / split / METADATA) as beside:
            table.to_csv(beside, index=False, lineterminator="\n", encoding="utf-8")

    def export(self, folder: Path, roles: Mapping[str, pd.DataFrame], layers: Sequence[str]) -> list[NewFile]:
        """Layers and metadata.csv of each role, in ``train``, ``val`` and ``test``.

        Whole patches are taken over byte by byte, padding included; without `layers`, those that all
        splits have. The rows of metadata.csv follow the patches, their text is left as it is.
        """
        names = sorted({str(name) for rows in roles.values() for name in rows["file"]})
        splits = {name: self._split_at(folder, name) for name in names}
        for name, split in splits.items():
            numbers = [rows.loc[rows["file"] == name, "row"].to_numpy() for rows in roles.values()]
            _check_rows(folder, split, np.concatenate(numbers))
        kinds = self._export_dtypes(folder, splits, layers)
        wanted = {name: roles[role] for name, role in FOLDERS.items() if role in roles}
        joined = {name: runs(rows) for name, rows in wanted.items()}
        files = []
        for layer, kind in kinds.items():
            length = self.side**2 * kind.itemsize
            sources = {source: folder / split.files[layer] for source, split in splits.items()}
            # All roles from one layer before the next: what they share of a file is read from disk once.
            for name, rows in wanted.items():
                pieces = [Piece(sources[file], first * length, n * length) for file, first, n in joined[name]]
                write = partial(_write_pieces, pieces)
                files.append(NewFile(f"{name}/{layer}.dat", len(rows) * length, write))
        for name, rows in wanted.items():
            files += _export_metadata(folder, f"{name}/{METADATA}", rows)
        return files

    def _export_dtypes(self, folder: Path, splits: Mapping[str, Split], layers: Sequence[str]) -> dict[str, np.dtype]:
        """The layers to be exported, in their published order, with the dtype they are stored in."""
        unknown = [layer for layer in layers if layer not in LAYERS]
        if unknown:
            raise InputError("Unknown layer of CloudSEN12.", found=unknown[0], expected=", ".join(LAYERS))
        there = set.intersection(*(set(split.files) for split in splits.values()))
        kinds = {}
        for layer in (layer for layer in LAYERS if layer in (layers or there)):
            found = {name: self._open(folder, split, layer).dtype for name, split in splits.items()}
            if len(set(found.values())) > 1:
                raise InputError(
                    "Splits that are to be joined store a layer in different dtypes.",
                    where=f"{folder}, {layer}",
                    found=", ".join(f"{name} {kind}" for name, kind in found.items()),
                    expected="one dtype",
                    remedy="fetch all splits from the same release, or leave the layer out",
                )
            kinds[layer] = next(iter(found.values()))
        return kinds


def _window_text(window: tuple[slice, slice]) -> str:
    rows, columns = window
    return f"images in rows {rows.start} to {rows.stop - 1}, columns {columns.start} to {columns.stop - 1}"


def _check_rows(folder: Path, split: Split, rows: np.ndarray) -> None:
    if rows.max(initial=-1) >= split.count:
        raise InputError(
            "A patch of the catalog is not in the files.",
            where=folder / split.name,
            found=f"row {rows.max()}",
            expected=f"rows 0 to {split.count - 1}",
            remedy="make the catalog again",
        )


def _write_pieces(pieces: Sequence[Piece], path: Path) -> Iterator[int]:
    with open(path, "wb") as stream:
        yield from append(stream, pieces)


def _export_metadata(folder: Path, path: str, rows: pd.DataFrame) -> list[NewFile]:
    """metadata.csv of some patches: text as published; a split without the file has blank rows."""
    sources = [folder / str(name) / METADATA for name in rows["file"].unique()]
    sources = [source for source in sources if source.is_file()]
    if not sources:
        return []

    def write(path: Path) -> Iterator[int]:
        table = pd.concat({source.parent.name: _verbatim(source) for source in sources})
        chosen = table.reindex(pd.MultiIndex.from_frame(rows[["file", "row"]]))
        chosen.to_csv(path, index=False, na_rep="", lineterminator="\n", encoding="utf-8")
        yield path.stat().st_size

    return [NewFile(path, sum(source.stat().st_size for source in sources), write)]


def _verbatim(path: Path) -> pd.DataFrame:
    """A CSV table as text, its header as it stands."""
    table = pd.read_csv(path, header=None, dtype="str", keep_default_na=False, encoding="utf-8")
    return table[1:].set_axis(table.iloc[0], axis=1).reset_index(drop=True)


DATASET = CloudSEN12
