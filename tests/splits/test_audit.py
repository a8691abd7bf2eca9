"""Split lists that others made: what they share, name in vain and leave out, from names and from a catalog."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from project import FACTS, NO_FACTS, ROOT
from sentinel_forest import cli, datasets
from sentinel_forest.errors import InputError
from sentinel_forest.io.tables import read_tsv
from sentinel_forest.splits import audit, lists
from sentinel_forest.verify.catalog import CATALOG

needs_facts = pytest.mark.skipif(not FACTS.is_dir(), reason=NO_FACTS)


def so2sat(folder: Path) -> Path:
    """A catalog of So2Sat: six training rows of two cities, three of validation and of test in a third city."""
    rows = [("training", "train", row, "ab"[row % 2], row % 3) for row in range(6)]
    rows += [
        (stem, split, row, "c", row) for stem, split in (("validation",) * 2, ("testing", "test")) for row in range(3)
    ]
    table = pd.DataFrame(rows, columns=["stem", "published_split", "row", "city", "label"])
    table["file"] = table["stem"] + ".h5"
    table["patch"] = table["stem"] + "/" + table["row"].map("{:06d}".format)
    table["group"], table["group_source"] = table["city"], "published name"
    table["content_hash"] = [f"{place:032x}" for place in range(len(table))]
    unknown = {"x": np.nan, "y": np.nan, "lon": np.nan, "lat": np.nan, "side_m": 320.0, "epsg": pd.NA}
    table = table.assign(**unknown, labelled_fraction=np.float32(1), label=table["label"].astype("int16"))
    table = table.astype({"epsg": "Int32"}).drop(columns="stem")
    CATALOG.validate(table.astype(dict.fromkeys(["patch", "published_split", "file", "group", "content_hash"], "str")))
    table.to_parquet(folder / "catalog.parquet")
    return folder / "catalog.parquet"


def run(folder: Path, release: str = "so2sat-v2", **arguments: object) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Lists and links of an audit, by their names."""
    out = folder.with_name(f"{folder.name}.audit")
    audit.audit(lists=folder, release=release, output=out, **arguments)
    held, links = (
        read_tsv(out / f"{name}.tsv", schema) for name, schema in (("lists", audit.LISTS), ("links", audit.LINKS))
    )
    assert (out / "audit.md").read_text(encoding="utf-8").startswith("# Audit of split lists of ")
    return held.set_index("list"), links.set_index(["list_a", "list_b", "key"])


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "lists").mkdir()
    return tmp_path / "lists"


@needs_facts
def test_the_older_hold_out_of_sen12ms_leaks_and_the_current_one_is_the_test_list(folder):
    for name in ("test_list.txt", "SEN12MS_holdOutScenes.txt", "SEN12MS_holdOutScenes.before_2020-02-11_fix.txt"):
        shutil.copy(FACTS / "sen12ms" / name, folder)
    held, links = run(folder, "sen12ms")
    old = "SEN12MS_holdOutScenes.before_2020-02-11_fix.txt"
    assert held.loc[["test_list.txt", "SEN12MS_holdOutScenes.txt", old], "patches"].tolist() == [18106, 18106, 14760]
    same = links.loc[("test_list.txt", "SEN12MS_holdOutScenes.txt", "patch")]
    assert (same["linked"], same["total"], same["status"]) == (18106, 18106, "counted")
    assert held.loc[old, "unknown"] == 5
    assert held.loc[old, "first_unknown"] == "ROIs1017_winter/s1_64"
    leak = links.loc[("test_list.txt", f"rest of {old}", "scene")]
    winter = pd.read_csv(FACTS / "sen12ms" / "holdout_patches_per_scene.csv").set_index("season").loc["ROIs2017_winter"]
    assert (leak["linked"], leak["status"]) == (winter["patches"].sum(), "marked")


@needs_facts
def test_the_published_split_of_cloudsen12_shares_products(folder):
    shutil.copy(FACTS / "cloudsen12" / "cloudsen12_high_split_membership.csv", folder / "membership.csv")
    held, links = run(folder, "cloudsen12-high")
    assert held["patches"].to_dict() == {
        "membership.csv:test": 975,
        "membership.csv:train": 8490,
        "membership.csv:validation": 535,
    }
    product = links.xs("product", level="key")["linked"]
    assert product["membership.csv:test", "membership.csv:train"] == 4
    assert product["membership.csv:validation", "membership.csv:train"] == 2
    assert links.loc[("membership.csv:test", "membership.csv:train", "roi"), "status"] == "clean"


