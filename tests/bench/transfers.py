"""Fetching over the loopback address against the client alone, from the same server."""

import contextlib
import hashlib
import io
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import yaml

from bench.measure import Row, pair
from sentinel_forest.acquire import download

sys.path.append(str(Path(__file__).parents[1] / "faults"))
from servers import nginx, open_folder

SETS = {"one file of 1 GB": (1, 1 << 30), "16 files of 64 MB": (16, 64 << 20)}
"""Name to number of files and bytes of each."""


def rows(folder: Path) -> Iterator[Row]:
    """What is fetched is checked against its SHA-256 and stored; aria2c alone does neither."""
    if not all(map(shutil.which, ("nginx", "aria2c"))):
        print("transfers: not measured, nginx-light and aria2 are not installed", file=sys.stderr)
        return
    for what, (count, size) in SETS.items():
        with open_folder() as root, nginx(root) as server:
            names = [f"{number}.dat" for number in range(count)]
            checksums = {name: _write(root / name, size, seed) for seed, name in enumerate(names)}
            _register(folder, checksums, size, server.url())
            addresses = "".join(f"{server.url().format(path=path)}\n" for path in checksums)
            times = pair(partial(_fetch, folder), partial(_aria2c, folder, addresses), repeats=5)
        yield Row(f"fetch {what}, SHA-256 checked", "aria2c, nothing checked", 0.9, *times)


def _write(path: Path, size: int, seed: int) -> str:
    """Write random bytes; their SHA-256."""
    content = np.random.default_rng(seed).bytes(size)
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def _register(folder: Path, checksums: dict[str, str], size: int, address: str) -> None:
    files = [
        {"path": path, "bytes": size, "checksums": {"sha256": checksum}, "addresses": [address]}
        for path, checksum in checksums.items()
    ]
    entry = {
        "release": "toy",
        "dataset": "cloudsen12",
        "title": "Toy",
        "version": "1",
        "licence": "CC0-1.0",
        "citation": {"text": "none", "doi": "none"},
        "shards": 1,
        "files": files,
    }
    registry = folder / "config" / "releases"
    registry.mkdir(parents=True, exist_ok=True)
    (registry / "toy.yaml").write_text(yaml.safe_dump(entry), encoding="utf-8")


def _fetch(folder: Path) -> None:
    with _emptied(folder / "data") as data, contextlib.redirect_stderr(io.StringIO()), contextlib.chdir(folder):
        download.download(
            release="toy", dataset="cloudsen12", select=[], folder=data / "toy", output=folder / "files.tsv"
        )


def _aria2c(folder: Path, addresses: str) -> None:
    """As many files and connections at a time as `fetch` has."""
    with _emptied(folder / "plain") as plain:
        command = [
            "aria2c",
            "--no-conf",
            "--quiet",
            f"--dir={plain}",
            "--split=4",
            "--max-connection-per-server=4",
            "--min-split-size=16M",
            "--file-allocation=none",
            "--disk-cache=0",
            f"--max-concurrent-downloads={download.MOST_FILES}",
            "--input-file=-",
        ]
        subprocess.run(command, input=addresses, text=True, check=True, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def _emptied(folder: Path) -> Iterator[Path]:
    """A new folder, gone afterwards."""
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
