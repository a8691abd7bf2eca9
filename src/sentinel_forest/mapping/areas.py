"""Areas of the classes of a map, with standard errors, from reference points drawn as a probability sample.

Counting pixels of a map gives a biased area: the map's errors do not cancel. The area of a class is therefore
estimated from the reference labels of a stratified random sample of the mapped area, whose strata are most often
the classes of the map (Olofsson et al. 2014, doi 10.1016/j.rse.2014.02.015). Strata that are not the map's classes
are allowed: the estimators are those of Stehman (2014, doi 10.1080/01431161.2014.930207), of which those of
Olofsson et al. are the special case.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from sentinel_forest.config.validation import nearest
from sentinel_forest.errors import InputError
from sentinel_forest.io import schemas as pa
from sentinel_forest.io.tables import columns, write_tsv
from sentinel_forest.steps import Output

Z = 1.959963984540054
"""Quantile 0.975 of the standard normal distribution: half width of a 95 % interval in standard errors."""

FEWEST = 2
"""Points that a stratum needs at least: the variance within one point is not known."""

AREAS = pa.DataFrameSchema(
    {
        **columns("str", "quantity", "class"),
        **columns("float64", "value", "se", "low", "high", nullable=True),
        **columns("int64", "n"),
    },
    strict=True,
)
"""Estimates: areas in the unit of the strata, the others as fractions; `se` is the standard error."""

NO_SAMPLE = (
    "Benchmark patches are no probability sample of a mapped area: they were chosen for their classes, cities or "
    "clouds, so that no inclusion probability is known."
)


def estimate_areas(points: pd.DataFrame, strata: pd.DataFrame) -> pd.DataFrame:
    """Estimate the area of each class, and the accuracies of the map, from a stratified random sample.

    Parameters
    ----------
    points : DataFrame
        A row for each reference point: `stratum`, `map` (class of the map there) and `reference` (class found there).
    strata : DataFrame
        A row for each stratum: `stratum` and `area`, in any unit (hectares, or pixels of equal size).

    Returns
    -------
    DataFrame
        Rows ``quantity`` (`area`, `area fraction`, `overall accuracy`, `user's accuracy`, `producer's accuracy`),
        `class` (empty for the overall accuracy), `value`, `se` (standard error), `low`, `high` (95 % interval,
        cut where it goes beyond 0 or the whole area, missing where all points agree), `n` (points). A value that is
        undefined is missing.

    Raises
    ------
    InputError
        If a stratum has no area or fewer than two points, or an area is not positive.

    References
    ----------
    .. [1] P. Olofsson et al. (2014), Good practices for estimating area and assessing accuracy of land change,
       Remote Sensing of Environment 148, 42-57, doi 10.1016/j.rse.2014.02.015.
    .. [2] S. V. Stehman (2014), Estimating area and map accuracy for stratified random sampling when the strata are
       different from the map classes, International Journal of Remote Sensing 35, 4923-4939,
       doi 10.1080/01431161.2014.930207.

    Examples
    --------
    >>> points = pd.DataFrame({"stratum": ["water"] * 4 + ["land"] * 4, "map": ["water"] * 4 + ["land"] * 4,
    ...                        "reference": ["water", "water", "water", "land"] + ["land"] * 4})
    >>> strata = pd.DataFrame({"stratum": ["water", "land"], "area": [40.0, 60.0]})
    >>> table = estimate_areas(points, strata).set_index(["quantity", "class"])
    >>> [float(table.loc[("area", name), "value"]) for name in ("water", "land")]
    [30.0, 70.0]
    """
    areas = _areas_of(points, strata)
    estimate = _Estimator(points["stratum"].to_numpy(), areas)
    total = float(areas.sum())
    mapped, reference = points["map"].to_numpy(), points["reference"].to_numpy()
    everything = np.ones(len(points), dtype=bool)
    rows: list[dict[str, object]] = []
    classes = sorted({*points["map"], *points["reference"]}, key=str)
    for name in classes:
        fraction, error = estimate.ratio(reference == name, everything)
        n = int((reference == name).sum())
        rows.append(_row("area", name, fraction, error, n, total))
        rows.append(_row("area fraction", name, fraction, error, n))
    rows.append(_row("overall accuracy", "", *estimate.ratio(mapped == reference, everything), len(points)))
    for quantity, side in (("user's accuracy", mapped), ("producer's accuracy", reference)):
        for name in classes:
            both = (mapped == name) & (reference == name)
            rows.append(_row(quantity, name, *estimate.ratio(both, side == name), int((side == name).sum())))
    return pd.DataFrame(rows)


class _Estimator:
    """Estimates ratios of totals from a stratified random sample."""

    def __init__(self, stratum: np.ndarray, areas: "pd.Series[float]") -> None:
        self.areas = areas.to_numpy(dtype=float)
        self.rows = [np.flatnonzero(stratum == name) for name in areas.index]

    def ratio(self, numerator: np.ndarray, denominator: np.ndarray) -> tuple[float, float]:
        """Ratio of two totals of indicators, and its standard error; NaN where the denominator is 0."""
        y, x = numerator.astype(float), denominator.astype(float)
        means = [(y[rows].mean(), x[rows].mean()) for rows in self.rows]
        total_y, total_x = (float(self.areas @ np.array(part)) for part in zip(*means, strict=True))
        if total_x == 0:
            return float("nan"), float("nan")
        ratio = total_y / total_x
        residual = y - ratio * x
        variance = sum(
            area**2 * residual[rows].var(ddof=1) / len(rows) for area, rows in zip(self.areas, self.rows, strict=True)
        )
        return ratio, float(np.sqrt(variance)) / total_x


def _row(quantity: str, name: object, value: float, error: float, n: int, unit: float = 1.0) -> dict[str, object]:
    """A fraction in some unit, with its interval, which is cut at what no fraction can be; none without variance."""
    half = Z * error if error > 0 else np.nan
    return {
        "quantity": quantity,
        "class": str(name),
        "value": value * unit,
        "se": error * unit,
        "low": np.maximum(value - half, 0.0) * unit,
        "high": np.minimum(value + half, 1.0) * unit,
        "n": n,
    }


def _areas_of(points: pd.DataFrame, strata: pd.DataFrame) -> "pd.Series[float]":
    """Area of each stratum that has points, checked against them."""
    if repeated := sorted(strata["stratum"][strata["stratum"].duplicated()].astype(str)):
        raise InputError("A stratum stands twice in the table of strata.", found=repeated[0])
    areas = pd.to_numeric(strata.set_index("stratum")["area"], errors="coerce").astype(float)
    if not (np.isfinite(areas) & (areas > 0)).all():
        worst = int(np.flatnonzero(~(np.isfinite(areas) & (areas > 0)))[0])
        raise InputError(
            "The area of a stratum is not a positive number.",
            where=f"stratum {areas.index[worst]}",
            found=strata["area"].iloc[worst],
            expected="a number with a point and no unit, in the same unit for all strata",
        )
    counts = points["stratum"].value_counts().reindex(areas.index, fill_value=0)
    if unknown := sorted(set(points["stratum"].astype(str)) - set(areas.index.astype(str))):
        raise InputError(
            "Points lie in a stratum whose area is not given.",
            found=unknown[0],
            expected=nearest(unknown[0], areas.index.astype(str)),
            remedy="correct the name, or give the area of this stratum",
        )
    if (counts < FEWEST).any():
        worst = counts[counts < FEWEST].index[0]
        raise InputError(
            "A stratum has too few points for a standard error.",
            where=f"stratum {worst}",
            found=int(counts[worst]),
            expected=f"at least {FEWEST} points in every stratum",
            remedy="draw more points there, or join it with another stratum before drawing",
        )
    return areas


def areas(*, points: Path, strata: Path, output: Output) -> None:
    """Estimate the areas of a map's classes from a probability sample of reference points.

    Parameters
    ----------
    points : Path
        CSV with a row for each reference point: `stratum`, `reference`, and `map` unless the strata are the classes
        of the map. The points must be drawn at random within each stratum.
    strata : Path
        CSV with `stratum` and `area` (hectares, or pixels of equal size).
    output : Path
        TSV of areas and accuracies with standard errors and 95 % intervals.
    """
    table = _read(points, ["stratum", "reference"])
    if "map" not in table:
        table["map"] = _classes_of_strata(table, points)
    write_tsv(output, estimate_areas(table, _read(strata, ["stratum", "area"])), AREAS)


def _classes_of_strata(table: pd.DataFrame, where: Path) -> "pd.Series[str]":
    """The strata as classes of the map."""
    if not set(table["stratum"]) & set(table["reference"]):
        raise InputError(
            "The strata are not the classes of the map, and there is no column with these.",
            where=where,
            found=f"strata such as {table['stratum'].iloc[0]}, references such as {table['reference'].iloc[0]}",
            expected="a column map: the class of the map at each point",
            remedy="add it",
        )
    return table["stratum"]


def _read(path: Path, required: list[str]) -> pd.DataFrame:
    """Read a table of a user's; refuse the tables of a version."""
    if path.suffix.lower() == ".parquet":
        raise InputError(NO_SAMPLE, where=path, remedy="give a CSV of points that were drawn at random in each stratum")
    try:
        table = pd.read_csv(path, dtype={"stratum": str, "map": str, "reference": str})
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError("This is no CSV table.", where=path, found=str(error)[:80]) from None
    if {"patch", "role"} & set(table.columns):
        raise InputError(NO_SAMPLE, where=path, remedy="give points that were drawn at random in each stratum")
    if missing := [name for name in required if name not in table]:
        raise InputError(
            "A column is missing.", where=path, found=", ".join(map(str, table.columns))[:80], expected=missing[0]
        )
    texts = [name for name in ("stratum", "map", "reference") if name in table]
    table[texts] = table[texts].apply(lambda column: column.str.strip().replace("", None))
    used = [*texts, *(name for name in ("area",) if name in table)]
    if table.empty or table[used].isna().any().any():
        row = int(table[used].isna().any(axis=1).argmax()) if len(table) else 0
        raise InputError("A value is missing.", where=f"{path}, line {row + 2}", expected=", ".join(used))
    return table
