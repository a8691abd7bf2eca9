"""Which trials of a run `snakemake export` writes."""

from collections.abc import Iterable
from pathlib import Path

from sentinel_forest.config import paths
from sentinel_forest.config.validation import nearest
from sentinel_forest.errors import InputError
from sentinel_forest.planning.selection import Selection


def trials(selection: Selection) -> list[tuple[str, str, int]]:
    """Release, scheme and number of each trial that the configuration chooses.

    Raises
    ------
    InputError
        If it names something that the run does not have, chooses nothing, or torchgeo has no class for a release.
    """
    chosen = selection.configuration.export
    every = [(release, *trial) for release in selection.releases for trial in selection.trials(release)]
    _check_known("releases", chosen.releases, selection.releases)
    _check_known("schemes", chosen.schemes, {scheme for _, scheme, _ in every})
    _check_known("trials", chosen.trials, {trial for _, _, trial in every})
    wanted = [
        (release, scheme, trial)
        for release, scheme, trial in every
        if (not chosen.releases or release in chosen.releases)
        and (not chosen.schemes or scheme in chosen.schemes)
        and (not chosen.trials or trial in chosen.trials)
    ]
    if not wanted:
        raise InputError(
            "No trial is chosen to be exported.",
            where="key 'export'",
            found=chosen.model_dump(include={"releases", "schemes", "trials"}),
            expected="e.g. " + ", ".join(f"{release} {scheme} {trial}" for release, scheme, trial in every[:2]),
        )
    if chosen.form == "torchgeo":
        _check_torchgeo(selection, dict.fromkeys(release for release, _, _ in wanted))
    return wanted


def manifests(selection: Selection, exports: Path) -> list[str]:
    """The files by which Snakemake knows that the chosen trials are written; errors as of `trials`."""
    chosen = (dict(zip(("release", "scheme", "trial"), each, strict=True)) for each in trials(selection))
    return [(exports / paths.place(paths.EXPORT, **each)).as_posix() for each in chosen]


def _check_known(key: str, chosen: Iterable[object], known: Iterable[object]) -> None:
    names = {str(each) for each in known}
    for name in chosen:
        if str(name) not in names:
            raise InputError(
                "The run has nothing of this name to export.",
                where=f"key 'export.{key}'",
                found=name,
                expected=nearest(name, names),
            )


def _check_torchgeo(selection: Selection, releases: Iterable[str]) -> None:
    for release in releases:
        if not selection.datasets[release].torchgeo:
            able = [name for name in selection.releases if selection.datasets[name].torchgeo]
            raise InputError(
                "torchgeo has no class for the files of this release.",
                where="key 'export.form'",
                found=f"{release}, a release of {selection.datasets[release].name}",
                remedy=f"export: {{releases: [{', '.join(able)}]}}" if able else "export: {form: publisher}",
            )
