"""Decides how the drive is painted: a line from stop to stop and their numbers, as many as have room at this zoom."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app.viewer.drawing_labels import label_font, paint_label
from core.geometry import Box

LINE, RIM = QColor("#ffffff"), QColor(0, 0, 0, 165)
_LINE_PX, _RIM_PX, _STOP_PX = 1.5, 4.0, 3.0
_ROOM_PX = (34, 20)  # for a number
_LABEL_PX = 16.0
_AWAY = QPointF(6, 4)


class DriveItem(QGraphicsItem):
    """In scene coordinates, which are level-0 px; line and numbers have the same size at every zoom."""

    def __init__(self) -> None:
        super().__init__()
        self._bounds = QRectF()
        self._stops: list[QPointF] = []
        self._numbered: tuple[float, list[int]] = (0.0, [])
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)

    @property
    def stops(self) -> list[tuple[float, float]]:
        return [(stop.x(), stop.y()) for stop in self._stops]

    def show_drive(self, stops: Sequence[tuple[float, float]], section: Box) -> None:
        """`stops`: level-0 px, in their order."""
        self.prepareGeometryChange()
        self._stops = [QPointF(x, y) for x, y in stops]
        self._numbered = (0.0, [])
        self._bounds = QRectF(section.x, section.y, section.w, section.h)
        self.update()

    def boundingRect(self) -> QRectF:
        return self._bounds

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if not self._stops:
            return
        world = painter.worldTransform()
        ratio = painter.device().devicePixelRatioF()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        line = QPolygonF(self._stops)
        for colour, width in ((RIM, _RIM_PX), (LINE, _LINE_PX)):
            pen = QPen(colour, width * ratio, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
            pen.setCosmetic(True)
            painter.setPen(pen)
            painter.drawPolyline(line)
        near = option.exposedRect.adjusted(*(side / world.m11() for side in (-80, -40, 80, 40)))
        painter.save()
        painter.resetTransform()
        painter.setFont(label_font())
        for number in self._with_room(world.m11()):
            if near.contains(self._stops[number]):
                self._mark(painter, world.map(self._stops[number]), str(number + 1))
        painter.restore()

    def _mark(self, painter: QPainter, at: QPointF, number: str) -> None:
        painter.setPen(QPen(RIM, 1))
        painter.setBrush(LINE)
        painter.drawEllipse(at, _STOP_PX, _STOP_PX)
        width = QFontMetricsF(painter.font()).horizontalAdvance(number) + 8
        paint_label(painter, number, QRectF(at + _AWAY, QSizeF(width, _LABEL_PX)), LINE)

    def _with_room(self, zoom: float) -> list[int]:
        """Which stops are numbered, the first ones before others; the same wherever the view is, so that scrolling fits."""
        if self._numbered[0] != zoom:
            taken: set[tuple[int, int]] = set()
            chosen = []
            for number, stop in enumerate(self._stops):
                cell = int(stop.x() * zoom // _ROOM_PX[0]), int(stop.y() * zoom // _ROOM_PX[1])
                if not taken & {(cell[0] + dx, cell[1] + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)}:
                    chosen.append(number)
                    taken.add(cell)
            self._numbered = zoom, chosen
        return self._numbered[1]
