"""Decides how positions that people found by eye look on the section: a ring where the scan agrees, with a cross where it
missed them, and a corner mark where only the scan found something."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QTransform
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from core.geometry import Box

AGREED, MISSED, EXTRA = QColor("#7fd6a8"), QColor("#ff7a59"), QColor("#f0e442")
_RIM = QColor(0, 0, 0, 165)
_RADIUS_PX, _CROSS_PX = 9.0, 5.0
_AWAY_PX = 24.0  # beyond the sight
_Points = Sequence[tuple[float, float]]


class InspectionItem(QGraphicsItem):
    """In scene coordinates, which are level-0 px; marks have the same size at every zoom."""

    def __init__(self) -> None:
        super().__init__()
        self._bounds = QRectF()
        self._marks: list[tuple[QColor, list[QPointF]]] = []
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)

    def show_places(self, agreed: _Points, missed: _Points, extra: _Points, section: Box) -> None:
        """Level-0 points; those with nothing to agree with yet stand with the agreed ones."""
        self.prepareGeometryChange()
        of_colour = ((EXTRA, extra), (AGREED, agreed), (MISSED, missed))
        self._marks = [(colour, [QPointF(x, y) for x, y in points]) for colour, points in of_colour]
        self._bounds = QRectF(section.x, section.y, section.w, section.h)
        self.update()

    def boundingRect(self) -> QRectF:
        return self._bounds

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """In the viewport's px."""
        world = painter.worldTransform()
        away = _AWAY_PX / world.m11()
        near = option.exposedRect.adjusted(-away, -away, away, away)
        painter.save()
        painter.setWorldTransform(QTransform())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, points in self._marks:
            for point in points:
                if near.contains(point):
                    _paint(painter, colour, world.map(point))
        painter.restore()


def _paint(painter: QPainter, colour: QColor, at: QPointF) -> None:
    for pen in (QPen(_RIM, 4.0), QPen(colour, 2.0)):
        painter.setPen(pen)
        if colour is EXTRA:
            side = QRectF(at.x() - _CROSS_PX, at.y() - _CROSS_PX, 2 * _CROSS_PX, 2 * _CROSS_PX)
            painter.drawPolygon([
                QPointF(side.center().x(), side.top()), QPointF(side.right(), side.center().y()),
                QPointF(side.center().x(), side.bottom()), QPointF(side.left(), side.center().y()),
            ])  # fmt: skip
            continue
        painter.drawEllipse(at, _RADIUS_PX, _RADIUS_PX)
        if colour is MISSED:
            for x, y in ((1, 1), (1, -1)):
                painter.drawLine(at - QPointF(x, y) * _CROSS_PX, at + QPointF(x, y) * _CROSS_PX)
