"""A small made-up version as a folder that can be deposited."""

import datetime
import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from rocrate.rocrate import ROCrate

from project import ROOT
from sentinel_forest.config.settings import Publish
from sentinel_forest.errors import InputError
from sentinel_forest.io import tables
from sentinel_forest.splits.split import SPLIT
from sentinel_forest.versions.crate import crate
from sentinel_forest.versions.headline import HEADLINE
from sentinel_forest.versions.manifest import manifest
from sentinel_forest.versions.publish import card, stac
from sentinel_forest.versions.publish.about import About, Creator
from sentinel_forest.versions.publish.folder import publish
from sentinel_forest.versions.publish.records import zenodo, zenodo_licence

RELEASES = ["so2sat-v4", "mine"]
JANE = "Doe, Jane (0000-0002-1825-0097)"
SCORE = {
    "release": "so2sat-v4",
    "scheme": "published",
    "trials": 1,
    "task": "lcz",
    "features": "lcz-s1+s2",
    "classifier": "forest",
    "role": "test",
    "metric": "oa",
    "definition": "OA",
    "weighting": "none",
    "pixels": "all",
    "class": "",
    "value": 0.75,
    "low": 0.7,
    "high": 0.8,
    "trial_std": np.nan,
    "n": 40,
    "groups": 10,
    "mark": "linked: city (10 %)",
    "note": "one | two",
}


def catalog(places: bool = True) -> pd.DataFrame:
    """Three patches: two with a place, one of them with a date."""
    table = pd.DataFrame(
        {
            "patch": ["a", "b", "c"],
            "published_split": ["train", "test", ""],
            "group": pd.array(["g1", "g2", None], dtype="str"),
            "x": [500_000.0, 500_000.0, np.nan],
            "y": [0.0, 5_000_000.0, np.nan],
            "epsg": pd.array([32631, 32632, None], dtype="Int32"),
            "side_m": [320.0, 320.0, 320.0],
            "date": ["2019-04-01", "", ""],
        }
    )
    return table if places else table.assign(x=np.nan)


def version(root: Path, name: str = "v1", **changes: object) -> Path:
    """A finished version of a registered release and an own one, and their catalogs."""
    folder = root / "results" / name
    split = pd.DataFrame({"patch": ["a", "b", "c"], "role": ["train", "test", "unused"], "weight": 1.0})
    for release in RELEASES:
        tables.write_parquet(folder / release / "splits" / "published" / "1.parquet", split, SPLIT)
        path = root / "work" / f"{release}.parquet"
        path.parent.mkdir(exist_ok=True, parents=True)
        catalog(places=release != "mine").to_parquet(path)
    scores = pd.DataFrame([SCORE, SCORE | {"classifier": "dummy", "value": 0.1}])
    tables.write_tsv(folder / "headline.tsv", scores[list(HEADLINE.columns)], HEADLINE)
    about = {
        "configuration": {
            "releases": RELEASES,
            "own_releases": {"mine": {"dataset": "so2sat", "licence": "not stated"}},
        },
        "identity": {
            "configuration": "1" * 64,
            "code": "2" * 64,
            "data": dict.fromkeys(RELEASES, "3" * 64),
            "registry": dict.fromkeys(RELEASES, "4" * 64),
        },
        "accepted": {"mine": ["finite"]},
        "skipped": [{"release": "mine", "kind": "scheme", "name": "grouped", "reason": "no groups"}],
    }
    machine = {"commit": "5" * 40, "committed": "2026-01-30", "environment": {"python": "3.11.7"}} | changes
    (folder / "version.json").write_text(json.dumps(about), encoding="utf-8")
    (folder / "environment.json").write_text(json.dumps(machine), encoding="utf-8")
    (folder / "report").mkdir()
    (folder / "report" / "style.css").write_text("p {}", encoding="utf-8")
    files = [*folder.rglob("*.parquet"), folder / "headline.tsv", folder / "version.json"]
    (folder / "manifest.sha256").write_text(manifest(folder, files), encoding="utf-8")
    crate(results=folder, workflow=ROOT / "Snakefile")
    return folder


