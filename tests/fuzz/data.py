"""Attacks on the files of releases: bits, structures and tables, with and without published checksums."""

import gzip
import io
import os
import random
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import yaml

from fuzz.harness import WrongError
from sentinel_forest import datasets
from sentinel_forest.acquire import unpack
from sentinel_forest.config import releases
from sentinel_forest.datasets import so2sat
from sentinel_forest.io import tables
from sentinel_forest.io.checksums import file_checksum
from sentinel_forest.simulate import write
from sentinel_forest.verify import admit, catalog, inspect

RELEASE = "toy"


@dataclass(frozen=True)
class Sound:
    """A sound release: its folder, its dataset, the catalog that is made of it, the file that is attacked."""

    folder: Path
    dataset: str
    layout: dict[str, Any]
    catalog: pd.DataFrame
    target: str


def verified(folder: Path, dataset: str, layout: dict[str, Any], work: Path) -> pd.DataFrame:
    """The steps from the files to the catalog, as a run takes them; the catalog.

    Raises
    ------
    WrongError
        If the checksums that stand beside the result are not those of the files.
    """
    work.mkdir(parents=True, exist_ok=True)
    at = {
        name: work / name for name in ("files.tsv", "integrity.tsv", "hashes", "checksums.tsv", "verified", "catalog")
    }
    opened = datasets.load(dataset, layout)
    tables.write_tsv(at["files.tsv"], releases.file_table(folder, opened.list_files(folder)), releases.FILES)
    inspect.inspect(
        release=RELEASE,
        dataset=dataset,
        layout=layout,
        folder=folder,
        files=at["files.tsv"],
        select=[],
        integrity=at["integrity.tsv"],
        hashes=at["hashes"],
        checksums=at["checksums.tsv"],
    )
    admit.admit(
        release=RELEASE, integrity=at["integrity.tsv"], checksums=at["checksums.tsv"], accept=[], output=at["verified"]
    )
    catalog.catalog(
        dataset=dataset, layout=layout, folder=folder, files=at["files.tsv"], hashes=at["hashes"], output=at["catalog"]
    )
    for row in tables.read_tsv(at["checksums.tsv"], inspect.CHECKSUMS).itertuples():
        if file_checksum(folder / str(row.path)) != row.sha256:
            raise WrongError(f"the checksum beside the result is not that of {row.path}")
    return tables.read_catalog(at["catalog"])


def _sound(dataset: str, layout: dict[str, Any], target: str, make: Callable[[Path], None]) -> Callable[[Path], Sound]:
    def prepare(folder: Path) -> Sound:
        data = folder / "data" / RELEASE
        make(data)
        made = verified(data, dataset, layout, folder / "work")
        shutil.rmtree(folder / "work")
        for kept in data.parent.glob(f"{RELEASE}.*"):
            kept.unlink()
        return Sound(data, dataset, layout, made, target)

    return prepare


def _so2sat(folder: Path) -> None:
    chance = np.random.default_rng(1)
    folder.mkdir(parents=True)
    for name, count in {"training": 6, "testing": 3}.items():
        with so2sat.create(folder, name, count) as file:
            file["label"][...] = np.eye(17)[:count]
            radar = chance.normal(0, 0.1, file["sen1"].shape)
            radar[..., 2:4] *= 2  # VV
            for place, parts in ((4, radar[..., 0:2]), (5, radar[..., 2:4])):
                radar[..., place] = (parts**2).sum(axis=-1)  # intensities
            file["sen1"][...] = radar
            file["sen2"][...] = chance.integers(1, 2800, file["sen2"].shape) / 10_000
        tfw = np.column_stack(
            [np.full((count, 4), [10.0, 0, 0, -10]), 4e5 + 320.0 * np.arange(count), np.full(count, 5.3e6)]
        )
        so2sat.write_geo(folder, name, np.full(count, 32632), tfw, [f"{name} {row % 2}" for row in range(count)])


def _sen12ms(folder: Path) -> None:
    write("sen12ms", {"side": 128}, {"seed": 1, "scenes": 4, "patches": 2}, folder)


