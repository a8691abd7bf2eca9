"""The environment in which other people's readers are installed."""

import os
import subprocess
from pathlib import Path

import pytest

from project import ROOT

HERE = Path(__file__).parent
ENVIRONMENT = ROOT / ".venv-interop"
RUN = """
import os, runpy, sys
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
sys.stdout.flush()
os._exit(0)  # threads of the readers' libraries sometimes abort a process that ends by itself
"""


@pytest.fixture(scope="session")
def call(tmp_path_factory):
    """Call a script of this folder with the readers' interpreter; return what it printed."""
    if not (ENVIRONMENT / "installed").is_file():
        stop = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        stop(f"no environment with tensorflow_datasets, mlcroissant and pystac at {ENVIRONMENT} (make test-interop)")
    home = tmp_path_factory.mktemp("home")

    def of(script: str | Path, *arguments: object, folder: Path = HERE) -> str:
        environment = {"HOME": str(home), "PATH": os.environ["PATH"], "CUDA_VISIBLE_DEVICES": "-1"}
        done = subprocess.run(
            [ENVIRONMENT / "bin" / "python", "-I", "-c", RUN, HERE / script, *map(str, arguments)],
            env=environment,
            cwd=folder,
            text=True,
            capture_output=True,
            check=False,
            timeout=600,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return of
