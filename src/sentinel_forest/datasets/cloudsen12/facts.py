"""Facts of ``metadata.csv`` against each other and against the labels: a contradiction says that rows are wrong.

Blank values are unknown and contradict nothing; what no check has to compare is "not computed".
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from sentinel_forest.datasets.cloudsen12.metadata import (
    BLANK,
    NUMBERS,
    UTM,
    acquisition_days,
    described,
    known_metadata,
    metadata_path,
    place_choices,
)
from sentinel_forest.datasets.cloudsen12.sun import sun_findings
from sentinel_forest.datasets.cloudsen12.tiles import tile_findings
from sentinel_forest.datasets.cloudsen12.vocabulary import TASK
from sentinel_forest.datasets.findings import Finding
from sentinel_forest.io.borders import quoted

COVERAGES = ("cloud-free", "almost-clear", "low-cloudy", "mid-cloudy", "cloudy")
"""Published classes of cloudiness."""

LEAST_EXPLAINED = 0.5
"""Least fraction of the variance of ranks of cloud cover that classes of cloudiness explain; shuffled rows: near 0."""

CLOUDY = ("mid-cloudy", "cloudy")
"""Classes of images with so much cloud that no label can be without any."""

MOST_CLEAR, FEWEST_CLEAR = 0.01, 5
"""Fraction of cloudy images, and their least number, whose labels show no cloud at all because labels were lost."""

LEAST_LIKELY = 0.001
"""Below this p value (Kruskal and Wallis) difficulty goes along with the labels."""

ENOUGH_PATCHES, MANY_PATCHES = 20, 100
"""Patches of a split from which on cloudiness, and difficulty, are held against the labels."""

LONGEST_ROI = 100
"""Characters of the name of an ROI; none holds a control character."""

EARTH_M = 6_371_000.0

_TILE = re.compile(r"(?:^|_)T(\d{2})([C-X])[A-Z]{2}(?:_|$)")
_DAY = r"\d{4}-\d{2}-\d{2}"
_EMPTY = ("nan", "NaN", "None", "null", "<NA>")


def products_of(split: Path, count: int) -> tuple[str, ...]:
    """Product of each patch of a split, "" where the metadata do not tell it."""
    table = known_metadata(split)
    if len(table) != count:
        return ()
    column = next((name for name in ("s2_id", "s2_id_gee") if name in table), "")
    return tuple(table[column]) if column else ()


def contradictions(path: str, table: pd.DataFrame) -> Iterator[Finding]:
    """Findings about the rows of one table: ``numbers``, ``ids``, ``product``, and those of places.

    Parameters
    ----------
    path : str
        Of the table, for the findings.
    table : DataFrame
        As `read_metadata` gives it.
    """
    yield from _number_findings(path, table)
    yield from _id_findings(path, table)
    yield from _product_findings(path, table)
    if any(str(name).startswith("proj_") and name != "proj_shape" for name in table):
        yield from _place_findings(path, table)
        yield from tile_findings(path, table)


def _finding(path: str, check: str, faults: list[str], looked: int | str, expected: str, remedy: str) -> Finding:
    """A failure with the first faults, or ok; a note where there was nothing to look at."""
    if faults:
        more = f" and {len(faults) - 3} more" if len(faults) > 3 else ""
        return Finding(path, "content", check, "failed", "; ".join(faults[:3]) + more, expected, remedy, "kept")
    if not looked:
        return Finding(path, "content", check, "note", "not computed: the table does not tell", expected)
    found = looked if isinstance(looked, str) else f"{looked} rows"
    return Finding(path, "content", check, "ok", found, expected)


def _row(table: pd.DataFrame, row: int) -> str:
    roi = str(table["roi_id"].iloc[row]) if "roi_id" in table else ""
    return f"row {row}" + (f" ({roi[:30]})" if roi else "")


def _number_findings(path: str, table: pd.DataFrame) -> Iterator[Finding]:
    """Whether numbers are numbers (with a decimal point) and can be true."""
    faults, looked = [], 0
    for name, (low, high) in NUMBERS.items():
        if name not in table:
            continue
        texts = table[name].where(~table[name].isin(BLANK), "")
        if name == "proj_shape":
            texts = texts.str.extract(r"(-?\d+)")[0].fillna(texts)
        numbers = pd.to_numeric(texts, errors="coerce")
        given = texts != ""
        looked += int(given.any())
        for row in np.flatnonzero(given & ~numbers.between(low, high)).tolist():
            faults.append(f"{_row(table, row)} {name} {table[name].iloc[row][:20]!r} is not in {low:g} to {high:g}")
    if not looked:
        return
    expected = "numbers with a decimal point, within their ranges"
    remedy = "correct or fetch the table; accepted, such values count as missing"
    yield _finding(path, "numbers", faults, len(table), expected, remedy)


def _id_findings(path: str, table: pd.DataFrame) -> Iterator[Finding]:
    """Whether each row has an ROI, and no two rows the same ROI and product."""
    if "roi_id" not in table:
        return
    roi = table["roi_id"]
    faults = [f"row {row} has the ROI {roi.iloc[row]!r}" for row in np.flatnonzero(roi.isin(_EMPTY)).tolist()]
    faults += [
        f"row {row} has an ROI of {len(roi.iloc[row])} characters, {quoted(roi.iloc[row][:20])}"
        for row in np.flatnonzero((roi.str.len() > LONGEST_ROI) | roi.str.contains(r"[\x00-\x1f\x7f]")).tolist()
    ]
    if (roi != "").any():
        faults += [f"row {row} has no ROI" for row in np.flatnonzero(roi == "").tolist()]
    product = next((name for name in ("s2_id", "s2_id_gee") if name in table), None)
    if product:
        pair = roi + " " + table[product]
        twice = pair.duplicated(keep="first") & (table[product] != "") & (roi != "")
        faults += [f"{_row(table, row)} repeats an ROI and product" for row in np.flatnonzero(twice).tolist()]
    expected = "an ROI in each row, and each ROI and product once"
    remedy = "correct or fetch the table; accepted, patches without an ROI have no place and no group"
    yield _finding(path, "ids", faults, len(table), expected, remedy)


def _product_findings(path: str, table: pd.DataFrame) -> Iterator[Finding]:
    """The product's name against date, the other name of the product, and the zone of the projection."""
    names = [name for name in ("s2_id", "s2_id_gee") if name in table]
    if not names or not {"s2_date", "proj_epsg", *names[1:]} & set(table):
        return
    claims = {name: described(table, name) for name in names}
    first = claims[names[0]]
    day = table.get("s2_date", pd.Series("", index=table.index)).str.slice(0, 10)
    pairs = [("s2_date", day.where(day.str.fullmatch(_DAY), ""), acquisition_days(first["product"]))]
    pairs += [
        pair
        for name in names[1:]
        for pair in (
            (f"day of {name}", acquisition_days(claims[name]["product"]), acquisition_days(first["product"])),
            (f"tile of {name}", claims[name]["tile"], first["tile"]),
        )
    ]
    faults, looked = [], 0
    yield from _date_findings(path, table)
    for what, one, other in pairs:
        compared = (one != "") & (other != "")
        looked += int(compared.sum())
        for row in np.flatnonzero(compared & (one != other)).tolist():
            faults.append(f"{_row(table, row)} {what} {one.iloc[row]}, of {names[0]} {other.iloc[row]}")
    zones = table.get("proj_epsg", pd.Series("", index=table.index)).str.extract(r"(32[67]\d{2})\b")[0]
    tiles = first["product"].str.extract(_TILE)
    wanted = np.where(tiles[1].fillna("N") >= "N", "326", "327") + tiles[0].fillna("").astype("str")
    compared = zones.notna() & tiles[0].notna()
    looked += int(compared.sum())
    for row in np.flatnonzero(compared & (zones != wanted)).tolist():
        faults.append(f"{_row(table, row)} EPSG:{zones.iloc[row]}, product in the zone of EPSG:{wanted[row]}")
    expected = "date, tile and projection of the product"
    remedy = "columns belong to other rows (sorted apart?): fetch the table again"
    yield _finding(path, "product", faults, looked, expected, remedy)


