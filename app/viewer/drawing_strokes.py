"""Decides how one drawing is painted: its lines with a dark rim, its marks and its handles.

Widths and sizes are device-independent px at every zoom; places are level-0 px, mapped by the painter.
"""

from __future__ import annotations

import math
from itertools import pairwise

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from app.class_colours import class_colours
from core.drawing import Drawing, Points

PLAIN = "#38e0d0"  # of a drawing without a class
RIM = QColor(0, 0, 0, 165)
HANDLE_PX = 8.0
_POINT_PX = 7.0
_TICK_PX = 6.0
_MARGIN_PX = 24.0  # more than any line is wide
_HUGE_PX = 16000.0


def colour_of(drawing: Drawing) -> QColor:
    return class_colours((drawing.label,))[drawing.label] if drawing.label else QColor(PLAIN)


def pen_of(colour: QColor, width: float) -> QPen:
    pen = QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    pen.setCosmetic(True)
    return pen


def paint_lines(painter: QPainter, drawing: Drawing, sight: QRectF, *, selected: bool) -> None:
    """The drawing itself; `sight`: the level-0 px in view."""
    zoom = painter.worldTransform().m11()
    width = 2.5 if selected else 1.75
    outline = _polygon(drawing, zoom)
    lines = _marks(drawing, zoom) + (_segments(drawing) if outline is None else [])
    around = sight.adjusted(*(side * _MARGIN_PX / zoom for side in (-1, -1, 1, 1)))
    clipped = [part for line in lines if (part := _clipped(line, around)) is not None]
    for pen in (pen_of(RIM, width + 2.5), pen_of(colour_of(drawing), width)):
        painter.setPen(pen)
        if outline is not None and drawing.is_closed:
            painter.drawPolygon(outline)
        elif outline is not None:
            painter.drawPolyline(outline)
        painter.drawLines(clipped)


def paint_handles(painter: QPainter, drawing: Drawing, sight: QRectF) -> None:
    """Small squares where it can be taken hold of."""
    side = HANDLE_PX / painter.worldTransform().m11()
    painter.setPen(pen_of(RIM, 1.25))
    painter.setBrush(QColor("white"))
    for x, y in drawing.handles:
        square = QRectF(x - side / 2, y - side / 2, side, side)
        if square.intersects(sight):
            painter.drawRect(square)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _polygon(drawing: Drawing, zoom: float) -> QPolygonF | None:
    """Its outline, unless it is so large on the screen that its lines are clipped one by one."""
    if drawing.kind == "point":
        return None
    box = drawing.box
    if max(box.w, box.h) * zoom > _HUGE_PX:
        return None
    return QPolygonF([QPointF(x, y) for x, y in drawing.outline])


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
