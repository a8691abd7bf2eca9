"""The page on baselines: confusion, scores by class and question, and paired comparisons."""

import numpy as np
import pandas as pd

from sentinel_forest.datasets.base import Task
from sentinel_forest.evaluation import metrics
from sentinel_forest.report import figures, foreign, strata, training
from sentinel_forest.report.inputs import ReleaseResults, VersionResults
from sentinel_forest.report.model import Item, Note, Page, Plot, Section, Source, column, number, score, table
from sentinel_forest.report.scores import (
    METRICS,
    columns,
    definitions,
    kind,
    marked,
    named,
    ordered,
    texts,
    without_trivial,
)

LEAD = (
    "How forests, reference algorithms and trivial classifiers do on the test patches. Every score "
    "follows from the confusion counts; intervals come from a bootstrap over groups, and an undefined "
    "score is empty, with its reason."
)
PAIRED = "baselines/{scheme}/{trial}/paired.tsv"
CONFUSION = "baselines/{scheme}/{trial}/confusion.parquet"
PER_CLASS = tuple(metric.id for metric in metrics.PER_CLASS)
MEANING = (
    "PA: producer's accuracy (recall), UA: user's accuracy (precision), F1: their harmonic mean, IoU: "
    "intersection over union. Means over the trials, with the 95 % interval of the mean; n and groups of "
    "the trial that has the fewest."
)
LEFT_OUT = " Trivial classifiers are in the files."


def page(version: VersionResults) -> Page:
    """Scores of all releases."""
    sections = [Section(release.title, _items(release), release.is_sample) for release in version.releases]
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
        *training.items(release),
    )


def _sources(release: ReleaseResults) -> tuple[Source, ...]:
    """Where scores over trials come from."""
    return (release.from_file("averages.tsv", "average"), *release.from_trials(METRICS, "score"))


def _overall(release: ReleaseResults, scores: pd.DataFrame) -> list[Item]:
    rows = scores[scores["class"] == ""]
    shown = columns(release, rows, ["scheme", "classifier", "features", "task", "definition"])
    explained = (
        "Figures over all classes, role test. “over present classes” leaves out classes that do not "
        "occur among the test units, “over all classes” takes the published list."
    )
    return [table(f"Overall scores on {release.name}", shown, _sources(release), explained, release.is_sample)]


def _confusions(release: ReleaseResults) -> list[Item]:
    counts = release.confusion
    counts = ordered(counts[counts["role"] == "test"])
    sources = release.from_trials(CONFUSION, "score")
    test = release.metrics[release.metrics["role"] == "test"]
    marks = test.groupby("scheme")["mark"].agg(texts)
    items: list[Item] = []
    for key, rows in counts.groupby(["task", "features", "classifier", "scheme"], sort=False):
        task, features, classifier, scheme = map(str, key)
        first = release.primary[0] == scheme
        if kind(classifier, features) == "forest" or (kind(classifier, features) == "reference" and first):
            used = tuple(source for source in sources if f"/{scheme}/" in source.path)
            items += _confusion(
                release,
                release.dataset.tasks[task],
                f"{classifier} {features}".strip(),
                scheme,
                str(marks.get(scheme, "")),
                rows,
                used,
            )
    return items


def _confusion(
    release: ReleaseResults,
    task: Task,
    classifier: str,
    scheme: str,
    mark: str,
    rows: pd.DataFrame,
    sources: tuple[Source, ...],
) -> list[Item]:
    """The figure of row shares, and the counts as a table."""
    name = f"{classifier} on {release.name}, {scheme}" + (f" ({task.name})" if len(release.dataset.tasks) > 1 else "")
    matrix = rows.pivot_table(index="true", columns="predicted", values="count", aggfunc="sum", fill_value=0)
    predicted = list(task.names)
    if classifier in release.dataset.references:
        predicted = list(release.dataset.references[classifier].predicted)
    matrix = matrix.reindex(index=list(task.names), columns=predicted, fill_value=0)
    total = int(matrix.to_numpy().sum())
    agreement = sum(int(matrix[each][each]) for each in task.names if each in matrix.columns)
    plot = Plot(
        f"Confusion of {name}",
        figures.confusion(matrix, {each.name: each.colour for each in task.categories}),
        f"Confusion matrix, rows sum to 100 %. {_recalls(matrix)}",
        "Each row is a true class, each cell the share of its "
        f"{'patches' if task.unit == 'patch' else 'pixels'} in percent that got the predicted class; "
        f"the diagonal is right (where the names agree). {total:,} units of the role test, all trials "
        f"together; mark: {mark}.",
        "A dark column: a class that everything is called. A row without its dark cell on the "
        "diagonal: a class that is not found. “–”: no such true units.",
        sources,
        release.is_sample,
    )
    frame = matrix.astype("int64").reset_index().rename_axis(columns=None)
    frame.insert(len(frame.columns), "all", matrix.sum(axis=1).to_numpy())
    explained = (
        f"Rows: true classes, columns: predicted classes. {agreement:,} of {total:,} on the diagonal. Mark: {mark}."
    )
    return [
        plot,
        table(f"Counts of {name}", frame, sources, explained, release.is_sample, {"true": "true class"}, True),
    ]


