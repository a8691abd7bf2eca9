"""Errors that a user can do something about, and the way a step ends with one."""

import sys
from collections.abc import Callable, Sequence


class InputError(Exception):
    """Something a user gave is not what it should be.

    Parameters
    ----------
    problem : str
        What is wrong, in a sentence.
    where : str
        The file, and the place in it (row, key, layer).
    found, expected : object
        What is there, and what should be.
    remedy : str
        What to do next.
    """

    def __init__(
        self,
        problem: str,
        *,
        where: object = None,
        found: object = None,
        expected: object = None,
        remedy: str | None = None,
    ) -> None:
        lines = [problem]
        rows = {"where": where, "found": found, "expected": expected, "what to do": remedy}
        lines += [f"  {label}: {value}" for label, value in rows.items() if value is not None]
        super().__init__("\n".join(lines))


class ArgumentError(InputError, ValueError):
    """An argument of a public function is not what it should be: a `ValueError`, as scikit-learn raises it."""


def run(main: Callable[[Sequence[str] | None], None]) -> None:
    """Call a step's ``main``; end with status 1 and a plain message on a user's mistake."""
    try:
        main(None)
    except InputError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        if error.filename is None and error.errno is None:
            raise
        sys.exit(f"error: {error.strerror}\n  where: {error.filename or 'unknown file'}")
