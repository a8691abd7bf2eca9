"""The files of So2Sat LCZ42: their names, shapes and sizes."""

import re
from collections.abc import Iterable
from pathlib import Path

from sentinel_forest.datasets.base import SPLITS
from sentinel_forest.datasets.findings import Finding
from sentinel_forest.datasets.unused import PICKLES, first_misplaced, unused_findings
from sentinel_forest.errors import InputError

SIDE = 32
"""Rows and columns of a patch; a pixel is 10 m wide."""

SHAPES = {"label": (17,), "sen1": (SIDE, SIDE, 8), "sen2": (SIDE, SIDE, 10)}

ROW_BYTES = 147_592
"""Bytes of one patch: (32 x 32 x 18 + 17) x 8."""

DTYPES = ("float64", "float32")
"""Kinds of numbers that a layout can declare; the first is the published one."""

OVERHEAD_BYTES = 2_048
"""Bytes of HDF5 around the data of a published file."""

PATTERN = re.compile(r"(?:[^/]+/)?(training|validation|testing)(_geo)?\.h5(\.gz)?")
_NEARLY = re.compile(r"(train|val|test)(?:ing|idation)?(_geo)?\.(?:h5|hdf5)(?:\.gz)?")
PUBLISHED = {"training": "train", "validation": "validation", "testing": "test"}


def image_paths(files: Iterable[str]) -> list[str]:
    """Unpacked image files in the order train, validation, test."""
    found = set()
    for path in files:
        match = PATTERN.fullmatch(path)
        if match and not match[2]:
            found.add(path.removesuffix(".gz"))
    return sorted(found, key=lambda path: (SPLITS.index(PUBLISHED[Path(path).stem]), path))


def patch_files(files: Iterable[str]) -> list[str]:
    """Image files; where there is none at all, those that the geo files belong to."""
    files = list(files)
    return image_paths(files) or image_paths(path.replace("_geo.h5", ".h5") for path in files)


def geo_path(image: str) -> str:
    """The geo file of an image file."""
    return image.removesuffix(".h5") + "_geo.h5"


def list_files(folder: Path) -> list[str]:
    """Paths of image and geo files, at most one folder down; a packed file only if it is not unpacked.

    Raises
    ------
    InputError
        If there is no image file, or more than one for a split.
    """
    paths = {path.relative_to(folder).as_posix() for glob in ("*", "*/*") for path in folder.glob(glob)}
    # What is no file is listed as well: it stands for one that is missing.
    found = sorted(path for path in paths if PATTERN.fullmatch(path))
    found = [path for path in found if not (path.endswith(".gz") and path[:-3] in found)]
    images = patch_files(found)
    if not images:
        of_tfds = (folder / "dataset_info.json").is_file()
        raise InputError(
            "No file of So2Sat LCZ42 here.",
            where=folder,
            found="a folder of tensorflow_datasets" if of_tfds else first_misplaced(folder, _home),
            expected="training.h5, validation.h5 or testing.h5 (or .h5.gz), here or one folder down; "
            "training_geo.h5, ... are enough for splits",
            remedy="make HDF5 files of it: sentinel-forest tfds-import (docs/tfds.md)"
            if of_tfds
            else "give the folder that holds them",
        )
    if len({Path(path).stem for path in images}) < len(images):
        raise InputError(
            "A folder holds more than one version of So2Sat LCZ42.",
            where=folder,
            found=", ".join(images),
            expected="one file for each split",
            remedy="give the folder of one version",
        )
    return found


def read_dtype(given: object) -> str:
    """The kind of numbers that a layout declares.

    Raises
    ------
    InputError
        If it cannot be.
    """
    if given not in DTYPES:
        raise InputError(
            "A layout has an impossible dtype.", where="layout, key 'dtype'", found=given, expected=" or ".join(DTYPES)
        )
    return str(given)


def unused(folder: Path) -> list[Finding]:
    """Files of a folder that are not read, see `unused_findings`."""
    return unused_findings(folder, list_files, _suggest, _home)


def _home(path: str) -> str:
    """Where a file would be read that has nearly the name of one; see `unused.Home`."""
    match = _NEARLY.fullmatch(path.rsplit("/", 1)[-1].lower())
    return f"{next(stem for stem in PUBLISHED if stem.startswith(match[1]))}{match[2] or ''}.h5" if match else ""


def _suggest(path: str) -> str:
    """How a file would be read, as far as its name tells what it is meant to be."""
    name = path.rsplit("/", 1)[-1].lower()
    if path.lower().endswith(".h5.gz") and PATTERN.fullmatch(path):
        return ""  # the packed form of a file that is there
    if name.endswith((".h5", ".hdf5", ".h5.gz", ".mat")):
        return "images are read as training.h5, validation.h5, testing.h5, here or one folder down; places as *_geo.h5"
    if name.endswith(PICKLES):
        return "nothing is unpickled or unpacked from such files: give the HDF5 files"
    return (
        "places are read from training_geo.h5 and the like" if name.endswith((".csv", ".parquet", ".tfrecord")) else ""
    )
