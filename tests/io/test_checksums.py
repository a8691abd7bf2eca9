"""Checksums follow what a step's code can do, and nothing else."""

import ast
import io
import shutil
import subprocess
import sys
import tokenize

import pytest

from project import ROOT
from sentinel_forest.io import checksums, modules

SCRIPTS = ROOT / "src"


def _checksum_of_copy(tmp_path, module, edit=None):
    """`code_checksum` of a module in a copy of the package, after an edit of its files."""
    return _checksums_of_copy(tmp_path, [module], edit)[module]


def _checksums_of_copy(tmp_path, modules, edit=None):
    """The same for some modules, each by itself."""
    package = tmp_path / "sentinel_forest"
    if not package.exists():
        shutil.copytree(SCRIPTS / "sentinel_forest", package)
    if edit:
        edit(package)
    code = f"from sentinel_forest.io.checksums import code_checksum; print(*map(code_checksum, {modules!r}))"
    answer = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    return dict(zip(modules, answer.stdout.split(), strict=True))


def _append(name, text):
    def edit(package):
        with open(package / name, "a", encoding="utf-8") as stream:
            stream.write(text)

    return edit


def test_comment_and_blank_lines_do_not_count(tmp_path):
    before = _checksum_of_copy(tmp_path, "verify.catalog")
    assert _checksum_of_copy(tmp_path, "verify.catalog", _append("verify/catalog.py", "\n\n# a remark\n")) == before


def test_statement_counts(tmp_path):
    before = _checksum_of_copy(tmp_path, "verify.catalog")
    assert _checksum_of_copy(tmp_path, "verify.catalog", _append("verify/catalog.py", "\nX = 1\n")) != before


def test_import_of_an_import_counts(tmp_path):
    before = _checksum_of_copy(tmp_path, "verify.catalog")
    assert _checksum_of_copy(tmp_path, "verify.catalog", _append("errors.py", "\nX = 1\n")) != before


def test_unused_module_does_not_count(tmp_path):
    before = _checksum_of_copy(tmp_path, "verify.catalog")
    assert _checksum_of_copy(tmp_path, "verify.catalog", _append("datasets/so2sat/__init__.py", "\nX = 1\n")) == before


def test_moved_package_has_the_same_checksum(tmp_path):
    assert _checksum_of_copy(tmp_path, "verify.catalog") == checksums.code_checksum("verify.catalog")


def test_data_file_counts_for_the_steps_whose_modules_name_it(tmp_path):
    """The weights of LCZ classes: steps of So2Sat depend on them, those of other datasets do not."""
    steps = ["datasets.so2sat", "datasets.sen12ms", "splits.split", "evaluation.score"]
    before = _checksums_of_copy(tmp_path, steps)
    after = _checksums_of_copy(tmp_path, steps, _append("datasets/so2sat/lcz_similarity.tsv", "# another edition\n"))
    assert [step for step in steps if before[step] != after[step]] == ["datasets.so2sat"]


def test_hash_sign_in_a_text_is_no_comment(tmp_path):
    one = _checksum_of_copy(tmp_path, "verify.catalog", _append("verify/catalog.py", '\nX = "#1"\n'))
    two = _checksum_of_copy(tmp_path, "verify.catalog", lambda p: _replace(p / "verify/catalog.py", '"#1"', '"#2"'))
    assert one != two


def _replace(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


MODULES = sorted(
    ".".join(path.relative_to(modules.PACKAGE).with_suffix("").parts).removesuffix(".__init__")
    for path in modules.PACKAGE.rglob("*.py")
    if path.parent != modules.PACKAGE or path.name != "__init__.py"
)


@pytest.mark.parametrize("module", MODULES)
def test_statements_are_those_that_python_reads(module):
    """Neither a comment is left nor a statement lost, by Python's own parser and tokens."""
    statements = checksums._statements(module)
    whole = checksums._path(module).read_text(encoding="utf-8")
    restored = statements.replace("\0", "\n")
    assert ast.dump(ast.parse(restored)) == ast.dump(ast.parse(whole))
    kinds = [token.type for token in tokenize.generate_tokens(io.StringIO(restored).readline)]
    assert tokenize.COMMENT not in kinds
    assert "" not in statements.split("\n")


@pytest.mark.parametrize("module", MODULES)
def test_imports_are_those_that_python_reads(module):
    expected = set()
    for node in ast.walk(ast.parse(checksums._path(module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0
            if (node.module or "").split(".")[0] == "sentinel_forest":
                target = node.module.removeprefix("sentinel_forest").lstrip(".")
                expected |= {target} | {f"{target}.{alias.name}".lstrip(".") for alias in node.names}
    assert set(checksums._imports(module)) == expected & set(MODULES)


def test_texts_of_all_kinds(tmp_path, monkeypatch):
    """A hash sign, quotes and blank lines in texts stay; comments and blank lines go."""
    (tmp_path / "odd.py").write_text(
        'A = "#1"  # one "\'\n\n\nB = \'\'\'\n\n# no comment "\n\'\'\'\nC = "\\"#"  \n\nD = r"\\\\"  # "\n'
    )
    monkeypatch.setattr(modules, "PACKAGE", tmp_path)
    checksums._statements.cache_clear()
    expected = ['A = "#1"', "B = '''\0\0# no comment \"\0'''", 'C = "\\"#"', 'D = r"\\\\"']
    assert checksums._statements("odd") == "\n".join(expected)
    checksums._statements.cache_clear()


def test_canonical_is_one_text_for_one_value():
    assert checksums.canonical({"b": 1, "a": [1.5, None, "ä"]}) == '{"a":[1.5,null,"\\u00e4"],"b":1}'


def test_seed_depends_on_every_name():
    seeds = {checksums.seed(1, "r", "s", 1), checksums.seed(2, "r", "s", 1), checksums.seed(1, "r", "s", 2)}
    assert len(seeds) == 3
    assert all(0 <= seed < 2**32 for seed in seeds)
