"""What lies in the place of a file, text that is none, and copies that were interrupted: the cause, not a guess."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sentinel_forest import datasets
from sentinel_forest.config import releases
from sentinel_forest.datasets.base import File, Finding
from sentinel_forest.errors import InputError
from sentinel_forest.io import texts
from sentinel_forest.verify import inspect
from verify.planted import LAYOUTS, layer, put, rows, verified

FILES = {"cloudsen12": "train/L1C_B4.dat", "sen12ms": "", "so2sat": "training.h5"}


def circle(path: Path) -> None:
    path.symlink_to(path)


def nowhere(path: Path) -> None:
    path.symlink_to("/a/disk/that/is/not/mounted")


PLACES = {"links that lead in a circle": circle, "a link to /a/disk/that/is/not/mounted": nowhere}


@pytest.mark.parametrize("name", list(FILES))
@pytest.mark.parametrize("found", PLACES)
def test_a_link_in_the_place_of_a_file_is_named(
    samples: dict[str, Path], tmp_path: Path, name: str, found: str
) -> None:
    """The training images of So2Sat behind a link to a lost disk were left out with a note."""
    folder = shutil.copytree(samples[name], tmp_path / "copy")
    path = FILES[name] or next(folder.glob("ROIs*/s1_*/*.tif")).relative_to(folder).as_posix()
    (folder / path).unlink()
    PLACES[found](folder / path)
    (finding,) = missing(name, folder)
    assert (finding.file, finding.check, finding.status, finding.accept) == (path, "present", "failed", "")
    assert finding.found.startswith(found)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["a folder", "a FIFO"])
def test_what_is_no_file_is_named_and_not_waited_for(
    samples: dict[str, Path], tmp_path: Path, make: Callable[[Path], object]
) -> None:
    folder = shutil.copytree(samples["sen12ms"], tmp_path / "copy")
    path = next(folder.glob("ROIs*/s1_*/*.tif"))
    path.unlink()
    make(path)
    (finding,) = missing("sen12ms", folder)
    assert finding.found == ("a folder" if path.is_dir() else "a FIFO")


NAMED = (
    ("sen12ms", "splits/test_list.txt"),
    ("sen12ms", "splits"),
    ("so2sat", "validation_geo.h5"),
    ("cloudsen12", "train/metadata.csv"),
    ("cloudsen12", "cloudsen12_indices.csv"),
)
"""Lists, places and tables that are read by name."""

INSTEAD: dict[str, Callable[[Path], object]] = {
    "a link to /a/disk/that/is/not/mounted, where nothing is": nowhere,
    "a FIFO": os.mkfifo,
    "a folder": Path.mkdir,
}


@pytest.mark.parametrize(("name", "path"), NAMED)
@pytest.mark.parametrize("found", INSTEAD)
def test_what_stands_for_a_list_or_a_table_is_never_passed_over(
    samples: dict[str, Path], tmp_path: Path, name: str, path: str, found: str
) -> None:
    """A test list behind a lost link was noted as not read, and the built-in hold-out was the test."""
    folder = shutil.copytree(samples[name], tmp_path / "copy")
    place = folder / path
    shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
    INSTEAD[found](place)
    if path == "splits" and place.is_dir():
        return
    (finding,) = missing(name, folder)
    assert (finding.file, finding.status, finding.found) == (path, "failed", found)
    dataset = datasets.load(name, LAYOUTS[name])
    assert path not in {row.file for row in dataset.structure(folder, []) if row.check == "unused"}


def test_a_lost_table_is_not_replaced_by_another_one(samples: dict[str, Path], tmp_path: Path) -> None:
    """metadata.parquet would be read instead, whatever stands in it."""
    folder = shutil.copytree(samples["cloudsen12"], tmp_path / "copy")
    table = folder / "train/metadata.csv"
    texts.read_texts(table).to_parquet(table.with_suffix(".parquet"))
    table.unlink()
    nowhere(table)
    dataset = datasets.load("cloudsen12", LAYOUTS["cloudsen12"])
    paths = dataset.list_files(folder)
    with pytest.raises(InputError, match="where nothing is"):
        dataset.unknown_columns(folder, paths)
    with pytest.raises(InputError, match="git annex get"):
        releases.file_table(folder, paths)


def missing(name: str, folder: Path) -> list[Finding]:
    """Findings about files that are not there."""
    dataset = datasets.load(name, LAYOUTS[name])
    return inspect.presence([File(path) for path in dataset.list_files(folder)], folder)


def test_folders_that_lead_in_a_circle_are_no_scenes(samples: dict[str, Path], tmp_path: Path) -> None:
    folder = shutil.copytree(samples["sen12ms"], tmp_path / "copy")
    season = next(folder.glob("ROIs*"))
    circle(season / "s2_1")
    (season / "s1_1").symlink_to(folder)
    dataset = datasets.load("sen12ms", LAYOUTS["sen12ms"])
    assert dataset.list_files(folder) == dataset.list_files(samples["sen12ms"])


@pytest.mark.parametrize("form", ["utf-16", "utf-16-be-sig"])
def test_text_of_two_bytes_a_letter_is_named(samples: dict[str, Path], tmp_path: Path, form: str) -> None:
    """Excel and PowerShell write UTF-16; it was "no UTF-8: give the list, not the pickle", or "a byte of 0"."""
    folder = shutil.copytree(samples["sen12ms"], tmp_path / "copy")
    text = "ROIs1158_spring_s2_1_p30.tif\n"
    (folder / "splits").mkdir(exist_ok=True)
    content = text.encode("utf-16") if form == "utf-16" else b"\xfe\xff" + text.encode("utf-16-be")
    (folder / "splits/train_list.txt").write_bytes(content)
    findings = datasets.load("sen12ms").structure(folder, [File("splits/train_list.txt")])
    (finding,) = [row for row in findings if row.status == "failed"]
    assert (finding.check, finding.found) == ("list", "text in UTF-16")
    assert "iconv" in finding.remedy
    (tmp_path / "metadata.csv").write_bytes("roi_id,s2_id\n".encode("utf-16"))
    with pytest.raises(InputError, match="text in UTF-16"):
        texts.read_texts(tmp_path / "metadata.csv")


def test_a_copy_that_was_interrupted_fails(samples: dict[str, Path], tmp_path: Path) -> None:
    """The size was right and the end zeros: its patches took no part, with a note; those of one band took part as 0."""
    folder = shutil.copytree(samples["so2sat"], tmp_path / "zones")
    rows(put("sen2", np.s_[198:], 0))(folder)
    (finding,) = [row for row in verified("so2sat", folder) if row.status == "failed"]
    assert (finding.check, finding.accept) == ("sen2:measured", "left out")
    assert "6 patches one after another are empty" in finding.remedy
    folder = shutil.copytree(samples["cloudsen12"], tmp_path / "clouds")
    layer("L1C_B4", lambda images: images.__setitem__(np.s_[-5:], 0))(folder)
    faults = [row for row in verified("cloudsen12", folder) if row.check == "constant" and row.status == "failed"]
    (fault,) = faults
    assert (fault.file, fault.found) == ("train/L1C_B4.dat", "0 everywhere in patches 130 to 134")


@pytest.mark.parametrize("form", [str.upper, lambda name: f" {name}"], ids=["capitals", "blanks"])
def test_columns_that_look_meant_are_named(
    samples: dict[str, Path], tmp_path: Path, form: Callable[[str], str]
) -> None:
    """Without a column roi_id no patch had a group, with a note."""
    folder = shutil.copytree(samples["cloudsen12"], tmp_path / "copy")
    path = folder / "train/metadata.csv"
    header, rest = path.read_text(encoding="utf-8").split("\n", 1)
    path.write_text(",".join(map(form, header.split(","))) + "\n" + rest, encoding="utf-8")
    dataset = datasets.load("cloudsen12", LAYOUTS["cloudsen12"])
    files = [File(name) for name in dataset.list_files(folder)]
    told = [row for row in dataset.structure(folder, files) if row.check == "columns"]
    assert [(row.status, row.accept) for row in told] == [("failed", "kept")]
    assert "roi_id" in told[0].expected
