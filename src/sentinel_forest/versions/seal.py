"""The seal of a version: its manifest, and what its results were made from."""

import json
import platform
import shutil
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from sentinel_forest.config.paths import ENVIRONMENT, MANIFEST, VERSION
from sentinel_forest.config.releases import Release
from sentinel_forest.io.checksums import PACKAGES, checksum_of, code_checksum, file_checksum, package_versions
from sentinel_forest.io.tables import write_text
from sentinel_forest.planning.parts import Skipped
from sentinel_forest.registry import PAPERS
from sentinel_forest.steps import STEPS, Output, module_of
from sentinel_forest.versions.manifest import manifest

WITHOUT_RESULTS = (
    *("sample", "link", "download", "plan"),
    *("seal", "check", "crate", "publish", "compare_versions", "index", "pages"),
    *("export_trial", "tfds_export", "map"),
)
"""Steps whose code changes no file of the manifest; that of samples counts where there is one."""
ELSEWHERE = ("version", "against", "export", "maps", "publish", "folders", "places", "pathvars")
"""Keys of the configuration that change no result: names of versions, exports, maps, publications, places of files."""


def seal(
    *,
    results: Output,
    identity: dict[str, Any],
    configuration: dict[str, Any],
    skipped: list[Skipped],
    verified: list[Path],
    files: list[Path],
) -> None:
    """Write the manifest of a version, what determines its results, and what computed them.

    The manifest names all result files and the description of what determines them, but not the environment:
    the same configuration, data and code give the same manifest on every machine.

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
    }
    machine = {"commit": commit(), "committed": committed(), "environment": environment()}
    for name, content in ((VERSION, description), (ENVIRONMENT, machine)):
        write_text(results / name, json.dumps(content, indent=2, sort_keys=True) + "\n")
    write_text(results / MANIFEST, manifest(results, [*files, results / VERSION]))


def identity(config: Mapping[str, Any], releases: Mapping[str, Release]) -> dict[str, Any]:
    """Checksums of everything that determines a version's results, except the data themselves.

    Where the files lie does not count, only what they are.
    """
    names = sorted({release.dataset for release in releases.values()})
    samples = ["simulate"] if any(release.is_sample for release in releases.values()) else []
    return {
        "configuration": checksum_of(settings(config)),
        "registry": {name: checksum_of(_unnamed(release.entry)) for name, release in releases.items()},
        "code": code_checksum(*result_modules(), *samples, *(f"datasets.{name}" for name in names)),
        "papers": papers(),
    }


def result_modules() -> list[str]:
    """Modules of the steps that write results, or what results are made from."""
    return [module_of(name) for name in STEPS if name not in WITHOUT_RESULTS]


def _unnamed(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A registry entry without the name that the release has here."""
    return {key: value for key, value in entry.items() if key != "release"}


def papers() -> str:
    """Checksum of the published figures that scores are held against."""
    return checksum_of({path.name: file_checksum(path) for path in sorted(PAPERS.glob("*.yaml"))})


def settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration without what changes no result (`ELSEWHERE`)."""
    kept = {key: value for key, value in config.items() if key not in ELSEWHERE}
    kept["own_releases"] = {
        name: {key: value for key, value in own.items() if key != "folder"}
        for name, own in config["own_releases"].items()
    }
    return kept


def commit() -> str | None:
    """Commit of this checkout, with ``+changes`` if files differ from it; None outside a repository."""
    return _git("describe", "--always", "--abbrev=40", "--dirty=+changes", "--exclude=*")


def committed() -> str | None:
    """Date of this checkout's commit (``YYYY-MM-DD``, UTC); None outside a repository."""
    seconds = _git("show", "--no-patch", "--format=%ct", "HEAD")
    return datetime.fromtimestamp(int(seconds), UTC).date().isoformat() if seconds else None


def _git(*words: str) -> str | None:
    """What git says of this checkout; None if there is none: an environment may lie in the repository of others."""
    git, here = shutil.which("git"), Path(__file__)
    if git is None:
        return None
    ask = partial(subprocess.run, capture_output=True, text=True, check=False)
    if ask([git, "-C", str(here.parent), "ls-files", "--error-unmatch", here.name]).returncode != 0:
        return None
    return ask([git, "-C", str(here.parent), *words]).stdout.strip() or None


def environment() -> dict[str, str]:
    """Versions of Python and of the packages that compute."""
    return {"python": platform.python_version()} | package_versions((*PACKAGES, "h5py", "rasterio", "snakemake"))
