"""Errors that a user can do something about."""


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
        self.problem, self.where, self.found, self.expected, self.remedy = problem, where, found, expected, remedy
        lines = [problem]
        rows = {"where": where, "found": found, "expected": expected, "what to do": remedy}
        lines += [f"  {label}: {value}" for label, value in rows.items() if value is not None]
        super().__init__("\n".join(lines))


class ArgumentError(InputError, ValueError):
    """An argument of a public function is not what it should be: a `ValueError`, as scikit-learn raises it."""


class FormError(InputError):
    """A file that this project has written is not as this code writes it: other code may have written it."""