def _date_findings(path: str, table: pd.DataFrame) -> Iterator[Finding]:
    """Dates that are none, or written otherwise: nothing is held against them."""
    texts = table["s2_date"].where(~table["s2_date"].isin(BLANK), "") if "s2_date" in table else pd.Series(dtype="str")
    days = pd.to_datetime(texts.str.slice(0, 10), format="%Y-%m-%d", errors="coerce")
    wrong = np.flatnonzero((texts != "") & days.isna()).tolist()
    if wrong:
        found = f"{len(wrong)} rows, the first: {_row(table, wrong[0])} {quoted(texts.iloc[wrong[0]][:20])}"
        yield Finding(path, "content", "dates", "note", found, "dates as YYYY-MM-DD; others are compared with nothing")


def _place_findings(path: str, table: pd.DataFrame) -> Iterator[Finding]:
    """Codes of projections; transform, centroid and outline against each other; images of an ROI against each other."""
    codes = table.get("proj_epsg", pd.Series("", index=table.index))
    given = ~codes.isin(BLANK)
    utm = codes.str.fullmatch(rf"{UTM}|(?:EPSG:)?4326(?:\.0)?", case=False)
    faults = [f"{_row(table, row)} {codes.iloc[row][:20]!r}" for row in np.flatnonzero(given & ~utm).tolist()]
    remedy = "correct or fetch the table; accepted, such patches have no place"
    yield _finding(path, "epsg", faults, int(given.sum()), "EPSG codes of UTM zones, or 4326 for degrees", remedy)
    choices, side = place_choices(table)
    points = [np.deg2rad(choice) for choice in choices]
    apart = np.full(len(table), np.nan)
    for first in range(len(points)):
        for second in range(first):
            apart = np.fmax(apart, _distance(points[first], points[second]))
    limit = side / 2
    faults = [f"{_row(table, row)}: {apart[row] / 1000:.3g} km apart" for row in np.flatnonzero(apart > limit).tolist()]
    expected = "transform, centroid and outline within half of an image"
    remedy = "columns belong to other rows (sorted apart?), or in another projection: fetch the table again"
    yield _finding(path, "places", faults, int(np.isfinite(apart).sum()), expected, remedy)
    if "s2_view_sun_elevation" in table:
        product = next((name for name in ("s2_id", "s2_id_gee") if name in table), "s2_id")
        of_rows = described(table, product)
        places = np.select([np.isfinite(choice) for choice in choices], choices, np.nan)
        yield from sun_findings(path, of_rows["date"], places[:, 1], of_rows["sun_elevation"].to_numpy(np.float64))
    if not table.get("roi_id", pd.Series(dtype="str")).isin(BLANK).all():
        yield _roi_finding(path, table, points, side)


