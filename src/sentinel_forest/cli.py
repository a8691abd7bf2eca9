"""The console command `sentinel-forest`: a subcommand for each step and command, derived from its signature."""

import atexit
import difflib
import gc
import inspect
import itertools
import json
import os
import pdb
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from cyclopts import App, CycloptsError, Parameter, UnknownCommandError
from pydantic import BaseModel, TypeAdapter, ValidationError

from sentinel_forest.config.paths import ENVIRONMENT, MANIFEST, VERSION
from sentinel_forest.config.validation import parse
from sentinel_forest.errors import FormError, InputError
from sentinel_forest.io import causes
from sentinel_forest.io.borders import quoted
from sentinel_forest.steps import AND, COMMANDS, STEPS, gathered, load, parameters, summary, told

NAME = "sentinel-forest"
GROUPS = {"Commands": COMMANDS, "Steps, each run by the rule of its name": STEPS}
"""What the list of all subcommands is divided into."""
MOST_LIKE = 4
"""Commands that are named at most in the place of one that does not exist."""
INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a step or command; end with status 1 and a plain message on a user's mistake.

    ``--pdb`` among the arguments starts the debugger where an exception was raised.
    """
    atexit.register(gc.freeze)  # or Python looks for garbage once more before the process ends, for up to half a second
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--pdb" in words
    words = [word for word in words if word != "--pdb"]
    try:
        for each in runs(words):
            application(words[:1])(each, exit_on_error=False, print_error=False)
    except BrokenPipeError:  # who reads the output has enough of it, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (CycloptsError, InputError, OSError) as error:
        if debug:
            pdb.post_mortem()
        sys.exit(_message(error, words))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception:
        if debug:
            pdb.post_mortem()
        raise


def runs(words: Sequence[str]) -> list[list[str]]:
    """Command lines of each run of a step: what is common, and what follows one ``--and``.

    Examples
    --------
    >>> runs(["split", "--catalog", "c", "--and", "--trial", "1", "--and", "--trial", "2"])
    [['split', '--catalog', 'c', '--trial', '1'], ['split', '--catalog', 'c', '--trial', '2']]
    """
    parts = [list(part) for bound, part in itertools.groupby(words, lambda word: word == AND) if not bound]
    common, own = (parts[0], parts[1:]) if parts else ([], [])
    return [[*common, *each] for each in own or [[]]]


def application(names: Sequence[str]) -> App:
    """The parser of all subcommands, of which those named are imported."""
    app = App(
        name=NAME,
        help="Run a command, or a single step of the workflow. `snakemake` runs all steps of a version.",
        default_parameter=Parameter(consume_multiple=True, negative=()),
        result_action="return_value",
    )
    is_listed = not set(names) - {"--help", "-h"}
    for group, places in GROUPS.items():
        for name, place in places.items():
            flag = name.replace("_", "-")
            if flag in names:
                app.command(_parsed(_loaded(name)), name=flag)
            else:
                text = summary(name) if is_listed else ""
                app.command(f"sentinel_forest.{place}", name=flag, help=text, group=group)
    return app


def _loaded(name: str) -> Callable[..., None]:
    """A step or command; what libraries bring stays, so that no garbage is looked for meanwhile."""
    gc.disable()
    try:
        return load(name)
    finally:
        gc.enable()


def _parsed(step: Callable[..., None]) -> Callable[..., None]:
    """A step whose nested settings are taken as flags with dots: ``--forest.trees 100``."""
    given = parameters(step)
    models = {name: TypeAdapter(each.annotation) for name, each in given.items() if _has_keys(each.annotation)}

    def call(**arguments: object) -> None:
        for name, model in models.items():
            if arguments.get(name) is not None:
                arguments[name] = parse(model.validate_python, arguments[name], f"--{name.replace('_', '-')}")
        step(**gathered(step, arguments))

    taken = [each.replace(annotation=_for_parser(each.annotation)) for each in given.values()]
    call.__signature__ = inspect.Signature(taken, return_annotation=None)  # type: ignore[attr-defined]
    call.__annotations__ = {each.name: each.annotation for each in taken}
    call.__doc__, call.__name__ = _one_by_one(told(step)), step.__name__
    return call


def _one_by_one(text: str) -> str:
    """The text of a step with an entry of its own for each parameter, where some share one: ``scheme, trial : ...``."""

    def entries(shared: re.Match[str]) -> str:
        return "".join(f"{name}{shared['rest']}" for name in shared["names"].split(", "))

    return re.sub(
        r"^(?P<names>\w+(?:, \w+)+)(?P<rest>(?: :.*)?\n(?:    .+\n?)+)",
        entries,
        f"{inspect.cleandoc(text)}\n",
        flags=re.M,
    )


def _for_parser(hint: Any) -> Any:
    """The type of an argument as the parser takes it."""
    if _has_keys(hint):
        return Annotated[dict[str, Any] | None, Parameter(accepts_keys=True, converter=_nested)]
    if get_origin(hint) is list and hasattr(get_args(hint)[0], "parse"):
        return Annotated[hint, Parameter(n_tokens=1, converter=_items)]
    return hint


def _items(hint: Any, tokens: Sequence[Any]) -> list[Any]:
    """A list of values that have a form of their own, such as `sentinel_forest.steps.TrialFile`."""
    kind = get_args(hint)[0]
    try:
        return [kind.parse(token.value) for token in tokens]
    except ValueError as error:
        form = " ".join(inspect.cleandoc(kind.__doc__).split("\n\n")[0].split())
        raise error if str(error).startswith("found") else ValueError(f"expected {form}") from error


def _has_keys(hint: Any) -> bool:
    """Whether values of a type are mappings or models, or None."""
    origin = get_origin(hint)
    if origin is Annotated:
        return _has_keys(get_args(hint)[0])
    if origin in (Union, UnionType):
        return all(_has_keys(part) for part in get_args(hint) if part is not type(None))
    kind = origin or hint
    return inspect.isclass(kind) and issubclass(kind, BaseModel | Mapping)


def _nested(_: object, tokens: Mapping[str, Any] | Sequence[Any]) -> object:
    """Nested flags, or one flag with JSON, as they are; the models of the step check them."""
    return _values(tokens) if isinstance(tokens, Mapping) else _value(tokens[-1].value)


def _values(tokens: Mapping[str, Any]) -> dict[str, object]:
    """Values of nested flags."""
    return {
        key: _values(value) if isinstance(value, Mapping) else _value(value[-1].value) for key, value in tokens.items()
    }


def _value(text: str) -> object:
    """A value as `sentinel_forest.steps.flags` writes it: JSON, or a text that is no JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _message(error: Exception, words: Sequence[str]) -> str:
    """What a user is told."""
    if isinstance(error, OSError):
        if error.filename is None and error.errno is None:
            raise error
        told = causes.of_error(error)
        remedy = f"\n  what to do: {told.remedy}" if told else ""
        return f"error: {error.strerror}\n  where: {error.filename or 'unknown file'}{remedy}"
    if isinstance(error, InputError):
        return f"error: {_with_maker(error) if isinstance(error, FormError) else error}"
    cause = error.__cause__
    if isinstance(cause, ValidationError):
        rows = [f"{'.'.join(map(str, row['loc']))}: {row['msg']}, found {row['input']!r}" for row in cause.errors()]
        problem = "; ".join(rows)[:400]
    else:
        problem = str(error)
    if isinstance(error, UnknownCommandError):
        return f"error: {_unknown(words[0])}\n  what to do: {NAME} --help"
    step = f" {words[0]}" if words else ""
    return f"error: {problem}\n  what to do: {NAME}{step} --help"


