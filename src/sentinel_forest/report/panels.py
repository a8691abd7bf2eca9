"""Pictures side by side, with a title and a legend, as one SVG, PNG or PDF."""

import base64
import io
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import vl_convert
from PIL import Image

from sentinel_forest.report import palette
from sentinel_forest.report.charts import FONT

FORMS = (".png", ".pdf", ".svg")
COLUMNS = 4
"""Panels beside each other at most."""
WIDTH, GAP, LINE, LETTER = 320, 16, 17, 6.6
"""Width of a panel, what lies between two, height of a line of text, mean width of a letter; all in pixels."""
WRAP = int(WIDTH / LETTER)
SWATCH = 12


@dataclass(frozen=True)
class Panel:
    """A picture, uint8 (rows, columns, 3), and what stands above it."""

    title: str
    pixels: np.ndarray


@dataclass(frozen=True)
class Figure:
    """Panels in rows, all of one width; `legend` has the colour of each class.

    In a notebook it is shown as the last line of a cell.
    """

    title: str
    panels: tuple[Panel, ...]
    legend: tuple[tuple[str, str], ...] = ()

    @property
    def columns(self) -> int:
        """Panels beside each other."""
        return min(len(self.panels), COLUMNS)

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self.columns * (WIDTH + GAP) + GAP

    @cached_property
    def svg(self) -> str:
        """The figure as SVG; the same figure gives the same text."""
        lines = self.title.split("\n")
        parts, below = list(self._texts(lines, GAP, GAP + LINE)), 2 * GAP + LINE * len(lines)
        for first in range(0, len(self.panels), self.columns):
            row = self.panels[first : first + self.columns]
            drawn, below = self._row(row, below)
            parts += drawn
        legend, below = self._legend(below + GAP)
        parts += legend
        head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{below}" font-family="{FONT}">'
        ground = f'<rect width="{self.width}" height="{below}" fill="white"/>'
        return "\n".join([head, ground, *parts, "</svg>\n"])

    def _repr_svg_(self) -> str:
        return self.svg

    def write(self, path: Path, form: str) -> None:
        """Write the figure as ``.png``, ``.pdf`` or ``.svg``."""
        if form == ".svg":
            path.write_text(self.svg, encoding="utf-8")
        else:
            path.write_bytes(vl_convert.svg_to_png(self.svg) if form == ".png" else vl_convert.svg_to_pdf(self.svg))

    def _row(self, row: tuple[Panel, ...], top: int) -> tuple[list[str], int]:
        """Panels beside each other below `top`, and where they end."""
        titles = [textwrap.wrap(panel.title, WRAP) or [""] for panel in row]
        lines = max(map(len, titles))
        heights = [round(WIDTH * panel.pixels.shape[0] / panel.pixels.shape[1]) for panel in row]
        parts: list[str] = []
        above = top + lines * LINE + 6
        for place, (panel, title, height) in enumerate(zip(row, titles, heights, strict=True)):
            left = GAP + place * (WIDTH + GAP)
            parts += self._texts(title, left, above - 6 - (len(title) - 1) * LINE)
            parts.append(
                f'<image x="{left}" y="{above}" width="{WIDTH}" height="{height}" style="image-rendering:pixelated" '
                f'href="{_address(panel.pixels)}"/>'
            )
        return parts, above + max(heights) + GAP

    def _legend(self, top: int) -> tuple[list[str], int]:
        """Swatches and names from left to right, and where they end."""
        parts: list[str] = []
        left = GAP
        for name, colour in self.legend:
            wide = SWATCH + 8 + int(LETTER * len(name)) + 2 * GAP
            if left > GAP and left + wide > self.width:
                left, top = GAP, top + LINE + 4
            box = f'width="{SWATCH}" height="{SWATCH}" fill="{escape(colour)}" stroke="{palette.INK}"'
            parts.append(f'<rect x="{left}" y="{top}" {box}/>')
            parts += self._texts([name], left + SWATCH + 6, top + SWATCH - 1)
            left += wide
        return parts, top + (SWATCH + GAP if self.legend else 0)

    @staticmethod
    def _texts(lines: list[str], left: int, top: int) -> Iterator[str]:
        for number, line in enumerate(lines):
            place = f'x="{left}" y="{top + number * LINE}" font-size="12" fill="{palette.INK}"'
            yield f"<text {place}>{escape(line)}</text>"


def _address(pixels: np.ndarray) -> str:
    """A picture as the address of its own bytes, enlarged by whole numbers so that no form smooths it."""
    times = max(1, -(-2 * WIDTH // pixels.shape[1]))
    image = Image.fromarray(pixels)
    enlarged = image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)
    stream = io.BytesIO()
    enlarged.save(stream, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()
