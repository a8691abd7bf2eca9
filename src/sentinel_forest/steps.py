"""What a step is: a typed function that one rule runs, under the rule's name on the command line.

A step takes keyword arguments with types and returns nothing; its parser follows from its signature (see
`sentinel_forest.cli`). `STEPS` says where each one lives, so that a call imports no other; a *command* is a
function of the same form that only people call.
"""

import ast
import importlib
import inspect
import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Self, get_type_hints

from pydantic import BaseModel

Output = Annotated[Path, "output"]
"""Type of an argument that names a file, or a folder, which the step writes."""
AND = "--and"
"""On a command line, before what is of one run of a step, where one process runs it several times."""


@dataclass(frozen=True)
class NamedFile:
    """A file that says what it is of; on the command line its fields with colons between them."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the form of the command line.

        Raises
        ------
        ValueError
            If the text has another form.
        """
        parts = text.split(":", len(fields(cls)) - 1)
        form = ":".join(field.name for field in fields(cls))
        kinds: dict[str, Callable[[str], object]] = get_type_hints(cls)
        try:
            return cls(*(kinds[field.name](part) for field, part in zip(fields(cls), parts, strict=True)))
        except ValueError:
            raise ValueError(f"found {text!r}, expected {form}") from None

    def __str__(self) -> str:
        return ":".join(str(getattr(self, field.name)) for field in fields(self))

    @property
    def owner(self) -> tuple[Any, ...]:
        """What the file is of: its fields without the path."""
        return tuple(getattr(self, field.name) for field in fields(self) if field.name != "path")


@dataclass(frozen=True)
class TrialFile(NamedFile):
    """A file of one trial of a scheme."""

    scheme: str
    trial: int
    path: Path


@dataclass(frozen=True)
class SetFile(NamedFile):
    """A file of one feature set."""

    set: str
    path: Path


@dataclass(frozen=True)
class ForestFile(NamedFile):
    """A file of the forest of one trial and feature set."""

    scheme: str
    trial: int
    set: str
    path: Path


@dataclass(frozen=True)
class ReleaseFile(NamedFile):
    """A file of one trial of a release in a version."""

    release: str
    scheme: str
    trial: int
    path: Path


Layout = Mapping[str, Any]
"""Type of the deviations from a dataset's published layout, e.g. ``{"side": 128}``, and of what a configuration adds to
its vocabulary (`sentinel_forest.datasets.vocabulary`)."""


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Arguments that several steps share: one value for the step, and flags of their own on the command line."""


STEPS: dict[str, str] = {
    "sample": "simulate:sample",
    "link": "acquire.link:link",
    "download": "acquire.download:download",
    "plan": "acquire.plan:plan",
    "inspect": "verify.inspect:inspect",
    "admit": "verify.admit:admit",
    "catalog": "verify.catalog:catalog",
    "split": "splits.split:split",
    "audit_lists": "splits.audit_lists:audit_lists",
    "signature": "features.signature:signature",
    "ledger": "splits.ledger:ledger",
    "hold_links": "splits.gate:hold_links",
    "feature_table": "features.table:feature_table",
    "fit": "models.fit:fit",
    "predict": "models.predict:predict",
    "reference": "evaluation.reference:reference",
    "conformal": "evaluation.conformal:conformal",
    "applicability": "evaluation.dissimilarity:applicability",
    "score": "evaluation.score:score",
    "price": "evaluation.price:price",
    "papers_pixels": "evaluation.papers_pixels:papers_pixels",
    "by_patch": "evaluation.by_patch:by_patch",
    "foreign": "evaluation.foreign:foreign",
    "foreign_paired": "evaluation.foreign_paired:foreign_paired",
    "patch_metrics": "evaluation.patch_metrics:patch_metrics",
    "average": "evaluation.average:average",
    "importance": "evaluation.importance:importance",
    "headline": "versions.headline:headline",
    "reproduction": "versions.reproduction:reproduction",
    "croissant": "versions.croissant:croissant",
    "seal": "versions.seal:seal",
    "check": "versions.check:check",
    "crate": "versions.crate:crate",
    "publish": "versions.publish.folder:publish",
    "compare_versions": "versions.compare:compare_versions",
    "index": "versions.index:index",
    "pages": "report.pages:pages",
    "export_trial": "export.trial:export_trial",
    "tfds_export": "export.tfds:tfds_export",
    "map": "mapping.map:map_scene",
}
"""Module and function of each step, by the name of its rule."""

COMMANDS: dict[str, str] = {
    "features": "features.listing:features",
    "areas": "mapping.areas:areas",
    "audit": "splits.audit:audit",
    "clean": "versions.clean:clean",
    "compare_labels": "evaluation.relabelled:compare_labels",
    "groups_needed": "evaluation.groups_needed:groups_needed",
    "unpack": "acquire.unpack:unpack",
    "show": "report.show:show",
    "show_headline": "versions.headline:show_headline",
    "tfds_import": "export.tfds_import:tfds_import",
}
"""The same for what only people call."""


def load(name: str) -> Callable[..., None]:
    """Import a step or a command.

    Raises
    ------
    KeyError
        If there is none of this name.
    """
    module, function = (STEPS | COMMANDS)[name].split(":")
    step: Callable[..., None] = getattr(importlib.import_module(f"sentinel_forest.{module}"), function)
    return step


def shared(step: Callable[..., Any]) -> dict[str, type[Arguments]]:
    """Find the arguments of a step that it shares with others, by name."""
    hints = get_type_hints(step).items()
    return {name: hint for name, hint in hints if isinstance(hint, type) and issubclass(hint, Arguments)}


def parameters(step: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Parameters of a step as its command line has them, with their types: shared arguments one by one."""
    hints, together = get_type_hints(step, include_extras=True), shared(step)
    found: dict[str, inspect.Parameter] = {}
    for name, parameter in inspect.signature(step).parameters.items():
        own = {name: parameter.replace(annotation=hints[name])}
        found |= parameters(together[name]) if name in together else own
    return found


