"""A sealed version computed a second time, beside it, and held against its files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentinel_forest.config.forest import ForestSettings
from sentinel_forest.config.paths import ENVIRONMENT, MANIFEST, VERSION, Places, check_folder
from sentinel_forest.config.releases import find_entry
from sentinel_forest.config.settings import DrawSettings
from sentinel_forest.errors import InputError
from sentinel_forest.io.borders import checked_name
from sentinel_forest.io.checksums import canonical
from sentinel_forest.io.lazy import lazy
from sentinel_forest.io.tables import write_text, write_tsv
from sentinel_forest.planning import given
from sentinel_forest.versions.differences import DIFFERENCES, differences, text
from sentinel_forest.versions.holding import changed
from sentinel_forest.versions.manifest import hold_files, is_sealed, read_manifest, version_folder

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = lazy("pandas")

SNAKEFILE = "workflow/Snakefile"
"""The rules, below the folder of a checkout."""
LAST, TABLE = "last", "differences.tsv"
"""What a check leaves in its folder: the computation that differed, and the table of what differed."""

_AGAIN = """configfile: "{configuration}"


module computed:
    snakefile:
        "{snakefile}"
    config:
        config


use rule * from computed
"""
"""Rules of the second computation: those of the version, with a configuration that nothing is merged into."""


def check(
    *,
    version: Path,
    snakefile: str = SNAKEFILE,
    cores: int | None = None,
    folders: dict[str, str] | None = None,
    beside: dict[str, str] | None = None,
    files: list[str] | None = None,
    profile: str | None = None,
) -> None:
    """Compute a sealed version again, beside it, and compare the result with its files.

    It always runs and uses no intermediate file of an earlier computation. The settings are those that the version
    was sealed with, the code is the present one. Nothing of the version is touched.

    Parameters
    ----------
    version : Path
        Folder of the version, or its name below ``results``.
    snakefile : str
        Path or address of the workflow's rules.
    cores : int
        Processor cores to use. By default all.
    folders : dict
        For each release that is not downloaded the folder with its files. By default where they lay before.
    beside : dict
        For each release whose places come from another version (key `places`) the folder with the files of that one.
    files : list of str
        Where other files lie that the version was made of, such as predictions and tables of vectors: ``KEY=PATH`` with
        the key of the configuration, e.g. ``predictions.net.file=net.csv``.
    profile : str
        Profile of Snakemake, e.g. of a cluster; it replaces ``profiles/default``.

    Raises
    ------
    InputError
        If the version is not sealed, cannot be computed, or has other files.
    """
    sealed = sealed_folder(version_folder(version))
    name = checked_name(sealed.resolve().name, "--version")
    places, folder = Places.of_check(name), check_folder(name)
    clear(folder)
    configuration = asked(json.loads((sealed / VERSION).read_bytes())["configuration"])
    configuration |= {"version": name, "pathvars": places.pathvars}
    configuration = given.found_again(configuration, files or [])
    configuration |= _lying(configuration, places.data, folders or {}) | {"places": beside or {}}
    write_text(folder / "configuration.json", json.dumps(configuration, indent=2, sort_keys=True) + "\n")
    address = snakefile if ":" in snakefile else Path(snakefile).resolve().as_posix()
    write_text(folder / "Snakefile", _AGAIN.format(configuration=folder / "configuration.json", snakefile=address))
    _compute(folder / "Snakefile", places.results / MANIFEST, cores, profile)
    hold_against(sealed / MANIFEST, places.results / MANIFEST, folder)


def sealed_folder(folder: Path) -> Path:
    """The folder of a sealed version, whose files are those that its manifest names.

    Raises
    ------
    InputError
        If the version is not sealed, or a file of it was changed or is missing.
    """
    if is_sealed(folder):
        hold_files(folder)
    if is_sealed(folder) and (folder / VERSION).is_file():
        return folder
    raise InputError(
        "This version is not sealed, so there is nothing to hold a computation against.",
        where=folder,
        expected=f"{MANIFEST} and {VERSION}",
        remedy="finish it, or name a finished one: sentinel-forest check --version NAME",
    )


def hold_against(sealed: Path, computed: Path, folder: Path) -> None:
    """Hold a computation against a sealed version, and write the table of differences.

    Parameters
    ----------
    sealed, computed : Path
        Manifests of both, beside their files.
    folder : Path
        Folder of the check; takes the table `differences.DIFFERENCES`, and the computation if it differs.

    Raises
    ------
    InputError
        If files differ.
    """
    rows = list(differences(sealed, computed))
    changes = _explanations(sealed.parent, computed.parent)
    table = pd.DataFrame(rows, columns=list(DIFFERENCES.columns))
    kinds = {name: str(column.dtype) for name, column in DIFFERENCES.columns.items()}
    write_tsv(folder / TABLE, table.astype(kinds), DIFFERENCES)
    clear(folder, keep=bool(rows))
    if not rows:
        print(f"all {len(read_manifest(sealed))} files are equal, byte for byte")
        for change in changes:
            print(f"although it was {change}")
        return
    print(text(rows), *(f"differs: {change}" for change in changes), sep="\n", file=sys.stderr)
    raise InputError(
        f"{table['file'].nunique()} files differ from the sealed version.",
        where=sealed,
        found=f"{len(rows)} differences, listed above and in {folder / TABLE}",
        expected="the same bytes",
        remedy=f"look at both, and at the packages in {ENVIRONMENT}; the computation is kept in {folder / LAST}",
    )


def _explanations(sealed: Path, computed: Path) -> list[str]:
    """What of settings, code, papers and data differs between two versions that say what made them."""
    try:
        return changed(*(json.loads((folder / VERSION).read_bytes()) for folder in (sealed, computed)))
    except (OSError, ValueError, KeyError, TypeError):  # damaged, and then among the differences, or not there
        return []


def clear(folder: Path, keep: bool = False) -> None:
    """Clear the way for the next check, which computes everything anew.

    Parameters
    ----------
    folder : Path
        Folder of the check.
    keep : bool
        Whether the computation is to be kept for a closer look, in the place of the last one.
    """
    last = folder / LAST
    shutil.rmtree(last, ignore_errors=True)
    for name in ("results", "work"):
        if keep and (folder / name).exists():
            last.mkdir(parents=True, exist_ok=True)
            (folder / name).rename(last / name)
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in ("Snakefile", "configuration.json"):
        (folder / name).unlink(missing_ok=True)


def asked(described: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration that leads to a described one, in which `draw` and `forest` stand for each release.

    Settings that the registry suggests, and defaults, are left to them.
    """
    configuration = {key: value for key, value in described.items() if key != "vocabulary"}
    for key, model in (("draw", DrawSettings), ("forest", ForestSettings)):
        given: dict[str, Any] = {}
        for release, values in described[key].items():
            suggested = (find_entry(release) or {}).get("settings", {}).get(key, {})
            default = model.model_validate(suggested).model_dump(mode="json")
            given |= {name: value for name, value in values.items() if canonical(value) != canonical(default[name])}
        configuration[key] = given
    return configuration


