"""The page on baselines: confusion, scores by class and question, and paired comparisons."""

from collections.abc import Mapping, Sequence
from itertools import chain

import numpy as np
import pandas as pd

from sentinel_forest.config import paths
from sentinel_forest.evaluation import metrics
from sentinel_forest.report import explore, figures, foreign, groups, heatmaps, palette, strata, training
from sentinel_forest.report.inputs import ReleaseResults, VersionResults
from sentinel_forest.report.model import Item, Note, Page, Plot, Section, Source, column, p_value, score, table
from sentinel_forest.report.scores import (
    FOREST,
    REFERENCE,
    columns,
    definitions,
    kinds,
    mark_colours,
    marked,
    named,
    ordered,
    without_dummies,
)
from sentinel_forest.splits.marks import combine

LEAD = (
    "Scores of forests, reference algorithms and dummy classifiers on the test patches. All scores are computed from "
    "confusion counts. Intervals come from a bootstrap over groups. An undefined score is empty, and its note says why."
)
PER_CLASS = tuple(metric.id for metric in metrics.PER_CLASS)
MEANING = (
    "PA: producer's accuracy (recall), UA: user's accuracy (precision), F1: their harmonic mean, IoU: "
    "intersection over union. Means over the trials, with the 95 % interval of the mean; n and groups of "
    "the trial that has the fewest."
)
LEFT_OUT = " Dummy classifiers are in the files."


def page(version: VersionResults) -> Page:
    """Scores of all releases."""
    sections = [Section("Choose and compare", (explore.item(version),))]
    sections += [Section(release.title, _items(release), release.is_sample) for release in version.releases]
    return Page("baselines", "Baselines", LEAD, tuple(sections))


def _items(release: ReleaseResults) -> tuple[Item, ...]:
    averages = release.averages
    if averages is None or averages.empty:
        return tuple(foreign.items(release)) or (Note("There are no scores for this release.", "warning"),)
    scores = ordered(averages[averages["role"] == "test"])
    return (
        *_overall(release, scores),
        *_confusions(release),
        *_classes(release, scores),
        *_questions(release, scores),
        *strata.items(release),
        *_paired(release),
        *foreign.items(release),
        *groups.items(release),
        *training.items(release),
    )


def _sources(release: ReleaseResults) -> tuple[Source, ...]:
    """Where scores over trials come from."""
    return (release.from_file(paths.AVERAGES, "average"), *release.from_trials(paths.METRICS, "score"))


def _defined_by(release: ReleaseResults, rows: pd.DataFrame) -> str:
    """Who defined the metrics that the dataset's tasks have of their own, as far as rows have them."""
    sources: dict[str, list[str]] = {}
    for metric in chain.from_iterable(task.metrics for task in release.dataset.tasks.values()):
        if metric.id in set(rows["metric"]) and metric.name not in sources.setdefault(metric.source, []):
            sources[metric.source].append(metric.name)
    return "".join(f" {', '.join(names)}: {source}." for source, names in sources.items())


def _overall(release: ReleaseResults, scores: pd.DataFrame) -> list[Item]:
    rows = scores[scores["class"] == ""]
    shown = columns(release, rows, ["scheme", "classifier", "features", "task", "definition"])
    explained = (
        "Scores over all classes, on test patches. “Over present classes” leaves out classes that do not occur among "
        "the test units; “over all classes” counts every class of the published list." + _defined_by(release, rows)
    )
    return [table(f"Overall scores on {release.name}", shown, _sources(release), explained, release.is_sample)]


