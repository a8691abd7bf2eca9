"""The classes, channels and feature sets of So2Sat LCZ42."""

from sentinel_forest.datasets.base import Category, FeatureSet, Layer, Question, Task
from sentinel_forest.datasets.so2sat.metrics import METRICS
from sentinel_forest.errors import InputError
from sentinel_forest.sensors import SENTINEL_1, SENTINEL_2

SAR = ("VH_re", "VH_im", "VV_re", "VV_im", "VH_intensity", "VV_intensity", "C_re", "C_im")
"""Channels of ``sen1`` in stored order: complex values without a filter, Lee-filtered intensities, and
the covariance of VH and VV."""

OPTICAL = ("B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B11", "B12")
"""Channels of ``sen2`` in stored order."""

CHANNELS = {"sen1": SAR, "sen2": OPTICAL}

CLASSES = (
    ("Compact high-rise", "#8c0000"),
    ("Compact mid-rise", "#d10000"),
    ("Compact low-rise", "#ff0000"),
    ("Open high-rise", "#bf4d00"),
    ("Open mid-rise", "#ff6600"),
    ("Open low-rise", "#ff9955"),
    ("Lightweight low-rise", "#faee05"),
    ("Large low-rise", "#bcbcbc"),
    ("Sparsely built", "#ffccaa"),
    ("Heavy industry", "#555555"),
    ("Dense trees", "#006a00"),
    ("Scattered trees", "#00aa00"),
    ("Bush or scrub", "#648525"),
    ("Low plants", "#b9db79"),
    ("Bare rock or paved", "#000000"),
    ("Bare soil or sand", "#fbf7ae"),
    ("Water", "#6a6aff"),
)
"""LCZ 1-10 and A-G (Stewart and Oke 2012, doi 10.1175/BAMS-D-11-00019.1) with the colours of WUDAPT."""

BUILT = tuple(name for name, _ in CLASSES[:10])
STATISTICS = ("mean", "deviation", "minimum", "maximum", "p10", "p50", "p90")
PLAIN = STATISTICS[:4]
TEXTURES = ("contrast", "homogeneity", "energy", "correlation")

S1_FEATURES = (
    *(f"{band}_{name}" for band in SAR for name in ("mean", "deviation", "p10", "p90")),
    *(f"{band}_{name}" for band in ("VH_dB", "VV_dB", "VH/VV_dB") for name in STATISTICS),
    *(f"{band}_{name}" for band in ("VH_dB", "VV_dB") for name in TEXTURES),
    "coherence",
    "phase_cosine",
    "phase_sine",
    "VH_variation",
    "VV_variation",
)

S2_INDICES = ("NDVI", "EVI", "NDWI", "MNDWI", "NDBI", "BSI", "NBR2")

S2_FEATURES = (
    *(f"{band}_{name}" for band in OPTICAL for name in STATISTICS),
    *(f"{index}_{name}" for index in S2_INDICES for name in ("mean", "deviation", "p10", "p90")),
    *(f"{band}_{name}" for band in ("B4", "B8", "NDVI") for name in TEXTURES),
)


def _tasks() -> dict[str, Task]:
    categories = tuple(Category(code, name, colour) for code, (name, colour) in enumerate(CLASSES))
    return {"lcz": Task("lcz", "patch", categories, (Question("built", BUILT),), METRICS)}


def _layer_table() -> dict[str, Layer]:
    layers = [Layer(f"sen1:{name}", "float64", unit=SENTINEL_1[name].unit, band=SENTINEL_1[name]) for name in SAR]
    layers += [Layer(f"sen2:{name}", "float64", band=SENTINEL_2[name], level="L1C") for name in OPTICAL]
    return {layer.name: layer for layer in [*layers, Layer("label", "float64")]}


def _feature_sets() -> dict[str, FeatureSet]:
    names = {"lcz-s1": S1_FEATURES, "lcz-s2": S2_FEATURES}
    names["lcz-s1+s2"] = S1_FEATURES + S2_FEATURES
    names["lcz-bands"] = tuple(f"{band}_{name}" for band in (*SAR, *OPTICAL) for name in PLAIN)
    layers = {band: f"{key}:{band}" for key, bands in CHANNELS.items() for band in bands}
    keys = {"lcz-s1": ("sen1",), "lcz-s2": ("sen2",)}
    return {
        name: FeatureSet(
            name,
            "lcz",
            features,
            {band: layer for band, layer in layers.items() if layer[:4] in keys.get(name, tuple(CHANNELS))},
        )
        for name, features in names.items()
    }


def channel_of(layer: str) -> tuple[str, int]:
    """Dataset and channel of an image layer."""
    key, _, band = layer.partition(":")
    if band not in CHANNELS.get(key, ()):
        known = ", ".join(f"{key}:{band}" for key, bands in CHANNELS.items() for band in bands)
        raise InputError("Unknown layer of So2Sat LCZ42.", found=layer, expected=known)
    return key, CHANNELS[key].index(band)


TASKS = _tasks()
LAYERS = _layer_table()
FEATURE_SETS = _feature_sets()
