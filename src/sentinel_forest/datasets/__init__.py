"""The datasets, one module each: the only code that knows a file format."""

import importlib
import pkgutil
from collections.abc import Mapping

from sentinel_forest.datasets.base import MARKING_KEYS, Dataset
from sentinel_forest.errors import InputError


def names() -> list[str]:
    """Names of the datasets: the modules of this folder but `base`."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != "base")


def load(name: str, layout: Mapping[str, object] | None = None) -> Dataset:
    """Open the module of a dataset and set it up for a layout.

    The import is made by name, so that the digest of a step's code follows one dataset only.

    Parameters
    ----------
    name : str
        One of `names()`.
    layout : dict
        Deviations from the published layout, e.g. ``{"side": 128}`` for the samples.

    Raises
    ------
    InputError
        If there is no such dataset, it does not know a key of the layout, or lacks a marking key.
    """
    if name not in names():
        raise InputError("Unknown dataset.", found=name, expected=" | ".join(names()))
    module = importlib.import_module(f".{name}", __package__)
    try:
        dataset: Dataset = module.DATASET(**(layout or {}))
    except TypeError as error:
        raise InputError("Unknown key in a layout.", where=f"dataset {name}", found=layout) from error
    declared = tuple(getattr(dataset, "marking_keys", ()))
    if missing := sorted(set(MARKING_KEYS) - set(declared)):
        raise InputError(
            "A dataset does not say where a marking key is to be seen.",
            where=f"{name}, marking_keys",
            found=", ".join(declared) or "none",
            expected=", ".join(MARKING_KEYS),
            remedy=f"add {', '.join(missing)}: Columns, Implied or NotPublished (datasets/base.py)",
        )
    return dataset