def _cloudsen12(folder: Path) -> None:
    """Metadata alone."""
    for name, count in {"train": 6, "test": 4}.items():
        (folder / name).mkdir(parents=True)
        rows = pd.DataFrame({"roi_id": [f"ROI_{name}_{number // 2}" for number in range(count)]})
        days = [f"2020{len(name):02}{number + 1:02}T000000" for number in range(count)]
        rows["s2_id"] = [f"{day}_{day}_T32UPU" for day in days]
        rows["proj_epsg"], rows["proj_centroid"] = 32632, "[500000.0, 5300000.0]"
        rows["land_cover"], rows["cloud_coverage"] = 30, "cloud-free"
        rows.to_csv(folder / name / "metadata.csv", index=False)


so2sat_release = _sound("so2sat", {}, "training.h5", _so2sat)
geo_release = _sound("so2sat", {}, "training_geo.h5", _so2sat)
sen12ms_release = _sound("sen12ms", {"side": 128}, "", _sen12ms)
cloudsen12_release = _sound("cloudsen12", {}, "train/metadata.csv", _cloudsen12)


# Changes


def _flip(chance: random.Random, path: Path) -> None:
    """Flip one bit."""
    with open(path, "r+b") as stream:
        place = chance.randrange(path.stat().st_size)
        stream.seek(place)
        byte = stream.read(1)[0] ^ (1 << chance.randrange(8))
        stream.seek(place)
        stream.write(bytes([byte]))


def _damage(chance: random.Random, path: Path) -> None:
    """Change some bytes near the beginning, where structures lie, or cut the file, or add to it."""
    data = bytearray(path.read_bytes())
    how = chance.choice(("bytes", "bytes", "bytes", "cut", "longer", "twice"))
    if how == "cut":
        del data[chance.randrange(len(data)) :]
    elif how == "longer":
        data += chance.randbytes(chance.randrange(1, 5000))
    elif how == "twice":
        start = chance.randrange(len(data))
        data[start:start] = data[start : start + chance.randrange(1, 500)]
    else:
        reach = min(len(data), chance.choice((512, 8192, len(data))))
        for _ in range(chance.choice((1, 2, 8))):
            data[chance.randrange(reach)] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
    path.write_bytes(data)


def _copy(sound: Sound, folder: Path) -> Path:
    data = folder / "data" / RELEASE
    shutil.copytree(sound.folder, data)
    return data


def _target(chance: random.Random, sound: Sound, data: Path) -> Path:
    files = sorted(path for path in data.rglob("*") if path.is_file())
    return data / sound.target if sound.target else chance.choice(files)


def flip_where_checksums_are_published(chance: random.Random, folder: Path, sound: Sound) -> None:
    """The published checksum of each file is known; nothing may pass."""
    data = _copy(sound, folder)
    entry = {
        "release": RELEASE,
        "dataset": sound.dataset,
        "title": "Toy",
        "version": "1",
        "licence": "CC0-1.0",
        "citation": {"text": "none", "doi": "none"},
        "shards": 1,
        "sources": ["http://127.0.0.1:1/{path}"],
        "files": [
            {"path": str(path.relative_to(data)), "checksums": {"sha256": file_checksum(path)}}
            for path in sorted(data.rglob("*"))
            if path.is_file()
        ],
    }
    own = folder / "config" / "releases"
    own.mkdir(parents=True)
    (own / f"{RELEASE}.yaml").write_text(yaml.safe_dump(entry))
    _flip(chance, chance.choice(sorted(path for path in data.rglob("*") if path.is_file())))
    verified(data, sound.dataset, sound.layout, folder / "work")
    raise WrongError("a flipped bit passed although the checksum is published")


def replace_after_the_first_sight(chance: random.Random, folder: Path, sound: Sound) -> None:
    """No checksum is published; the file was read once, and is then another of the same size and date."""
    data = _copy(sound, folder)
    verified(data, sound.dataset, sound.layout, folder / "work")
    target = chance.choice(sorted(path for path in data.rglob("*") if path.is_file()))
    before = target.stat()
    _flip(chance, target)
    os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns))
    verified(data, sound.dataset, sound.layout, folder / "work")
    raise WrongError("a file that was replaced since it was first read passed")


