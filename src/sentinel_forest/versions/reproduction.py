"""The reproduction sheet: published figures beside those of a version, with a verdict on each.

A published figure of a forest is *inside* if it lies in the 95 % interval of ours (over groups), widened by
half a unit of its last published decimal; else the sheet says by how much it lies *outside*. A reference
algorithm ships with the release and leaves nothing to chance: on the same images its score is the published
one. So ours is *equal to the printed decimals*, or *differs*, whatever its interval. The same holds for predictions and
metrics of each patch that the authors of a model published themselves. No verdict is given
where the two are not of the same thing: sample data; another release, split, other bands, classes, another
metric or model; a figure that is itself unconfirmed, or one that the version does not have.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from sentinel_forest.evaluation import metrics
from sentinel_forest.evaluation.confusion import ROLES
from sentinel_forest.evaluation.evaluate import UNWEIGHTED
from sentinel_forest.evaluation.figures import PLACE, Place
from sentinel_forest.evaluation.score import METRICS
from sentinel_forest.evaluation.scored import notes
from sentinel_forest.io import schemas as pa
from sentinel_forest.io.tables import columns, conform, read_tsv, write_tsv
from sentinel_forest.models.scored_pixels import ALL_PIXELS
from sentinel_forest.registry import PAPERS
from sentinel_forest.steps import Output, ReleaseFile
from sentinel_forest.versions.papers import Figure, read_papers

UNCONFIRMED = "unconfirmed"
REGROUPED = "merged or dropped in this version"
EQUAL = "equal to the printed decimals"
VERDICTS = rf"^(inside$|outside by [+-]|{EQUAL}$|differs by [+-]|not comparable: )"

OF_THE_MODEL = frozenset({"release", "bands", "model"})
"""Aspects in which a figure does not differ from the predictions of the very model that it is of."""

PAPERS_PIXELS, OUR_PIXELS = "as in the paper", "as in this project"

REPRODUCTION = pa.DataFrameSchema(
    {
        **columns("str", "paper", "figure", "confirmed", "release", "scheme"),
        **columns("int64", "trial"),
        **columns("str", "classifier", "features", "task"),
        "role": pa.Column("str", pa.Check.isin(ROLES)),
        **columns("str", "metric", "definition", "class"),
        "pixels": pa.Column("str", pa.Check.isin([PAPERS_PIXELS, OUR_PIXELS])),
        **columns("float64", "published"),
        **columns("float64", "ours", "low", "high", nullable=True),
        "verdict": pa.Column("str", pa.Check.str_matches(VERDICTS)),
        **columns("str", "note", "source", "protocol"),
    },
    strict=True,
    ordered=True,
)
"""Published figures beside ours.

