"""Names of folders that a shell, or Snakemake's own formatting, would take for something else."""

from pathlib import Path

import pytest

from project import copy_project
from sentinel_forest.datasets import so2sat

pytestmark = pytest.mark.xdist_group("runs")

CHECKOUT = "a {checkout} `touch PWNED` $(touch PWNED) 'of' \"mine\" & {{x}}"
FOLDER = "so2 {sat} $(touch PWNED);`touch PWNED` 'x' \"y\" {input} {0}"


def test_folders_of_any_name_reach_the_steps_as_they_are(tmp_path: Path) -> None:
    """A rule that only links, and one that reads: both are given the folder, from a checkout in such a folder."""
    checkout = copy_project(tmp_path / CHECKOUT)
    source = tmp_path / FOLDER
    source.mkdir()
    for name, count in {"training": 4, "testing": 2}.items():
        with so2sat.create(source, name, count) as file:
            file["label"][:, 3] = 1
            for images in ("sen1", "sen2"):
                file[images][...] = 0.1
    overlay = checkout.overlay(
        "mine.yaml", releases=["mine"], own_releases={"mine": {"dataset": "so2sat", "folder": str(source)}}
    )
    checkout.snakemake("work/mine/integrity.tsv", "--cores", "1", "--configfile", overlay)
    assert (checkout.folder / "work" / "mine" / "integrity.tsv").stat().st_size
    assert (checkout.folder / "data" / "mine").resolve() == source
    assert not list(tmp_path.rglob("PWNED"))
