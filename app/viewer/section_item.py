"""Decides how the section's tiles are painted: on whole device px, so that no seam shows and 1:1 is exact."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from PySide6.QtCore import QRect, QRectF, Qt, QTimer
from PySide6.QtGui import QBrush, QColor, QPainter, QRegion
from PySide6.QtWidgets import QGraphicsItem, QGraphicsObject, QStyleOptionGraphicsItem, QWidget

from app.theme import animations_wanted
from app.viewer.tile_provider import TileProvider
from app.viewer.tile_store import Piece, part_of
from app.viewer.tiles import TileKey, downsample_for, nearest_downsample, tiles_in
from core.geometry import Box

SMOOTH_MS = 4.0  # a view that takes longer to be smoothed is drawn plainly while its zoom changes
SETTLED_MS = 120  # after the last change of zoom
_MAGNIFIED = 4  # device px per px of a tile, beyond which only the part in sight is drawn


class SectionItem(QGraphicsObject):
    """The section in scene coordinates, which are level-0 px."""

    def __init__(self, provider: TileProvider) -> None:
        super().__init__()
        self._provider = provider
        self._box = QRectF()
        self._zoom = 0.0  # painted last
        self._level = 1  # likewise
        self._smooth_ms = 0.0  # that it takes to paint all of the view smoothly
        self._settling = QTimer(self, singleShot=True, interval=SETTLED_MS)
        self._settling.timeout.connect(lambda: self.update())
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)

    def set_box(self, box: Box | None) -> None:
        self.prepareGeometryChange()
        self._box = QRectF(box.x, box.y, box.w, box.h) if box is not None else QRectF()

    def settle(self) -> None:
        """Paints as at rest from now on, even if the zoom has just changed."""
        self._zoom = 0.0
        self._settling.stop()
        self.update()

    def tile_changed(self, key: TileKey, view: Box) -> None:
        """Repaints a tile, and the px it shares with its neighbours, where `view` (level-0 px) shows anything of it."""
        provider, section = self._provider, self._provider.section_box
        if section is None:
            return
        box = key.box(section).grown(key.downsample)
        seen = box.intersection(view)
        if seen is None:
            return
        if key.downsample < self._level and self._settling.isActive():
            return  # drawn when the zoom rests
        if key.downsample > self._level and provider.has_all(tiles_in(seen, self._level, section)):
            return  # it stands in for nothing
        self.update(QRectF(box.x, box.y, box.w, box.h))

    def boundingRect(self) -> QRectF:
        return self._box

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        section = self._provider.section_box
        if section is None:
            return
        begin = time.perf_counter()
        device = _Device(painter)
        exposed = option.exposedRect
        area = Box(exposed.x(), exposed.y(), exposed.width(), exposed.height())
        settling = self._follow(device.zoom)
        plain = settling and self._smooth_ms > SMOOTH_MS
        self._level = (nearest_downsample if settling else downsample_for)(device.zoom, self._provider.coarsest)
        pieces = self._provider.pieces(tiles_in(area, self._level, section))
        painter.save()
        device.begin(painter)
        for piece in pieces:
            device.draw(painter, piece, plain)
        painter.restore()
        if not plain and device.zoom != 1 and widget is not None and device.is_all_of(widget):
            self._smooth_ms = 1e3 * (time.perf_counter() - begin)

    def _follow(self, zoom: float) -> bool:
        """Whether the zoom changes. Until it rests, half the px do where they look nearly as sharp."""
        if self._zoom not in (0.0, zoom) and animations_wanted():
            self._settling.start()
        self._zoom = zoom
        return self._settling.isActive()


class _Device:
    """The px of what is painted on. Edges are rounded the same way for every tile that shares them.

    The view never rotates or shears the scene.
    """

    def __init__(self, painter: QPainter) -> None:
        world = painter.deviceTransform()
        self.zoom = world.m11()
        self._dx, self._dy = world.dx(), world.dy()
        engine = painter.paintEngine()
        clip = engine.systemClip() if engine is not None else QRegion()
        if clip.isEmpty():
            clip = QRegion(QRect(0, 0, painter.device().width(), painter.device().height()))
        self._clip: Sequence[tuple[int, int, int, int]] = [_edges(rect) for rect in clip]  # type: ignore[attr-defined]  # missing in the stubs
        self._bounds = clip.boundingRect()

    def is_all_of(self, widget: QWidget) -> bool:
        """Whether a whole widget is painted."""
        ratio = widget.devicePixelRatioF()
        return len(self._clip) == 1 and self._bounds.width() >= int(widget.width() * ratio)

    def begin(self, painter: QPainter) -> None:
        """From now on the painter draws in device px."""
        painter.resetTransform()
        painter.setTransform(painter.deviceTransform().inverted()[0])

    def draw(self, painter: QPainter, piece: Piece, plain: bool) -> None:
        if piece.downsample * self.zoom > _MAGNIFIED and piece.pixmap is not None:
            piece = self._in_sight(piece)
        x0, y0, x1, y1 = self._x(piece.x0), self._y(piece.y0), self._x(piece.x1), self._y(piece.y1)
        if not self._shows(x0, y0, x1, y1):
            return
        if piece.pixmap is None:
            painter.fillRect(x0, y0, x1 - x0, y1 - y0, QBrush(QColor(200, 60, 50, 150), Qt.BrushStyle.BDiagPattern))
            return
        smooth = not plain and not (piece.downsample == 1 and self.zoom >= 1)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        target = QRectF(x0, y0, x1 - x0, y1 - y0)
        painter.drawPixmap(target, piece.pixmap, QRectF(piece.sx, piece.sy, piece.sw, piece.sh))

    def _shows(self, x0: int, y0: int, x1: int, y1: int) -> bool:
        """Whether any of these px is to be painted."""
        if x1 <= x0 or y1 <= y0:
            return False
        return any(x0 < right and left < x1 and y0 < bottom and top < y1 for left, top, right, bottom in self._clip)

    def _in_sight(self, piece: Piece) -> Piece:
        """Only the whole px of a tile in sight: magnified 64 times, it would be 32,768 px wide on the screen."""
        d, sight = piece.downsample, self._bounds
        left, right = ((x - self._dx) / self.zoom for x in (sight.left(), sight.right() + 1))
        top, bottom = ((y - self._dy) / self.zoom for y in (sight.top(), sight.bottom() + 1))
        x, y = piece.x0 - piece.sx * d, piece.y0 - piece.sy * d
        x0, x1 = x + (math.floor((left - x) / d) - 1) * d, x + (math.ceil((right - x) / d) + 1) * d
        y0, y1 = y + (math.floor((top - y) / d) - 1) * d, y + (math.ceil((bottom - y) / d) + 1) * d
        return part_of(piece, x0, y0, x1, y1)

    def _x(self, x_px: float) -> int:
        return math.floor(x_px * self.zoom + self._dx + 0.5)

    def _y(self, y_px: float) -> int:
        return math.floor(y_px * self.zoom + self._dy + 0.5)


def _edges(rect: QRect) -> tuple[int, int, int, int]:
    return rect.left(), rect.top(), rect.right() + 1, rect.bottom() + 1
