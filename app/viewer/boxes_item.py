"""Decides how detections are drawn on the section and which one lies under a point.

All of them are one item: lines of one width on the screen, drawn in batches of one pen. Which ones are shown is the
session's decision, their colours are `app.class_colours`'.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app.class_colours import class_colours
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

    def pen(self, plain: bool) -> QPen:
        colour = QColor(self.colour)
        colour.setAlpha(self.alpha)
        pen = QPen(colour, 1.0 if plain else self.width)
        pen.setCosmetic(True)
        pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
        if self.dashed and not plain:
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
        self._rects: tuple[float, list[QRectF]] = (0.0, [])
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
        self._rects = (0.0, [])
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
        rects = self._rects_at(zoom)
        in_sight = self._in_sight(option.exposedRect, zoom)
        plain = int(in_sight.sum()) > MANY
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if not plain:
            painter.setPen(_shade())
            painter.drawRects(list(compress(rects, in_sight)))
        for stroke, members in zip(self._strokes, self._of_stroke, strict=True):
            chosen = list(compress(rects, in_sight & members))
            if chosen:
                painter.setPen(stroke.pen(plain))
                painter.drawRects(chosen)
        self._paint_selected(painter, rects, zoom)

    def _paint_selected(self, painter: QPainter, rects: list[QRectF], zoom: float) -> None:
        place = next((i for i, d in enumerate(self._detections) if d.id == self._selected), None)
        if place is None:
            return
        grow = 4 / zoom
        frame = rects[place].adjusted(-grow, -grow, grow, grow)
        for colour, width in ((QColor(0, 0, 0, 170), 5.0), (QColor(255, 255, 255), 2.5)):
            pen = QPen(colour, width)
            pen.setCosmetic(True)
            pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
            painter.setPen(pen)
            painter.drawRect(frame)

    def _drawn_edges(self, zoom: float) -> Array:
        """Edges with boxes that would be too small to see grown around their middle."""
        centre = (self._edges[:, :2] + self._edges[:, 2:]) / 2
        half = np.maximum((self._edges[:, 2:] - self._edges[:, :2]) / 2, MIN_SCREEN_PX / 2 / zoom)
        return np.concatenate([centre - half, centre + half], axis=1)

    def _rects_at(self, zoom: float) -> list[QRectF]:
        if self._rects[0] != zoom:
            edges = self._drawn_edges(zoom)
            edges[:, 2:] -= edges[:, :2]
            self._rects = (zoom, [QRectF(*values) for values in edges.tolist()])
        return self._rects[1]

    def _in_sight(self, exposed: QRectF, zoom: float) -> Array:
        margin = (MIN_SCREEN_PX + 8) / zoom
        edges = self._edges
        return (
            (edges[:, 2] >= exposed.left() - margin)
            & (edges[:, 0] <= exposed.right() + margin)
            & (edges[:, 3] >= exposed.top() - margin)
            & (edges[:, 1] <= exposed.bottom() + margin)
        )


def _stroke(detection: Detection, colour: str, is_artefact: bool) -> Stroke:
    dashed = is_artefact or detection.status == "artefact"
    if detection.status == "false_alarm":
        return Stroke(colour, 1.0, True, 110)
    return Stroke(colour, 3.0 if detection.status == "defect" else 1.75, dashed, 255)


def _shade() -> QPen:
    """A dark edge under every box, so that bright lines stand out on bright metal."""
    pen = QPen(QColor(0, 0, 0, 90), 4.0)
    pen.setCosmetic(True)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    return pen
