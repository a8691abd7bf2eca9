"""What a user of CloudSEN12 might write: features, forest and scores with NumPy and scikit-learn, nothing checked.

python plain_script.py FOLDER PIXELS TREES LEAF
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.ensemble import RandomForestClassifier

BANDS = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12")
IMAGE = (slice(1, 510), slice(1, 510))
CLASSES = 4


def layers(folder: Path) -> tuple[list[np.ndarray], np.ndarray]:
    """Bands and labels of a split, mapped into memory: each (images, 512, 512)."""
    bands = [np.memmap(folder / f"L1C_{band}.dat", np.int16, "r").reshape(-1, 512, 512) for band in BANDS]
    return bands, np.memmap(folder / "LABEL_manual_hq.dat", np.uint8, "r").reshape(-1, 512, 512)


def image(bands: list[np.ndarray], number: int) -> np.ndarray:
    """Reflectance of the pixels of an image: float32 (pixels, bands)."""
    return np.stack([band[number][IMAGE].ravel() for band in bands], axis=1).astype(np.float32) / 10_000


def main(folder: Path, pixels: int, trees: int, leaf: int) -> None:
    """Draw pixels of the training images, grow a forest, score every pixel of the test images."""
    random = np.random.default_rng(1)
    bands, labels = layers(folder / "train")
    parts = []
    for number in range(len(labels)):
        chosen = random.choice(509 * 509, pixels // len(labels), replace=False)
        parts.append((image(bands, number)[chosen], labels[number][IMAGE].ravel()[chosen]))
    X, y = (np.concatenate(column) for column in zip(*parts, strict=True))
    forest = RandomForestClassifier(trees, min_samples_leaf=leaf, random_state=1, n_jobs=2).fit(X, y)
    bands, labels = layers(folder / "test")
    counts = np.zeros((CLASSES, CLASSES), dtype=np.int64)
    for number in range(len(labels)):
        told = forest.predict(image(bands, number))
        np.add.at(counts, (labels[number][IMAGE].ravel(), told), 1)
    print(f"overall accuracy {counts.trace() / counts.sum():.4f}")
    print(f"balanced accuracy {np.mean(counts.diagonal() / counts.sum(axis=1)):.4f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