def test_rows_of_each_split_as_tfds_counts_them(folder, tmp_path):
    """`sample_id` counts the rows of the file of its split, from 0."""
    table = pd.DataFrame({"split": ["train", "train", "validation"], "sample_id": [0, 5, 0]})
    table.to_csv(folder / "tfds.csv", index=False)
    held, links = run(folder, catalog=so2sat(tmp_path), numbers="split")
    assert held["patches"].to_dict() == {"tfds.csv:train": 2, "tfds.csv:validation": 1}
    assert held["missing"].tolist() == [4, 2]
    assert held["moved"].tolist() == [0, 0]
    assert links.loc[("tfds.csv:validation", "tfds.csv:train", "city"), "status"] == "clean"


def test_partition_of_geo_bench_counts_rows_of_the_release(folder, tmp_path):
    partition = {"train": ["id_0000", "id_0002"], "valid": ["id_0004"], "test": ["id_0001"]}
    (folder / "default_partition.json").write_text(json.dumps(partition))
    held, links = run(folder, catalog=so2sat(tmp_path), numbers="release")
    assert held["patches"].tolist() == [1, 2, 1]
    assert held.loc["default_partition.json:test", "moved"] == 1
    row = links.loc[("default_partition.json:validation", "default_partition.json:train", "city")]
    assert (row["linked"], row["total"], row["shared_values"], row["status"]) == (1, 1, 1, "marked")
    assert links.loc[("default_partition.json:test", "default_partition.json:train", "city"), "status"] == "clean"


def test_arrays_of_numpy(folder, tmp_path):
    np.savez(folder / "split.npz", train=np.array([True, True] + [False] * 10), test=np.array(["testing/000001"]))
    np.save(folder / "val.npy", np.array(["validation/000000", "validation/000000"]))
    held, _ = run(folder, catalog=so2sat(tmp_path), numbers="release")
    assert held["patches"].to_dict() == {"split.npz:test": 1, "split.npz:train": 2, "val.npy": 1}
    assert held.loc["val.npy", "repeated"] == 1


def test_equal_pixels_link_whatever_the_names_are(folder, tmp_path):
    catalog = so2sat(tmp_path)
    table = pd.read_parquet(catalog)
    table.loc[table["patch"] == "testing/000002", "content_hash"] = table["content_hash"].iloc[0]
    table.to_parquet(catalog)
    (folder / "train.txt").write_text("training/000000\n")
    (folder / "test.txt").write_text("testing/000002\ntesting/000001\n")
    _, links = run(folder, catalog=catalog)
    assert links.loc[("test.txt", "train.txt", "content"), "linked"] == 1


def test_classes_are_those_of_the_catalog(folder, tmp_path):
    (folder / "train.txt").write_text("training/000000\ntraining/000003\ntraining/000001\n")
    run(folder, catalog=so2sat(tmp_path))
    found = read_tsv(folder.with_name("lists.audit") / "classes.tsv", audit.CLASSES).set_index("class")["patches"]
    names = datasets.load("so2sat").label_names
    assert found[names[0]] == 2
    assert found[names[1]] == 1
    assert found.sum() == 3


def test_a_list_of_another_dataset_is_named_and_the_others_are_held(folder, tmp_path):
    (folder / "train.txt").write_text("training/000000\n")
    (folder / "test_list.txt").write_text("ROIs1158_spring_s2_124_p100.tif\n")
    held, _ = run(folder, catalog=so2sat(tmp_path))
    assert "another dataset" in held.loc["test_list.txt", "note"]
    (folder / "train.txt").unlink()
    with pytest.raises(InputError, match="No list names a patch") as caught:
        run(folder, catalog=tmp_path / "catalog.parquet")
    assert "ROIs1158_spring_s2_124_p100.tif" in str(caught.value)


def test_numbers_without_a_word_on_what_they_count_are_refused(folder, tmp_path):
    np.save(folder / "train.npy", np.arange(3))
    with pytest.raises(InputError, match="nothing says what they count"):
        run(folder, catalog=so2sat(tmp_path))
    with pytest.raises(InputError, match="none of this name"):
        run(folder, catalog=tmp_path / "catalog.parquet", numbers="test.h5")


