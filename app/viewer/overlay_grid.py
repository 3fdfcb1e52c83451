"""Decides where the lines of the grid lie and what stands at them: 1, 2 or 5 times a power of ten, from the top-left corner."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app.layer_styles import GridStyle
from core.geometry import Box

LEAST_PX = 90.0  # on the screen, between lines
_LEAST_OF_FIXED_PX = 6.0  # a spacing that was asked for is drawn until it would be closer
_LABEL_EVERY = 2  # lines, both ways
_LABEL_PX = (170.0, 24.0)
_BACKDROP = QColor(12, 14, 16, 215)  # the layer's opacity takes from it
_DARK, _LIGHT = QColor(0, 0, 0, 130), QColor(255, 255, 255, 110)  # side by side: one is seen on any ground


@dataclass(frozen=True, slots=True)
class GridSteps:
    """Level-0 px between lines, and the same distance in `unit` ("µm", "mm" or "px") as it is labelled."""

    x_px: float
    y_px: float
    step: float
    unit: str


def steps_for(style: GridStyle, zoom: float, pixel_size_um: tuple[float, float] | None) -> GridSteps | None:
    """The grid at `zoom` device-independent px per level-0 px; None where its lines would lie too close.

    Without calibration it is in px.
    """
    size = pixel_size_um if pixel_size_um is not None and style.unit == "um" else (1.0, 1.0)
    is_um = size is pixel_size_um
    if style.spacing is None:
        spacing = _nice_above(LEAST_PX * max(size) / zoom)
    else:
        spacing = style.spacing
        if spacing * zoom / max(size) < _LEAST_OF_FIXED_PX:
            return None
    in_mm = is_um and spacing >= 1000
    unit = ("mm" if in_mm else "µm") if is_um else "px"
    return GridSteps(spacing / size[0], spacing / size[1], spacing / 1000 if in_mm else spacing, unit)


class GridItem(QGraphicsItem):
    """Lines over the whole section, in scene coordinates, which are level-0 px."""

    def __init__(self) -> None:
        super().__init__()
        self._section = QRectF()
        self._style = GridStyle()
        self._pixel_size_um: tuple[float, float] | None = None
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)

    def set_grid(self, section: Box | None, pixel_size_um: tuple[float, float] | None, style: GridStyle) -> None:
        self.prepareGeometryChange()
        self._section = QRectF(section.x, section.y, section.w, section.h) if section is not None else QRectF()
        self._pixel_size_um, self._style = pixel_size_um, style
        self.update()

    def boundingRect(self) -> QRectF:
        return self._section

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        zoom = painter.worldTransform().m11()
        steps = steps_for(self._style, zoom, self._pixel_size_um)
        area = option.exposedRect.intersected(self._section)
        if steps is None or area.isEmpty():
            return
        # Lines and labels that begin outside reach into what is exposed.
        wide = area.adjusted(-_LABEL_PX[0] / zoom, -_LABEL_PX[1] / zoom, 2 / zoom, 2 / zoom).intersected(self._section)
        columns = range(math.floor(wide.left() / steps.x_px), math.floor(wide.right() / steps.x_px) + 1)
        rows = range(math.floor(wide.top() / steps.y_px), math.floor(wide.bottom() / steps.y_px) + 1)
        lines = [QLineF(c * steps.x_px, area.top(), c * steps.x_px, area.bottom()) for c in columns if c > 0]
        lines += [QLineF(area.left(), r * steps.y_px, area.right(), r * steps.y_px) for r in rows if r > 0]
        beside = 1 / zoom
        for colour, offset in ((_DARK, 0.0), (_LIGHT, beside)):
            pen = QPen(colour, painter.device().devicePixelRatioF())  # of a cosmetic pen: device px
            pen.setCosmetic(True)
            painter.setPen(pen)
            painter.drawLines([line.translated(offset, offset) for line in lines])
        if steps.x_px * zoom * _LABEL_EVERY >= _LABEL_PX[0]:
            self._label(painter, steps, columns, rows)

    def _label(self, painter: QPainter, steps: GridSteps, columns: range, rows: range) -> None:
        """In the scene, not at the view's edges, so that scrolling takes labels along."""
        world = painter.worldTransform()
        font = QFont(painter.font())
        font.setPixelSize(11)
        painter.save()
        painter.resetTransform()
        painter.setFont(font)
        for row in (r for r in rows if r > 0 and r % _LABEL_EVERY == 0):
            for column in (c for c in columns if c > 0 and c % _LABEL_EVERY == 0):
                at = world.map(QPointF(column * steps.x_px, row * steps.y_px))
                _paint_label(painter, at + QPointF(3, 3), f"{column * steps.step:g}, {row * steps.step:g} {steps.unit}")
        painter.restore()


def _paint_label(painter: QPainter, at: QPointF, text: str) -> None:
    """Light on a dark ground, like the scale bar: legible on metal, on resin and on a mixture of both."""
    metrics = QFontMetricsF(painter.font())
    place = QPointF(round(at.x()), round(at.y()))
    ground = QRectF(place.x(), place.y(), metrics.horizontalAdvance(text) + 6, metrics.height() + 2)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_BACKDROP)
    painter.drawRoundedRect(ground, 3, 3)
    painter.setPen(QPen(Qt.GlobalColor.white))
    painter.drawText(ground, Qt.AlignmentFlag.AlignCenter, text)


def _nice_above(value: float) -> float:
    decade = 10.0 ** math.floor(math.log10(value))
    return next(step * decade for step in (1, 2, 5, 10) if step * decade >= value * (1 - 1e-9))
