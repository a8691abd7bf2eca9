"""Ratios have ranges: one pixel with a denominator near 0 does not rule a feature, and it is counted."""

import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from project import ROOT
from sentinel_forest.features import indices, patch, pixel
from sentinel_forest.features.bounds import BOUNDS, bound
from sentinel_forest.io import tables

RATIOS = [name for name in indices.EXPRESSIONS if indices.bounds_of(name)]


def bands(values: dict[str, float]) -> dict[str, np.ndarray]:
    return {name: np.full((1, 2, 2), value, np.float32) for name, value in values.items()}


def test_evi_over_a_bright_pixel_keeps_to_its_range() -> None:
    """B8 + 6 B4 - 7.5 B2 + 1 is 0.0005: EVI would be 1000."""
    given = bands({"B8": 0.9, "B4": 0.7, "B2": (0.9 + 6 * 0.7 + 1 - 0.0005) / 7.5})
    counts: Counter[str] = Counter()
    assert pixel.compute(["EVI"], given, bounded=counts) == pytest.approx(np.full((1, 2, 2, 1), 1.25))
    assert counts == {"EVI": 4}
    assert patch.compute(["EVI_mean", "EVI_maximum"], given)[0] == pytest.approx([1.25, 1.25])


@pytest.mark.parametrize("name", RATIOS)
def test_no_reflectance_gets_a_ratio_out_of_its_range(name: str) -> None:
    """Also negative ones, as atmospheric correction makes them, and those near 0."""
    random = np.random.default_rng(3)
    shape = (4, 50, 50)
    given = {
        band: (random.choice([1, 1e-4], shape) * random.uniform(-0.2, 1.6, shape)).astype(np.float32)
        for band in indices.resolve(name).bands
    }
    low, high = indices.bounds_of(name)  # type: ignore[misc]
    values = pixel.compute([name], given)
    assert np.isfinite(values).all()
    assert low <= values.min() <= values.max() <= high


@pytest.mark.parametrize("name", sorted(set(RATIOS) & set(BOUNDS) - {"IRECI", "PSRI", "B8/B11", "EVI"}))
def test_ranges_are_those_of_reflectances_from_0_to_1(name: str) -> None:
    """None that a dark or bright surface can have is cut: the range is reached, or nearly, and not passed."""
    grid = [np.float32(value) for value in (0, 0.01, 0.5, 1)]
    names = indices.resolve(name).bands
    values = np.meshgrid(*[grid] * len(names))
    given = {band: value.reshape(1, 1, -1) for band, value in zip(names, values, strict=True)}
    counts: Counter[str] = Counter()
    found = pixel.compute([name], given, bounded=counts)
    assert not counts or name == "whiteness"  # whose largest value is not exact in float32
    assert max(abs(found.min()), found.max()) == pytest.approx(max(map(abs, BOUNDS[name])), rel=0.01)


def test_what_lies_within_is_untouched_and_missing_values_stay() -> None:
    values = np.array([0.5, np.nan, -1, 1], np.float32)
    assert bound("NDVI", values, (-1, 1)) is values
    counts = Counter({"NDVI": 2})
    assert bound("NDVI", 3 * values, (-1, 1), counts) == pytest.approx([1, np.nan, -1, 1], nan_ok=True)
    assert counts["NDVI"] == 5


def test_every_formula_that_divides_has_a_range() -> None:
    for name, (formula, _) in indices.EXPRESSIONS.items():
        divides = re.search(r"/ *(\(|[A-Za-z])", formula) is not None
        assert (indices.bounds_of(name) is not None) == divides, name


def test_the_page_gives_the_ranges_in_use() -> None:
    page = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")
    told: dict[str, tuple[float, float]] = {}
    for names, low, high in re.findall(r"^\| ([^|]+) \| (-?[\d.]+) to ([\d.]+) \|", page, re.M):
        told |= {name: (float(low), float(high)) for name in re.split(r", (?:and .*)?| \(BSI\)", names) if name}
    assert told == BOUNDS


def test_counts_stand_in_the_head_of_a_table(tmp_path: Path) -> None:
    import pandas as pd

    from sentinel_forest.features.table import BOUNDED, PATCHES, bounded_values

    rows = pd.DataFrame({"patch": ["a"], "label": np.array([1], "int16")})
    for number, note in enumerate([{"EVI": 3}, {"EVI": 4, "NDVI": 1}, {}]):
        path = tmp_path / f"{number}.parquet"
        tables.write_parquet(path, rows, PATCHES, {BOUNDED: json.dumps(note)})
    tables.write_parquet(tmp_path / "3.parquet", rows, PATCHES)
    assert bounded_values([tmp_path / f"{number}.parquet" for number in range(4)]) == {"EVI": 7, "NDVI": 1}
