"""Bands, spectral indices and cloud tests: features that need nothing but the pixel itself.

The text of a formula is what is evaluated, so that text and number cannot disagree. Names in a
formula are bands or other features of this module. Reflectances lie in 0..1, backscatter is in dB.
"""

import difflib
from collections.abc import Callable
from functools import cache, partial

from sentinel_forest.errors import InputError
from sentinel_forest.features import Feature, Own
from sentinel_forest.features.bounds import BOUNDS, PLAIN, UNIT, Bounds
from sentinel_forest.features.expressions import CATALOGUE_BANDS, Expression, bracketed, is_name, parse, unit_of
from sentinel_forest.sensors import BANDS, SENTINEL_2

CATALOGUE = "Awesome Spectral Indices, doi:10.1038/s41597-023-02096-0"
FMASK = "doi:10.1016/j.rse.2011.10.028"

EXPRESSIONS = {
    # Vegetation
    "NDVI": ("(B8 - B4) / (B8 + B4)", "Rouse et al. 1974; Tucker 1979, doi:10.1016/0034-4257(79)90013-0"),
    "EVI": ("2.5 * (B8 - B4) / (B8 + 6.0 * B4 - 7.5 * B2 + 1.0)", "doi:10.1016/S0034-4257(02)00096-2"),
    "EVI2": ("2.5 * (B8 - B4) / (B8 + 2.4 * B4 + 1.0)", "doi:10.1016/j.rse.2008.06.006"),
    "SAVI": ("1.5 * (B8 - B4) / (B8 + B4 + 0.5)", "doi:10.1016/0034-4257(88)90106-X"),
    "GNDVI": ("(B8 - B3) / (B8 + B3)", "doi:10.1016/S0034-4257(96)00072-7"),
    "NDREI": ("(B8 - B5) / (B8 + B5)", "doi:10.1016/1011-1344(93)06963-4, with B8 in place of 750 nm"),
    "RENDVI": ("(B6 - B5) / (B6 + B5)", "doi:10.1016/S0176-1617(11)81633-0"),
    "IRECI": ("(B7 - B4) / (B5 / B6)", "doi:10.1016/j.isprsjprs.2013.04.007"),
    "PSRI": ("(B4 - B2) / B6", "doi:10.1034/j.1399-3054.1999.106119.x"),
    "NDYI": ("(B3 - B2) / (B3 + B2)", "doi:10.1016/j.rse.2016.06.016"),
    "NDMI": ("(B8 - B11) / (B8 + B11)", "doi:10.1016/S0034-4257(01)00318-2"),
    # Water, snow
    "NDWI": ("(B3 - B8) / (B3 + B8)", "doi:10.1080/01431169608948714"),
    "MNDWI": ("(B3 - B11) / (B3 + B11)", "doi:10.1080/01431160600589179"),
    "AWEIsh": ("B2 + 2.5 * B3 - 1.5 * (B8 + B11) - 0.25 * B12", "doi:10.1016/j.rse.2013.08.029"),
    "AWEInsh": ("4.0 * (B3 - B11) - (0.25 * B8 + 2.75 * B12)", "doi:10.1016/j.rse.2013.08.029"),
    "NDTI": ("(B4 - B3) / (B4 + B3)", "doi:10.1016/j.rse.2006.07.012"),
    "NDSI": ("(B3 - B11) / (B3 + B11)", "doi:10.1109/IGARSS.1994.399618"),
    "NDSII": ("(B3 - B8) / (B3 + B8)", "doi:10.1080/01431160802385459"),
    "S3": ("(B8 * (B4 - B11)) / ((B8 + B4) * (B8 + B11))", "doi:10.3178/jjshwr.12.28"),
    "SWI": ("(B3 * (B8 - B11)) / ((B3 + B8) * (B8 + B11))", "doi:10.3390/rs11232774"),
    # Built-up land, soil, burnt land
    "NDBI": ("(B11 - B8) / (B11 + B8)", "doi:10.1080/01431160304987"),
    "UI": (
        "(B12 - B8) / (B12 + B8)",
        "https://www.isprs.org/proceedings/XXXI/congress/part7/321_XXXI-part7.pdf, not scaled to 0..200",
    ),
    "BI": (
        "((B11 + B4) - (B8 + B2)) / ((B11 + B4) + (B8 + B2))",
        f"Rikimaru et al. 2002, Tropical Ecology 43(1), 39-47; {CATALOGUE}",
    ),
    "BSI": ("BI", "the more usual abbreviation of the bare soil index"),
    "DBSI": ("(B11 - B3) / (B11 + B3) - (B8 - B4) / (B8 + B4)", "doi:10.3390/land7030081"),
    "NBR": ("(B8 - B12) / (B8 + B12)", "doi:10.3133/ofr0211"),
    "NBR2": (
        "(B11 - B12) / (B11 + B12)",
        "https://www.usgs.gov/core-science-systems/nli/landsat/landsat-normalized-burn-ratio-2",
    ),
    # Clouds, without a thermal band
    "brightness_visible": ("(B2 + B3 + B4) / 3.0", FMASK),
    "whiteness": (
        "(abs(B2 - brightness_visible) + abs(B3 - brightness_visible) + abs(B4 - brightness_visible))"
        " / brightness_visible",
        f"doi:10.1109/TGRS.2006.888105 in the form of {FMASK}",
    ),
    "HOT": ("B2 - 0.5 * B4 - 0.08", f"doi:10.1016/S0034-4257(02)00034-2 with the constants of {FMASK}"),
    "B8/B11": ("B8 / B11", f"bright rock and soil against cloud, {FMASK}"),
    "cirrus": ("B10", "doi:10.1029/93GL00106"),
    # SAR
    "VH-VV": ("VH - VV", f"{CATALOGUE}: VHVVD, the ratio of the two polarisations"),
    "VH_dB": ("10.0 * log10(maximum(VH_intensity, 1e-5))", "definition of the decibel; floor -50 dB"),
    "VV_dB": ("10.0 * log10(maximum(VV_intensity, 1e-5))", "definition of the decibel; floor -50 dB"),
    "VH/VV_dB": ("VH_dB - VV_dB", f"{CATALOGUE}: VHVVD, the ratio of the two polarisations"),
}
"""Formula and source of each index. Names (other than of cloud features) are short names of the
catalogue (doi:10.1038/s41597-023-02096-0). Where it differs from the paper it cites, the paper holds: of
AWEInsh, the catalogue has lost the brackets, so that the second shortwave infrared band would add to water
instead of counting against it."""

