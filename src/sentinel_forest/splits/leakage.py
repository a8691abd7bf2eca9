"""What the roles of any table of patches share."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_hashable, is_list_like

from sentinel_forest.errors import ArgumentError
from sentinel_forest.splits import ledger, linking

ROLES = ("train", "validation", "test")
UNUSED = "unused"


def leakage(
    table: pd.DataFrame, *, role: str = "role", keys: Sequence[str], roles: Sequence[str] = ROLES
) -> pd.DataFrame:
    """Count what training, validation and test patches share.

    Two roles are linked by a key if patches of both have the same value of it: the same city, scene, product,
    or hash of their pixels. A score on linked patches may be too good. Where nothing is found but values are
    missing, the answer is ``unknown``: a patch of an unknown city may be of any.

    Parameters
    ----------
    table : DataFrame
        A row for each patch. Columns that take part hold single values, not lists.
    role : str, default="role"
        The column with the role (or fold) of each patch. Patches that are ``unused``, or have no role, take no part.
    keys : sequence of str
        Columns by which patches may be linked. Values are compared as names of places are written: case, blanks,
        ``_``, ``-`` and zeros in front of a number make no difference. A value is unknown where it is missing, blank,
        or a word for nothing (``NA``, ``nan``, ``None``, ``unknown``, ...).
    roles : sequence, default=("train", "validation", "test")
        Names of the roles (or numbers of folds), training first. A role is compared with those before it.
        ``1.0`` is fold 1: beside missing values pandas turns whole numbers into floats.

    Returns
    -------
    DataFrame
        A row for each pair of roles and key, with the columns and statuses of the leakage ledger of a version:
        `linked` of `total` patches of `role_a` share their value with a patch of `role_b`, `fraction` says how
        many of them, and `shared_values` is the number of such values. `status` is ``marked`` (linked), ``marked, some
        unknown`` (linked, and there may be more, as values are missing), ``clean`` (not linked), ``unknown`` (no link
        is seen, but values are missing) or ``not looked at`` (a role is empty).
        `scheme` is blank and `trial` is 1.

    Raises
    ------
    ValueError
        If there is no such column, or there are several, or one holds lists; if a role is not among `roles`, or fewer
        than two roles have patches.

    Examples
    --------
    >>> import pandas as pd
    >>> from sentinel_forest import leakage
    >>> patches = pd.DataFrame({
    ...     "role": ["train", "train", "train", "test", "test"],
    ...     "city": ["Berlin", "Berlin", "Cairo", "Cairo", "Lagos"],
    ...     "scene": ["b1", "b2", "c1", "c2", None],
    ... })
    >>> links = leakage(patches, keys=["city", "scene"], roles=["train", "test"])
    >>> links[["key", "role_a", "role_b", "linked", "total", "fraction", "status"]]
         key role_a role_b  linked  total  fraction   status
    0   city   test  train       1      2       0.5   marked
    1  scene   test  train    <NA>      2       NaN  unknown
    """
    _check(table, role, keys, roles)
    roles = list(map(_name, roles))
    actions = dict.fromkeys(keys, "mark")
    links = [linking.by_value(key, table[key]) for key in keys]
    pairs = [(later, earlier) for earlier, later in combinations(roles, 2)]
    pairs.sort(key=lambda pair: (roles.index(pair[0]), roles.index(pair[1])))
    named = table[role].map(_name, na_action="ignore").astype("object").to_numpy()
    rows = [("", 1, *row) for row in ledger.count(named, links, actions, pairs)]
    return ledger.as_table(rows)


def _name(role: object) -> str:
    """The name of a role: numbers of folds are the same as whole numbers and as floats."""
    is_whole = isinstance(role, float | np.floating) and role.is_integer()
    return str(int(role)) if is_whole else str(role)  # type: ignore[call-overload]


def _check(table: pd.DataFrame, role: str, keys: Sequence[str], roles: Sequence[str]) -> None:
    """Raise for arguments that do not suit the table."""
    if not isinstance(table, pd.DataFrame):
        raise ArgumentError(
            "This is no table.",
            where="table",
            found=type(table).__name__,
            expected="a pandas DataFrame, a row for each patch",
            remedy="pandas.DataFrame(table)",
        )
    for name, values in (("keys", keys), ("roles", roles)):
        if not _are_different_names(values):
            raise ArgumentError(
                "Not a list of names.", where=name, found=str(values)[:80], expected="a list of different names"
            )
    _check_column(table, role, "role")
    for key in keys:
        _check_column(table, key, "keys")
    _check_roles(table[role], role, list(map(_name, roles)))


def _are_different_names(values: Any) -> bool:
    """Whether values are a list of at least one name, each of them once."""
    if not is_list_like(values) or not hasattr(values, "__len__") or not all(map(is_hashable, values)):
        return False
    return 0 < len(values) == len(set(map(_name, values)))


def _check_column(table: pd.DataFrame, column: object, where: str) -> None:
    """Raise if a table has not exactly one column of a name, with single values."""
    if not is_hashable(column) or column not in table:
        raise ArgumentError(
            "The table has no such column.",
            where=where,
            found=str(column)[:80],
            expected=" | ".join(map(str, table.columns)),
        )
    values = table[column]
    if not isinstance(values, pd.Series):
        raise ArgumentError(
            "The table has several columns of this name.",
            where=where,
            found=f"{values.shape[1]} columns {column}",
            expected="one",
            remedy="rename or drop the others: table.loc[:, ~table.columns.duplicated()]",
        )
    listed = [] if values.dtype != object else [value for value in values if not is_hashable(value)]
    if listed:
        raise ArgumentError(
            "A column holds values that cannot be compared.",
            where=f"column {column}",
            found=str(listed[0])[:80],
            expected="a text or a number for each patch",
            remedy="write each list as one text, or compare a column that has one value for each patch",
        )


def _check_roles(values: pd.Series, column: str, names: Sequence[str]) -> None:
    """Raise if a column has other roles than those to be compared, or fewer than two."""
    found = [_name(role) for role in values.dropna().unique() if role not in ("", UNUSED)]
    strange = sorted(set(found) - set(names))
    if strange:
        raise ArgumentError(
            "The table has roles that are not to be compared.",
            where=f"column {column}",
            found=", ".join(strange[:8]),
            expected=" | ".join(names),
            remedy="name all roles, training first: roles=[...]",
        )
    if len(set(found)) < 2:
        raise ArgumentError(
            "There are no two roles to compare.",
            where=f"column {column}",
            found=", ".join(found) or "none",
            expected=" | ".join(names),
        )
