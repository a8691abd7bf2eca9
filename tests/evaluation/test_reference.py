"""The table of algorithms of the paper on CloudSEN12, computed from the stored layers in two ways.

Here it is done from the bytes alone, after the authors' rules: 8-bit files without a header, an edge of one
pixel above and left and of two below and right, and what each layer's codes say.
"""

import re
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage
from sklearn.metrics import balanced_accuracy_score, precision_score, recall_score

from sentinel_forest import datasets, simulate
from sentinel_forest.datasets.base import no_hashes
from sentinel_forest.evaluation import score
from sentinel_forest.evaluation.confusion import confusion
from sentinel_forest.evaluation.figures import Place
from sentinel_forest.evaluation.reference import count_references

TRUTH = {"cloud": (1, 2), "shadow": (3,), "contaminated": (1, 2, 3)}
CODES = {
    "fmask": {"cloud": (4,), "shadow": (2,), "contaminated": (2, 4)},
    "sen2cor": {"cloud": (8, 9, 10), "shadow": (3,), "contaminated": (3, 8, 9, 10)},
    "kappamask_L1C": {"cloud": (3, 4), "shadow": (2,), "contaminated": (2, 3, 4)},
    "kappamask_L2A": {"cloud": (3, 4), "shadow": (2,), "contaminated": (2, 3, 4)},
    "cd_fcnn_rgbi": {"cloud": tuple(range(51, 101))},
    "cd_fcnn_rgbi_swir": {"cloud": tuple(range(51, 101))},
}
DISK = ndimage.generate_binary_structure(2, 1)


def layer(folder: Path, name: str, side: int) -> np.ndarray:
    stored = np.fromfile(folder / "test" / f"LABEL_{name}.dat", "uint8").reshape(-1, side, side)
    return stored[:, 1:-2, 1:-2]


def said(stored: np.ndarray, name: str, question: str) -> np.ndarray:
    """Where an algorithm says yes, bool (patches, rows, columns)."""
    if name != "s2cloudless":
        return np.isin(stored, CODES[name][question])
    means = [ndimage.convolve(patch.astype("float64"), DISK / 5, mode="reflect") for patch in stored]
    return np.stack([ndimage.binary_dilation(mean > 40 + 1e-9, DISK) for mean in means])


def expected(truth: np.ndarray, guess: np.ndarray, cloudy: np.ndarray) -> dict[str, float]:
    """The columns of the table for one algorithm and question."""
    pairs = list(zip(truth.reshape(len(truth), -1), guess.reshape(len(guess), -1), strict=True))
    boa = [balanced_accuracy_score(true, yes) for true, yes in pairs if 0 < true.mean() < 1]
    found = {"boa.median": np.median(boa)}
    for name, metric, side in (("pa", recall_score, 0), ("ua", precision_score, 1)):
        values = np.array(
            [metric(*pair) for pair, used in zip(pairs, cloudy, strict=True) if used and pair[side].any()]
        )
        found[f"{name}.mean"] = values.mean()
        found[f"{name}.low"] = 100 * (values < 0.1).mean()
        found[f"{name}.high"] = 100 * (values > 0.9).mean()
    return found


def computed(folder: Path, side: int, names: list[str]) -> pd.DataFrame:
    """The scores of algorithms on the published test patches, by the steps of the workflow."""
    dataset = datasets.load("cloudsen12", {"side": side})
    catalog = dataset.catalog(folder, dataset.list_files(folder), no_hashes())
    catalog = catalog[catalog["published_split"] == "test"].assign(group=lambda rows: rows["roi"])
    counts, _ = count_references(dataset, folder, catalog, names)
    split = catalog[["patch", "group"]].assign(role="test", weight=1.0)
    predictions = pd.DataFrame(columns=score.PREDICTIONS)
    table = confusion(dataset, catalog, split.drop(columns="group"), predictions, counts, "published", 1, [])
    place = Place("r", "published", 1)
    return score.score_trial(score.TrialCounts(table, dataset, split, {"test": "clean"}, 20, (1,), place))[0]


def held(folder: Path, side: int, names: list[str]) -> int:
    """Hold every score of the table against its independent twin; return how many there were."""
    scores = computed(folder, side, names).set_index(["classifier", "class", "metric"])["value"]
    labels = layer(folder, "manual_hq", side)
    cloudy = np.isin(labels, TRUTH["cloud"]).any(axis=(1, 2))
    assert cloudy.any()
    count = 0
    for name in names:
        stored = layer(folder, name, side)
        for question in CODES.get(name, {"cloud": ()}):
            twin = expected(np.isin(labels, TRUTH[question]), said(stored, name, question), cloudy)
            for about, value in twin.items():
                assert scores[name, question, about] == pytest.approx(value, abs=1e-12), (name, about)
                count += 1
    return count


def test_table_of_algorithms_on_the_sample(tmp_path: Path) -> None:
    simulate.write("cloudsen12", {"side": 64}, {"seed": 3, "rois": 16, "dates": 2}, tmp_path)
    names = [*CODES, "s2cloudless"]
    assert held(tmp_path, 64, names) == 7 * (4 * 3 + 3)
    qa60 = computed(tmp_path, 64, ["qa60"])
    assert qa60["value"].isna().all()
    assert qa60["note"].str.contains("the layer of qa60 is constant").all()


def test_table_of_algorithms_on_real_pixels(real: Path, tmp_path: Path) -> None:
    with tarfile.open(real / "cloudsen12.tar.xz") as archive:
        wanted = re.compile(r"/(train|val|test)/(LABEL_\w+\.dat|metadata\.csv)$")
        archive.extractall(tmp_path, [one for one in archive if wanted.search(one.name)], filter="data")
    assert held(tmp_path / "cloudsen12", 512, ["s2cloudless"]) == 7
