"""Situations that users have reported, written from real pixels where these are present."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from project import ROOT


@pytest.fixture(scope="session")
def reported(real: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all situations; tests that need it are skipped where their script is absent."""
    folder = Path(os.environ.get("SENTINEL_FOREST_REPORTED", ROOT.parent / "shared" / "reported"))
    if not folder.is_dir():
        pytest.skip(f"no reported situations at {folder} (set SENTINEL_FOREST_REPORTED to their folder)")
    out = tmp_path_factory.mktemp("reported")
    subprocess.run([sys.executable, folder / "make_inputs.py", out, real], check=True, capture_output=True)
    return out
