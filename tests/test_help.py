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


def test_parameters_that_share_a_text_have_it_each() -> None:
    text = "Do it.\n\n    Parameters\n    ----------\n    one, two : int\n        What they are.\n"
    assert cli._one_by_one(text).endswith("one : int\n    What they are.\ntwo : int\n    What they are.\n")
