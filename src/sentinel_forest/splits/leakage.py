"""What the roles of any table of patches share."""

from collections.abc import Sequence
from itertools import combinations

import pandas as pd

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
        A row for each patch.
    role : str, default="role"
        The column with the role (or fold) of each patch. Patches that are ``unused``, or have no role, take no part.
    keys : sequence of str
        Columns by which patches may be linked. Values are compared as names of places are written: case, zeros in
        front of a number and blanks around make no difference. A value is unknown where it is missing, blank, or a
        word for nothing (``NA``, ``nan``, ``None``, ``unknown``, ...).
    roles : sequence, default=("train", "validation", "test")
        Names of the roles (or numbers of folds), training first. A role is compared with those before it.

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
        If there is no such column, a role is not among `roles`, or fewer than two roles have patches.

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
    roles = list(map(str, roles))
    actions = dict.fromkeys(keys, "mark")
    links = [linking.by_value(key, table[key]) for key in keys]
    pairs = [(later, earlier) for earlier, later in combinations(roles, 2)]
    pairs.sort(key=lambda pair: (roles.index(pair[0]), roles.index(pair[1])))
    named = table[role].map(str, na_action="ignore").astype("object").to_numpy()
    rows = [("", 1, *row) for row in ledger.count(named, links, actions, pairs)]
    return ledger.as_table(rows)


def _check(table: pd.DataFrame, role: str, keys: Sequence[str], roles: Sequence[str]) -> None:
    """Raise for arguments that do not suit the table."""
    for name, value in (("keys", keys), ("roles", roles)):
        if isinstance(value, str) or len(set(value)) != len(list(value)) or not len(value):
            raise ArgumentError("Not a list of names.", where=name, found=value, expected="a list of different names")
    for column in (role, *keys):
        if column not in table:
            raise ArgumentError(
                "The table has no such column.",
                where="role" if column == role else "keys",
                found=column,
                expected=" | ".join(map(str, table.columns)),
            )
    found = [str(name) for name in table[role].dropna().unique() if name not in ("", UNUSED)]
    names = list(map(str, roles))
    strange = sorted(set(found) - set(names))
    if strange:
        raise ArgumentError(
            "The table has roles that are not to be compared.",
            where=f"column {role}",
            found=", ".join(strange[:8]),
            expected=" | ".join(names),
            remedy="name all roles, training first: roles=[...]",
        )
    if len(found) < 2:
        raise ArgumentError(
            "There are no two roles to compare.",
            where=f"column {role}",
            found=", ".join(found) or "none",
            expected=" | ".join(names),
        )
