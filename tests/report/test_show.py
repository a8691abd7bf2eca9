"""One patch as a figure: real pixels of each dataset, what forests and algorithms say, and what cannot be shown."""

import tarfile
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from sentinel_forest import cli, datasets
from sentinel_forest.config import paths
from sentinel_forest.config.additions import ExternalTable
from sentinel_forest.config.forest import ForestSettings
from sentinel_forest.config.releases import FILES
from sentinel_forest.datasets.base import no_hashes
from sentinel_forest.datasets.cloudsen12 import CloudSEN12
from sentinel_forest.datasets.given import ShardOf
from sentinel_forest.errors import InputError
from sentinel_forest.features.external_sets import completed
from sentinel_forest.features.table import feature_table
from sentinel_forest.io import tables
from sentinel_forest.models.candidate import TablesOf
from sentinel_forest.models.fit import fit
from sentinel_forest.report import show
from sentinel_forest.report.inputs import ReleaseResults
from sentinel_forest.report.panels import GAP, WIDTH, Figure, Panel
from sentinel_forest.splits.split import SPLIT
from sentinel_forest.verify import catalog as catalogs

SIDE = 32
BANDS = ("B2", "B3", "B4", "B8", "B11", "B12")
LAYERS = [*(f"L1C_{band}" for band in BANDS), "S1_VV", "S1_VH", "LABEL_manual_hq", "LABEL_fmask"]


def work_of(root: Path, name: str, dataset: str, layout: dict, folder: Path) -> pd.DataFrame:
    """Catalog and list of files of a release whose files lie in ``data/<name>``."""
    (root / "data").mkdir(parents=True, exist_ok=True)
    if not (root / "data" / name).exists():
        (root / "data" / name).symlink_to(folder)
    opened = datasets.load(dataset, layout)
    files = opened.list_files(root / "data" / name)
    catalog = catalogs.make(opened, root / "data" / name, files, no_hashes())
    tables.write_parquet(root / "work" / name / "catalog.parquet", catalog, catalogs.schema(opened))
    listed = pd.DataFrame({"path": files, "bytes": 1}).astype({"path": "str", "bytes": "int64"})
    tables.write_tsv(root / "work" / name / "files.tsv", listed, FILES)
    return catalog


def drawn(root: Path, name: str, dataset: str, layout: dict, patch: str) -> np.ndarray:
    """The figure of a patch, by the command."""
    output = root / "figures" / f"{name}.png"
    arguments = ["show", "--release", name, "--patch", patch, "--dataset", dataset, "--output", str(output)]
    arguments += [f"--layout.{key}={value}" for key, value in layout.items()]
    cli.main([*arguments, "--data", str(root / "data"), "--work", str(root / "work")])
    return np.asarray(Image.open(output).convert("RGB"))


@pytest.fixture(scope="module")
def clouds_of(tmp_path_factory, real):
    folder = tmp_path_factory.mktemp("clouds")
    with tarfile.open(real / "cloudsen12.tar.xz") as archive:
        wanted = [member for member in archive.getmembers() if "/test/" in member.name]
        archive.extractall(folder, wanted, filter="data")
    return folder / "cloudsen12"


@pytest.mark.parametrize(("dataset", "panels"), [("sen12ms", 4), ("so2sat", 3), ("cloudsen12", 4)])
def test_real_pixels_of_each_dataset_are_drawn(dataset, panels, real, clouds_of, tmp_path):
    folder = clouds_of if dataset == "cloudsen12" else real / {"sen12ms": "sen12ms-relaid"}.get(dataset, dataset)
    catalog = work_of(tmp_path, "mine", dataset, {}, folder)
    picture = drawn(tmp_path, "mine", dataset, {}, str(catalog["patch"].iloc[0]))
    grey = np.abs(picture.astype(int) - picture[..., :1]).max(axis=2)
    assert picture.shape[1] == min(panels, 4) * (WIDTH + GAP) + GAP
    assert (grey > 20).mean() > 0.05, "no colours"
    again = drawn(tmp_path, "mine", dataset, {}, str(catalog["patch"].iloc[0]))
    assert np.array_equal(picture, again)


@pytest.fixture(scope="module")
def version(tmp_path_factory) -> ReleaseResults:
    """A release whose label follows from one band, and its forest, which has learnt that."""
    root = tmp_path_factory.mktemp("version")
    dataset, random = CloudSEN12(side=SIDE), np.random.default_rng(3)
    for split, count in {"train": 4, "val": 1, "test": 1}.items():
        stored = dataset.create(root / "data" / "mine", split, count, LAYERS)
        for layer, values in stored.items():
            values[:, 1:-2, 1:-2] = random.integers(500, 6000, (count, SIDE - 3, SIDE - 3))
            if layer.startswith("S1"):
                values[:] = -12
        stored["LABEL_manual_hq"][:] = stored["L1C_B2"] > 3000
        stored["LABEL_fmask"][:] = 4 * (stored["L1C_B2"] > 3000).astype(np.uint8)
    catalog = work_of(root, "mine", "cloudsen12", {"side": SIDE}, root / "data" / "mine")
    results = root / "results" / "v1"
    split = results / paths.place(paths.SPLIT, release="mine", scheme="published", trial=1)
    roles = pd.DataFrame({"patch": catalog["patch"], "role": catalog["published_split"], "weight": 1.0})
    tables.write_parquet(split, roles, SPLIT)
    table, where = root / "features.parquet", root / "work" / "mine" / "catalog.parquet"
    data = root / "data" / "mine"
    own = {"dataset": "cloudsen12", "layout": {"side": SIDE}, "catalog": where}
    shard = ShardOf(**own, folder=data, shard=1, shards=1)
    feature_table(of=shard, feature_set="l1c-6", draw={"pixels": 8000}, seed=1, output=table)
    owner = {"release": "mine", "scheme": "published", "trial": 1}
    forest = {
        name: results / paths.place(pattern, **owner, set="l1c-6")
        for name, pattern in {"model": paths.FOREST, "fit": paths.FIT}.items()
    }
    of = TablesOf(**own, scheme="published", trial=1, split=split, feature_set="l1c-6", features=[table])
    fit(release="mine", of=of, forest=ForestSettings(trees=10), seed=1, **forest)
    release = ReleaseResults(
        "mine",
        dataset,
        {"title": "Mine"},
        results,
        root / "work",
        root / "data",
        {"published": "published"},
        "mine",
        frozenset({split.relative_to(results).as_posix()}),
    )
    release.__dict__["metrics"] = pd.DataFrame({"features": ["l1c-6"]})
    return release


