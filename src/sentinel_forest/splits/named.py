"""The catalog of a release as far as names alone tell: patches, their keys and groups; nothing of pixels and ground."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sentinel_forest import datasets
from sentinel_forest.datasets.base import Dataset
from sentinel_forest.errors import InputError
from sentinel_forest.splits.lists import SplitList
from sentinel_forest.verify.groups import groups


def catalog_of_names(dataset: Dataset, patches: Mapping[str, str]) -> pd.DataFrame:
    """The catalog as far as ids tell: patches (each with a class, or ""), their keys and groups; nothing of pixels."""
    blank = dict.fromkeys(dataset.group_keys, "")
    keys = pd.DataFrame([blank | dataset.named_keys(patch) for patch in patches], columns=list(blank))
    unknown = dict.fromkeys(("x", "y", "lon", "lat", "side_m"), np.nan)
    texts = {"file": "", "published_split": "", "content_hash": ""}
    table = pd.DataFrame({"patch": list(patches), "class": list(patches.values()), **texts, **unknown}).join(keys)
    table = table.assign(epsg=pd.Series(pd.NA, index=table.index, dtype="Int32"), label=-1)
    table = table.sort_values("patch", ignore_index=True).astype(dict.fromkeys(("patch", *keys, *texts), "str"))
    return table.assign(group=groups(dataset, table))


def _is_known(dataset: str, name: str) -> bool:
    """Whether a dataset knows the patch that a name stands for."""
    named = datasets.load(dataset).listed_name(name)
    return named is not None and named[0] == "patch"


def named_catalog(dataset: Dataset, lists: Sequence[SplitList]) -> pd.DataFrame:
    """The catalog as far as names in lists tell: patches, their keys, and groups; nothing is known of pixels.

    Raises
    ------
    InputError
        If no list names a patch.
    """
    patches: dict[str, str] = {}
    for one in lists:
        for name, label in zip(one.names, one.classes or ("",) * len(one.names), strict=True):
            named = dataset.listed_name(name)
            if named and named[0] == "patch":
                patches[named[1]] = patches.get(named[1]) or label
    if not patches:
        first = next((one.names[0] for one in lists if one.names), "no entry")
        others = [name for name in datasets.names() if name != dataset.name and _is_known(name, first)]
        if others:
            raise InputError(
                "The lists are of another dataset.",
                found=first[:80],
                expected=f"patches of {dataset.name}",
                remedy=f"give a release of {others[0]}: --release RELEASE",
            )
        raise InputError(
            "The lists alone do not tell which patches there are.",
            found=first[:80],
            remedy="give the catalog of the release: --catalog work/RELEASE/catalog.parquet, or --metadata FOLDER",
        )
    return catalog_of_names(dataset, patches)