def damage_without_checksums(chance: random.Random, folder: Path, sound: Sound) -> None:
    """Nobody knows what the bytes should be: a message, or a result beside which their checksum stands."""
    data = _copy(sound, folder)
    (_flip if chance.random() < 0.3 else _damage)(chance, _target(chance, sound, data))
    verified(data, sound.dataset, sound.layout, folder / "work")


# Structures of HDF5


def _external(file: h5py.File, name: str, chance: random.Random) -> None:
    shape, dtype = file[name].shape, file[name].dtype
    del file[name]
    size = int(np.prod(shape)) * dtype.itemsize
    file.create_dataset(name, shape, dtype, external=[(chance.choice(("/etc/passwd", "../../home/.bashrc")), 0, size)])


def _external_link(file: h5py.File, name: str, chance: random.Random) -> None:
    del file[name]
    file[name] = h5py.ExternalLink(chance.choice(("testing.h5", "/etc/passwd", "nowhere.h5")), name)


def _soft_link(file: h5py.File, name: str, chance: random.Random) -> None:
    file.move(name, "elsewhere")
    file[name] = h5py.SoftLink(chance.choice(("/elsewhere", "/nowhere", f"/{name}")))


def _virtual(file: h5py.File, name: str, chance: random.Random) -> None:
    shape, dtype = file[name].shape, file[name].dtype
    layout = h5py.VirtualLayout(shape, dtype)
    layout[...] = h5py.VirtualSource(chance.choice(("testing.h5", "nowhere.h5", ".")), name, shape)
    del file[name]
    file.create_virtual_dataset(name, layout)


def _group(file: h5py.File, name: str, chance: random.Random) -> None:
    del file[name]
    file.create_group(name)


def _null(file: h5py.File, name: str, chance: random.Random) -> None:
    dtype = file[name].dtype
    del file[name]
    file.create_dataset(name, data=h5py.Empty(dtype))


