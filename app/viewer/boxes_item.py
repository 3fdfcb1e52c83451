"""Decides how detections are drawn on the section and which one lies under a point.

All of them are one item: lines of one width on the screen, drawn in batches of one pen (`app.viewer.many_boxes` when
thousands are in sight). Which ones are shown is the
session's decision, their colours are `app.class_colours`'.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app.class_colours import class_colours
from app.viewer.many_boxes import paint_many
from core.detection import Detection
from core.geometry import Box

Array = np.ndarray

MIN_SCREEN_PX = 8.0  # a smaller box is drawn this large, so that it can be seen and clicked
MANY = 1500  # in sight; beyond, lines are thin and plain so that panning stays smooth
_REACH_PX = 3.0  # on the screen, how far beside a box still hits it


@dataclass(frozen=True, slots=True)
class Stroke:
    """How a box is drawn: dashed for traces of preparation, thick once confirmed, faint once rejected."""

    colour: str
    width: float
    dashed: bool
    alpha: int

    def paint(self) -> QColor:
        colour = QColor(self.colour)
        colour.setAlpha(self.alpha)
        return colour

    def pen(self) -> QPen:
        pen = _pen(self.paint(), self.width)
        if self.dashed:
            pen.setDashPattern([4.0, 3.0])
        return pen


class BoxesItem(QGraphicsItem):
    """Boxes in scene coordinates, which are level-0 px."""

    def __init__(self) -> None:
        super().__init__()
        self._detections: Sequence[Detection] = ()
        self._edges = np.zeros((0, 4))  # x0, y0, x1, y1
        self._strokes: list[Stroke] = []
        self._of_stroke: list[Array] = []  # for each stroke, which boxes
        self._places: dict[int | None, int] = {}  # of detections by id
        self._bounds = QRectF()
        self._selected: int | None = None
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)

    def set_detections(
        self, detections: Sequence[Detection], labels: Sequence[str], artefact_labels: Collection[str], section: Box
    ) -> None:
        """Shows these, the first of them on top."""
        self.prepareGeometryChange()
        self._detections = detections
        self._edges = np.array([(d.box.x, d.box.y, d.box.x1, d.box.y1) for d in detections], float).reshape(-1, 4)
        self._places = {d.id: place for place, d in enumerate(detections)}
        colours = {label: colour.name() for label, colour in class_colours(tuple(labels)).items()}
        strokes = [_stroke(d, colours.get(d.label, "#f2a516"), d.label in artefact_labels) for d in detections]
        # Rejected ones first, so that what counts is drawn over them.
        self._strokes = sorted(set(strokes), key=lambda s: (s.alpha, s.width))
        place = {stroke: index for index, stroke in enumerate(self._strokes)}
        which = np.array([place[stroke] for stroke in strokes], int)
        self._of_stroke = [which == index for index in range(len(self._strokes))]
        margin = max(section.w, section.h)  # small boxes are drawn larger than they are
        self._bounds = QRectF(section.x, section.y, section.w, section.h).adjusted(-margin, -margin, margin, margin)
        self.update()

    def set_selected(self, detection_id: int | None) -> None:
        if detection_id != self._selected:
            self._selected = detection_id
            self.update()

    def hit(self, x_px: float, y_px: float, zoom: float) -> Detection | None:
        """The smallest box under a level-0 point, at `zoom` device-independent px per level-0 px."""
        if not len(self._edges):
            return None
        edges = self._drawn_edges(zoom)
        reach = _REACH_PX / zoom
        inside = (edges[:, 0] - reach <= x_px) & (x_px <= edges[:, 2] + reach)
        inside &= (edges[:, 1] - reach <= y_px) & (y_px <= edges[:, 3] + reach)
        found = np.flatnonzero(inside)
        if not found.size:
            return None
        areas = (edges[found, 2] - edges[found, 0]) * (edges[found, 3] - edges[found, 1])
        return self._detections[int(found[np.argmin(areas)])]

    def boundingRect(self) -> QRectF:
        return self._bounds

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if not len(self._edges):
            return
        zoom = painter.worldTransform().m11()
        edges = self._drawn_edges(zoom)
        in_sight = _in_sight(edges, option.exposedRect, zoom)
        groups = [
            (edges[in_sight & members], stroke) for stroke, members in zip(self._strokes, self._of_stroke, strict=True)
        ]
        if int(in_sight.sum()) > MANY:
            paint_many(painter, option.exposedRect, [(group, stroke.paint()) for group, stroke in groups])
        else:
            _paint_few(painter, groups)
        place = self._places.get(self._selected)
        if place is not None:
            _paint_frame(painter, edges[place], zoom)

    def _drawn_edges(self, zoom: float) -> Array:
        """Edges with boxes that would be too small to see grown around their middle."""
        centre = (self._edges[:, :2] + self._edges[:, 2:]) / 2
        half = np.maximum((self._edges[:, 2:] - self._edges[:, :2]) / 2, MIN_SCREEN_PX / 2 / zoom)
        return np.concatenate([centre - half, centre + half], axis=1)


def _in_sight(edges: Array, exposed: QRectF, zoom: float) -> Array:
    margin = 8 / zoom  # for the width of lines
    return (
        (edges[:, 2] >= exposed.left() - margin)
        & (edges[:, 0] <= exposed.right() + margin)
        & (edges[:, 3] >= exposed.top() - margin)
        & (edges[:, 1] <= exposed.bottom() + margin)
    )


def _paint_few(painter: QPainter, groups: Sequence[tuple[Array, Stroke]]) -> None:
    """With a dark edge under every box, so that bright lines stand out on bright metal."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    rects = [(_rects(edges), stroke) for edges, stroke in groups if len(edges)]
    for shapes, _ in rects:
        painter.setPen(_pen(QColor(0, 0, 0, 90), 4.0))
        painter.drawRects(shapes)
    for shapes, stroke in rects:
        painter.setPen(stroke.pen())
        painter.drawRects(shapes)


def _paint_frame(painter: QPainter, edges: Array, zoom: float) -> None:
    """Around the selected box."""
    grow = 4 / zoom
    frame = _rects(edges[None])[0].adjusted(-grow, -grow, grow, grow)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for colour, width in ((QColor(0, 0, 0, 170), 5.0), (QColor(255, 255, 255), 2.5)):
        painter.setPen(_pen(colour, width))
        painter.drawRect(frame)


def _rects(edges: Array) -> list[QRectF]:
    return [QRectF(x0, y0, x1 - x0, y1 - y0) for x0, y0, x1, y1 in edges.tolist()]


def _pen(colour: QColor, width: float) -> QPen:
    pen = QPen(colour, width)
    pen.setCosmetic(True)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    return pen


def _stroke(detection: Detection, colour: str, is_artefact: bool) -> Stroke:
    dashed = is_artefact or detection.status == "artefact"
    if detection.status == "false_alarm":
        return Stroke(colour, 1.0, True, 110)
    return Stroke(colour, 3.0 if detection.status == "defect" else 1.75, dashed, 255)
