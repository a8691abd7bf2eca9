"""What was found on a release, in sentences made from its scores: forest, published scores, leakage, doubts."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from sentinel_forest.evaluation.evaluate import UNWEIGHTED
from sentinel_forest.evaluation.scored import SAME_PATCHES
from sentinel_forest.models.scored_pixels import ALL_PIXELS
from sentinel_forest.report import palette, published
from sentinel_forest.report.inputs import ReleaseResults, VersionResults
from sentinel_forest.report.model import Findings, interval_text
from sentinel_forest.report.scores import DUMMY, FOREST, REFERENCE, defined, kinds
from sentinel_forest.splits.links import NEAR_DUPLICATE

RANDOM = "pooled-random"
"""The kind of scheme that splits at random."""


@dataclass(frozen=True, eq=False)
class Summary:
    """The one figure by which all classifiers of a release can be compared.

    `rows` are those of the headline table with this figure, with the columns `kind` (of the classifier) and
    `meaning` (of the mark); `what` is the figure in words.
    """

    release: ReleaseResults
    rows: pd.DataFrame
    what: str

    @cached_property
    def trusted(self) -> str:
        """The scheme whose scores are to be believed: without a leak, and with the most groups."""
        forests = self.rows[(self.rows["kind"] == FOREST) & self.rows["value"].notna()]
        clean = forests[forests["meaning"] == palette.CLEAN_SPLIT]
        if len(clean):
            return str(clean["scheme"].iloc[int(clean["groups"].to_numpy().argmax())])
        return self.release.primary[0]

    @cached_property
    def random(self) -> str | None:
        """The scheme that splits at random, if there is one with links."""
        leaks = set(self.rows.loc[self.rows["meaning"] == palette.LEAKS, "scheme"])
        return next((name for name in self.release.kinds if self.release.kinds[name] == RANDOM and name in leaks), None)

    def best(self, scheme: str, kind: str) -> pd.Series | None:
        """The best classifier of a kind in a scheme."""
        rows = self.rows[(self.rows["scheme"] == scheme) & (self.rows["kind"] == kind) & self.rows["value"].notna()]
        return rows.iloc[int(rows["value"].to_numpy().argmax())] if len(rows) else None


def summary(version: VersionResults, release: ReleaseResults) -> Summary | None:
    """The figure that most classifiers of a release have; overall accuracy where all have as many."""
    rows = version.headline
    rows = rows[(rows["release"] == release.name) & (rows["weighting"] == UNWEIGHTED) & rows["value"].notna()]
    if rows.empty:
        return None
    rows = rows.assign(kind=kinds(rows), meaning=rows["mark"].map(palette.meaning))
    keys = ["task", "metric", "class"]
    count = rows[rows["kind"] != DUMMY].groupby(keys)["classifier"].nunique().rename("count").reset_index()
    if count.empty:
        return None
    count["overall"] = count["metric"] == "oa"
    first = count.sort_values(["count", "overall"], ascending=False, kind="stable").iloc[0]
    chosen = rows[(rows[keys] == first[keys]).all(axis=1)].reset_index(drop=True)
    named = defined(chosen["definition"].iloc[0], UNWEIGHTED, chosen["class"].iloc[0])
    return Summary(release, chosen, named)


def findings(version: VersionResults, found: Summary) -> Findings:
    """Sentences on a release; what nothing is known of is left out."""
    sentences = [
        ("forest", _forest(found)),
        ("published", published.sentence(version, found)),
        ("random", _random(found)),
        ("doubts", _doubts(version, found)),
    ]
    return Findings(tuple((name, text) for name, text in sentences if text))


def _forest(found: Summary) -> str:
    scheme = found.trusted
    forest = found.best(scheme, FOREST)
    if forest is None:
        return "No forest was scored."
    where = (
        "on test patches that share nothing known with training"
        if forest["meaning"] == palette.CLEAN_SPLIT
        else f"on test patches of a split that is not clean ({forest['mark']})"
    )
    trials = f"{forest['trials']} trial{'s' if forest['trials'] > 1 else ''}"
    text = (
        f"The random forest on the features {forest['features']} reaches {_score(forest)} ({found.what}) {where} "
        f"(scheme {scheme}, {trials}, n = {forest['n']:,} in {forest['groups']} groups)."
    )
    others = [_other(found, scheme, REFERENCE, "reference algorithm"), _other(found, scheme, DUMMY, "dummy classifier")]
    best = ", the best ".join(each for each in others if each)
    return f"{text} On the same patches, the best {best}." if best else text


def _other(found: Summary, scheme: str, kind: str, name: str) -> str:
    best = found.best(scheme, kind)
    if best is None:
        return ""
    return f"{name} ({best['classifier']}) reaches {_score(best)}"


def _random(found: Summary) -> str:
    """What relatives in training are worth on the same test patches, then what a random split has for its own."""
    price = _price(found)
    if found.random is None or found.random == found.trusted:
        return price
    promised, kept = found.best(found.random, FOREST), found.best(found.trusted, FOREST)
    if promised is None or kept is None:
        return price
    only = "; it has other test and training patches, so only the experiment measures the effect" if price else ""
    return (
        f"{price} A random split, whose test patches are linked with training by {_links(promised['mark'])}, "
        f"gives {_score(promised)}{only}."
    ).strip()


def _links(mark: str) -> str:
    """The keys of a mark that link with training."""
    return next(part.split(": ", 1)[1] for part in mark.split("; ") if part.startswith("linked: "))


def _price(found: Summary) -> str:
    """What relatives in training are worth on the same test patches: in the figure of the summary, else in OA."""
    rows = found.release.price
    if rows is None or rows.empty:
        return ""
    known = rows[rows["difference"].notna()]
    of_figure = (known["metric"] == found.rows["metric"].iloc[0]) & (known["class"] == found.rows["class"].iloc[0])
    rows = known[of_figure] if of_figure.any() else known[known["class"] == ""]
    if rows.empty:
        return ""
    row = rows.iloc[0]
    return (
        f"Leakage, in an experiment of its own ({row['n']:,} test patches, {row['groups']} groups, "
        f"{row['trials']} trials): with patches of the test patches' groups in training, the score "
        f"({row['definition']}) changes by {_difference(row)}{_not_shown(row, known)}."
    )


def _not_shown(row: pd.Series, rows: pd.DataFrame) -> str:
    """What is to be said of a difference that may be 0: overall accuracy may show what this figure does not."""
    if not row["low"] <= 0 <= row["high"]:
        return ""
    same = (rows["task"] == row["task"]) & (rows["features"] == row["features"])
    overall = rows[same & (rows["metric"] == "oa") & (rows["weighting"] == UNWEIGHTED) & (rows["low"] > 0)]
    if row["metric"] == "oa" or overall.empty:
        return "; the interval includes 0, so an effect on this score is not shown"
    return f"; the interval includes 0, but OA changes by {_difference(overall.iloc[0])}"


def _difference(row: pd.Series) -> str:
    return f"{row['difference']:+.3f} {_bracket(row)}".strip()


def _doubts(version: VersionResults, found: Summary) -> str:
    release, rows = found.release, found.rows[found.rows["kind"] == FOREST]
    parts = []
    if release.is_sample:
        parts.append("the data are simulated, so the scores say nothing about the published dataset")
    samples = sorted({str(pixels) for pixels in rows["pixels"]} - {ALL_PIXELS})
    parts += [f"scores are estimates from a {pixels} pixels of each test patch" for pixels in samples]
    for scheme, part in rows.groupby("scheme", sort=False):
        first = part.iloc[0]
        if scheme not in (found.random, found.trusted) and first["meaning"] != palette.CLEAN_SPLIT:
            parts.append(f"the {scheme} split {_linked(first['mark'])}")
        if scheme == found.trusted and np.isnan(first["low"]):
            parts.append(f"{first['groups']} groups are too few for an interval")
    forest, dummy = found.best(found.trusted, FOREST), found.best(found.trusted, DUMMY)
    if forest is not None and dummy is not None and forest["low"] <= dummy["value"]:
        lies = "lies below" if forest["high"] < dummy["value"] else "includes"
        parts.append(f"the interval of the forest {lies} the score of a dummy classifier")
    told = [note for text in rows.loc[rows["scheme"] == found.trusted, "note"] for note in text.split("; ")]
    parts += [f"of {found.trusted}, {note}" for note in dict.fromkeys(told) if SAME_PATCHES in note]
    unmet = release.infeasible.loc[release.infeasible["scheme"] == found.trusted, "request"].nunique()
    if unmet:
        parts.append(f"{unmet} sizes or class fractions asked of {found.trusted} were not met (see Splits)")
    if _lacks_near_duplicates(release, found.trusted):
        parts.append("near-duplicate images in test and training were not looked for")
    notes = [note for text in rows["note"] for note in text.split("; ") if note.startswith("not published")]
    keys = sorted({note.split(": ", 1)[1] for note in notes})
    parts += [f"the {key} of the patches was never published, so links by it cannot be found" for key in keys]
    checks = version.description.get("accepted", {}).get(release.name, [])
    if checks:
        parts.append(f"failed checks were accepted: {', '.join(checks)}")
    return f"Doubts: {'; '.join(parts)}." if parts else "Apart from the intervals, no reservation is known."


def _lacks_near_duplicates(release: ReleaseResults, scheme: str) -> bool:
    """Whether the ledger has no answer on near-duplicates in a scheme."""
    if release.ledger is None:
        return False
    rows = release.ledger[(release.ledger["scheme"] == scheme) & (release.ledger["key"] == NEAR_DUPLICATE)]
    return len(rows) > 0 and bool(rows["fraction"].isna().all())


def _linked(mark: str) -> str:
    """What a mark says of a split, as part of a sentence."""
    for start, others in (("linked: ", "training"), ("linked (validation-test): ", "validation, not with training,")):
        keys = [part.removeprefix(start) for part in mark.split("; ") if part.startswith(start)]
        if keys:
            return f"has test patches linked with {others} by {keys[0]}"
    return f"is marked {mark}"


def _score(row: pd.Series) -> str:
    return interval_text(row["value"], row["low"], row["high"])


def _bracket(row: Mapping[str, float] | pd.Series) -> str:
    return "" if np.isnan(row["low"]) else f"[{row['low']:.3f}, {row['high']:.3f}] "
