"""Reads a folder with the real tensorflow_datasets; runs in the environment of requirements.lock.

    read.py as_dataset | as_data_source | load  FOLDER  OUTPUT.npz  [NAME]

Writes ``<split>/<feature>`` arrays in the order in which rows come, and prints what the builder says.
`as_data_source` works with TensorFlow out of reach; `load` finds the data set NAME below FOLDER.
"""

import json
import sys
from importlib.machinery import PathFinder


class WithoutTensorFlow(PathFinder):
    """Finds all modules but TensorFlow, as where it is not installed."""

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        """As `PathFinder` does."""
        return None if name == "tensorflow" else super().find_spec(name, path, target)


def main(way: str, folder: str, output: str, name: str = "") -> None:
    """Read, write, print."""
    if way == "as_data_source":
        sys.meta_path = [WithoutTensorFlow if finder is PathFinder else finder for finder in sys.meta_path]
    import numpy as np
    import tensorflow_datasets as tfds

    builder = tfds.builder(name, data_dir=folder) if way == "load" else tfds.builder_from_directory(folder)
    info = builder.info
    arrays = {}
    for split in info.splits:
        if way == "as_data_source":
            rows = list(builder.as_data_source(split=split))
        else:
            rows = list(tfds.as_numpy(builder.as_dataset(split=split)))
        for feature in info.features:
            arrays[f"{split}/{feature}"] = np.stack([row[feature] for row in rows])
    np.savez(output, **arrays)
    splits = info.splits
    seen = {
        "name": info.full_name,
        "tensorflow": "tensorflow" in sys.modules,
        "splits": {name: [split.num_examples, split.num_bytes] for name, split in splits.items()},
        "shards": {name: split.num_shards for name, split in splits.items()},
        "features": info.features.to_json(),
        "classes": info.features["label"].names,
        "supervised": info.supervised_keys,
        "release_notes": dict(info.release_notes or {}),
        "config": builder.builder_config.description,
        "description": info.description,
        "citation": info.citation,
    }
    print(json.dumps(seen))


if __name__ == "__main__":
    main(*sys.argv[1:])