def _roi_finding(path: str, table: pd.DataFrame, points: list[np.ndarray], side: np.ndarray) -> Finding:
    """Whether all images of an ROI lie at one place."""
    known = np.full((len(table), 2), np.nan)
    for choice in points:
        known = np.where(np.isnan(known), choice, known)
    roi = table["roi_id"].where(~table["roi_id"].isin(BLANK))
    middle = pd.DataFrame(known).groupby(roi.to_numpy()).transform("median").reindex(range(len(table)))
    away = _distance(known, middle.to_numpy())
    members = roi.map(roi.value_counts()).fillna(0).to_numpy()
    faults = [
        f"{_row(table, row)}: {away[row] / 1000:.3g} km from the others" for row in np.flatnonzero(away > side).tolist()
    ]
    expected = "all images of an ROI at one place"
    remedy = "roi_id belongs to other rows (sorted apart?): fetch the table again"
    looked = int((np.isfinite(away) & (members > 1)).sum())
    return _finding(path, "roi-place", faults, looked, expected, remedy)


def _distance(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Distance in m of points (n, 2), longitude and latitude in radians; haversine formula."""
    half = np.sin((second - first) / 2) ** 2
    chord = half[:, 1] + np.cos(first[:, 1]) * np.cos(second[:, 1]) * half[:, 0]
    return np.asarray(2 * EARTH_M * np.arcsin(np.sqrt(np.clip(chord, 0, 1))))


def against_labels(folder: Path, split: str, fractions: np.ndarray) -> Iterator[Finding]:
    """Checks ``cloud-coverage``, ``labels-clear`` and ``difficulty``: whether they go along with the labels.

    Classes of cloudiness explain most of the variance of the ranks of cloud cover, whatever the exact limits of the
    classes and whatever was drawn anew since; after rows were shuffled or shifted they explain next to nothing.

    Parameters
    ----------
    folder : Path
        Of the release.
    split : str
        Folder of the split.
    fractions : ndarray
        float32 (patches, classes): of the labels drawn by hand.
    """
    table, there = known_metadata(folder / split), metadata_path(folder / split)
    if there is None or len(table) != len(fractions):
        return  # told by the checks of structure
    path = f"{split}/{there.name}"
    yield from _coverage_findings(path, table, fractions)
    yield from _clear_findings(path, table, fractions)
    yield from _difficulty_findings(path, table, fractions)


def _coverage_findings(path: str, table: pd.DataFrame, fractions: np.ndarray) -> Iterator[Finding]:
    from scipy import stats

    if "cloud_coverage" not in table:
        return
    expected = f"classes explain {LEAST_EXPLAINED:g} or more of the variance of cloud cover (ranks)"
    classes = table["cloud_coverage"]
    known = classes.isin(COVERAGES).to_numpy()
    cover = _cover(fractions)[known]
    if known.sum() < ENOUGH_PATCHES or classes[known].nunique() < 2 or np.ptp(cover) == 0:
        text = f"not computed: {int(known.sum())} patches, classes of cloudiness: {classes[known].nunique()}"
        expected += f"; {ENOUGH_PATCHES} patches of two classes, whose cloud cover differs"
        yield Finding(path, "content", "cloud-coverage", "note", text, expected)
        return

    ranks = pd.Series(stats.rankdata(cover))
    between = ranks.groupby(classes[known].to_numpy()).transform("mean")
    explained = float(between.var(ddof=0) / ranks.var(ddof=0))
    levels = classes[known].map(COVERAGES.index).to_numpy()
    rises = float(np.cov(levels, ranks)[0, 1]) > 0
    remedy = "the rows of the table do not belong to the images (sorted, shuffled, one missing?): fetch both again"
    good = explained >= LEAST_EXPLAINED and rises
    text = f"{explained:.3f} of {int(known.sum())} patches" + (
        "" if rises else "; the cloudier the class, the less cloud"
    )
    yield _finding(path, "cloud-coverage", [] if good else [text], text, expected, remedy)


def _cover(fractions: np.ndarray) -> np.ndarray:
    """Fraction of cloud of each patch, thick and thin."""
    cloud = [name in ("thick cloud", "thin cloud") for name in TASK.names]
    return np.asarray(fractions[:, cloud].sum(axis=1))


def _clear_findings(path: str, table: pd.DataFrame, fractions: np.ndarray) -> Iterator[Finding]:
    """Cloudy images whose labels show no cloud: labels that were lost, which are 0, clear; told only if there are."""
    cloudy = table.get("cloud_coverage", pd.Series("", index=table.index)).isin(CLOUDY).to_numpy()
    rows = np.flatnonzero(cloudy & (_cover(fractions) == 0)).tolist()
    if not rows:
        return
    named = ", ".join(_row(table, row) for row in rows[:3])
    found = f"{len(rows)} of {int(cloudy.sum())}: {named}" + (", ..." if len(rows) > 3 else "")
    expected = f"cloud in the label of each image that is {' or '.join(CLOUDY)}"
    if len(rows) < max(FEWEST_CLEAR, MOST_CLEAR * cloudy.sum()):
        remedy = "look at these images: their labels, or their classes of cloudiness, are wrong"
        yield Finding(path, "content", "labels-clear", "note", found, expected, remedy)
    else:
        remedy = "the labels of these images were lost: fetch them again"
        yield Finding(path, "content", "labels-clear", "failed", found, expected, remedy, "kept")


def _difficulty_findings(path: str, table: pd.DataFrame, fractions: np.ndarray) -> Iterator[Finding]:
    from scipy import stats

    if "difficulty" not in table:
        return
    expected = f"classes of different difficulty differ in the labels (p below {LEAST_LIKELY:g})"
    numbers = pd.to_numeric(table["difficulty"], errors="coerce").to_numpy()
    levels = [level for level in range(1, 6) if (numbers == level).sum() >= 5]
    samples = [[fractions[numbers == level, place] for level in levels] for place in range(fractions.shape[1])]
    samples = [groups for groups in samples if len(groups) > 1 and np.ptp(np.concatenate(groups)) > 0]
    count = int(np.isin(numbers, levels).sum())
    if count < MANY_PATCHES or not samples:
        text = f"not computed: {count} patches, levels with 5 patches or more: {len(levels)}"
        expected += f"; {MANY_PATCHES} patches of two levels, whose labels differ"
        yield Finding(path, "content", "difficulty", "note", text, expected)
        return

    likely = min(1.0, len(samples) * min(stats.kruskal(*groups).pvalue for groups in samples))
    remedy = "the rows of the table do not belong to the images (sorted, shuffled, one missing?): fetch both again"
    good = likely < LEAST_LIKELY
    text = f"p {likely:.2g} of {count} patches"
    yield _finding(path, "difficulty", [] if good else [text], text, expected, remedy)
