"""Predictions that others made: every form gives the same scores, and whatever is wrong with them is named."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rasterio
from scipy.io import savemat
from sklearn.metrics import accuracy_score, cohen_kappa_score, recall_score

from sentinel_forest import datasets, simulate
from sentinel_forest.datasets.base import no_hashes
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation.confusion import CONFUSION, WHOLE
from sentinel_forest.evaluation.foreign import foreign
from sentinel_forest.evaluation.foreign_files import Answers
from sentinel_forest.evaluation.foreign_paired import foreign_paired
from sentinel_forest.evaluation.foreign_patches import align
from sentinel_forest.evaluation.paired import PAIRED
from sentinel_forest.evaluation.score import METRICS, SCORES_BY
from sentinel_forest.io import tables
from sentinel_forest.splits import ledger
from sentinel_forest.splits.split import SPLIT
from sentinel_forest.verify.catalog import make
from sentinel_forest.versions import reproduction

ZONES = datasets.load("so2sat").tasks["lcz"].names
CITIES, EACH = 10, 34
SIDE = 64


def write_release(folder: Path, catalog: pd.DataFrame, keys: dict[str, str], dataset: str) -> dict[str, Any]:
    """Everything that the step reads of a release and its published split; no forest was grown."""
    split = pd.DataFrame({"patch": catalog["patch"], "role": catalog["published_split"], "weight": 1.0}).astype(
        {"patch": "str", "role": "str"}
    )
    catalog.to_parquet(folder / "catalog.parquet")
    tables.write_parquet(folder / "split.parquet", split, SPLIT)
    tables.write_tsv(folder / "ledger.tsv", ledger.build(catalog, {("published", 1): split}, keys), ledger.LEDGER)
    (folder / "verified.json").write_text(json.dumps({"accepted": []}))
    empty = pd.DataFrame(columns=list(CONFUSION.columns))
    tables.write_parquet(folder / "others.parquet", tables.conform(empty, CONFUSION), CONFUSION)
    names = ("catalog", "split", "ledger", "verified", "others")
    files = {name: next(folder.glob(f"{name}.*")) for name in names}
    return {"name": "net", "release": "so2sat-v2", "scheme": "published", "trial": 1, "dataset": dataset, **files}


@pytest.fixture(scope="module")
def release(tmp_path_factory) -> tuple[dict[str, Any], pd.DataFrame]:
    """So2Sat from metadata alone: ten test cities with 34 patches each, other cities to train; and its test patches."""
    folder = tmp_path_factory.mktemp("release")
    random = np.random.default_rng(1)
    count = CITIES * EACH
    table = pd.DataFrame({"published_split": ["train"] * count + ["test"] * count, "row": [*range(count)] * 2})
    table["file"] = table["published_split"].map({"train": "training.h5", "test": "testing.h5"})
    table["patch"] = table["file"].str[:-3] + "/" + table["row"].map("{:06d}".format)
    table["city"] = table["published_split"] + " city " + (table["row"] % CITIES).astype("str")
    table["group"], table["content_hash"] = table["city"], [f"{place:032x}" for place in range(len(table))]
    table["label"] = random.integers(0, len(ZONES), len(table)).astype("int16")
    unknown = dict.fromkeys(("x", "y", "lon", "lat", "side_m"), np.nan)
    table = table.assign(**unknown, epsg=pd.array([pd.NA] * len(table), "Int32"))
    keys = {"city": "mark", "acquisition": "not published", "footprint": "count"}
    about = write_release(folder, table, keys, "so2sat")
    test = table[table["published_split"] == "test"].reset_index(drop=True)
    right = random.uniform(size=len(test)) < 0.7
    test["said"] = np.where(right, test["label"], (test["label"] + 1) % len(ZONES))
    others = pd.DataFrame({"patch": test["patch"], "group": test["group"], "role": "test"})
    worse = np.where(np.arange(len(test)) // CITIES % 2, test["label"], (test["label"] + 2) % len(ZONES))
    others["true"], others["predicted"] = [np.array(ZONES, dtype=object)[each] for each in (test["label"], worse)]
    who = {"scheme": "published", "trial": 1, "task": "lcz", "features": "lcz-s2", "classifier": "forest"}
    others = others.assign(**who, count=1, weight=1.0, train_patches=count, **WHOLE)
    tables.write_parquet(about["others"], tables.conform(others[list(CONFUSION.columns)], CONFUSION), CONFUSION)
    return about, test


def run(about: dict[str, Any], file: Path, **changes: object) -> dict[str, pd.DataFrame]:
    out = {name: file.with_name(f"{name}.out") for name in ("confusion", "metrics", "scores_by", "paired")}
    given: dict[str, Any] = {"role": "test", "trained_on": "published", "task": "", "model": "", "variable": ""}
    given = {**about, **given, "folder": file.parent, "file": file, "draws": 200, "seed": 1, **changes}
    paired, others = out.pop("paired"), given.pop("others")
    foreign(**given, **out)
    same = (
        "name",
        "role",
        "task",
        "model",
        "release",
        "scheme",
        "trial",
        "dataset",
        "catalog",
        "split",
        "draws",
        "seed",
    )
    scored = {"confusion": out["confusion"], "metrics": out["metrics"], "layout": given.get("layout")}
    foreign_paired(**{name: given[name] for name in same}, **scored, others=others, paired=paired)
    out["paired"] = paired
    schemas = {"metrics": METRICS, "scores_by": SCORES_BY, "paired": PAIRED}
    return {name: tables.read_tsv(out[name], schema) for name, schema in schemas.items()}


@pytest.fixture(scope="module")
def base(release, tmp_path_factory) -> dict[str, pd.DataFrame]:
    """Scores of a table with names and classes."""
    about, test = release
    file = tmp_path_factory.mktemp("base") / "net.csv"
    pd.DataFrame({"patch": test["patch"], "predicted": [ZONES[code] for code in test["said"]]}).to_csv(
        file, index=False
    )
    return run(about, file)


def test_scores_are_those_of_scikit_learn(release, base):
    _, test = release
    overall = base["metrics"].set_index(["metric", "class"])
    assert overall.loc[("oa", ""), "value"] == pytest.approx(accuracy_score(test["label"], test["said"]))
    assert overall.loc[("kappa", ""), "value"] == pytest.approx(cohen_kappa_score(test["label"], test["said"]))
    recall = recall_score(test["label"], test["said"], average=None)
    assert overall.loc[("aa.present", ""), "value"] == pytest.approx(recall.mean())
    assert overall.loc[("pa", ZONES[3]), "value"] == pytest.approx(recall[3])
    row = overall.loc[("oa", "")]
    assert row["low"] < row["value"] < row["high"]
    assert (row["n"], row["groups"], row["mark"]) == (CITIES * EACH, CITIES, "clean")
    assert "trained on published, as declared" in row["note"]


def test_it_is_held_against_the_forests_of_the_trial(base):
    row = base["paired"].set_index("metric").loc["oa"]
    assert (row["classifier_a"], row["classifier_b"], row["features_b"]) == ("net", "forest", "lcz-s2")
    assert row["low"] > 0
    assert row["p"] == pytest.approx(2 / 2**CITIES)


def test_each_city_has_scores(release, base):
    _, test = release
    found = base["scores_by"]
    oa = found[(found["metric"] == "oa") & (found["attribute"] == "city")].set_index("stratum")["value"]
    for city, rows in test.groupby("city"):
        assert oa[city] == pytest.approx((rows["label"] == rows["said"]).mean())


def forms(folder: Path, test: pd.DataFrame) -> dict[str, tuple[Path, dict[str, object]]]:
    """The same predictions in other forms."""
    said, patches = test["said"].to_numpy(), test["patch"].astype("str")
    scores = np.full((len(test), len(ZONES)), 0.01)
    scores[np.arange(len(test)), said] = 0.84
    names = dict(zip(ZONES, scores.T, strict=True))
    pd.DataFrame({"patch": patches, "predicted": said}).sample(frac=1, random_state=1).to_csv(
        folder / "order.csv", index=False
    )
    pd.DataFrame({"patch": patches, **names}).to_parquet(folder / "names.parquet")
    pd.DataFrame({"id": patches, "label": test["label"] + 1, "y_pred": said + 1}).to_csv(
        folder / "one.csv", index=False
    )
    pd.DataFrame({"sample_id": test["row"], **{f"p_{i}": scores[:, i] for i in range(17)}}).to_csv(folder / "rows.csv")
    counted = {f"p_{place}": column for place, column in enumerate(scores.T, 1)}
    pd.DataFrame({"patch": patches, **counted}).to_parquet(folder / "from one.parquet")
    np.save(folder / "codes.npy", said + 1)
    np.savez(folder / "scores.npz", prob=scores, patch=patches.to_numpy().astype("U"))
    savemat(folder / "net.mat", {"y_pre": said[:, None], "y_testV": test["label"].to_numpy()[:, None]})
    options: dict[str, dict[str, object]] = {"net.mat": {"variable": "y_pre"}}
    return {path.name: (path, options.get(path.name, {})) for path in sorted(folder.iterdir())}


FORMS = ("codes.npy", "from one.parquet", "names.parquet", "net.mat", "one.csv", "order.csv", "rows.csv", "scores.npz")


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_scores(release, base, tmp_path, form):
    about, test = release
    path, options = forms(tmp_path, test)[form]
    found = run(about, path, **options)
    columns = [name for name in METRICS.columns if name != "note"]
    pd.testing.assert_frame_equal(found["metrics"][columns], base["metrics"][columns])
    pd.testing.assert_series_equal(found["paired"]["p"], base["paired"]["p"])
    in_order = form in ("codes.npy", "net.mat")
    assert found["metrics"]["note"].str.contains("in the order of the catalog").all() == in_order


def frame(test: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"patch": test["patch"].astype("str"), "predicted": test["said"]})


def wrong_inputs(test: pd.DataFrame) -> dict[str, tuple[pd.DataFrame, str, str]]:
    """A table, what is wrong in words, and what the message must name."""
    good = frame(test)
    inside = good[good["predicted"].between(1, 15)]
    return {
        "half": (good.iloc[::2], "do not cover the role", "170 of 340"),
        "other role": (
            good.assign(patch=good["patch"].str.replace("testing", "training")),
            "do not cover the role",
            "0 of 340 patches of test: these are patches of train",
        ),
        "twice": (pd.concat([good, good.iloc[[5]]]), "predicted twice", "testing/000005"),
        "stranger": (good.replace("testing/000003", "testing/999999"), "of no patch", "testing/999999"),
        "other dataset": (good.assign(patch="ROI_0001/" + good["patch"]), "another dataset", "340 of 340"),
        "codes": (inside, "count from 0 or from 1", "first_code"),
        "no class": (good.replace({"predicted": {4: 40}}), "is no class", "40"),
        "no word": (
            good.astype({"predicted": "str"}).replace({"predicted": {"4": "Dense tree"}}),
            "is no class",
            "Dense",
        ),
        "truth": (good.assign(true=test["label"].iloc[::-1].to_numpy()), "not those of the catalog", "another order"),
        "no column": (good.rename(columns={"predicted": "verdict"}), "no column of predictions", "verdict"),
        "blank": (good.astype({"predicted": "str"}).replace({"predicted": {"4": ""}}), "is no class", "nothing"),
        "rows from 1": (good.assign(patch=test["row"] + 1).rename(columns={"patch": "row"}), "of no patch", "from 0"),
        "level": (good[["patch"]].assign(**dict.fromkeys(ZONES, 0.5)), "same number for each class", "340 of 340"),
        "some classes": (good[["patch"]].assign(**dict.fromkeys(ZONES[:-1], 0.5)), "some classes", "water"),
        "two columns": (
            good.assign(id=good["patch"].replace("testing/000003", "testing/000004")),
            "name different patches",
            "testing/000003; column id: testing/000004 (1 of 340 rows)",
        ),
        "counter": (
            good.assign(id=range(len(good))).rename(columns={"patch": "file"}).iloc[::-1].assign(id=range(len(good))),
            "name different patches",
            "column file: testing/000339",
        ),
        "no names": (good[["predicted"]].iloc[:50], "not one row for each patch", "50 rows"),
    }


CASES = ("half", "twice", "stranger", "other dataset", "codes", "no class", "no word", "truth", "no column")
CASES += ("blank", "rows from 1", "level", "some classes", "no names", "other role", "two columns", "counter")


@pytest.mark.parametrize("case", CASES)
def test_what_is_wrong_is_named(release, tmp_path, case):
    about, test = release
    table, problem, named = wrong_inputs(test)[case]
    table.to_csv(tmp_path / "net.csv", index=False)
    with pytest.raises(InputError, match=problem) as caught:
        run(about, tmp_path / "net.csv")
    assert named in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 5


def test_further_columns_that_name_the_same_patch_or_none_are_no_fault(release, tmp_path):
    about, test = release
    more = {"file": test["patch"] + ".npy", "image": "a.png", "index": np.arange(len(test))[::-1]}
    frame(test).assign(**more).to_csv(tmp_path / "net.csv", index=False)
    assert len(run(about, tmp_path / "net.csv")["metrics"])


def test_declared_codes_settle_the_doubt(release, tmp_path):
    about, test = release
    table = frame(test).assign(predicted=test["said"].clip(1, 15))
    table.to_csv(tmp_path / "net.csv", index=False)
    oa = [run(about, tmp_path / "net.csv", first_code=first)["metrics"]["value"].iloc[0] for first in (0, 1)]
    assert oa[0] == pytest.approx((test["label"] == test["said"].clip(1, 15)).mean())
    assert oa[1] == pytest.approx((test["label"] == test["said"].clip(1, 15) - 1).mean())


def test_rows_in_another_order_are_doubted(release, tmp_path):
    """Without names and truth nothing proves it, but agreement by chance says it."""
    about, test = release
    np.save(tmp_path / "net.npy", np.random.default_rng(6).permutation(test["said"].to_numpy()))
    notes = run(about, tmp_path / "net.npy")["metrics"]["note"]
    assert notes.str.contains("no better than chance").all()


def test_rows_of_sen12ms_are_lines_of_the_publishers_list(tmp_path):
    """They were rows of the sorted catalog: right predictions got the scores of another order, without a word."""
    opened = datasets.load("sen12ms")
    (tmp_path / "splits").mkdir()
    order = ("146", "63", "97")
    names = [f"ROIs1158_spring_s2_{scene}_p30.tif" for scene in order]
    (tmp_path / "splits" / "test_list.txt").write_text("\n".join(names))
    catalog = make(opened, tmp_path, opened.list_files(tmp_path), no_hashes())
    catalog["role"], role = "test", np.arange(3)
    assert catalog["scene"].str.split("_").str[-1].tolist() == ["63", "97", "146"]
    by_row, by_name = (Answers(each, np.arange(3), None) for each in (("0", "1", "2"), tuple(names)))
    for answers in (by_row, by_name):
        assert align(answers, opened, catalog, role, tmp_path)[0].tolist() == [1, 2, 0]
    rows, note = align(Answers(None, np.arange(3), None), opened, catalog, role, tmp_path)
    assert rows.tolist() == [0, 1, 2]
    assert note == "rows taken in the order of the catalog, which is not that of the publisher's list"
    with pytest.raises(InputError, match="Row numbers stand for no patch"):
        align(by_row, opened, catalog.drop(columns="test_line"), role, tmp_path)


def test_nothing_is_unpickled(release, tmp_path):
    about, _ = release
    np.save(tmp_path / "net.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="cannot be read") as caught:
        run(about, tmp_path / "net.npy")
    assert "nothing is unpickled" in str(caught.value)


def test_the_mark_is_as_declared(release, tmp_path):
    about, test = release
    frame(test).to_csv(tmp_path / "net.csv", index=False)
    for trained_on, word in (
        ("", "not declared"),
        ("ImageNet and training.h5", "ImageNet and training.h5, as declared"),
    ):
        scores = run(about, tmp_path / "net.csv", trained_on=trained_on)["metrics"]
        assert set(scores["mark"]) == {"unknown: pretraining"}
        assert scores["note"].str.contains(word).all()


def test_truth_may_come_with_the_predictions(release, base, tmp_path):
    """A release whose catalog knows no label: its labels come in a file of their own."""
    about, test = release
    pd.read_parquet(about["catalog"]).assign(label=np.int16(-1)).to_parquet(tmp_path / "catalog.parquet")
    frame(test).to_csv(tmp_path / "net.csv", index=False)
    blind = about | {"catalog": tmp_path / "catalog.parquet"}
    with pytest.raises(InputError, match="No true class"):
        run(blind, tmp_path / "net.csv")
    pd.DataFrame({"patch": test["patch"], "label": test["label"]}).to_csv(tmp_path / "truth.csv", index=False)
    found = run(blind, tmp_path / "net.csv", truth=tmp_path / "truth.csv")
    pd.testing.assert_frame_equal(found["metrics"], base["metrics"])


def test_published_figures_of_the_model_get_a_verdict(release, tmp_path):
    about, test = release
    frame(test).to_csv(tmp_path / "net.csv", index=False)
    run(about, tmp_path / "net.csv", model="Sen2LCZ-Net")
    reproduction.reproduction(
        metrics=[],
        papers_pixels=[],
        regrouped=[],
        kinds={},
        models=[tmp_path / "metrics.out"],
        samples=[],
        output=tmp_path / "sheet.tsv",
    )
    sheet = tables.read_tsv(tmp_path / "sheet.tsv", reproduction.REPRODUCTION)
    rows = sheet[sheet["figure"] == "Sen2LCZ-Net: Sen2LCZ-Net"]
    assert len(rows) == 20
    assert rows["verdict"].str.match(r"differs by [+-]").all()
    oa = rows[rows["metric"] == "oa"].iloc[0]
    assert oa["ours"] - oa["published"] == pytest.approx(float(oa["verdict"].split()[-1]), abs=1e-6)


@pytest.fixture(scope="module")
def clouds(tmp_path_factory) -> tuple[dict[str, Any], Path, np.ndarray]:
    """A sample of CloudSEN12, and the stored truth of its test patches."""
    folder = tmp_path_factory.mktemp("clouds")
    settings = {"seed": 1, "rois": 16, "dates": 5}
    simulate.write("cloudsen12", {"side": SIDE}, settings, folder / "files")
    dataset = datasets.load("cloudsen12", {"side": SIDE})
    catalog = make(dataset, folder / "files", dataset.list_files(folder / "files"), no_hashes())
    about = write_release(folder, catalog, dataset.ledger_keys(), "cloudsen12")
    truth = np.fromfile(folder / "files" / "test" / "LABEL_manual_hq.dat", "uint8").reshape(-1, SIDE, SIDE)
    return about | {"layout": {"side": SIDE}, "folder": folder / "files"}, folder / "files", truth


@pytest.mark.parametrize("form", ["net.npy", "net.dat", "window.npy", "rasters", "from 1.npy"])
def test_pixels_of_every_form(clouds, tmp_path, form):
    """Thick cloud taken for thin: a fraction of pixels counted here from the bytes."""
    about, _, truth = clouds
    said = np.where(truth == 1, 2, truth).astype("uint8")
    inner = truth[:, 1:-2, 1:-2]
    if form == "rasters":
        patches = pd.read_parquet(about["catalog"]).query("published_split == 'test'")["patch"]
        (tmp_path / form).mkdir()
        for patch, codes in zip(patches, said, strict=True):
            np.save(tmp_path / form / f"{patch.replace('/', '__')}.npy", codes)
    elif form == "net.dat":
        said.tofile(tmp_path / form)
    else:
        np.save(tmp_path / form, said[:, 1:-2, 1:-2] if form == "window.npy" else said + (form == "from 1.npy"))
    file = tmp_path / form
    scores = run(about, file, folder=about["folder"])["metrics"].set_index(["metric", "class"])
    assert scores.loc[("oa", ""), "value"] == pytest.approx((inner != 1).mean(), abs=1e-6)
    assert scores.loc[("pa", "thick cloud"), "value"] == 0
    assert scores.loc[("boa.question", "cloud"), "value"] == 1


@pytest.mark.parametrize(("bands", "found"), [(4, "4 bands of float32"), (1, "0.25")])
def test_rasters_of_probabilities_are_not_taken_for_codes(clouds, tmp_path, bands, found):
    about, _, _ = clouds
    patches = pd.read_parquet(about["catalog"]).query("published_split == 'test'")["patch"]
    (tmp_path / "rasters").mkdir()
    for patch in patches:
        path = tmp_path / "rasters" / f"{patch.replace('/', '__')}.tif"
        with rasterio.open(
            path,
            "w",
            driver="GTiff",
            width=SIDE,
            height=SIDE,
            count=bands,
            dtype="float32",
            transform=rasterio.Affine.scale(10.0),
        ) as raster:
            raster.write(np.full((bands, SIDE, SIDE), 0.25, "float32"))
    with pytest.raises(InputError, match="codes of classes") as caught:
        run(about, tmp_path / "rasters", folder=about["folder"])
    assert found in str(caught.value)


def test_first_patches_without_an_answer_do_not_decide_how_codes_count(clouds, tmp_path):
    about, _, truth = clouds
    said = truth + 1
    said[: len(said) // 2] = 255
    np.save(tmp_path / "net.npy", said)
    scores = run(about, tmp_path / "net.npy", folder=about["folder"])["metrics"].set_index(["metric", "class"])
    right = (truth[len(said) // 2 :, 1:-2, 1:-2].size) / truth[:, 1:-2, 1:-2].size
    assert scores.loc[("oa", ""), "value"] == pytest.approx(right)
    assert scores["note"].str.contains(f"no answer for {100 * (1 - right):.3g} %").all()


def test_pixels_in_another_order_are_doubted(clouds, tmp_path):
    about, _, truth = clouds
    random = np.random.default_rng(1)
    shuffled = random.permutation(truth.ravel()).reshape(truth.shape)
    for name, said, doubted in (("right", truth, False), ("shuffled", shuffled, True)):
        np.save(tmp_path / f"{name}.npy", said)
        notes = run(about, tmp_path / f"{name}.npy", folder=about["folder"])["metrics"]["note"]
        assert notes.str.contains("no better than chance").all() == doubted


def test_a_patch_with_two_true_classes_is_named(release, tmp_path):
    about, test = release
    frame(test).to_csv(tmp_path / "net.csv", index=False)
    truth = pd.DataFrame({"patch": test["patch"], "label": test["label"]})
    pd.concat([truth, truth.iloc[[7]]]).to_csv(tmp_path / "truth.csv", index=False)
    with pytest.raises(InputError, match="two true classes") as caught:
        run(about, tmp_path / "net.csv", truth=tmp_path / "truth.csv")
    assert "testing/000007" in str(caught.value)


def test_pixels_that_do_not_fit_are_named(clouds, tmp_path):
    about, _, truth = clouds
    for array, problem in (
        (truth[:-1], "no array of the role"),
        (truth[:, :50], "another size"),
        (truth + np.uint8(9), "no class|count from 0 or from 1"),
    ):
        np.save(tmp_path / "net.npy", array)
        with pytest.raises(InputError, match=problem):
            run(about, tmp_path / "net.npy", folder=about["folder"])
    truth.tofile(tmp_path / "net.bin")
    with pytest.raises(InputError, match="a form that is not read"):
        run(about, tmp_path / "net.bin", folder=about["folder"])
    (tmp_path / "rasters").mkdir()
    with pytest.raises(InputError, match="has no raster"):
        run(about, tmp_path / "rasters", folder=about["folder"])


def test_rasters_of_another_role_are_recognised(clouds, tmp_path):
    about, _, truth = clouds
    (tmp_path / "rasters").mkdir()
    for patch in pd.read_parquet(about["catalog"]).query("published_split == 'train'")["patch"]:
        np.save(tmp_path / "rasters" / f"{patch.replace('/', '__')}.npy", truth[0])
    with pytest.raises(InputError, match=rf"found: 0 of {len(truth)} patches in \d+ files, of train\n"):
        run(about, tmp_path / "rasters", folder=about["folder"])


def test_a_column_for_background_is_no_class(release, base, tmp_path):
    about, test = release
    count = len(ZONES) + 1
    scores = np.eye(count)[test["said"] + 1]
    table = pd.DataFrame(scores, columns=[f"p_{place}" for place in range(count)]).assign(patch=test["patch"])
    table.to_csv(tmp_path / "net.csv", index=False)
    with pytest.raises(InputError, match=r"more numbers(.|\n)*p_0 to p_17(.|\n)*remove the column"):
        run(about, tmp_path / "net.csv")
    table.assign(predicted=np.array(ZONES)[test["said"]]).to_csv(tmp_path / "net.csv", index=False)
    found = run(about, tmp_path / "net.csv")  # the classes are stated: no number is read
    assert found["metrics"]["value"].equals(base["metrics"]["value"])


def test_codes_in_the_order_of_the_alphabet_are_doubted(release, base, tmp_path):
    about, test = release
    alphabet = np.argsort(np.argsort(np.array(ZONES)))
    table = pd.DataFrame({"patch": test["patch"], "predicted": alphabet[test["said"]]})
    table.to_csv(tmp_path / "net.csv", index=False)
    notes = run(about, tmp_path / "net.csv", first_code=0)["metrics"]["note"]
    assert notes.str.contains("are their codes or names exchanged").all()
    assert not base["metrics"]["note"].str.contains("exchanged").any()
