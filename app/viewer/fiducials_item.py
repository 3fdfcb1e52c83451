"""Decides how fiducials look: crosses with names, check points and unseen ones otherwise, residuals as arrows, and the hull."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF, QTransform
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app.viewer.drawing_labels import label_font, paint_label
from core.geometry import Box
from core.registration.arrows import Arrow, residual_arrows
from core.registration.fiducials import Fiducial

if TYPE_CHECKING:
    from app.session_registration import RegistrationControl

FITTED, CHECK, UNSEEN = QColor("#ffd54a"), QColor("#7cc4ff"), QColor("#e8ebee")
_ARROW = QColor("#ff7a59")
_HULL = QColor(255, 255, 255, 120)
_RIM = QColor(0, 0, 0, 165)
_RING_PX, _ARM_PX, _GAP_PX = 7.0, 12.0, 2.5
_HEAD_PX = 7.0
_PAD_PX = 4.0


class FiducialsItem(QGraphicsItem):
    """In scene coordinates, which are level-0 px; marks have the same size at every zoom."""

    def __init__(self) -> None:
        super().__init__()
        self._bounds = QRectF()
        self._marks: list[tuple[Fiducial, tuple[float, float]]] = []
        self._selected: int | None = None
        self._new: tuple[float, float] | None = None
        self._arrows: list[Arrow] = []
        self._hull: list[tuple[float, float]] = []

    def show_registration(self, registration: RegistrationControl, section: Box, *, selected: bool = True) -> None:
        """As it is now; where one is held elsewhere, neither arrows nor hull are true, so there are none."""
        self.prepareGeometryChange()
        held, fit = registration.held, registration.fit
        self._marks = [
            (one, held[1:] if held is not None and held[0] == row else (one.x_px, one.y_px))
            for row, one in enumerate(registration.fiducials)
        ]
        self._selected = registration.selected_row if selected else None
        self._new = held[1:] if held is not None and held[0] is None else None
        self._arrows, self._hull = [], []
        if fit is not None and (held is None or held[0] is None):
            self._arrows = residual_arrows(fit)
            self._hull = [(float(x), float(y)) for x, y in fit.hull]
        margin = max(section.w, section.h)
        self._bounds = QRectF(section.x, section.y, section.w, section.h).adjusted(-margin, -margin, margin, margin)
        self.update()

    def boundingRect(self) -> QRectF:
        return self._bounds

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """In the viewport's px."""
        view = painter.worldTransform()

        def at(point: tuple[float, float]) -> QPointF:
            return view.map(QPointF(*point))

        painter.save()
        painter.setWorldTransform(QTransform())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if self._hull:
            for colour, style in ((QColor(0, 0, 0, 110), Qt.PenStyle.SolidLine), (_HULL, Qt.PenStyle.DashLine)):
                painter.setPen(QPen(colour, 1.0, style))
                painter.drawPolygon(QPolygonF([at(corner) for corner in self._hull]))
        for start, end in self._arrows:
            _paint_arrow(painter, at(start), at(end))
        for row, (one, place) in enumerate(self._marks):
            _paint_mark(painter, one, at(place), selected=row == self._selected)
        if self._new is not None:
            _paint_cross(painter, at(self._new), UNSEEN, 1.75)
        painter.restore()


def _paint_mark(painter: QPainter, one: Fiducial, at: QPointF, *, selected: bool) -> None:
    colour = UNSEEN if not one.is_seen else CHECK if one.role == "check" else FITTED
    width = 2.5 if selected else 1.5
    _paint_cross(painter, at, colour, width)
    style = Qt.PenStyle.SolidLine if one.is_seen else Qt.PenStyle.DotLine
    for pen in (QPen(_RIM, width + 2), QPen(colour, width, style)):
        painter.setPen(pen)
        if one.role == "check":
            painter.drawRect(QRectF(at.x() - _RING_PX, at.y() - _RING_PX, 2 * _RING_PX, 2 * _RING_PX))
        else:
            painter.drawEllipse(at, _RING_PX, _RING_PX)
    metrics = QFontMetricsF(label_font())
    size = metrics.horizontalAdvance(one.name) + 2 * _PAD_PX, math.ceil(metrics.height() + _PAD_PX)
    corner = at + QPointF(_ARM_PX, -_ARM_PX - size[1] / 2)
    paint_label(painter, one.name, QRectF(corner.x(), corner.y(), *size), colour)


def _paint_cross(painter: QPainter, at: QPointF, colour: QColor, width: float) -> None:
    """Open in the middle, so that what was picked can be seen."""
    for pen in (QPen(_RIM, width + 2), QPen(colour, width)):
        painter.setPen(pen)
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            painter.drawLine(at + QPointF(dx, dy) * _GAP_PX, at + QPointF(dx, dy) * _ARM_PX)


def _paint_arrow(painter: QPainter, start: QPointF, end: QPointF) -> None:
    way = end - start
    length = math.hypot(way.x(), way.y())
    if length < 1:
        return
    start = start + way / length * min(_GAP_PX, length)  # what was picked stays free
    along = way / length * min(_HEAD_PX, length)
    across = QPointF(-along.y(), along.x()) * 0.5
    for pen in (QPen(_RIM, 4.0), QPen(_ARROW, 2.0)):
        painter.setPen(pen)
        painter.drawLine(start, end)
        painter.drawPolyline(QPolygonF([end - along + across, end, end - along - across]))
