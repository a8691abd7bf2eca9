"""The stages of a run as a picture: which rules make up a stage, and which stage takes the files of which."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, GAP_X, GAP_Y = 236, 50, 16, 26
"""Of a box and between boxes, in pixels."""


@dataclass(frozen=True)
class Stage:
    """A part of a run that a person would name, where its box stands, and what it does."""

    name: str
    text: str
    rules: tuple[str, ...]
    row: int
    column: float = 1


STAGES = (
    Stage("fetch", "download, link, or simulate", ("download", "link", "sample"), 0),
    Stage("verify", "bytes, structure, content", ("inspect", "admit", "publish_integrity"), 1),
    Stage("catalog", "a row for each patch", ("catalog",), 2),
    Stage("split", "roles, scheme by scheme", ("signature", "split"), 3, 0),
    Stage("features", "of pixels and patches", ("feature_table",), 3, 1),
    Stage("references", "algorithms that ship with data", ("reference",), 3, 2),
    Stage("ledger", "what roles share; the gate", ("ledger", "hold_links"), 4, 0),
    Stage("forests", "fit, predict, price of leakage", ("fit", "predict", "importance", "price"), 5, 0.5),
    Stage(
        "scores",
        "with intervals and marks",
        ("score", "average", "headline", "papers_pixels", "by_patch", "reproduction"),
        6,
    ),
    Stage("version", "sealed, with provenance", ("seal", "croissant", "crate", "index"), 7),
    Stage("report", "pages that open from disk", ("pages",), 8),
)


def arrows(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Which stage follows which, from pairs of rules; without arrows that follow from others.

    Raises
    ------
    ValueError
        For a rule that no stage has.
    """
    stage_of = {rule: stage.name for stage in STAGES for rule in stage.rules}
    pairs = list(pairs)
    if homeless := sorted({rule for pair in pairs for rule in pair} - stage_of.keys()):
        raise ValueError(f"give these rules a stage in docs/stages.py: {', '.join(homeless)}")
    after: dict[str, set[str]] = {stage.name: set() for stage in STAGES}
    for first, then in pairs:
        if stage_of[first] != stage_of[then]:
            after[stage_of[first]].add(stage_of[then])
    return [(stage.name, then) for stage in STAGES for then in sorted(direct(stage.name, after))]


def direct(first: str, after: dict[str, set[str]]) -> set[str]:
    """What comes after a stage and after no other that does."""
    others = {name: _reached(name, after) for name in after[first]}
    return {name for name in others if not any(name in others[other] for other in others)}


def _reached(name: str, after: dict[str, set[str]]) -> set[str]:
    """All that comes after a stage, at whatever distance."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        new = after.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


def svg(pairs: list[tuple[str, str]]) -> str:
    """The stages as boxes, and arrows between them."""
    width, height = 3 * WIDTH + 4 * GAP_X, 9 * (HEIGHT + GAP_Y) + GAP_Y // 2
    named = {stage.name: stage for stage in STAGES}
    lines = [_arrow(named[first], named[then]) for first, then in pairs]
    boxes = [_box(stage) for stage in STAGES]
    label = "Stages of a run: " + ", ".join(stage.name for stage in STAGES)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{label}" font-family="system-ui, sans-serif" text-anchor="middle">\n'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#5b6b73"/></marker></defs>\n'
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>'
    )
    return "\n".join([head, *lines, *boxes, "</svg>"]) + "\n"


def _place(stage: Stage) -> tuple[int, int]:
    """Middle and top of a box."""
    x = GAP_X + stage.column * (WIDTH + GAP_X) + WIDTH / 2
    return round(x), GAP_Y // 2 + stage.row * (HEIGHT + GAP_Y)


def _arrow(first: Stage, then: Stage) -> str:
    (x, y), (to_x, to_y) = _place(first), _place(then)
    start, bend = y + HEIGHT, to_y - GAP_Y
    way = f"M{x} {start} V{bend} L{round(to_x + (x - to_x) * 0.25)} {to_y - 2}"
    return f'<path d="{way}" fill="none" stroke="#5b6b73" stroke-width="1.5" marker-end="url(#tip)"/>'


def _box(stage: Stage) -> str:
    x, y = _place(stage)
    return (
        f'<rect x="{x - WIDTH // 2}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="6" fill="#e8f3f1" stroke="#00695c"/>'
        f'<text x="{x}" y="{y + 21}" font-size="16" font-weight="600" fill="#12312d">{escape(stage.name)}</text>'
        f'<text x="{x}" y="{y + 39}" font-size="13" fill="#33474d">{escape(stage.text)}</text>'
    )