def _unknown(word: str) -> str:
    """What is said of a command that does not exist: commands that begin or end with it, else those of like names."""
    names = sorted(name.replace("_", "-") for name in COMMANDS | STEPS)
    part = word.replace("_", "-")
    like = [name for name in names if part and (name.startswith(part) or name.endswith(f"-{part}"))]
    like = like or difflib.get_close_matches(part, names)
    hint = f" Did you mean {' or '.join(map(quoted, like[:MOST_LIKE]))}?" if like else ""
    return f"Unknown command {quoted(word)}.{hint}"


def _with_maker(error: FormError) -> InputError:
    """The error with what made the finished version that its file lies in; unchanged if it lies in none."""
    above = Path(str(error.where)).absolute().parents
    folder = next((each for each in above if all((each / name).is_file() for name in (MANIFEST, VERSION))), None)
    if folder is None:
        return error
    maker: dict[str, Any] = {}
    for path in (folder / VERSION, folder / ENVIRONMENT):
        with suppress(OSError, ValueError):
            maker |= dict(json.loads(path.read_bytes()))
    commit, checksum = maker.get("commit"), maker.get("identity", {}).get("code", "unknown")
    code = f"commit {commit[:12]} of {maker.get('committed')}" if commit else f"checksum {checksum[:12]}"
    remedy = (
        f"name the file that is expected; if this is it, {folder.name} was made by other code ({code}): use that, or "
        "run it again under another name"
    )
    return InputError(error.problem, where=error.where, found=error.found, expected=error.expected, remedy=remedy)


if __name__ == "__main__":
    main()
