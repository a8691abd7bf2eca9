"""The page on how forests behave: curves over trees and training groups, and how true probabilities are."""

from typing import NamedTuple

import pandas as pd

from sentinel_forest.config import paths
from sentinel_forest.evaluation.calibration import AS_IT_IS, ISOTONIC
from sentinel_forest.evaluation.curves import GROUPS, TREES
from sentinel_forest.evaluation.held_out import BRIER
from sentinel_forest.evaluation.metrics import short
from sentinel_forest.report import applicability, engines, figures
from sentinel_forest.report.inputs import ReleaseResults, VersionResults
from sentinel_forest.report.model import Cell, Item, Note, Page, Plot, Section, column, number, percent, score, table

LEAD = (
    "Would more trees or more training groups help? Where a forest predicts a class with a probability of 90 %, is it "
    "right nine times in ten? One trial of each release is examined. For all forests, the out-of-bag score stands "
    "beside the test score."
)


class About(NamedTuple):
    """A kind of curve: its title, the column that it runs over (and its words), how to read it."""

    title: str
    across: str
    words: str
    reading: str
    suspicious: str


ABOUT = {
    TREES: About(
        "Scores by number of trees",
        "trees",
        "trees",
        "A forest of about four fifths of the training groups; only its first trees are used.",
        "Curves that still rise at their right end: the forest has too few trees. Accuracy that falls as trees are "
        "added.",
    ),
    GROUPS: About(
        "Learning curve",
        "training_groups",
        "training groups",
        "Forests with all trees, grown on some of the training groups. Each number of groups is drawn several times: "
        "a small point is one draw, the line is their mean.",
        "Curves that still rise at their right end: more training groups would help. A curve that is flat from the "
        "start: the task is easy, or training and test resemble each other too much.",
    ),
}
ASIDE = (
    "Scores are on a fifth of the training groups, set aside for this figure; test patches are not used. Bands and "
    "bars: 95 % intervals over these groups."
)
HELD_OUT = (
    "The rows of validation and test patches in the feature table are used. In pixel tasks they are a sample of the "
    "pixels, so the scores of the other pages are the more exact ones."
)
BEFORE, AFTER = "forest", "after isotonic calibration"


def page(version: VersionResults) -> Page:
    """Curves and calibration of all releases that have forests of their own."""
    sections = [Section(release.title, _items(release), release.is_sample) for release in version.releases]
    return Page("forests", "Curves", LEAD, tuple(sections))


def _items(release: ReleaseResults) -> tuple[Item, ...]:
    if release.source != release.name:
        return (Note(f"The forests tested on {release.name} are those of {release.source}: see there."),)
    keys = ["features", "scheme", "trial"]
    items: list[Item] = []
    for key, rows in release.curves.groupby([*keys, "curve"], sort=False):
        items += _curve(release, f"{key[0]}, {key[1]} {key[2]}", rows)
    for key, rows in release.calibration.groupby(keys, sort=False):
        items += _calibration(release, f"{key[0]}, {key[1]} {key[2]}", rows)
    items += applicability.items(release)
    items += engines.items(release)
    return tuple(items) or (Note("No forest of this release was looked into."),)


