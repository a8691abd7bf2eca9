"""Reference algorithms against their authors' values of each patch, and on the pixels of the paper."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from project import FACTS, NO_FACTS
from sentinel_forest import datasets
from sentinel_forest.config.papers import Paper
from sentinel_forest.config.validation import parse, read_yaml
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation import by_patch, papers_pixels, reference
from sentinel_forest.evaluation.confusion import WHOLE
from sentinel_forest.evaluation.score import METRICS
from sentinel_forest.io import tables
from sentinel_forest.registry import PAPERS
from sentinel_forest.splits.split import SPLIT

CONTENT = parse(Paper.model_validate, read_yaml(PAPERS / "cloudsen12.yaml"), "cloudsen12")
(FORM,) = CONTENT.patch_values
DATASET = datasets.load("cloudsen12")
CLEAR, THICK, SHADOW = "clear", "thick cloud", "cloud shadow"


def counted(*rows: tuple[str, str, str, int]) -> pd.DataFrame:
    """Counts of Fmask: patch, true, predicted, count."""
    table = pd.DataFrame(rows, columns=["patch", "true", "predicted", "count"])
    table = table.assign(classifier="fmask", **WHOLE)
    return tables.conform(table[list(reference.REFERENCES.columns)], reference.REFERENCES)


A = [("a", THICK, "cloud", 6), ("a", THICK, "land", 2), ("a", CLEAR, "cloud", 4), ("a", CLEAR, "water", 12)]
"""Cloud: PA 6 / 8, UA 6 / 10, BOA (6 / 8 + 12 / 16) / 2."""
B = [("b", CLEAR, "land", 5), ("b", SHADOW, "cloud shadow", 5)]
"""No cloud, and none found: all undefined."""
C = [("c", THICK, "cloud", 2), ("c", THICK, "land", 1), ("c", CLEAR, "land", 1)]
"""Not in the authors' table; PA 2 / 3, UA 1, BOA (2 / 3 + 1) / 2."""


def authors(folder: Path, **values: float) -> Path:
    """The authors' table of both patches, all equal to ours but for `values` of patch a."""
    names = [FORM.column_of(*each) for each in FORM.figures()]
    table = pd.DataFrame(np.nan, index=[0, 1], columns=names)
    table.insert(0, "S2_ID", ["S2_A", "S2_B"])
    table.insert(0, "ROI_ID", ["ROI_1", "ROI_2"])
    ours = {"fmask_exp01_RECALL": 0.75, "fmask_exp01_PRECISION": 0.6, "fmask_exp01_BOA": 0.75}
    for name, value in (ours | values).items():
        table.loc[0, name] = value
    table.to_csv(folder / "authors.csv", index=False, na_rep="NA")
    return folder / "authors.csv"


def run(folder: Path, values: Path) -> pd.DataFrame:
    """Rows of the step, question cloud."""
    catalog = pd.DataFrame({"patch": ["a", "b", "c"], "roi": ["ROI_1", "ROI_2", "ROI_3"]})
    catalog.assign(product=["S2_A", "S2_B", "S2_C"]).to_parquet(folder / "catalog.parquet")
    tables.write_parquet(folder / "1.parquet", counted(*A, *B, *C), reference.REFERENCES)
    tables.write_parquet(folder / "1.unmeasured.parquet", counted().iloc[:0], reference.REFERENCES)
    by_patch.by_patch(
        dataset="cloudsen12", catalog=folder / "catalog.parquet", counts=[folder / "1.parquet"],
        unmeasured=[folder / "1.unmeasured.parquet"], values=values, output=folder / "out.tsv",
    )  # fmt: skip
    table = tables.read_tsv(folder / "out.tsv", by_patch.BY_PATCH)
    return table[table["class"] == "cloud"].set_index("metric")


def test_equal_values_are_equal_in_all_patches(tmp_path):
    table = run(tmp_path, authors(tmp_path))
    told = "equal to the decimals of their table (2) in 2 of 2 patches; 1 of 3 patches not in their table"
    assert table["verdict"].tolist() == [told] * 3
    assert table["fraction_equal"].tolist() == [1.0] * 3
    assert table["one_undefined"].tolist() == [0] * 3


def test_a_difference_says_how_large_and_where(tmp_path):
    table = run(tmp_path, authors(tmp_path, fmask_exp01_BOA=0.71, fmask_exp01_RECALL=np.nan))
    told = "equal to the decimals of their table (2) in 1 of 2 patches; largest difference +0.04 in a; "
    assert table.loc["boa", "verdict"] == told + "1 of 3 patches not in their table"
    assert table.loc["boa", "largest"] == pytest.approx(0.04)
    assert (table.loc["pa", "equal"], table.loc["pa", "one_undefined"]) == (1, 1)
    assert table.loc["ua", "equal"] == 2


