"""The classes, bands and feature sets of SEN12MS and DFC2020; from codes of land cover to classes."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from sentinel_forest.datasets.base import IGNORE, Category, FeatureSet, Layer, Task
from sentinel_forest.sensors import SENTINEL_1, SENTINEL_2

IGBP = (
    Category(1, "evergreen needleleaf forest", "#05450a"),
    Category(2, "evergreen broadleaf forest", "#086a10"),
    Category(3, "deciduous needleleaf forest", "#54a708"),
    Category(4, "deciduous broadleaf forest", "#78d203"),
    Category(5, "mixed forest", "#009900"),
    Category(6, "closed shrubland", "#c6b044"),
    Category(7, "open shrubland", "#dcd159"),
    Category(8, "woody savanna", "#dade48"),
    Category(9, "savanna", "#fbff13"),
    Category(10, "grassland", "#b6ff05"),
    Category(11, "permanent wetland", "#27ff87"),
    Category(12, "cropland", "#c24f44"),
    Category(13, "urban", "#a5a5a5"),
    Category(14, "cropland/natural mosaic", "#ff6d4c"),
    Category(15, "snow and ice", "#69fff8"),
    Category(16, "barren", "#f9ffa4"),
    Category(17, "water", "#1c0dff"),
)
"""IGBP classes with the colours of MCD12Q1 (catalog of Google Earth Engine); DFC2020 has some of them."""

CATEGORIES = (
    Category(1, "Forest", "#009900"),
    Category(2, "Shrubland", "#c6b044"),
    Category(3, "Savanna", "#fbff13"),
    Category(4, "Grassland", "#b6ff05"),
    Category(5, "Wetlands", "#27ff87"),
    Category(6, "Croplands", "#c24f44"),
    Category(7, "Urban", "#a5a5a5"),
    Category(8, "Snow/ice", "#69fff8"),
    Category(9, "Barren", "#f9ffa4"),
    Category(10, "Water", "#1c0dff"),
)
"""The simplified IGBP classes with codes and colours of DFC2020 (github.com/lukasliebel/dfc2020_baseline)."""

SIMPLIFIED = np.array([1, 1, 1, 1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 6, 8, 9, 10]) - 1
"""Index into `CATEGORIES` of IGBP classes 1 to 17."""

NO_SAVANNA = tuple(category for category in CATEGORIES if category.name != "Savanna")
"""Classes of the "no savanna" mode of the published baseline: pixels of savanna take no part, so that a
forest never says savanna, which DFC2020 does not have."""

FILL = 255

SCHEMES: Mapping[str, tuple[int, ...]] = {
    "igbp": tuple(category.code for category in IGBP),
    "land_cover": (1, 2, 3, 11, 12, 13, 14, 15, 16, 21, 22, 31, 32, 41, 42, 43),
    "land_use": (1, 2, 3, 9, 10, 20, 25, 30, 35, 36, 40),
    "hydrology": (1, 2, 3, 10, 20, 27, 30, 40, 50, 51),
}
"""Codes of the bands of ``lc``: IGBP and the three LCCS schemes (MCD12Q1 Collection 6 user guide)."""

CODES: Mapping[str, tuple[Sequence[int], ...]] = {
    "lc": tuple(SCHEMES.values()),
    "dfc": (tuple(category.code for category in CATEGORIES),),
}
"""Codes of the classes in each band of the label tiles."""

BANDS: Mapping[str, tuple[str, ...]] = {
    "s1": ("VV", "VH"),
    "s2": tuple(SENTINEL_2),
    "lc": tuple(SCHEMES),
    "dfc": ("label",),
}


def simplify(fractions: np.ndarray) -> np.ndarray:
    """Fractions (or counts) of the simplified classes, (patches, 10), from IGBP 1 to 17, (patches, 17)."""
    return np.stack([fractions[:, index == SIMPLIFIED].sum(axis=1) for index in range(len(CATEGORIES))], axis=1)


def single_label(fractions: np.ndarray) -> np.ndarray:
    """Index of the largest fraction (the first, of equal ones), int16 (patches,); -1 where all are 0 or NaN.

    Raises
    ------
    ValueError
        If there are as many columns as no scheme has classes.
    """
    _check_classes(fractions)
    filled = np.nan_to_num(fractions)
    return np.where(filled.max(axis=1) > 0, filled.argmax(axis=1), -1).astype(np.int16)


def multi_label(fractions: np.ndarray, threshold: float = 0.1) -> np.ndarray:
    """Classes with a fraction above a threshold, bool (patches, classes).

    The rule of doi:10.5194/isprs-annals-V-2-2021-101-2021, for fractions of IGBP classes or those of `simplify`.
    (The toolbox has "at least"; no fraction of 65,536 pixels is exactly a tenth.)

    Raises
    ------
    ValueError
        If there are as many columns as no scheme has classes.
    """
    _check_classes(fractions)
    return np.asarray(np.nan_to_num(fractions) > threshold)


def _check_classes(fractions: np.ndarray) -> None:
    """Whether there is a column for each class of a scheme, and none besides (such as ``valid_fraction_optical``)."""
    known = {len(CATEGORIES), len(NO_SAVANNA), *map(len, SCHEMES.values()), len(CODES["dfc"][0])}
    if fractions.ndim != 2 or fractions.shape[1] not in known:
        raise ValueError(f"fractions (patches, classes) of {sorted(known)} classes are expected, not {fractions.shape}")


def class_counts(tile: np.ndarray, schemes: Iterable[Sequence[int]]) -> np.ndarray:
    """Pixels of each code of each band's scheme, int32, the bands one after another."""
    return np.concatenate(
        [
            np.bincount(np.clip(band, 0, FILL).reshape(-1), minlength=256)[list(codes)]
            for band, codes in zip(tile, schemes, strict=True)
        ]
    ).astype(np.int32)


