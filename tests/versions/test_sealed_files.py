"""The files of a finished version held against its manifest."""

import os

import pandas as pd
import pytest

from sentinel_forest.errors import InputError
from sentinel_forest.versions import check, compare
from sentinel_forest.versions import manifest as manifests

SHA = "0" * 64


@pytest.fixture
def sealed(tmp_path):
    """A finished version of three files."""
    folder = tmp_path / "v1"
    for name in ("headline.tsv", "r/baselines/s/1/metrics.tsv", "r/splits/s/1.parquet"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"value\n0.5\n")
    files = [path for path in folder.rglob("*") if path.is_file()]
    (folder / "manifest.sha256").write_text(manifests.manifest(folder, files))
    return folder


def said(folder) -> str:
    with pytest.raises(InputError) as error:
        manifests.hold_files(folder)
    return str(error.value)


def test_files_as_they_were_sealed_pass(sealed) -> None:
    manifests.hold_files(sealed)
    (sealed / "compare_v0.tsv").write_text("what the manifest does not name is no part of the version")
    manifests.hold_files(sealed)


def test_one_bit_is_enough(sealed) -> None:
    path = sealed / "r" / "baselines" / "s" / "1" / "metrics.tsv"
    before = path.stat()
    path.write_bytes(b"value\n0.4\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    text = said(sealed)
    assert "'v1'" in text
    assert "1 of 3 files" in text
    assert "r/baselines/s/1/metrics.tsv has SHA-256" in text
    assert "headline.tsv" not in text


@pytest.mark.parametrize("damage", ["gone", "folder", "dangling"])
def test_a_file_that_is_not_there_is_named(sealed, damage) -> None:
    path = sealed / "headline.tsv"
    path.unlink()
    if damage == "folder":
        path.mkdir()
    elif damage == "dangling":
        path.symlink_to("nowhere")
    what = "cannot be read" if damage == "folder" else "is missing"
    assert f"headline.tsv {what}" in said(sealed)


def test_many_files_are_counted_and_few_are_named(tmp_path) -> None:
    files = {f"{number}.tsv": SHA for number in range(100)}
    lines = [f"{sha}  {name}\n" for name, sha in files.items()]
    (tmp_path / "manifest.sha256").write_text("".join(lines))
    text = said(tmp_path)
    assert "100 of 100 files" in text
    assert f"and {100 - manifests.NAMED} more" in text
    assert text.count("is missing") == manifests.NAMED


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "no manifest\n",
        f"{SHA} a.tsv\n",
        f"{SHA[1:]}  a.tsv\n",
        f"{SHA}  \n",
        f"{SHA[1:]}G  a\n",
        f"{SHA}  ../a.tsv\n",
        f"{SHA}  b/../../a.tsv\n",
        f"{SHA}  /a.tsv\n",
        f"{SHA}  a.tsv\n{SHA}  a.tsv\n",
        f"{SHA}  a.tsv\n\n{SHA}  b.tsv\n",
        f"{SHA}  a.tsv\n\udcff\n",
    ],
)
def test_a_damaged_manifest_is_told(tmp_path, text) -> None:
    path = tmp_path / "manifest.sha256"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match="This manifest is damaged") as error:
        manifests.read_manifest(path)
    assert f"{path}, line " in str(error.value)


def test_manifest_is_read_as_it_is_written(sealed, tmp_path) -> None:
    (sealed / "a name  with blanks ä.tsv").write_text("")
    names = [path for path in sealed.rglob("*") if path.is_file() and path.name != "manifest.sha256"]
    (sealed / "manifest.sha256").write_text(manifests.manifest(sealed, names), encoding="utf-8")
    read = manifests.read_manifest(sealed / "manifest.sha256")
    assert list(read) == sorted(path.relative_to(sealed).as_posix() for path in names)
    manifests.hold_files(sealed)


def test_a_damaged_side_is_not_compared(sealed) -> None:
    (sealed / "version.json").write_text("{}")
    (sealed / "headline.tsv").write_text("0")
    with pytest.raises(InputError, match=r"headline\.tsv has SHA-256"):
        compare.read(sealed)


# The check


@pytest.fixture
def checked(sealed, tmp_path):
    """The folder of a check whose computation is equal to the version."""
    folder = tmp_path / "check"
    for path in [path for path in sealed.rglob("*") if path.is_file()]:
        target = folder / "results" / path.relative_to(sealed)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    (folder / "work").mkdir()
    (folder / "work" / "catalog.parquet").write_bytes(b"")
    return folder


def run(sealed, folder) -> None:
    before, now = (place / "manifest.sha256" for place in (sealed, folder / "results"))
    check.hold_against(before, now, folder)


def test_what_was_equal_is_removed(sealed, checked) -> None:
    run(sealed, checked)
    assert [path.name for path in checked.iterdir()] == ["differences.tsv"]


def test_what_differed_is_kept_in_the_place_of_the_last(sealed, checked) -> None:
    (checked / "last" / "results").mkdir(parents=True)
    (checked / "last" / "results" / "older").write_text("")
    (checked / "results" / "headline.tsv").write_text("value\n0.7\n")
    with pytest.raises(InputError, match="1 files differ"):
        run(sealed, checked)
    assert sorted(path.name for path in checked.iterdir()) == ["differences.tsv", "last"]
    assert (checked / "last" / "results" / "headline.tsv").read_text() == "value\n0.7\n"
    assert (checked / "last" / "work" / "catalog.parquet").is_file()
    assert not (checked / "last" / "results" / "older").exists()


def test_a_computed_file_is_read_too(sealed, checked) -> None:
    """Its manifest may be of what stood there before."""
    (checked / "results" / "headline.tsv").write_text("value\n0.7\n")
    with pytest.raises(InputError, match="1 files differ"):
        run(sealed, checked)
    table = pd.read_csv(checked / "differences.tsv", sep="\t")
    assert table[["file", "column", "difference"]].to_numpy().tolist() == [["headline.tsv", "value", "values differ"]]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"PAR1"])
def test_a_sealed_table_that_is_none_any_more_is_no_riddle(sealed, checked, content) -> None:
    for name in ("headline.tsv", "r/splits/s/1.parquet"):
        (sealed / name).write_bytes(content)
        (checked / "results" / name).write_bytes(b"value\n0.7\n")
    with pytest.raises(InputError, match="2 files differ"):
        run(sealed, checked)
