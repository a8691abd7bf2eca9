"""Finished versions that other code has made: a file that has another form names that code, whatever the command."""

import json
import shutil
from pathlib import Path

import pytest

import scenes
from sentinel_forest.cli import _message, main
from sentinel_forest.config import paths
from sentinel_forest.config.paths import ENVIRONMENT, VERSION
from sentinel_forest.errors import FormError
from sentinel_forest.io.tables import write_text
from sentinel_forest.sensors import SENTINEL_2

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scenes.clouds(tmp_path_factory.mktemp("made"), "l1c-6")


def stopped(version: Path, scene: Path, feature_set: str = "l1c-6") -> str:
    words = ["--version", version, "--release", "mine", "--scheme", "published", "--trial", 1, "--set", feature_set]
    words += ["--scene", scene, "--level", "L1C", "--offset", 0, "--output", scene.parent / "map.tif"]
    with pytest.raises(SystemExit) as stop:
        main(["map", *map(str, words)])
    message = str(stop.value)
    assert len(message.splitlines()) <= 5
    assert not (scene.parent / "map.tif").exists()
    return message


@pytest.mark.parametrize("where", [f"commit {COMMIT[:12]} of 2026-01-31", "checksum fedcba987654"])
def test_a_table_of_other_code_names_that_code(version: Path, tmp_path: Path, where: str) -> None:
    folder = shutil.copytree(version, tmp_path / "results" / "v1")
    metrics = folder / paths.place(paths.METRICS, release="mine", scheme="published", trial=1)
    write_text(metrics, "release\tscheme\tvalue\nmine\tpublished\t0.5\n")
    machine = {"commit": COMMIT if where.startswith("commit") else None, "committed": "2026-01-31", "environment": {}}
    write_text(folder / ENVIRONMENT, json.dumps(machine))
    about = json.loads((folder / VERSION).read_text())
    write_text(folder / VERSION, json.dumps({**about, "identity": {"code": "fedcba9876543210"}}))
    scene = scenes.write_bands(tmp_path / "scene", tuple(SENTINEL_2), scenes.noise(3, (13, 20, 20)))
    message = stopped(scenes.seal(folder), scene)
    assert "A table lacks columns" in message
    assert f"v1 was made by other code ({where})" in message


def test_a_forest_of_other_features_is_not_to_be_deleted(version: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(version, tmp_path / "results" / "v1")
    place = folder / "mine" / "baselines" / "published" / "1"
    shutil.copytree(place / "l1c-6", place / "l1c")
    scene = scenes.write_bands(tmp_path / "scene", tuple(SENTINEL_2), scenes.noise(3, (13, 20, 20)))
    message = stopped(scenes.seal(folder), scene, "l1c")
    assert "does not fit its feature set" in message
    assert "was made by other code" in message
    assert "delete the file" not in message


def test_a_table_outside_of_a_version_names_no_code(tmp_path: Path) -> None:
    error = FormError("A table lacks columns.", where=tmp_path / "a.tsv", remedy="look at it")
    assert _message(error, ["map"]).splitlines()[1:] == [f"  where: {tmp_path}/a.tsv", "  what to do: look at it"]
