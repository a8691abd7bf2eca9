"""Merged and dropped classes of pixels go through a whole run, to its report and to its trials."""

from pathlib import Path

import numpy as np
import pandas as pd

from project import copy_project
from sentinel_forest import open_trial, simulate

CONFIGURATION = {
    "version": "merged-v1",
    "releases": ["mine"],
    "schemes": ["published"],
    "trials": 1,
    "feature_sets": ["l1c-6"],
    "forest": {"trees": 3},
    "forest_seeds": 1,
    "price": {"trials": 0},
    "bootstrap": {"draws": 100},
    "draw": {"pixels": 5000},
    "classes": {"cloudsen12": {"cloud": {"merge": {"cloud": ["thick cloud", "thin cloud"]}, "drop": ["cloud shadow"]}}},
}


def test_merged_classes_reach_scores_report_and_trials(tmp_path: Path) -> None:
    checkout, layout = copy_project(tmp_path / "project"), {"side": 96}
    simulate.write("cloudsen12", layout, {"seed": 1, "rois": 24, "dates": 2}, tmp_path / "clouds")
    own = {
        "mine": {"dataset": "cloudsen12", "folder": str(tmp_path / "clouds"), "layout": layout, "licence": "CC0-1.0"}
    }
    checkout.overlay("merged.yaml", **CONFIGURATION, own_releases=own)
    checkout.snakemake("--cores", "2", "--configfile", "merged.yaml")
    results = checkout.folder / "results" / "merged-v1"
    assert (results / "report.html").is_file()
    baselines = results / "mine" / "baselines" / "published" / "1"
    scores = pd.read_csv(baselines / "metrics.tsv", sep="\t", keep_default_na=False)
    forest = scores[(scores["classifier"] == "forest") & (scores["role"] == "test")].set_index(["metric", "class"])
    trial = open_trial(results, "mine", "published", 1, "test")
    assert trial.task.names == ("clear", "cloud")
    labels = np.stack([patch["label"] for patch in trial])
    assert set(np.unique(labels)) <= {0, 1, 255}
    assert int(forest.loc[("oa", ""), "n"]) == (labels != 255).sum()
