"""What planning a run and starting a step import: nothing that they do not use."""

import json
import subprocess
import sys

import pytest

from project import ROOT

LIBRARIES = ("numpy", "pandas", "pyarrow")
PLAN = """
from pathlib import Path
from sentinel_forest.acquire.history import Seen
import yaml
from sentinel_forest.export import tfds_plan
from sentinel_forest.planning import whole
from sentinel_forest.planning.checking import select
from sentinel_forest.planning.wiring import Wiring
from sentinel_forest.versions import check, holding, seal
chosen = select(yaml.safe_load(Path("config/full.yaml").read_text()))
chosen.skipped()
tfds_plan.splits(chosen)
assert whole.all_work(chosen)
"""
USED = {
    "inspect": set(),
    "catalog": set(),
    "split": set(),
    "ledger": set(),
    "hold_links": set(),
    "feature_table": set(),
    "reference": set(),
    "fit": {"scipy", "scipy.stats", "sklearn"},
    "predict": {"scipy", "scipy.stats", "sklearn"},
    "score": {"scipy"},
    "average": {"scipy"},
    "seal": set(),
}
"""What a step has imported of the heavy libraries when it and its dataset are known and nothing was done."""
HEAVY = ("h5py", "jinja2", "pandera", "rasterio", "scipy.stats", "scipy", "sklearn")


def loaded(code):
    """Libraries that a piece of code imports in an interpreter of its own."""
    ending = f"\nimport json, sys\nprint(json.dumps(sorted(set({LIBRARIES + HEAVY}) & set(sys.modules))))"
    done = subprocess.run(
        [sys.executable, "-c", code + ending], cwd=ROOT, text=True, check=True, stdout=subprocess.PIPE
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_planning_the_full_run_reads_no_table():
    assert loaded(PLAN) == {"numpy"}


@pytest.mark.parametrize("step", USED)
def test_a_step_imports_no_heavy_library_that_it_does_not_use(step):
    code = f"""
from sentinel_forest import datasets
from sentinel_forest.steps import load
load({step!r})
for name in ("cloudsen12", "sen12ms", "so2sat"):
    datasets.load(name)
"""
    assert loaded(code) - set(LIBRARIES) <= USED[step]
