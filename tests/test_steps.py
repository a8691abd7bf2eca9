"""Rules and steps fit together: each command that a rule runs is one that its step takes."""

import dataclasses
import hashlib
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from project import ROOT
from sentinel_forest import cli, steps
from sentinel_forest.acquire.plan import Pattern
from sentinel_forest.acquire.work import Work

MORE = {
    "version": "bound-v1",
    "releases": ["cloudsen12-sample", "so2sat-sample", "sen12ms-sample", "own.fields"],
    "feature_sets": ["l1c", "l1c+context", "lcz-s1+s2", "scene-s1+s2", "ndvi.2"],
    "own_feature_sets": {"ndvi.2": {"dataset": "cloudsen12", "features": ["NDVI", "(B8 - B12) / (B8 + B12)"]}},
    "near_duplicates": {"distance": 0.001},
    "gate": {"tile": "mark"},
    "accept": {"sen12ms-sample": ["nan"]},
    "own_releases": {"own.fields": {"dataset": "cloudsen12", "folder": "own", "licence": "MIT"}},
    "against": "earlier",
    "publish": {"date": "2026-01-31", "creators": ["Doe, Jane (0000-0002-1825-0097)", "Roe, Richard"]},
    "published_patches": {"cloudsen12-sample": "authors.csv"},
    "maps": {
        "port": {
            "scene": "scene",
            "radar": "radar",
            "level": "L1C",
            "offset": 0.0,
            "release": "cloudsen12-sample",
            "scheme": "published",
            "set": "l1c",
            "applicability": 200,
        }
    },
    "conformal": {"alpha": 0.2},
    "applicability": {"samples": 200},
    "audits": {"theirs": {"release": "so2sat-sample", "lists": "net.csv", "numbers": "split"}},
    "predictions": {
        "net": {
            "release": "so2sat-sample",
            "file": "net.csv",
            "trained_on": "published",
            "first_code": 0,
            "truth": "net.csv",
        }
    },
}
"""A configuration in which settings are given that the default run leaves out."""

BANDS = [f"L1C_B{name}" for name in (*range(1, 13), "8A")]


def commands(folder: Path, *arguments: str) -> list[str]:
    """The commands of `sentinel-forest` that a run would call."""
    snakemake = Path(sys.executable).parent / "snakemake"
    done = subprocess.run(
        [snakemake, "-s", ROOT / "Snakefile", "-d", folder, "--dry-run", "--printshellcmds", "--forceall", *arguments],
        text=True,
        capture_output=True,
        check=False,
    )
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed
    return [line.partition(": ")[2] for line in printed.splitlines() if "Shell command: sentinel-forest" in line]


def words_of(command: str) -> list[str]:
    """Arguments of a command, without what the shell does with its output."""
    return shlex.split(re.split(r" >| 2>| \| ", command)[0])[1:]


FETCHED = {
    "version": "bound-v2",
    "releases": ["mine", "bare", "so2sat-v2"],
    "places": {"so2sat-v2": "mine", "bare": "mine"},
    "own_releases": {
        "mine": {"dataset": "so2sat", "folder": "mine", "licence": "CC0-1.0"},
        "bare": {"dataset": "so2sat", "folder": "bare", "layout": {"geo": "so2sat-v4"}},
    },
    "select": {"mine": ["training*"], "so2sat-v2": ["training.h5"]},
    "feature_sets": ["lcz-s1+s2", "vectors"],
    "external": {"vectors": {"release": "mine", "file": "vectors.csv"}},
    "classes": {"so2sat": {"lcz": {"merge": {"built up": ["Open low-rise", "Open mid-rise"]}, "drop": ["Water"]}}},
}
"""Releases that are on disk, and one that is downloaded; two of them take their places from the first."""


FILES = ("mine/catalog.parquet", "bare/files.tsv", "so2sat-v2/files.tsv")


