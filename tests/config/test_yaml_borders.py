"""YAML from outside: within bounds, and whatever is wrong with it is one message with the file's name."""

import datetime
import os
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sentinel_forest.config import releases
from sentinel_forest.config.model import Configuration
from sentinel_forest.config.registry import RegistryEntry
from sentinel_forest.config.validation import load_yaml, parse, read_yaml
from sentinel_forest.errors import InputError
from sentinel_forest.registry import PAPERS, RELEASES

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{last}'] * 10)}]\n" for last, name in zip("abcdefgh", "bcdefghi", strict=True)
)
BROKEN = {
    "not closed": b"a: [1, 2",
    "a tab": b"a:\n\t- 1",
    "no UTF-8": b"a: \xff\xfe\n",
    "a zero byte": b"a: \x00",
    "nested too deep": b"[" * 200_000,
    "dashes too deep": b"- " * 200_000,
    "no date": b"a: 2024-13-45",
    "no date by its tag": b"a: !!timestamp x",
    "no number by its tag": b"a: !!int ''",
    "a number of 5000 figures": b"a: " + b"9" * 5000,
    "an object": b"a: !!python/object/apply:os.system [ls]",
    "itself": b"&a [*a]",
    "a list as key": b"? [a]\n: b",
    "values that stand for a thousand million others": LAUGHS.encode(),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_wrong_with_a_file_is_one_message(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "toy.yaml"
    path.write_bytes(BROKEN[kind])
    with pytest.raises(InputError, match=r"A file is not valid YAML\.") as error:
        read_yaml(path)
    assert str(path) in str(error.value)
    assert len(str(error.value).splitlines()) <= 5


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentinel_forest.config.validation.MOST_CHARACTERS", 100)
    (tmp_path / "a.yaml").write_text("a: " + "x" * 100)
    with pytest.raises(InputError, match="more than 100 characters"):
        read_yaml(tmp_path / "a.yaml")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.yaml")
    with pytest.raises(InputError, match="not a plain file"):
        read_yaml(tmp_path / "a.yaml")


@pytest.mark.parametrize("path", sorted([*RELEASES.glob("*.yaml"), *PAPERS.glob("*.yaml")]), ids=lambda path: path.stem)
def test_what_ships_with_the_package_is_read_as_the_library_reads_it(path: Path) -> None:
    assert read_yaml(path) == yaml.safe_load(path.read_text(encoding="utf-8"))


PLAIN = (bool, int, float, str, bytes, list, dict, set, datetime.date)


@given(st.text(alphabet="ab:-[]{}&*!?|>'\"#%@`,. \n\t\x00é0189", max_size=40))
def test_any_text_is_plain_values_or_one_error(text: str) -> None:
    try:
        values = load_yaml(text)
    except ValueError:
        return
    assert values is None or isinstance(values, PLAIN)


# Names and numbers

NAMES = (
    "a`touch PWNED`b",
    "$(touch PWNED)",
    "a\n",
    "a b",
    "a;b",
    "a'b",
    'a"b',
    "{a}",
    "../a",
    "/a",
    "-a",
    "é",
    "a" * 101,
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("key", ["version", "releases", "schemes", "feature_sets", "own_schemes", "own_releases"])
def test_no_name_that_a_shell_would_take_for_something_else(key: str, name: str) -> None:
    values = {
        "version": name,
        "releases": [name],
        "schemes": [name],
        "feature_sets": [name],
        "own_schemes": {name: {"kind": "published"}},
        "own_releases": {name: {"dataset": "so2sat", "folder": "x"}},
    }
    with pytest.raises(InputError) as error:
        parse(Configuration.model_validate, {"releases": ["so2sat-sample"]} | {key: values[key]}, "config")
    assert key in str(error.value)


@pytest.mark.parametrize(
    "values",
    [
        {"trials": 1001},
        {"shards": {"so2sat-sample": 10_001}},
        {"own_schemes": {"mine": {"kind": "kfold", "folds": 100, "repeats": 11}}},
        {"own_schemes": {"mine": {"kind": "kfold", "repeats": 10**9}}},
        {"own_releases": {"mine": {"dataset": "so2sat", "folder": "x", "shards": 10**6}}},
    ],
    ids=str,
)
def test_numbers_of_jobs_have_a_bound(values: dict) -> None:
    with pytest.raises(InputError):
        parse(Configuration.model_validate, {"releases": ["so2sat-sample"]} | values, "config")


def test_the_largest_numbers_of_jobs_are_taken() -> None:
    values = {"releases": ["so2sat-sample"], "trials": 1000, "shards": {"so2sat-sample": 10_000}}
    assert parse(Configuration.model_validate, values, "config").trials == 1000


@pytest.mark.parametrize("dataset", ["../x", "os", "a b", "so2sat.checks", 5, None])
def test_a_dataset_is_no_path_and_no_module(dataset: object) -> None:
    entry = read_yaml(RELEASES / "so2sat-sample.yaml") | {"dataset": dataset}
    if dataset in ("os", "so2sat.checks"):  # names that no dataset has
        from sentinel_forest import datasets

        with pytest.raises(InputError, match="Unknown dataset"):
            datasets.load(str(dataset))
    else:
        with pytest.raises(InputError, match="dataset"):
            parse(RegistryEntry.model_validate, entry, "entry")


def test_a_home_folder_of_nobody_is_named() -> None:
    with pytest.raises(InputError, match="The home folder of a path is not known"):
        releases._existing("~nobody-of-this-name/x", "folders.toy")


def test_a_path_that_no_disk_takes_is_refused() -> None:
    entry = read_yaml(RELEASES / "so2sat-sample.yaml")
    for path in ("a" * 201, "/".join(["a"] * 600)):
        with pytest.raises(InputError, match="more than 1000 characters, or a part of it more than 200 bytes"):
            parse(RegistryEntry.model_validate, entry | {"files": [{"path": path}]}, "entry")


@pytest.mark.parametrize("text", ["a: 1\nb: 2\na: 3", "x: {md5: 1, sha: 2, md5: 3}", "- {a: 1}\n- {b: 1, b: 1}"])
def test_a_key_that_stands_twice_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"the key .* stands twice in line"):
        load_yaml(text)


def test_a_key_may_stand_in_several_mappings_and_settings_be_taken_over() -> None:
    assert load_yaml("a: &own {x: 1, y: 2}\nb: {<<: *own, x: 3}") == {"a": {"x": 1, "y": 2}, "b": {"x": 3, "y": 2}}
