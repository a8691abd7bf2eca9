"""A published split without training patches, as that of DFC2020, is skipped with a reason if forests are asked for."""

from pathlib import Path

import pytest

from sentinel_forest.errors import InputError
from sentinel_forest.planning.checking import select
from sentinel_forest.planning.selection import Selection

VALIDATION, TEST = ("ROIs0000_validation", "validation"), ("ROIs0000_test", "0")


@pytest.fixture
def contest(tmp_path: Path) -> Path:
    """A patch of each role of DFC2020; nothing is opened when a run is planned."""
    for season, scene in (VALIDATION, TEST):
        for sensor in ("s1", "s2", "lc", "dfc"):
            path = tmp_path / season / f"{sensor}_{scene}" / f"{season}_{sensor}_0_p1.tif"
            path.parent.mkdir(parents=True)
            path.write_bytes(b"II*\0")
    return tmp_path


def selected(folder: Path, **more: object) -> Selection:
    config = {"version": "v1", "releases": ["dfc2020"], "folders": {"dfc2020": str(folder)}, "trials": 1}
    return select(config | {"feature_sets": ["pixel-s2"]} | more)


def test_it_is_skipped_beside_other_schemes(contest: Path) -> None:
    selection = selected(contest, schemes=["published", "pooled-random"])
    assert list(selection.definitions("dfc2020")) == ["pooled-random"]
    (reason,) = [row.reason for row in selection.skipped() if row.kind == "scheme"]
    assert reason.startswith("its published split has no training patches (test, validation alone)")


def test_alone_it_ends_with_the_reason(contest: Path) -> None:
    with pytest.raises(InputError, match="has no training patches"):
        selected(contest, schemes=["published"])


def test_a_transfer_needs_no_training_of_its_own(contest: Path) -> None:
    selection = selected(
        contest, releases=["sen12ms-sample", "dfc2020"], schemes=["published"], transfer={"dfc2020": "sen12ms-sample"}
    )
    assert list(selection.definitions("dfc2020")) == ["published"]


def test_tiles_of_sen12ms_beside_them_may_be_for_training(contest: Path) -> None:
    path = contest / "ROIs1158_spring" / "s2_1" / "ROIs1158_spring_s2_1_p1.tif"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"II*\0")
    assert "published" in selected(contest, schemes=["published"]).definitions("dfc2020")