NAMES = (*BANDS, *EXPRESSIONS)
"""Features of the pixel itself that every dataset may have, as far as it has their bands."""

DECIBELS = ("VH-VV", "VH_dB", "VV_dB", "VH/VV_dB")

OWN_EXPRESSION = "expression in the configuration"
"""The source of what a user has written."""


def names(own: Own = ()) -> tuple[str, ...]:
    """`NAMES`, and the bands that a dataset has of its own."""
    return (*NAMES, *(band.name for band in own))


@cache
def resolve(name: str, own: Own = ()) -> Feature:
    """The feature with one of the `names`.

    Raises
    ------
    KeyError
        If there is none.
    """
    bands = {band.name: band for band in own} | dict(BANDS)
    if name in bands:
        return Feature(name, name, bands[name].unit, (name,), "measured", (name,), lambda values: values)
    formula, source = EXPRESSIONS[name]
    expression = parse(formula)
    needed = _bands_of([resolve(entry) for entry in expression.inputs])
    unit = "dB" if name in DECIBELS else "1"
    return Feature(
        name, formula, unit, needed, source, expression.inputs, expression.evaluate, bounds_of(name, expression)
    )


@cache
def of_pixel(name: str, own: Own = ()) -> Feature:
    """`resolve`, and an expression in brackets: ``(B8/B12)``.

    Raises
    ------
    InputError
        If it is neither, or the expression has a name that nothing explains.
    """
    inner = bracketed(name)
    return resolve(name, own) if inner is None else of_expression(name, inner, partial(of_pixel, own=own), names(own))


def is_of_pixel(name: str, own: Own = ()) -> bool:
    """Whether a name is one of the `names`, or stands in brackets."""
    return name in names(own) or bracketed(name) is not None


def of_expression(name: str, text: str, resolve: Callable[[str], Feature], known: tuple[str, ...]) -> Feature:
    """The feature of an expression.

    Parameters
    ----------
    name, text : str
        Its name, and the expression.
    resolve : callable
        Gives the feature of a name in it.
    known : tuple of str
        Names that `resolve` knows, for messages. A catalogue's letter that is none of them stands for its band.

    Raises
    ------
    InputError
        If the expression is none, or has a name that nothing explains.
    """
    expression = parse(text)
    parts = [_part(entry, text, resolve, known) for entry in expression.inputs]
    return Feature(
        name,
        text,
        unit_of(expression, [part.unit for part in parts]),
        _bands_of(parts),
        OWN_EXPRESSION,
        tuple(part.name for part in parts),
        expression.evaluate,
        own_bounds(expression, parts),
    )


def _part(name: str, text: str, resolve: Callable[[str], Feature], known: tuple[str, ...]) -> Feature:
    """The feature of a name in an expression."""
    if name not in known and name in CATALOGUE_BANDS:
        name = CATALOGUE_BANDS[name]
    try:
        return resolve(name)
    except (InputError, KeyError):
        near = difflib.get_close_matches(name, [entry for entry in known if is_name(entry)], n=3, cutoff=0.4)
        raise InputError(
            "An expression has a name that is no band and no feature.",
            where=text,
            found=name,
            expected=f"e.g. {', '.join(near)}" if near else "a band, an index, or a feature made of them",
            remedy="sentinel-forest features lists all names; write constants as numbers",
        ) from None


def _bands_of(parts: list[Feature]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(band for part in parts for band in part.bands))


def own_bounds(expression: Expression, parts: list[Feature]) -> Bounds | None:
    """The range of a user's expression: of normalised differences of reflectances -1 to 1, of other ratios `PLAIN`."""
    if not expression.divides:
        return None
    reflectances = all(part.name in SENTINEL_2 for part in parts)
    return UNIT if expression.is_normalised_difference and reflectances else PLAIN


def bounds_of(name: str, expression: Expression | None = None) -> Bounds | None:
    """Least and largest value of an index; None where it divides by nothing that could be near 0."""
    return BOUNDS.get(name, PLAIN) if (expression or parse(EXPRESSIONS[name][0])).divides else None
