"""What all tests share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from project import ROOT

# Whatever runs in a process of its own runs the package of this checkout.
os.environ["PYTHONPATH"] = str(ROOT / "src")

# A busy machine is slow at times: that is no fault of what is tested. A change is judged on the same examples
# each time; new ones are tried wherever people work.
settings.register_profile("project", deadline=None, derandomize=os.environ.get("CI") == "true")
settings.load_profile("project")


@pytest.fixture(scope="session")
def real() -> Path:
    """The folder with mini-releases of real pixels; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("SENTINEL_FOREST_REAL", ROOT.parent / "shared" / "real"))
    if not folder.is_dir():
        pytest.skip(f"no real mini-releases at {folder} (set SENTINEL_FOREST_REAL to their folder)")
    return folder


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A small sample of each dataset, in which faults are planted. Only read them."""
    from verify.planted import write_samples  # only tests that plant faults import what writes and verifies

    return write_samples(tmp_path_factory.mktemp("samples"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that take many minutes (a whole run on a cluster, growth) run only when they are asked for."""
    if not os.environ.get("SENTINEL_FOREST_LONG"):
        for item in items:
            if item.get_closest_marker("long"):
                item.add_marker(pytest.mark.skip(reason="long; SENTINEL_FOREST_LONG=1 runs it"))
