"""Decides which drawings have a label at a zoom, and where it stands: none that is small, none over another.

The choice depends on the step of the zoom only, not on the part of the section in view, so that nothing changes while it
moves and little is worked out while it zooms.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter

from core.drawing import Drawing

LABELLED_PX = 28.0  # a smaller drawing has no label
MOST_LABELS = 1500  # of the largest drawings
_STEPS_PER_OCTAVE = 2
_PAD = 4.0
_OFF_LINE_PX = 8.0
_APART = (10.0, 4.0)  # between labels
_DARK = 0.36  # luminance; what is lighter stands out 4 : 1 from the plate, over a bright picture too
_LIGHT = 0.75  # lightness in place of what is darker
_CELL = (128.0, 32.0)  # of the grid that finds labels nearby


@dataclass(frozen=True, slots=True)
class Label:
    """A text, how wide it is on the screen, the level-0 point it stands at.

    `extent`: what decides whether it is large enough for a label, in level-0 px. `rank`: the highest stays where two
    collide.
    """

    text: str
    width: float
    anchor: tuple[float, float]
    extent: float
    rank: float


def label_for(drawing: Drawing, text: str) -> Label:
    """Points have their label at every zoom, where nothing larger needs the room."""
    width = QFontMetricsF(label_font()).horizontalAdvance(text) + 2 * _PAD
    box = drawing.box
    extent = math.inf if drawing.kind == "point" else max(box.w, box.h)
    return Label(text, width, label_anchor(drawing), extent, rank=box.w + box.h)  # a long thin one is no large one


class DrawingLabels:
    """Labels of drawings. Their rectangles are in zoomed px: level-0 px times the zoom."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._anchors = np.zeros((0, 2))
        self._extents = np.zeros(0)
        self._ranks = np.zeros(0)
        self._widths = np.zeros(0)
        self._height = 0.0
        self._chosen: dict[int, np.ndarray] = {}  # by step of the zoom

    def set_labels(self, labels: Sequence[Label]) -> None:
        """One for each drawing."""
        self.texts = [label.text for label in labels]
        self._anchors = np.array([label.anchor for label in labels], float).reshape(-1, 2)
        self._extents = np.array([label.extent for label in labels], float)
        self._ranks = np.array([label.rank for label in labels], float)
        self._widths = np.array([label.width for label in labels], float)
        self._height = math.ceil(QFontMetricsF(label_font()).height() + _PAD)
        self._chosen = {}

    def chosen(self, zoom: float) -> np.ndarray:
        """Which drawings (by index) have a label."""
        step = math.floor(math.log2(zoom) * _STEPS_PER_OCTAVE + 1e-9)
        if step not in self._chosen:
            self._chosen[step] = self._choose(2.0 ** (step / _STEPS_PER_OCTAVE))
        return self._chosen[step]

    def in_sight(self, zoom: float, seen: QRectF) -> list[int]:
        """Which of them touch a part of the view, in zoomed px."""
        chosen = self.chosen(zoom)
        left = self._anchors[chosen, 0] * zoom + _OFF_LINE_PX
        bottom = self._anchors[chosen, 1] * zoom - _OFF_LINE_PX
        inside = (left <= seen.right()) & (left + self._widths[chosen] >= seen.left())
        inside &= (bottom >= seen.top()) & (bottom - self._height <= seen.bottom())
        return chosen[inside].tolist()

    def rect(self, index: int, zoom: float) -> QRectF:
        """Where a label stands, in zoomed px."""
        x, y = self._anchors[index] * zoom
        return QRectF(x + _OFF_LINE_PX, y - _OFF_LINE_PX - self._height, self._widths[index], self._height)

    def _choose(self, zoom: float) -> np.ndarray:
        """At the lowest zoom of a step: what doesn't touch there, touches nowhere in it. The largest come first."""
        wanted = [i for i in np.flatnonzero(self._extents * zoom >= LABELLED_PX).tolist() if self.texts[i]]
        wanted.sort(key=lambda i: (-self._ranks[i], i))
        chosen: list[int] = []
        cells: dict[tuple[int, int], list[QRectF]] = defaultdict(list)
        for index in wanted[:MOST_LABELS]:
            rect = self.rect(index, zoom).adjusted(0, 0, *_APART)
            touched = _cells(rect)
            if not any(rect.intersects(other) for cell in touched for other in cells[cell]):
                chosen.append(index)
                for cell in touched:
                    cells[cell].append(rect)
        return np.array(chosen, int)


def label_anchor(drawing: Drawing) -> tuple[float, float]:
    """The level-0 point a label stands at: the middle of a line, the corner of an angle, the top right of the rest."""
    points = drawing.points
    if drawing.is_angle:
        return points[1]
    if drawing.kind in ("ruler", "profile"):
        return (points[0][0] + points[1][0]) / 2, (points[0][1] + points[1][1]) / 2
    if drawing.kind == "point":
        return points[0]
    return max(drawing.outline, key=lambda p: p[0] - p[1])


def paint_label(painter: QPainter, text: str, rect: QRectF, colour: QColor) -> None:
    """In the viewport's px: the painter maps nothing."""
    ratio = painter.device().devicePixelRatioF()
    picture = _picture(text, colour.name(), math.ceil(rect.width()), math.ceil(rect.height()), ratio)
    painter.drawImage(QPointF(round(rect.x() * ratio) / ratio, round(rect.y() * ratio) / ratio), picture)


@lru_cache(maxsize=1024)
def _picture(text: str, colour: str, width: int, height: int, ratio: float) -> QImage:
    """Written once: text takes longer than anything else in a drawing. An image, for threads that have no pixmaps."""
    size = round(width * ratio), round(height * ratio)
    picture = QImage(*size, QImage.Format.Format_ARGB32_Premultiplied)
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(12, 14, 16, 190))
    painter.drawRoundedRect(QRectF(0, 0, width, height), 3, 3)
    painter.setPen(_readable(QColor(colour)))
    painter.setFont(label_font())
    painter.drawText(QRectF(0, 0, width, height), Qt.AlignmentFlag.AlignCenter, text)
    painter.end()
    return picture


def label_font() -> QFont:
    font = QFont()
    font.setPixelSize(12)
    return font


def _cells(rect: QRectF) -> list[tuple[int, int]]:
    columns = range(int(rect.left() // _CELL[0]), int(rect.right() // _CELL[0]) + 1)
    rows = range(int(rect.top() // _CELL[1]), int(rect.bottom() // _CELL[1]) + 1)
    return [(column, row) for column in columns for row in rows]


def _readable(colour: QColor) -> QColor:
    """Of the same hue, light enough for the dark plate: a person may choose any colour for a class."""
    if _luminance(colour) > _DARK:
        return colour
    return QColor.fromHslF(max(colour.hslHueF(), 0.0), colour.hslSaturationF(), _LIGHT)


def _luminance(colour: QColor) -> float:
    """How light it looks, 0 to 1: of one lightness, green looks lighter than blue."""
    red, green, blue = (value**2.2 for value in (colour.redF(), colour.greenF(), colour.blueF()))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
