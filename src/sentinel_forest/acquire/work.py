"""What the jobs of a rule take together, as a row and as a word of a command line."""

from typing import NamedTuple


class Work(NamedTuple):
    """All jobs of one rule on one release: their number, their processor time in hours together, what the
    largest asks for (memory in MB, minutes), and what they write together in MB; `guessed` if the size of the
    release is (see `sentinel_forest.planning.sizes.Size`).

    On the command line ``release:rule:jobs:core_hours:memory:minutes:written:guess``; the last word is ``guess``
    or ``known``.
    """

    release: str
    rule: str
    jobs: int
    core_hours: float
    memory: int
    minutes: int
    written: float
    guessed: bool = False

    @classmethod
    def parse(cls, text: str) -> "Work":
        """Read the form of the command line."""
        release, rule, jobs, hours, memory, minutes, written, guess = text.split(":")
        return cls(release, rule, int(jobs), float(hours), int(memory), int(minutes), float(written), guess == "guess")

    def __str__(self) -> str:
        hours, written = (f"{number:.6g}" for number in (self.core_hours, self.written))
        guess = "guess" if self.guessed else "known"
        words = (self.release, self.rule, self.jobs, hours, self.memory, self.minutes, written, guess)
        return ":".join(map(str, words))
