"""Tables of vectors: what is read, what is refused, and what scores say of them."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sentinel_forest import datasets
from sentinel_forest.config.additions import ExternalTable
from sentinel_forest.datasets.base import Block
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation.confusion import Classifier
from sentinel_forest.evaluation.score import _declared
from sentinel_forest.features import bands_of, external, external_sets, patch
from sentinel_forest.features.table import feature_rows
from sentinel_forest.io.checksums import file_checksum
from sentinel_forest.planning.checking import select
from sentinel_forest.planning.vocabulary import without_places

PATCHES = ["training/000000", "training/000001", "testing/000000"]
VALUES = np.arange(12, dtype=np.float32).reshape(3, 4) / 7


def table(patches=PATCHES, values=VALUES, key="patch"):
    found = pd.DataFrame(values, columns=[f"e{place}" for place in range(values.shape[1])])
    found.insert(1, key, patches[: len(found)])
    return found


def write(folder, kind, found=None, key="patch"):
    found = table() if found is None else found
    path = folder / f"vectors.{kind}"
    if kind == "parquet":
        found.to_parquet(path)
    elif kind == "csv":
        found.to_csv(path, index=False)
    else:
        np.save(path, found.drop(columns=key).to_numpy(np.float32))
        found[[key]].to_csv(folder / "keys.csv", index=False)
        return {"file": str(path), "keys": str(folder / "keys.csv")}
    return {"file": str(path)}


def opened(dataset="so2sat", **given):
    about = ExternalTable(release="mine", **given)
    done = external_sets.completed("conv", about, datasets.load(dataset))
    return datasets.load(dataset, {"feature_sets": {"conv": done}})


@pytest.mark.parametrize("kind", ["parquet", "csv", "npy"])
def test_vectors_come_by_patch_whatever_the_order_of_rows(tmp_path, kind):
    about = opened(**write(tmp_path, kind)).feature_sets["conv"]
    asked = [PATCHES[2], PATCHES[0]]
    found = external.vectors(about, asked)
    assert len(about.features) == 4
    np.testing.assert_allclose(np.column_stack(list(found.values())), VALUES[[2, 0]], rtol=1e-6)
    assert all(values.dtype == np.float32 for values in found.values())


def test_ids_that_look_like_numbers_stay_text(tmp_path):
    about = opened(**write(tmp_path, "csv", table(["007", "7", "07"]))).feature_sets["conv"]
    np.testing.assert_allclose(external.vectors(about, ["07"])["e0"], VALUES[2, 0])


def test_the_definition_has_the_checksum_of_the_file_and_what_is_declared(tmp_path):
    given = write(tmp_path, "parquet")
    done = external_sets.completed(
        "conv", ExternalTable(release="mine", trained_on="ImageNet", **given), datasets.load("so2sat")
    )
    assert done["external"]["checksum"] == file_checksum(tmp_path / "vectors.parquet")
    assert done["external"]["trained_on"] == "ImageNet"
    told = without_places({"feature_sets": {"conv": done}})["feature_sets"]["conv"]["external"]
    assert "file" not in told
    assert told["checksum"] == done["external"]["checksum"]


def test_a_patch_table_of_vectors_reads_no_pixel_and_has_the_labels_of_the_catalog(tmp_path):
    dataset = opened(**write(tmp_path, "npy"))
    rows = pd.DataFrame({"patch": PATCHES, "label": np.int16([3, -1, 16]), "file": "nothing.h5", "row": [0, 1, 0]})
    found = feature_rows(dataset, dataset.feature_sets["conv"], tmp_path / "no-such-folder", rows, 1, ())
    assert found["label"].tolist() == [3, -1, 16]
    np.testing.assert_allclose(found[list(dataset.feature_sets["conv"].features)], VALUES, rtol=1e-6)


def test_patches_that_are_left_out_are_neither_trained_on_nor_scored(tmp_path):
    given = write(tmp_path, "parquet", table(values=VALUES[:2]))
    dataset = opened(missing="leave out", **given)
    rows = pd.DataFrame({"patch": PATCHES, "label": np.int16([3, 4, 16]), "file": "f", "row": [0, 1, 0]})
    found = feature_rows(dataset, dataset.feature_sets["conv"], tmp_path, rows, 1, ())
    assert found["label"].tolist() == [3, 4, -1]
    assert found["e0"].isna().tolist() == [False, False, True]


@pytest.mark.parametrize("kind", ["parquet", "npy"])
def test_a_part_of_a_release_may_have_no_vector_at_all(tmp_path, kind):
    about = opened(missing="leave out", **write(tmp_path, kind)).feature_sets["conv"]
    found = external.vectors(about, ["training/000007", "training/000008"])
    assert np.isnan(np.stack(list(found.values()))).all()


def test_vectors_of_pixels_are_mapped_and_read_by_patch(tmp_path):
    values = np.random.default_rng(1).normal(size=(2, 5, 6, 3)).astype(np.float32)
    np.save(tmp_path / "pixels.npy", values)
    pd.DataFrame({"patch": ["b", "a"]}).to_csv(tmp_path / "keys.csv", index=False)
    dataset = opened("cloudsen12", file=str(tmp_path / "pixels.npy"), keys=str(tmp_path / "keys.csv"))
    about = dataset.feature_sets["conv"]
    block = Block(pd.DataFrame({"patch": ["a", "b"]}), {"LABEL_manual_hq": np.zeros((2, 5, 6), np.uint8)})
    bands = bands_of(dataset, about, block)
    np.testing.assert_array_equal(bands["conv_2"], values[[1, 0], ..., 2])
    with pytest.raises(InputError, match="another number of rows"):
        bands_of(dataset, about, Block(block.patches, {"LABEL_manual_hq": np.zeros((2, 6, 6), np.uint8)}))


def _with(values):
    return table(values=values)


def _broken(place, value):
    values = VALUES.copy()
    values[place] = value
    return values


@pytest.mark.parametrize(
    "indexed", [lambda found: found.sample(frac=1, random_state=1), lambda found: found.set_index("patch")]
)
def test_an_index_that_pandas_has_stored_is_no_vector_and_may_hold_the_ids(tmp_path, indexed):
    about = opened(**write(tmp_path, "parquet", indexed(table()))).feature_sets["conv"]
    found = external.vectors(about, PATCHES)
    np.testing.assert_allclose(np.column_stack(list(found.values())), VALUES, rtol=1e-6)


def many(**more):
    """A table of so many vectors that its columns can be looked at, and of the classes of its patches."""
    count, random = external.MANY, np.random.default_rng(1)
    label = random.integers(0, 4, count)
    named = {name: random.normal(size=count) for name in ("e0", "e1")}
    found = pd.DataFrame({"patch": [f"training/{place:06d}" for place in range(count)], **named, **more})
    return found, label


def test_an_index_that_pandas_writes_into_csv_is_no_vector(tmp_path):
    table().to_csv(tmp_path / "vectors.csv")
    about = opened(file=str(tmp_path / "vectors.csv")).feature_sets["conv"]
    assert about.features == ("e0", "e1", "e2", "e3")
    found = external.vectors(about, PATCHES)
    np.testing.assert_allclose(np.column_stack(list(found.values())), VALUES, rtol=1e-6)


@pytest.mark.parametrize("more", [",", ",5"])
def test_rows_with_more_cells_than_the_head_are_refused(tmp_path, more):
    """Of such rows pandas takes the first cells for names: ids, and numbers, would be those of other columns."""
    path = tmp_path / "vectors.csv"
    table().to_csv(path, index=False)
    first, *lines = path.read_text().splitlines()
    path.write_text("\n".join([first, *(line + more for line in lines)]))
    about = opened(file=str(path)).feature_sets["conv"]
    with pytest.raises(InputError, match=r"cannot be read(.|\n)*more cells than the head"):
        external.vectors(about, PATCHES)


@pytest.mark.parametrize(
    ("header", "near"), [("patch,e0,", "'e0', ''"), (",,patch", "'', 'patch'")], ids=["last", "behind the index"]
)
def test_a_column_without_a_name_is_refused_elsewhere(tmp_path, header, near):
    (tmp_path / "vectors.csv").write_text(f"{header}\n0,1,2\n")
    with pytest.raises(InputError, match=rf"no name(.|\n)*found: {near}\n"):
        opened(file=str(tmp_path / "vectors.csv"))


def test_a_column_without_a_name_is_refused_in_parquet(tmp_path):
    with pytest.raises(InputError, match=r"no name(.|\n)*found: 'e3', ''\n"):
        opened(**write(tmp_path, "parquet", table().assign(**{"": 1.0})))


@pytest.mark.parametrize("first", [0, 1, 2**40])
def test_a_column_that_numbers_the_rows_is_no_vector(tmp_path, first):
    found, _ = many(**{"Unnamed: 0": np.arange(first, first + external.MANY)})
    about = opened(**write(tmp_path, "csv", found)).feature_sets["conv"]
    with pytest.raises(InputError, match=r"numbers its rows(.|\n)*column Unnamed: 0(.|\n)*index=False"):
        external.vectors(about, list(found["patch"]))


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_a_column_with_missing_numbers_or_of_yes_and_no_does_not_number_the_rows(tmp_path, kind):
    """Vectors may be missing for patches that are not asked for."""
    place = np.arange(external.MANY)
    found, _ = many(e2=np.where(place % 2, place**2, np.nan), e3=place % 2 == 0)
    about = opened(**write(tmp_path, kind, found)).feature_sets["conv"]
    values = external.vectors(about, list(found["patch"][1::2]))
    np.testing.assert_array_equal(values["e2"], place[1::2] ** 2)
    assert not values["e3"].any()


def test_a_number_that_is_the_label_is_refused(tmp_path):
    found, label = many()
    code = np.array([7, 3, 12, 5])[label]  # whatever numbers the classes have
    about = opened(**write(tmp_path, "csv", found.assign(e2=code))).feature_sets["conv"]
    rows = found.assign(e2=code, label=label)
    with pytest.raises(InputError, match=r"is the label(.|\n)*, e2\n(.|\n)*4 values"):
        external.refuse_labels(about, rows)
    external.refuse_labels(about, rows.assign(e2=np.where(np.arange(len(rows)) == 5, 99, code)))  # one is of its own
    external.refuse_labels(
        about, rows.assign(label=label % 2, e2=code % 2)
    )  # of two classes a number may tell honestly
    external.refuse_labels(about, rows.head(external.MANY - 1))


@pytest.mark.parametrize("kind", ["parquet", "csv", "npy"])
def test_the_ending_of_a_file_may_be_in_capitals(tmp_path, kind):
    given = write(tmp_path, kind)
    loud = Path(given["file"]).with_suffix(f".{kind.upper()}")
    Path(given["file"]).rename(loud)
    found = external.vectors(opened(**given | {"file": str(loud)}).feature_sets["conv"], PATCHES)
    np.testing.assert_allclose(np.column_stack(list(found.values())), VALUES, rtol=1e-6)


def bad_tables(folder):
    """Files with what is wrong with each of them."""
    yield "half of the patches", write(folder, "parquet", table(values=VALUES[:1])), "does not cover the release"
    yield "NaN", write(folder, "parquet", _with(_broken((1, 2), np.nan))), "not finite"
    yield "infinity in CSV", write(folder, "csv", _with(_broken((0, 0), np.inf))), "not finite"
    yield "ids of another kind", write(folder, "csv", table(["0", "1", "2"])), "ids such as '0'"
    yield "a patch twice", write(folder, "csv", table([PATCHES[0], PATCHES[0], PATCHES[2]])), "two vectors"


@pytest.mark.parametrize("number", range(5))
def test_a_bad_table_is_answered_when_it_is_read(tmp_path, number):
    # Each case writes its own file over that of the one before it.
    _, given, problem = next(case for place, case in enumerate(bad_tables(tmp_path)) if place == number)
    about = opened(**given).feature_sets["conv"]
    with pytest.raises(InputError, match=problem) as refused:
        external.vectors(about, PATCHES)
    assert "vectors." in str(refused.value)
    assert len(str(refused.value).splitlines()) <= 5


def test_text_in_a_column_is_named(tmp_path):
    found = table()
    found["note"] = ["good", "bad", "good"]
    about = opened(**write(tmp_path, "parquet", found)).feature_sets["conv"]
    with pytest.raises(InputError, match="does not hold numbers") as refused:
        external.vectors(about, PATCHES)
    assert "column note" in str(refused.value)


def refused_at_once(folder):
    """What is refused when the run is planned."""
    np.save(folder / "flat.npy", np.zeros(3))
    np.save(folder / "cube.npy", np.zeros((3, 4, 4, 2)))
    np.save(folder / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save(folder / "texts.npy", np.array([["a"]]))
    (folder / "broken.npy").write_bytes(b"\x93NUMPY\x01\x00")
    (folder / "broken.parquet").write_bytes(b"PAR1")
    (folder / "vectors.txt").write_text("1 2 3")
    table(key="id").to_csv(folder / "other-key.csv", index=False)
    table()[["patch"]].to_csv(folder / "keys.csv", index=False)
    table().to_csv(folder / "semicolons.csv", index=False, sep=";")
    table().rename(columns={"e0": "e1"}).to_csv(folder / "twice.csv", index=False)
    table().rename(columns={"e0": "NDVI"}).to_csv(folder / "taken.csv", index=False)
    table().rename(columns={"e0": "label"}).to_csv(folder / "label.csv", index=False)
    keys = str(folder / "keys.csv")
    return [
        ("so2sat", {"file": "flat.npy", "keys": keys}, "another shape"),
        ("so2sat", {"file": "cube.npy", "keys": keys}, "another shape"),
        ("so2sat", {"file": "objects.npy", "keys": keys}, "cannot be read"),
        ("so2sat", {"file": "texts.npy", "keys": keys}, "does not hold numbers"),
        ("so2sat", {"file": "broken.npy", "keys": keys}, "cannot be read"),
        ("so2sat", {"file": "broken.parquet"}, "cannot be read"),
        ("so2sat", {"file": "vectors.txt"}, "no form that can be read"),
        ("so2sat", {"file": "other-key.csv"}, "no column with the ids"),
        ("so2sat", {"file": "keys.csv"}, "no vectors"),
        ("so2sat", {"file": "semicolons.csv"}, "';' between the names"),
        ("so2sat", {"file": "twice.csv"}, "two columns 'e1'"),
        ("so2sat", {"file": "taken.csv"}, "name of a band, of an index"),
        ("so2sat", {"file": "label.csv"}, "what tables of features hold besides"),
        ("so2sat", {"file": "flat.npy"}, "does not say whose vectors"),
        ("so2sat", {"file": "taken.csv", "keys": keys}, "Only NumPy arrays"),
        ("cloudsen12", {"file": "other-key.csv", "key": "id"}, "this task is of pixels"),
        ("cloudsen12", {"file": "cube.npy", "keys": keys, "missing": "leave out"}, "must cover the release"),
    ]


@pytest.mark.parametrize("number", range(16))
def test_a_file_that_does_not_fit_is_refused_when_the_run_is_planned(tmp_path, number):
    dataset, given, problem = refused_at_once(tmp_path)[number]
    given["file"] = str(tmp_path / given["file"])
    with pytest.raises(InputError, match=problem) as refused:
        opened(dataset, **given)
    assert len(str(refused.value).splitlines()) <= 5


def test_an_array_and_its_keys_must_be_of_one_length(tmp_path):
    given = write(tmp_path, "npy")
    table()[["patch"]].iloc[:2].to_csv(given["keys"], index=False)
    with pytest.raises(InputError, match="differ in length"):
        external.vectors(opened(**given).feature_sets["conv"], PATCHES[:1])


def test_scores_are_marked_unless_the_training_is_declared(tmp_path):
    given = write(tmp_path, "parquet")
    silent, told = opened(**given), opened(trained_on="SSL4EO-S12", **given)
    one = Classifier("forest", "conv", silent.tasks["lcz"], (), {})
    other = Classifier("forest", "lcz-s2", silent.tasks["lcz"], (), {})
    assert _declared(silent, "clean", one)[0] == "unknown: pretraining"
    assert _declared(silent, "linked: city (3 %)", other, one)[0] == "linked: city (3 %); unknown: pretraining"
    assert _declared(silent, "unknown: city", one)[0] == "unknown: city, pretraining"
    assert _declared(silent, "clean", other) == ("clean", "")
    mark, note = _declared(told, "clean", one)
    assert mark == "clean"
    assert note == "vectors of a model trained, as declared, on SSL4EO-S12"


def test_a_file_that_is_missing_and_a_release_that_is_not_selected_are_named(tmp_path):
    asked = {"releases": ["so2sat-sample"], "feature_sets": ["lcz-s2", "conv"], "schemes": ["published"]}
    with pytest.raises(InputError, match="no such file"):
        select({**asked, "external": {"conv": {"release": "so2sat-sample", "file": str(tmp_path / "none.csv")}}})
    with pytest.raises(InputError, match="not selected"):
        select({**asked, "external": {"conv": {"release": "so2sat-v2", "file": "none.csv"}}})
    given = write(tmp_path, "csv")
    selection = select({**asked, "external": {"conv": {"release": "so2sat-sample", **given}}})
    assert selection.sets("so2sat-sample") == ["lcz-s2", "conv"]
    assert given["file"] not in json.dumps(selection.described["vocabulary"])


def test_features_of_vectors_are_the_vectors_themselves(tmp_path):
    about = opened(**write(tmp_path, "csv")).feature_sets["conv"]
    found = patch.compute(about.features, external.vectors(about, PATCHES), about.bands)
    np.testing.assert_allclose(found, VALUES, rtol=1e-6)
    assert patch.resolve("e1", about.bands).bands == ("e1",)
