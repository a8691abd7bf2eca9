"""The cause is told from the first bytes and the errno: one table for all readers."""

import errno
import gzip
import io
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from sentinel_forest import cli, datasets
from sentinel_forest.acquire import unpack
from sentinel_forest.datasets import so2sat
from sentinel_forest.datasets.base import File, Finding, no_hashes
from sentinel_forest.datasets.findings import joined
from sentinel_forest.errors import InputError
from sentinel_forest.io import borders, causes, hdf5

POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'ab' * 32}\nsize 52006404720\n".encode()
PAGE = b"<!DOCTYPE html>\n<html><head><title>Log in</title></head></html>"
OTHERS = {
    "a Git LFS pointer": (POINTER, "git lfs pull"),
    "a web page": (PAGE, "own address"),
    "a .npy header": (b"\x93NUMPY\x01\x00v\x00" + bytes(118), "tofile"),
    "gzip-compressed": (gzip.compress(b"something"), "gunzip"),
    "a zip archive": (b"PK\x03\x04" + bytes(60), "unzip"),
    "a spreadsheet": (b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml", "save it as CSV"),
    "an empty file": (b"", "fetch it again"),
    "a server's answer in XML": (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "fetch it again"),
    "zeros where the file begins": (bytes(4096), "interrupted download"),
}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    with so2sat.create(tmp_path, "training", 2) as file:
        for key in ("sen1", "sen2"):
            file[key][...] = np.random.default_rng(0).uniform(0.1, 1, file[key].shape)
        file["label"][...] = np.eye(17)[:2]
    return tmp_path


def findings(folder: Path, name: str = "so2sat") -> list[Finding]:
    dataset = datasets.load(name)
    return dataset.structure(folder, [File(path) for path in dataset.list_files(folder)])


@pytest.mark.parametrize("kind", OTHERS)
def test_something_else_in_the_place_of_hdf5_is_named(files: Path, kind: str) -> None:
    """Reported: a clone without git-lfs was "damaged, fetch the file again" (52 GB)."""
    content, remedy = OTHERS[kind]
    (files / "training.h5").write_bytes(content)
    (finding,) = findings(files)
    assert (finding.check, finding.status, finding.accept) == ("readable", "failed", "")
    assert finding.found.startswith(kind)
    assert remedy in finding.remedy
    with pytest.raises(InputError, match=kind):
        datasets.load("so2sat").catalog(files, ["training.h5"], no_hashes())


@pytest.mark.parametrize("kind", OTHERS)
def test_something_else_in_the_place_of_a_tile_is_named(tmp_path: Path, kind: str) -> None:
    dataset = datasets.load("sen12ms")
    path = "ROIs1158_spring/s2_1/ROIs1158_spring_s2_1_p30.tif"
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_bytes(OTHERS[kind][0])
    inspector = dataset.inspector(tmp_path, File(path))
    assert inspector
    inspector.update(memoryview(OTHERS[kind][0]))
    (finding,) = inspector.finish().findings
    assert (finding.check, finding.accept) == ("readable", "left out")
    assert finding.found.startswith(kind)
    with pytest.raises(InputError, match=kind):
        next(dataset.blocks(tmp_path, _row(path), ["s2:B2"], 1))


def _row(path: str) -> pd.DataFrame:
    return pd.DataFrame({"file": [path], "row": [0], "patch": ["p"]})


def clouds(folder: Path, content: bytes, layers: int = 15) -> list[Finding]:
    (folder / "train").mkdir()
    for number in list(datasets.load("cloudsen12").layer_table)[:layers]:
        (folder / "train" / f"{number}.dat").write_bytes(content)
    return joined(row for row in findings(folder, "cloudsen12") if row.check == "readable")


def test_fifty_pointers_are_one_finding(tmp_path: Path) -> None:
    """Reported: 45 times "incomplete, of another split, or of another layout"."""
    (finding,) = clouds(tmp_path, POINTER)
    assert finding.file.startswith("15 files, the first: train/")
    assert (finding.found, finding.accept) == ("a Git LFS pointer, not the file itself", "")


def test_an_npy_header_is_counted(tmp_path: Path) -> None:
    """Reported: 21 size failures for files written by np.save under the name .dat."""
    content = io.BytesIO()
    np.save(content, np.ones((2, 512, 512), "<i2"))
    (finding,) = clouds(tmp_path, content.getvalue(), layers=13)
    assert finding.found == "128 B more than 2 patches: a .npy header before the values"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "permission"),
        (errno.EAGAIN, "locked"),
        (errno.ENOLCK, "no locks"),
        (errno.ESTALE, "stale"),
        (errno.EMFILE, "too many files"),
        (errno.ENOSPC, "disk is full"),
        (errno.EIO, "the disk gave an error"),
    ],
)
def test_system_errors_are_told_apart(files: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str) -> None:
    def refuse(*given: object, **named: object) -> None:
        raise OSError(number, "h5py says something else")

    monkeypatch.setattr(hdf5.h5py, "File", refuse)
    (finding,) = findings(files)
    assert words in finding.found
    assert "fetch" not in finding.remedy