def test_numbers_of_sen12ms_count_the_lines_of_the_publishers_list(folder, tmp_path):
    """They counted the sorted catalog: row 0 of a list in another order was said to be another patch."""
    splits = tmp_path / "release" / "splits"
    splits.mkdir(parents=True)
    test = [f"ROIs1158_spring_s2_{scene}_p30.tif" for scene in (146, 63, 97)]
    (splits / "test_list.txt").write_text("\n".join(test))
    (splits / "train_list.txt").write_text("ROIs1158_spring_s2_1_p30.tif\n")
    np.save(folder / "test.npy", [0])
    (folder / "train.txt").write_text(f"{test[0]}\nROIs1158_spring_s2_1_p30.tif\n")
    _, links = run(folder, "sen12ms", metadata=splits.parent, numbers="split")
    same = links.loc[("test.npy", "train.txt", "patch")]
    assert (same["linked"], same["total"]) == (1, 1)
    np.save(folder / "test.npy", [3])
    assert run(folder, "sen12ms", metadata=splits.parent, numbers="split")[0].loc["test.npy", "unknown"] == 1


@pytest.mark.parametrize(("name", "numbers"), [("validation", "split"), ("test", "split"), ("train", "release")])
def test_numbers_of_sen12ms_without_a_list_that_they_count_are_refused(folder, tmp_path, name, numbers):
    """A list of scenes has no line for a patch, and the release no order of its own."""
    splits = tmp_path / "release" / "splits"
    splits.mkdir(parents=True)
    (splits / "train_list.txt").write_text("ROIs1158_spring_s2_146_p30.tif\nROIs1158_spring_s2_1_p30.tif\n")
    (splits / "SEN12MS_holdOutScenes.txt").write_text("ROIs1158_spring/s2_146\n")
    np.save(folder / f"{name}.npy", [0])
    with pytest.raises(InputError, match="Row numbers stand for no patch") as caught:
        run(folder, "sen12ms", metadata=splits.parent, numbers=numbers)
    assert "name the patches" in str(caught.value)


def test_names_of_another_dataset_are_recognised_without_a_catalog(folder):
    (folder / "test_list.txt").write_text("ROIs1158_spring_s2_124_p100.tif\n")
    with pytest.raises(InputError, match="of another dataset") as caught:
        run(folder, release="cloudsen12-high")
    assert "a release of sen12ms" in str(caught.value)


def test_other_signs_between_columns_and_folders_that_are_not_there_are_named(folder, tmp_path):
    (folder / "mine.csv").write_text("patch;split\ntraining/000000;train\n")
    with pytest.raises(InputError, match="';' between the names of columns"):
        run(folder, catalog=so2sat(tmp_path))
    with pytest.raises(InputError, match="no such folder"):
        run(folder / "elsewhere", catalog=tmp_path / "catalog.parquet")


def test_one_list_has_nothing_to_be_held_against_and_names_do_not_tell_what_is_left_out(folder):
    (folder / "test_list.txt").write_text("ROIs1158_spring_s2_124_p100.tif\n")
    run(folder, release="sen12ms")
    page = (folder.with_name("lists.audit") / "audit.md").read_text(encoding="utf-8")
    assert "There is only one list with patches" in page
    assert "are in no list" not in page


def test_a_hold_out_is_compared_with_the_rest_that_trains_by_it(folder, tmp_path):
    """Rows 0 and 1 of cities a and b are held out; rows 2 to 5 of the same cities train."""
    (folder / "holdout.txt").write_text("training/000000\ntraining/000001\ntesting/000000\n")
    held, links = run(folder, catalog=so2sat(tmp_path))
    assert held["patches"].to_dict() == {"holdout.txt": 3, "rest of holdout.txt": 9}
    city = links.loc[("holdout.txt", "rest of holdout.txt", "city")]
    assert (city["linked"], city["total"], city["shared_values"], city["status"]) == (3, 3, 3, "marked")
    assert links.loc[("holdout.txt", "rest of holdout.txt", "patch"), "status"] == "clean"
    page = (folder.with_name("lists.audit") / "audit.md").read_text(encoding="utf-8")
    assert "**holdout.txt** (test) with **rest of holdout.txt** (train): linked: 3 of 3 by city (100 %)" in page
    assert "only one list" not in page


