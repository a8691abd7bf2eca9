"""Schemas of tables, in the words of pandera, which is imported when the first table is checked.

A module names its schemas as it would with ``import pandera.pandas as pa``; a step that writes no table, and the
planning of a run, need not wait for it.
"""

from collections.abc import Iterable, Mapping
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

    @classmethod
    def str_length(cls, characters: int) -> "Check":
        """Texts of so many characters."""
        return cls("str_length", (characters,))


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
        return self._made.validate(table)
