"""Models that were trained elsewhere in the report: their scores and differences, with mark and note."""

from pathlib import Path

import numpy as np
import pandas as pd

from sentinel_forest import datasets
from sentinel_forest.config import paths
from sentinel_forest.evaluation.patch_metrics import patch_metrics
from sentinel_forest.report import foreign
from sentinel_forest.report.inputs import ReleaseResults


def results(folder: Path, *files: str) -> ReleaseResults:
    """A release of a version that has some files."""
    return ReleaseResults(
        name="r", dataset=datasets.load("cloudsen12"), entry={}, results=folder, work=folder, data=folder, kinds={},
        source="r", files=frozenset(files),
    )  # fmt: skip


def scored(folder: Path) -> list[str]:
    """Scores and differences of two models on 16 images, as a run writes them; their names."""
    random = np.random.default_rng(1)
    table = pd.DataFrame({"ROI_ID": [f"ROI_{place:04d}" for place in range(16)], "CCOVER": 0.5})
    table["S2_ID"] = [f"20200101T000000_x_T{place + 10}ABC" for place in range(16)]
    for metric in ("RECALL", "PRECISION", "BOA"):
        table[f"fmask_exp01_{metric}"] = random.uniform(0.5, 0.7, 16)
        table[f"unet_mobilenetv2_exp01_{metric}"] = random.uniform(0.7, 0.9, 16)
    table.to_csv(folder / "authors.csv", index=False)
    names = [paths.place(pattern, release="r") for pattern in (paths.PATCH_METRICS, paths.PATCH_METRICS_PAIRED)]
    patch_metrics(
        release="r", dataset="cloudsen12", values=folder / "authors.csv", draws=100,
        metrics=folder / names[0], paired=folder / names[1],
    )  # fmt: skip
    return names


def test_scores_and_differences_are_shown_with_their_files(tmp_path):
    names = scored(tmp_path)
    scores, differences = foreign.items(results(tmp_path, *names))
    assert [source.path for source in (*scores.sources, *differences.sources)] == names
    shown = [dict(zip(scores.columns, row, strict=True)) for row in scores.rows]
    assert {row["classifier"].text for row in shown} == {"Fmask 4", "U-Net MobileNetV2"}
    assert {row["mark"].text for row in shown} == {"unknown: pretraining"}
    assert all(row["note"].text for row in shown)
    assert "not from pixels" in repr(scores)
    (row,) = [dict(zip(differences.columns, cells, strict=True)) for cells in differences.rows]
    assert {row["a"].text, row["b"].text} == {"Fmask 4", "U-Net MobileNetV2"}


def test_a_version_without_such_models_shows_nothing(tmp_path):
    scored(tmp_path)
    assert foreign.items(results(tmp_path)) == []
    assert foreign.items(results(tmp_path, "other/patch_metrics.tsv")) == []
