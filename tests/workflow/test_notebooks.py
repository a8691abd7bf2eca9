"""The notebooks run on a finished version, and are stored without outputs."""

import nbformat
import pytest
from nbclient import NotebookClient

from project import ROOT

pytestmark = pytest.mark.xdist_group("runs")
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def run(path, checkout, monkeypatch, **environment):
    """The notebook after it ran in an empty folder, by the text that each of its cells printed."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": checkout}})
    client.execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    texts = [output.get("text") or output["data"]["text/plain"] for output in outputs if output.output_type != "error"]
    assert not [output for output in outputs if output.get("name") == "stderr"], texts
    return "\n".join(texts)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_stored_without_outputs_and_is_short(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert len(notebook.cells) <= 16
    assert notebook.cells[0].cell_type == "markdown"


def test_splits_of_ones_own_data(tmp_path, monkeypatch):
    text = run(ROOT / "notebooks" / "splits-of-your-own-data.ipynb", tmp_path, monkeypatch)
    at_random, by_place = (
        float(line.split(":")[1]) for line in text.splitlines() if line.startswith(("random:", "by place:"))
    )
    assert at_random > by_place + 0.05  # what the text beside it says
    assert "marked" in text
    assert "clean" in text


def test_trial_in_pytorch(tiny, tmp_path, monkeypatch):
    version = str(tiny.folder / "results" / "tiny-v1")
    text = run(ROOT / "notebooks" / "trial-in-pytorch.ipynb", tmp_path, monkeypatch, SENTINEL_FOREST_VERSION=version)
    assert "155 patches; classes: clear, thick cloud" in text
    assert ("PyTorch is not installed" in text) != ("last loss" in text)
    assert text.count("pixels, mean reflectance [0.") == 4


def test_reading_a_version(tiny, tmp_path, monkeypatch):
    version = str(tiny.folder / "results" / "tiny-v1")
    text = run(ROOT / "notebooks" / "reading-a-version.ipynb", tmp_path, monkeypatch, SENTINEL_FOREST_VERSION=version)
    assert "0 of them changed" in text
    assert "linked: " in text
    assert "marked" in text
