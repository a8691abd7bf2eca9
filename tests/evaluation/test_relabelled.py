"""Labels of two releases of the same images, with the padding of each, and the ranks of algorithms under both."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sentinel_forest.datasets import load
from sentinel_forest.datasets.base import no_hashes
from sentinel_forest.datasets.cloudsen12 import CloudSEN12
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation import relabelled
from sentinel_forest.io import tables
from sentinel_forest.verify import catalog as catalogs

IMAGE = 4
BEFORE = {"side": 7}
"""One row and column before the image, two behind it."""
AFTER = {"side": 7, "padding": {"left": 3, "bottom": 3}}
PLACES = {"before": (slice(1, 5), slice(1, 5)), "after": (slice(0, 4), slice(3, 7))}
METADATA = pd.DataFrame(
    {
        "roi_id": [f"ROI_{number:04d}" for number in range(6)],
        "s2_id": [f"20200{number + 1}01T000000_20200{number + 1}01T000000_T1{number}ABC" for number in range(6)],
    }
)


def labels() -> tuple[np.ndarray, np.ndarray]:
    """Six images, half of them clouds; afterwards the first pixel of the first two is a shadow."""
    before = np.zeros((6, IMAGE, IMAGE), dtype=np.uint8)
    before[:, :2] = 1
    after = before.copy()
    after[:2, 0, 0] = 3
    return before, after


def release(folder: Path, when: str, order: list[int]) -> tuple[Path, Path]:
    """A release with the images in some order, in two splits, and its catalog."""
    layout = {"before": BEFORE, "after": AFTER}[when]
    dataset = load("cloudsen12", layout)
    assert isinstance(dataset, CloudSEN12)
    layers = ["L1C_B2", "LABEL_manual_hq", *(["LABEL_fmask", "LABEL_cd_fcnn_rgbi"] if when == "before" else [])]
    truth = labels()[when == "after"]
    said = {"LABEL_fmask": np.where(labels()[0] == 1, 4, 0), "LABEL_cd_fcnn_rgbi": np.where(labels()[1] == 1, 90, 10)}
    for split, images in {"train": order[:2], "test": order[2:]}.items():
        stored = dataset.create(folder / when, split, len(images), layers)
        values = {"LABEL_manual_hq": truth, "L1C_B2": 100 + np.arange(6)[:, None, None] + np.zeros_like(truth), **said}
        for name, array in stored.items():
            array[:, *PLACES[when]] = values[name][images]
            array.flush()
        dataset.write_metadata(folder / when, split, METADATA.iloc[images])
    catalog = catalogs.make(dataset, folder / when, dataset.list_files(folder / when), no_hashes())
    tables.write_parquet(folder / f"{when}.parquet", catalog, catalogs.schema(dataset))
    return folder / when, folder / f"{when}.parquet"


def compared(folder: Path, **more: object) -> tuple[pd.DataFrame, pd.DataFrame]:
    before, after = release(folder, "before", [0, 1, 2, 3, 4, 5]), release(folder, "after", [5, 3, 1, 0, 4, 2])
    said: dict[str, object] = {"before_layout": BEFORE, "after_layout": AFTER, "draws": 50} | more
    relabelled.compare_labels(
        dataset="cloudsen12",
        before_folder=before[0],
        before_catalog=before[1],
        after_folder=after[0],
        after_catalog=after[1],
        changes=folder / "changes.tsv",
        ranks=folder / "ranks.tsv",
        **said,  # type: ignore[arg-type]
    )
    changes = tables.read_tsv(folder / "changes.tsv", relabelled.CHANGES)
    return changes, tables.read_tsv(folder / "ranks.tsv", relabelled.RANKS)


def test_changed_pixels_are_counted_whatever_the_order_and_the_padding(tmp_path, capsys):
    changes, _ = compared(tmp_path)
    found = {tuple(row[:2]): tuple(row[2:]) for row in changes.itertuples(index=False)}
    assert found == {
        ("clear", "clear"): (48, 6),
        ("thick cloud", "thick cloud"): (46, 6),
        ("thick cloud", "cloud shadow"): (2, 2),
    }
    assert "6 images in both releases; 2.08% of the pixels have another class" in capsys.readouterr().out


def test_ranks_turn_with_the_labels(tmp_path):
    """Fmask says what the labels before said, cd_fcnn_rgbi what those after say."""
    _, ranks = compared(tmp_path, role="train")
    of = ranks[ranks["class"] == "cloud"].set_index("classifier")
    assert of["patches"].unique().tolist() == [2]
    assert of.loc["fmask", ["before", "rank_before", "rank_after"]].tolist() == [1, 1, 2]
    assert of.loc["cd_fcnn_rgbi", ["after", "rank_before", "rank_after"]].tolist() == [1, 2, 1]
    # 8 pixels of cloud, of which one is not found: (7 / 8 + 1) / 2; and 9 without, of which one is called cloud.
    assert of.loc["cd_fcnn_rgbi", "before"] == pytest.approx((7 / 8 + 1) / 2)
    assert of.loc["fmask", "after"] == pytest.approx((1 + 8 / 9) / 2)


def test_releases_without_a_common_image_are_refused(tmp_path):
    with pytest.raises(InputError, match="no patch in common"):
        compared(tmp_path, role="validation")