@pytest.fixture(scope="module")
def planned(tmp_path_factory) -> list[list[str]]:
    folder = tmp_path_factory.mktemp("bound")
    (folder / "more.yaml").write_text(yaml.safe_dump(MORE), encoding="utf-8")
    (folder / "fetched.yaml").write_text(yaml.safe_dump(FETCHED), encoding="utf-8")
    for name in ("mine", "bare", "scene", "radar"):
        (folder / name).mkdir()
    (folder / "bare" / "training.h5").touch()
    (folder / "authors.csv").touch()
    (folder / "net.csv").write_text("patch,predicted\ntesting/000000,0\n", encoding="utf-8")
    (folder / "vectors.csv").write_text("patch,e0\n", encoding="utf-8")
    for name in ("training.h5", "training_geo.h5"):
        (folder / "mine" / name).touch()
    earlier = folder / "results" / "earlier"
    for path in (
        *(folder / "own" / "train" / f"{layer}.dat" for layer in (*BANDS, "LABEL_manual_hq")),
        earlier / "version.json",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (earlier / "manifest.sha256").write_text(f"{hashlib.sha256(b'').hexdigest()}  version.json\n")
    default = ("--configfile", str(ROOT / "config" / "config.yaml"))
    fetched = (*default, str(folder / "fetched.yaml"))
    found = [
        *commands(folder, "all", "export", "tfds", *default),
        *commands(folder, "all", "compare", "maps", "publish", *default, str(folder / "more.yaml")),
        *commands(folder, "check", *fetched, "--config", "version=earlier"),
        *commands(folder, "plan", *(f"work/{name}" for name in FILES), *fetched),
    ]
    return [words for command in dict.fromkeys(found) for words in cli.runs(words_of(command))]


def test_every_command_is_one_that_its_step_takes(planned):
    for words in planned:
        app = cli.application(words[:1])
        _, bound, ignored = app.parse_args(words, exit_on_error=False, print_error=False)
        assert not ignored
        assert bound.arguments, words


def test_every_argument_of_a_step_is_given_by_some_rule(planned):
    given_flags: dict[str, set[str]] = {}
    for name, *words in planned:
        flags = {re.split(r"[.=]", word[2:])[0] for word in words if word.startswith("--")}
        given_flags.setdefault(name.replace("-", "_"), set()).update(flag.replace("-", "_") for flag in flags)
    for name, flags in given_flags.items():
        assert set(steps.parameters(steps.load(name))) - flags <= UNUSED_HERE.get(name, set()), name


UNUSED_HERE: dict[str, set[str]] = {name: {"layout"} for name in steps.STEPS} | {
    "download": {"parallel", "attempts", "wait", "timeout", "recheck"},
    "plan": {"timeout"},
    "check": {"profile"},
    "score": {"layout", "source"},
}
"""Arguments that no configuration above asks for: a mapping that is empty leaves no flag, only people who type the
command of a download or a check by hand change its patience or name a
profile, and no sample is scored by the forests of another release.
"""


def test_a_flag_that_no_step_knows_is_named(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["hold-links", "--ledgre", "x.tsv"])
    assert "did you mean" in str(stop.value).lower()


@pytest.mark.parametrize("kind", [steps.TrialFile, steps.ReleaseFile])
def test_a_file_without_its_trial_is_named(kind):
    whole = ":".join(["r", "s", "1", "a:b"][-len(dataclasses.fields(kind)) :])
    assert str(kind.parse(whole)) == whole
    for wrong in ("metrics.tsv", "r:published:first:metrics.tsv", "r:first:metrics.tsv"):
        with pytest.raises(ValueError, match=":".join(field.name for field in dataclasses.fields(kind))):
            kind.parse(wrong)


NAMES = st.text("abcdXY019._-", min_size=1).filter(lambda text: text.strip("._-") == text)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
SETTINGS = st.recursive(
    st.dictionaries(NAMES, SCALARS | st.lists(SCALARS), min_size=1, max_size=4),
    lambda inner: st.dictionaries(NAMES, inner | SCALARS, min_size=1, max_size=4),
    max_leaves=8,
)


@given(SETTINGS)
def test_nested_settings_arrive_as_they_were_given(values):
    seen = []

    def step(*, settings: dict[str, object]) -> None:
        """Keep what arrives."""
        seen.append(settings)

    call(step, steps.flags(settings=values))
    assert seen == [values]


def call(step: Callable[..., None], words: str) -> None:
    """Call a step as the console command does."""
    app = cli.App(default_parameter=cli.Parameter(consume_multiple=True, negative=()), result_action="return_value")
    app.command(cli._parsed(step), name="step")
    app(["step", *shlex.split(words)], exit_on_error=False, print_error=False)


@given(st.lists(st.text()), st.integers())
def test_lists_arrive_as_they_were_given(values, last):
    seen = []

    def step(*, select: list[str], last: int) -> None:
        """Keep what arrives."""
        seen.append((select, last))

    call(step, steps.flags(select=values, last=last))
    assert seen == [(values, last)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shared(steps.Arguments):
    """What steps share.

    Parameters
    ----------
    first : int
        The first.
    layout : mapping
        The second.
    """

    first: int
    layout: steps.Layout | None = None


def test_shared_arguments_are_one_value_for_a_step_and_flags_on_its_command_line():
    seen = []

    def step(*, of: Shared, last: int) -> None:
        """Keep what arrives.

        Parameters
        ----------
        of : Shared
            What is shared.
        last : int
            The last.
        """
        seen.append({"of": of, "last": last})

    given = [{"of": Shared(first=1, layout={"side": 8}), "last": 3}, {"of": Shared(first=2), "last": 4}]
    for each in given:
        call(step, steps.flags(**steps.one_by_one(each)))
    assert seen == given
    entries = "first : int\n    The first.\nlayout : mapping\n    The second.\nlast : int\n    The last.\n"
    assert steps.told(step).endswith(entries)


WORK = Work("so2sat-v4", "fit", 3, 1.5, 2000, 30, 0.25, guessed=True)


@pytest.mark.parametrize("row", [WORK, WORK._replace(guessed=False), Pattern("so2sat-v4", "-a:*")], ids=str)
def test_rows_arrive_as_they_were_given(row):
    seen = []

    def of_work(*, rows: list[Work]) -> None:
        """Keep what arrives."""
        seen.extend(rows)

    def of_patterns(*, rows: list[Pattern]) -> None:
        """Keep what arrives."""
        seen.extend(rows)

    call(of_work if isinstance(row, Work) else of_patterns, steps.flags(rows=[row, row]))
    assert seen == [row, row]


def test_a_row_of_another_form_is_named():
    with pytest.raises(SystemExit) as stop:
        cli.main(shlex.split("plan --data d --samples --folders --downloads --work --select so2sat-v4"))
    assert "found 'so2sat-v4'" in str(stop.value)
    assert "release:pattern" in str(stop.value)
