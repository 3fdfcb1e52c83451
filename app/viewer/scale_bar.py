"""Decides how the scale bar over the section looks; how long it is and what it says is for `core.scale_bar`."""

from __future__ import annotations

import math

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.theme import SPACE
from core.scale_bar import Scale, scale_for

WIDEST = 160.0  # device-independent px
_HEIGHT = 36


class ScaleBar(QWidget):
    """Drawn over the canvas; the mouse goes through it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.scale_shown: Scale | None = None

    def show_scale(self, zoom: float, um_per_px: float | None) -> None:
        scale = scale_for(zoom, um_per_px, WIDEST)
        if scale != self.scale_shown:
            self.scale_shown = scale
            self.resize(self.sizeHint())
            self.update()

    def sizeHint(self) -> QSize:
        width = self.scale_shown.width if self.scale_shown is not None else 0
        return QSize(math.ceil(max(width, 48)) + 2 * SPACE, _HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.scale_shown is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(12, 14, 16, 170))
        painter.drawRoundedRect(self.rect(), 4, 4)
        painter.setPen(QColor("white"))
        painter.drawText(QRectF(0, 4, self.width(), 18), Qt.AlignmentFlag.AlignCenter, self.scale_shown.text)
        left = (self.width() - self.scale_shown.width) / 2
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.fillRect(QRectF(left, 25, self.scale_shown.width, 4), QColor("white"))
