"""A version is made of what files hold that the configuration names, wherever they lie."""

import json
from pathlib import Path

import pytest

from sentinel_forest.errors import InputError
from sentinel_forest.planning import given
from sentinel_forest.planning.checking import select
from sentinel_forest.planning.selection import Selection
from sentinel_forest.versions import check, seal

CODES = "patch,class\np0,Water\n"


def selected(folder: Path, vectors: str = "patch,e0\np0,0.5\n", codes: str = CODES) -> Selection:
    folder.mkdir()
    texts = {"net.csv": codes, "truth.csv": CODES, "table.csv": "patch\n", "e.csv": vectors}
    for name, text in texts.items():
        (folder / name).write_text(text)
    at = {name: str(folder / name) for name in texts}
    net = {"release": "so2sat-sample", "file": at["net.csv"], "truth": at["truth.csv"]}
    return select(
        {
            "releases": ["so2sat-sample", "cloudsen12-sample"],
            "schemes": ["published"],
            "feature_sets": ["lcz-bands", "l1c", "e"],
            "external": {"e": {"release": "so2sat-sample", "file": at["e.csv"]}},
            "predictions": {"net": net},
            "published_patches": {"cloudsen12-sample": at["table.csv"]},
        }
    )


def identity(selection: Selection) -> dict[str, object]:
    return seal.identity(selection.described, selection.releases)


def test_the_same_files_elsewhere_are_the_same_version(tmp_path: Path) -> None:
    here, there = selected(tmp_path / "here"), selected(tmp_path / "there")
    assert seal.settings(here.described) == seal.settings(there.described)
    assert identity(here) == identity(there)
    assert str(tmp_path) not in json.dumps(here.described)


def test_another_file_under_the_same_name_is_another_version(tmp_path: Path) -> None:
    before = identity(selected(tmp_path / "here"))
    assert identity(selected(tmp_path / "codes", codes=CODES + "p1,Water\n")) != before
    assert identity(selected(tmp_path / "vectors", vectors="patch,e0\np0,0.25\n")) != before


def test_a_sealed_configuration_leads_to_itself_once_it_is_told_where_the_files_lie(tmp_path: Path) -> None:
    selection = selected(tmp_path / "here")
    written = check.asked(json.loads(json.dumps(seal.settings(selection.described))))
    told = [f"{key}={path}" for key, path in given.files(selection.config).items()]
    again = select(given.found_again(written, told))
    assert identity(again) == identity(selection)
    with pytest.raises(InputError, match=r"nobody says where\n.*sha256:.*\n.*--files external\.e\.file=FILE"):
        given.found_again(written, [])
    (tmp_path / "here" / "net.csv").write_text(CODES + "p1,Heavy industry\n")
    with pytest.raises(InputError, match=r"predictions\.net\.file"):
        given.found_again(written, told)


def test_a_folder_is_known_by_the_names_and_bytes_of_its_files(tmp_path: Path) -> None:
    def folder(name: str, **files: str) -> str:
        for file, text in files.items():
            path = tmp_path / name / "rasters" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return given.checksum(tmp_path / name)

    first = folder("first", a="1", b="2")
    assert folder("copy", a="1", b="2") == first
    assert first not in (folder("swapped", a="2", b="1"), folder("fewer", a="1"), folder("renamed", a="1", c="2"))
