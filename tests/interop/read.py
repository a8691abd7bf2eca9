"""Reads a folder with the real tensorflow_datasets; runs in the environment of requirements.lock.

    read.py as_dataset | as_data_source  FOLDER  OUTPUT.npz  [NAME]

Writes ``<split>/<feature>`` arrays in the order in which rows come, and prints what the builder says.
`as_data_source` works with TensorFlow out of reach. With NAME, FOLDER is a data_dir, and the public
functions that take a name are used: ``tfds.load``, ``tfds.data_source``.
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
    random_access = way == "as_data_source"
    if random_access:
        sys.meta_path = [WithoutTensorFlow if finder is PathFinder else finder for finder in sys.meta_path]
    import numpy as np
    import tensorflow_datasets as tfds

    builder = tfds.builder(name, data_dir=folder) if name else tfds.builder_from_directory(folder)
    info = builder.info
    arrays = {}
    for split in info.splits:
        if name:
            form = tfds.data_source if random_access else tfds.load
            opened = form(name, data_dir=folder, split=split, download=False)
        else:
            opened = builder.as_data_source(split=split) if random_access else builder.as_dataset(split=split)
        rows = list(opened) if random_access else list(tfds.as_numpy(opened))
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
