"""Decides how pages of a PDF are set: paper, margins, title, page numbers, lines that fit, and sources on the last page.

Lengths are points (1/72 inch); y counts from the top of the page.
"""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

import numpy as np
from reportlab.lib.pagesizes import A4, LETTER
from reportlab.lib.utils import ImageReader, simpleSplit
from reportlab.pdfbase.pdfmetrics import registerFont, stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from core.class_colours import Colour
from core.export.captions import sources
from core.export.document import ExportDocument
from core.export.painting import FONT_FILE, INK, MUTED, jpeg

Array = np.ndarray

MARGIN = 42.0
LINE: Colour = (200, 205, 210)
_SIZES = {"A4": A4, "Letter": LETTER}
_FONT = "DejaVuSans"
_HEAD = 28.0
_LEADING = 1.3


class Pages:
    """A PDF that is written page by page; `y` is where the next thing goes."""

    def __init__(self, path: Path, document: ExportDocument, title: str, paper: str) -> None:
        registerFont(TTFont(_FONT, str(FONT_FILE)))
        self.width, self.height = _SIZES[paper]
        self._canvas, self._document, self._title = Canvas(str(path), (self.width, self.height)), document, title
        self._canvas.setTitle(title)
        self._canvas.setAuthor("Schliff")
        self._canvas.setCreator(f"Schliff {document.provenance['schliff']}")
        self._canvas.setSubject("; ".join(f"{name}: {text}" for name, text in sources(document)))
        self.y = 0.0
        self._begin()

    @property
    def inner_width(self) -> float:
        return self.width - 2 * MARGIN

    @property
    def room(self) -> float:
        """What is left of the page."""
        return self.height - MARGIN - 12 - self.y

    def need(self, height: float) -> bool:
        """Begins another page where there is no room for this; whether it did."""
        if height <= self.room:
            return False
        self._canvas.showPage()
        self._begin()
        return True

    def text(self, x: float, y: float, text: str, size: float = 9, colour: Colour = INK, width: float = 0) -> None:
        """A line whose top is at `y`; cut off with "…" where it's wider than `width`."""
        canvas = self._canvas
        canvas.setFont(_FONT, size)
        canvas.setFillColorRGB(*(part / 255 for part in colour))
        canvas.drawString(x, self.height - y - size, _cut(text, size, width) if width else text)

    def right(self, x: float, y: float, text: str, size: float = 9, colour: Colour = INK) -> None:
        """A line that ends at `x`."""
        self.text(x - stringWidth(text, _FONT, size), y, text, size, colour)

    def wrapped(self, x: float, y: float, text: str, width: float, size: float = 9, colour: Colour = INK) -> float:
        """Lines as wide as `width`; returns where they end."""
        for line in simpleSplit(text, _FONT, size, width):
            self.text(x, y, line, size, colour)
            y += _LEADING * size
        return y

    def picture(self, x: float, y: float, width: float, pixels: Array) -> float:
        """(h, w, 3) uint8 RGB; returns how high it is."""
        rows, columns = pixels.shape[:2]
        height = width * rows / columns
        self._canvas.drawImage(ImageReader(BytesIO(jpeg(pixels))), x, self.height - y - height, width, height)
        return height

    def rule(self, y: float) -> None:
        self._canvas.setStrokeColorRGB(*(part / 255 for part in LINE))
        self._canvas.setLineWidth(0.5)
        self._canvas.line(MARGIN, self.height - y, self.width - MARGIN, self.height - y)

    def dot(self, x: float, y: float, radius: float, colour: Colour) -> None:
        self._canvas.setFillColorRGB(*(part / 255 for part in colour))
        self._canvas.circle(x, self.height - y, radius, stroke=0, fill=1)

    def tick_box(self, x: float, y: float, side: float) -> None:
        self._canvas.setStrokeColorRGB(*(part / 255 for part in MUTED))
        self._canvas.setLineWidth(0.8)
        self._canvas.rect(x, self.height - y - side, side, side)

    def finish(self) -> None:
        """Writes the sources and the file."""
        facts = list(sources(self._document))
        self.need(24 + 2 * 11 * len(facts))
        self.y += 12
        self.rule(self.y)
        self.y += 8
        for name, text in facts:
            self.text(MARGIN, self.y, name, 7.5, MUTED)
            self.y = self.wrapped(MARGIN + 64, self.y, text, self.inner_width - 64, 7.5, MUTED)
        self._canvas.save()

    def _begin(self) -> None:
        number = str(self._canvas.getPageNumber())
        self.text(MARGIN, MARGIN - 14, self._title, 11, width=self.inner_width - 60)
        self.right(self.width - MARGIN, MARGIN - 12, number, 8, MUTED)
        written = f"{self._document.provenance['exported']} · Schliff {self._document.provenance['schliff']}"
        self.text(MARGIN, self.height - MARGIN + 6, written, 7, MUTED)
        self.y = MARGIN - 14 + _HEAD


def lines_high(count: int, size: float) -> float:
    """How high so many lines are."""
    return count * size * _LEADING


def columns(width: float, least: float, gap: float) -> tuple[int, float]:
    """How many columns of at least this width fit beside each other, and how wide each is then."""
    count = max(1, int((width + gap) // (least + gap)))
    return count, (width - gap * (count - 1)) / count


def all_lines(texts: Iterable[str], size: float, width: float) -> list[str]:
    """Texts broken into lines as wide as `width`."""
    return [line for text in texts for line in simpleSplit(text, _FONT, size, width)]


def _cut(text: str, size: float, width: float) -> str:
    if stringWidth(text, _FONT, size) <= width:
        return text
    while text and stringWidth(text + "…", _FONT, size) > width:
        text = text[:-1]
    return text + "…"
