"""Schemes and the ledger against the time one would wait for them; evenness against scikit-learn."""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from bench.measure import Row, clock, processor
from sentinel_forest.config.schemes import parse_scheme
from sentinel_forest.io import checksums
from sentinel_forest.splits import ledger, solver, split
from sentinel_forest.splits.draws import SCALE
from sentinel_forest.splits.programme import deviation

PATCHES, CITIES = 400_000, 52
TRAINED = {"train": 0.8, "validation": 0.1, "test": 0.1}
FAST = ("pooled-random", "grouped", "kfold", "leave-one-group-out", "spatial-blocks", "balanced", "learning-curve")


def rows(folder: Path) -> list[Row]:
    """Assignments of groups, how even they are, then schemes and the ledger of 400,000 patches."""
    return [*assignments(), *schemes(), *ledgers()]


def assignments() -> list[Row]:
    """Time and deviation of `grouped-stratified`."""
    regions, cities = images(), places(20_000)
    result, taken = trial(regions, "grouped-stratified", compare=False)
    compared, _ = trial(cities, "grouped-stratified")
    reached = compared.balance.set_index("quantity")["deviation"]
    other = reached["method: stratified-group-kfold"]
    return [
        Row("grouped-stratified, 2,000 groups x 5 classes", "8 s", 1.0, taken, 8.0),
        Row("its largest deviation of a class from its fraction", "0.1 %", 1.0, farthest(result), 0.001),
        Row("deviation, 52 groups x 17 classes", "StratifiedGroupKFold", 2.0, reached["method: milp"], other),
        *evenness(),
        *sailing(cities),
    ]


def sailing(catalog: pd.DataFrame) -> list[Row]:
    """Deviation of the split of DataSAIL on the same table; no row where no interpreter with it is named."""
    python = os.environ.get("SENTINEL_FOREST_DATASAIL")
    if python is None:
        return []
    unit, label = pd.factorize(catalog["group"])[0], catalog["label"].to_numpy()
    problem = solver.prepare(unit, np.eye(17, dtype=np.int64)[label].T * SCALE, np.array([700_000, 100_000, 200_000]))
    with tempfile.TemporaryDirectory() as folder:
        counts, roles = Path(folder) / "counts.npy", Path(folder) / "roles.npy"
        np.save(counts, pd.crosstab(unit, label).to_numpy())
        script = Path(__file__).with_name("datasail_roles.py")
        subprocess.run([python, script, counts, roles], check=True, stdout=sys.stderr)
        other = deviation(problem.added, np.load(roles))
    ours = solver.solve(problem, 1, 600).deviation
    return [Row("deviation, the same 52 groups x 17 classes", "DataSAIL 1.4.0", 2.0, ours, other)]


def evenness(tables: int = 5, further: int = 4) -> list[Row]:
    """Deviations of random tables of 52 groups x 17 classes: against the proven bound, and against further searches."""
    fractions = np.array([700_000, 100_000, 200_000])
    fits: list[solver.Fit] = []
    taken, best = [], []
    for seed in range(tables):
        catalog = places(20_000, seed)
        label = np.eye(17, dtype=np.int64)[catalog["label"]].T * SCALE
        problem = solver.prepare(pd.factorize(catalog["group"])[0], label, fractions)
        taken.append(processor(lambda problem=problem: fits.append(solver.solve(problem, 1, 600))))
        others = [solver.solve(problem, other, 600).deviation for other in range(2, 2 + further)]
        best.append(min(*others, fits[-1].deviation))
    reached, worst = np.mean([fit.deviation for fit in fits]), max(fit.deviation / fit.bound for fit in fits)
    what = f"{tables} random tables, 52 groups x 17 classes"
    return [
        Row(f"{what}: largest deviation / proven bound", "1.5", 1.0, worst, 1.5),
        Row(f"{what}: most processor time of search and proof", "60 s", 1.0, max(taken), 60.0),
        Row(f"{what}: mean deviation", f"best of {further + 1} searches", 0.9, float(reached), float(np.mean(best))),
    ]