def test_a_hold_out_beside_its_own_training_list_makes_nothing_else_training(folder, tmp_path):
    (folder / "holdout.json").write_text(json.dumps({"train": ["training/000000"], "test": ["training/000001"]}))
    held, _ = run(folder, catalog=so2sat(tmp_path))
    assert list(held.index) == ["holdout.json:test", "holdout.json:train"]


TRAINING = "0\n1\n2\n"


@pytest.mark.parametrize(
    ("name", "content", "first"),
    [
        ("test.txt", "1\nx\n2\n", "x"),
        ("test.json", "[1, -1, 2]", "-1"),
        ("test.csv", "sample_id,note\n1,a\n,b\n2,c\n", "(blank)"),
        ("test.csv", "sample_id,note\n1.0,a\n,b\n2.0,c\n", "(blank)"),
        ("test.txt", "1.000000000000000000e+00\n1.5\n2.000000000000000000e+00\n", "1.5"),
    ],
)
def test_a_stray_entry_among_row_numbers_is_unknown_and_hides_no_leak(folder, tmp_path, name, content, first):
    (folder / "train.txt").write_text(TRAINING)
    (folder / name).write_text(content)
    held, links = run(folder, catalog=so2sat(tmp_path), numbers="release")
    row = held.loc[name]
    assert (row["entries"], row["patches"], row["unknown"], row["first_unknown"]) == (3, 2, 1, first)
    assert links.loc[(name, "train.txt", "patch"), ["linked", "total", "status"]].tolist() == [2, 2, "marked"]


def test_whole_floats_are_row_numbers_in_every_form(folder, tmp_path):
    """Numbers become floats beside missing ones (pandas), and in `numpy.savetxt`."""
    floats = pd.DataFrame({"sample_id": [0.0, 2.0]})
    floats.to_csv(folder / "train_a.csv", index=False)
    floats.to_parquet(folder / "train_b.parquet")
    (folder / "train_c.json").write_text("[0.0, 2.0]")
    np.save(folder / "train_d.npy", floats["sample_id"].to_numpy())
    np.savetxt(folder / "train_e.txt", floats["sample_id"].to_numpy())
    np.savez(folder / "train_f.npz", train=floats["sample_id"].to_numpy())
    held, links = run(folder, catalog=so2sat(tmp_path), numbers="release")
    assert held["patches"].tolist() == [2] * 6
    assert held["unknown"].tolist() == [0] * 6
    assert set(links.xs("patch", level="key")["linked"]) == {2}


@pytest.mark.parametrize(
    ("numbers", "size", "expected"), [("release", 12, 12), ("release", 10, 12), ("split", 3, 3), ("split", 12, 3)]
)
def test_a_mask_has_a_value_for_each_row_that_is_counted(folder, tmp_path, numbers, size, expected):
    (folder / "test.json").write_text(json.dumps([True] + [False] * (size - 1)))
    catalog = so2sat(tmp_path)
    if size == expected:
        held, _ = run(folder, catalog=catalog, numbers=numbers)
        assert held["patches"].tolist() == [1]
        return
    with pytest.raises(InputError, match="A mask has not as many values as there are rows") as caught:
        run(folder, catalog=catalog, numbers=numbers)
    assert f"found: {size} values" in str(caught.value)
    assert f"expected: {expected}: one for each row that --numbers {numbers} counts" in str(caught.value)


def test_a_stray_number_among_names_needs_no_word_on_what_it_counts(folder, tmp_path):
    (folder / "train.txt").write_text("training/000000\n2\ntraining/000001\n")
    held, _ = run(folder, catalog=so2sat(tmp_path))
    assert held.loc["train.txt", ["patches", "unknown", "first_unknown"]].tolist() == [2, 1, "2"]


def test_columns_that_name_different_patches_are_told(folder, tmp_path):
    catalog = so2sat(tmp_path)
    rows = ["0,training/000000,training/000000,train", "1,training/000001,training/000003,train"]
    rows += ["9,training/000002,elsewhere.png,test"]
    (folder / "split.csv").write_text("\n".join(["index,patch,file,split", *rows]))
    held, _ = run(folder, catalog=catalog)
    told = "column file names other patches, such as training/000003 (1 of 2 rows)"
    assert held.loc[["split.csv:train", "split.csv:test"], "note"].tolist() == [told, ""]
    assert told in (tmp_path / "lists.audit" / "audit.md").read_text(encoding="utf-8")


