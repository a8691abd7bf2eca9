"""The report says how many test groups an interval takes, from the differences between groups of its own trial."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from sentinel_forest.config.paths import place
from sentinel_forest.evaluation.confusion import CONFUSION, WHOLE
from sentinel_forest.evaluation.groups_needed import needed
from sentinel_forest.io.tables import conform, write_parquet
from sentinel_forest.report import groups
from sentinel_forest.report.model import Source


def release(folder: Path, group: str = "ROI_{}") -> SimpleNamespace:
    """A release whose forest is right in 60 to 95 of 100 pixels of twelve groups."""
    right = np.linspace(60, 95, 12).astype(int)
    rows = [
        (place, true, predicted, count)
        for place, hits in enumerate(right)
        for true, predicted, count in (("clear", "clear", hits), ("clear", "cloud", 100 - hits), ("cloud", "cloud", 9))
    ]
    table = pd.DataFrame(rows, columns=["place", "true", "predicted", "count"])
    table["group"] = [group.format(place) for place in table["place"]]
    table["patch"] = table["place"].map("p{}".format)
    who = {"scheme": "published", "trial": 1, "task": "cloud", "features": "l1c", "classifier": "forest"}
    table = table.assign(**who, role="test", weight=1.0, train_patches=9, **WHOLE)
    path = folder / "baselines" / "published" / "1" / "confusion.parquet"
    write_parquet(path, conform(table[list(CONFUSION.columns)], CONFUSION), CONFUSION)
    return SimpleNamespace(
        name="mine",
        is_sample=False,
        primary=("published", 1),
        path=lambda pattern, **of: folder / place(pattern, release="mine", **of).removeprefix("mine/"),
        from_file=lambda pattern, rule, **of: Source(place(pattern, release="mine", **of), rule),
    )


def test_widths_are_those_of_the_command(tmp_path):
    (item,) = groups.items(release(tmp_path))
    accuracy = dict(zip(item.columns, (cell.text for cell in item.rows[0]), strict=True))
    table = pd.read_parquet(tmp_path / "baselines" / "published" / "1" / "confusion.parquet")
    expected = needed(table, groups.WANTED, groups.SHOWN)
    oa = expected[(expected["metric"] == "oa")]
    assert accuracy["score"] == "overall accuracy"
    assert accuracy["groups"] == "12"
    always_right = dict(zip(item.columns, (cell.text for cell in item.rows[1]), strict=True))
    assert always_right["score"].endswith("(cloud)")
    assert always_right["enough"] == "cannot be told"
    assert float(accuracy["20 groups"]) == pytest.approx(oa.set_index("groups")["half_width"][20].min(), abs=5e-3)
    assert accuracy["enough"] == str(oa.loc[oa["note"] != "", "groups"].iloc[0])


def test_nothing_is_said_of_patches_without_a_group(tmp_path):
    assert groups.items(release(tmp_path, group="")) == []
