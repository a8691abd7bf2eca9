"""Features are the same whatever instructions a processor has: NumPy is told to leave some of them unused."""

import os
import subprocess
import sys

import numpy as np

FEATURES = """
import hashlib
import numpy as np
from sentinel_forest import datasets
from sentinel_forest.features import patch, pixel

def digest(values):
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()

random = np.random.default_rng(1)
for name in ("so2sat", "sen12ms", "cloudsen12"):
    dataset = datasets.load(name, {})
    for about in dataset.feature_sets.values():
        module = patch if dataset.tasks[about.task].unit == "patch" else pixel
        needed = module.needed_bands(about.features, about.bands)
        bands = {band: random.lognormal(-2, 1, (20, 32, 32)).astype(np.float32) for band in needed}
        print(name, about.name, digest(module.compute(about.features, bands, about.bands)))
bands = {band: random.lognormal(-2, 1, (20, 32, 32)).astype(np.float32) for band in ("B4", "B8")}
for own in ("(log(B8))", "(log10(B8))", "(exp(B8 - B4))", "(B8 ** 1.5)", "(sqrt(B8))"):
    print(own, digest(pixel.compute((own,), bands)))
"""


def lines(**environment: str) -> list[str]:
    """What the script prints: a name and a digest of values for each feature set."""
    done = subprocess.run(
        [sys.executable, "-c", FEATURES], env=os.environ | environment, check=True, text=True, capture_output=True
    )
    return done.stdout.splitlines()


def dispatched() -> str:
    """Instructions that NumPy uses here beyond those that it is built for."""
    config = np.show_config(mode="dicts")
    return " ".join(config["SIMD Extensions"]["found"])


def test_features_do_not_depend_on_the_processor() -> None:
    every, few = lines(), lines(NPY_DISABLE_CPU_FEATURES=dispatched())
    assert len(every) > 15
    assert every == few