def _recalls(matrix: pd.DataFrame) -> str:
    totals = matrix.sum(axis=1)
    parts = [
        f"{name}: {100 * matrix[name][name] / totals[name]:.0f} % right"
        for name in matrix.index
        if name in matrix.columns and totals[name]
    ]
    return ", ".join(parts) + "." if parts else "True and predicted classes have different names."


def _classes(release: ReleaseResults, scores: pd.DataFrame) -> list[Item]:
    rows = scores[scores["metric"].isin(PER_CLASS)]
    sources = _sources(release)
    items: list[Item] = []
    kinds = [kind(*pair) for pair in zip(rows["classifier"], rows["features"], strict=True)]
    forests = rows[np.array(kinds, dtype=object) == "forest"]
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
                    figures.intervals(drawn, "F1, role test", limits=(-0.02, 1.02)),
                    f"F1 of each class by scheme for {task}. Best: {best['class']} {best['value']:.2f} "
                    f"({best['scheme']}); worst: {worst['class']} {worst['value']:.2f} "
                    f"({worst['scheme']}).",
                    "A row for each class, a symbol for each scheme (with the mark of its scores), the "
                    "bar its 95 % interval over groups.",
                    "Rare classes with a high score in a scheme that leaks and a low one in a clean "
                    "scheme; intervals so wide that no order can be told (too few groups).",
                    sources,
                    release.is_sample,
                )
            )
    shown = columns(release, without_trivial(rows), ["class", "scheme", "classifier", "features", "definition"])
    items.append(table(f"Scores by class on {release.name}", shown, sources, MEANING + LEFT_OUT, release.is_sample))
    return items


def _questions(release: ReleaseResults, scores: pd.DataFrame) -> list[Item]:
    rows = without_trivial(scores[(scores["class"] != "") & ~scores["metric"].isin(PER_CLASS)])
    if rows.empty:
        return []
    shown = columns(release, rows, ["class", "scheme", "classifier", "features", "definition"])
    explained = (
        "A two-class question counts some classes as positive. “pooled”: all units together; “over "
        "patches”: one score for each patch, then their median or mean; “%”: share of patches whose "
        "score lies in the range." + LEFT_OUT
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
    sources = release.from_trials(PAIRED, "score")
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
            label=primary["a"] + " − " + primary["b"],
            series=primary["task"] + " (" + primary["mark"] + ")",
            value=primary["difference"],
        )
        items.append(
            Plot(
                f"Paired differences of OA on {release.name}",
                figures.intervals(
                    drawn,
                    f"difference of overall accuracy, {release.primary[0]} {release.primary[1]}, role test",
                    zero=True,
                ),
                "Differences of overall accuracy: "
                + "; ".join(f"{row.label} {row.value:+.3f}" for row in drawn.head(6).itertuples())
                + ".",
                "Both classifiers are held against each other on the same patches and the same draws "
                "of groups; right of 0 the first is better.",
                "An interval that includes 0 shows no difference, however far its middle is from 0. A "
                "forest that is not better than a trivial classifier.",
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
        shown[title] = column(number(value, 4) for value in rows[name])
    shown["test"], shown["mark"], shown["note"] = rows["test"], rows["mark"], rows["note"]
    explained = (
        "Difference a − b on the same patches. p (Holm) is corrected for all pairs that are compared "
        "by the same figure. Few groups make intervals and p untrustworthy."
    )
    items.append(table(f"Paired comparisons on {release.name}", shown, sources, explained, release.is_sample))
    return items
