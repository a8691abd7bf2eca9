"""What a sealed version is computed again from: its own settings, and where files lie."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sentinel_forest.errors import InputError
from sentinel_forest.planning.checking import select
from sentinel_forest.versions import check, seal


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"forest": {"trees": 7}},
        {"forest": {"depth": 5, "tune": {"folds": 3, "depth": [2, 4]}}},
        {"draw": {"pixels": 1234}, "seed": 9, "trials": 1},
        {"own_schemes": {"mine": {"kind": "grouped", "groups": ["roi"]}}, "schemes": ["mine"]},
    ],
)
def test_the_settings_of_a_version_lead_to_the_same_settings(values):
    config = {"releases": ["cloudsen12-sample", "so2sat-sample"], "feature_sets": ["l1c", "lcz-s1+s2"]} | values
    selection = select(config)
    written = json.loads(json.dumps(seal.settings(selection.described)))
    again = select(check.asked(written))
    assert seal.settings(again.described) == seal.settings(selection.described)
    assert seal.identity(again.described, again.releases) == seal.identity(selection.described, selection.releases)


def test_files_lie_where_they_lay_unless_it_is_told(tmp_path):
    (tmp_path / "files").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "linked").symlink_to(tmp_path / "files")
    own = {name: {"dataset": "so2sat"} for name in ("linked", "told", "unused")}
    configuration = {"releases": ["linked", "told", "sample"], "own_releases": own}
    lying = check._lying(configuration, tmp_path / "data", {"told": "elsewhere"})
    assert lying["own_releases"]["linked"]["folder"] == str(tmp_path / "files")
    assert lying["own_releases"]["told"]["folder"] == "elsewhere"
    assert lying["folders"] == {}
    with pytest.raises(InputError, match=r"--folders\.told"):
        check._lying(configuration, tmp_path / "data", {})


def test_nothing_is_computed_against_a_version_that_is_not_sealed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("nope", "draft"):
        with pytest.raises(InputError, match="not sealed"):
            check.check(version=Path(name))
    with pytest.raises(InputError, match="not sealed"):
        check.check(version=Path("../elsewhere"))
    assert not list(tmp_path.iterdir())


INTERRUPTED = """
import signal, sys
from pathlib import Path
from sentinel_forest.versions import check
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has what it runs in the background ignore it
sys.executable = str(Path("python").absolute())
check._compute(Path("Snakefile"), Path("target"), None, None)
"""
ENDS_SLOWLY = """\
#!/bin/sh
trap 'sleep 1; touch ended; exit 1' INT
touch began
while true; do sleep 0.1; done
"""


@pytest.mark.skipif(os.name != "posix", reason="the stand-in is a shell script")
def test_after_ctrl_c_the_second_computation_can_end_its_jobs(tmp_path):
    """Snakemake cancels what it gave to a cluster, and gives back its lock; that takes it longer than a moment."""
    stand_in = tmp_path / "snakemake"
    stand_in.write_text(ENDS_SLOWLY)
    stand_in.chmod(0o755)
    run = subprocess.Popen([sys.executable, "-c", INTERRUPTED], cwd=tmp_path, start_new_session=True)
    end = time.monotonic() + 60
    while not (tmp_path / "began").exists() and time.monotonic() < end:
        time.sleep(0.1)
    os.killpg(run.pid, signal.SIGINT)
    assert run.wait(60) != 0
    assert (tmp_path / "ended").exists()
