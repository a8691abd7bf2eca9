"""What steps are told of a release: arguments that many of them share."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sentinel_forest import datasets
from sentinel_forest.datasets.base import Dataset
from sentinel_forest.io import tables
from sentinel_forest.steps import Arguments, Layout


@dataclass(frozen=True, kw_only=True)
class ReleaseOf(Arguments):
    """A release whose patches are known.

    Parameters
    ----------
    dataset, layout
        Name of the dataset, and how the release deviates from its published layout.
    catalog : Path
        Catalog of the release.
    """

    dataset: str
    layout: Layout | None = None
    catalog: Path

    def opened(self) -> Dataset:
        """The dataset, with the layout of the release."""
        return datasets.load(self.dataset, self.layout)


@dataclass(frozen=True, kw_only=True)
class ShardOf(ReleaseOf):
    """A shard of a release, whose pixels are read.

    Parameters
    ----------
    folder : Path
        The release.
    shard, shards : int
        Which of how many row ranges of the catalog, from 1.
    """

    folder: Path
    shard: int
    shards: int

    def rows(self) -> pd.DataFrame:
        """Rows of the catalog."""
        return tables.read_shard(self.catalog, self.shard, self.shards)
