"""A release of a few files whose addresses a test chooses, and ways to fetch it."""

import contextlib
import hashlib
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from servers import program

from sentinel_forest import cli
from sentinel_forest.errors import InputError
from sentinel_forest.steps import flags


def content(size: int, seed: int = 1) -> bytes:
    return np.random.default_rng(seed).bytes(size)


class Toy:
    """A registered release ``toy`` in a folder of its own, and ways to fetch it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        self.data, self.store = folder / "data" / "toy", folder / "data" / ".store"
        self.entry: dict = {
            "release": "toy",
            "dataset": "cloudsen12",
            "title": "Toy",
            "version": "1",
            "licence": "CC0-1.0",
            "citation": {"text": "none", "doi": "none"},
            "shards": 1,
            "files": [],
        }
        self.said = ""

    def file(self, name: str, size: int, checksums: dict | None, addresses: list[str], **more: object) -> None:
        known = {"path": name, "bytes": size, "checksums": checksums, "addresses": addresses}
        self.entry["files"].append(known | more)
        self.write()

    def write(self) -> None:
        registry = self.folder / "config" / "releases"
        registry.mkdir(parents=True, exist_ok=True)
        (registry / "toy.yaml").write_text(yaml.safe_dump(self.entry))

    def arguments(self, **more: object) -> list[str]:
        (self.folder / "data").mkdir(exist_ok=True)
        given = {
            "release": "toy",
            "dataset": "cloudsen12",
            "select": [],
            "folder": self.data,
            "output": self.folder / "files.tsv",
        }
        patience = {"attempts": 3, "wait": 0.02, "timeout": 5, "log": self.folder / "log"}
        return ["download", *shlex.split(flags(**given | patience | more))]

    def fetch(self, **more: object) -> None:
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            with contextlib.chdir(self.folder):
                _parsed(self.arguments(**more))
        finally:
            self.said += self.capsys.readouterr().err
            for number, handler in before.items():
                signal.signal(number, handler)

    def fails(self, **more: object) -> str:
        """Fetch, which must end with a clear error; its text."""
        with pytest.raises(InputError) as error:
            self.fetch(**more)
        self.said += str(error.value)
        return str(error.value)

    def start(self, **more: object) -> subprocess.Popen:
        """Fetch in a process of its own."""
        command = [sys.executable, "-m", "sentinel_forest.cli", *self.arguments(**more)]
        return subprocess.Popen(command, cwd=self.folder, stderr=subprocess.PIPE, text=True)

    def partials(self) -> list[Path]:
        paths = (self.store / "partial").glob("[!.]*")
        return [path for path in paths if path.suffix not in (".lock", ".from", ".aria2")]

    def sha256(self, name: str = "a.dat") -> str:
        return hashlib.sha256((self.data / name).read_bytes()).hexdigest()


def _parsed(words: list[str]) -> None:
    """Run a command of `sentinel-forest` here; its errors are raised."""
    cli.application(words[:1])(words, exit_on_error=False, print_error=False)


def only(client: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = folder / "programs"
    programs.mkdir()
    for name in (client, "setpriv"):
        (programs / name).symlink_to(program(name))
    if rsync := shutil.which("rsync"):
        (programs / "rsync").symlink_to(rsync)
    monkeypatch.setenv("PATH", str(programs))