def _confusions(release: ReleaseResults) -> list[Item]:
    """Matrices of the forests in all schemes side by side, then those of the reference algorithms."""
    counts = release.confusion
    counts = ordered(counts[counts["role"] == "test"])
    marks = (
        release.metrics[release.metrics["role"] == "test"]
        .groupby("scheme")["mark"]
        .agg(lambda texts: combine(list(texts)))
    )
    counts = counts.assign(kind=kinds(counts), panel=named(counts) + ", " + counts["scheme"])
    items: list[Item] = []
    for (task, features), rows in counts[counts["kind"] == FOREST].groupby(["task", "features"], sort=False):
        name = f"the forest on {features}" + (f" ({task})" if len(release.dataset.tasks) > 1 else "")
        words = rows["scheme"].map(marks).fillna("unknown").map(palette.in_words)
        rows = rows.assign(panel=rows["scheme"] + ": " + words)
        own = dict.fromkeys(rows["panel"], release.dataset.tasks[str(task)].names)
        items.append(_confusion(release, str(task), name, rows, own))
    is_shown = (counts["kind"] == REFERENCE) & (counts["scheme"] == release.primary[0])
    for task, rows in counts[is_shown].groupby("task", sort=False):
        rows = rows.assign(panel=rows["classifier"])
        name = f"the reference algorithms on {release.primary[0]}"
        answers = {each: release.dataset.references[each].predicted for each in dict.fromkeys(rows["classifier"])}
        items.append(_confusion(release, str(task), name, rows, answers))
    return items


def _confusion(
    release: ReleaseResults, task: str, name: str, rows: pd.DataFrame, predicted: Mapping[str, Sequence[str]]
) -> Plot:
    """Matrices of a task, one for each panel; `predicted` are its columns."""
    about = release.dataset.tasks[task]
    matrices = {part: matrix(rows[rows["panel"] == part], about.names, names) for part, names in predicted.items()}
    frame = pd.concat([_long(part, counts) for part, counts in matrices.items()], ignore_index=True)
    schemes = frozenset(rows["scheme"])
    used = release.from_trials(paths.CONFUSION, "score", of=schemes)
    unit = "patches" if about.unit == "patch" else "pixels"
    return Plot(
        f"Confusion of {name}, {release.name}",
        heatmaps.confusions(frame, about.names, predicted),
        " ".join(f"{part}: {_agreement(counts)}" for part, counts in matrices.items()),
        f"Each row is a true class; each cell has the percentage of its {unit} that were given the class of the "
        "column. The diagonal is right, where the names agree. Test patches of all trials together. A dot is less "
        "than half a percent, an empty cell is 0, “–” a class without test units. The counts are in the TSV file.",
        "A dark column: too much is given this class. A row with a pale diagonal: this class is not found.",
        tuple(used),
        release.is_sample,
    )


def matrix(rows: pd.DataFrame, classes: Sequence[str], predicted: Sequence[str]) -> pd.DataFrame:
    """Counts, int64, of true (rows) and predicted (columns) classes."""
    counts = rows.pivot_table(index="true", columns="predicted", values="count", aggfunc="sum", fill_value=0)
    return counts.reindex(index=list(classes), columns=list(predicted), fill_value=0).astype("int64")


def _long(part: str, counts: pd.DataFrame) -> pd.DataFrame:
    totals = counts.sum(axis=1).replace(0, np.nan)
    percent = (100 * counts.div(totals, axis=0)).rename_axis(index="true", columns="predicted")
    long = percent.reset_index().melt("true", var_name="predicted", value_name="percent")
    return long.assign(panel=part, count=counts.to_numpy().ravel(order="F"))


def _agreement(counts: pd.DataFrame) -> str:
    """How much is on the diagonal, and the fraction of each class that is."""
    totals = counts.sum(axis=1)
    same = [name for name in counts.index if name in counts.columns]
    right = sum(int(counts.loc[name, name]) for name in same)
    parts = [f"{name} {100 * counts.loc[name, name] / totals[name]:.0f} %" for name in same if totals[name]]
    return f"{right:,} of {int(totals.sum()):,} on the diagonal ({', '.join(parts)})."


