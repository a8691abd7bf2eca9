"""What tiles show of their values: the lowest ones, and some pixels of each."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from sentinel_forest.datasets.sen12ms.content import TileInspection
from sentinel_forest.datasets.sen12ms.vocabulary import BANDS
from sentinel_forest.datasets.values import SAMPLED_IMAGES, Values, spread


def values_of(tiles: Mapping[str, TileInspection], table: pd.DataFrame) -> tuple[Values, ...]:
    """What the tiles of each image sensor show of their values, by season, in patches that have all their tiles.

    Parameters
    ----------
    tiles : mapping
        By path, what reading a tile has shown.
    table : DataFrame
        What the paths say, as from `sentinel_forest.datasets.sen12ms.layout.parse`.
    """
    seen = table[[tiles[path].sample is not None for path in table["path"]]]
    values = []
    for season, of_season in seen.groupby("season"):
        once = of_season.drop_duplicates(["patch", "sensor"])
        paths = once.pivot(index="patch", columns="sensor", values="path").dropna()
        sampled = paths.iloc[spread(len(paths), SAMPLED_IMAGES)]
        label = next((sensor for sensor in ("dfc", "lc") if sensor in paths), None)
        for sensor in paths.columns.intersection(["s1", "s2"]) if len(paths) else ():
            low = np.stack([low for path in paths[sensor] if (low := tiles[path].low) is not None])
            sample = _samples(tiles, sampled[sensor]).swapaxes(1, 2).astype(np.float32)
            labels = _samples(tiles, sampled[label])[..., 0] if sensor == "s2" and label else None
            layers = tuple(f"{sensor}:{band}" for band in BANDS[sensor])
            values.append(Values(f"{season}/", layers, low, sample, labels=labels))
    return tuple(values)


def _samples(tiles: Mapping[str, TileInspection], paths: Iterable[str]) -> np.ndarray:
    """Sampled values of some tiles (tiles, pixels, bands)."""
    return np.stack([sample for path in paths if (sample := tiles[path].sample) is not None])
