"""Files that say what they are of go through the command line as they are, and wrong ones are named."""

import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel_forest import cli, steps
from sentinel_forest.steps import ForestFile, SetFile, TrialFile

NAMES = st.text("abc12_+-", min_size=1, max_size=9)
PATHS = st.text("abc/.: '$", min_size=1).map(Path)
TRIALS = st.integers(1, 99)
FILES = {
    TrialFile: st.builds(TrialFile, NAMES, TRIALS, PATHS),
    SetFile: st.builds(SetFile, NAMES, PATHS),
    ForestFile: st.builds(ForestFile, NAMES, TRIALS, NAMES, PATHS),
}


def application(kind, seen):
    def step(*, files) -> None:
        """Keep what arrives."""
        seen.append(files)

    step.__annotations__["files"] = list[kind]
    step.__name__ = "step"
    app = cli.App(default_parameter=cli.Parameter(consume_multiple=True, negative=()), result_action="return_value")
    app.command(cli._parsed(step), name="step")
    return app


@pytest.mark.parametrize("kind", FILES)
@given(data=st.data())
def test_they_arrive_as_they_were_given(kind, data):
    files, seen = data.draw(st.lists(FILES[kind].filter(lambda file: not str(file).startswith("-")), max_size=4)), []
    words = ["step", *shlex.split(steps.flags(files=files))]
    application(kind, seen)(words, exit_on_error=False, print_error=False)
    assert seen == [files]


@pytest.mark.parametrize(
    ("flags", "form"),
    [
        (["--splits", "published:first:a.parquet"], "scheme:trial:path"),
        (["--forests", "published:1:forest.skops"], "scheme:trial:set:path"),
        (["--features", "a.parquet"], "set:path"),
    ],
)
def test_a_wrong_one_is_named_with_its_form(flags, form):
    path = Path("a.parquet")
    right = {
        "splits": [TrialFile("published", 1, path)],
        "forests": [ForestFile("published", 1, "l1c", path)],
        "fits": [ForestFile("published", 1, "l1c", path)],
        "features": [SetFile("l1c", path)],
    }
    del right[flags[0][2:]]
    more = steps.flags(dataset="x", folder=path, catalog=path, shard=1, shards=1, output=path, **right)
    with pytest.raises(SystemExit) as stop:
        cli.main(["predict", *shlex.split(more), *flags])
    message = str(stop.value)
    assert f"found {flags[1]!r}, expected {form}" in message
    assert flags[0] in message