def _classes(release: ReleaseResults, scores: pd.DataFrame) -> list[Item]:
    rows = scores[scores["metric"].isin(PER_CLASS)]
    sources = _sources(release)
    items: list[Item] = []
    forests = rows[kinds(rows) == FOREST]
    for (task, features), part in forests[(forests["metric"] == "f1") & (forests["weighting"] == "none")].groupby(
        ["task", "features"], sort=False
    ):
        drawn = part.assign(label=part["class"], series=marked(part))
        if drawn["value"].notna().any():
            known = drawn[drawn["value"].notna()]
            best, worst = (known.iloc[int(place)] for place in np.argsort(-known["value"].to_numpy())[[0, -1]])
            items.append(
                Plot(
                    f"F1 by class of the forest {features} on {release.name}",
                    figures.intervals(drawn, "F1, test patches", limits=(0, 1), colours=mark_colours(part)),
                    f"F1 of each class by scheme for {task}. Best: {best['class']} {best['value']:.2f} "
                    f"({best['scheme']}); worst: {worst['class']} {worst['value']:.2f} "
                    f"({worst['scheme']}).",
                    "A row for each class; a symbol for each scheme, its bar the 95 % interval over groups, where "
                    "enough of them have the class.",
                    "Rare classes that score high in a scheme that leaks and low in one without leaks. Where the "
                    "intervals of all schemes overlap, no difference is shown.",
                    sources,
                    release.is_sample,
                )
            )
    shown = columns(release, without_dummies(rows), ["class", "scheme", "classifier", "features", "definition"])
    items.append(table(f"Scores by class on {release.name}", shown, sources, MEANING + LEFT_OUT, release.is_sample))
    return items


def _questions(release: ReleaseResults, scores: pd.DataFrame) -> list[Item]:
    rows = without_dummies(scores[(scores["class"] != "") & ~scores["metric"].isin(PER_CLASS)])
    if rows.empty:
        return []
    shown = columns(release, rows, ["class", "scheme", "classifier", "features", "definition"])
    explained = (
        "A question divides the classes into two, such as cloud and no cloud. “Pooled”: all units together; “over "
        "patches”: the median or mean of the scores of single patches; “%”: the fraction of patches whose score lies "
        "in the range." + LEFT_OUT + _defined_by(release, rows)
    )
    sources = _sources(release)
    return [
        table(
            f"Scores by question on {release.name}", shown, sources, explained, release.is_sample, {"class": "question"}
        )
    ]


def _paired(release: ReleaseResults) -> list[Item]:
    rows = release.paired[release.paired["role"] == "test"]
    if rows.empty:
        return [Note("There is nothing to compare: a role has one classifier only.")]
    sources = release.from_trials(paths.PAIRED, "score")
    one = rows[["classifier_a", "features_a"]].set_axis(["classifier", "features"], axis=1)
    other = rows[["classifier_b", "features_b"]].set_axis(["classifier", "features"], axis=1)
    named_rows = rows.assign(a=named(one), b=named(other))
    items: list[Item] = []
    primary = named_rows[
        (named_rows["scheme"] == release.primary[0])
        & (named_rows["trial"] == release.primary[1])
        & (named_rows["metric"] == "oa")
        & (named_rows["weighting"] == "none")
        & named_rows["low"].notna()
    ]
    if len(primary):
        drawn = primary.assign(
            label=primary["a"] + " − " + primary["b"], series=marked(primary), value=primary["difference"]
        )
        items.append(
            Plot(
                f"Paired differences of OA on {release.name}",
                figures.intervals(
                    drawn,
                    f"difference of overall accuracy, {release.primary[0]} {release.primary[1]}, test patches",
                    zero=True,
                    colours=mark_colours(primary),
                ),
                "Differences of overall accuracy: "
                + "; ".join(f"{row.label} {row.value:+.3f}" for row in drawn.head(6).itertuples())
                + ".",
                "Both classifiers are scored on the same patches, and intervals come from the same draws of groups. "
                "Right of 0, the first one is better.",
                "A forest that is not better than a dummy classifier. An interval that includes 0 shows no "
                "difference, even if its middle is far from 0.",
                sources[:1],
                release.is_sample,
            )
        )
    shown = named_rows[["a", "b", "scheme", "trial", "task"]].copy()
    shown["definition"] = definitions(named_rows)
    shown["difference [95 % interval]"] = column(
        [score(row.difference, row.low, row.high) for row in rows.itertuples()]
    )
    for title, name in (("p", "p"), ("p (Holm)", "p_holm")):
        shown[title] = column(map(p_value, rows[name]))
    shown["test"], shown["mark"], shown["note"] = rows["test"], rows["mark"], rows["note"]
    explained = (
        "Difference a − b on the same patches. p (Holm) is corrected for all pairs that are compared by the same "
        "metric. With few groups, neither intervals nor p can be trusted."
    )
    items.append(table(f"Paired comparisons on {release.name}", shown, sources, explained, release.is_sample))
    return items
