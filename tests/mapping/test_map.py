"""Maps of scenes: equal to the workflow's answer on a patch, the same for any threads, honest about what is missing."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import rasterio

import scenes
from sentinel_forest.cli import main
from sentinel_forest.datasets import load
from sentinel_forest.datasets.base import IGNORE
from sentinel_forest.datasets.given import ShardOf
from sentinel_forest.io.tables import read_catalog, read_parquet
from sentinel_forest.mapping import strips
from sentinel_forest.mapping.map import map_scene, open_forest
from sentinel_forest.models.predict import predict
from sentinel_forest.sensors import SENTINEL_2
from sentinel_forest.steps import ForestFile, TrialFile

BANDS = tuple(SENTINEL_2)
TEN = ("B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B11", "B12")
LAYOUT = {"side": scenes.SIDE}


@pytest.fixture(scope="module", params=["l1c", "l1c+context"])
def version(request, tmp_path_factory) -> tuple[Path, str]:
    root = tmp_path_factory.mktemp("clouds")
    return scenes.clouds(root, request.param), request.param


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Path:
    return scenes.clouds(tmp_path_factory.mktemp("plain"), "l1c-6")


@pytest.fixture(scope="module")
def zones(tmp_path_factory) -> Path:
    return scenes.zones(tmp_path_factory.mktemp("zones"), "lcz-s2")


def mapped(version: Path, scene: Path, feature_set: str = "l1c-6", **more: object) -> np.ndarray:
    """Map a scene, and read the map."""
    output = scene.parent / f"{scene.name}.map.tif"
    forest = {"release": "mine", "scheme": "published", "trial": 1, "set": feature_set}
    map_scene(
        version=version,
        **forest,
        scene=scene,
        output=output,
        **{"level": "L1C", "offset": 0, "accept": scenes.NOISE, **more},
    )
    with rasterio.open(output) as file:
        return file.read(1)


def test_a_patch_is_mapped_as_the_workflow_predicts_it(version, tmp_path):
    folder, name = version
    root = folder.parent.parent
    values = scenes.stored_patch(root, "cloudsen12", LAYOUT, 5, [f"L1C_{band}" for band in BANDS])
    image = mapped(folder, scenes.write_bands(tmp_path / "patch", BANDS, values.astype(np.uint16)), name)

    place = folder / "mine" / "baselines" / "published" / "1" / name
    owner = ("published", 1, name)
    predict(
        of=ShardOf(
            dataset="cloudsen12",
            layout=LAYOUT,
            folder=root / "data" / "mine",
            catalog=root / "work" / "mine" / "catalog.parquet",
            shard=1,
            shards=1,
        ),
        splits=[TrialFile("published", 1, folder / "mine" / "splits" / "published" / "1.parquet")],
        forests=[ForestFile(*owner, place / "forest.skops")],
        fits=[ForestFile(*owner, place / "fit.json")],
        features=[],
        output=tmp_path / "predicted.parquet",
    )
    dataset = load("cloudsen12", LAYOUT)
    names = dataset.tasks["cloud"].names
    truth = scenes.stored_patch(root, "cloudsen12", LAYOUT, 5, ["LABEL_manual_hq"])[0]
    patch = read_catalog(root / "work" / "mine" / "catalog.parquet")["patch"].iloc[5]
    table = read_parquet(tmp_path / "predicted.parquet")
    table = table[(table["patch"] == patch) & (table["classifier"] == "forest")]
    counted = dict(zip(zip(table["true"], table["predicted"], strict=True), table["count"], strict=True))
    pairs, counts = np.unique(np.stack([truth.ravel(), image.ravel()]), axis=1, return_counts=True)
    assert {(names[a], names[b]): n for (a, b), n in zip(pairs.T, counts, strict=True)} == counted
    assert len(counted) > 3


def test_threads_and_tiles_change_no_byte(version, tmp_path, monkeypatch):
    folder, name = version
    scene = scenes.write_bands(tmp_path / "wide", BANDS, scenes.noise(9, (13, 150, 130)))
    votes = {"probability": tmp_path / "p.tif", "margin": tmp_path / "m.tif"}
    once = mapped(folder, scene, name, **votes)
    first = [(tmp_path / each).read_bytes() for each in ("wide.map.tif", "p.tif", "m.tif")]
    monkeypatch.setattr(strips, "TILE", 64)
    monkeypatch.setattr(strips, "STRIP", 64)
    again = mapped(folder, scene, name, threads=3, **votes)
    assert np.array_equal(once, again)
    assert [(tmp_path / each).read_bytes() for each in ("wide.map.tif", "p.tif", "m.tif")] == first


def test_votes_are_those_of_scikit_learn(plain, tmp_path):
    scene = scenes.write_bands(tmp_path / "scene", BANDS, scenes.noise(3, (13, 40, 50)))
    image = mapped(plain, scene, probability=tmp_path / "p.tif", margin=tmp_path / "m.tif")
    without = mapped(plain, scene)
    opened = open_forest(plain, "mine", "published", 1, "l1c-6")
    fractions = np.sort(_proba(opened, scene), axis=-1)
    with rasterio.open(tmp_path / "p.tif") as first, rasterio.open(tmp_path / "m.tif") as second:
        assert np.abs(first.read(1) - 100 * fractions[..., -1]).max() <= 0.5 + 1e-9
        assert np.abs(second.read(1) - 100 * (fractions[..., -1] - fractions[..., -2])).max() <= 0.5 + 1e-9
        assert first.nodata == IGNORE
    assert np.array_equal(image, without)


def _proba(opened, scene: Path) -> np.ndarray:
    """Probabilities by scikit-learn, from features worked out here."""
    bands = {}
    for band in BANDS:
        with rasterio.open(scene / f"{band}.tif") as file:
            bands[band] = file.read(1).astype(np.float32) * np.float32(1e-4)
    b = bands
    brightness = (b["B2"] + b["B3"] + b["B4"]) / 3
    named = {
        **bands,
        "NDVI": (b["B8"] - b["B4"]) / (b["B8"] + b["B4"]),
        "NDSI": (b["B3"] - b["B11"]) / (b["B3"] + b["B11"]),
        "HOT": b["B2"] - np.float32(0.5) * b["B4"] - np.float32(0.08),
        "whiteness": sum(abs(b[name] - brightness) for name in ("B2", "B3", "B4")) / brightness,
    }
    model = opened.candidate.model
    X = np.stack([named[name] for name in opened.feature_set.features], axis=-1)
    votes = np.mean([tree.predict_proba(X.reshape(-1, X.shape[-1])) for tree in model.estimators_], axis=0)
    return votes.reshape(*X.shape[:2], -1)


def test_a_patch_of_zones_is_mapped_as_its_row_of_features_is(zones, tmp_path):
    root = zones.parent.parent
    values = scenes.stored_patch(root, "so2sat", {}, 25, [f"sen2:{band}" for band in TEN])
    numbers = np.rint(values * 10_000).astype(np.uint16)
    image = mapped(zones, scenes.write_bands(tmp_path / "patch", TEN, numbers), "lcz-s2")
    opened = open_forest(zones, "mine", "published", 1, "lcz-s2")
    row = read_parquet(root / "work" / "table.parquet").iloc[25:26]
    X = row[list(opened.feature_set.features)].to_numpy(np.float32)
    assert image.shape == (1, 1)
    assert image[0, 0] == opened.candidate.codes[opened.candidate.model.predict_proba(X).argmax()]


def test_windows_of_a_wide_scene_are_its_patches(zones, tmp_path):
    wide = scenes.noise(5, (10, 72, 95))
    image = mapped(zones, scenes.write_bands(tmp_path / "wide", TEN, wide), "lcz-s2", stride=20)
    assert image.shape == (3, 4)
    for row, column in ((0, 0), (2, 3), (1, 2)):
        window = wide[:, row * 20 : row * 20 + 32, column * 20 : column * 20 + 32]
        alone = mapped(zones, scenes.write_bands(tmp_path / f"w{row}{column}", TEN, window), "lcz-s2", stride=20)
        assert alone[0, 0] == image[row, column]
    with rasterio.open(tmp_path / "wide.map.tif") as file:
        assert file.transform[:6] == (200, 0, scenes.LEFT + 60, 0, -200, scenes.TOP - 60)


def test_a_map_says_what_it_was_made_from(plain, tmp_path):
    scene = scenes.write_bands(tmp_path / "scene", BANDS, scenes.noise(3, (13, 600, 40)))
    mapped(plain, scene)
    with rasterio.open(tmp_path / "scene.map.tif") as file:
        tags = file.tags()
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert file.colormap(1)[1] == (0xDC, 0xDC, 0xDC, 255)
        assert (file.crs.to_epsg(), file.nodata, file.overviews(1)) == (32632, 255, [2])
    assert tags["version"] == "v1"
    assert tags["mark"] == "unknown: not scored"
    assert (tags["split"], tags["feature_set"], tags["level"], tags["offset"]) == (
        "published, trial 1",
        "l1c-6",
        "L1C",
        "0",
    )
    assert tags["class_3"] == "cloud shadow"
    assert tags["coarse_bands"] == "nearest neighbour; resampled before: B11, B12"
    assert "<Category>thin cloud</Category>" in (tmp_path / "scene.map.tif.aux.xml").read_text()


def test_a_product_is_read_with_its_offset_and_coarse_bands(plain, tmp_path):
    """A SAFE folder, the same zipped, and its bands repeated to 10 m by hand are one map."""
    shapes = {"B11": (60, 48), "B12": (60, 48)}
    values = {
        band: scenes.noise(n, shapes.get(band, (120, 96))) for n, band in enumerate(("B2", "B3", "B4", "B8", *shapes))
    }
    values["B2"][:3] = values["B3"][:3] = values["B4"][:3] = values["B8"][:3] = 0
    values["B11"][:2] = values["B12"][:2] = 0
    fine = {b: v.repeat(2, 0).repeat(2, 1) if b in shapes else v for b, v in values.items()}
    expected = mapped(plain, scenes.write_bands(tmp_path / "fine", fine, np.stack(list(fine.values()))))
    unseen = np.stack(list(fine.values())).max(axis=0) == 0
    assert (expected == IGNORE).sum() == unseen.sum() > 0

    shifted = {band: np.where(image == 0, 0, image + 1000).astype(np.uint16) for band, image in values.items()}
    product = scenes.write_safe(tmp_path, shifted, -1000, "05.09")
    assert np.array_equal(mapped(plain, product, level=None, offset=None), expected)
    with rasterio.open(tmp_path / f"{product.name}.map.tif") as file:
        assert (file.tags()["baseline"], file.tags()["offset"], file.tags()["scene"]) == ("05.09", "-1000", scenes.NAME)
    with zipfile.ZipFile(tmp_path / "product.zip", "w") as archive:
        for each in sorted(product.rglob("*")):
            archive.write(each, each.relative_to(tmp_path))
    assert np.array_equal(mapped(plain, tmp_path / "product.zip", level=None, offset=None), expected)


def test_what_is_measured_stays_measured_below_the_offset(plain, tmp_path):
    dark = np.full((6, 10, 10), 900, np.uint16)
    names = ("B2", "B3", "B4", "B8", "B11", "B12")
    accept = ["reflectance-scale"]
    low = mapped(plain, scenes.write_bands(tmp_path / "dark", names, dark), offset=-1000, accept=accept)
    ones = mapped(plain, scenes.write_bands(tmp_path / "ones", names, np.ones_like(dark)), accept=accept)
    assert np.array_equal(low, ones)
    assert (low != IGNORE).all()


def refused(capsys, *words: object) -> str:
    with pytest.raises(SystemExit) as stop:
        main(["map", *map(str, words)])
    message = str(stop.value)
    assert message.startswith("error: ")
    assert "Traceback" not in message
    assert len(message.splitlines()) <= 5
    return message


@pytest.fixture
def words(plain, tmp_path):
    scene = scenes.write_bands(tmp_path / "scene", BANDS, scenes.noise(3, (13, 40, 40)))
    forest = ["--version", plain, "--release", "mine", "--scheme", "published", "--trial", 1, "--set", "l1c-6"]
    return [*forest, "--scene", scene, "--output", tmp_path / "map.tif"]


SAID = ("--level", "L1C", "--offset", 0)


def test_a_command_writes_the_map(words, tmp_path):
    main(["map", *map(str, words), *map(str, SAID)])
    assert (tmp_path / "map.tif").is_file()


def test_bad_scenes_are_refused_in_words(words, tmp_path, capsys):
    scene = tmp_path / "scene"
    assert "processing level of the scene is not known" in refused(capsys, *words)
    assert "offset of the digital numbers is not declared" in refused(capsys, *words, "--level", "L1C")
    level = refused(capsys, *words, "--level", "L2A", "--offset", 0)
    assert "another processing level than the training data" in level
    assert "expected: L1C" in level

    values = scenes.noise(3, (40, 40))
    scenes.write_band(scene / "B4.tif", values, crs="EPSG:32633")
    assert "do not lie on one grid" in refused(capsys, *words, *SAID)
    scenes.write_band(scene / "B4.tif", values[:20, :20], 20.0)
    assert "pixels of another size" in refused(capsys, *words, *SAID)
    scenes.write_band(scene / "B4.tif", values.astype(np.float32))
    assert "does not hold digital numbers" in refused(capsys, *words, *SAID)
    (scene / "B4.tif").write_bytes(b"II*\0nothing")
    assert "cannot be read" in refused(capsys, *words, *SAID)
    (scene / "B4.tif").unlink()
    assert "expected: one image of B4" in refused(capsys, *words, *SAID)
    scenes.write_bands(scene, BANDS, np.zeros((13, 40, 40), np.uint16))
    assert "No pixel of the scene carries a measurement" in refused(capsys, *words, *SAID)
    assert not [each for each in tmp_path.iterdir() if "map.tif" in each.name]


def test_a_map_replaces_nothing_that_it_needs(words, tmp_path, capsys):
    before = {each: each.read_bytes() for each in (tmp_path / "scene").iterdir()}
    output = words.index("--output") + 1
    (tmp_path / "link").symlink_to(tmp_path / "scene")
    (tmp_path / "other").mkdir()
    among = ("scene/B4.tif", "scene/new.tif", "scene", "link/B4.tif", "other/../scene/B4.tif")
    for place in (tmp_path / name for name in among):
        message = refused(capsys, *words[:output], place, *words[output + 1 :], *SAID)
        assert "A map cannot be written there" in message
    assert "another layer" in refused(capsys, *words, *SAID, "--margin", tmp_path / "map.tif")
    assert "A map needs a thread" in refused(capsys, *words, *SAID, "--threads", 0)
    assert {each: each.read_bytes() for each in (tmp_path / "scene").iterdir()} == before
    main(["map", *map(str, [*words[:output], tmp_path / "new" / "map.tif", *words[output + 1 :], *SAID])])
    assert (tmp_path / "new" / "map.tif").is_file()


def test_what_a_map_would_ignore_is_refused(words, tmp_path, capsys):
    assert "The forest uses no radar" in refused(capsys, *words, *SAID, "--radar", tmp_path / "radar")
    message = refused(capsys, *words, *SAID, "--applicability", tmp_path / "near.tif", "--samples", 0)
    assert "expected: 2 or more" in message


def test_a_product_without_its_offset_is_refused(words, tmp_path, capsys):
    names = ("B2", "B3", "B4", "B8")
    product = scenes.write_safe(tmp_path / "new", {band: scenes.noise(1, (40, 40)) for band in names}, None, "04.00")
    command = [product if word == tmp_path / "scene" else word for word in words]
    assert "does not declare its offset" in refused(capsys, *command)
    metadata = product / "MTD_MSIL1C.xml"
    metadata.write_text("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>")
    assert "metadata of the product cannot be used" in refused(capsys, *command)


def test_a_forest_of_radar_needs_radar(tmp_path, capsys):
    version = scenes.zones(tmp_path, "lcz-bands")
    scene = scenes.write_bands(tmp_path / "scene", TEN, scenes.noise(3, (10, 40, 40)))
    forest = ["--version", version, "--release", "mine", "--scheme", "published", "--trial", 1, "--set", "lcz-bands"]
    words = [*forest, "--scene", scene, "--output", tmp_path / "map.tif", *SAID]
    assert "The forest uses radar, and the scene has none" in refused(capsys, *words)
    names = ("VH_re", "VH_im", "VV_re", "VV_im", "VH_intensity", "VV_intensity", "C_re", "C_im")
    radar = np.random.default_rng(1).normal(size=(8, 40, 40)).astype(np.float32)
    radar[4:6] **= 2
    scenes.write_bands(tmp_path / "radar", names, radar)
    main(["map", *map(str, words), "--radar", str(tmp_path / "radar")])
    with rasterio.open(tmp_path / "map.tif") as file:
        assert file.shape == (1, 1)
        assert file.read(1)[0, 0] != IGNORE


def test_a_version_that_was_changed_makes_no_map(words, capsys, tmp_path):
    version = scenes.clouds(tmp_path / "other", "l1c-6")
    fit = version / "mine" / "baselines" / "published" / "1" / "l1c-6" / "fit.json"
    fit.write_text(fit.read_text() + " ")
    command = ["--version", version, *words[2:]]
    assert "are not those that its manifest names" in str(_stopped(command))


def _stopped(command) -> SystemExit:
    with pytest.raises(SystemExit) as stop:
        main(["map", *map(str, command), *map(str, SAID)])
    return stop.value


def test_a_forest_that_is_not_there_is_named(words, capsys):
    place = words.index("published")
    message = refused(capsys, *words[:place], "grouped", *words[place + 1 :], *SAID)
    assert "The version has no such forest" in message
    assert "published/1/l1c-6" in message
