"""HDF5 files are opened in one place, without locks, and never for what lies outside of them."""

import fcntl
import re
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from sentinel_forest import datasets
from sentinel_forest.datasets import so2sat
from sentinel_forest.datasets.base import File, no_hashes
from sentinel_forest.errors import InputError
from sentinel_forest.io import hdf5
from sentinel_forest.verify import admit, catalog, inspect

DATASET = datasets.load("so2sat")
COUNT = 3
PACKAGE = Path(hdf5.__file__).parent

Change = Callable[[h5py.File, str, Path], None]


def external_storage(file: h5py.File, key: str, other: Path) -> None:
    shape, kind = file[key].shape, file[key].dtype
    del file[key]
    file.create_dataset(key, shape, kind, external=[(str(other), 0, h5py.h5f.UNLIMITED)])


def external_link(file: h5py.File, key: str, other: Path) -> None:
    del file[key]
    file[key] = h5py.ExternalLink(str(other), f"/{key}")


def soft_link(file: h5py.File, key: str, other: Path) -> None:
    file.move(key, "elsewhere")
    file[key] = h5py.SoftLink("/elsewhere")


def virtual_dataset(file: h5py.File, key: str, other: Path) -> None:
    shape, kind = file[key].shape, file[key].dtype
    del file[key]
    layout = h5py.VirtualLayout(shape, kind)
    layout[...] = h5py.VirtualSource(str(other), key, shape)
    file.create_virtual_dataset(key, layout)


KINDS = {
    "external storage": external_storage,
    "external link": external_link,
    "soft link": soft_link,
    "virtual dataset": virtual_dataset,
}


def release(folder: Path) -> Path:
    """A whole release with places, all of whose values would be read without complaint."""
    with so2sat.create(folder, "training", COUNT) as file:
        random = np.random.default_rng(0)
        file["sen1"][...] = random.uniform(0.1, 1, file["sen1"].shape)
        file["sen2"][...] = random.uniform(0.1, 1, file["sen2"].shape)
        file["label"][...] = np.eye(17)[:COUNT]
    world = np.array([[10.0, 0, 0, -10, 691_000 + 320 * row, 5_334_700] for row in range(COUNT)])
    so2sat.write_geo(folder, "training", np.full(COUNT, 32632), world, ["munich"] * COUNT)
    return folder


def read_rows(folder: Path, rows: pd.DataFrame) -> None:
    for block in DATASET.blocks(folder, rows, ["sen1:VH_re", "sen2:B2"], 2):
        assert len(block.patches)


WAYS_IN = {
    "catalog": lambda folder, rows: DATASET.catalog(folder, ["training.h5", "training_geo.h5"], no_hashes()),
    "blocks": read_rows,
    "reader": lambda folder, rows: DATASET.reader(folder, "training.h5", ["sen1", "sen2"]),
    "export": lambda folder, rows: DATASET.export(folder, {"train": rows}, []),
}


