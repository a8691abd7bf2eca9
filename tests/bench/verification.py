"""Verification against reading the same bytes for their SHA-256 alone.

Samples are small: their many small files show what each file costs besides its bytes. The layers of
full-sized patches show what the bytes cost. Some systems build ``sha256sum`` without the processor's own
instructions for SHA-256; ``openssl`` always has them and is the harder measure. Held against it, goals
are lower where a check has more to do than a checksum: each tile of SEN12MS has its own findings. Its headers are
known after the first pass, as those of all but some hundreds of the 541,986 tiles of the release are when they are
read. On one core it is processor time that is compared.

Where the goal is missed: in 1 MB of So2Sat that lies in the cache, SHA-256 takes 500 us, the hash of patches 12, and
minimum, maximum, sum and sum of squares 30, 13, 15 and 28, because NumPy goes through the values once for each. With
these alone the ratio is 0.84; a tenth of SHA-256 is reached by compiled code that does all in one pass, which is no
reason for another library: of the whole 52 GB of So2Sat it would save two seconds.
"""

import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from bench.measure import Row, pair, processor
from sentinel_forest import datasets, simulate
from sentinel_forest.datasets.base import Dataset, File
from sentinel_forest.datasets.cloudsen12 import CloudSEN12
from sentinel_forest.verify import inspect

SAMPLES = {
    "cloudsen12": ("CloudSEN12 sample, layers of 1 MB", 0.3, {"side": 96}, {"seed": 1, "rois": 48, "dates": 5}),
    "so2sat": (
        "So2Sat, all values as float64",
        0.9,
        {},
        {"seed": 1, "training": 6000, "validation": 17, "testing": 17, "cities": 4},
    ),
    "sen12ms": ("SEN12MS, tiles of 0.5 to 1.7 MB", 0.6, {}, {"seed": 1, "scenes": 5, "patches": 3}),
}
"""Dataset to what is measured, the goal against ``openssl``, layout and settings of the sample."""

LAYERS = (
    *("L1C_B2", "L1C_B3", "L1C_B4", "L2A_B2", "L2A_B3", "EXTRA_elevation"),
    *("S1_VV", "LABEL_manual_hq", "LABEL_fmask"),
)
"""Files that two cores can share evenly, as the many of a release: one is twice, two are half as long as the others."""
PATCHES = 100


def rows(folder: Path) -> Iterator[Row]:
    """Each dataset on one core; then one core against two."""
    for name, (what, goal, layout, settings) in SAMPLES.items():
        simulate.write(name, layout, settings, folder / name)
        yield from _against_checksums(what, goal, datasets.load(name, layout), folder / name)
    large = _full_sized(folder / "large")
    yield from _against_checksums("CloudSEN12, layers of full-sized patches", 0.9, large, folder / "large")
    files = [File(path) for path in large.list_files(folder / "large")]
    one, two = (partial(inspect.read_all, large, folder / "large", files, threads) for threads in (1, 2))
    yield Row("verify on two cores", "on one", 1.8, *pair(two, one))


def _against_checksums(what: str, goal: float, dataset: Dataset, folder: Path) -> Iterator[Row]:
    """A release on one core, against ``sha256sum`` and ``openssl``."""
    files = [File(path) for path in dataset.list_files(folder)]
    paths = [str(folder / file.path) for file in files]
    ours = partial(inspect.read_all, dataset, folder, files, 1)
    for command, least in (["sha256sum"], 0.9), (["openssl", "dgst", "-sha256"], goal):
        if shutil.which(command[0]):
            other = partial(subprocess.run, [*command, *paths], check=True, stdout=subprocess.DEVNULL)
            yield Row(f"verify {what}, one core", command[0], least, *pair(ours, other, measure=processor))


def _full_sized(folder: Path) -> CloudSEN12:
    """Layers of each dtype, random in their valid window."""
    dataset = CloudSEN12()
    random = np.random.default_rng(1)
    for layer, array in dataset.create(folder, "train", PATCHES, LAYERS).items():
        low, top = (0, 4) if layer.startswith("LABEL") else (1, 3000)  # 0 would be no measurement
        for patch in array:
            patch[1:-2, 1:-2] = random.integers(low, top, patch[1:-2, 1:-2].shape)
        array.flush()
    return dataset