def call(folder: Path, target: Path, creators: tuple[str, ...] = (JANE, "Roe, R."), date: str | None = None) -> None:
    work = folder.parents[1] / "work"
    catalogs = [work / f"{release}.parquet" for release in RELEASES]
    publish(
        results=folder, releases=RELEASES, catalogs=catalogs, creators=list(creators), published=date, target=target
    )


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A publication."""
    root = tmp_path_factory.mktemp("published")
    call(version(root), root / "publications" / "v1")
    return root / "publications" / "v1"


def test_checksums_name_every_file_and_hold(published):
    lines = (published / "deposit.sha256").read_text().splitlines()
    named = {line[66:]: line[:64] for line in lines}
    there = {path.relative_to(published).as_posix() for path in published.rglob("*") if path.is_file()}
    assert there - set(named) == {"deposit.sha256"}
    for name, sha in named.items():
        assert hashlib.sha256((published / name).read_bytes()).hexdigest() == sha
    assert {".zenodo.json", "codecheck.yml", "LICENCES.md", "report/style.css", "headline.tsv"} <= there


def test_crate_lists_every_file_with_date_and_creators(published):
    read = ROCrate(published)
    assert read.root_dataset["datePublished"] == "2026-01-30"
    assert [person["name"] for person in read.root_dataset["author"]] == ["Doe, Jane", "Roe, R."]
    assert read.root_dataset["author"][0].id == "https://orcid.org/0000-0002-1825-0097"
    parts = {part.id for part in read.root_dataset["hasPart"]}
    there = {path.relative_to(published).as_posix() for path in published.rglob("*") if path.is_file()}
    assert parts == there - {"ro-crate-metadata.json", "deposit.sha256"}
    assert read.get("README.md")["about"].id == "./"


def test_zenodo(published):
    record = json.loads((published / ".zenodo.json").read_text())
    assert record["publication_date"] == "2026-01-30"
    assert record["creators"] == [{"name": "Doe, Jane", "orcid": "0000-0002-1825-0097"}, {"name": "Roe, R."}]
    assert record["license"] == "other-closed"
    assert "No licence is stated for mine" in record["notes"]
    assert {"identifier": "10.1109/MGRS.2020.2964708", "relation": "cites", "scheme": "doi"} in record[
        "related_identifiers"
    ]


def test_card_has_scores_and_doubts(published):
    _, front, body = (published / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    head = yaml.safe_load(front)
    assert (head["license"], head["license_link"]) == ("other", "LICENCES.md")
    (result,) = head["model-index"][0]["results"]
    assert result["task"]["type"] == "image-classification"
    assert [metric["value"] for metric in result["metrics"]] == [0.75]
    assert "| 0.750 [0.700, 0.800] | 40 | 10 | linked: city (10 %) | one \\| two |" in body
    doubts = body.partition("## Doubts")[2].partition("## Licences")[0]
    for text in ("linked: city (10 %)", "no groups", "check finite", "no place of any patch", "No licence is stated"):
        assert text in doubts, text


def test_a_doubt_names_the_figures_that_it_is_of(tmp_path):
    folder = version(tmp_path)
    more = [
        SCORE | {"note": "10 groups; all alike", "metric": metric, "features": features}
        for metric, features in (("oa", "a"), ("aa.present", "a"), ("oa", "b"), ("aa.present", "b"))
    ]
    more[1]["note"] = "10 groups"
    tables.write_tsv(folder / "headline.tsv", pd.DataFrame(more)[list(HEADLINE.columns)], HEADLINE)
    rows = tables.read_tsv(folder / "headline.tsv", HEADLINE)
    assert list(card._said(rows, "note")) == [
        ("10 groups", "so2sat-v4, published"),
        ("all alike", "so2sat-v4, published, a OA, b OA, b AA"),
    ]


def test_codecheck_names_files_that_are_there(published):
    record = yaml.safe_load((published / "codecheck.yml").read_text())
    assert [each["file"] for each in record["manifest"]] == ["headline.tsv"]
    assert record["paper"]["authors"][0] == {"name": "Doe, Jane", "ORCID": "0000-0002-1825-0097"}


def test_footprints_lie_where_the_catalog_says(published):
    root = json.loads((published / "stac" / "catalog.json").read_text())
    assert [link["href"] for link in root["links"] if link["rel"] == "child"] == ["./so2sat-v4/collection.json"]
    first, second = json.loads((published / "stac" / "so2sat-v4" / "items.geojson").read_text())["features"]
    # The central meridian of zone 31 is 3 degrees east; 160 m on the equator are 0.00144 degrees.
    assert first["bbox"] == pytest.approx([2.99856, -0.00145, 3.00144, 0.00145], abs=2e-5)
    assert first["properties"]["start_datetime"] == "2019-04-01T00:00:00Z"
    assert second["properties"]["start_datetime"] == stac.FIRST_PICTURE
    assert second["properties"]["end_datetime"] == "2026-01-30T23:59:59Z"
    assert second["bbox"][0] < 9 < second["bbox"][2]
    collection = json.loads((published / "stac" / "so2sat-v4" / "collection.json").read_text())
    assert collection["extent"]["spatial"]["bbox"][0][0] == first["bbox"][0]


def test_same_bytes_in_another_place_and_over_an_earlier_publication(published, tmp_path):
    target = tmp_path / "elsewhere"
    folder = version(tmp_path)
    call(folder, target, date="2000-01-01")
    assert (target / "deposit.sha256").read_bytes() != (published / "deposit.sha256").read_bytes()
    call(folder, target)
    assert (target / "deposit.sha256").read_bytes() == (published / "deposit.sha256").read_bytes()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def _stops(folder: Path, text: str, **words: object) -> None:
    target = folder.parents[1] / "out"
    with pytest.raises(InputError, match=text):
        call(folder, target, **words)
    assert not target.exists()


@pytest.mark.parametrize(
    ("creator", "text"), [("Doe <j>", "no creator"), ("Doe (0000-0002-1825-0098)", "wrong digit"), (" ", "no creator")]
)
def test_creators_are_held_to_their_form(creator, text):
    assert Publish(creators=[JANE, "Roe, R. (0000-0002-1694-233X)"]).creators[0] == JANE
    with pytest.raises(ValueError, match=text):
        Publish(creators=[creator])


@pytest.mark.parametrize("given", ["2026-01-31", datetime.date(2026, 1, 31), "20260131"])
def test_dates_are_read_as_yaml_gives_them(given):
    assert Publish(date=given).date == "2026-01-31"
    with pytest.raises(ValueError, match="no date"):
        Publish(date="2026-02-31")


def test_what_cannot_be_published_says_why(tmp_path):
    folder = version(tmp_path)
    _stops(folder, "Nobody is named", creators=())
    _stops(folder, "no creator", creators=("Doe <jane>",))
    _stops(folder, "no date of publication", date="31 January")
    other = catalog().iloc[:2]
    other.to_parquet(tmp_path / "work" / "mine.parquet")
    _stops(folder, "not the one that the version was computed from")
    (folder / "headline.tsv").write_text("changed")
    _stops(folder, "not those that its manifest names")


def test_drafts_and_versions_without_a_date_are_not_published(tmp_path):
    _stops(version(tmp_path / "a", name="draft"), "not sealed")
    _stops(version(tmp_path / "b", committed=None), "No date of publication")


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (target := tmp_path / "out").mkdir()
    (target / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="something else"):
        call(version(tmp_path), target)
    assert (target / "mine.txt").read_text() == "mine"


def test_footprints_across_the_antimeridian_are_cut():
    ring = np.array([[179.9, 0.0], [-179.9, 0.0], [-179.9, 1.0], [179.9, 1.0]])
    bounds = stac.box(ring[None])
    assert bounds == pytest.approx([179.9, 0, -179.9, 1])
    ground = stac._ground(bounds)
    assert ground["type"] == "MultiPolygon"
    assert [part[0][0][0] for part in ground["coordinates"]] == pytest.approx([179.9, -180])


def test_of_many_patches_groups_are_items(monkeypatch):
    monkeypatch.setattr(stac, "MOST_ITEMS", 1)
    found = stac.items(_about({"r": "MIT"}), "r", catalog())
    assert [item["id"] for item in found] == ["g1", "g2"]
    assert [item["properties"]["sentinel_forest:patches"] for item in found] == [1, 1]


def _about(licences: dict[str, str]) -> About:
    releases = {name: {"title": "<b>", "licence": licence} for name, licence in licences.items()}
    return About("v1", "2026-01-30", (Creator("Doe, Jane", None),), {}, releases)


@pytest.mark.parametrize(
    ("given", "licence"),
    [
        ({"a": "CC-BY-4.0", "b": "CC-BY-4.0"}, "cc-by-4.0"),
        ({"a": "CC-BY-4.0", "b": "CC-BY-NC-4.0"}, "other-nc"),
        ({"a": "CC-BY-4.0", "b": "MIT"}, "other-at"),
        ({"a": "CC-BY-NC-4.0", "b": "not stated"}, "other-closed"),
    ],
)
def test_licence_of_the_record(given, licence):
    about = _about(given)
    assert zenodo_licence(about) == licence
    assert "&lt;b&gt;" in json.loads(zenodo(about))["description"]
