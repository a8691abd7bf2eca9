"""Features of pixels and patches, held against hand-worked values and independent implementations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.feature import graycomatrix, graycoprops

from sentinel_forest.errors import InputError
from sentinel_forest.features import indices, patch, pixel
from sentinel_forest.features.expressions import CATALOGUE_BANDS
from sentinel_forest.sensors import BANDS, SENTINEL_2, Band

REFLECTANCE = {
    "B1": 0.12,
    "B2": 0.1,
    "B3": 0.2,
    "B4": 0.3,
    "B5": 0.35,
    "B6": 0.4,
    "B7": 0.45,
    "B8": 0.5,
    "B8A": 0.55,
    "B9": 0.05,
    "B10": 0.01,
    "B11": 0.25,
    "B12": 0.15,
}
BACKSCATTER = {"VV": -10.0, "VH": -16.5, "VH_intensity": 0.01, "VV_intensity": 0.1}

BY_HAND = {
    "NDVI": 0.25,
    "EVI": 2.5 * 0.2 / 2.55,
    "EVI2": 2.5 * 0.2 / 2.22,
    "SAVI": 0.3 / 1.3,
    "GNDVI": 3 / 7,
    "NDREI": 0.15 / 0.85,
    "RENDVI": 0.05 / 0.75,
    "IRECI": 0.15 / 0.875,
    "PSRI": 0.5,
    "NDYI": 1 / 3,
    "NDMI": 1 / 3,
    "NDWI": -3 / 7,
    "MNDWI": -1 / 9,
    "AWEIsh": 0.1 + 0.5 - 1.125 - 0.0375,
    "AWEInsh": -0.2 - (0.125 + 0.4125),
    "NDTI": 0.2,
    "NDSI": -1 / 9,
    "NDSII": -3 / 7,
    "S3": 0.025 / 0.6,
    "SWI": 0.05 / 0.525,
    "NDBI": -1 / 3,
    "UI": -0.35 / 0.65,
    "BI": -0.05 / 1.15,
    "BSI": -0.05 / 1.15,
    "DBSI": 1 / 9 - 0.25,
    "NBR": 0.35 / 0.65,
    "NBR2": 0.25,
    "brightness_visible": 0.2,
    "whiteness": 1.0,
    "HOT": -0.13,
    "B8/B11": 2.0,
    "cirrus": 0.01,
    "VH-VV": -6.5,
    "VH_dB": -20.0,
    "VV_dB": -10.0,
    "VH/VV_dB": -10.0,
}

NOT_IN_CATALOGUE = {
    "BSI",
    "brightness_visible",
    "whiteness",
    "HOT",
    "B8/B11",
    "cirrus",
    "AWEInsh",  # the catalogue has lost the brackets of the paper
    "VH-VV",
    "VH_dB",
    "VV_dB",
    "VH/VV_dB",
}

STATISTICS = ("mean", "deviation", "minimum", "maximum", "p10", "p50", "p90")


def constant(values, shape=(1, 2, 2)):
    return {name: np.full(shape, value, dtype=np.float32) for name, value in values.items()}


def random_bands(names, shape, seed=0, scale=0.5):
    random = np.random.default_rng(seed)
    return {name: random.random(shape, dtype=np.float32) * np.float32(scale) for name in names}


# Indices and cloud features


def test_every_index_equals_its_hand_worked_value():
    assert set(BY_HAND) == set(indices.EXPRESSIONS)
    found = pixel.compute(list(BY_HAND), constant(REFLECTANCE | BACKSCATTER))
    assert found.dtype == np.float32
    assert found.shape == (1, 2, 2, len(BY_HAND))
    np.testing.assert_allclose(found[0, 1, 1], list(BY_HAND.values()), rtol=2e-5)


def test_indices_equal_the_catalogue():
    spyndex = pytest.importorskip("spyndex", reason="the catalogue of spectral indices is not installed")
    names = [name for name in indices.EXPRESSIONS if name not in NOT_IN_CATALOGUE]
    assert set(names) <= set(spyndex.indices)
    bands = random_bands(tuple(SENTINEL_2), (1, 30, 30))
    known = {letter: bands[band].astype(np.float64) for letter, band in CATALOGUE_BANDS.items()}
    known |= {name: about.default for name, about in spyndex.constants.items() if about.default is not None}
    for place, name in enumerate(names):
        needed = {letter: known[letter] for letter in spyndex.indices[name].bands}
        if name == "SAVI":
            needed["L"] = 0.5  # of its paper; the catalogue's default for L is that of EVI
        expected = spyndex.computeIndex([name], needed)
        expected = np.clip(expected, *indices.bounds_of(name) or (-np.inf, np.inf))
        found = pixel.compute(names, bands)[..., place]
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5, err_msg=name)


def test_features_say_what_they_are():
    for name in indices.NAMES:
        feature = indices.resolve(name)
        assert feature.name == name
        assert all([feature.formula, feature.unit, feature.source, feature.bands])
        assert set(feature.bands) <= set(BANDS)
    assert pixel.resolve("whiteness").bands == ("B2", "B3", "B4")
    assert pixel.resolve("HOT").formula == "B2 - 0.5 * B4 - 0.08"
    assert pixel.resolve("VV_mean_3").unit == "dB"
    assert pixel.resolve("HOT_sunward_9").bands == ("B2", "B4", "sun_azimuth")
    assert pixel.resolve("HOT_sunward_9").unit == "1"
    assert pixel.resolve("HOT_steps_9").unit == "pixel"
    assert pixel.resolve("HOT_steps_9").formula == "pixels towards sun_azimuth to the first of HOT > 0, 9 + 1 if none"
    assert pixel.needed_bands(["NDVI", "B4", "NDVI_mean_3"]) == ("B8", "B4")
    assert patch.needed_bands(["NDVI_p10", "coherence"])[:2] == ("B8", "B4")


def test_grey_cloud_is_white_and_haze_is_above_the_clear_line():
    cloud = constant({"B2": 0.4, "B3": 0.4, "B4": 0.4})
    whiteness, hot = pixel.compute(["whiteness", "HOT"], cloud)[0, 0, 0]
    assert whiteness == pytest.approx(0, abs=1e-6)
    assert hot == pytest.approx(0.12)


def test_division_by_zero_is_zero_and_missing_is_missing():
    bands = constant({"B4": 0.0, "B8": 0.0, "B11": 0.0})
    assert not pixel.compute(["NDVI"], bands).any()
    bands["B8"][:] = 0.3
    assert (pixel.compute(["B8/B11"], bands) == 0).all()
    bands["B8"][0, 0, 0] = np.nan
    found = pixel.compute(["NDVI", "B8/B11", "B4"], bands)
    assert np.isnan(found[0, 0, 0]).tolist() == [True, True, False]
    assert np.isfinite(found[0, 0, 1]).all()


@settings(max_examples=50, deadline=None)
@given(arrays(np.float32, (len(SENTINEL_2), 1, 2, 2), elements=st.floats(0, 2, width=32, allow_subnormal=False)))
def test_bands_without_a_gap_give_features_without_a_gap(values):
    bands = dict(zip(SENTINEL_2, values, strict=True)) | constant(BACKSCATTER)
    assert np.isfinite(pixel.compute(list(indices.EXPRESSIONS), bands)).all()


@settings(max_examples=50, deadline=None)
@given(arrays(np.float32, (2, 1, 2, 2), elements=st.floats(0, 1, width=32, allow_subnormal=False)))
def test_normalised_differences_are_bounded_and_antisymmetric(values):
    ndvi = pixel.compute(["NDVI"], {"B8": values[0], "B4": values[1]})
    swapped = pixel.compute(["NDVI"], {"B8": values[1], "B4": values[0]})
    assert (np.abs(ndvi) <= 1).all()
    np.testing.assert_array_equal(ndvi, -swapped)


# Neighbourhood


def windows(values, size):
    """All windows of one patch, by a way that shares nothing with a running sum."""
    edged = np.pad(values.astype(np.float64), size // 2, mode="edge")
    return np.lib.stride_tricks.sliding_window_view(edged, (size, size))


@pytest.mark.parametrize("size", [3, 7, 15])
def test_windows_equal_plain_windows(size):
    bands = random_bands(["B2"], (3, 20, 24))
    found = pixel.compute([f"B2_mean_{size}", f"B2_deviation_{size}"], bands)
    for one, values in zip(found, bands["B2"], strict=True):
        np.testing.assert_allclose(one[..., 0], windows(values, size).mean(axis=(2, 3)), rtol=1e-6)
        np.testing.assert_allclose(one[..., 1], windows(values, size).std(axis=(2, 3)), rtol=1e-5)


def test_windows_leave_out_missing_pixels():
    bands = random_bands(["VV"], (2, 16, 16))
    bands["VV"][0, 3:9, 4:12] = np.nan
    found = pixel.compute(["VV_mean_5", "VV_deviation_5"], bands)
    around = windows(bands["VV"][0], 5)
    with pytest.warns(RuntimeWarning):
        mean, deviation = np.nanmean(around, axis=(2, 3)), np.nanstd(around, axis=(2, 3))
    assert np.isnan(mean).sum() == 2 * 4
    np.testing.assert_allclose(found[0, ..., 0], mean, rtol=1e-5)
    np.testing.assert_allclose(found[0, ..., 1], deviation, rtol=1e-4, atol=1e-7)
    alone = pixel.compute(["VV_mean_5"], {"VV": bands["VV"][1:]})
    np.testing.assert_array_equal(found[1:, ..., 0], alone[..., 0])


def test_deviation_of_high_ground_does_not_cancel():
    elevation = np.full((1, 9, 9), 5000, dtype=np.float32)
    elevation[:, ::2] += 1
    own = (Band("elevation", "terrain", "m"),)
    found = pixel.compute(["elevation_deviation_3"], {"elevation": elevation}, own)[0, 4, 4, 0]
    assert found == pytest.approx(np.sqrt(2) / 3, rel=1e-4)  # rows 1, 0, 1: variance 2/9


def test_features_of_features():
    bands = random_bands(["B8", "B4"], (1, 9, 9))
    both = pixel.compute(["NDVI_mean_3", "NDVI"], bands)
    again = pixel.compute(["VV_mean_3"], {"VV": both[..., 1]})
    np.testing.assert_array_equal(both[..., 0], again[..., 0])


@pytest.mark.parametrize(
    ("azimuth", "seen"),
    [(0, [(5, 4), (6, 4)]), (90, [(4, 2), (4, 3)]), (180, [(2, 4), (3, 4)]), (225, [(2, 6), (3, 5)])],
)
def test_sunward_sees_what_stands_towards_the_sun(azimuth, seen):
    """With the sun in the north (0), the pixels south of a cloud see it."""
    bands = {"B2": np.zeros((1, 9, 9), np.float32), "sun_azimuth": np.full((1, 9, 9), azimuth, np.float32)}
    bands["B2"][0, 4, 4] = 1
    found = pixel.compute(["B2_sunward_2"], bands)[0, ..., 0]
    where = sorted(zip(*(axis.tolist() for axis in np.nonzero(found)), strict=True))
    if azimuth == 225:  # two steps south-west are 1.4 pixels each way, which is one pixel, twice
        seen = [(3, 5)]
    assert where == sorted([*seen, (4, 4)])


def test_sunward_equals_a_walk():
    bands = random_bands(["B2"], (2, 14, 17))
    bands["B2"][0, 5, 5] = np.nan
    bands["sun_azimuth"] = np.stack([np.full((14, 17), 156.3), np.full((14, 17), 31.0)]).astype(np.float32)
    found = pixel.compute(["B2_sunward_6"], bands)[..., 0]
    for which, azimuth in enumerate((156.3, 31.0)):
        for row, column in ((0, 0), (5, 5), (5, 3), (13, 16), (7, 8), (12, 2)):
            met = [bands["B2"][which, row, column]]
            for step in range(1, 7):
                y = row - round(step * np.cos(np.radians(azimuth)))
                x = column + round(step * np.sin(np.radians(azimuth)))
                if 0 <= y < 14 and 0 <= x < 17:
                    met.append(bands["B2"][which, y, x])
            assert found[which, row, column] == np.nanmax(met)


@pytest.mark.parametrize(("azimuth", "away"), [(0, (1, 0)), (90, (0, -1)), (180, (-1, 0)), (270, (0, 1))])
def test_steps_count_the_way_from_a_shadow_to_its_cloud(azimuth, away):
    """A cloud of 3 x 3 pixels; its shadow lies 5 pixels away, on the side that the sun is not on."""
    hot = np.full((1, 21, 21), -0.1, np.float32)
    hot[0, 9:12, 9:12] = 0.2
    shadow = np.roll(hot[0] > 0, (5 * away[0], 5 * away[1]), axis=(0, 1))
    bands = {"B2": hot, "sun_azimuth": np.full_like(hot, azimuth)}
    found = pixel.compute(["B2_steps_8"], bands)[0, ..., 0]
    assert (found[hot[0] > 0] == 0).all()
    # From the far row of the shadow it is 5 pixels to the near row of the cloud, and so on.
    assert sorted(found[shadow].tolist()) == [3] * 3 + [4] * 3 + [5] * 3
    assert pixel.compute(["B2_steps_2"], bands)[0, ..., 0][shadow].tolist() == [3] * 9
    # Nothing stands sunward of the pixels on the sun's side of the cloud.
    sunny = np.roll(hot[0] > 0, (-5 * away[0], -5 * away[1]), axis=(0, 1))
    assert (found[sunny] == 9).all()


@given(st.integers(0, 359), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_steps_equal_a_walk(azimuth, seed):
    random = np.random.default_rng(seed)
    values = np.where(random.random((11, 14)) < 0.05, 1, -1).astype(np.float32)
    values[random.random(values.shape) < 0.1] = np.nan
    bands = {"B2": values[None], "sun_azimuth": np.full((1, 11, 14), azimuth, np.float32)}
    found = pixel.compute(["B2_steps_7"], bands)[0, ..., 0]
    for row, column in np.ndindex(values.shape):
        met = 8
        for step in range(8):
            angle = np.deg2rad(float(np.float32(azimuth)))
            y, x = row + int(np.rint(-step * np.cos(angle))), column + int(np.rint(step * np.sin(angle)))
            if 0 <= y < 11 and 0 <= x < 14 and values[y, x] > 0:
                met = step
                break
        assert found[row, column] == met


def test_sunward_without_azimuth_is_missing():
    bands = random_bands(["B2", "sun_azimuth"], (2, 5, 5))
    bands["sun_azimuth"][1] = np.nan
    found = pixel.compute(["B2_sunward_3", "B2_steps_3"], bands)
    assert np.isfinite(found[0]).all()
    assert np.isnan(found[1]).all()


def test_a_patch_has_the_same_features_in_any_company():
    names = ["NDVI", "B2_mean_7", "HOT_deviation_5", "HOT_sunward_4", "whiteness"]
    bands = random_bands(pixel.needed_bands(names), (5, 21, 23), scale=200)
    whole = pixel.compute(names, bands)
    for place in range(5):
        alone = pixel.compute(names, {name: values[place : place + 1] for name, values in bands.items()})
        np.testing.assert_array_equal(alone[0], whole[place])


@pytest.mark.parametrize("name", ["B2_mean_7", "B2_mean_7_deviation_5", "B2_mean_3_sunward_4", "B2 - B2_mean_9"])
def test_a_feature_looks_no_farther_than_its_reach(name):
    """A tile of a map is read with that much around it."""
    bands = {"B2": np.random.default_rng(5).random((1, 41, 41)).astype(np.float32)}
    bands["sun_azimuth"] = np.zeros((1, 41, 41), np.float32)
    around, (whole,) = pixel.reach(name), pixel.each([name], bands)
    (part,) = pixel.each([name], {band: values[:, 20 - around :, : 21 + around] for band, values in bands.items()})
    np.testing.assert_allclose(part[:, around:, :21], whole[:, 20:, :21], rtol=1e-5)
    (less,) = pixel.each([name], {band: values[:, 21 - around :, : 20 + around] for band, values in bands.items()})
    assert not np.allclose(less[:, around - 1 :, :21], whole[:, 20:, :21], rtol=1e-5)


def test_repeated_features_and_bands_stay_whole():
    bands = random_bands(["B2"], (1, 4, 4))
    found = pixel.compute(["B2_mean_3", "B2", "B2_mean_3", "B2"], bands)
    np.testing.assert_array_equal(found[..., 0], found[..., 2])
    np.testing.assert_array_equal(found[..., 3], bands["B2"])


# Names


@pytest.mark.parametrize("name", ["NDVY", "NDVI_mean_x", "NDVY_mean_3", "", "B2_maximum_3"])
def test_unknown_pixel_features_are_named_with_the_forms(name):
    with pytest.raises(InputError, match="Unknown feature") as caught:
        pixel.resolve(name)
    assert "<feature>_mean_<n>" in str(caught.value)


def test_the_nearest_name_is_offered():
    with pytest.raises(InputError, match=r"did you mean .*\bNDVI\b"):
        pixel.resolve("NDVY")
    with pytest.raises(InputError, match=r"did you mean .*B4_mean"):
        patch.resolve("B4_meen")


@pytest.mark.parametrize("name", ["B2_mean_4", "B2_mean_1", "B2_deviation_0", "B2_sunward_0", "B2_steps_0"])
def test_impossible_windows_are_refused(name):
    with pytest.raises(InputError, match=name):
        pixel.resolve(name)


@pytest.mark.parametrize("name", ["B4", "B4_p0", "B4_p100", "B4_median", "nothing_mean", "B4_mean_3"])
def test_unknown_patch_features_are_named(name):
    with pytest.raises(InputError, match="Unknown feature"):
        patch.resolve(name)


def test_a_band_that_is_not_given_is_named():
    bands = random_bands(["B4", "B3"], (1, 3, 3))
    with pytest.raises(InputError, match="expected: B8"):
        pixel.compute(["NDVI"], bands)
    with pytest.raises(InputError, match="expected: B8"):
        patch.compute(["B4_mean", "NDVI_mean"], bands)


# Patch statistics


def test_statistics_equal_numpy():
    bands = random_bands(["B4", "B8"], (7, 32, 32))
    names = [f"B4_{statistic}" for statistic in (*STATISTICS, "p1", "p99", "p33")]
    found = patch.compute([*names, "NDVI_mean"], bands)
    assert found.dtype == np.float32
    flat = bands["B4"].reshape(7, -1).astype(np.float64)
    expected = [flat.mean(1), flat.std(1), flat.min(1), flat.max(1)]
    expected += [np.percentile(flat, fraction, axis=1) for fraction in (10, 50, 90, 1, 99, 33)]
    ndvi = (bands["B8"] - bands["B4"]) / (bands["B8"] + bands["B4"])
    expected.append(ndvi.reshape(7, -1).mean(1, dtype=np.float64))
    np.testing.assert_allclose(found, np.stack(expected, axis=1), rtol=1e-6)


def test_statistics_of_what_is_there():
    bands = random_bands(["VV"], (3, 8, 8))
    bands["VV"][0, :3] = np.nan
    bands["VV"][1] = np.nan
    found = patch.compute([f"VV_{statistic}" for statistic in STATISTICS], bands)
    there = bands["VV"][0, 3:].astype(np.float64)
    expected = [there.mean(), there.std(), there.min(), there.max(), *np.percentile(there, [10, 50, 90])]
    np.testing.assert_allclose(found[0], expected, rtol=1e-6)
    assert np.isnan(found[1]).all()
    assert np.isfinite(found[2]).all()


def test_means_of_outliers_are_summed_in_double():
    values = np.full((1, 32, 32), 0.1, dtype=np.float32)
    values[0, 0, 0] = 5671
    found = patch.compute(["VH_intensity_mean"], {"VH_intensity": values})[0, 0]
    assert found == np.float32(values.astype(np.float64).mean())


@settings(max_examples=50, deadline=None)
@given(arrays(np.float32, (2, 4, 5), elements=st.floats(-100, 100, width=32)))
def test_quantiles_are_ordered(values):
    found = patch.compute([f"VV_{name}" for name in ("minimum", "p10", "p50", "p90", "maximum")], {"VV": values})
    assert (np.diff(found, axis=1) >= 0).all()


# Texture


def by_scikit_image(values, low, high, kind):
    step = (high - low) / patch.LEVELS
    levels = np.digitize(values, low + step * np.arange(1, patch.LEVELS)).astype(np.uint8)
    angles = [0, np.pi / 4, np.pi / 2, 3 * np.pi / 4]
    matrix = graycomatrix(levels, [1], angles, levels=patch.LEVELS, symmetric=True, normed=True)
    return graycoprops(matrix, kind).mean()


@pytest.mark.parametrize("kind", patch.TEXTURES)
@pytest.mark.parametrize(("band", "low", "high"), [("B4", 0, 0.64), ("VV", -30, 10), ("NDVI", -1, 1)])
def test_texture_equals_scikit_image(kind, band, low, high):
    random = np.random.default_rng(1)
    # Middles of levels, so that both quantise alike; the outermost lie beyond the range and are cut.
    levels = random.integers(-2, patch.LEVELS + 2, (4, 12, 10))
    levels[1, :, :5] = 7
    values = (low + (levels + 0.5) * (high - low) / patch.LEVELS).astype(np.float32)
    if band == "NDVI":
        values = np.clip(values, -0.99, 0.99)
        bands = {"B8": 1 + values, "B4": 1 - values}
    else:
        bands = {band: values}
    found = patch.compute([f"{band}_{kind}"], bands)[:, 0]
    expected = [by_scikit_image(one, low, high, kind) for one in values]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_texture_of_a_chessboard_and_of_nothing():
    board = np.indices((8, 8)).sum(axis=0) % 2
    values = np.stack([board * 0.02 + 0.01, np.full((8, 8), 0.3)]).astype(np.float32)
    names = ["B4_contrast", "B4_dissimilarity", "B4_homogeneity", "B4_energy", "B4_correlation"]
    found = patch.compute(names, {"B4": values})
    # Straight neighbours differ by one level, slanted ones do not.
    np.testing.assert_allclose(found[0, :3], [0.5, 0.5, 0.75], rtol=1e-6)
    np.testing.assert_allclose(found[0, 4], 0, atol=1e-6)
    np.testing.assert_allclose(found[1], [0, 0, 1, 1, 1], atol=1e-6)


def test_texture_needs_all_pixels_and_a_range():
    bands = random_bands(["B4"], (2, 6, 6))
    bands["B4"][0, 2, 2] = np.nan
    found = patch.compute([f"B4_{kind}" for kind in patch.TEXTURES], bands)
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1]).all()
    with pytest.raises(InputError, match="no range of grey levels"):
        patch.resolve("VH_intensity_contrast")


# SAR


def test_sar_by_hand():
    ones = np.ones((1, 2, 2), dtype=np.float32)
    bands = {
        "C_re": 0.3 * ones,
        "C_im": -0.4 * ones,
        "VH_intensity": 0.5 * ones,
        "VV_intensity": 2 * ones,
        "VH_re": np.array([[[1, 0], [1, 0]]], np.float32),
        "VH_im": np.array([[[1, 0], [1, 0]]], np.float32),
    }
    names = ["coherence", "phase_cosine", "phase_sine", "VH_variation", "VH_looks", "VH/VV_dB_mean"]
    found = patch.compute(names, bands)[0]
    # |C| = 0.5, sqrt(0.5 x 2) = 1; intensities 2, 0, 2, 0 have mean 1 and deviation 1.
    np.testing.assert_allclose(found, [0.5, 0.6, -0.8, 1, 1, 10 * np.log10(0.25)], rtol=1e-6)


def test_mean_of_opposite_covariances_has_neither_coherence_nor_phase():
    bands = constant({"C_im": 0.0, "VH_intensity": 1.0, "VV_intensity": 1.0})
    bands["C_re"] = np.array([[[1, -1], [-1, 1]]], dtype=np.float32)
    np.testing.assert_array_equal(patch.compute(["coherence", "phase_cosine", "phase_sine"], bands), 0)


def test_fully_developed_speckle_has_one_look():
    random = np.random.default_rng(0)
    bands = {name: random.normal(size=(1, 300, 300)).astype(np.float32) for name in ("VV_re", "VV_im")}
    np.testing.assert_allclose(patch.compute(["VV_looks", "VV_variation"], bands), 1, atol=0.03)


def test_no_signal_and_missing_sar():
    zero = dict.fromkeys(("VV_re", "VV_im", "VV_intensity"), np.zeros((1, 2, 2), dtype=np.float32))
    found = patch.compute(["VV_looks", "VV_variation", "VV_dB_mean"], zero)
    np.testing.assert_allclose(found, [[0, 0, -50]], rtol=1e-6)
    gone = dict.fromkeys(zero, np.full((1, 2, 2), np.nan, dtype=np.float32))
    assert np.isnan(patch.compute(["VV_looks", "VV_variation", "VV_dB_mean"], gone)).all()


def test_all_patch_features_in_any_company():
    names = [f"{base}_{statistic}" for base in ("B4", "NDVI") for statistic in (*STATISTICS, *patch.TEXTURES)]
    names += list(patch.SAR)
    bands = random_bands(patch.needed_bands(names), (4, 8, 9))
    whole = patch.compute(names, bands)
    assert np.isfinite(whole).all()
    for place in range(4):
        alone = patch.compute(names, {name: values[place : place + 1] for name, values in bands.items()})
        np.testing.assert_array_equal(alone[0], whole[place])
