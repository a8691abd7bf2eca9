"""Files of predictions as programs write them: names and classes are found, and nothing in a file is passed over."""

import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat

from sentinel_forest import datasets
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation.foreign_files import read_answers
from sentinel_forest.planning.checking import select

DATASET = datasets.load("so2sat")
TASK = DATASET.tasks["lcz"]
PATCHES = ("testing/000002", "testing/000000", "testing/000001")
SAID = np.array([4, 0, 16])


def read(path, **options):
    return read_answers(path, DATASET, TASK, **options)


def matlab_cells(path):
    savemat(path, {"pred": SAID, "id": np.array(PATCHES, dtype=object)})


def bytes_of_numpy(path):
    np.savez(path, pred=SAID, patches=np.array(PATCHES, dtype="S"))


def index_of_pandas(path):
    pd.DataFrame({"patch": PATCHES, "predicted": SAID}).set_index("patch").to_parquet(path)


def paths_of_windows(path):
    names = [name.replace("/", "\\") for name in PATCHES]
    pd.DataFrame({"patch": names, "predicted": SAID}).to_csv(path, index=False)


WRITERS = {
    "net.mat": matlab_cells,
    "net.npz": bytes_of_numpy,
    "net.parquet": index_of_pandas,
    "net.PARQUET": index_of_pandas,
    "net.csv": paths_of_windows,
}


@pytest.mark.parametrize("name", WRITERS)
def test_names_of_patches_are_never_left_out(tmp_path, name):
    """If they were, rows would be taken in the order of the catalog."""
    WRITERS[name](tmp_path / name)
    found = read(tmp_path / name)
    assert found.names == PATCHES
    np.testing.assert_array_equal(found.classes, SAID)


@pytest.mark.parametrize("form", ["csv", "npy", "mat"])
def test_the_only_patch_of_a_role_may_have_a_number_for_each_class(tmp_path, form):
    scores = np.full((1, len(TASK.names)), 0.01)
    scores[0, 5] = 0.84
    path = tmp_path / f"net.{form}"
    if form == "csv":
        pd.DataFrame(scores, columns=list(TASK.names)).to_csv(path, index=False)
    elif form == "npy":
        np.save(path, scores)
    else:
        savemat(path, {"pred": scores})
    np.testing.assert_array_equal(read(path).classes, [5])


def test_classes_are_known_in_any_case(tmp_path):
    np.save(tmp_path / "net.npy", np.array([TASK.names[code].lower() for code in SAID]))
    np.testing.assert_array_equal(read(tmp_path / "net.npy").classes, SAID)


@pytest.mark.parametrize(("codes", "problem"), [([], "is empty"), ([-1, 3], "is no class"), ([3, 40], "is no class")])
def test_codes_that_are_none_are_not_taken_for_a_doubt_of_counting(tmp_path, codes, problem):
    np.save(tmp_path / "net.npy", np.array(codes, dtype=np.int64))
    with pytest.raises(InputError, match=problem):
        read(tmp_path / "net.npy")


@pytest.mark.parametrize(
    ("values", "row", "texts"),
    [
        (["Low plants", "Low plants", "Water", "Dense tree"], 4, ["Dense tree (1 of 4", "did you mean 'Dense trees'"]),
        (["Dense tree", "water", "Watr"], 1, ["Dense tree (2 of 3 rows)", "did you mean 'Dense trees'"]),
        (["Water", "3"], 2, ["found: 3 (1 of 2 rows)", "valid: Bare rock"]),
        (["1", "17", "Watr"], 3, ["Watr (1 of 3 rows)", "0 to 16, or names"]),
        (["0", "3", "40", "41"], 3, ["40 (2 of 4 rows)", "0 to 16, or names"]),
        (["0", "inf"], 2, ["inf"]),
    ],
)
def test_the_first_value_that_is_no_class_is_named_with_its_row(tmp_path, values, row, texts):
    """A correct class is never blamed, and a name is answered with the one that is most like it."""
    pd.DataFrame({"predicted": values}).to_csv(tmp_path / "net.csv", index=False)
    with pytest.raises(InputError, match=f"is no class.\n.*net.csv, row {row}\n") as caught:
        read(tmp_path / "net.csv")
    for text in texts:
        assert text in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 5


@pytest.mark.parametrize(("model", "is_known"), [("Sen2LCZ-Net", True), ("Sen2LCZ", False), ("KappaMask L2A", False)])
def test_a_model_of_no_paper_is_answered_before_anything_runs(tmp_path, model, is_known):
    """It would get no verdict, and nothing would say why; KappaMask L2A has figures of clouds, not of climate zones."""
    (tmp_path / "net.csv").write_text("patch,predicted\ntesting/000000,Water\n")
    net = {"release": "so2sat-sample", "file": str(tmp_path / "net.csv"), "model": model}
    config = {"releases": ["so2sat-sample"], "feature_sets": ["lcz-bands"], "predictions": {"net": net}}
    if is_known:
        assert select(config).configuration.predictions["net"].model == model
        return
    with pytest.raises(InputError, match=r"predictions\.net\.model") as caught:
        select(config)
    assert "Sen2LCZ-Net" in str(caught.value)
