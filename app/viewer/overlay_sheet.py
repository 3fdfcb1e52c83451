"""Decides what stands in where an overlay's tiles are not there: pictures of larger parts of it, stretched.

A sheet has the layer's opacity painted into it. Qt stretches a picture quickly, or fades it quickly; both at once takes it
seven times as long. And a sheet is one picture, however many tiles it was made of.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QPainter, QPixmap, QRegion, QTransform

from app.viewer.overlay_tiles import TILE, OverlayTile
from core.geometry import Box

_ROUND = 256  # px: sides of a sheet's picture, so that it fits the next one, too, which may be larger by a px


@dataclass(frozen=True, slots=True)
class View:
    """What a viewport shows: `box` in level-0 px, `zoom` and `ratio` as of tiles."""

    box: Box
    zoom: float
    ratio: float


@dataclass(frozen=True, slots=True)
class Sheet:
    """`box` (level-0 px) at `zoom` px per level-0 px, in the picture's corner; `ticket`: the overlay's state that it shows."""

    pixmap: QPixmap
    box: Box
    zoom: float
    opacity: float
    ticket: int


class Device:
    """Tiles and sheets on the px of what is painted on. The view never rotates or shears the scene."""

    def __init__(self, world: QTransform, ratio: float, clip: QRegion | None = None) -> None:
        """`world` as of a painter; `clip` in device px of what `world` maps to, outside of which nothing is seen."""
        self.world, self.ratio = world, ratio
        self.zoom = world.m11() * ratio
        # Rounded once, so that tiles meet without seams.
        self._left, self._top = round(world.dx() * ratio), round(world.dy() * ratio)
        self._clip: Sequence[QRect] = list(clip) if clip is not None else []  # type: ignore[call-overload]  # missing in the stubs

    @classmethod
    def of(cls, painter: QPainter) -> Device:
        world, ratio, on_device = (
            painter.worldTransform(),
            painter.device().devicePixelRatioF(),
            painter.deviceTransform(),
        )
        # A viewport is painted into the window's picture, somewhere in it; the clip counts from the window's corner.
        shift = QPoint(round(world.dx() * ratio - on_device.dx()), round(world.dy() * ratio - on_device.dy()))
        return cls(world, ratio, _clip_of(painter).translated(shift))

    def shows(self, tile: OverlayTile) -> bool:
        """Whether any of a tile is to be painted: what two scrolled edges uncover is a corner, not all between them."""
        if len(self._clip) < 2:
            return True
        place = QRect(tile.column * TILE + self._left, tile.row * TILE + self._top, TILE, TILE)
        return any(rect.intersects(place) for rect in self._clip)

    def draw(self, painter: QPainter, tile: OverlayTile, pixmap: QPixmap) -> None:
        place = QPointF(tile.column * TILE + self._left, tile.row * TILE + self._top) / self.ratio
        painter.drawPixmap(place, pixmap)

    def draw_sheets(self, painter: QPainter, area: Box, sheets: Sequence[Sheet]) -> None:
        """An area (level-0 px) from the first sheet, and what that doesn't cover from the others."""
        if not sheets:
            return
        sheet, others = sheets[0], sheets[1:]
        common = area.intersection(sheet.box)
        if common is None:
            self.draw_sheets(painter, area, others)
            return
        source = common.moved(-sheet.box.x, -sheet.box.y).scaled(sheet.zoom)
        painter.drawPixmap(self._rect(common), sheet.pixmap, QRectF(source.x, source.y, source.w, source.h))
        for beside in _beside(area, common):
            self.draw_sheets(painter, beside, others)

    def _rect(self, box: Box) -> QRectF:
        on_device = box.scaled(self.zoom).moved(self._left, self._top).scaled(1 / self.ratio)
        return QRectF(on_device.x, on_device.y, on_device.w, on_device.h)


def sheet_of(
    area: Box,
    view: View,
    opacity: float,
    ticket: int,
    draw: Callable[[QPainter, Device], None],
    spare: QPixmap | None = None,
) -> Sheet:
    """What `draw` paints of an area (level-0 px) at the view's zoom, with `opacity` in it.

    `spare`: a picture that nothing needs any more, painted over if it is large enough: new memory takes far longer to fill.
    """
    x, y, w, h = area.scaled(view.zoom).outer_pixels()
    fits = spare is not None and spare.width() >= w and spare.height() >= h
    pixmap = spare if spare is not None and fits else QPixmap(*(_ROUND * math.ceil(side / _ROUND) for side in (w, h)))
    pixmap.fill(Qt.GlobalColor.transparent)
    pixmap.setDevicePixelRatio(view.ratio)
    scale = view.zoom / view.ratio
    painter = QPainter(pixmap)
    painter.setOpacity(opacity)
    draw(painter, Device(QTransform(scale, 0, 0, scale, -x / view.ratio, -y / view.ratio), view.ratio))
    painter.end()
    return Sheet(pixmap, Box(x, y, w, h).scaled(1 / view.zoom), view.zoom, opacity, ticket)


def exposed_parts(painter: QPainter, exposed: QRectF) -> list[QRectF]:
    """What is to be painted of `exposed`, in the painter's coordinates: two edges, not all that lies between them."""
    clip = list(_clip_of(painter))  # type: ignore[call-overload]  # missing in the stubs
    if len(clip) < 2:
        return [exposed]
    inverted = painter.deviceTransform().inverted()[0]
    return [inverted.mapRect(QRectF(rect)) for rect in clip]


def _clip_of(painter: QPainter) -> QRegion:
    engine = painter.paintEngine()
    return engine.systemClip() if engine is not None else QRegion()


def _beside(area: Box, inner: Box) -> Iterator[Box]:
    """The parts of an area above, below, left and right of a box within it."""
    if inner.y > area.y:
        yield Box.from_edges(area.x, area.y, area.x1, inner.y)
    if inner.y1 < area.y1:
        yield Box.from_edges(area.x, inner.y1, area.x1, area.y1)
    if inner.x > area.x:
        yield Box.from_edges(area.x, inner.y, inner.x, inner.y1)
    if inner.x1 < area.x1:
        yield Box.from_edges(inner.x1, inner.y, area.x1, inner.y1)
