"""Schemas of tables, in the words of pandera, which judges every table that does not plainly keep its schema.

A module names its schemas as it would with ``import pandera.pandas as pa``. To import that takes a third of a second,
longer than many a step works: most tables are seen to be right without it.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa


@dataclass(frozen=True)
class Check:
    """A check of values: the name of one of pandera's, and its arguments."""

    name: str
    arguments: tuple[object, ...]

    @classmethod
    def between(cls, low: float, high: float) -> "Check":
        """Values in a closed interval."""
        return cls("between", (low, high))

    @classmethod
    def ge(cls, least: float) -> "Check":
        """Values of at least `least`."""
        return cls("ge", (least,))

    @classmethod
    def gt(cls, bound: float) -> "Check":
        """Values above `bound`."""
        return cls("gt", (bound,))

    @classmethod
    def ne(cls, value: object) -> "Check":
        """Values other than `value`."""
        return cls("ne", (value,))

    @classmethod
    def isin(cls, values: Iterable[object]) -> "Check":
        """Values of a list."""
        return cls("isin", (tuple(values),))

    @classmethod
    def str_matches(cls, pattern: str) -> "Check":
        """Texts that begin with a regular expression."""
        return cls("str_matches", (pattern,))

    def is_kept(self, values: "pd.Series") -> bool:
        """Whether all values, none of which is missing, pass."""
        return bool(_PASSING[self.name](values, *self.arguments).all())


_PASSING: Mapping[str, Callable[..., "pd.Series"]] = {
    "between": lambda values, low, high: (values >= low) & (values <= high),
    "ge": lambda values, least: values >= least,
    "gt": lambda values, bound: values > bound,
    "ne": lambda values, other: values != other,
    "isin": lambda values, allowed: values.isin(list(allowed)),
    "str_matches": lambda values, pattern: values.str.match(pattern),
}
"""Which values pass each check."""


@dataclass(frozen=True)
class Column:
    """A column: dtype, checks of its values, whether they may be missing and must differ; with `regex`, each column
    whose name matches."""

    dtype: str
    check: Check | None = None
    nullable: bool = False
    unique: bool = False
    regex: bool = False
    required: bool = True

    def is_kept(self, values: "pd.Series") -> bool:
        """Whether a column of a table plainly is as it should be."""
        missing = values.isna()
        return (
            str(values.dtype) == self.dtype
            and (self.nullable or not missing.any())
            and not (self.unique and values.duplicated().any())
            and (self.check is None or self.check.is_kept(values[~missing]))
        )

    def _made(self) -> "pa.Column":
        import pandera.pandas as pa

        check = None if self.check is None else getattr(pa.Check, self.check.name)(*self.check.arguments)
        return pa.Column(
            self.dtype, check, nullable=self.nullable, unique=self.unique, regex=self.regex, required=self.required
        )


class DataFrameSchema:
    """The schema of a table.

    Parameters
    ----------
    columns : mapping
        Columns by their name.
    strict, ordered : bool
        Whether there may be no other columns, and they stand in this order.
    unique : sequence of str, optional
        Columns whose values together identify a row.
    coerce : bool
        Whether values are brought to the dtypes first.
    """

    def __init__(
        self,
        columns: Mapping[str, Column],
        strict: bool = False,
        ordered: bool = False,
        unique: list[str] | None = None,
        coerce: bool = False,
    ) -> None:
        self.columns = dict(columns)
        self._options: dict[str, Any] = {"strict": strict, "ordered": ordered, "unique": unique, "coerce": coerce}

    def add_columns(self, more: Mapping[str, Column]) -> "DataFrameSchema":
        """The schema with further columns."""
        return DataFrameSchema({**self.columns, **more}, **self._options)

    @cached_property
    def _made(self) -> "pa.DataFrameSchema":
        import pandera.pandas as pa

        return pa.DataFrameSchema({name: column._made() for name, column in self.columns.items()}, **self._options)

    def validate(self, table: "pd.DataFrame") -> "pd.DataFrame":
        """Check a table, and return it.

        Raises
        ------
        pandera.errors.SchemaError
            If it breaks the schema.
        """
        return table if self._is_kept_by(table) else self._made.validate(table)

    def _is_kept_by(self, table: "pd.DataFrame") -> bool:
        """Whether a table plainly keeps the schema; where it may or may not, it is pandera that knows."""
        found = {str(name): self._of(str(name)) for name in table}
        known = [name for name, said in found.items() if said]
        required = [name for name, column in self.columns.items() if column.required]
        unique = self._options["unique"] or []
        return (
            len(found) == table.shape[1]
            and (len(known) == len(found) or not self._options["strict"])
            and (known == list(self.columns) or not self._options["ordered"])
            and {*required, *unique} <= set(known)
            and all(column.is_kept(table[name]) for name, said in found.items() for column in said)
            and not (unique and table.duplicated(unique).any())
        )

    def _of(self, name: str) -> list[Column]:
        """What the schema says of a column of some name."""
        entries = self.columns.items()
        return [column for own, column in entries if (re.match(own, name) if column.regex else own == name)]
