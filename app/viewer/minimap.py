"""Decides how the whole section is shown small, where the view is on it, and how a click there moves the view."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QWidget

from app.viewer.overlay_boxes import density_picture
from core.geometry import Box

LONGEST = 168  # px
_SHORTEST = 24
_LEAST_FRAME = 6.0
_WORST = 10  # detections that are marked one by one, where nobody chose some
_WORST_PX = 5.0


class Minimap(QWidget):
    """Click or drag to move the view."""

    moved = Signal(float, float)  # level-0 px

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip("Click or drag to move the view")
        self._section: Box | None = None
        self._view: Box | None = None
        self._picture: QPixmap | None = None
        self._points: np.ndarray | None = None
        self._chosen: Sequence[tuple[float, float]] | None = None
        self._ground: QPixmap | None = None  # all but the view's frame; drawn when it is painted the first time

    def set_section(self, section: Box | None) -> None:
        self._section, self._view, self._picture, self._ground = section, None, None, None
        self.resize(self.sizeHint())
        self.update()

    def set_picture(self, picture: QPixmap) -> None:
        """The section as a whole, at any size."""
        size = (self._area().size() * self.devicePixelRatioF()).toSize()
        self._picture = picture.scaled(
            size, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        self._ground = None
        self.update()

    def set_marks(self, points: np.ndarray | None, chosen: Sequence[tuple[float, float]] | None = None) -> None:
        """Detections by their places, (n, 2) level-0 px, worst first; None: not shown.

        `chosen`: those that are marked one by one, None for the worst.
        """
        self._points = points if points is not None and len(points) else None
        self._chosen = chosen
        self._ground = None
        self.update()

    def set_view(self, view: Box) -> None:
        if view != self._view:
            self._view = view
            self.update()

    @property
    def is_useful(self) -> bool:
        """Whether the view shows less than the whole section."""
        if self._section is None or self._view is None:
            return False
        seen = self._section.intersection(self._view)
        return seen is None or seen.area < 0.98 * self._section.area

    def sizeHint(self) -> QSize:
        if self._section is None:
            return QSize(LONGEST, LONGEST)
        zoom = self._zoom()
        return QSize(max(round(self._section.w * zoom), _SHORTEST), max(round(self._section.h * zoom), _SHORTEST))

    def _zoom(self) -> float:
        return LONGEST / max(self._section.w, self._section.h) if self._section is not None else 1.0

    def _area(self) -> QRectF:
        """Where the section lies: in the middle, when it is too thin to fill the widget."""
        if self._section is None:
            return QRectF(self.rect())
        w, h = self._section.w * self._zoom(), self._section.h * self._zoom()
        return QRectF((self.width() - w) / 2, (self.height() - h) / 2, w, h)

    def frame(self) -> QRectF:
        """Where the view is drawn, in this widget's px."""
        if self._section is None or self._view is None:
            return QRectF()
        area, zoom = self._area(), self._zoom()
        frame = QRectF(self._view.x * zoom, self._view.y * zoom, self._view.w * zoom, self._view.h * zoom)
        frame.translate(area.topLeft())
        grow_x, grow_y = max(_LEAST_FRAME - frame.width(), 0) / 2, max(_LEAST_FRAME - frame.height(), 0) / 2
        return frame.adjusted(-grow_x, -grow_y, grow_x, grow_y)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        size = self.size() * self.devicePixelRatioF()
        if self._ground is None or self._ground.size() != size:
            self._ground = self._painted_ground(size)
        painter.drawPixmap(0, 0, self._ground)
        frame = self.frame().intersected(QRectF(self.rect()).adjusted(1, 1, -1, -1))
        for colour, width in ((QColor(0, 0, 0, 160), 3.0), (QColor("white"), 1.5)):
            painter.setPen(QPen(colour, width))
            painter.drawRect(frame)
        painter.setPen(QPen(QColor(12, 14, 16, 200), 1))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def _painted_ground(self, size: QSize) -> QPixmap:
        """The section and its detections, at `size` device px."""
        ground = QPixmap(size)
        ground.setDevicePixelRatio(self.devicePixelRatioF())
        ground.fill(QColor(30, 33, 36))
        painter = QPainter(ground)
        if self._picture is not None:
            painter.drawPixmap(self._area(), self._picture, QRectF(self._picture.rect()))
        self._paint_marks(painter)
        painter.end()
        return ground

    def _paint_marks(self, painter: QPainter) -> None:
        """Where many are, and the worst ones, or all that were chosen, by themselves."""
        if self._points is None or self._section is None:
            return
        area, ratio = self._area(), self.devicePixelRatioF()
        width, height = max(round(area.width() * ratio), 1), max(round(area.height() * ratio), 1)
        pixels = density_picture(self._points * self._zoom() * ratio, width, height, max(round(ratio), 1))
        pixels = np.ascontiguousarray(pixels)
        image = QImage(pixels.data, width, height, width * 4, QImage.Format.Format_ARGB32_Premultiplied)
        painter.drawImage(area, image, QRectF(image.rect()))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor("black"), 1.0))
        painter.setBrush(QColor("white"))
        marked = self._points[:_WORST].tolist() if self._chosen is None else self._chosen
        for x, y in marked:
            painter.drawEllipse(area.topLeft() + QPointF(x, y) * self._zoom(), _WORST_PX / 2, _WORST_PX / 2)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._go(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._go(event.position())

    def _go(self, position: QPointF) -> None:
        if self._section is not None:
            point = (position - self._area().topLeft()) / self._zoom()
            x, y = point.x(), point.y()
            self.moved.emit(min(max(x, 0), self._section.w), min(max(y, 0), self._section.h))