@pytest.mark.parametrize("key", ["sen1", "sen2", "label", "a/nested/one"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_in_the_file_is_refused_by_name_wherever_it_is_opened(tmp_path: Path, kind: str, key: str) -> None:
    folder = release(tmp_path / "release")
    rows = DATASET.catalog(folder, ["training.h5", "training_geo.h5"], no_hashes())
    # The other file holds the very same, so that nothing but the check stops the reading.
    other = tmp_path / "secret.h5"
    other.write_bytes((folder / "training.h5").read_bytes())
    with h5py.File(folder / "training.h5", "r+") as file:
        if "/" in key:
            file[key] = np.zeros(4)
        KINDS[kind](file, key, other)
    for call in WAYS_IN.values():
        with pytest.raises(hdf5.OutsideError, match=rf"training\.h5\n  found: {key}: {kind}"):
            call(folder, rows)
    findings = DATASET.structure(folder, [File("training.h5")])
    assert [(row.check, row.status) for row in findings] == [("inside", "failed")]
    assert findings[0].found.startswith(f"{key}: {kind}")
    assert DATASET.inspector(folder, File("training.h5")) is None


@pytest.mark.parametrize("key", ["epsg", "tfw", "city"])
@pytest.mark.parametrize("kind", KINDS)
def test_geo_files_are_held_to_the_same(tmp_path: Path, kind: str, key: str) -> None:
    folder = release(tmp_path / "release")
    other = tmp_path / "secret.h5"
    other.write_bytes((folder / "training_geo.h5").read_bytes())
    with h5py.File(folder / "training_geo.h5", "r+") as file:
        KINDS[kind](file, key, other)
    with pytest.raises(hdf5.OutsideError, match=rf"training_geo\.h5\n  found: {key}: {kind}"):
        DATASET.catalog(folder, ["training.h5", "training_geo.h5"], no_hashes())
    (finding,) = DATASET.structure(folder, [File("training_geo.h5")])
    assert (finding.check, finding.status) == ("inside", "failed")


def test_the_file_outside_is_named(tmp_path: Path) -> None:
    folder = release(tmp_path / "release")
    with h5py.File(folder / "training.h5", "r+") as file:
        external_storage(file, "sen1", Path("/etc/passwd"))
    with pytest.raises(InputError, match="sen1: external storage in /etc/passwd"):
        DATASET.catalog(folder, ["training.h5"], no_hashes())


def test_the_word_of_the_user_opens_no_file_outside(tmp_path: Path) -> None:
    """The check cannot be accepted; reading would go wrong all the same."""
    folder = release(tmp_path / "data" / "mine")
    with h5py.File(folder / "training.h5", "r+") as file:
        soft_link(file, "sen2", folder)
    listed = tmp_path / "files.tsv"
    listed.write_text("path\tbytes\ntraining.h5\t0\ntraining_geo.h5\t0\n", encoding="utf-8")
    outputs = [tmp_path / name for name in ("integrity.tsv", "hashes.parquet", "checksums.tsv")]
    integrity, hashes, checksums = outputs
    inspect.inspect(
        release="mine",
        dataset="so2sat",
        folder=folder,
        files=listed,
        select=[],
        integrity=integrity,
        hashes=hashes,
        checksums=checksums,
    )
    judged = {"integrity": integrity, "checksums": checksums, "output": tmp_path / "verified.json"}
    for accept in ([], ["inside"]):
        with pytest.raises(InputError, match="sen2: soft link to /elsewhere"):
            admit.admit(release="mine", accept=accept, **judged)
    with pytest.raises(InputError, match="sen2: soft link"):
        catalog.make(DATASET, folder, ["training.h5"], no_hashes())


def test_names_from_a_file_cannot_disturb_a_terminal(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x\x1b[2J"] = h5py.SoftLink("y" * 500)
    with pytest.raises(hdf5.OutsideError) as caught, hdf5.opened(tmp_path / "a.h5"):
        pass
    assert "\x1b" not in str(caught.value)
    assert max(map(len, str(caught.value).splitlines())) < 150


def test_hard_links_and_groups_are_a_matter_of_the_file_itself(tmp_path: Path) -> None:
    folder = release(tmp_path)
    with h5py.File(folder / "training.h5", "r+") as file:
        file["again"] = file["sen2"]
        file.create_group("loop")["back"] = file["/"]
    with hdf5.opened(folder / "training.h5") as handle:
        assert sorted(handle) == ["again", "label", "loop", "sen1", "sen2"]


def test_a_file_is_read_and_written_where_it_cannot_be_locked(tmp_path: Path) -> None:
    """Another holds the lock, which looks to HDF5 like a file system that has none."""
    folder = release(tmp_path)
    for name in ("training.h5", "training_geo.h5"):
        with open(folder / name, "rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            with pytest.raises(OSError, match="lock"):
                h5py.File(folder / name, "r", locking=True)
            assert not [row for row in DATASET.structure(folder, [File("training_geo.h5")]) if row.status == "failed"]
            rows = DATASET.catalog(folder, ["training.h5", "training_geo.h5"], no_hashes())
            read_rows(folder, rows)
    (tmp_path / "new.h5").touch()
    with open(tmp_path / "new.h5", "rb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        hdf5.created(tmp_path / "new.h5").close()


def test_a_file_that_may_not_be_read_is_not_called_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: object, **named: object) -> None:
        raise PermissionError(13, "Permission denied")

    folder = release(tmp_path)
    monkeypatch.setattr(hdf5.h5py, "File", refuse)
    with pytest.raises(InputError, match=r"permission to use it is missing(.|\n)*chmod"):
        DATASET.reader(folder, "training.h5", ["sen2"])


def test_no_other_module_opens_hdf5() -> None:
    opens = re.compile(r"h5py\.(File|h5f)\b(?!\])\(|h5f\.(open|create)|read_hdf|HDFStore|netCDF4|xarray|HDF5:")
    found = [
        path.name
        for path in PACKAGE.rglob("*.py")
        if opens.search(path.read_text(encoding="utf-8")) and path.name != "hdf5.py"
    ]
    assert found == []
