"""The default run has the bytes that `results/reference` says, on a processor with fewer instructions as well."""

from pathlib import Path

import numpy as np
import pytest

from project import ROOT, copy_project

OWN = "  version.json"
"""Names the commit and the machine, so that it is no part of the reference."""


@pytest.mark.long
@pytest.mark.xdist_group("runs")
@pytest.mark.parametrize("processor", ["this one", "an older one"])
def test_the_default_run_has_the_bytes_of_the_reference(tmp_path: Path, processor: str) -> None:
    more = " ".join(np.show_config(mode="dicts")["SIMD Extensions"]["found"])
    fewer = {"NPY_DISABLE_CPU_FEATURES": more, "OPENBLAS_CORETYPE": "Nehalem"}
    checkout = copy_project(tmp_path / "project")
    checkout.snakemake("--cores", "2", **(fewer if processor == "an older one" else {}))
    lines = checkout.manifest("sample-v1").splitlines()
    found = [line for line in lines if not line.endswith(OWN)]
    reference = (ROOT / "results" / "reference" / "manifest.sha256").read_text(encoding="utf-8")
    assert found == reference.splitlines()
