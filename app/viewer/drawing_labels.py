"""Decides which drawings have a label at a zoom, and where it stands: none that is small, none over another.

The layout depends on the zoom only, not on the part of the section in view, so that nothing changes while it moves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter

from core.drawing import Drawing

LABELLED_PX = 28.0  # a smaller drawing has no label
_PAD = 4.0
_OFF_LINE_PX = 8.0
_CELL = (128.0, 32.0)  # of the grid that finds labels nearby


class DrawingLabels:
    """Labels of drawings, in zoomed px: level-0 px times the zoom."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._ids: list[int] = []
        self._anchors = np.zeros((0, 2))
        self._extents = np.zeros(0)
        self._widths = np.zeros(0)
        self._made_for: tuple[float, int | None] | None = None
        self._placed: list[tuple[int, QRectF]] = []
        self.font = QFont()
        self.font.setPixelSize(12)
        self._height = 0.0

    def set_drawings(self, drawings: Sequence[Drawing], texts: list[str]) -> None:
        metrics = QFontMetricsF(self.font)
        self._texts, self._ids = texts, [d.id for d in drawings]
        self._anchors = np.array([label_anchor(d) for d in drawings], float).reshape(-1, 2)
        self._extents = np.array([np.inf if d.kind == "point" else max(d.box.w, d.box.h) for d in drawings], float)
        self._widths = np.array([metrics.horizontalAdvance(text) + 2 * _PAD for text in texts], float)
        self._height = metrics.height() + _PAD
        self._made_for = None

    def text(self, index: int) -> str:
        return self._texts[index]

    def placed(self, zoom: float, selected: int | None) -> list[tuple[int, QRectF]]:
        """Which drawings (by index) have a label and where, in zoomed px; the selected one always."""
        if self._made_for != (zoom, selected):
            self._made_for = (zoom, selected)
            self._placed = self._lay_out(zoom, selected)
        return self._placed

    def _lay_out(self, zoom: float, selected: int | None) -> list[tuple[int, QRectF]]:
        corners = self._anchors * zoom + (_OFF_LINE_PX, -_OFF_LINE_PX - self._height)
        wanted = np.flatnonzero((self._extents * zoom >= LABELLED_PX) | (np.array(self._ids, int) == (selected or 0)))
        # The selected one first, then the largest.
        order = sorted(wanted.tolist(), key=lambda i: (self._ids[i] != selected, -self._extents[i], i))
        placed: list[tuple[int, QRectF]] = []
        cells: dict[tuple[int, int], list[QRectF]] = defaultdict(list)
        for index in order:
            if not self._texts[index]:
                continue
            rect = QRectF(*corners[index], self._widths[index], self._height)
            touched = _cells(rect)
            if any(rect.intersects(other) for cell in touched for other in cells[cell]):
                continue
            placed.append((index, rect))
            for cell in touched:
                cells[cell].append(rect)
        return placed


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
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(12, 14, 16, 190))
    painter.drawRoundedRect(rect, 3, 3)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(colour)
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, text)


def _cells(rect: QRectF) -> list[tuple[int, int]]:
    columns = range(int(rect.left() // _CELL[0]), int(rect.right() // _CELL[0]) + 1)
    rows = range(int(rect.top() // _CELL[1]), int(rect.bottom() // _CELL[1]) + 1)
    return [(column, row) for column in columns for row in rows]