def _huge(file: h5py.File, name: str, chance: random.Random) -> None:
    shape, dtype = file[name].shape, file[name].dtype
    del file[name]
    rows = chance.choice((10**7, 10**12, 2**62 // max(int(np.prod(shape[1:])) * dtype.itemsize, 1)))
    file.create_dataset(name, (rows, *shape[1:]), dtype, chunks=(1, *shape[1:]))


def _dtype(file: h5py.File, name: str, chance: random.Random) -> None:
    shape = file[name].shape
    del file[name]
    kind = chance.choice(["S5", h5py.string_dtype(), np.dtype([("a", "f4"), ("b", "i8")]), "c16", "V7"])
    file.create_dataset(name, shape[:1], kind)


def _shape(file: h5py.File, name: str, chance: random.Random) -> None:
    shape, dtype = file[name].shape, file[name].dtype
    del file[name]
    wrong = chance.choice([(), (0,), shape[:-1], (*shape, 1), (shape[0] + 1, *shape[1:]), tuple(reversed(shape))])
    file.create_dataset(name, wrong, dtype)


def _gone(file: h5py.File, name: str, chance: random.Random) -> None:
    del file[name]


STRUCTURES = (_external, _external_link, _soft_link, _virtual, _group, _null, _huge, _dtype, _shape, _gone)


def build_another_structure(chance: random.Random, folder: Path, sound: Sound) -> None:
    """A dataset of a file of HDF5 is something else; none of it may pass."""
    data = _copy(sound, folder)
    path = data / chance.choice(("training.h5", "testing.h5", "training_geo.h5"))
    change = chance.choice(STRUCTURES)
    with h5py.File(path, "r+") as file:
        name = chance.choice(sorted(file))
        if change is _shape and file[name].ndim < 2:
            change = _group
        change(file, name, chance)
    verified(data, sound.dataset, sound.layout, folder / "work")
    raise WrongError(f"{change.__name__} of {name} in {path.name} passed")


# Archives

ARCHIVE = "ROIs1158_spring_s1.tar.gz"
TILE = "ROIs1158_spring/s1_1/ROIs1158_spring_s1_1_p{}.tif"


def packed(folder: Path) -> dict[str, bytes]:
    """Files of a sound archive."""
    return {TILE.format(number): random.Random(number).randbytes(3000) for number in range(4)}


def _add(tar: tarfile.TarFile, name: str, body: bytes, **more: Any) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(body)
    for key, value in more.items():
        setattr(member, key, value)
    tar.addfile(member, io.BytesIO(body))


HOSTILE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("../escape.tif", {}),
    ("/tmp/escape.tif", {}),
    ("ROIs1158_spring/../../escape.tif", {}),
    (TILE.format(9), {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}),
    ("ROIs1158_spring/s1_1", {"type": tarfile.SYMTYPE, "linkname": "../../../home"}),
    (TILE.format(9), {"type": tarfile.LNKTYPE, "linkname": "../../home/.bashrc"}),
    (TILE.format(9), {"type": tarfile.FIFOTYPE}),
    (TILE.format(9), {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3}),
    ("a" * 5000, {}),
    ("a\nb.tif", {}),
    ("a\udcff.tif", {}),
    (".unpacked/x.tsv", {}),
    (TILE.format(9), {"pax_headers": {"size": "-5"}}),
    (TILE.format(9), {"pax_headers": {"path": "../escape.tif"}}),
    (TILE.format(9), {"pax_headers": {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}}),
)


def attack_an_archive(chance: random.Random, folder: Path, files: dict[str, bytes]) -> None:
    """Members with hostile names and types, or damaged bytes of the tar or of its compression."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT, errors="surrogateescape") as tar:
        for name, body in files.items():
            _add(tar, name, body)
        if hostile := chance.random() < 0.4:
            name, more = chance.choice(HOSTILE)
            _add(tar, name, b"evil!" if "type" not in more else b"", **more)
    data = folder / "data"
    data.mkdir()
    plain = bytearray(buffer.getvalue())
    if not hostile and chance.random() < 0.5:
        for _ in range(chance.choice((1, 4))):
            plain[chance.randrange(chance.choice((600, len(plain))))] = chance.randrange(256)
    (data / ARCHIVE).write_bytes(gzip.compress(bytes(plain), mtime=0))
    if not hostile and chance.random() < 0.5:
        _damage(chance, data / ARCHIVE)
    unpack.unpack(source=data, target=data, output=folder / "files.tsv")
    found = {str(path.relative_to(data)): path.read_bytes() for path in data.rglob("*.tif")}
    if any(path.is_symlink() or not (path.is_file() or path.is_dir()) for path in data.rglob("*")):
        raise WrongError("something else than a plain file was unpacked")
    if hostile and found != files:
        raise WrongError("a hostile member was unpacked")


# Tables


def attack_a_table(chance: random.Random, folder: Path, sound: Sound) -> None:
    """Metadata of CloudSEN12 with damaged bytes, cells and columns."""
    data = _copy(sound, folder)
    path = data / sound.target
    how = chance.choice(("damage", "commas", "cell", "header", "column", "lines", "quotes"))
    lines = path.read_text().splitlines()
    if how == "damage":
        _damage(chance, path)
    elif how == "commas":
        path.write_text("\n".join([lines[0] + "," * 300_000, *lines[1:]]))
    elif how == "quotes":
        path.write_text("\n".join([lines[0], '"' + "\n".join(lines[1:])]))
    elif how == "lines":
        path.write_text(chance.choice(("\r", "\n\n", "\x00", "\u2028")).join(lines))
    else:
        table = pd.read_csv(path, dtype="str")
        column = chance.choice(list(table))
        values = ("1e400", "nan", "-", "=1+1", "../../x", "\x1b[2J", "x" * 100_000, "", "[1e400, 5]", "[[", "٣", "{}")
        if how == "cell":
            table.loc[chance.randrange(len(table)), column] = chance.choice(values)
        elif how == "header":
            table = table.rename(columns={column: chance.choice((*values, *table.columns))})
        else:
            table = table.drop(columns=column)
        table.to_csv(path, index=False)
    verified(data, sound.dataset, sound.layout, folder / "work")
