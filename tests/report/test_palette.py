"""Colours follow meaning, whatever the order of a configuration; and can be told apart."""

import itertools
import re

import pytest

from sentinel_forest.report import figures, palette
from sentinel_forest.report.charts import CONFIG
from sentinel_forest.report.pages import TEMPLATES

WHITE = "#ffffff"


def luminance(colour):
    """Relative luminance, WCAG 2.1."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    ("mark", "meaning"),
    [
        ("clean", palette.CLEAN_SPLIT),
        ("linked: roi (3 %)", palette.LEAKS),
        ("linked (validation-test): city (100 %)", palette.BETWEEN_ONLY),
        ("linked: roi (1 %); linked (validation-test): roi (1 %)", palette.LEAKS),
        ("unknown: product", palette.UNKNOWN),
        ("linked: roi (3 %); unknown: product", palette.LEAKS),
        ("unknown: pretraining", palette.UNKNOWN),
    ],
)
def test_a_mark_has_one_meaning(mark, meaning):
    assert palette.meaning(mark) == meaning


def test_the_colour_of_a_series_does_not_depend_on_its_place():
    known = {
        f"{name}: {meaning}": palette.SPLITS[meaning] for name, meaning in [("a", "leaks"), ("b", "no leak found")]
    }
    for names in itertools.permutations([*known, "test", "other"]):
        colours = dict(zip(names, palette.of_series(names, known), strict=True))
        assert {name: colours[name] for name in known} == known
        assert colours["test"] == palette.ROLES["test"]
        assert colours["other"] == palette.SERIES[0]


def test_colours_of_splits_and_roles_differ_and_stand_out_from_the_page():
    assert len(set(palette.SPLITS.values())) == len(palette.SPLITS)
    drawn = [palette.ROLES[role] for role in ("train", "validation", "test", "unused")]
    assert len(set(drawn)) == 4
    assert min(contrast(colour, WHITE) for colour in palette.SPLITS.values()) >= 3


def test_texts_of_figures_are_dark():
    for part in ("axis", "legend", "header", "title"):
        for key, colour in CONFIG[part].items():
            if (key.endswith("Color") and key not in ("tickColor", "domainColor", "gridColor")) or key == "color":
                assert contrast(colour, WHITE) >= 7, (part, key)
    assert contrast(palette.INK, WHITE) >= 12


def test_the_findings_on_the_page_have_the_colours_of_the_figures():
    css = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    borders = dict(re.findall(r"\.findings (li|\.\w+) \{[^}]*?(?:border-color: |solid )(#\w{6})", css))
    assert borders["li"] == palette.SPLITS[palette.CLEAN_SPLIT]
    assert borders[".random"] == palette.SPLITS[palette.LEAKS]


def test_price_of_leakage_has_the_colours_of_the_splits():
    import pandas as pd

    frame = pd.DataFrame({"label": ["OA"] * 2, "side": ["without relatives", "with relatives"], "value": [0.7, 0.8]})
    scale = figures.pairs(frame, "score").spec["layer"][1]["encoding"]["color"]["scale"]
    colours = dict(zip(scale["domain"], scale["range"], strict=True))
    assert colours == {"without relatives": palette.SPLITS["no leak found"], "with relatives": palette.SPLITS["leaks"]}


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        ("linked: city (>99.9 %), roi (3 %)", "leaks (>99.9 %)"),
        ("linked: product (<0.1 %)", "leaks (<0.1 %)"),
        ("linked: city (at least 12.5 %), roi (3 %)", "leaks (at least 12.5 %)"),
    ],
)
def test_the_strongest_link_is_told_however_its_fraction_is_written(mark, words):
    assert palette.in_words(mark) == words
