"""Features of patches against the loops that people write."""

from collections.abc import Iterable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from skimage.feature import graycomatrix, graycoprops

from bench.measure import Row, pair
from sentinel_forest import datasets, simulate
from sentinel_forest.datasets import so2sat
from sentinel_forest.datasets.base import Dataset, no_hashes
from sentinel_forest.features import bands_of, patch

SAMPLE = {"seed": 1, "training": 600, "validation": 17, "testing": 17, "cities": 4}
ANGLES = (0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)
SPANS = {"VH_dB": (-30, 10), "VV_dB": (-30, 10), "B4": (0, 0.64), "B8": (0, 0.64), "NDVI": (-1, 1)}


def rows(folder: Path) -> list[Row]:
    """Plain band statistics of So2Sat rows, and all features of a patch with their textures."""
    simulate.write("so2sat", {}, SAMPLE, folder)
    dataset = datasets.load("so2sat")
    catalog = dataset.catalog(folder, dataset.list_files(folder), no_hashes())
    many, few = (catalog[catalog["published_split"] == "train"].iloc[:count] for count in (500, 100))
    path = folder / "training.h5"
    np.testing.assert_allclose(
        whole(dataset, folder, "lcz-s1+s2", few), everything(path, few["row"]), rtol=0.02, atol=0.002
    )
    return [
        Row(
            "band statistics of So2Sat, one core",
            "opening the file for each row",
            3.0,
            *pair(lambda: whole(dataset, folder, "lcz-bands", many), lambda: plain(path, many["row"])),
        ),
        Row(
            "all features of So2Sat with textures, one core",
            "row by row with scikit-image",
            3.0,
            *pair(lambda: whole(dataset, folder, "lcz-s1+s2", few), lambda: everything(path, few["row"])),
        ),
    ]


def whole(dataset: Dataset, folder: Path, name: str, patches: pd.DataFrame) -> np.ndarray:
    """This project: many patches at a time."""
    feature_set = dataset.feature_sets[name]
    layers = sorted(set(feature_set.layers.values()))
    return np.concatenate(
        [
            patch.compute(feature_set.features, bands_of(dataset, feature_set, block))
            for block in dataset.blocks(folder, patches, layers, 64)
        ]
    )


def plain(path: Path, rows: Iterable[int]) -> None:
    """The usual loader: the file is opened for each row."""
    for row in rows:
        with h5py.File(path) as file:
            values = np.concatenate([file["sen1"][row], file["sen2"][row]], axis=-1)
        np.stack([values.mean((0, 1)), values.std((0, 1)), values.min((0, 1)), values.max((0, 1))])


def everything(path: Path, rows: Iterable[int]) -> np.ndarray:
    """The features of ``lcz-s1+s2``, row by row from a file that stays open."""
    with h5py.File(path) as file:
        return np.array([features(file["sen1"][row], file["sen2"][row]) for row in rows])


def features(sen1: np.ndarray, sen2: np.ndarray) -> list[float]:
    """All features of one patch, with what numpy and scikit-image offer."""
    sar, optical = (
        dict(zip(so2sat.vocabulary.SAR, sen1.T, strict=True)),
        dict(zip(so2sat.vocabulary.OPTICAL, sen2.T, strict=True)),
    )
    decibels = {f"{band}_dB": 10 * np.log10(np.maximum(sar[f"{band}_intensity"], 1e-5)) for band in ("VH", "VV")}
    decibels["VH/VV_dB"] = decibels["VH_dB"] - decibels["VV_dB"]
    B2, B3, B4, B8, B11, B12 = (optical[band] for band in ("B2", "B3", "B4", "B8", "B11", "B12"))
    indices = {
        "NDVI": (B8 - B4) / (B8 + B4),
        "EVI": 2.5 * (B8 - B4) / (B8 + 6 * B4 - 7.5 * B2 + 1),
        "NDWI": (B3 - B8) / (B3 + B8),
        "MNDWI": (B3 - B11) / (B3 + B11),
        "NDBI": (B11 - B8) / (B11 + B8),
        "BSI": ((B11 + B4) - (B8 + B2)) / ((B11 + B4) + (B8 + B2)),
        "NBR2": (B11 - B12) / (B11 + B12),
    }
    values = [number for band in sar.values() for number in short(band)]
    values += [number for band in decibels.values() for number in long(band)]
    values += [number for band in ("VH_dB", "VV_dB") for number in texture(decibels[band], *SPANS[band])]
    values += speckle(sar)
    values += [number for band in optical.values() for number in long(band)]
    values += [number for index in indices.values() for number in short(index)]
    known = {**optical, **indices}
    return values + [number for band in ("B4", "B8", "NDVI") for number in texture(known[band], *SPANS[band])]


def short(band: np.ndarray) -> list[float]:
    """Mean, deviation and two percentiles."""
    return [band.mean(), band.std(), *np.percentile(band, [10, 90])]


def long(band: np.ndarray) -> list[float]:
    """Mean, deviation, extremes and three percentiles."""
    return [band.mean(), band.std(), band.min(), band.max(), *np.percentile(band, [10, 50, 90])]


def texture(band: np.ndarray, low: float, high: float) -> list[float]:
    """Four properties of the grey-level co-occurrence."""
    levels = np.clip((band - low) * 32 / (high - low), 0, 31).astype(np.uint8)
    matrix = graycomatrix(levels, [1], ANGLES, levels=32, symmetric=True, normed=True)
    return [graycoprops(matrix, name).mean() for name in so2sat.vocabulary.TEXTURES]


def speckle(sar: dict[str, np.ndarray]) -> list[float]:
    """Coherence and phase of the covariance, variation of the intensities."""
    covariance = complex(sar["C_re"].mean(), sar["C_im"].mean())
    power = np.sqrt(sar["VH_intensity"].mean() * sar["VV_intensity"].mean())
    values = [abs(covariance) / power, covariance.real / abs(covariance), covariance.imag / abs(covariance)]
    for band in ("VH", "VV"):
        intensity = sar[f"{band}_re"] ** 2 + sar[f"{band}_im"] ** 2
        values.append(intensity.std() / intensity.mean())
    return values
