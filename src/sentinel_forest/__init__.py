"""Verified data, leak-free splits and random-forest baselines for So2Sat LCZ42, SEN12MS and CloudSEN12.

=======================  =============================================================================
`open_trial`             the patches of one role of a trial of a finished version, as arrays
`GroupStratifiedSplit`   a splitter for scikit-learn: groups stay whole, classes are shared out evenly
`leakage`                what the roles of any split share
`scores`                 metrics of a confusion matrix, with their definitions
=======================  =============================================================================

Each of them is loaded when it is first asked for, so that importing the package takes no time.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sentinel_forest.evaluation.scores import scores
    from sentinel_forest.export.loaders import open_trial
    from sentinel_forest.splits.group_stratified import GroupStratifiedSplit
    from sentinel_forest.splits.leakage import leakage

__all__ = ["GroupStratifiedSplit", "__version__", "leakage", "open_trial", "scores"]

_HOMES = {
    "GroupStratifiedSplit": "splits.group_stratified",
    "leakage": "splits.leakage",
    "open_trial": "export.loaders",
    "scores": "evaluation.scores",
}
"""The modules of the public functions and classes."""

__version__: str


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value: Any = _installed()
    elif name in _HOMES:
        value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _installed() -> str:
    """The version that is installed; a folder of source alone has none."""
    from importlib import metadata

    try:
        return metadata.version("sentinel-forest")
    except metadata.PackageNotFoundError:
        return "unknown"
