"""Published metrics of each patch: the paper's table, intervals and tests follow from them, and from no pixel."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from project import FACTS, NO_FACTS, ROOT
from sentinel_forest import cli, datasets
from sentinel_forest.config.papers import Paper
from sentinel_forest.config.validation import parse, read_yaml
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation import patch_metrics
from sentinel_forest.evaluation.paired import PAIRED
from sentinel_forest.evaluation.score import METRICS
from sentinel_forest.io import tables
from sentinel_forest.registry import PAPERS
from sentinel_forest.splits.split import SPLIT
from sentinel_forest.versions import reproduction

needs_facts = pytest.mark.skipif(not FACTS.is_dir(), reason=NO_FACTS)
(FORM,) = parse(Paper.model_validate, read_yaml(PAPERS / "cloudsen12.yaml"), "cloudsen12").patch_values
DATASET = datasets.load("cloudsen12")
COLUMNS = {"medBOA": "boa.median", "meanPA": "pa.mean", "meanUA": "ua.mean"} | {
    f"{kind}_{part}": f"{kind.lower()}.{word}"
    for kind in ("PA", "UA")
    for part, word in (("low", "low"), ("mid", "middle"), ("high", "high"))
}
"""Columns of the recomputed table, and our ids."""


def authors(folder: Path, **changes: object) -> Path:
    """A table of the authors' form: 40 images of 20 ROIs, whose U-Net is better than Fmask everywhere."""
    random = np.random.default_rng(1)
    table = pd.DataFrame({"ROI_ID": [f"ROI_{place // 2:04d}" for place in range(40)]})
    table["S2_ID"] = [f"202001{place // 2 + 1:02d}T0000{place % 2:02d}_x_T{place // 2 + 10}ABC" for place in range(40)]
    table["CCOVER"] = 0.5
    for metric in ("RECALL", "PRECISION", "BOA"):
        table[f"fmask_exp01_{metric}"] = random.uniform(0.5, 0.7, 40)
        table[f"unet_mobilenetv2_exp01_{metric}"] = table[f"fmask_exp01_{metric}"] + random.uniform(0.1, 0.2, 40)
    for name, values in changes.items():
        table[name] = values
    table.to_csv(folder / "authors.csv", index=False, na_rep="NA")
    return folder / "authors.csv"


def run(folder: Path, values: Path, **arguments: object) -> tuple[pd.DataFrame, pd.DataFrame]:
    out = {"metrics": folder / "metrics.tsv", "paired": folder / "paired.tsv"}
    patch_metrics.patch_metrics(
        release="cloudsen12-high", dataset="cloudsen12", values=values, draws=200, **out, **arguments
    )
    return tables.read_tsv(out["metrics"], METRICS), tables.read_tsv(out["paired"], PAIRED)


@needs_facts
def test_the_table_of_the_paper_follows_from_the_authors_values(tmp_path, monkeypatch):
    """Held against a second computation, and against all 198 figures of the registry: a verdict on each."""
    monkeypatch.setattr("sentinel_forest.evaluation.testing.SWAPS", 99)
    found, paired = run(tmp_path, FACTS / "cloudsen12" / "cloudsen12_metrics.csv")
    known = pd.read_csv(FACTS / "cloudsen12" / "table6_recomputed.csv").set_index(["model", "exp"])
    ours = found.set_index(["classifier", "class", "metric"])["value"]
    names = {table: model for model, table in FORM.models.items()}
    questions = {table: question for question, table in FORM.questions.items()}
    checked = 0
    for (model, question), row in known.iterrows():
        for column, metric in COLUMNS.items():
            decimals = 4 if column.startswith("mean") else 2
            value = ours[names[model], questions[question], metric]
            assert value == pytest.approx(row[column], abs=0.5 * 10**-decimals + 1e-9), (model, question, column)
            checked += 1
    assert checked == len(found) == 198
    medians = found[found["metric"] == "boa.median"]
    assert (medians["low"] < medians["value"]).all()
    assert medians["groups"].between(170, 184).all()
    assert len(paired) == 45 + 15 + 15
    reproduction.reproduction(
        metrics=[],
        papers_pixels=[],
        regrouped=[],
        models=[tmp_path / "metrics.tsv"],
        samples=[],
        output=tmp_path / "sheet.tsv",
    )
    sheet = tables.read_tsv(tmp_path / "sheet.tsv", reproduction.REPRODUCTION)
    judged = sheet[~sheet["verdict"].str.startswith("not comparable")]
    assert (judged["verdict"] == reproduction.EQUAL).sum() == len(judged) == 198
    assert judged["note"].str.contains(patch_metrics.NOTE).all()


