"""Decides how one drawing is painted: its lines with a dark rim, its marks and its handles.

Widths and sizes are device-independent px at every zoom; places are level-0 px, mapped by the painter.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF

from app.class_colours import drawn_colour
from core.drawing import Drawing, Points

PLAIN = "#38e0d0"  # of a drawing without a class
RIM = QColor(0, 0, 0, 165)
HANDLE_PX = 8.0
_POINT_PX = 7.0
_TICK_PX = 6.0
_MARGIN_PX = 24.0  # more than any line is wide
_HUGE_PX = 16000.0
_APART_PX = 2.0  # between points of an outline


def colour_of(drawing: Drawing) -> QColor:
    return _colour(drawing.label)


def _colour(label: str) -> QColor:
    return drawn_colour(label) if label else QColor(PLAIN)


def pen_of(colour: QColor, width: float, painter: QPainter) -> QPen:
    """`width` in device-independent px; Qt takes that of a cosmetic pen for device px."""
    width *= painter.device().devicePixelRatioF()
    pen = QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    pen.setCosmetic(True)
    return pen


def paint_lines(painter: QPainter, drawing: Drawing, sight: QRectF, *, selected: bool) -> None:
    """The drawing itself with a dark rim; `sight`: the level-0 px in view."""
    width = 2.5 if selected else 1.75
    shape = shape_of(drawing, sight, painter.worldTransform().m11())
    for pen in (pen_of(RIM, width + 2.5, painter), pen_of(colour_of(drawing), width, painter)):
        painter.setPen(pen)
        shape.paint(painter)


def paint_thin(painter: QPainter, drawings: Sequence[tuple[Drawing, QPolygonF | None]], sight: QRectF) -> None:
    """Many at once: lines of one px beside their shadows, which Qt paints many times faster than wider ones.

    `drawings` with their outlines at this zoom (`outline_at`).
    """
    zoom = painter.worldTransform().m11()
    paths: dict[str, QPainterPath] = defaultdict(QPainterPath)
    for drawing, outline in drawings:
        if outline is not None:
            paths[drawing.label].addPolygon(outline)
        else:
            for line in shape_of(drawing, sight, zoom).lines:
                paths[drawing.label].moveTo(line.p1())
                paths[drawing.label].lineTo(line.p2())
    for shift, shadow in ((1 / zoom, pen_of(RIM, 1, painter)), (0.0, None)):
        painter.translate(shift, shift)
        for label, path in paths.items():
            painter.setPen(shadow or pen_of(_colour(label), 1, painter))
            painter.drawPath(path)
        painter.translate(-shift, -shift)


def paint_handles(painter: QPainter, drawing: Drawing, sight: QRectF) -> None:
    """Small squares where it can be taken hold of."""
    side = HANDLE_PX / painter.worldTransform().m11()
    painter.setPen(pen_of(RIM, 1.25, painter))
    painter.setBrush(QColor("white"))
    for x, y in drawing.handles:
        square = QRectF(x - side / 2, y - side / 2, side, side)
        if square.intersects(sight):
            painter.drawRect(square)
    painter.setBrush(Qt.BrushStyle.NoBrush)


@dataclass(frozen=True, slots=True)
class Shape:
    """What is painted of a drawing at a zoom: its outline as a whole, and single lines."""

    outline: QPolygonF | None
    lines: list[QLineF]

    def paint(self, painter: QPainter) -> None:
        if self.outline is not None:
            painter.drawPolyline(self.outline)
        if self.lines:
            painter.drawLines(self.lines)


def shape_of(drawing: Drawing, sight: QRectF, zoom: float) -> Shape:
    """`sight`: the level-0 px in view; what lies far outside of it is cut off where it is huge."""
    outline = outline_at(drawing, zoom)
    lines = _marks(drawing, zoom) + (_segments(drawing) if outline is None else [])
    around = sight.adjusted(*(side * _MARGIN_PX / zoom for side in (-1, -1, 1, 1)))
    return Shape(outline, [part for line in lines if (part := _clipped(line, around)) is not None])


def outline_at(drawing: Drawing, zoom: float) -> QPolygonF | None:
    """Its outline with no more points than can be told apart at zooms of the same octave.

    None if it has none, or is so large on the screen that its lines are clipped one by one.
    """
    box, points = drawing.box, drawing.outline
    if drawing.kind == "point" or max(box.w, box.h) * 2.0 ** (octave_of(zoom) + 1) > _HUGE_PX:
        return None
    if len(points) > 12:
        points = _thinned(points, _APART_PX / 2.0 ** (octave_of(zoom) + 1))
    return QPolygonF([QPointF(x, y) for x, y in ((*points, points[0]) if drawing.is_closed else points)])


def octave_of(zoom: float) -> int:
    return math.floor(math.log2(zoom))


def _thinned(points: Points, apart: float) -> Points:
    """Without those that are nearer than `apart` to the one before; the last stays."""
    kept = [points[0]]
    for point in points[1:-1]:
        if math.dist(point, kept[-1]) >= apart:
            kept.append(point)
    return (*kept, *points[1:][-1:])


def _segments(drawing: Drawing) -> list[QLineF]:
    points = drawing.outline
    following = points[1:] + points[:1] if drawing.is_closed else points[1:]
    return [QLineF(*a, *b) for a, b in zip(points, following, strict=False)]


def _marks(drawing: Drawing, zoom: float) -> list[QLineF]:
    """What belongs to its kind beside its outline."""
    if drawing.kind == "point":
        (x, y), arm = drawing.points[0], _POINT_PX / zoom
        return [QLineF(x - arm, y, x + arm, y), QLineF(x, y - arm, x, y + arm)]
    if drawing.is_angle:
        return _arc(drawing.points, 22 / zoom)
    if drawing.kind == "ruler":
        return _ticks(drawing.points, _TICK_PX / zoom)
    return _band(drawing, zoom) if drawing.kind == "profile" else []


def _ticks(points: Points, half: float) -> list[QLineF]:
    """Across both ends of a ruler."""
    (ax, ay), (bx, by) = points[0], points[1]
    long = math.dist(points[0], points[1])
    if not long:
        return []
    nx, ny = -(by - ay) / long * half, (bx - ax) / long * half
    return [QLineF(x - nx, y - ny, x + nx, y + ny) for x, y in ((ax, ay), (bx, by))]


def _band(drawing: Drawing, zoom: float) -> list[QLineF]:
    """What a profile averages over, once it can be told from the line; an arrow head where the profile ends."""
    (ax, ay), (bx, by) = drawing.points
    long = math.dist(*drawing.points)
    if not long:
        return []
    ux, uy, head = (bx - ax) / long, (by - ay) / long, 9 / zoom
    lines = [
        QLineF(bx, by, bx - head * (ux * 0.87 + s * uy * 0.5), by - head * (uy * 0.87 - s * ux * 0.5)) for s in (1, -1)
    ]
    half = drawing.width_px / 2
    if half * zoom >= 4:
        lines += [
            QLineF(ax - s * uy * half, ay + s * ux * half, bx - s * uy * half, by + s * ux * half) for s in (1, -1)
        ]
        lines += _ticks(drawing.points, half)
    return lines


def _arc(points: Points, radius: float) -> list[QLineF]:
    """Between the legs of an angle, as a few short lines."""
    first, corner, last = points
    start = math.atan2(first[1] - corner[1], first[0] - corner[0])
    turn = math.atan2(last[1] - corner[1], last[0] - corner[0]) - start
    turn = (turn + math.pi) % (2 * math.pi) - math.pi
    radius = min(radius, math.dist(first, corner) / 2, math.dist(last, corner) / 2)
    way = [
        (corner[0] + radius * math.cos(start + turn * i / 12), corner[1] + radius * math.sin(start + turn * i / 12))
        for i in range(13)
    ]
    return [QLineF(*a, *b) for a, b in pairwise(way)]


def _clipped(line: QLineF, area: QRectF) -> QLineF | None:
    """The part inside (Liang and Barsky 1984): no painter likes lines of a million px."""
    low, high = 0.0, 1.0
    for delta, start, near, far in (
        (line.dx(), line.x1(), area.left(), area.right()),
        (line.dy(), line.y1(), area.top(), area.bottom()),
    ):
        if delta == 0:
            if not near <= start <= far:
                return None
            continue
        enter, leave = sorted(((near - start) / delta, (far - start) / delta))
        low, high = max(low, enter), min(high, leave)
    return QLineF(line.pointAt(low), line.pointAt(high)) if low <= high else None
