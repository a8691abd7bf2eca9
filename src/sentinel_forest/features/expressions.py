"""Expressions of bands and features: parsed, every node held against a list, then evaluated on arrays.

The notation is that of catalogues of spectral indices: ``(N - R) / (N + R)``, ``B8 / B11``, ``B11 ** 2.0``. Text is
never executed: a tree of the nodes listed here is walked, and whatever else Python knows is an error.
"""

import ast
import math
import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from sentinel_forest.errors import InputError

MOST_CHARACTERS, MOST_NODES = 400, 200
"""Bounds of one expression; the longest index of the catalogues has 120 characters."""
LARGEST_CONSTANT, LARGEST_EXPONENT = 1e9, 8.0


def _rounded(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function computed in float64 whose result is rounded to the type of its arguments.

    The last bit of a logarithm, an exponential or a power depends on the instructions that a processor has. Once a
    float64 is rounded to float32, processors differ in about one value of 10**9 at most.
    """

    def compute(*given: Any) -> Any:
        result = function(*(np.asarray(each, dtype=np.float64) for each in given))
        return np.asarray(result).astype(np.result_type(*given))

    return compute


OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: _rounded(np.power),
}
SIGNS: dict[type[ast.unaryop], Callable[[Any], Any]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
FUNCTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    "abs": (1, np.abs),
    "sqrt": (1, np.sqrt),
    "exp": (1, _rounded(np.exp)),
    "log": (1, _rounded(np.log)),
    "log10": (1, _rounded(np.log10)),
    "minimum": (2, np.minimum),
    "maximum": (2, np.maximum),
}
"""What expressions may call: number of arguments, and function."""

CATALOGUE_BANDS = {
    "A": "B1",
    "B": "B2",
    "G": "B3",
    "R": "B4",
    "RE1": "B5",
    "RE2": "B6",
    "RE3": "B7",
    "N": "B8",
    "N2": "B8A",
    "WV": "B9",
    "S1": "B11",
    "S2": "B12",
}
"""Bands of Sentinel-2 as Awesome Spectral Indices writes them (doi:10.1038/s41597-023-02096-0, table of bands)."""

ALLOWED = f"names, numbers, + - * / **, brackets, {', '.join(FUNCTIONS)}"


@dataclass(frozen=True, eq=False)
class Expression:
    """An expression whose nodes are all known.

    Parameters
    ----------
    text : str
        As it was written.
    tree : ast.expr
        Its nodes.
    inputs : tuple of str
        Its names, each once, in the order of first use.
    """

    text: str
    tree: ast.expr
    inputs: tuple[str, ...]

    def evaluate(self, *given: np.ndarray) -> np.ndarray:
        """The value for arrays of one shape, one for each of `inputs`; float32 stays float32.

        Where an input is missing the result is NaN. Where all are there and the expression has no value (division
        by 0, root of a negative number) it is 0, so that bands without a gap give features without a gap.
        """
        with np.errstate(all="ignore"):
            values = _value(self.tree, dict(zip(self.inputs, given, strict=True)))
        undefined = ~np.isfinite(values)
        if undefined.any():
            missing = np.logical_or.reduce([~np.isfinite(array[undefined]) for array in given])
            values = values.copy()
            values[undefined] = np.where(missing, np.float32(np.nan), np.float32(0))
        return np.asarray(values)

    @property
    def divides(self) -> bool:
        """Whether it divides by something that could come near 0."""
        return any(_divides(node) for node in ast.walk(self.tree))

    @property
    def is_normalised_difference(self) -> bool:
        """Whether it has the form (a - b) / (a + b)."""
        match self.tree:
            case ast.BinOp(
                left=ast.BinOp(left=a, op=ast.Sub(), right=b),
                op=ast.Div(),
                right=ast.BinOp(left=c, op=ast.Add(), right=d),
            ):
                return {ast.dump(a), ast.dump(b)} == {ast.dump(c), ast.dump(d)} and ast.dump(a) != ast.dump(b)
        return False


def is_name(text: str) -> bool:
    """Whether a text is one plain name, so that nothing is to be computed."""
    return text.isidentifier()


def bracketed(text: str) -> str | None:
    """What stands in one pair of brackets around the whole text; None if there is none.

    Examples
    --------
    >>> bracketed("(B8/B12)"), bracketed("(B8-B4)/(B8+B4)")
    ('B8/B12', None)
    """
    if not (text.startswith("(") and text.endswith(")")):
        return None
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and place < len(text) - 1:
            return None
    return text[1:-1]


@cache
def parse(text: str) -> Expression:
    """Parse an expression, and hold each of its nodes against the lists of this module.

    Parameters
    ----------
    text : str
        E.g. ``"(B8 - B4) / (B8 + B4)"``.

    Raises
    ------
    InputError
        If it is no expression, has a node that is not listed, names nothing, or has no value for any input.
    """
    tree = _tree(text)
    inputs = tuple(dict.fromkeys(_names(tree, text)))
    if not inputs:
        raise _wrong(text, "no band and no feature", "at least one name")
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp | ast.Call) and not any(_names(node, text)) and not _has_value(node):
            raise _wrong(text, f"{ast.unparse(node)[:60]}, which has no value", "numbers within range")
    return Expression(text, tree, inputs)


def _has_value(node: ast.expr) -> bool:
    """Whether an expression of constants is a finite number."""
    try:
        with np.errstate(all="ignore"):
            return bool(np.isfinite(_value(node, {})))
    except ArithmeticError:
        return False


def _tree(text: str) -> ast.expr:
    if len(text) > MOST_CHARACTERS:
        raise _wrong(f"{text[:60]}...", f"{len(text)} characters", f"at most {MOST_CHARACTERS}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _wrong(text, "no expression", ALLOWED) from None
    if (nodes := sum(1 for _ in ast.walk(tree))) > MOST_NODES:
        raise _wrong(text, f"{nodes} parts", f"at most {MOST_NODES}")
    return tree


def _names(node: ast.expr, text: str) -> Iterator[str]:
    """Names of a tree from left to right; `InputError` for a node that is not allowed."""
    match node:
        case ast.Name(id=name):
            yield name
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            if not abs(number) <= LARGEST_CONSTANT:
                raise _wrong(text, f"the number {ast.unparse(node)[:20]}", f"numbers up to {LARGEST_CONSTANT:.0e}")
        case ast.UnaryOp(op=sign, operand=inner) if type(sign) in SIGNS:
            yield from _names(inner, text)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            if (exponent := _constant(right)) is None or abs(exponent) > LARGEST_EXPONENT:
                raise _wrong(text, f"the exponent {ast.unparse(right)[:20]}", f"a number up to {LARGEST_EXPONENT:g}")
            yield from _names(left, text)
        case ast.BinOp(left=left, op=kind, right=right) if type(kind) in OPERATORS:
            if isinstance(kind, ast.Div) and _constant(right) == 0:
                raise _wrong(text, "a division by 0", "a divisor that is not 0")
            yield from _names(left, text)
            yield from _names(right, text)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
            if len(arguments) != FUNCTIONS[name][0]:
                raise _wrong(text, f"{name} of {len(arguments)} values", f"{FUNCTIONS[name][0]}")
            for argument in arguments:
                yield from _names(argument, text)
        case _:
            raise _wrong(text, ast.unparse(node)[:60], ALLOWED)


def _wrong(text: str, found: str, expected: str) -> InputError:
    return InputError(
        "This is no expression of features.",
        where=text,
        found=found,
        expected=expected,
        remedy="sentinel-forest features lists all names",
    )


def _constant(node: ast.expr) -> float | None:
    """The number that a node is, with its sign; None if it is none."""
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return float(number) if abs(number) <= LARGEST_CONSTANT else math.inf
        case ast.UnaryOp(op=sign, operand=inner) if type(sign) in SIGNS and (signed := _constant(inner)) is not None:
            return float(SIGNS[type(sign)](signed))
    return None


def _divides(node: ast.AST) -> bool:
    match node:
        case ast.BinOp(op=ast.Div(), right=right):
            return _constant(right) is None
        case ast.BinOp(op=ast.Pow(), right=right):
            exponent = _constant(right)
            return exponent is not None and exponent < 0
    return False


def _value(node: ast.expr, given: dict[str, np.ndarray]) -> Any:
    """The value of a node that `_names` has let pass."""
    match node:
        case ast.Name(id=name):
            return given[name]
        case ast.UnaryOp(op=sign, operand=inner):
            return SIGNS[type(sign)](_value(inner, given))
        case ast.BinOp(left=left, op=kind, right=right):
            return OPERATORS[type(kind)](_value(left, given), _value(right, given))
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return FUNCTIONS[name][1](*(_value(argument, given) for argument in arguments))
        case ast.Constant(value=int() | float() as number):
            return float(number)
    raise AssertionError(ast.dump(node))


def unit_of(expression: Expression, units: Sequence[str]) -> str:
    """The unit of an expression whose inputs have these units; ``""`` where they do not tell.

    ``1`` for numbers without a unit; a sum keeps a unit that all of its terms share, a ratio of one unit has none.
    """
    known = dict(zip(expression.inputs, units, strict=True))
    return _unit(expression.tree, known) or ""


def _unit(node: ast.expr, units: dict[str, str]) -> str | None:
    match node:
        case ast.Name(id=name):
            return units[name]
        case ast.Constant():
            return "1"
        case ast.UnaryOp(operand=inner):
            return _unit(inner, units)
        case ast.BinOp(left=left, op=kind, right=right):
            return _unit_of_two(kind, _unit(left, units), _unit(right, units))
        case ast.Call(func=ast.Name(id=name), args=arguments):
            found = {_unit(argument, units) for argument in arguments}
            alike = found.pop() if len(found) == 1 else None
            return alike if name in ("abs", "minimum", "maximum") or alike == "1" else None
    return None


def _unit_of_two(kind: ast.operator, left: str | None, right: str | None) -> str | None:
    match kind:
        case ast.Add() | ast.Sub():
            return left if left == right else None
        case ast.Div() if left == right:
            return "1" if left is not None else None
        case ast.Mult() | ast.Div() if right == "1":
            return left
        case ast.Mult() if left == "1":
            return right
        case ast.Pow() if left == "1":
            return "1"
    return None
