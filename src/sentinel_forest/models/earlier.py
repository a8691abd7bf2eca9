"""Predictions of a shard that an earlier version has made, forest by forest."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from sentinel_forest import kept
from sentinel_forest.io import schemas as pa
from sentinel_forest.io import tables
from sentinel_forest.io.checksums import checksum_of
from sentinel_forest.steps import ForestFile

STEP, MODULE, OUTPUT = "predict", "models.predict", "output"


class Earlier:
    """Tables of predictions in a store, one for each forest and shard; see `sentinel_forest.kept`.

    Parameters
    ----------
    store : Path or None
        Folder of the store. Without it nothing is known, and nothing is added.
    shared : mapping
        What all forests of the job share: ``dataset``, ``layout``, ``folder``, ``catalog``, ``shard``, ``shards``.
    schema : DataFrameSchema
        Of the tables.
    """

    def __init__(self, store: Path | None, shared: Mapping[str, Any], schema: pa.DataFrameSchema) -> None:
        self._store = store if store is not None and kept.keepable(shared) else None
        self._shared, self._schema = shared, schema

    def about(self, forest: ForestFile, fit: Path, split: Path, features: Path | None) -> dict[str, Any]:
        """What the predictions of a forest depend on; nothing where there is no store."""
        if self._store is None:
            return {}
        layout = dict(self._shared["layout"] or {})
        if "feature_sets" in layout:  # of the sets that a configuration adds only the forest's own counts
            layout["feature_sets"] = {name: each for name, each in layout["feature_sets"].items() if name == forest.set}
        own = {"layout": layout, "forest": forest, "fit": fit, "split": split, "features": features}
        return kept.described(STEP, MODULE, {**self._shared, **own}, [])

    def take(self, about: Mapping[str, Any]) -> pd.DataFrame | None:
        """The table of a forest; None where it has to be made."""
        if self._store is None:
            return None
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / OUTPUT
            return tables.read_parquet(path) if kept.take(self._entry(about), {OUTPUT: path}) else None

    def put(self, about: Mapping[str, Any], table: pd.DataFrame) -> None:
        """Add the table of a forest."""
        if self._store is None:
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / OUTPUT
            tables.write_parquet(path, table.reset_index(drop=True), self._schema)
            kept.put(self._entry(about), about, {OUTPUT: path})

    def _entry(self, about: Mapping[str, Any]) -> Path:
        assert self._store is not None
        return self._store / STEP / checksum_of(about)
