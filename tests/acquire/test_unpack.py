"""Unpacking: what comes out is what is in the archive, whole, and in its folder; or a message."""

import gzip
import io
import os
import shutil
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sentinel_forest.acquire import download, link, unpack
from sentinel_forest.acquire.archives import Limits
from sentinel_forest.config.releases import FILES
from sentinel_forest.datasets import so2sat
from sentinel_forest.datasets.base import File
from sentinel_forest.errors import InputError
from sentinel_forest.io import borders
from sentinel_forest.io.tables import read_tsv
from sentinel_forest.verify import inspect

CONTENT = {"season/s1_1/a.tif": b"a" * 700, "season/s1_1/b.tif": b"", "season/s1_2/c.tif": os.urandom(3000)}


def member(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = size, kind, target
    return info


def tar_bytes(members: Sequence[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def archive_of(content: dict[str, bytes]) -> bytes:
    return gzip.compress(tar_bytes([(member(name, len(data)), data) for name, data in content.items()]))


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A folder with one archive, and the folder to unpack into (not made yet)."""
    (tmp_path / "archives").mkdir()
    (tmp_path / "archives" / "one.tar.gz").write_bytes(archive_of(CONTENT))
    return tmp_path / "archives", tmp_path / "outer" / "release"


def unpacked(target: Path) -> dict[str, bytes]:
    paths = [path for path in target.rglob("*") if path.is_file() and borders.MARKERS not in path.parts]
    return {path.relative_to(target).as_posix(): path.read_bytes() for path in paths}


def test_what_comes_out_is_what_is_in(folders: tuple[Path, Path], tmp_path: Path) -> None:
    archives, target = folders
    unpack.unpack(source=archives, target=target, output=tmp_path / "files.tsv")
    assert unpacked(target) == CONTENT
    table = read_tsv(tmp_path / "files.tsv", FILES)
    assert dict(zip(table["path"], table["bytes"], strict=True)) == {name: len(data) for name, data in CONTENT.items()}
    assert table["path"].is_monotonic_increasing


def test_the_publishers_tool_unpacks_the_same(real: Path, tmp_path: Path) -> None:
    table = unpack.unpack_all(real / "sen12ms-archives", tmp_path)
    assert unpacked(tmp_path) == unpacked(real / "sen12ms")
    assert len(table) == 18


def test_a_second_run_unpacks_nothing(folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    first = unpack.unpack_all(*folders)
    monkeypatch.setattr(unpack, "unpack", lambda *_: pytest.fail("unpacked again"))
    pd.testing.assert_frame_equal(unpack.unpack_all(*folders), first)


def test_a_lost_or_cut_file_is_unpacked_again(folders: tuple[Path, Path]) -> None:
    unpack.unpack_all(*folders)
    (folders[1] / "season/s1_1/a.tif").write_bytes(b"a")
    unpack.unpack_all(*folders)
    (folders[1] / "season/s1_2/c.tif").unlink()
    unpack.unpack_all(*folders)
    assert unpacked(folders[1]) == CONTENT


def test_another_archive_of_the_same_name_is_unpacked(folders: tuple[Path, Path]) -> None:
    unpack.unpack_all(*folders)
    (folders[0] / "one.tar.gz").write_bytes(archive_of(CONTENT | {"season/s1_1/a.tif": b"b" * 700}))
    unpack.unpack_all(*folders)
    assert unpacked(folders[1])["season/s1_1/a.tif"] == b"b" * 700


def test_selection_of_archives_and_of_files(folders: tuple[Path, Path]) -> None:
    archives, target = folders
    (archives / "two.tar.gz").write_bytes(archive_of({"season/lc_1/d.tif": b"d"}))
    table = unpack.unpack_all(archives, target, ["o*.tar.gz", "*/s1_1/*"])
    assert table["path"].tolist() == ["season/s1_1/a.tif", "season/s1_1/b.tif"]
    assert set(unpacked(target)) == set(table["path"])
    assert len(unpack.unpack_all(archives, target)) == 4


@pytest.mark.parametrize("select", [["three.tar.gz"], ["*/s9_*/*"]])
def test_a_selection_of_nothing_stops(folders: tuple[Path, Path], select: list[str]) -> None:
    with pytest.raises(InputError):
        unpack.unpack_all(*folders, select)


HOSTILE = {
    "absolute": (member("/tmp/evil.tif", 1), "a path below"),
    "parent": (member("season/../../evil.tif", 1), "a path below"),
    "bare parent": (member("../evil.tif", 1), "a path below"),
    "backslash": (member("season\\..\\..\\evil.tif", 1), "a path below"),
    "drive": (member("C:evil.tif", 1), "a path below"),
    "marker": (member(f"{borders.MARKERS}/evil.tsv", 1), "belongs to this workflow"),
    "symbolic link": (member("season/link", kind=tarfile.SYMTYPE, target="/tmp"), "a symbolic link"),
    "hard link": (member("season/hard", kind=tarfile.LNKTYPE, target="season/s1_1/a.tif"), "a hard link"),
    "device": (member("season/null", kind=tarfile.CHRTYPE), "a device"),
    "pipe": (member("season/pipe", kind=tarfile.FIFOTYPE), "a device"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_nothing_leaves_the_folder(folders: tuple[Path, Path], kind: str) -> None:
    archives, target = folders
    info, message = HOSTILE[kind]
    data = gzip.compress(tar_bytes([(member("season/good.tif", 4), b"good"), (info, b"x" * info.size)]))
    (archives / "one.tar.gz").write_bytes(data)
    with pytest.raises(InputError) as caught:
        unpack.unpack_all(archives, target)
    assert message in str(caught.value)
    assert str(archives / "one.tar.gz") in str(caught.value)
    assert unpacked(target) == {"season/good.tif": b"good"}  # what was good before it stays
    assert not list(target.glob(f"{borders.MARKERS}/*"))
    everything = {path.name for path in archives.parent.rglob("*") if path.is_file() or path.is_symlink()}
    assert everything == {"one.tar.gz", "good.tif"}


def test_a_link_that_lies_in_the_target_leads_nowhere(folders: tuple[Path, Path], tmp_path: Path) -> None:
    archives, target = folders
    (tmp_path / "elsewhere").mkdir()
    target.mkdir(parents=True)
    (target / "season").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="stays below"):
        unpack.unpack_all(archives, target)
    assert not list((tmp_path / "elsewhere").iterdir())


def test_declared_sizes_are_limited(folders: tuple[Path, Path]) -> None:
    archives, target = folders
    with pytest.raises(InputError, match="at most 2999 B for a file"):
        unpack.unpack_all(archives, target, limits=Limits(file=2999))
    with pytest.raises(InputError, match="at most 3699 B for an archive"):
        unpack.unpack_all(archives, target, limits=Limits(archive=3699))
    assert "season/s1_2/c.tif" not in unpacked(target)
    unpack.unpack_all(archives, target, limits=Limits(file=3000, archive=3700))
    assert unpacked(target) == CONTENT


def test_a_huge_declared_size_is_refused_before_it_is_written(folders: tuple[Path, Path]) -> None:
    archives, target = folders
    header = member("season/bomb.tif", 1 << 40).tobuf(tarfile.GNU_FORMAT)
    (archives / "one.tar.gz").write_bytes(gzip.compress(header + bytes(1 << 20)))
    with pytest.raises(InputError, match="for a file"):
        unpack.unpack_all(archives, target)
    assert not unpacked(target)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fraction=st.floats(0, 0.999))
def test_an_archive_that_ends_early_stops_and_leaves_nothing_half(folders: tuple[Path, Path], fraction: float) -> None:
    archives, target = folders
    shutil.rmtree(target, ignore_errors=True)
    whole = archive_of(CONTENT)
    (archives / "one.tar.gz").write_bytes(whole[: int(len(whole) * fraction)])
    with pytest.raises(InputError, match="ends early or is damaged"):
        unpack.unpack_all(archives, target)
    assert all(CONTENT[name] == data for name, data in unpacked(target).items())
    assert not list(target.glob(f"{borders.MARKERS}/*"))
    (archives / "one.tar.gz").write_bytes(whole)
    unpack.unpack_all(archives, target)
    assert unpacked(target) == CONTENT


def test_a_tar_cut_before_it_was_compressed_is_noticed(folders: tuple[Path, Path]) -> None:
    archives, target = folders
    tar = tar_bytes([(member(name, len(data)), data) for name, data in CONTENT.items()])
    end = 3 * 512 + 1024 + 3072  # after the last file, without the two empty blocks
    for kept in (700, 2048, 2500, end - 100, end, end + 512):
        (archives / "one.tar.gz").write_bytes(gzip.compress(tar[:kept]))
        with pytest.raises(InputError, match="ends early"):
            unpack.unpack_all(archives, target)


def test_a_flipped_byte_is_noticed(folders: tuple[Path, Path]) -> None:
    archives, target = folders
    whole = bytearray(archive_of(CONTENT))
    whole[-6] ^= 1  # in the sum at the end, which is read after the last file
    (archives / "one.tar.gz").write_bytes(whole)
    with pytest.raises(InputError, match="damaged"):
        unpack.unpack_all(archives, target)


def test_bytes_that_are_no_archive(folders: tuple[Path, Path]) -> None:
    archives, target = folders
    for data in (b"<html>sign in</html>", gzip.compress(b"text"), gzip.compress(b"x" * 5000), b""):
        (archives / "one.tar.gz").write_bytes(data)
        with pytest.raises(InputError, match="damaged"):
            unpack.unpack_all(archives, target)


# Single packed files


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """A folder as version 4 of So2Sat has it: images of three patches, packed, and a geo file."""
    source = tmp_path / "source"
    with so2sat.create(source, "training", 3) as file:
        file["sen1"][...] = np.random.default_rng(1).uniform(0.1, 0.2, file["sen1"].shape)
        file["sen2"][...] = np.random.default_rng(2).uniform(0.1, 0.2, file["sen2"].shape)
        file["label"][:, 4] = 1
    places = np.array([[10, 0, 0, -10, 691_000 + 100 * row, 5_334_700] for row in range(3)])
    so2sat.write_geo(source, "training", np.full(3, 32632), places, ["munich"] * 3)
    data = (source / "training.h5").read_bytes()
    (source / "training.h5.gz").write_bytes(gzip.compress(data, compresslevel=1))
    (source / "training.h5").rename(tmp_path / "whole.h5")
    return source


def link_and_verify(source: Path, folder: Path, select: Sequence[str] = ()) -> dict[str, str]:
    """What the rules `link` and `inspect` call; status of each check of the image file."""
    files, chosen = folder.parent / "files.tsv", list(select)
    link.link(release=folder.name, dataset="so2sat", source=source, select=chosen, folder=folder, output=files)
    outputs = {name: folder.parent / name for name in ("integrity.tsv", "hashes.parquet", "checksums.tsv")}
    tables = {Path(name).stem: path for name, path in outputs.items()}
    inspect.inspect(release=folder.name, dataset="so2sat", folder=folder, files=files, select=chosen, **tables)
    findings = read_tsv(outputs["integrity.tsv"], inspect.INTEGRITY)
    assert len(read_tsv(files, FILES)) == findings["file"][~findings["file"].str.startswith("(")].nunique()
    return dict(zip(findings["check"], findings["status"], strict=True))


@pytest.mark.parametrize("select", [[], ["training.h5"], ["*.h5.gz"]])
def test_a_folder_of_packed_files_is_unpacked_and_verified(packed: Path, select: list[str]) -> None:
    folder = packed.parent / "data" / "mine"
    before = unpacked(packed)
    found = link_and_verify(packed, folder, select)
    assert found["size"] == found["one-hot"] == found["sen2:finite"] == "ok"
    assert "failed" not in found.values()
    assert (folder / "training.h5").read_bytes() == (packed.parent / "whole.h5").read_bytes()
    assert (folder / "training_geo.h5").is_symlink() == (not select)
    assert unpacked(packed) == before


def test_fetched_files_are_unpacked_beside_the_others(packed: Path) -> None:
    files = [File("training.h5.gz", role="archive"), File("training_geo.h5")]
    for _ in range(2):
        assert download.unpacked(files, packed)["path"].tolist() == ["training.h5", "training_geo.h5"]
    assert (packed / "training.h5").read_bytes() == (packed.parent / "whole.h5").read_bytes()


def test_a_packed_file_is_unpacked_once(packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "target"
    first = unpack.gunzip_once(packed, "training.h5.gz", target)
    with monkeypatch.context() as patch:
        patch.setattr(unpack, "gunzip", lambda *_: pytest.fail("unpacked again"))
        pd.testing.assert_frame_equal(unpack.gunzip_once(packed, "training.h5.gz", target), first)
    (target / "training.h5").write_bytes(b"cut")
    unpack.gunzip_once(packed, "training.h5.gz", target)
    (packed / "training.h5.gz").write_bytes(gzip.compress(b"another"))
    assert unpack.gunzip_once(packed, "training.h5.gz", target)["bytes"].tolist() == [7]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fraction=st.floats(0, 0.999))
def test_a_packed_file_that_ends_early_stops_and_leaves_nothing(packed: Path, fraction: float) -> None:
    target, path = packed.parent / "target", packed / "training.h5.gz"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * fraction)])
    with pytest.raises(InputError) as caught:
        unpack.gunzip_once(packed, "training.h5.gz", target)
    size = f"{int(len(whole) * fraction)} B: " if int(len(whole) * fraction) else "an empty file"
    for words in (str(path), size, "expected: a whole", "fetch it again"):
        assert words in str(caught.value)
    assert not list(target.glob("*"))
    path.write_bytes(whole)


@pytest.mark.parametrize("fault", ["flipped", "followed", "none"])
def test_a_damaged_packed_file_stops(packed: Path, fault: str) -> None:
    path = packed / "training.h5.gz"
    data = bytearray(path.read_bytes())
    data[-6] ^= 1  # in the sum at the end
    whole = path.read_bytes()
    path.write_bytes({"flipped": data, "followed": whole + b"more", "none": b"plain text"}[fault])
    with pytest.raises(InputError, match="ends early or is damaged"):
        unpack.gunzip_once(packed, "training.h5.gz", packed.parent / "target")


def test_packed_members_one_after_another_are_one_file(tmp_path: Path) -> None:
    (tmp_path / "testing.h5.gz").write_bytes(gzip.compress(b"first, ") + gzip.compress(b"second"))
    unpack.gunzip_once(tmp_path, "testing.h5.gz", tmp_path)
    assert (tmp_path / "testing.h5").read_bytes() == b"first, second"


def test_files_that_were_fetched_are_not_replaced(packed: Path) -> None:
    folder = packed.parent / "data" / "mine"
    folder.mkdir(parents=True)
    (folder / "training.h5").write_bytes(b"fetched")
    with pytest.raises(InputError, match="already holds fetched files"):
        link_and_verify(packed, folder)
    assert unpacked(folder) == {"training.h5": b"fetched"}
