"""A run on CloudSEN12 against a plain script that does only a part of it: python -m bench own_script

The run verifies every byte of the release, which has all layers, and goes on to the features, forest and scores of the
published split. The script (`bench.plain_script`) does the last three, on as many pixels, with as many trees. Size and
folder of the release are set as in `bench.large`. Not part of `make bench` unless it is named.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench import plain_script
from bench.large import OVERLAY, prepared
from bench.measure import Row

SCORES = f"results/{OVERLAY['version']}/large/baselines/published/1/metrics.tsv"


class Cost(NamedTuple):
    """Processor time in seconds, and the memory of the largest process in GB."""

    processor: float
    memory: float


def rows(folder: Path) -> list[Row]:
    """Processor time, and the memory of the largest process."""
    checkout, release, own = prepared(folder)
    checkout.overlay("script.yaml", **{**OVERLAY, "schemes": ["published"]}, own_releases=own)
    forest = OVERLAY["forest"]
    words = [OVERLAY["draw"]["pixels"], forest["trees"], forest["minimum_leaf"]]
    where = checkout.folder, checkout.folder / "src"
    script = cost([sys.executable, plain_script.__file__, release, *words], *where)
    snakemake = Path(sys.executable).parent / "snakemake"
    ours = cost([snakemake, SCORES, "--cores", "2", "--configfile", "script.yaml"], *where)
    what = f"CloudSEN12 of {sum(path.stat().st_size for path in release.rglob('*')) / 1e9:.1f} GB, bytes to scores"
    against = "a plain script, features to scores"
    return [
        Row(f"{what}: processor time", against, 0.0, ours.processor, script.processor),
        Row(f"{what}: largest process, GB", against, 0.0, ours.memory, script.memory),
    ]


def cost(command: Sequence[object], folder: Path, source: Path) -> Cost:
    """What a command in some folder takes, with all processes that it starts; the package is that of `source`."""
    child = os.fork()
    if not child:
        environment = os.environ | {"PYTHONPATH": str(source)}
        done = subprocess.run(
            [str(word) for word in command], cwd=folder, env=environment, stdout=sys.stderr, check=False
        )
        os._exit(done.returncode)
    _, status, usage = os.wait4(child, 0)
    if status:
        raise RuntimeError(f"{command[0]} has failed")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e6)
