"""Lines of the publisher's lists of files: what row numbers of SEN12MS count, whose files hold one patch each."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sentinel_forest.datasets.base import SPLITS
from sentinel_forest.datasets.sen12ms.layout import list_paths
from sentinel_forest.datasets.sen12ms.lists import listed_patches


def line_column(role: str) -> str:
    """The column of the catalog with the lines of the list of a role."""
    return f"{role}_line"


def line_columns(folder: Path, files: Sequence[str], patches: pd.Series) -> pd.DataFrame:
    """For each role the line of its list that names a patch, counted from 0; missing where none does.

    Lists of scenes have no line for a patch. Of two lists of one role the first that names files counts.

    Parameters
    ----------
    folder : Path
        Of the release.
    files : sequence of str
        Paths of all files of the release.
    patches : Series
        Ids of patches.

    Returns
    -------
    DataFrame
        Int64 ``train_line``, ``validation_line`` and ``test_line``.
    """
    lines: dict[str, dict[str, int]] = {}
    for path, role in list_paths(files).items():
        if not lines.get(role):
            lines[role] = {patch: line for line, patch in reversed(listed_patches(folder / path))}
    return pd.DataFrame(
        {line_column(role): patches.map(lines.get(role, {})).astype("Int64") for role in SPLITS}, index=patches.index
    )


def published_places(catalog: pd.DataFrame, role: str | None) -> pd.Series | None:
    """The lines of the list of a role; None where no list of files was read for it."""
    column = line_column(role or "")
    return catalog[column] if column in catalog and catalog[column].notna().any() else None
