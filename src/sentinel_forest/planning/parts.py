"""What a configuration selects and what it cannot have, one by one."""

from typing import NamedTuple


class Baseline(NamedTuple):
    """One forest: a feature set trained on one trial of a scheme."""

    release: str
    scheme: str
    trial: int
    set: str


class Skipped(NamedTuple):
    """Something configured that a release cannot give, and why."""

    release: str
    kind: str
    name: str
    reason: str

    @classmethod
    def parse(cls, text: str) -> "Skipped":
        """Read the form of the command line, ``release:kind:name:reason``."""
        return cls(*text.split(":", 3))

    def __str__(self) -> str:
        return ":".join(self)
