"""The workflow as a module of another one."""

import subprocess

import pandas as pd
import pytest
import yaml

from project import TINY, Checkout, copy_project

OUTER = """
configfile: "config.yaml"


module sentinel_forest:
    snakefile:
        "SNAKEFILE"
    config:
        config["sentinel_forest"]


use rule * from sentinel_forest as forest_*


rule count_patches:
    default_target: True
    input:
        "work/cloudsen12-sample/catalog.parquet",
    output:
        "patches.txt",
    shell:
        "python -c 'import sys, pandas; print(len(pandas.read_parquet(sys.argv[1])))' {input} >{output}"
"""


def committed(folder):
    """The address of the workflow in a repository of its own."""
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-C", folder]
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "all"], ["tag", "v1"]):
        subprocess.run([*git, *command], check=True)
    return f"git+file://{folder}/workflow/Snakefile@v1"


@pytest.fixture(params=["folder", "git"])
def outer(tmp_path, request):
    """A workflow that uses this one, from a folder beside it or from a repository."""
    copy = copy_project(tmp_path / "project").folder
    snakefile = "../project/workflow/Snakefile" if request.param == "folder" else committed(copy)
    folder = tmp_path / "outer"
    folder.mkdir()
    (folder / "Snakefile").write_text(OUTER.replace("SNAKEFILE", snakefile), encoding="utf-8")
    (folder / "config.yaml").write_text(yaml.safe_dump({"sentinel_forest": TINY}), encoding="utf-8")
    return Checkout(folder)


def test_outer_workflow_uses_the_catalog(outer):
    outer.snakemake("--cores", "2")
    catalog = pd.read_parquet(outer.folder / "work" / "cloudsen12-sample" / "catalog.parquet")
    assert (outer.folder / "patches.txt").read_text() == f"{len(catalog)}\n"
    assert "Nothing to be done" in outer.snakemake("forest_catalogs", "--cores", "2")


def test_all_rules_can_be_planned(outer):
    plan = outer.snakemake("forest_all", "--cores", "2", "--dry-run")
    assert "forest_seal" in plan
    assert "results/tiny-v1/manifest.sha256" in plan


def test_mistake_in_the_configuration_is_named(outer):
    values = {"sentinel_forest": TINY | {"trails": 3}}
    (outer.folder / "config.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    assert "did you mean 'trials'" in outer.snakemake("--cores", "1", "--dry-run", fails=True)