def rewritten(folder: Path, change) -> Path:
    """The authors' table with a row of patch c, 2 / 3 in full, after a change of its texts."""
    table = pd.read_csv(authors(folder), dtype="str", keep_default_na=False)
    other = dict.fromkeys(table.columns, "NA") | {"ROI_ID": "ROI_3", "S2_ID": "S2_C"}
    other |= {"fmask_exp01_RECALL": repr(2 / 3), "fmask_exp01_PRECISION": "1", "fmask_exp01_BOA": repr(5 / 6)}
    change(pd.concat([table, pd.DataFrame([other])], ignore_index=True)).to_csv(folder / "other.csv", index=False)
    return folder / "other.csv"


def test_values_in_full_are_equal_in_any_order_of_rows(tmp_path):
    for change in (lambda table: table, lambda table: table[::-1].iloc[:, ::-1]):
        assert run(tmp_path, rewritten(tmp_path, change))["verdict"].tolist() == ["equal in 3 of 3 patches"] * 3


@pytest.mark.parametrize("decimals", [2, 4, 8])
def test_rounded_values_are_equal_to_their_decimals(tmp_path, decimals):
    """Rounding is no difference; one unit of the last decimal is."""

    def rounded(table, more=0.0):
        numbers = table.apply(pd.to_numeric, errors="coerce").map(
            lambda value: f"{round(value, decimals) + more:.{decimals}f}"
        )
        return table.where(table.apply(pd.to_numeric, errors="coerce").isna(), numbers)

    told = f"equal to the decimals of their table ({decimals}) in"
    assert run(tmp_path, rewritten(tmp_path, rounded)).loc["pa", "verdict"] == f"{told} 3 of 3 patches"
    other = run(tmp_path, rewritten(tmp_path, lambda table: rounded(table, -(10.0**-decimals)))).loc["pa", "verdict"]
    assert other.startswith(f"{told} 1 of 3 patches; largest difference +")


def test_a_value_that_is_none_is_named(tmp_path):
    other = tmp_path / "other.csv"
    pd.read_csv(authors(tmp_path), dtype="str").fillna("NA").replace("0.6", "0,6").to_csv(other, index=False)
    with pytest.raises(InputError, match="no fraction"):
        run(tmp_path, other)


def test_another_table_is_refused_by_name(tmp_path):
    other = tmp_path / "other.csv"
    pd.read_csv(authors(tmp_path)).drop(columns="fmask_exp01_BOA").to_csv(other, index=False)
    with pytest.raises(InputError, match="lacks columns"):
        run(tmp_path, other)
    pd.read_csv(authors(tmp_path)).assign(S2_ID="elsewhere").to_csv(other, index=False)
    with pytest.raises(InputError, match="no patch of this release"):
        run(tmp_path, other)


def test_unmeasured_pixels_count_as_in_the_paper(tmp_path):
    """Patch a with 24 more clear pixels that Fmask calls land: UA stays, BOA rises to (6 / 8 + 36 / 40) / 2."""
    tables.write_parquet(tmp_path / "1.parquet", counted(*A), reference.REFERENCES)
    tables.write_parquet(tmp_path / "1.unmeasured.parquet", counted(("a", CLEAR, "land", 24)), reference.REFERENCES)
    pd.DataFrame({"patch": ["a"], "group": ["g"]}).to_parquet(tmp_path / "catalog.parquet")
    split = pd.DataFrame({"patch": ["a"], "role": ["test"], "weight": [1.0]})
    tables.write_parquet(tmp_path / "split.parquet", split, SPLIT)
    papers_pixels.papers_pixels(
        release="r", scheme="published", trial=1, dataset="cloudsen12", catalog=tmp_path / "catalog.parquet",
        split=tmp_path / "split.parquet", counts=[tmp_path / "1.parquet"],
        unmeasured=[tmp_path / "1.unmeasured.parquet"], seed=1, draws=100, output=tmp_path / "out.tsv",
    )  # fmt: skip
    table = tables.read_tsv(tmp_path / "out.tsv", METRICS)
    (row,) = table[(table["metric"] == "boa.median") & (table["class"] == "cloud")].to_dict("records")
    assert row["value"] == pytest.approx((6 / 8 + 36 / 40) / 2)
    assert row["note"].endswith(papers_pixels.NOTE)


def test_the_published_medians_follow_from_the_authors_values():
    """The registry's BOA of each algorithm and question is the median of the authors' values, to two decimals."""
    path = FACTS / "cloudsen12" / "cloudsen12_metrics.csv"
    if not path.is_file():
        pytest.skip(NO_FACTS)
    values = pd.read_csv(path)
    assert not values.duplicated(list(FORM.keys.values())).any()
    checked = 0
    for table in CONTENT.tables:
        for row in table.rows:
            if row.classifier in FORM.classifiers:
                theirs = values[FORM.column_of(row.classifier, table.table, "boa")]
                assert round(theirs.median(), 2) == row.values[0], (table.table, row.model)
                checked += 1
    assert checked == 16
