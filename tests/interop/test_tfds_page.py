"""The page on TFDS does what it says: its blocks run one after another in a copy of the project."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from project import ROOT, copy_project

pytestmark = pytest.mark.xdist_group("interop")


def test_blocks_of_the_page_run(call, tmp_path):
    checkout = copy_project(tmp_path / "project").folder
    (checkout / ".venv").symlink_to(Path(sys.prefix))
    text = (ROOT / "docs" / "tfds.md").read_text(encoding="utf-8")
    printed = ""
    for number, (language, block) in enumerate(re.findall(r"```(\w+)\n(.*?)```", text, re.S)):
        if language == "yaml":
            (checkout / re.match(r"# (\S+)", block)[1]).write_text(block)
        elif language == "python":
            (checkout / f"{number}.py").write_text(block)
            printed += call(checkout / f"{number}.py", folder=checkout)
        else:
            printed += subprocess.run(
                ["bash", "-euc", block], cwd=checkout, text=True, check=True, stdout=subprocess.PIPE
            ).stdout
    for words in (
        "so2sat\nso2sat_grouped_stratified_1\n",
        "'train': (1200, ",
        "'Compact high-rise'",
        "(32, 32, 3)",
        "TensorSpec(shape=(32, 32, 10), dtype=tf.float32",
        "training/0",
    ):
        assert words in printed, printed
    assert (checkout / "work" / "from-tfds" / "verified.json").is_file()
