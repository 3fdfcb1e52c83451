"""Decides how long the scale bar is and what it says: 1, 2 or 5 times a power of ten, in µm, mm or px."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.theme import SPACE

WIDEST = 160.0  # device-independent px
_HEIGHT = 36


@dataclass(frozen=True, slots=True)
class Scale:
    """A bar `width` device-independent px long that stands for `text`."""

    width: float
    text: str


def scale_for(zoom: float, um_per_px: float | None, widest: float = WIDEST) -> Scale:
    """The longest nice bar that fits into `widest`, at `zoom` device-independent px per level-0 px. Without calibration: px."""
    unit_zoom = zoom / um_per_px if um_per_px else zoom
    length = _nice_below(widest / unit_zoom)
    return Scale(length * unit_zoom, _text(length, um_per_px is not None))


def _nice_below(value: float) -> float:
    decade = 10.0 ** math.floor(math.log10(value))
    return next(step * decade for step in (5, 2, 1) if step * decade <= value * (1 + 1e-9))


def _text(length: float, is_um: bool) -> str:
    if not is_um:
        return f"{length:g} px"
    if length >= 1000:
        return f"{length / 1000:g} mm"
    return f"{length:g} µm" if length >= 1 else f"{round(length * 1000):g} nm"


class ScaleBar(QWidget):
    """Drawn over the canvas; the mouse goes through it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.scale_shown: Scale | None = None

    def show_scale(self, zoom: float, um_per_px: float | None) -> None:
        scale = scale_for(zoom, um_per_px)
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
