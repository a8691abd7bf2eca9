"""Finished runs that the tests share."""

import pytest

from project import TINY, copy_project


@pytest.fixture
def checkout(tmp_path):
    """A fresh copy of the project in which nothing has run."""
    return copy_project(tmp_path / "project")


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """The default run, finished; and what it printed. Only read it."""
    checkout = copy_project(tmp_path_factory.mktemp("demo") / "project")
    return checkout, checkout.snakemake("--cores", "2")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A small run, finished and sealed with one core. Only read it."""
    checkout = copy_project(tmp_path_factory.mktemp("tiny") / "project")
    checkout.overlay("tiny.yaml", **TINY)
    checkout.snakemake("--cores", "1", "--configfile", "tiny.yaml")
    return checkout


@pytest.fixture(scope="session")
def draft(tmp_path_factory):
    """The small run as a draft, finished with two cores. Only read it."""
    checkout = copy_project(tmp_path_factory.mktemp("draft") / "project")
    checkout.overlay("tiny.yaml", **TINY | {"version": "draft"})
    checkout.snakemake("--cores", "2", "--configfile", "tiny.yaml")
    return checkout
