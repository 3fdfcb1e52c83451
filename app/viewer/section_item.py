"""Decides how the section's tiles are painted: on whole device px, so that no seam shows and 1:1 is exact."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QTransform
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app.viewer.tile_provider import Piece, TileProvider
from app.viewer.tiles import TileKey, downsample_for, tiles_in
from core.geometry import Box


class SectionItem(QGraphicsItem):
    """The section in scene coordinates, which are level-0 px."""

    def __init__(self, provider: TileProvider) -> None:
        super().__init__()
        self._provider = provider
        self._box = QRectF()
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)

    def set_box(self, box: Box | None) -> None:
        self.prepareGeometryChange()
        self._box = QRectF(box.x, box.y, box.w, box.h) if box is not None else QRectF()

    def tile_changed(self, key: TileKey) -> None:
        """Repaints a tile, and the px it shares with its neighbours."""
        section = self._provider.section_box
        if section is not None:
            box = key.box(section).grown(key.downsample)
            self.update(QRectF(box.x, box.y, box.w, box.h))

    def boundingRect(self) -> QRectF:
        return self._box

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        section = self._provider.section_box
        if section is None:
            return
        exposed = option.exposedRect
        area = Box(exposed.x(), exposed.y(), exposed.width(), exposed.height())
        grid = _DeviceGrid(painter)
        downsample = downsample_for(grid.zoom, self._provider.coarsest)
        painter.save()
        painter.resetTransform()
        for key in tiles_in(area, downsample, section):
            for piece in self._provider.pieces(key):
                grid.draw(painter, piece, area)
        painter.restore()


class _DeviceGrid:
    """Level-0 px on the px of the device. Edges are rounded the same way for every tile that shares them.

    The view never rotates or shears the scene.
    """

    def __init__(self, painter: QPainter) -> None:
        world: QTransform = painter.worldTransform()
        self._scale = world.m11()
        self._dx, self._dy = world.dx(), world.dy()
        self._ratio = painter.device().devicePixelRatioF()
        self.zoom = self._scale * self._ratio

    def draw(self, painter: QPainter, piece: Piece, area: Box) -> None:
        source, box = piece.source, piece.box
        if piece.downsample * self.zoom > 4:
            cropped = _crop(piece, area)
            if cropped is None:
                return
            source, box = cropped
        smooth = not (piece.downsample == 1 and self.zoom >= 1)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        target = QRectF(self._x(box.x), self._y(box.y), 0, 0)
        target.setRight(self._x(box.x1))
        target.setBottom(self._y(box.y1))
        painter.drawPixmap(target, piece.pixmap, source)

    def _x(self, x_px: float) -> float:
        return round((x_px * self._scale + self._dx) * self._ratio) / self._ratio

    def _y(self, y_px: float) -> float:
        return round((y_px * self._scale + self._dy) * self._ratio) / self._ratio


def _crop(piece: Piece, area: Box) -> tuple[QRectF, Box] | None:
    """Only the whole source px in sight: a tile magnified 64 times would be a target 32,768 px wide."""
    d = piece.downsample
    common = area.grown(2 * d).intersection(piece.box)
    if common is None:
        return None
    origin_x = piece.box.x - piece.source.x() * d
    origin_y = piece.box.y - piece.source.y() * d
    x, y, w, h = common.moved(-origin_x, -origin_y).scaled(1 / d).outer_pixels()
    inside = QRectF(x, y, w, h).intersected(piece.source)
    box = Box(inside.x() * d + origin_x, inside.y() * d + origin_y, inside.width() * d, inside.height() * d)
    return inside, box
