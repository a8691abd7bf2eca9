"""Layers of CloudSEN12 against each other: an "ok" names those that were compared, and no others."""

from collections.abc import Callable

import numpy as np
import pytest

from sentinel_forest.datasets.cloudsen12.layers import MIXED, algorithm_findings
from sentinel_forest.datasets.cloudsen12.levels import level_findings, scribble_findings
from sentinel_forest.datasets.cloudsen12.vocabulary import LABEL
from sentinel_forest.datasets.findings import Finding


def samples(images: int, swapped: bool = False) -> dict[str, np.ndarray]:
    """Labels of which half is thick cloud, a mask that agrees in nine of ten pixels, and one that is constant."""
    random = np.random.default_rng(1)
    cloud = random.random((images, 16)) < 0.5
    cloud[:, :2] = False, True
    agrees = np.where(random.random(cloud.shape) < 0.9, cloud, ~cloud)
    percent = np.where(agrees != swapped, 90, 10).astype(np.uint8)
    constant = np.zeros(cloud.shape, np.uint8)
    return {LABEL: cloud.astype(np.uint8), "LABEL_s2cloudless": percent, "LABEL_qa60": constant}


def test_an_ok_names_what_was_compared() -> None:
    (found,) = algorithm_findings("train", samples(40))
    assert (found.status, found.found) == ("ok", "compared: LABEL_s2cloudless")


def test_too_few_images_are_not_ok() -> None:
    (found,) = algorithm_findings("train", samples(MIXED - 1))
    assert found.status == "note"
    assert found.found.startswith("not computed")


def test_a_mask_against_the_labels_fails() -> None:
    (found,) = algorithm_findings("train", samples(40, swapped=True))
    assert (found.status, found.file) == ("failed", "train/LABEL_s2cloudless.dat")


def levels(images: int = 40) -> dict[str, np.ndarray]:
    """B2 and B12 of both levels: level 2A is that of a clear atmosphere, in the unit of the publisher."""
    random = np.random.default_rng(2)
    ground = {"B2": random.uniform(300, 1500, (images, 16)), "B12": random.uniform(300, 4000, (images, 16))}
    above = {"L1C_B2": 0.75 * ground["B2"] + 700, "L1C_B12": 0.95 * ground["B12"] + 10}
    return {**above, "L2A_B2": ground["B2"], "L2A_B12": ground["B12"]}


def test_level_2a_of_the_same_rows_passes() -> None:
    (found,) = level_findings("train", levels())
    assert (found.status, found.found) == ("ok", "compared: B2, B12")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda bands: {"L2A_B2": np.roll(bands["L2A_B2"], 5, axis=0)}, "L2A_B2 has a correlation of"),
        (lambda bands: {"L2A_B12": bands["L2A_B12"] + 1000}, "L2A_B12 is 0.1"),
        (lambda bands: {"L2A_B12": bands["L2A_B12"] * 10}, "L2A_B12 is 10.5 times L1C_B12 in bright pixels"),
        (lambda bands: {"L2A_B2": bands["L2A_B12"], "L2A_B12": bands["L2A_B2"]}, "L2A_B2 has a correlation of"),
        (
            lambda bands: {"L2A_B2": bands["L2A_B12"] + bands["L2A_B2"] * 2.4},
            "L2A_B2 goes along with L1C_B12 better than with L1C_B2, by 0.",
        ),
    ],
)
def test_level_2a_of_other_rows_bands_or_units_fails(change: Callable, fault: str) -> None:
    bands = levels()
    (found,) = level_findings("train", bands | change(bands))
    assert found.status == "failed"
    assert fault in found.found


def test_level_2a_of_few_images_is_not_judged() -> None:
    (found,) = level_findings("train", levels(9))
    assert (found.status, found.found[:12]) == ("note", "not computed")
    assert not list(level_findings("train", {"L1C_B2": np.ones((40, 16))}))


def scribbles(images: int = 100) -> dict[str, np.ndarray]:
    """Labels, one class in each quarter of an image, and scribbles in a tenth of the pixels, with other codes."""
    random = np.random.default_rng(3)
    labels = np.repeat(random.integers(0, 4, (images, 4)), 16, axis=1)
    drawn = random.random(labels.shape) < 0.1
    return {LABEL: labels, "LABEL_manual_sc": np.where(drawn, np.array([0, 1, 3, 5])[labels], 99)}


def moved(rows: int) -> Finding:
    """What is said of scribbles in other rows."""
    both = scribbles()
    (found,) = scribble_findings("train", both | {"LABEL_manual_sc": np.roll(both["LABEL_manual_sc"], rows, axis=0)})
    return found


def test_scribbles_of_the_same_rows_pass_and_of_others_fail() -> None:
    assert (moved(0).status, moved(0).found[:16]) == ("ok", "association 1.00")
    assert moved(7).status == "failed"
    assert moved(7).found.endswith("and 1.00 with the labels -7 rows away")


def test_scribbles_in_any_order_cannot_be_told() -> None:
    both = scribbles()
    order = np.random.default_rng(4).permutation(100)
    (found,) = scribble_findings("train", both | {"LABEL_manual_sc": both["LABEL_manual_sc"][order]})
    assert found.status == "note"
    assert "it cannot be told" in found.found
    (found,) = scribble_findings("train", both | {LABEL: np.zeros_like(both[LABEL])})
    assert found.found.startswith("not computed")
