"""Offsets of digital numbers, band by band: what products of level 1C and 2A declare, and what a user says besides."""

from pathlib import Path

import numpy as np
import pytest

import scenes
from sentinel_forest.errors import InputError
from sentinel_forest.mapping.scene import open_scene

NUMBERS = {"B2": 1, "B4": 3, "B8A": 8, "B11": 11}
"""Bands, and the numbers that metadata give them (band_id)."""
OFFSETS = {"B2": -1000, "B4": -900, "B8A": 0, "B11": -1100.5}
STORED = {
    band: scenes.noise(number, (20, 16) if band in ("B2", "B4") else (10, 8)) + np.uint16(1200)
    for band, number in NUMBERS.items()
}
NAMES = {"1C": "RADIO_ADD_OFFSET", "2A": "BOA_ADD_OFFSET"}

levels = pytest.mark.parametrize("level", ["1C", "2A"])


def listed(level: str, offsets: dict[str, object]) -> str:
    return scenes.offset_list(NAMES[level], {NUMBERS.get(band, band): value for band, value in offsets.items()})


def product(root: Path, level: str, offsets: str | None, baseline: str = "05.09") -> Path:
    return scenes.write_safe(root, STORED, offsets, baseline, level)


def numbers(path: Path, level: str, offset: float | None = None) -> dict[str, np.ndarray]:
    """Digital numbers without offset, as a map takes them."""
    with open_scene(path, tuple(STORED), offset=offset, trained={f"L{level}"}) as scene:
        return scene.read(slice(0, scene.grid.height), slice(0, scene.grid.width))


@levels
def test_each_band_gets_its_own_offset(tmp_path: Path, level: str) -> None:
    found = numbers(product(tmp_path, level, listed(level, OFFSETS)), level)
    for band, stored in STORED.items():
        fine = stored if band in ("B2", "B4") else stored.repeat(2, axis=0).repeat(2, axis=1)
        np.testing.assert_array_equal(found[band], np.floor(fine.astype(float) + OFFSETS[band]))


@levels
@pytest.mark.parametrize("baseline", ["03.01", "05.09"])
def test_a_band_that_is_left_out_has_no_offset_that_is_known(tmp_path: Path, level: str, baseline: str) -> None:
    some = {band: offset for band, offset in OFFSETS.items() if band != "B4"}
    path = product(tmp_path, level, listed(level, some), baseline)
    with pytest.raises(InputError, match=r"offset of the digital numbers is not declared(.|\n)*B4"):
        numbers(path, level)


@levels
def test_only_the_offsets_of_the_level_count(tmp_path: Path, level: str) -> None:
    other = {"1C": "2A", "2A": "1C"}[level]
    with pytest.raises(InputError, match=f"does not declare its offset(.|\n)*no {NAMES[level]}"):
        numbers(product(tmp_path / "other", level, listed(other, OFFSETS)), level)
    wrong = listed(other, dict.fromkeys(OFFSETS, -500))
    both = numbers(product(tmp_path / "both", level, listed(level, OFFSETS) + wrong), level)
    alone = numbers(product(tmp_path / "alone", level, wrong + listed(level, OFFSETS)), level)
    for band, stored in STORED.items():
        np.testing.assert_array_equal(both[band], alone[band])
        assert both[band].max() == int(float(stored.max()) + OFFSETS[band])


@levels
def test_a_product_of_an_old_baseline_has_no_offset(tmp_path: Path, level: str) -> None:
    found = numbers(product(tmp_path, level, None, "03.01"), level)
    assert {band: values.max() for band, values in found.items()} == {band: v.max() for band, v in STORED.items()}


@levels
def test_what_a_user_says_must_be_what_the_product_says(tmp_path: Path, level: str) -> None:
    same = product(tmp_path / "same", level, listed(level, dict.fromkeys(STORED, -1000)))
    for said, told in zip(numbers(same, level, -1000).values(), numbers(same, level).values(), strict=True):
        np.testing.assert_array_equal(said, told)
    with pytest.raises(InputError, match=r"another offset(.|\n)*0 by --offset, -1000 by the metadata"):
        numbers(same, level, 0)
    with pytest.raises(InputError, match=r"B4(.|\n)*-1000 by --offset, -900 by the metadata"):
        numbers(product(tmp_path / "own", level, listed(level, OFFSETS)), level, -1000)
    old = product(tmp_path / "old", level, None, "03.01")
    with pytest.raises(InputError, match=r"-1000 by --offset, 0 by the metadata"):
        numbers(old, level, -1000)


@levels
@pytest.mark.parametrize(
    "offsets",
    [
        {**OFFSETS, "13": -1000},
        {**OFFSETS, "-1": -1000},
        {**OFFSETS, "": -1000},
        {**OFFSETS, "B2": "nan"},
        {**OFFSETS, "B2": "1000"},
        {**OFFSETS, "B2": "-20000"},
        {**OFFSETS, "B2": "-1_000"},
        {**OFFSETS, "B2": ""},
        {**OFFSETS, "01": -1000},
    ],
)
def test_offsets_that_no_product_has_are_refused(tmp_path: Path, level: str, offsets: dict[str, object]) -> None:
    with pytest.raises(InputError, match="metadata of the product cannot be used"):
        numbers(product(tmp_path, level, listed(level, offsets)), level)


@levels
def test_a_band_with_two_offsets_is_refused(tmp_path: Path, level: str) -> None:
    twice = listed(level, OFFSETS) + listed(level, {"B2": -1000})
    with pytest.raises(InputError, match="a band that has one"):
        numbers(product(tmp_path, level, twice), level)