def titles(figure) -> list[str]:
    return [panel.title for panel in figure.panels]


def test_forest_and_reference_algorithm_stand_beside_the_label(version):
    patch = str(version.catalog["patch"].iloc[-1])
    figure = show.show_patch(version, patch, ("published", 1))
    shown = titles(figure)
    label, forest, fmask = (panel.pixels for panel in figure.panels[-3:])
    assert shown[-3] == "label (cloud)"
    assert shown[-2].startswith("forest l1c-6: ")
    assert shown[-1] == "fmask"
    assert "published, trial 1: a test patch" in figure.title
    # The stand-in algorithm knows the label; the forest has learnt most of it.
    assert np.array_equal(fmask, label)
    assert (forest == label).all(axis=2).mean() > 0.95
    assert int(shown[-2].split(": ")[1].split(" %")[0]) >= 95


def test_a_patch_that_the_forest_has_seen_says_so(version):
    figure = show.show_patch(version, str(version.catalog["patch"].iloc[0]), ("published", 1))
    assert "a train patch: the forests have seen it" in figure.title


def test_a_forest_of_vectors_of_another_model_is_named_where_it_cannot_be_drawn(version, tmp_path):
    np.save(tmp_path / "pixels.npy", np.zeros((6, SIDE - 3, SIDE - 3, 1), np.float32))
    version.catalog[["patch"]].to_csv(tmp_path / "keys.csv", index=False)
    table = ExternalTable(release="mine", file=str(tmp_path / "pixels.npy"), keys=str(tmp_path / "keys.csv"))
    conv = {"conv": completed("conv", table, version.dataset)}
    dataset = datasets.load("cloudsen12", {"side": SIDE, "feature_sets": conv})
    beside = replace(version, dataset=dataset)
    beside.__dict__["metrics"] = pd.DataFrame({"features": ["conv", "l1c-6"]})
    figure = show.show_patch(beside, str(version.catalog["patch"].iloc[-1]), ("published", 1))
    assert "Not drawn: forest conv" in figure.title
    assert not any("conv" in title for title in titles(figure))


def test_without_a_trial_no_forest_is_asked(version):
    assert not [
        title for title in titles(show.show_patch(version, str(version.catalog["patch"][0]))) if "forest" in title
    ]


def test_unknown_patch_trial_form_and_release_are_answered(version, tmp_path):
    with pytest.raises(InputError, match="no such patch") as stop:
        show.show_patch(version, "ROI_x")
    assert version.catalog["patch"][0] in str(stop.value)
    with pytest.raises(InputError, match="no such trial") as stop:
        show._trial(version, str(version.catalog["patch"][0]), "grouped", None)
    assert "published 1" in str(stop.value)
    places = {"data": version.data, "work": version.work}
    with pytest.raises(InputError, match=r"\.jpg"):
        show.show(release="mine", patch="x", dataset="cloudsen12", output=tmp_path / "x.jpg", **places)
    with pytest.raises(InputError, match="no catalog yet"):
        show.show(release="none", patch="x", dataset="cloudsen12", output=tmp_path / "x.png", **places)
    assert not list(tmp_path.iterdir())


def test_a_release_that_is_not_registered_needs_its_dataset(version, tmp_path, monkeypatch):
    monkeypatch.chdir(version.work.parent)
    patch = str(version.catalog["patch"][0])
    arguments = {"release": "mine", "patch": patch, "output": tmp_path / "x.png"}
    with pytest.raises(InputError, match=r"No such release is registered(?s:.*)what to do: .*--dataset NAME$"):
        show.show(**arguments)
    show.show(**arguments, dataset="cloudsen12", layout={"side": SIDE})
    assert (tmp_path / "x.png").is_file()


def test_a_figure_keeps_its_pixels_and_escapes_its_texts(tmp_path):
    random = np.random.default_rng(1)
    pixels = random.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    figure = Figure("a <b> & c\nsecond line", (Panel("forest <l1c>", pixels),) * 5, (("thin <cloud>", "#aabbcc"),) * 9)
    for form in (".png", ".pdf", ".svg"):
        figure.write(tmp_path / f"figure{form}", form)
    svg = ElementTree.parse(tmp_path / "figure.svg").getroot()
    texts = [each.text for each in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[:3] == ["a <b> & c", "second line", "forest <l1c>"]
    assert texts.count("thin <cloud>") == 9
    drawn = np.asarray(Image.open(tmp_path / "figure.png").convert("RGB"))
    cell = WIDTH // 8
    top = next(row for row in range(len(drawn)) if (drawn[row, GAP + 4] == pixels[0, 0]).all())
    found = drawn[top + cell // 2 : top + WIDTH : cell, GAP + cell // 2 : GAP + WIDTH : cell]
    assert np.array_equal(found, pixels)
    assert (tmp_path / "figure.pdf").read_bytes().startswith(b"%PDF")