def test_a_full_disk_elsewhere_is_not_blamed_on_the_file_that_is_read(files: Path) -> None:
    with pytest.raises(OSError, match="No space") as caught, hdf5.opened(files / "training.h5"):
        raise OSError(errno.ENOSPC, "No space left on device", "/elsewhere/out.tfrecord")
    assert caught.value.filename == "/elsewhere/out.tfrecord"


def test_a_command_that_meets_a_system_error_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*given: object, **named: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK), "/data/x")

    monkeypatch.setattr(cli, "application", lambda names: fails)
    with pytest.raises(SystemExit) as caught:
        cli.main(["plan"])
    assert "what to do: use a folder on a disk that can lock files" in str(caught.value)


def test_a_file_that_another_process_writes_is_not_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "training.h5"
    with h5py.File(path, "w", libver="latest") as file:
        file["sen2"] = np.ones(3)
        file.flush()
        (tmp_path / "copy.h5").write_bytes(path.read_bytes())  # as it is while it is written
    with pytest.raises(InputError, match="another process is writing it"), hdf5.opened(tmp_path / "copy.h5"):
        pass


def test_a_packed_file_that_is_unpacked_already_is_named(files: Path) -> None:
    """Browsers unpack .gz on the way and keep its name."""
    (files / "training.h5").rename(files / "training.h5.gz")
    with pytest.raises(InputError, match=r"unpacked already(.|\n)*rename it: training\.h5"):
        unpack.gunzip_once(files, "training.h5.gz", files / "target")


SHIM = "#include <errno.h>\nint flock(int fd, int op) { errno = ENOLCK; return -1; }\n"
CALLS = {
    "read": "from sentinel_forest import datasets; from sentinel_forest.datasets.base import no_hashes; "
    "assert len(datasets.load('so2sat').catalog(folder, ['training.h5'], no_hashes())) == 2",
    "link": "from sentinel_forest.acquire.link import link; link(release='mine', dataset='so2sat', source=folder, "
    "select=[], folder=folder / 'data' / 'mine', output=folder / 'files.tsv')",
}


