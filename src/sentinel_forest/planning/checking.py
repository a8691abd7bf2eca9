"""Whether a configuration can be run: all that it names is known, and it selects something."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sentinel_forest import datasets
from sentinel_forest.config import releases
from sentinel_forest.config.model import Configuration
from sentinel_forest.config.validation import nearest, parse
from sentinel_forest.errors import InputError
from sentinel_forest.planning import vocabulary
from sentinel_forest.planning.maps import check_maps
from sentinel_forest.planning.places import resolved
from sentinel_forest.planning.predictions import check_predictions
from sentinel_forest.planning.selection import Selection
from sentinel_forest.splits import links


def select(config: Mapping[str, Any], registry: Path = releases.OWN) -> Selection:
    """Check a configuration whole, before anything runs.

    Raises
    ------
    InputError
        If it breaks its model, names something unknown, or selects nothing.
    """
    asked = {key: value for key, value in config.items() if key != "pathvars"}  # Snakemake's own key
    selection = Selection(resolved(parse(Configuration.model_validate, asked, "the configuration")), registry)
    vocabulary.check_names(selection.configuration)
    vocabulary.check_predictions(selection.configuration, selection.releases)
    _check_transfer(selection)
    _check_sets(selection)
    _check_schemes(selection)
    _check_gate(selection)
    _check_published_patches(selection)
    check_maps(selection)
    check_predictions(selection)
    _check_audits(selection)
    return selection


def _check_transfer(selection: Selection) -> None:
    transferred = selection.config["transfer"]
    if any(not selection.published(release) for release in transferred if release in selection.releases):
        raise InputError(
            "A transfer takes forests of the published split, and none is grown.",
            where="key 'schemes'",
            found=", ".join(selection.config["schemes"]),
            expected="one of the kind published among them",
            remedy="add published to the schemes, or leave out transfer",
        )
    for release, source in selection.config["transfer"].items():
        if source not in selection.releases or source in selection.config["transfer"] or source == release:
            others = set(selection.releases) - set(selection.config["transfer"])
            raise InputError(
                "Forests can only come from a selected release that trains its own.",
                where=f"key 'transfer.{release}'",
                found=source,
                expected=nearest(source, others),
            )


def _check_sets(selection: Selection) -> None:
    known = {name for dataset in datasets.names() for name in datasets.load(dataset).feature_sets}
    known |= {*selection.configuration.own_feature_sets, *selection.configuration.external}
    for name in selection.config["feature_sets"]:
        if name not in known:
            raise InputError(
                "Unknown feature set.", where="key 'feature_sets'", found=name, expected=nearest(name, known)
            )
    for release in selection.releases:
        something = selection.sets(release) or selection.references(release)
        if selection.layers[release] and not something:
            reasons = "; ".join(f"{row.name} {row.reason}" for row in selection.skipped() if row.release == release)
            raise InputError(
                "The configuration selects nothing to compute for a release.",
                where=f"release {release}",
                found=reasons or f"feature_sets: {selection.config['feature_sets']}",
                expected="one of " + ", ".join(selection.datasets[release].feature_sets),
            )


def _check_schemes(selection: Selection) -> None:
    for release in selection.releases:
        if not selection.definitions(release):
            reasons = [row for row in selection.skipped() if (row.release, row.kind) == (release, "scheme")]
            raise InputError(
                "A release can have none of the schemes.",
                where=f"release {release}",
                found="; ".join(f"{row.name}: {row.reason}" for row in reasons),
                expected="a scheme for which the release has what it needs",
                remedy="add published or pooled-random to the schemes, or get the files that tell what is unknown",
            )


def _check_gate(selection: Selection) -> None:
    known = {*links.OWN_KEYS, *(key for dataset in selection.datasets.values() for key in dataset.ledger_keys())}
    for key in selection.config["gate"]:
        if key not in known:
            raise InputError("Unknown link.", where="key 'gate'", found=key, expected=nearest(key, known))


def _check_published_patches(selection: Selection) -> None:
    for release, file in selection.configuration.published_patches.items():
        known = [name for name in selection.releases if selection.published(name)]
        if release not in known:
            raise InputError(
                "The authors' values are of a release without its published split, or of none.",
                where="key 'published_patches'",
                found=release,
                expected=nearest(release, known),
            )
        if not Path(file).is_file():
            raise InputError("There is no such file.", where=f"key 'published_patches.{release}'", found=file)


def _check_audits(selection: Selection) -> None:
    for name, audit in selection.configuration.audits.items():
        key = f"key 'audits.{name}"
        if audit.release not in selection.releases:
            expected = nearest(audit.release, selection.releases)
            raise InputError("Unknown release.", where=f"{key}.release'", found=audit.release, expected=expected)
        if not Path(audit.lists).exists():
            raise InputError("There is no such file or folder.", where=f"{key}.lists'", found=audit.lists)
