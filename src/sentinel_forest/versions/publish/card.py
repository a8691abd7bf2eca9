"""``README.md`` of a publication: a model card for Hugging Face, with scores and doubts."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from sentinel_forest import datasets
from sentinel_forest.evaluation.confusion import FOREST
from sentinel_forest.evaluation.evaluate import UNWEIGHTED
from sentinel_forest.evaluation.metrics import short
from sentinel_forest.versions.publish.about import About
from sentinel_forest.versions.publish.records import KEYWORDS, dumped

KINDS = {"patch": "image-classification", "pixel": "image-segmentation"}
"""Tasks as Hugging Face names them, by the unit of a task."""
CLEAN = "clean"
CHANGES = "+changes"
SHOWN = 3
"""Figures that are named where something is not said of all."""


def card(about: About, headline: pd.DataFrame, unplaced: dict[str, str]) -> str:
    """The card.

    Parameters
    ----------
    about : About
        The version.
    headline : DataFrame
        Its table `headline.HEADLINE`.
    unplaced : dict
        What is to be said of the footprints of releases.
    """
    rows = headline[(headline["classifier"] == FOREST) & (headline["features"] != "")]
    rows = rows[rows["weighting"] == UNWEIGHTED]
    parts = [
        f"---\n{dumped(_front(about, rows))}---",
        f"# {about.title}",
        about.summary,
        f"Published {about.date} by {'; '.join(person.name for person in about.creators)}.",
        "## Files",
        "`sha256sum -c manifest.sha256` holds the results against the seal of the version, and\n"
        "`sha256sum -c deposit.sha256` everything in this folder.\n"
        "`report.html`, where it is there, shows the results; forests are `forest.skops`\n"
        "(open them with skops, which executes nothing that you have not named).",
        "## Scores",
        "Means over trials on test patches [95 % interval of the mean, over groups, given the fitted forests].\n"
        "A score without its definition, mark and note says little: quote them together.",
        _table(rows),
        "## Doubts",
        "\n".join(f"- {_cell(text)}" for text in doubts(about, rows, unplaced)),
        "## Licences",
        "See `LICENCES.md`. What was computed from a release is passed on under the licence of the release.",
        "## Cite",
        "\n".join(f"- {_cell(text)}" for text in _citations(about)),
    ]
    return "\n\n".join(parts) + "\n"


def doubts(about: About, rows: pd.DataFrame, unplaced: dict[str, str]) -> list[str]:
    """Everything for which a figure may mean less than it seems, in sentences."""
    found = [
        f"{whose}: the roles are not shown to be independent of each other: {mark}."
        for mark, whose in _said(rows, "mark")
        if mark != CLEAN
    ]
    found += [f"{whose}: {note}." for note, whose in _said(rows, "note")]
    skipped = about.description["skipped"]
    found += [f"{row['release']}: {row['kind']} {row['name']} was left out: {row['reason']}" for row in skipped]
    found += [
        f"{release}: the failed check {check} was taken on the user's word."
        for release, checks in about.description["accepted"].items()
        for check in checks
    ]
    found += [f"{release}: {text}" for release, text in unplaced.items()]
    commit = about.description["commit"]
    if not commit:
        found.append("The commit of the code is not known; its checksum stands in version.json.")
    elif commit.endswith(CHANGES):
        found.append("The code differed from its commit; its checksum stands in version.json.")
    return [*found, *about.conditions] or ["None is known: every mark is clean, no note was made, nothing left out."]


def _said(rows: pd.DataFrame, column: str) -> Iterator[tuple[str, str]]:
    """What is said of the figures of a release and scheme, each thing once; and of which, where it is not of all."""
    for (release, scheme), part in rows.groupby(["release", "scheme"], sort=False):
        said = part[column].str.split("; ").explode()
        for text in dict.fromkeys(said[said != ""]):
            own = part.loc[said.index[said == text]]
            figures = [f"{row['features']} {_figure(row)}" for row in own.head(SHOWN).to_dict("records")]
            more = [f"{len(own) - SHOWN} more"] if len(own) > SHOWN else []
            yield text, ", ".join(map(str, [release, scheme, *([] if len(own) == len(part) else figures + more)]))


def _front(about: About, rows: pd.DataFrame) -> dict[str, Any]:
    """The metadata at the head of the card."""
    common = about.common_licence
    licence = {"license": common.lower()} if common else {"license": "other", "license_name": "see-licences"}
    return {
        **licence,
        **({} if common else {"license_link": "LICENCES.md"}),
        "library_name": "sklearn",
        "tags": [word.replace(" ", "-") for word in [*KEYWORDS, "skops"]],
        "model-index": [{"name": about.title, "results": list(_results(about, rows))}],
    }


def _results(about: About, rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The scores of each forest, in the form of a model index."""
    keys = ["release", "scheme", "task", "features"]
    for (release, scheme, task, features), part in rows.groupby(keys, sort=True):
        entry = about.releases[str(release)]
        yield {
            "task": {"type": _kind(str(entry["dataset"]), str(task)), "name": task},
            "dataset": {"name": entry["title"], "type": release, "config": scheme, "split": "test"},
            "metrics": [
                {
                    "type": row["metric"],
                    "name": " ".join(f"{row['definition']} {row['class']} ({features}; {row['mark']})".split()),
                    "value": round(float(row["value"]), 6),
                }
                for row in part.to_dict("records")
                if not pd.isna(row["value"])
            ],
        }


def _kind(dataset: str, task: str) -> str:
    tasks = datasets.load(dataset).tasks
    return KINDS.get(tasks[task].unit, "other") if task in tasks else "other"


def _table(rows: pd.DataFrame) -> str:
    names = ["release", "scheme", "task", "features", "metric", "score", "n", "groups", "mark", "note"]
    lines = [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]
    for row in rows.to_dict("records"):
        cells = [row["release"], row["scheme"], row["task"], row["features"], _figure(row), _score(row)]
        cells += [row[name] for name in ("n", "groups", "mark", "note")]
        lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    return "\n".join(lines) if len(rows) else "No forest was fitted."


def _figure(row: dict[Any, Any]) -> str:
    """A metric, and the class or question that it is of."""
    return f"{short(row['metric'])} {row['class']}".strip()


def _score(row: dict[Any, Any]) -> str:
    if pd.isna(row["value"]):
        return "-"
    value = f"{row['value']:.3f}"
    return value if pd.isna(row["low"]) else f"{value} [{row['low']:.3f}, {row['high']:.3f}]"


def _cell(value: object) -> str:
    """Text that cannot end its cell or line, or become markup."""
    text = " ".join(str(value).split())
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


def _citations(about: About) -> list[str]:
    found = [
        f"{' '.join(entry['citation']['text'].split())} https://doi.org/{entry['citation']['doi']}"
        for entry in about.releases.values()
        if "citation" in entry
    ]
    people = "; ".join(person.name for person in about.creators)
    return [f"{people} ({about.date[:4]}). {about.title}.", *dict.fromkeys(found)]
