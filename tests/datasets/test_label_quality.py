"""Trust and hardness of the labels of CloudSEN12: read, joined, used as strata and as a filter for training."""

import numpy as np
import pandas as pd
import pytest

from project import FACTS, NO_FACTS
from sentinel_forest import datasets
from sentinel_forest.config.schemes import parse_scheme, seed_of
from sentinel_forest.datasets.cloudsen12 import metadata, quality
from sentinel_forest.errors import InputError
from sentinel_forest.io import checksums
from sentinel_forest.planning.checking import select
from sentinel_forest.splits.kinds import draw_trial

GEE = ["20190116T142751_20190116T143701_T19GDN", "20190602T142041_20190602T142839_T19GDN"]
HUB = [
    "S2A_MSIL1C_20190116T142751_N0207_R096_T19GDN_20190116T162341",
    "S2B_MSIL1C_20190602T142041_N0207_R010_T19GDN_20190602T160000",
]


@pytest.fixture
def published():
    """The authors' table: 10,000 images."""
    folder = FACTS / "cloudsen12"
    if not (folder / quality.INDICES).is_file():
        pytest.skip(NO_FACTS)
    return folder


def test_known_answer_of_the_authors_table(published):
    table = pd.read_csv(published / quality.INDICES, dtype="str")
    found = quality.described(table[["roi_id", "s2_id_gee"]], table["roi_id"], quality.indices(published))
    counts = found["label_quality"].value_counts()
    assert counts["suspect, hard"] == 698  # TI < 0.5 and HI >= 0.5
    assert counts["suspect, easy"] == 1096  # both < 0.5
    assert counts.sum() == 10_000
    by_hand = table["TI"].astype(float) < 0.5
    assert ((found["label_trust"] == "suspect") == by_hand).all()


def write(folder, rows=None, columns=("roi_id", "s2_id_gee", "class", "HI", "TI")):
    rows = rows or [("ROI_0002", GEE[0], "cloudy", 0.006, 0.874), ("ROI_0002", GEE[1], "cloud-free", 0.7, 0.2)]
    pd.DataFrame(rows, columns=list(columns)).to_csv(folder / quality.INDICES, index=False)
    return folder


@pytest.mark.parametrize("names", [{"s2_id_gee": GEE}, {"s2_id": HUB}, {"s2_id": HUB, "s2_id_gee": ["", ""]}])
def test_images_are_met_in_either_way_to_write_a_product(tmp_path, names):
    table = pd.DataFrame({"roi_id": ["ROI_0002"] * 2, **names})
    found = quality.described(table, table["roi_id"], quality.indices(write(tmp_path)))
    assert found["label_quality"].tolist() == ["trusted, easy", "suspect, hard"]
    np.testing.assert_allclose(found["trust"], [0.874, 0.2], rtol=1e-6)


def test_columns_of_the_metadata_come_first_and_unknown_stays_unknown(tmp_path):
    table = pd.DataFrame({"roi_id": ["ROI_0002", "ROI_0003"], "s2_id_gee": GEE, "TI": ["0.1", ""], "HI": ["7", "0.3"]})
    found = quality.described(table, table["roi_id"], quality.indices(write(tmp_path)))
    assert found["label_trust"].tolist() == ["suspect", ""]
    assert found["label_quality"].tolist() == ["suspect, easy", ""]  # 7 is no index: the table beside tells 0.006
    nothing = quality.described(table[["roi_id"]], table["roi_id"], None)
    assert nothing["label_quality"].tolist() == ["", ""]
    assert nothing["trust"].isna().all()


BAD = [
    ([("ROI_0002", GEE[0], "x", 0.1, 1.2)], "no number from 0 to 1"),
    ([("ROI_0002", GEE[0], "x", "nan", 0.2)], "no number from 0 to 1"),
    ([("ROI_0002", GEE[0], "x", 0.1, "high")], "no number from 0 to 1"),
    ([("ROI_0002", GEE[0], "x", 0.1, 0.2)] * 2, "an image twice"),
]