@pytest.mark.skipif(sys.platform != "linux" or not shutil.which("cc"), reason="needs Linux and a C compiler")
@pytest.mark.parametrize("call", CALLS)
def test_files_are_read_where_the_disk_has_no_locks(files: Path, call: str) -> None:
    """Reported: on NFS without lockd every HDF5 file was called damaged."""
    (files / "shim.c").write_text(SHIM, encoding="utf-8")
    shim = files / "shim.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", shim, files / "shim.c"], check=True)
    environment = os.environ | {"LD_PRELOAD": str(shim)}
    code = "import fcntl, sys; fcntl.flock(sys.stdin, fcntl.LOCK_EX)"
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False, capture_output=True).returncode
    code = f"from pathlib import Path; folder = Path({str(files)!r}); {CALLS[call]}"
    done = subprocess.run([sys.executable, "-c", code], env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# Borders: HDF5, packed files and archives


def contiguous(file: h5py.File) -> None:
    file.create_dataset("sen2", (10**12, 32, 32, 10), "<f8")


def chunked(file: h5py.File) -> None:
    file.create_dataset("sen2", (10**12, 32, 32, 10), "<f8", chunks=(1, 32, 32, 10))


def large_chunks(file: h5py.File) -> None:
    file.create_dataset("sen2", (50_000, 32, 32, 10), "<f8", chunks=(40_000, 32, 32, 10), compression="gzip")


def missing_chunks(file: h5py.File) -> None:
    file.create_dataset("sen2", (8, 32, 32, 10), "<f8", chunks=(1, 32, 32, 10))[:3] = 1


def null_dataspace(file: h5py.File) -> None:
    file["sen2"] = h5py.Empty("f8")


@pytest.mark.parametrize("declare", [contiguous, chunked, large_chunks, missing_chunks, null_dataspace])
@pytest.mark.parametrize("name", ["training", "training_geo"])
def test_hdf5_that_declares_what_it_does_not_hold_is_refused_at_once(
    files: Path, declare: Callable[[h5py.File], None], name: str
) -> None:
    """Reported: 1e12 rows keep the verification busy for ever."""
    with h5py.File(files / f"{name}.h5", "w") as file:
        declare(file)
    found = [row for row in findings(files) if row.status == "failed"]
    assert [row.check for row in found] == ["readable"]
    assert found[0].found.startswith("sen2: ")
    assert not [row for row in found if "Traceback" in row.found]


@pytest.mark.parametrize("key", ["sen1", "sen2", "label"])
def test_a_group_where_a_dataset_should_be_is_a_finding(files: Path, key: str) -> None:
    with h5py.File(files / "training.h5", "r+") as file:
        del file[key]
        file.create_group(key)["inside"] = np.ones(3)
    (finding,) = [row for row in findings(files) if row.status == "failed" and row.check in ("keys", "labels")]
    assert finding.accept == ("kept" if key == "label" else "")


def test_a_repacked_file_is_still_read(files: Path) -> None:
    with h5py.File(files / "training.h5") as old, h5py.File(files / "new.h5", "w") as new:
        for key in old:
            new.create_dataset(key, data=old[key][...], chunks=True, compression="gzip", shuffle=True)
    os.replace(files / "new.h5", files / "training.h5")
    assert not [row for row in findings(files) if row.check == "readable"]


def test_a_packed_file_holds_what_its_header_says_and_no_more(files: Path) -> None:
    content = (files / "training.h5").read_bytes()
    assert hdf5.declared_size(content[:512]) == len(content)
    (files / "training.h5.gz").write_bytes(gzip.compress(content + bytes(8 << 20), 1))
    with pytest.raises(InputError, match="unpacks to more than it should"):
        unpack.gunzip_once(files, "training.h5.gz", files / "target")
    assert not list((files / "target").glob("*"))


def test_a_packed_file_for_which_there_is_no_room_is_not_begun(files: Path) -> None:
    content = bytearray((files / "training.h5").read_bytes())
    content[40:48] = (200 << 30).to_bytes(8, "little")
    (files / "training.h5.gz").write_bytes(gzip.compress(bytes(content), 1))
    if shutil.disk_usage(files).free > 200 << 30:
        pytest.skip("this disk has room for 200 GB")
    with pytest.raises(InputError, match="no room"):
        unpack.gunzip_once(files, "training.h5.gz", files / "target")


@pytest.mark.parametrize("name", ["a.tar.gz", "training.h5.gz"])
def test_a_fifo_is_refused_and_not_waited_for(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    packed = name == "training.h5.gz"
    work = partial(unpack.gunzip_once, tmp_path, name) if packed else partial(unpack.unpack_all, tmp_path)
    with pytest.raises(InputError, match="a FIFO"):
        work(tmp_path / "target")


def archive(folder: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for member, data in members:
            tar.addfile(member, io.BytesIO(data))
    (folder / "a.tar.gz").write_bytes(gzip.compress(content.getvalue()))
    return folder


def member(name: str, length: int, **headers: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.pax_headers = length, headers
    return info


TILE = "ROIs1158_spring/s2_1/ROIs1158_spring_s2_1_p30.tif"


def test_members_below_the_current_folder_and_clutter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Reported: archives made with ``tar -C dir .``, and macOS' ``._*`` in them."""
    beside = f"ROIs1158_spring/s2_1/._{Path(TILE).name}"
    archive(tmp_path, (member(f"./{TILE}", 3), b"abc"), (member(f"./{beside}", 2), b"xx"))
    table = unpack.unpack_all(tmp_path, tmp_path / "target")
    assert table["path"].tolist() == [TILE]
    assert (tmp_path / "target" / TILE).read_bytes() == b"abc"
    assert not list(tmp_path.rglob("._*"))
    assert "ignored: 1" in capsys.readouterr().err


BAD_MEMBERS = {
    "name that is no UTF-8": (member("ROIs1158_spring/\udcff\udcfe.tif", 3), b"abc"),
    "negative size": (member(TILE, 3, size="-512"), b"abc"),
    "size that is no number": (member(TILE, 3, size="many"), b"abc"),
    "sparse without a map": (member(TILE, 3, **{"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}), b"abc"),
    "sparse map that is none": (member(TILE, 3, **{"GNU.sparse.map": "a,b"}), b"abc"),
}


@pytest.mark.parametrize("kind", BAD_MEMBERS)
def test_archives_that_upset_their_library_end_in_a_message(tmp_path: Path, kind: str) -> None:
    archive(tmp_path, BAD_MEMBERS[kind])
    with pytest.raises(InputError, match="An archive"):
        unpack.unpack_all(tmp_path, tmp_path / "target")
    assert not list((tmp_path / "target").glob(f"{borders.MARKERS}/*"))  # so that it is unpacked anew


def test_a_header_of_gigabytes_is_not_read(tmp_path: Path) -> None:
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, 1 << 40
    header = info.tobuf(tarfile.GNU_FORMAT)
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(header + bytes(64 << 20), 1))
    with pytest.raises(InputError, match="ends early or is damaged"):
        unpack.unpack_all(tmp_path, tmp_path / "target")


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("y"), MemoryError(), RecursionError("z"), OSError("w")])
def test_the_border_knows_one_form_of_message(tmp_path: Path, error: Exception) -> None:
    (tmp_path / "a").write_bytes(b"1")
    with (
        pytest.raises(InputError, match=r"Bad\.(.|\n)*where:(.|\n)*found: 1 B"),
        borders.guarded(tmp_path / "a", "gzip", "Bad."),
    ):
        raise error


def test_each_cause_says_what_to_do() -> None:
    table = [*causes.BY_ERRNO.values(), *(cause for _, cause in causes.BY_FIRST_BYTES.values())]
    assert all(cause.found and cause.remedy for cause in table)
