"""The bands of Sentinel-1 and Sentinel-2, and that everybody takes them from one place."""

import ast

import numpy as np
import pytest

from project import ROOT
from sentinel_forest import datasets, sensors
from sentinel_forest.datasets.base import Band, FeatureSet
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation import families
from sentinel_forest.features import indices, patch, pixel
from sentinel_forest.sensors import BANDS, SENTINEL_1, SENTINEL_2

PACKAGE = ROOT / "src" / "sentinel_forest"
THERMAL = Band("TIR", "thermal infrared", "K", "optical", 10_895.0, grey_levels=(280.0, 312.0))


def test_sentinel_2_has_its_13_bands_in_the_order_of_the_wavelength():
    assert list(SENTINEL_2) == [*(f"B{n}" for n in range(1, 9)), "B8A", *(f"B{n}" for n in range(9, 13))]
    lengths = [(band.wavelength, band.wavelength_b) for band in SENTINEL_2.values()]
    assert lengths == sorted(lengths)
    for band in SENTINEL_2.values():
        assert abs(band.wavelength - band.wavelength_b) < band.bandwidth, "both satellites see the same thing"
        assert band.kind == "optical"
        assert band.unit == "1"


def test_native_resolutions_are_those_of_the_instrument():
    """ESA: four bands at 10 m, six at 20 m, three at 60 m."""
    by_resolution = {size: [b.name for b in SENTINEL_2.values() if b.resolution == size] for size in (10, 20, 60)}
    assert by_resolution == {
        10: ["B2", "B3", "B4", "B8"],
        20: ["B5", "B6", "B7", "B8A", "B11", "B12"],
        60: ["B1", "B9", "B10"],
    }
    assert min(band.resolution for band in BANDS.values() if band.resolution) == sensors.FINEST_M


def test_sentinel_1_is_radar_in_three_units():
    assert {band.kind for band in SENTINEL_1.values()} == {"radar"}
    assert {band.unit for band in SENTINEL_1.values()} == {"dB", "linear amplitude", "linear power"}


def test_names_are_the_keys_and_belong_to_no_index():
    assert all(band.name == name for name, band in BANDS.items())
    assert not set(BANDS) & set(indices.EXPRESSIONS)


def test_wavelengths_stand_in_one_place():
    """No other module of the package has one of these numbers."""
    numbers = {length for band in SENTINEL_2.values() for length in (band.wavelength, band.wavelength_b)}
    for path in PACKAGE.rglob("*.py"):
        if path.name != "sensors.py":
            found = {
                node.value for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Constant)
            }
            assert not numbers & {value for value in found if isinstance(value, float)}, path


@pytest.mark.parametrize("name", datasets.names())
def test_optical_and_radar_layers_hold_bands(name):
    dataset = datasets.load(name)
    for layer in dataset.layer_table.values():
        if layer.band and layer.band.name in SENTINEL_2:
            assert layer.is_optical, layer.name
            assert layer.is_image, layer.name
        if layer.unit in ("dB", "linear amplitude", "linear power"):
            assert layer.band in SENTINEL_1.values(), layer.name
            assert layer.is_image, layer.name
            assert not layer.is_optical, layer.name


def test_features_of_a_band_that_only_one_dataset_has():
    own, values = (THERMAL,), np.full((1, 4, 4), 300.0, np.float32)
    assert pixel.resolve("TIR", own).unit == "K"
    assert pixel.resolve("TIR_mean_3", own).unit == "K"
    assert patch.compute(["TIR_mean"], {"TIR": values}, own).tolist() == [[300.0]]
    assert pixel.parted(["TIR", "TIR_mean_3"], own) == (("TIR",), ("TIR_mean_3",))
    assert families.family("TIR_mean", "patch", own) == "thermal infrared"
    with pytest.raises(InputError, match="TIR"):
        pixel.resolve("TIR")


def test_texture_of_such_a_band_needs_its_grey_levels():
    assert "over 280.0..312.0" in patch.resolve("TIR_contrast", (THERMAL,)).formula
    with pytest.raises(InputError, match="grey_levels"):
        patch.resolve("TIR_contrast", (Band("TIR", "thermal infrared", "K"),))


def broken(monkeypatch, layers, bands=()):
    kind = type(datasets.load("so2sat"))
    sets = {"odd": FeatureSet("odd", "lcz", (), layers, bands)}
    monkeypatch.setattr(kind, "feature_sets", sets)
    return lambda: datasets.load("so2sat")


def test_band_that_nobody_declares_is_named(monkeypatch):
    with pytest.raises(InputError, match="TIR"):
        broken(monkeypatch, {"TIR": "sen2:B2"})()


def test_band_that_all_have_is_not_declared_again(monkeypatch):
    with pytest.raises(InputError, match="declares a band that all datasets have"):
        broken(monkeypatch, {"B2": "sen2:B2"}, (Band("B2", "blue"),))()


def test_layer_in_another_unit_than_its_band_is_named(monkeypatch):
    """Linear power where features expect dB: the number would be computed, and mean nothing."""
    with pytest.raises(InputError) as raised:
        broken(monkeypatch, {"VV": "sen1:VV_intensity"})()
    assert "sen1:VV_intensity in linear power" in str(raised.value)
    assert "dB" in str(raised.value)
