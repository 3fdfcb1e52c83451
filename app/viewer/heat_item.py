"""Decides how the anomaly map is painted over the section: in tiles of cells, made when they come into sight."""

from __future__ import annotations

import math
from collections.abc import Iterator

from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter, QPixmap
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app.viewer.heat_pyramid import HeatPyramid
from core.caches import ByteCache
from core.geometry import Box

TILE_CELLS = 256
_BYTES = 64 << 20


class HeatItem(QGraphicsItem):
    """The map in scene coordinates, which are level-0 px."""

    def __init__(self) -> None:
        super().__init__()
        self._heat: HeatPyramid | None = None
        self._section = Box(0, 0, 0, 0)
        self._style = (0.5, "")
        self._tiles: ByteCache[tuple[int, int, int], QPixmap] = ByteCache(_BYTES)
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)

    def set_heat(self, heat: HeatPyramid | None, section: Box) -> None:
        self.prepareGeometryChange()
        self._heat, self._section = heat, section
        self._tiles.clear()
        self.update()

    def set_style(self, threshold: float, colour_map: str) -> None:
        if (threshold, colour_map) != self._style:
            self._style = (threshold, colour_map)
            self._tiles.clear()
            self.update()

    def boundingRect(self) -> QRectF:
        return QRectF(self._section.x, self._section.y, self._section.w, self._section.h)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        heat = self._heat
        if heat is None:
            return
        exposed = option.exposedRect.intersected(self.boundingRect())
        level = heat.level_for(painter.worldTransform().m11() * painter.device().devicePixelRatioF())
        cell = heat.cell_px * 2**level
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        for row, column in _tiles_in(exposed, cell * TILE_CELLS):
            pixmap = self._tile(heat, level, row, column)
            if pixmap is None:
                continue
            side = TILE_CELLS * cell
            painter.save()
            painter.setClipRect(QRectF(column * side, row * side, side, side).intersected(exposed))
            # One cell of the neighbours on each side, so that smoothing shows no border between tiles.
            x, y = column * side - min(column, 1) * cell, row * side - min(row, 1) * cell
            target = QRectF(x, y, pixmap.width() * cell, pixmap.height() * cell)
            painter.drawPixmap(target, pixmap, QRectF(pixmap.rect()))
            painter.restore()

    def _tile(self, heat: HeatPyramid, level: int, row: int, column: int) -> QPixmap | None:
        found = self._tiles.get((level, row, column))
        if found is not None:
            return found
        threshold, colour_map = self._style
        rows, columns = _with_border(row), _with_border(column)
        colours = heat.colours(level, rows, columns, threshold, colour_map)
        if not colours.size:
            return None
        height, width = colours.shape[:2]
        image = QImage(colours.data, width, height, width * 4, QImage.Format.Format_ARGB32_Premultiplied)
        pixmap = QPixmap.fromImage(image.copy())
        self._tiles.put((level, row, column), pixmap, colours.nbytes)
        return pixmap


def _with_border(index: int) -> slice:
    return slice(max(index * TILE_CELLS - 1, 0), (index + 1) * TILE_CELLS + 1)


def _tiles_in(area: QRectF, side: float) -> Iterator[tuple[int, int]]:
    for row in range(int(area.top() // side), math.ceil(area.bottom() / side)):
        for column in range(int(area.left() // side), math.ceil(area.right() / side)):
            yield row, column