def _lookup(codes: Sequence[int], classes: Iterable[int]) -> np.ndarray:
    """Table from code (0..255) to class, `IGNORE` for all other codes."""
    table = np.full(256, IGNORE, dtype=np.uint8)
    table[list(codes)] = list(classes)
    return table


FROM_IGBP = _lookup(SCHEMES["igbp"], SIMPLIFIED)
FROM_DFC = _lookup(CODES["dfc"][0], range(len(CATEGORIES)))

WITHOUT_SAVANNA = _lookup([CATEGORIES.index(category) for category in NO_SAVANNA], range(len(NO_SAVANNA)))
"""Index into `NO_SAVANNA` of an index into `CATEGORIES`."""

_SPECTRAL = ("B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B11", "B12")
_INDICES = ("NDVI", "NDWI", "NDBI", "MNDWI", "BSI")
_STATISTICS = ("mean", "deviation", "p10", "p50", "p90")
_LAYERS_S1 = {band: f"s1:{band}" for band in BANDS["s1"]}
_LAYERS_S2 = {band: f"s2:{band}" for band in _SPECTRAL}
_SCENE_S1 = tuple(f"{band}_{statistic}" for band in (*BANDS["s1"], "VH-VV") for statistic in _STATISTICS)

_SCENE_S2 = (
    *(f"{band}_{statistic}" for band in _SPECTRAL for statistic in _STATISTICS),
    *(f"{index}_mean" for index in _INDICES),
)

_PIXEL_S1 = ("VV", "VH", "VH-VV", "VV_mean_5", "VH_mean_5", "VV_mean_15", "VH_mean_15")
_PIXEL_S2 = (*_SPECTRAL, *_INDICES, "NDVI_mean_5", "NDWI_mean_5", "NDBI_mean_5", "B8_mean_5", "B11_mean_5")

TASKS = {
    "scene": Task("scene", "patch", CATEGORIES),
    "land-cover": Task("land-cover", "pixel", CATEGORIES),
    "land-cover-no-savanna": Task("land-cover-no-savanna", "pixel", NO_SAVANNA),
}
LAYERS = {
    **{f"s1:{band}": Layer(f"s1:{band}", "float32", unit="dB", band=SENTINEL_1[band]) for band in BANDS["s1"]},
    **{f"s2:{band}": Layer(f"s2:{band}", "uint16", 1e-4, band=SENTINEL_2[band], level="L1C") for band in BANDS["s2"]},
    **{f"lc:{scheme}": Layer(f"lc:{scheme}", "uint16", unit="class") for scheme in SCHEMES},
    "dfc:label": Layer("dfc:label", "uint8", unit="class"),
}
FEATURE_SETS = {
    feature_set.name: feature_set
    for feature_set in (
        FeatureSet("scene-s1", "scene", _SCENE_S1, _LAYERS_S1),
        FeatureSet("scene-s2", "scene", _SCENE_S2, _LAYERS_S2),
        FeatureSet("scene-s1+s2", "scene", (*_SCENE_S1, *_SCENE_S2), {**_LAYERS_S1, **_LAYERS_S2}),
        *(
            FeatureSet(f"{name}{ending}", f"land-cover{ending}", features, layers)
            for ending in ("", "-no-savanna")
            for name, features, layers in (
                ("pixel-s1", _PIXEL_S1, _LAYERS_S1),
                ("pixel-s2", _PIXEL_S2, _LAYERS_S2),
                ("pixel-s1+s2", (*_PIXEL_S1, *_PIXEL_S2), {**_LAYERS_S1, **_LAYERS_S2}),
            )
        ),
    )
}
