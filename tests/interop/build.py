"""Builds so2sat with the builder that tensorflow_datasets ships, from HDF5 files on this disk.

    build.py  HDF5_FOLDER  DATA_DIR  CONFIG  FORMAT

Runs in the environment of requirements.lock. The builder's own code reads the files; only the
download is left out.
"""

import sys
from types import SimpleNamespace


def main(source: str, data_dir: str, config: str, file_format: str) -> None:
    """Write ``DATA_DIR/so2sat/CONFIG/2.1.0``."""
    import tensorflow_datasets as tfds

    builder = tfds.builder(f"so2sat/{config}", data_dir=data_dir, file_format=file_format)
    files = {"train": f"{source}/training.h5", "val": f"{source}/validation.h5"}
    here = SimpleNamespace(download=lambda addresses: {name: files[name] for name in addresses})
    published = builder._split_generators
    builder._split_generators = lambda dl_manager: published(here)
    builder.download_and_prepare(file_format=file_format)


if __name__ == "__main__":
    main(*sys.argv[1:])
