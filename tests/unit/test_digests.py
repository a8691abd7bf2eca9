"""Digests follow what a step's code can do, and nothing else."""

import shutil
import subprocess
import sys

from project import ROOT
from sentinel_forest import digests

SCRIPTS = ROOT / "workflow" / "scripts"


def _digest_of_copy(tmp_path, module, edit=None):
    """`code_digest` of a module in a copy of the package, after an edit of its files."""
    package = tmp_path / "sentinel_forest"
    if not package.exists():
        shutil.copytree(SCRIPTS / "sentinel_forest", package)
    if edit:
        edit(package)
    code = f"from sentinel_forest.digests import code_digest; print(code_digest({module!r}))"
    answer = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    return answer.stdout.strip()


def _append(name, text):
    def edit(package):
        with open(package / name, "a", encoding="utf-8") as stream:
            stream.write(text)

    return edit


def test_comment_and_blank_lines_do_not_count(tmp_path):
    before = _digest_of_copy(tmp_path, "catalog")
    assert _digest_of_copy(tmp_path, "catalog", _append("catalog.py", "\n\n# a remark\n")) == before


def test_statement_counts(tmp_path):
    before = _digest_of_copy(tmp_path, "catalog")
    assert _digest_of_copy(tmp_path, "catalog", _append("catalog.py", "\nX = 1\n")) != before


def test_import_of_an_import_counts(tmp_path):
    before = _digest_of_copy(tmp_path, "catalog")
    assert _digest_of_copy(tmp_path, "catalog", _append("errors.py", "\nX = 1\n")) != before


def test_unused_module_does_not_count(tmp_path):
    before = _digest_of_copy(tmp_path, "catalog")
    assert _digest_of_copy(tmp_path, "catalog", _append("datasets/so2sat.py", "\nX = 1\n")) == before


def test_moved_package_has_the_same_digest(tmp_path):
    assert _digest_of_copy(tmp_path, "catalog") == digests.code_digest("catalog")


def test_hash_sign_in_a_text_is_no_comment(tmp_path):
    one = _digest_of_copy(tmp_path, "catalog", _append("catalog.py", '\nX = "#1"\n'))
    two = _digest_of_copy(tmp_path, "catalog", lambda p: _replace(p / "catalog.py", '"#1"', '"#2"'))
    assert one != two


def _replace(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_canonical_is_one_text_for_one_value():
    assert digests.canonical({"b": 1, "a": [1.5, None, "ä"]}) == '{"a":[1.5,null,"\\u00e4"],"b":1}'


def test_seed_depends_on_every_name():
    seeds = {digests.seed(1, "r", "s", 1), digests.seed(2, "r", "s", 1), digests.seed(1, "r", "s", 2)}
    assert len(seeds) == 3
    assert all(0 <= seed < 2**32 for seed in seeds)
