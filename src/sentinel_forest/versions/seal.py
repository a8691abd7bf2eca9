"""Versions of results: what makes one, its manifest, and whether a finished one is asked to change."""

import importlib.metadata
import json
import platform
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sentinel_forest.acquire.history import Seen
from sentinel_forest.config.releases import Release
from sentinel_forest.errors import InputError
from sentinel_forest.io.checksums import code_digest, digest
from sentinel_forest.io.tables import read_tsv, write_text
from sentinel_forest.planning.selection import Skipped
from sentinel_forest.steps import Output
from sentinel_forest.verify.inspect import DIGESTS
from sentinel_forest.versions.manifest import DRAFT, MANIFEST, VERSION, manifest

STEPS = (
    "verify.inspect",
    "verify.admit",
    "verify.catalog",
    "splits.split",
    "features.signature",
    "splits.ledger",
    "features.table",
    "models.forest",
    "models.predict",
    "evaluation.reference",
    "evaluation.score",
    "evaluation.price",
    "evaluation.papers_pixels",
    "evaluation.by_patch",
    "evaluation.average",
    "versions.headline",
    "versions.reproduction",
    "evaluation.importance",
    "versions.croissant",
)
"""Modules whose code can change a result."""
PACKAGES = ("h5py", "numpy", "pandas", "pyarrow", "rasterio", "scikit-learn", "scipy", "snakemake")


def seal(
    *,
    results: Output,
    identity: dict[str, Any],
    configuration: dict[str, Any],
    skipped: list[Skipped],
    verified: list[Path],
    files: list[Path],
) -> None:
    """Write the manifest and the description of a version: what was computed, from what, with what.

    Parameters
    ----------
    results : Path
        Folder of the version.
    identity : dict
        What `identity` returns.
    configuration : dict
        What `settings` returns.
    skipped : list of Skipped
        What could not be computed.
    verified : list of Path
        Findings that `admit` has passed, one file for each release.
    files : list of Path
        Files of the manifest.
    """
    admitted = [json.loads(path.read_text(encoding="utf-8")) for path in verified]
    description = {
        "configuration": configuration,
        "identity": identity | {"data": {row["release"]: row["data"] for row in admitted}},
        "skipped": [row._asdict() for row in skipped],
        "accepted": {row["release"]: row["accepted"] for row in admitted if row["accepted"]},
        "commit": commit(),
        "environment": environment(),
    }
    write_text(results / VERSION, json.dumps(description, indent=2, sort_keys=True) + "\n")
    write_text(results / MANIFEST, manifest(results, files))


def identity(config: Mapping[str, Any], releases: Mapping[str, Release]) -> dict[str, Any]:
    """Digests of everything that determines a version's results, except the data themselves.

    Where the files lie does not count, only what they are.
    """
    names = sorted({release.dataset for release in releases.values()})
    samples = ["simulate"] if any(release.is_sample for release in releases.values()) else []
    return {
        "configuration": digest(settings(config)),
        "registry": {name: digest(release.entry) for name, release in releases.items()},
        "code": code_digest(*STEPS, *samples, *(f"datasets.{name}" for name in names)),
    }


def settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration without what changes no result: names of versions, exports, places of files."""
    kept = {key: value for key, value in config.items() if key not in ("version", "against", "export", "folders")}
    kept["own_releases"] = {
        name: {key: value for key, value in own.items() if key != "folder"}
        for name, own in config["own_releases"].items()
    }
    return kept


def is_sealed(folder: Path) -> bool:
    """Whether a version is finished and must not change."""
    return folder.name != DRAFT and (folder / MANIFEST).is_file()


def hold(folder: Path, now: Mapping[str, Any], data: Mapping[str, str]) -> None:
    """Stop if a sealed version is asked for with anything else than what it was made with.

    Parameters
    ----------
    folder : Path
        Folder of the version.
    now : mapping
        `identity` of the run that is asked for.
    data : mapping
        `data_digest` of the releases whose files were read here before.

    Raises
    ------
    InputError
        With what differs and the two ways on.
    """
    differences = _differences(_sealed_identity(folder), dict(now) | {"data": data})
    if differences:
        raise InputError(
            f"Version {folder.name!r} is finished and sealed; this run would give it other results.",
            where=folder / VERSION,
            found="\n    " + "\n    ".join(differences),
            remedy="give the run a new name (--config version=NAME; draft while you work on code), "
            "or hold it against a new computation: snakemake check, with the arguments of this call",
        )


def _sealed_identity(folder: Path) -> dict[str, Any]:
    """The identity that a finished version says it has."""
    path = folder / VERSION
    try:
        found = json.loads(path.read_bytes())["identity"]
        if all(isinstance(found[key], dict) for key in ("registry", "data")):
            return dict(found)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        pass
    raise InputError(
        f"Version {folder.name!r} is finished and sealed, but does not say any more what made it.",
        where=path,
        found="a damaged file" if path.is_file() else "no such file",
        expected="the description that was written with the manifest",
        remedy="put it back from a copy of the version, or give the run a new name (--config version=NAME)",
    )


def not_sealed(folder: Path) -> InputError:
    """What is to be said if a version that has not finished is to be checked."""
    return InputError(
        "This version is not sealed, so there is nothing to hold a computation against.",
        where=folder,
        remedy="finish it, or name a finished one: snakemake check --configfile FILE --config version=NAME",
    )


def data_digest(digests: Path, seen: Seen, selected: Sequence[str] = ()) -> str | None:
    """Digest of the files in a table of digests, as they were last read.

    None if there is no table, or if it is of more or of fewer files than those `selected` now: another
    version has read another part of the release.
    """
    if not digests.is_file():
        return None
    states = seen.states()
    table = read_tsv(digests, DIGESTS)
    read, wanted = set(table["path"]), set(selected)
    if wanted and (read < wanted or wanted < read):
        return None
    now = [
        [path, states[path].sha256 if path in states else sha]
        for path, sha in zip(table["path"], table["sha256"], strict=True)
    ]
    return digest(now)


def commit() -> str | None:
    """Commit of this checkout, with ``+changes`` if files differ from it; None outside a repository."""
    git = shutil.which("git")
    if git is None:
        return None
    here = Path(__file__).parent
    command = [git, "-C", str(here), "describe", "--always", "--abbrev=40", "--dirty=+changes", "--exclude=*"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.stdout.strip() or None


def environment() -> dict[str, str]:
    """Versions of Python and of the packages that compute."""
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in PACKAGES}


def _differences(sealed: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """In words, which digests differ; data that were not read again do not count."""
    rows = []
    for key in ("configuration", "code", "papers"):
        if key in sealed and sealed[key] != now[key]:  # versions before 'papers' have no digest of them
            rows.append(f"{key}: sealed with {sealed[key][:12]}, now {now[key][:12]}")
    for key in ("registry", "data"):
        for name in sorted({*sealed[key], *now[key]}):
            before, after = sealed[key].get(name), now[key].get(name)
            if before != after and not (key == "data" and after is None):
                rows.append(f"{key} of {name}: sealed with {(before or 'none')[:12]}, now {(after or 'none')[:12]}")
    return rows
