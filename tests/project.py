"""Copies of the project in which `snakemake` is called as a user calls it."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
FACTS = Path(os.environ.get("SENTINEL_FOREST_FACTS", ROOT.parent / "shared" / "facts")) / "data"
"""Lists and tables as their publishers give them; tests that need them are skipped by name where they are absent."""
NO_FACTS = f"no publishers' lists at {FACTS} (set SENTINEL_FOREST_FACTS to the folder above)"

TINY = {
    "version": "tiny-v1",
    "releases": ["cloudsen12-sample"],
    "schemes": ["published", "pooled-random"],
    "trials": 1,
    "feature_sets": ["l1c-6"],
    "forest": {"trees": 5},
    "bootstrap": {"draws": 100},
}
"""A run that goes through every rule in a few seconds."""
FROM_FORESTS = {"fit_all": 1, "predict": 1, "importance": 1, "score_all": 1, "average": 1, "pages": 1}
"""Jobs that `without_forests` leaves to be done (of each rule), apart from those that run where Snakemake does."""


@dataclass(frozen=True)
class Checkout:
    """A copy of the project."""

    folder: Path

    def snakemake(self, *arguments: str, fails: bool = False, **environment: str) -> str:
        """Call snakemake; return its own log. The exit code must be what the test expects."""
        snakemake = Path(sys.executable).parent / "snakemake"
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
        done = subprocess.run(
            [snakemake, "--logger-sentinel-forest-everything", *arguments],
            cwd=self.folder,
            text=True,
            check=False,
            timeout=1800,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=kept | {"PYTHONPATH": str(self.folder / "src")} | environment,
        )
        assert (done.returncode != 0) == fails, done.stdout
        return done.stdout

    def python(self, *arguments: str) -> str:
        """Call Python with the package of this copy; return what it printed."""
        path = {"PYTHONPATH": str(self.folder / "src")}
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            text=True,
            check=True,
            env=os.environ | path,
            capture_output=True,
        )
        return done.stdout

    def overlay(self, name: str, **values: object) -> str:
        """Write an overlay of the configuration; return its name."""
        (self.folder / name).write_text(yaml.safe_dump(values), encoding="utf-8")
        return name

    def tree(self, below: str) -> dict[str, str]:
        """SHA-256 of every file below a folder."""
        return {
            str(path.relative_to(self.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted((self.folder / below).rglob("*"))
            if path.is_file()
        }

    def manifest(self, version: str) -> str:
        """The manifest of a version."""
        return (self.folder / "results" / version / "manifest.sha256").read_text(encoding="utf-8")


def project_files() -> list[str]:
    """Files of the project: what git tracks or would track, or everything where there is no git."""
    git = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(git, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    return [
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*")
        if path.is_file() and not any(part.startswith(".venv") for part in path.parts)
    ]


def copy_project(folder: Path) -> Checkout:
    """A copy of the project as a fresh clone would have it."""
    for name in project_files():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    return Checkout(folder)


def copy_of(checkout: Checkout, folder: Path, whole: bool = False) -> Checkout:
    """A copy of a finished run, with other dates, as after a transfer to another machine.

    What was written last has the oldest date, so that results seem older than what they were made from. Unless
    `whole`, the data stay where they are; then nothing may write to them.
    """
    apart = shutil.ignore_patterns() if whole else _only_top("data")
    begun, now = (checkout.folder / "Snakefile").stat().st_mtime_ns, time.time_ns()

    def copy(source: str, target: str) -> None:
        shutil.copyfile(source, target)
        date = now - (os.stat(source).st_mtime_ns - begun)
        os.utime(target, ns=(date, date))

    shutil.copytree(checkout.folder, folder, copy_function=copy, symlinks=True, ignore=apart)
    if not whole:
        (folder / "data").symlink_to(checkout.folder / "data")
    return Checkout(folder)


def without_forests(checkout: Checkout, folder: Path) -> Checkout:
    """A copy of the finished small run that has yet to grow its forests, and what follows from them."""
    copy = copy_of(checkout, folder)
    results = copy.folder / "results" / TINY["version"]
    shutil.rmtree(results / "cloudsen12-sample" / "baselines")
    (results / "manifest.sha256").unlink()
    return copy


def _only_top(name: str):
    """For `shutil.copytree`: leave out a folder of the top level."""
    return lambda folder, names: {name} if {name, "Snakefile"} <= set(names) else set()