def test_numbers_that_may_count_from_one_are_doubted(folder, tmp_path):
    np.save(folder / "test.npy", np.arange(1, 4))
    (folder / "test_stray.txt").write_text("1\n2\n3\nx\n")
    held, _ = run(folder, catalog=so2sat(tmp_path), numbers="testing.h5")
    assert held["unknown"].to_dict() == {"test.npy": 1, "test_stray.txt": 2}
    assert held["note"].str.contains("counted from 1?", regex=False).all()


def test_files_that_are_no_list_are_named(folder, tmp_path):
    (folder / "train.txt").write_text("training/000000\n")
    (folder / "readme.txt").write_text("see elsewhere\n")
    (folder / "patches_per_test.csv").write_text("season,scene,patches\nfall,1,2\n")
    (folder / "lists.pkl").write_bytes(b"\x80\x04]")
    held, _ = run(folder, catalog=so2sat(tmp_path))
    assert held["note"].str.startswith("not read: ").sum() == 3


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("train.json", b"{", "no JSON"),
        ("train.npy", b"\x93NUMPY", "no NumPy file"),
        ("split.csv", b"split,id\nholiday,1\n", "a role that is none"),
        ("train.txt", b"\xe4\xf6", "not text"),
    ],
)
def test_broken_lists_are_answered(folder, name, content, problem):
    (folder / name).write_bytes(content)
    with pytest.raises(InputError, match=problem):
        lists.read_lists(folder, datasets.load("so2sat"))


def test_objects_in_numpy_files_are_not_unpickled(folder):
    np.save(folder / "train.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="nothing is unpickled"):
        lists.read_lists(folder, datasets.load("so2sat"))


def test_names_become_no_markup_on_the_page(folder, tmp_path):
    (folder / "train.txt").write_text("training/000000\n<script>*x\n")
    run(folder, catalog=so2sat(tmp_path))
    text = (folder.with_name("lists.audit") / "audit.md").read_text(encoding="utf-8")
    assert "<script>" not in text
    assert r"\<script\>\*x" in text


def test_lists_of_a_release_of_ones_own_are_held_against_its_catalog(folder, tmp_path):
    (folder / "train.txt").write_text("training/000000\ntraining/000001\n")
    (folder / "test.txt").write_text("training/000002\nelsewhere/000009\n")
    words = ["audit", "--lists", str(folder), "--release", "my_so2", "--catalog", str(so2sat(tmp_path))]
    with pytest.raises(SystemExit, match="No such release is registered") as stop:
        cli.main([*words, "--output", str(tmp_path / "out")])
    advice = str(stop.value).splitlines()[-1]
    assert "--dataset NAME" in advice
    assert "key `audits`" in advice
    assert not (tmp_path / "out").exists()
    cli.main([*words, "--dataset", "so2sat", "--output", str(tmp_path / "out")])
    links = read_tsv(tmp_path / "out" / "links.tsv", audit.LINKS).set_index("key")
    assert (links.loc["city", "linked"], links.loc["city", "total"]) == (1, 1), "rows 0 and 2 are of one city"
    assert read_tsv(tmp_path / "out" / "lists.tsv", audit.LISTS).set_index("list").loc["test.txt", "unknown"] == 1
    page = (tmp_path / "out" / "audit.md").read_text(encoding="utf-8")
    assert page.startswith("# Audit of split lists of my\\_so2\n")
    assert "Held against the catalog of my_so2." in page


def test_a_layout_of_ones_own_is_that_of_the_metadata(folder):
    (folder / "train.txt").write_text("training/000000\n")
    with pytest.raises(InputError, match="no_such_option"):
        run(folder, "mine", dataset="so2sat", layout={"no_such_option": 1})


def test_the_command_of_the_page(folder, tmp_path, monkeypatch):
    (folder / "train_list.txt").write_text("ROIs1158_spring_s2_1_p30.tif\n")
    (folder / "test_list.txt").write_text("ROIs1158_spring_s2_1_p31.tif\n")
    page = (ROOT / "docs" / "auditing-splits.md").read_text(encoding="utf-8")
    words = next(line for line in page.splitlines() if line.startswith("sentinel-forest audit")).split()[1:]
    monkeypatch.chdir(tmp_path)
    cli.main(words)
    links = read_tsv(tmp_path / "audit" / "links.tsv", audit.LINKS).set_index("key")
    assert (links.loc["scene", "linked"], links.loc["scene", "status"]) == (1, "marked")