def schemes() -> list[Row]:
    """Each other scheme on a catalog as large as that of So2Sat LCZ42."""
    catalog = places(PATCHES)
    return [Row(f"{kind}, 400,000 patches", "2 s", 1.0, trial(catalog, kind)[1], 2.0) for kind in FAST]


def ledgers() -> list[Row]:
    """The ledger of a linked and of a clean split: time, and memory at its peak."""
    found = []
    for kind in ("pooled-random", "grouped"):
        taken, memory = apart(partial(ledger_of, kind))
        found.append(Row(f"ledger of {kind}, 400,000 patches", "20 s", 1.0, taken, 20.0))
        found.append(Row("its memory, catalog and split included (GB)", "2 GB", 1.0, memory, 2.0))
    return found


def ledger_of(kind: str) -> tuple[float, float]:
    """Seconds that a ledger takes, and the gigabytes that its process needed at most."""
    catalog = places(PATCHES)
    splits = {(kind, 1): trial(catalog, kind)[0].split}
    taken = clock(lambda: ledger.build(catalog, splits, {"city": "mark"}))
    return taken, most_memory()


def most_memory() -> float:
    """Most gigabytes that this process had at a time; `ru_maxrss` starts from those of its parent."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (kilobytes,) = (line.split()[1] for line in lines if line.startswith("VmHWM"))
    return int(kilobytes) * 1024 / 1e9


def apart(work: Callable[[], tuple[float, float]]) -> tuple[float, float]:
    """Call in a process of its own, whose memory is that of this work alone."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work)


def trial(catalog: pd.DataFrame, kind: str, **options: object) -> tuple[split.Result, float]:
    """The first trial of a scheme, and the seconds it took."""
    seed = partial(checksums.seed, 1, "release", kind)
    results: list[split.Result] = []
    definition = {"kind": kind, **({"fractions": TRAINED} if "strat" in kind else {}), **options}
    taken = clock(lambda: results.append(split.make(catalog, parse_scheme(definition), 1, seed)))
    return results[0], taken


def farthest(result: split.Result) -> float:
    """Largest difference between a class's fraction of its patches in a role and the fraction of that role."""
    classes = result.balance[(result.balance["quantity"] == "class") & (result.balance["role"] != "unused")]
    of_class = classes["patches"] / classes.groupby("class")["patches"].transform("sum")
    return float((of_class - classes["role"].map(TRAINED)).abs().max())


def images() -> pd.DataFrame:
    """2,000 ROIs with five dates each; five classes, unequally frequent."""
    random = np.random.default_rng(1)
    roi = np.repeat(np.arange(2000), 5)
    return table(roi, random.choice(5, len(roi), p=[0.4, 0.3, 0.15, 0.1, 0.05]), random.random((2, len(roi))))


def places(count: int, seed: int = 1) -> pd.DataFrame:
    """Patches of 320 m in cities of unequal size, each 40 km wide and with its own mixture of 17 classes."""
    random = np.random.default_rng(seed)
    city = random.choice(CITIES, count, p=random.dirichlet(np.full(CITIES, 2.0)))
    mixtures = random.dirichlet(np.full(17, 0.5), CITIES).cumsum(axis=1)
    label = (random.random(count)[:, None] > mixtures[city]).sum(axis=1).clip(max=16)
    return table(city, label, np.round(random.random((2, count)) * 40_000, -1))


def table(group: np.ndarray, label: np.ndarray, metres: np.ndarray) -> pd.DataFrame:
    """A catalog: groups lie apart, each in its own UTM zone; `metres` (2, patches) east and north in it."""
    lon, lat = group % 60 * 6 - 177.0, group % 11 * 10 - 50.0
    return pd.DataFrame(
        {
            "patch": [f"p{row:06d}" for row in range(len(group))],
            "published_split": "train",
            "group": group.astype(str),
            "city": group.astype(str),
            "x": metres[0] + 4e5,
            "y": metres[1] + 4e6,
            "epsg": pd.array(32601 + group % 60, dtype="Int32"),
            "side_m": 320.0,
            "lon": lon + metres[0] / 8e4,
            "lat": lat + metres[1] / 1.1e5,
            "label": label.astype(np.int16),
            "content_hash": [f"{row:032x}" for row in range(len(group))],
        }
    )