def _lying(configuration: Mapping[str, Any], data: Path, given: Mapping[str, str]) -> dict[str, Any]:
    """Where the files of releases lie, which is no part of what was sealed."""
    names = configuration["releases"]
    linked = {name: str((data / name).resolve()) for name in names if (data / name).is_symlink()}
    folders, own = linked | dict(given), configuration["own_releases"]
    lost = [name for name in own if name in names and name not in folders]
    if lost:
        raise InputError(
            "Nobody says where the files of a release lie.",
            where=f"release {lost[0]}",
            expected="the folder with its files",
            remedy=f"name it: --folders.{lost[0]} FOLDER",
        )
    return {
        "folders": {name: folder for name, folder in folders.items() if name in names and name not in own},
        "own_releases": {name: values | {"folder": folders.get(name, ".")} for name, values in own.items()},
    }


def _compute(snakefile: Path, target: Path, cores: int | None, profile: str | None) -> None:
    """Run the rules up to a file.

    Raises
    ------
    InputError
        If they do not come to their end.
    """
    program = Path(sys.executable).with_name("snakemake")
    command = [str(program), "--snakefile", str(snakefile)]
    # Alone and without cores: those of this machine, as in profiles/default, would cap the threads on a cluster.
    command += ["--profile", profile, "--workflow-profile", "none"] if profile else []
    if cores or not profile:
        command += ["--cores", str(cores or os.cpu_count() or 1)]
    with subprocess.Popen([*command, str(target)]) as run:
        try:
            run.wait()
        except KeyboardInterrupt:
            # Snakemake has been told, too. It ends its jobs, on a cluster as well, and gives back its lock.
            run.wait()
            raise
    if run.returncode or not target.is_file():
        raise InputError(
            "The second computation did not come to its end.",
            where=snakefile.parent,
            expected="a run without errors",
            remedy="see what is said above and the files under logs/; the sealed version is as it was",
        )
