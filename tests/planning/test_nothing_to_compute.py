"""What a release cannot give is not planned: without images nothing is predicted, without answers nothing scored."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from sentinel_forest.config import paths
from sentinel_forest.planning import whole
from sentinel_forest.planning.checking import select
from sentinel_forest.planning.selection import Selection
from sentinel_forest.planning.wiring import Wiring

SPLITS = {split: ["metadata.csv"] for split in ("train", "val", "test")}
WITH_MASKS = {split: [*names, "LABEL_manual_hq.dat", "LABEL_fmask.dat"] for split, names in SPLITS.items()}


def selection(folder: Path, files: dict[str, list[str]]) -> Selection:
    """CloudSEN12 with some files alone, of which only the names are looked at."""
    for split, names in files.items():
        for name in names:
            (folder / split).mkdir(exist_ok=True)
            (folder / split / name).touch()
    own = {"mine": {"dataset": "cloudsen12", "folder": str(folder), "shards": 4}}
    return select({"releases": ["mine"], "own_releases": own, "feature_sets": ["l1c"], "schemes": ["published"]})


@pytest.mark.parametrize(("files", "predicted", "judged", "scored"), [(SPLITS, 0, 0, False), (WITH_MASKS, 0, 4, True)])
def test_only_what_can_be_computed_is_planned(
    tmp_path: Path, files: dict[str, list[str]], predicted: int, judged: int, scored: bool
) -> None:
    chosen = selection(tmp_path, files)
    wiring, release = Wiring(chosen), SimpleNamespace(release="mine")
    assert len(wiring.of_shards(paths.PREDICTIONS, chosen.sets)(release)) == predicted
    assert len(wiring.of_shards(paths.REFERENCES, chosen.references)(release)) == judged
    assert bool(wiring.scored_files(paths.METRICS)) is scored
    jobs = {row.rule: row.jobs for row in whole.all_work(chosen)}
    assert jobs.get("predict", 0) == predicted
    assert jobs.get("reference", 0) == judged
    assert ("score" in jobs, "average" in jobs) == (scored, scored)
    assert jobs["split"] == 1


def test_the_rules_ask_for_predictions_only_where_there_are_forests() -> None:
    rules = (Path(__file__).parents[2] / "workflow" / "rules" / "score.smk").read_text(encoding="utf-8")
    assert "predictions=WIRING.of_shards(paths.PREDICTIONS, SELECTION.sets)," in rules
