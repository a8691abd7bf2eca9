"""The folder of a publication: the files of a sealed version, and what archives, readers and checkers ask for."""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from sentinel_forest.config import paths
from sentinel_forest.errors import InputError
from sentinel_forest.io.tables import read_catalog, read_parquet, read_tsv, write_text
from sentinel_forest.steps import Output
from sentinel_forest.versions.crate import CONTEXT, entities
from sentinel_forest.versions.headline import HEADLINE as HEADLINE_TABLE
from sentinel_forest.versions.manifest import manifest, read_manifest
from sentinel_forest.versions.publish import stac
from sentinel_forest.versions.publish.about import About, about
from sentinel_forest.versions.publish.card import card
from sentinel_forest.versions.publish.records import codecheck, licence_texts, zenodo

BESIDE = (paths.MANIFEST, paths.VERSION, paths.ENVIRONMENT, paths.WORKFLOW, paths.REPORT)
"""Files of a version that its manifest does not name (of old ones `VERSION`, too): published where they are there."""
NO_PLACE = "no place of any patch is known, so it has no footprints here."


def publish(
    *,
    results: Path,
    releases: list[str],
    catalogs: list[Path],
    creators: list[str] | None = None,
    published: str | None = None,
    target: Output,
) -> None:
    """Write a sealed version as a folder that can be deposited.

    Parameters
    ----------
    results : Path
        Folder of the version; held against its manifest first.
    releases : list of str
        Its releases.
    catalogs : list of Path
        The catalog of each.
    creators : list of str
        Who made it: ``Family, Given``, with the ORCID iD in brackets if it is known.
    published : str, optional
        Date of publication (``YYYY-MM-DD``); without one, that of the commit.
    target : Path
        The folder. One that an earlier call has written is replaced.

    Raises
    ------
    InputError
        If the version is not sealed, not whole, or of other catalogs; or the target holds anything else.
    """
    described = about(results, published, creators or [])
    ground = _ground(described, results, dict(zip(releases, catalogs, strict=True)))
    headline = read_tsv(results / paths.HEADLINE, HEADLINE_TABLE)
    _check_target(target)
    shutil.rmtree(partial := target.with_name(f".{target.name}.partial"), ignore_errors=True)
    try:
        _copy(results, folder := partial / described.name)
        _describe(described, folder, ground, headline)
        if target.is_dir():
            shutil.rmtree(target)
        os.rename(folder, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _describe(
    described: About, folder: Path, ground: Mapping[str, Sequence[stac.Node]], headline: pd.DataFrame
) -> None:
    """Write what describes a version beside its copied files: the crate after all that it lists."""
    placed = {release: found for release, found in ground.items() if found}
    unplaced = {release: NO_PLACE for release in ground if release not in placed}
    for release, found in placed.items():
        _write(folder / paths.place(paths.STAC_COLLECTION, release=release), stac.collection(described, release, found))
        _write(
            folder / paths.place(paths.STAC_ITEMS, release=release),
            {"type": "FeatureCollection", "features": list(found)},
        )
    _write(folder / paths.STAC, stac.root(described, list(placed)))
    sealed = read_manifest(folder / paths.MANIFEST)
    write_text(folder / "README.md", card(described, headline, unplaced))
    write_text(folder / ".zenodo.json", zenodo(described))
    write_text(folder / "codecheck.yml", codecheck(described, sealed))
    write_text(folder / "LICENCES.md", licence_texts(described))
    more = [name for name in _names(folder) if name not in sealed and name != paths.WORKFLOW]
    people = [(person.name, person.orcid) for person in described.creators]
    graph = entities(folder, described.date, more=more, creators=people)
    _write(folder / paths.CRATE, {"@context": CONTEXT, "@graph": graph})
    write_text(folder / paths.DEPOSIT, manifest(folder, [folder / name for name in _names(folder)]))


def _ground(described: About, results: Path, catalogs: Mapping[str, Path]) -> dict[str, list[stac.Node]]:
    """The items of each release, from a catalog that is the one its splits were drawn from."""
    if set(catalogs) != set(described.releases):
        expected = ", ".join(described.releases)
        raise InputError("Catalogs of other releases.", where=results, found=", ".join(catalogs), expected=expected)
    found = {}
    for release in described.releases:
        catalog = read_catalog(catalogs[release])
        _hold_patches(results, release, catalog, catalogs[release])
        found[release] = stac.items(described, release, catalog)
    return found


def _hold_patches(results: Path, release: str, catalog: pd.DataFrame, path: Path) -> None:
    """Stop if a split of the version has other patches than the catalog."""
    for name in read_manifest(results / paths.MANIFEST):
        if (paths.fields(paths.SPLIT, name) or {}).get("release") == release:
            split = set(read_parquet(results / name, ["patch"])["patch"])
            if others := split ^ set(catalog["patch"]):
                raise InputError(
                    "This catalog is not the one that the version was computed from.",
                    where=path,
                    found=f"{len(others)} patches that only one of them has, e.g. {min(others)}",
                    expected=f"the patches of {results / name}",
                    remedy="publish where the version was computed, or compute the catalog from the same files",
                )


def _check_target(target: Path) -> None:
    """Stop before anything is replaced that is not an earlier publication."""
    if target.is_dir() and any(target.iterdir()) and not (target / paths.DEPOSIT).is_file():
        raise InputError(
            "The target holds something else than an earlier publication.",
            where=target,
            found=min(path.name for path in target.iterdir()),
            expected=f"a new folder, or one with {paths.DEPOSIT}",
            remedy="move it away",
        )


def _copy(results: Path, folder: Path) -> None:
    """Copy the files of a version; `crate.entities` holds the copies against the manifest."""
    names = [*read_manifest(results / paths.MANIFEST), *(name for name in BESIDE if (results / name).is_file())]
    names += [f"{paths.PAGES}/{name}" for name in _names(results / paths.PAGES)]
    for name in dict.fromkeys(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(results / name, folder / name)


def _names(folder: Path) -> list[str]:
    """Paths of all files below a folder, sorted, without Snakemake's own."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != ".snakemake_timestamp")
    return sorted(path.relative_to(folder).as_posix() for path in found)


def _write(path: Path, node: object) -> None:
    write_text(path, json.dumps(node, indent=2, ensure_ascii=False) + "\n")