def gathered(step: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of a step from those of its command line."""
    rest = dict(given)
    for name, kind in shared(step).items():
        rest[name] = kind(**{each: rest.pop(each) for each in parameters(kind) if each in rest})
    return rest


def one_by_one(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of a step as its command line has them: the reverse of `gathered`."""
    found: dict[str, Any] = {}
    for name, value in arguments.items():
        found |= vars(value) if isinstance(value, Arguments) else {name: value}
    return found


def told(step: Callable[..., Any]) -> str:
    """Text of a step, in which shared arguments have the entries of their own texts."""
    text = f"{inspect.cleandoc(step.__doc__ or '')}\n"
    for name, kind in shared(step).items():
        texts = (inspect.cleandoc(each.__doc__ or "") for each in reversed(kind.__mro__))
        entries = "".join(f"{each.partition('----------')[2].strip()}\n" for each in texts if "----------" in each)
        text = re.sub(rf"^{name} : .*\n(?:    .+\n)+", entries.replace("\\", r"\\"), text, flags=re.M)
    return text


def summary(name: str) -> str:
    """Read the first line of the text of a step or a command from its source; nothing is imported."""
    module, function = (STEPS | COMMANDS)[name].split(":")
    place = Path(__file__).parent / module.replace(".", "/")
    path = next(path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file())
    found = ast.parse(path.read_text(encoding="utf-8")).body
    (definition,) = (each for each in found if isinstance(each, ast.FunctionDef) and each.name == function)
    return " ".join((ast.get_docstring(definition) or "").partition("\n\n")[0].split())


def module_of(name: str) -> str:
    """Module of a step, below the package: what the checksum of its code starts from."""
    return STEPS[name].split(":")[0]


def flags(**arguments: object) -> str:
    """Write arguments as flags of a command line; the only place that quotes for the shell.

    Parameters
    ----------
    **arguments : object
        Text, numbers, booleans, paths, lists of these; mappings and pydantic models become nested flags.
        What is None is left out.

    Returns
    -------
    str
        The words of the command line, quoted.

    Examples
    --------
    >>> flags(seed=17, layers=["B2", "B8A"], forest={"trees": 100, "tune": {"depth": [5, None]}})
    "--seed 17 --layers B2 B8A --forest.trees 100 --forest.tune.depth '[5, null]'"
    """
    return " ".join(shlex.quote(word) for key, value in arguments.items() for word in _words(_flag(key), value))


def _flag(key: str) -> str:
    return f"--{key.replace('_', '-')}"


def _words(flag: str, value: object) -> Iterator[str]:
    """The words of one argument."""
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    if isinstance(value, Mapping):
        yield from _nested(flag, value)
    elif isinstance(value, bool):
        yield f"{flag}={str(value).lower()}"
    elif isinstance(value, list | tuple):
        yield from _list(flag, [str(item) for item in value])
    elif value is not None:
        yield from _word(flag, str(value))


def _list(flag: str, texts: list[str]) -> Iterator[str]:
    """A flag and its values; the flag before each of them where one could be taken for a flag."""
    if any(text.startswith("-") or not text for text in texts):
        yield from (f"{flag}={text}" for text in texts)
    else:
        yield from (flag, *texts)


def _word(flag: str, text: str) -> tuple[str, ...]:
    """A flag and its value; in one word where the value could be taken for a flag."""
    return (f"{flag}={text}",) if text.startswith("-") or not text else (flag, text)


def _nested(flag: str, values: Mapping[str, object]) -> Iterator[str]:
    """Words of nested settings, sorted by name; in one word where a name could be taken for a level, or for words."""
    if not all(re.fullmatch(r"[\w-]+", key) for key in values):
        yield from (flag, json.dumps(values, sort_keys=True))
        return
    for key, value in sorted(values.items()):
        if isinstance(value, Mapping) and value:
            yield from _nested(f"{flag}.{key}", value)
        else:
            yield from _word(f"{flag}.{key}", _text(value))


def _text(value: object) -> str:
    """A value as JSON; text stands as it is where it cannot be taken for JSON."""
    if not isinstance(value, str):
        return json.dumps(value, sort_keys=True)
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        return value
    return json.dumps(value)