@pytest.mark.parametrize(("rows", "problem"), BAD)
def test_a_bad_table_is_a_failed_check_and_names_its_row(tmp_path, rows, problem):
    with pytest.raises(InputError, match=problem) as refused:
        quality.indices(write(tmp_path, rows))
    assert "row " in str(refused.value)
    (finding,) = quality.findings(tmp_path, [])
    assert (finding.check, finding.status) == ("indices", "failed")


def test_a_table_without_its_columns_is_answered(tmp_path):
    write(tmp_path, [("ROI_0002", GEE[0], 0.3)], ("roi_id", "s2_id_gee", "HI"))
    with pytest.raises(InputError, match="lacks columns") as refused:
        quality.indices(tmp_path)
    assert "TI" in str(refused.value)


def test_a_table_of_half_of_the_images_says_so(tmp_path):
    table = pd.DataFrame({"roi_id": ["ROI_0002", "ROI_0009"], "s2_id_gee": GEE})
    (finding,) = quality.findings(write(tmp_path), [table])
    assert (finding.status, finding.found) == ("note", "trust and hardness of 1 of 2 images with metadata")


def test_the_table_is_a_file_of_the_release_and_its_absence_a_reason(tmp_path):
    for path in ("train/L1C_B2.dat", "train/metadata.csv"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("roi_id,s2_id\n", encoding="utf-8")
    dataset = datasets.load("cloudsen12")
    without = metadata.unknown_columns(tmp_path, dataset.list_files(tmp_path))
    assert "no columns TI and HI" in without["label_trust"]
    write(tmp_path)
    files = dataset.list_files(tmp_path)
    assert quality.INDICES in files
    assert metadata.unknown_columns(tmp_path, files) == {}
    assert dataset.layers(files) == {"L1C_B2"}
    assert "label_trust" in dataset.strata_keys


def catalog():
    trust = ["trusted", "suspect", "", "suspect", "trusted", "suspect"]
    split = ["train", "train", "train", "test", "test", "validation"]
    return pd.DataFrame({"patch": list("abcdef"), "published_split": split, "label_trust": trust, "label": -1})


def test_a_filtered_split_leaves_suspects_out_of_training_alone():
    seed = lambda *names: checksums.seed(1, *names)  # noqa: E731
    scheme = parse_scheme({"kind": "filtered", "leave_out": {"label_trust": ["suspect"]}})
    assert draw_trial(catalog(), scheme, seed, 1).role.tolist() == [0, 3, 0, 2, 2, 1]
    with pytest.raises(InputError, match="No patch has a value") as refused:
        draw_trial(catalog().assign(label_trust=""), scheme, seed, 1)
    assert "leave_out, label_trust" in str(refused.value)


def test_a_filtered_split_has_the_draws_of_its_base():
    base = parse_scheme({"kind": "pooled-random", "fractions": {"train": 0.5, "test": 0.5}})
    filtered = parse_scheme({"kind": "filtered", "base": "pooled-random", "fractions": {"train": 0.5, "test": 0.5}})
    assert seed_of(7, "cloudsen12", filtered) == seed_of(7, "cloudsen12", base)
    seed = lambda *names: checksums.seed(7, *names)  # noqa: E731
    whole, part = (draw_trial(catalog(), scheme, seed, 2).role for scheme in (base, filtered))
    assert ((part == whole) | (part == 3)).all()
    assert filtered.trials(3) == base.trials(3) == 3


def test_a_column_that_there_is_not_is_named():
    with pytest.raises(InputError, match="no such column"):
        draw_trial(catalog(), parse_scheme({"kind": "filtered", "leave_out": {"trust_": ["a"]}}), hash, 1)


def test_a_filter_without_values_is_refused():
    wrong = {"releases": ["cloudsen12-sample"], "own_schemes": {"a": {"kind": "filtered", "leave_out": {}}}}
    with pytest.raises(InputError, match=r"leave_out"):
        select({**wrong, "schemes": ["a"]})