`figure`: table and model of the paper's file; `confirmed`: how far the published figure itself is. From
`release` to `class`: what ours is (the figure's own release and trial 1 where the version has none). `pixels`: which of
a patch were scored: those of the paper, or those that the project counts, which leaves out pixels without a
measurement; a second row of a figure is there only where the two differ.
`published`, `ours`, `low`, `high`: as in `score.METRICS`. `verdict`: ``inside``; ``outside by`` the
distance from the published figure to the nearer end of our interval, with ``+`` where ours is higher; of
reference algorithms ``equal to the printed decimals`` or ``differs by`` ours minus the published figure, in
its unit; or ``not comparable:`` and why. `note`: what else a reader must know; `source`: where the figure
was read; `protocol`: how it came about.
"""


class Key(NamedTuple):
    """What finds a score in the metrics of a trial."""

    task: str
    role: str
    classifier: str
    features: str
    metric: str
    of_class: str


class Ours(NamedTuple):
    """A score of the version."""

    value: float
    low: float
    high: float
    mark: str
    note: str


Scores = Mapping[Place, Mapping[Key, Ours]]


class Known(NamedTuple):
    """What is known of a version; see `sheet`."""

    scores: Scores
    on_papers_pixels: Scores
    of_models: Scores
    samples: frozenset[str]
    kinds: Mapping[str, str]


MISSING = Ours(np.nan, np.nan, np.nan, "", "")


def index(tables: Sequence[pd.DataFrame]) -> dict[Place, dict[Key, Ours]]:
    """Scores by trial and key, from metrics (`score.METRICS`).

    Scores without weights count: they are what papers report.
    """
    found: dict[Place, dict[Key, Ours]] = {}
    keys = ["task", "role", "classifier", "features", "metric", "class"]
    for table in tables:
        plain = table[(table["weighting"] == UNWEIGHTED) & (table["pixels"] == ALL_PIXELS)]
        places = plain[[*PLACE]].itertuples(index=False, name=None)
        names = plain[keys].itertuples(index=False, name=None)
        values = plain[["value", "low", "high", "mark", "note"]].itertuples(index=False, name=None)
        for place, key, value in zip(places, names, values, strict=True):
            found.setdefault(Place(*place), {})[Key(*key)] = Ours(*value)
    return found


def sheet(
    figures: Sequence[Figure],
    scores: Scores,
    samples: Sequence[str],
    on_papers_pixels: Scores | None = None,
    of_models: Scores | None = None,
    regrouped: Sequence[str] = (),
    kinds: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """The reproduction sheet (schema `REPRODUCTION`).

    Parameters
    ----------
    figures : sequence of Figure
        What was published.
    scores : mapping
        See `index`.
    samples : sequence of str
        Releases whose pixels come from the scene model.
    on_papers_pixels : mapping, optional
        The same of reference algorithms, on the pixels that their paper counts.
    of_models : mapping, optional
        The same of models that were trained elsewhere, each as the classifier of its published name.
    regrouped : sequence of str
        Tasks whose classes are merged or dropped: nothing published is of these classes.
    kinds : mapping, optional
        Kind of each scheme; one that is not named is of the kind of its name.

    Notes
    -----
    A figure stands beside all trials of the schemes of its kind on its own release. If the version has none, it stands
    beside those of other releases with the same task (so that the demo has a sheet); else it stands alone.
    """
    others = [
        replace(figure, differs={**figure.differs, "classes": notes(figure.differs.get("classes", ""), REGROUPED)})
        if figure.task in regrouped
        else figure
        for figure in figures
    ]
    version = Known(scores, on_papers_pixels or {}, of_models or {}, frozenset(samples), kinds or {})
    rows = [row for figure in others for row in _rows(figure, version)]
    return conform(pd.DataFrame(rows, columns=list(REPRODUCTION.columns)), REPRODUCTION)


def _rows(figure: Figure, version: Known) -> Iterator[dict[str, object]]:
    """Rows of `REPRODUCTION`: of the model itself where its predictions are there, and one a trial that the figure
    stands beside, and a feature set that is there."""
    themselves = list(_of_model(figure, version))
    yield from themselves
    if themselves and figure.release not in {place.release for place in version.scores}:
        return
    for place in _places(figure, version):
        known = version.scores.get(place, {})
        sets = [name for name in figure.features if _key(figure, name) in known]
        for features in sets or [""]:
            key = _key(figure, features)
            ours, papers = known.get(key, MISSING), version.on_papers_pixels.get(place, {}).get(key)
            for pixels, one in _by_pixels(ours, papers):
                verdict = _verdict(figure, place, place in version.scores, one, version.samples)
                yield _row(figure, place, features, pixels, one, verdict)


def _of_model(figure: Figure, version: Known) -> Iterator[dict[str, object]]:
    """Rows of the model that a figure is of, from its own predictions on the release."""
    key = Key(figure.task, figure.role, figure.model, "", figure.metric, figure.of_class)
    differs = {aspect: words for aspect, words in figure.differs.items() if aspect not in OF_THE_MODEL}
    itself = replace(figure, classifier=figure.model, features=(), differs=differs)
    for place, known in sorted(version.of_models.items()):
        if place.release == figure.release and key in known:
            verdict = _verdict(itself, place, True, known[key], version.samples)
            yield _row(itself, place, "", PAPERS_PIXELS, known[key], verdict)


def _by_pixels(ours: Ours, papers: Ours | None) -> list[tuple[str, Ours]]:
    """The score on the paper's pixels, and on ours where that is known and another."""
    if papers is None:
        return [(OUR_PIXELS, ours)]
    same = ours is MISSING or ours.value == papers.value or (np.isnan(ours.value) and np.isnan(papers.value))
    return [(PAPERS_PIXELS, papers)] + ([] if same else [(OUR_PIXELS, ours)])


def _row(figure: Figure, place: Place, features: str, pixels: str, ours: Ours, verdict: str) -> dict[str, object]:
    """A row of `REPRODUCTION`."""
    return {
        "paper": figure.paper,
        "figure": figure.name,
        "confirmed": figure.confirmed,
        **place._asdict(),
        "classifier": figure.classifier,
        "features": features,
        "task": figure.task,
        "role": figure.role,
        "metric": figure.metric,
        "definition": metrics.registry()[figure.metric].definition,
        "class": figure.of_class,
        "pixels": pixels,
        "published": figure.value,
        "ours": ours.value,
        "low": ours.low,
        "high": ours.high,
        "verdict": verdict,
        "note": _note(figure, ours),
        "source": figure.source,
        "protocol": figure.protocol,
    }


def _places(figure: Figure, version: Known) -> list[Place]:
    """Trials that a figure stands beside, see `sheet`."""
    trials = [place for place in version.scores if version.kinds.get(place.scheme, place.scheme) == figure.kind]
    own = [place for place in trials if place.release == figure.release]
    akin = [place for place in trials if any(key.task == figure.task for key in version.scores[place])]
    return sorted(own or akin) or [Place(figure.release, figure.kind, 1)]


def _key(figure: Figure, features: str) -> Key:
    return Key(figure.task, figure.role, figure.classifier, features, figure.metric, figure.of_class)


def _verdict(figure: Figure, place: Place, computed: bool, ours: Ours, samples: frozenset[str]) -> str:
    why = _why_not(figure, place, computed, ours, samples)
    if why:
        return f"not comparable: {why}"
    if _is_reference(figure):
        difference = ours.value - figure.value
        differs = outside(figure.value, figure.decimals, ours.value, ours.value)
        return f"differs by {difference:+.{figure.decimals + 2}f}" if differs else EQUAL
    distance = outside(figure.value, figure.decimals, ours.low, ours.high)
    return f"outside by {distance:+.{figure.decimals + 2}f}" if distance else "inside"


def _why_not(figure: Figure, place: Place, computed: bool, ours: Ours, samples: frozenset[str]) -> str:
    """Why there is no verdict, or nothing; what says most about the comparison comes first."""
    if place.release in samples:
        return "sample data"
    if not computed:
        return f"release (no scores of {figure.release}, split {figure.kind}, in this version)"
    differs = dict(figure.differs)
    if place.release != figure.release:
        release = notes(f"published for {figure.release}", differs.pop("release", ""))
        differs = {"release": release, **differs}
    reasons = [f"{aspect} ({words})" for aspect, words in differs.items()]
    if figure.confirmed == UNCONFIRMED:
        reasons.append("the published figure is unconfirmed")
    if reasons:
        return ", ".join(reasons)
    if ours is MISSING:
        return "not computed in this version"
    if np.isnan(ours.value):
        return ours.note or "ours is undefined"
    bounds = np.isnan(ours.low) or np.isnan(ours.high)
    return "ours has no interval" if bounds and not _is_reference(figure) else ""


def _is_reference(figure: Figure) -> bool:
    """Whether a figure is of a reference algorithm, which was not trained here."""
    return bool(figure.classifier) and not figure.features


def outside(published: float, decimals: int, low: float, high: float) -> float:
    """How far an interval lies above (positive) or below (negative) a rounded figure; 0 if it holds it.

    Parameters
    ----------
    published : float
        The figure; what was rounded to it lies within half a unit of its last decimal.
    decimals : int
        Its decimals.
    low, high : float
        The interval.
    """
    half = 0.5 * 10.0**-decimals
    # A bound that is exactly half a unit away counts as inside, however the sum is rounded.
    slack = half + 1e-12
    if low - slack <= published <= high + slack:
        return 0.0
    return low - published if published < low else high - published


def _note(figure: Figure, ours: Ours) -> str:
    linked = f"test patches {ours.mark}" if ours.mark not in ("", "clean") else ""
    return notes(figure.note, ours.note, linked)


def reproduction(
    *,
    metrics: list[ReleaseFile],
    papers_pixels: list[ReleaseFile],
    models: list[Path] | None = None,
    samples: list[str],
    regrouped: list[str],
    kinds: Mapping[str, str] | None = None,
    output: Output,
) -> None:
    """Compare published scores with those of a version.

    Parameters
    ----------
    metrics : list of ReleaseFile
        Metrics of every trial.
    papers_pixels : list of ReleaseFile
        Metrics of reference algorithms on the pixels that their paper counts.
    models : list of Path, optional
        Metrics of models that were trained elsewhere.
    samples : list of str
        Releases that hold sample data.
    regrouped : list of str
        Tasks whose classes are merged or dropped in this version.
    kinds : mapping, optional
        Kind of each scheme that there are metrics of.
    output : Path
        The table `REPRODUCTION`.
    """
    figures, kinds = read_papers(PAPERS), kinds or {}
    wanted = {figure.kind for figure in figures}
    ours, papers = (
        index([read_tsv(file.path, METRICS) for file in files if kinds[file.scheme] in wanted])
        for files in (metrics, papers_pixels)
    )
    elsewhere = index([read_tsv(path, METRICS) for path in models or ()])
    write_tsv(output, sheet(figures, ours, samples, papers, elsewhere, regrouped, kinds), REPRODUCTION)
