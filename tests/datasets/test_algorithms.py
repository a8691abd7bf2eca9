"""The check `algorithms` of CloudSEN12: an "ok" names the masks that were compared, and no others."""

import numpy as np

from sentinel_forest.datasets.cloudsen12.layers import MIXED, algorithm_findings
from sentinel_forest.datasets.cloudsen12.vocabulary import LABEL


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
