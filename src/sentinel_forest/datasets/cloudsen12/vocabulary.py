"""The classes, layers, algorithms and feature sets of CloudSEN12."""

from collections.abc import Mapping, Sequence

from sentinel_forest.datasets.base import Category, FeatureSet, Layer, Question, Reference, Task
from sentinel_forest.datasets.cloudsen12.metrics import METRICS
from sentinel_forest.sensors import FINEST_M, GEOMETRY, SENTINEL_1, SENTINEL_2, Band

LABEL = "LABEL_manual_hq"

SCRIBBLES = "LABEL_manual_sc"

NO_DATA = -99
"""Written by the authors where Sentinel-1 or an ancillary map has no value."""


CDI = Band("CDI", "parallax")
"""The cloud displacement index, doi 10.1016/j.rse.2018.04.046."""
ELEVATION = Band("elevation", "terrain", "m")
ANGLE = Band("angle", GEOMETRY, "degree")
"""Angle of incidence of Sentinel-1."""


def _layer_table() -> dict[str, Layer]:
    layers = [
        Layer(f"L1C_{name}", "int16", 1e-4, "reflectance", band=band, level="L1C") for name, band in SENTINEL_2.items()
    ]
    layers += [
        Layer(f"L2A_{name}", "int16", 1e-4, "reflectance", band=band, level="L2A")
        for name, band in SENTINEL_2.items()
        if name != "B10"
    ]
    layers += [Layer("L2A_AOT", "int16", 1e-3), Layer("L2A_WVP", "int16", 1e-3, "cm")]
    layers += [Layer(f"L2A_TCI_{colour}", "int16") for colour in "RGB"]
    layers += [
        Layer("EXTRA_CDI", "int16", 1e-4, "1", NO_DATA, CDI),
        Layer("EXTRA_Shwdirection", "int16", 1e-2, "degree", NO_DATA),
        Layer("EXTRA_elevation", "int16", 1.0, "m", NO_DATA, ELEVATION),
        Layer("EXTRA_ocurrence", "int16", 1.0, "%", NO_DATA),
        Layer("EXTRA_lc100", "int16", 1.0, "class", NO_DATA),
        Layer("EXTRA_lc10", "int16", 1.0, "class", NO_DATA),
        Layer("S1_VV", "float32", 1.0, "dB", NO_DATA, SENTINEL_1["VV"]),
        Layer("S1_VH", "float32", 1.0, "dB", NO_DATA, SENTINEL_1["VH"]),
        Layer("S1_angle", "float32", 1.0, "degree", NO_DATA, ANGLE),
    ]
    classes = ("fmask", "qa60", "sen2cor", "kappamask_L1C", "kappamask_L2A", "manual_hq", "manual_sc")
    percent = ("s2cloudless", "cd_fcnn_rgbi", "cd_fcnn_rgbi_swir")
    layers += [Layer(f"LABEL_{name}", "uint8", 1.0, "class") for name in classes]
    layers += [Layer(f"LABEL_{name}", "uint8", 1e-2, "probability") for name in percent]
    return {layer.name: layer for layer in layers}


LAYERS = _layer_table()

IMAGE_LAYERS = tuple(f"L1C_{band}" for band in SENTINEL_2)
"""Layers whose pixels identify a patch, in the order in which their hashes are combined."""

CORRECTED_LAYERS = tuple(f"L2A_{band}" for band in SENTINEL_2 if band != "B10")
"""Bands of level 2A, which are held against those of level 1C."""

RADAR_LAYERS = ("S1_VV", "S1_VH")

LIMITS: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(IMAGE_LAYERS, (0, 32_767)),
    **dict.fromkeys(RADAR_LAYERS, (-90, 50)),
    "S1_angle": (15, 60),
    "EXTRA_CDI": (-10_000, 10_000),
    "EXTRA_elevation": (-500, 9_000),
    "EXTRA_ocurrence": (0, 100),
    "EXTRA_lc100": (0, 200),
    "EXTRA_lc10": (0, 100),
    **dict.fromkeys(("L2A_TCI_R", "L2A_TCI_G", "L2A_TCI_B"), (0, 255)),
}
"""Stored values that a layer may have, fill values apart: digital numbers, dB, degrees (Sentinel-1 looks at 29 to 46
degrees in wide swath), the displacement index of -1 to 1, m, percent, codes of CGLS-LC100 and of WorldCover."""

PIXEL_M = FINEST_M
"""Side of a pixel on the ground in m."""

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
    METRICS,
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

_BANDS = tuple(SENTINEL_2)
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
    own = tuple(band for band in (CDI,) if band.name in of_bands)
    return FeatureSet(name, TASK.name, (*of_bands, *more), of_bands, own)


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