def test_a_better_model_is_found_better(tmp_path):
    found, paired = run(tmp_path, authors(tmp_path))
    (row,) = paired.to_dict("records")
    assert (row["classifier_a"], row["classifier_b"]) == ("U-Net MobileNetV2", "Fmask 4")
    assert row["low"] > 0.1
    assert row["p"] == pytest.approx(1 / 5000)
    assert (row["n"], row["groups"]) == (40, 20)
    values = pd.read_csv(tmp_path / "authors.csv")["fmask_exp01_BOA"]
    median = found[(found["classifier"] == "Fmask 4") & (found["metric"] == "boa.median")]["value"].item()
    assert median == pytest.approx(values.median())
    assert set(found["mark"]) == {"unknown: pretraining"}


def test_clear_patches_count_for_boa_alone(tmp_path):
    clear = np.where(np.arange(40) < 10, 0.0, 0.5)
    found, _ = run(tmp_path, authors(tmp_path, CCOVER=clear))
    n = found[found["classifier"] == "Fmask 4"].set_index("metric")["n"]
    assert (n["boa.median"], n["pa.mean"], n["ua.high"]) == (40, 30, 30)


def test_a_part_of_the_patches_of_the_release_says_so(tmp_path):
    for found in run(tmp_path, authors(tmp_path)):
        assert found["note"].str.contains("40 of the 975 test patches").all()
    assert patch_metrics.part_of("cloudsen12-high", "test", 975) == ""
    assert patch_metrics.part_of("of-somebody", "test", 40) == ""


def test_patches_are_those_of_the_role_in_any_order(tmp_path):
    path = authors(tmp_path)
    table = pd.read_csv(path)
    patches = table["ROI_ID"] + "/" + table["S2_ID"]
    catalog = pd.DataFrame({"patch": patches, "group": table["ROI_ID"]}).astype("str")
    catalog.to_parquet(tmp_path / "catalog.parquet")
    split = pd.DataFrame({"patch": patches, "role": ["train"] * 10 + ["test"] * 30, "weight": 1.0})
    tables.write_parquet(tmp_path / "split.parquet", split.astype({"role": "str", "patch": "str"}), SPLIT)
    given = {"catalog": tmp_path / "catalog.parquet", "split": tmp_path / "split.parquet"}
    one, _ = run(tmp_path, path, **given)
    table.sample(frac=1, random_state=1).to_csv(path, index=False)
    other, _ = run(tmp_path, path, **given)
    pd.testing.assert_frame_equal(one, other)
    assert one["n"].max() == 30
    table.iloc[:25].to_csv(path, index=False)
    with pytest.raises(InputError, match="lacks patches of the role") as caught:
        run(tmp_path, path, **given)
    assert "15 of 30" in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"S2_ID": "20200101T000000_x_T10ABC", "ROI_ID": "ROI_0001"}, "stands twice"),
        ({"ROI_ID": "somewhere"}, "names no patch"),
        ({"fmask_exp01_BOA": 55.0}, "no fraction"),
        ({"fmask_exp01_BOA": "good"}, "no fraction"),
    ],
)
def test_broken_tables_are_answered(tmp_path, changes, problem):
    with pytest.raises(InputError, match=problem):
        run(tmp_path, authors(tmp_path, **changes))


def test_a_table_of_another_form_is_answered(tmp_path):
    (tmp_path / "other.csv").write_text("image,score\na,1\n")
    with pytest.raises(InputError, match="none of the metrics of each patch"):
        run(tmp_path, tmp_path / "other.csv")


def test_the_commands_of_the_page(tmp_path, monkeypatch):
    page = (ROOT / "docs" / "predictions.md").read_text(encoding="utf-8").replace("\\\n", "")
    commands = [line.split()[1:] for line in page.splitlines() if line.startswith("sentinel-forest ")]
    assert [words[0] for words in commands] == ["patch-metrics", "reproduction"]
    authors(tmp_path).rename(tmp_path / "cloudsen12_metrics.csv")
    monkeypatch.chdir(tmp_path)
    for words in commands:
        cli.main(words)
    sheet = tables.read_tsv(tmp_path / "reproduction.tsv", reproduction.REPRODUCTION)
    judged = sheet[sheet["ours"].notna()]
    assert judged["verdict"].str.match(r"differs by|equal to").all()
    assert set(judged["classifier"]) == {"U-Net MobileNetV2", "Fmask 4"}
