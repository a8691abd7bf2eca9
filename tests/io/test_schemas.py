"""Tables that are seen to keep their schema without pandera: it would have said the same."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.errors
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel_forest.io import schemas as pa

CHECKS = st.sampled_from(
    [
        ("int64", pa.Check.ge(1)),
        ("int64", pa.Check.gt(1)),
        ("int64", pa.Check.ne(2)),
        ("float64", pa.Check.between(0, 1)),
        ("float64", None),
        ("float32", pa.Check.ge(0)),
        ("Int32", None),
        ("bool", None),
        ("str", pa.Check.isin(["a", "b", ""])),
        ("str", pa.Check.str_matches(r"^(a|b+)$")),
        ("str", pa.Check.ne("")),
    ]
)
FLAGS = st.booleans()
COLUMNS = st.builds(
    lambda about, nullable, unique, required: pa.Column(
        about[0], about[1], nullable=nullable, unique=unique, required=required
    ),
    CHECKS, FLAGS, FLAGS, FLAGS,
)  # fmt: skip
SCHEMAS = st.builds(
    lambda columns, more, strict, ordered, unique, coerce: pa.DataFrameSchema(
        {**columns, **more},
        strict=strict,
        ordered=ordered and not more,
        unique=["x", "y"] if unique else None,
        coerce=coerce,
    ),
    st.fixed_dictionaries({"x": COLUMNS, "y": COLUMNS}),
    st.sampled_from([{}, {"z.*": pa.Column("float64", pa.Check.ge(0), regex=True, required=False)}]),
    FLAGS, FLAGS, FLAGS, FLAGS,
)  # fmt: skip
VALUES = {
    "int64": st.integers(0, 3),
    "float64": st.sampled_from([0.0, 0.5, 1.0, 1.5, np.nan, -np.inf]),
    "float32": st.sampled_from([0.0, 1.0, np.nan]),
    "Int32": st.sampled_from([1, 2, None]),
    "bool": FLAGS,
    "str": st.sampled_from(["a", "b", "bb", "", None]),
    "object": st.sampled_from(["a", None]),
    "category": st.sampled_from(["a", "b"]),
}


@st.composite
def tables(draw):
    """Tables of zero to three rows, whose columns may be missing, others, or of another dtype."""
    names = draw(st.permutations(["x", "y", *draw(st.sampled_from([[], ["z1"], ["w"]]))]))
    rows = draw(st.integers(0, 3))
    kinds = {name: draw(st.sampled_from(list(VALUES))) for name in names[draw(st.integers(0, 1)) :]}
    return pd.DataFrame(
        {
            name: pd.Series(draw(st.lists(VALUES[kind], min_size=rows, max_size=rows)), dtype=kind)
            for name, kind in kinds.items()
        }
    )


def matching(schema: pa.DataFrameSchema, data: st.DataObject) -> pd.DataFrame:
    """A table with the columns and dtypes of a schema, whose values may break it."""
    rows = data.draw(st.integers(0, 3))
    named = {name.replace(".*", "1"): column.dtype for name, column in schema.columns.items()}
    return pd.DataFrame(
        {
            name: pd.Series(data.draw(st.lists(VALUES[kind], min_size=rows, max_size=rows)), dtype=kind)
            for name, kind in named.items()
        }
    )


def is_valid(schema: pa.DataFrameSchema, table: pd.DataFrame) -> bool:
    """What pandera alone says."""
    try:
        schema._made.validate(table)
    except (pandera.errors.SchemaError, pandera.errors.SchemaErrors):
        return False
    return True


@given(SCHEMAS, tables())
def test_what_plainly_keeps_a_schema_does_so_for_pandera(schema, table):
    assert not schema._is_kept_by(table) or is_valid(schema, table)


@given(SCHEMAS, st.data())
def test_of_tables_with_its_columns_and_dtypes_nothing_is_left_open(schema, data):
    table = matching(schema, data)
    assert is_valid(schema, table) == schema._is_kept_by(table)


def test_columns_of_one_name_are_left_to_pandera():
    table = pd.DataFrame([[1, 2]], columns=["x", "x"])
    assert not pa.DataFrameSchema({"x": pa.Column("int64")})._is_kept_by(table)


def test_a_table_that_breaks_its_schema_is_refused_in_the_words_of_pandera():
    schema = pa.DataFrameSchema({"x": pa.Column("int64", pa.Check.ge(3))})
    with pytest.raises(pandera.errors.SchemaError, match=r"greater_than_or_equal_to\(3\)"):
        schema.validate(pd.DataFrame({"x": [3, 2]}))


def test_a_table_that_keeps_its_schema_needs_no_pandera(tmp_path: Path):
    code = (
        "import sys\nimport pandas as pd\nfrom pathlib import Path\n"
        "from sentinel_forest.splits.ledger import LEDGER\nfrom sentinel_forest.io.tables import conform, write_tsv\n"
        f"write_tsv(Path({str(tmp_path / 't.tsv')!r}), conform(pd.DataFrame(columns=list(LEDGER.columns)), LEDGER), "
        "LEDGER)\nassert 'pandera' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
