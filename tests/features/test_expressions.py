"""Expressions of features: what they give, what is refused, and how they keep to the rules of ratios."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel_forest.errors import InputError
from sentinel_forest.features import expressions, indices, patch, pixel
from sentinel_forest.features.bounds import PLAIN, UNIT

BANDS = ("B2", "B4", "B8", "B11", "B12", "VV", "VH")


@pytest.fixture
def bands():
    random = np.random.default_rng(7)
    return {name: random.uniform(0.01, 0.6, (3, 8, 8)).astype(np.float32) for name in BANDS}


KNOWN = {
    "(N - R)/(N + R)": lambda b: (b["B8"] - b["B4"]) / (b["B8"] + b["B4"]),
    "2.5 * (N - R) / (N + 6.0 * R - 7.5 * B + 1.0)": lambda b: np.clip(
        2.5 * (b["B8"] - b["B4"]) / (b["B8"] + 6 * b["B4"] - 7.5 * b["B2"] + 1), -10, 10
    ),
    "B8**2.0 - sqrt(B4)": lambda b: b["B8"] ** 2 - np.sqrt(b["B4"]),
    "-B8 + maximum(B4, B2)": lambda b: np.maximum(b["B4"], b["B2"]) - b["B8"],
    "log10(B8/B11)": lambda b: np.clip(np.log10(b["B8"] / b["B11"]), -10, 10),
    "NDVI - 0.5": lambda b: (b["B8"] - b["B4"]) / (b["B8"] + b["B4"]) - 0.5,
}


@pytest.mark.parametrize("text", KNOWN)
def test_values_are_those_of_numpy_by_hand(text, bands):
    found = pixel.compute([text], bands)[..., 0]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, KNOWN[text](bands), rtol=2e-5)


@pytest.mark.parametrize("name", [name for name in indices.EXPRESSIONS if name != "BSI"])
def test_a_built_in_formula_written_as_an_expression_gives_the_same(name):
    formula, _ = indices.EXPRESSIONS[name]
    random = np.random.default_rng(3)
    needed = indices.resolve(name).bands
    given_bands = {band: random.uniform(0.05, 0.5, (2, 4, 4)).astype(np.float32) for band in needed}
    raw = indices.of_expression("own", formula, indices.resolve, indices.NAMES)
    values = {entry: pixel.compute([entry], given_bands)[..., 0] for entry in raw.inputs}
    own = raw.function(*values.values())
    low, high = indices.bounds_of(name) or (-np.inf, np.inf)
    np.testing.assert_array_equal(np.clip(own, low, high), pixel.compute([name], given_bands)[..., 0])


def test_letters_of_catalogues_stand_for_bands_unless_they_are_names():
    for letter, band in expressions.CATALOGUE_BANDS.items():
        assert indices.of_expression("own", f"{letter} - 0.5", indices.resolve, indices.NAMES).bands == (band,)
    assert not set(expressions.CATALOGUE_BANDS) & set(indices.NAMES)


def test_ratios_keep_to_the_stated_range():
    assert pixel.resolve("(B8-B12)/(B8+B12)").bounds == UNIT
    assert pixel.resolve("(B8-B12)/(B12+B8)").bounds == UNIT
    assert pixel.resolve("B8/B12").bounds == PLAIN
    assert pixel.resolve("B8**-1.0").bounds == PLAIN
    assert pixel.resolve("(VV-VH)/(VV+VH)").bounds == PLAIN  # decibels may be negative: the range is not -1 to 1
    assert pixel.resolve("B8/2.0").bounds is None
    near_zero = {"B8": np.float32([[[1.0]]]), "B12": np.float32([[[1e-6]]])}
    assert pixel.compute(["B8/B12"], near_zero).item() == 10


def test_division_by_zero_is_zero_and_a_missing_band_is_missing():
    given_bands = {"B8": np.float32([[[1, np.nan, 0.2]]]), "B12": np.float32([[[0, 0.1, 0.1]]])}
    assert pixel.compute(["B8/B12"], given_bands).ravel().tolist() == pytest.approx([0, np.nan, 2], nan_ok=True)


def test_brackets_make_windows_and_statistics_of_an_expression(bands):
    whole = bands["B8"] / bands["B12"]
    np.testing.assert_allclose(
        patch.compute(["(B8/B12)_mean"], bands)[:, 0], np.clip(whole, -10, 10).mean((1, 2)), 1e-5
    )
    ratio = bands["B8"].mean((1, 2)) / bands["B12"].mean((1, 2))
    np.testing.assert_allclose(patch.compute(["B8_mean/B12_mean"], bands)[:, 0], ratio, 1e-5)
    window = pixel.compute(["B8_mean_3"], bands)[..., 0]
    np.testing.assert_allclose(pixel.compute(["B8-B8_mean_3"], bands)[..., 0], bands["B8"] - window, atol=1e-6)
    assert pixel.parted(["B8/B12", "(B8/B12)_mean_3", "B8-B8_mean_3"]) == (
        ("B8/B12",),
        ("(B8/B12)_mean_3", "B8-B8_mean_3"),
    )
    assert patch.compute(["(B8-B12)_contrast", "(B8-B12)_p90"], bands).shape == (3, 2)


def test_units_follow_from_the_parts():
    units = {name: pixel.resolve(name).unit for name in ("VV-VH", "VV/VH", "VV*2.0", "B8/B4", "VV-B8", "B8+1.0")}
    assert units == {"VV-VH": "dB", "VV/VH": "1", "VV*2.0": "dB", "B8/B4": "1", "VV-B8": "", "B8+1.0": "1"}


REFUSED = [
    "B8 / 0",
    "__import__('os').system('touch /tmp/never')",
    "B8.__class__",
    "B8[0]",
    "[B8 for B8 in (1,)]",
    "lambda: B8",
    "B8 if B4 else B2",
    "B8 and B4",
    "B8 > B4",
    "(x := B8)",
    "f'{B8}'",
    "'B8'",
    "True * B8",
    "1j * B8",
    "max(B8, B4)",
    "maximum(B8)",
    "abs(B8, key=B4)",
    "open(B8)",
    "B8 // B4",
    "B8 @ B4",
    "~B8 - 1",
    "B8 ** B4",
    "B8 ** 9.0",
    "9 ** 9 ** 9 * B8",
    "1e300 * B8",
    "9" * 350 + " * B8",
    "B8 ** " + "9" * 350,
    "1 / 0 * B8",
    "2 + 2",
    "B8 +",
    "B8; B4",
    "B8\n+",
    "(" * 190 + "B8" + ")" * 190 + ")",
    "+".join(["B8"] * 300),
    "-" * 390 + "B8",
]


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: text[:30])
@pytest.mark.parametrize("kind", [pixel, patch], ids=["pixel", "patch"])
def test_whatever_is_not_listed_is_refused_in_words(kind, text):
    with pytest.raises(InputError) as refused:
        kind.resolve(text)
    assert refused.value.problem.startswith(("This is no expression", "An expression has a name", "Unknown feature"))
    assert len(str(refused.value).splitlines()) <= 6


@given(st.text("B84N(*)/+-. _mean3,p90", max_size=30))
def test_any_text_is_a_feature_or_an_input_error(text):
    for kind in (pixel, patch):
        try:
            feature = kind.resolve(text)
        except InputError:
            continue
        assert feature.bands
        assert all(isinstance(band, str) for band in feature.bands)


def test_an_unknown_band_is_named_with_what_comes_near():
    with pytest.raises(InputError, match="NDVX") as refused:
        pixel.resolve("NDVX - B8")
    assert "NDVI" in str(refused.value)


def test_a_letter_of_a_catalogue_alone_is_answered_with_its_band():
    with pytest.raises(InputError, match="did you mean B3"):
        pixel.resolve("G")


def test_nothing_in_the_package_executes_text_as_code():
    code = (
        "import pathlib, ast, sentinel_forest as s\n"
        "for p in pathlib.Path(s.__file__).parent.rglob('*.py'):\n"
        "    for n in ast.walk(ast.parse(p.read_text())):\n"
        "        if isinstance(n, ast.Call) and getattr(n.func, 'id', '') in ('eval', 'exec'): print(p)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == ""
