"""An audit of split lists as part of a run: its tables, and their place in the report."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from test_audit import run, so2sat

from sentinel_forest import datasets
from sentinel_forest.config import paths
from sentinel_forest.errors import InputError
from sentinel_forest.planning.checking import select
from sentinel_forest.report import audits
from sentinel_forest.splits.audit_lists import audit_lists


def audited(folder: Path, lists: dict[str, str]) -> SimpleNamespace:
    """A release of a version with the audit ``theirs`` of some lists."""
    (folder / "lists").mkdir()
    for name, text in lists.items():
        (folder / "lists" / name).write_text(text)
    files = {
        pattern: paths.place(pattern, release="mine", audit="theirs")
        for pattern in (paths.AUDITED_LISTS, paths.AUDITED_LINKS)
    }
    audit_lists(
        source=folder / "lists",
        release="mine",
        dataset="so2sat",
        catalog=so2sat(folder),
        lists=folder / files[paths.AUDITED_LISTS],
        links=folder / files[paths.AUDITED_LINKS],
    )
    return SimpleNamespace(name="mine", is_sample=False, results=folder, files=set(files.values()))


LEAKING = {"train.txt": "training/000000\ntraining/000001\n", "test.txt": "training/000002\ntesting/000000\n"}
"""City a trains with row 0 and tests with row 2."""


def test_tables_are_those_of_the_command(tmp_path):
    audited(tmp_path, LEAKING)
    held, links = run(tmp_path / "lists", catalog=tmp_path / "catalog.parquet")
    here = tmp_path / "mine" / "audits" / "theirs"
    assert (here / "lists.tsv").read_bytes() == (tmp_path / "lists.audit" / "lists.tsv").read_bytes()
    assert (here / "links.tsv").read_bytes() == (tmp_path / "lists.audit" / "links.tsv").read_bytes()
    assert len(held) == 2
    assert links.loc[("test.txt", "train.txt", "city"), "linked"] == 1


def test_the_report_shows_lists_and_leaks(tmp_path):
    lists, links = audits.items(audited(tmp_path, LEAKING))
    assert lists.title == "Split lists theirs compared with mine"
    assert [cell.text for row in lists.rows for cell in row[:1]] == ["test.txt", "train.txt"]
    shown = [dict(zip(links.columns, (cell.text for cell in row), strict=True)) for row in links.rows]
    assert {row["key"] for row in shown if row["list a"] == "test.txt"} >= {"city"}


def test_a_report_without_audits_has_no_such_section(tmp_path):
    assert audits.items(SimpleNamespace(name="mine", files=set())) == []


@pytest.mark.parametrize(
    ("audit", "problem"),
    [
        ({"release": "so2sat", "lists": "."}, r"audits\.theirs\.release"),
        ({"release": "so2sat-sample", "lists": "nowhere"}, r"audits\.theirs\.lists"),
        ({"release": "so2sat-sample"}, "A key is missing"),
    ],
)
def test_what_is_not_there_is_answered_before_anything_runs(audit, problem):
    with pytest.raises(InputError, match=problem):
        select({"releases": ["so2sat-sample"], "feature_sets": ["lcz-bands"], "audits": {"theirs": audit}})


@pytest.mark.parametrize(
    "product",
    [
        "20190212T142031_20190212T143214_T19FDF",
        "S2B_20190212T142031_20190212T143214_T19FDF",
        "S2B_MSIL1C_20190212T142031_N0207_R053_T19FDF_20190212T143214",
    ],
)
def test_images_of_cloudsen12_are_named_by_any_form_of_their_product(product):
    listed = datasets.load("cloudsen12").listed_name
    assert listed(f"ROI_0001/{product}") == listed(f"high/ROI_0001__{product}.tif") == ("patch", f"ROI_0001/{product}")
    assert listed("ROI_0001/S2B") is None


@pytest.mark.parametrize("name", ["ROIs1158_spring/s2_4", "ROIs1158_spring/lc_4/", "ROIs1158_spring_4"])
def test_scenes_of_sen12ms_are_named_by_their_folder_or_as_in_the_catalog(name):
    assert datasets.load("sen12ms").listed_name(name) == ("scene", "ROIs1158_spring_4")