def _curve(release: ReleaseResults, name: str, rows: pd.DataFrame) -> list[Item]:
    """Scores of a forest by the number of its trees or of its training groups, as a figure and a table."""
    sources = release.from_trials(paths.CURVES, "importance")
    about = ABOUT[rows["curve"].iloc[0]]
    title = f"{about.title} on {release.name}: {name}"
    is_brier = rows["metric"] == BRIER
    names = rows["metric"].map(short).replace(BRIER, "Brier score")
    drawn = rows.assign(
        panel=is_brier.map({True: "Brier score (0 is best)", False: "accuracy (1 is best)"}),
        series=names.where(~is_brier, names + " of " + rows["event"]),
        at=rows[about.across],
    )
    whole = drawn[drawn["at"] == drawn["at"].max()]
    columns = ["trees", "training_groups", "draw", "training_rows", "metric", "event", "rows", "groups", "note"]
    shown = rows[columns].copy()
    shown["metric"] = names
    shown.insert(6, "value [95 % interval]", column(_intervals(rows, "value")))
    return [
        Plot(
            title,
            figures.lines(*_mean_and_draws(drawn[drawn["value"].notna()]), about.words),
            f"With all {whole['at'].iloc[0]} {about.words}: "
            + ", ".join(f"{row.series} {row.value:.3f}" for row in whole.itertuples())
            + ".",
            f"{about.reading} {ASIDE}",
            about.suspicious,
            sources,
            release.is_sample,
        ),
        table(
            f"{title}, values",
            shown,
            sources,
            "Brier score: mean of (probability − 0 or 1)², 0 is best. Rows and groups: of those that are set aside.",
            release.is_sample,
            is_folded=True,
        ),
    ]


def _mean_and_draws(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The mean over the draws at each step, with the interval of a single draw where there is one; and all draws."""
    keys = ["panel", "series", "at"]
    steps = rows.groupby(keys, sort=False)
    single = steps["draw"].transform("size") == 1
    mean = steps["value"].mean().reset_index()
    bands = rows.loc[single, [*keys, "low", "high"]]
    return mean.merge(bands, on=keys, how="left"), rows.loc[~single, [*keys, "value"]]


def _calibration(release: ReleaseResults, name: str, rows: pd.DataFrame) -> list[Item]:
    """Predicted against observed, as a figure and a table."""
    sources = release.from_trials(paths.CALIBRATION, "importance")
    event = rows["event"].iloc[0]
    rows = rows.assign(series=rows["calibration"].map({AS_IT_IS: BEFORE, ISOTONIC: AFTER}))
    shown = pd.DataFrame(
        {
            "probabilities": rows["series"],
            "from": rows["bin_low"],
            "below": rows["bin_high"],
            "predicted": column(number(float(value)) for value in rows["predicted"]),
            "observed [95 % interval]": column(_intervals(rows, "observed")),
            "fraction": column(map(percent, rows["fraction"])),
            "rows": rows["rows"],
            "groups": rows["groups"],
            "note": rows["note"],
        }
    )
    return [
        Plot(
            f"Calibration on {release.name}: {name}",
            figures.calibration(rows),
            f"Observed fraction of “{event}” by predicted probability. {_error(rows)}",
            f"In ten bins: the probability of “{event}” that the forest predicts (horizontal), and the fraction of "
            "rows for which it is true (vertical); bars: 95 % intervals over groups. Below: the fraction of rows in "
            "each bin. Isotonic calibration is fitted on four fifths of the groups and shown on the last fifth, each "
            f"fifth in turn (with fewer than five groups: on all but one, and shown on that one). {HELD_OUT}",
            "Points far from the dashed line: below it, the predicted probabilities are too high, above it too low. "
            "Only 0 and 1: the trees are too deep for so few rows.",
            sources,
            release.is_sample,
        ),
        table(
            f"Calibration on {release.name}: {name}, values",
            shown,
            sources,
            "One row for each bin of predicted probability; the last holds 1 as well.",
            release.is_sample,
            is_folded=True,
        ),
    ]


def _error(rows: pd.DataFrame) -> str:
    """The expected calibration error of each series, in words (Naeini et al. 2015, doi:10.1609/aaai.v29i1.9602)."""
    known = rows[rows["observed"].notna()]
    gaps = (known["observed"] - known["predicted"]).abs() * known["fraction"]
    errors = gaps.groupby(known["series"], sort=False).sum()
    return (
        "Mean distance from the diagonal: " + ", ".join(f"{name} {value:.3f}" for name, value in errors.items()) + "."
    )


def _intervals(rows: pd.DataFrame, name: str) -> list[Cell]:
    return [score(*values) for values in rows[[name, "low", "high"]].itertuples(index=False, name=None)]
