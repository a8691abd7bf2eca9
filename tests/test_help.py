"""What the command line says of itself: a line for each command, and words for each of its options."""

import re

import pytest

from sentinel_forest import cli, steps


def test_the_list_of_commands_says_what_each_does(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["--help"])
    text = " ".join(re.sub(r"[│╭╮╰╯─]", " ", capsys.readouterr().out).split())
    for name in steps.STEPS | steps.COMMANDS:
        assert f" {name.replace('_', '-')} {steps.summary(name)}".replace("`", "") in text


@pytest.mark.parametrize("name", [*steps.STEPS, *steps.COMMANDS])
def test_no_option_is_without_words(name: str) -> None:
    step = steps.load(name)
    text, parameters = cli._one_by_one(steps.told(step)), list(steps.parameters(step))
    assert [each for each in parameters if re.search(rf"^{each}(?: :.*)?\n    \S", text, re.M)] == parameters


@pytest.mark.parametrize(
    ("word", "like"),
    [("export", ["export-trial", "tfds-export"]), ("export_trial", ["export-trial"]), ("shw", ["show"]), ("zzz", [])],
)
def test_an_unknown_command_is_answered_with_those_of_like_names(word: str, like: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main([word, "--help"])
    first, advice = str(stop.value).splitlines()
    assert re.findall(r"'(\S+)'", first) == [word, *like]
    assert advice == "  what to do: sentinel-forest --help"


def test_a_letter_does_not_list_all_commands() -> None:
    assert cli._unknown("s").count("'") == 2 * (1 + cli.MOST_LIKE)


def test_parameters_that_share_a_text_have_it_each() -> None:
    text = "Do it.\n\n    Parameters\n    ----------\n    one, two : int\n        What they are.\n"
    assert cli._one_by_one(text).endswith("one : int\n    What they are.\ntwo : int\n    What they are.\n")
