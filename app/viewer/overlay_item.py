"""Decides how an overlay painted in tiles is drawn: ready tiles as they are, and stand-ins until they are ready.

A tile is a picture of exactly the zoom it is shown at, so that drawing costs no more than copying it. While the zoom
changes, tiles of other zooms are stretched; they are painted anew when it rests. Tiles of a state that is over stay until
those of the new one are there, so that nothing flickers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QTimer
from PySide6.QtGui import QPainter, QPixmap, QTransform
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app.viewer.overlay_tiles import TILE, OverlayTile, TilePainter, tiles_in
from app.viewer.overlay_worker import Made, Order, OverlayWorker, made_of
from core.caches import ByteCache
from core.geometry import Box

REST_MS = 40  # so long a zoom has to stay before tiles are painted for it
BASE = 2 * TILE  # device px of the longer side of the section in the picture that stands in everywhere
_LARGEST_STRETCH = 6.0
_MOST_ATTEMPTS = 1000  # for one tile that is painted at once
_TILE_BYTES = TILE * TILE * 4
_EMPTY_BYTES = 256


@dataclass(frozen=True, slots=True)
class _Drawn:
    pixmap: QPixmap | None
    ticket: int
    complete: bool


@dataclass(frozen=True, slots=True)
class View:
    """What a viewport shows: `box` in level-0 px, `zoom` and `ratio` as of tiles."""

    box: Box
    zoom: float
    ratio: float


class TiledOverlay(QGraphicsItem):
    """An item in scene coordinates, which are level-0 px; `budget` bounds its tiles beyond those in sight, in bytes."""

    def __init__(self, worker: OverlayWorker, budget: int) -> None:
        super().__init__()
        self._worker, self._budget = worker, budget
        self._painter: TilePainter | None = None
        self._ticket = 0
        self._bounds = Box(0, 0, 0, 0)
        self._tiles: ByteCache[OverlayTile, _Drawn] = ByteCache(budget)
        self._view: View | None = None
        self._wanted: tuple[object, ...] = ()  # what the worker was asked for last
        self._zooms: list[float] = []  # the last ones that tiles were painted for, newest first
        self._rest = QTimer(worker, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._want)
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)

    # -- what it shows ----------------------------------------------------------------------------

    def show_tiles_of(self, painter: TilePainter | None, bounds: Box, *, keep: bool = True) -> None:
        """Another state; `bounds` (level-0 px) is where anything may be. `keep`: the one before may stand in for it."""
        if bounds != self._bounds:
            self.prepareGeometryChange()
            self._bounds = bounds
        self._ticket += 1
        self._painter = painter
        if painter is None or not keep:
            self._tiles.clear()
        self._want()
        self.update()

    @property
    def painter(self) -> TilePainter | None:
        """What paints the present state."""
        return self._painter

    def tiles_changed(self, area: Box) -> None:
        """What the painter shows within `area` (level-0 px) is another thing now."""
        for tile in self._tiles.in_order():
            drawn = self._tiles.get(tile)
            if drawn is not None and drawn.complete and tile.box.intersection(area) is not None:
                self._keep(tile, _Drawn(drawn.pixmap, drawn.ticket, False))
        self._want()

    @property
    def used_bytes(self) -> int:
        return self._tiles.used

    @property
    def settled(self) -> bool:
        """Whether everything in sight is drawn from tiles of the present state."""
        view = self._present_view()
        return view is None or not self._missing(view)

    def settle(self) -> None:
        """Paints what is missing in sight, now, in the calling thread."""
        view = self._present_view()
        if view is not None:
            self._view = view
            for tile in self._missing(view):
                self._keep_made(tile, self._made_at_once(tile))
            self.update()

    def needs_tiles(self, box: Box, zoom: float) -> bool:
        """Whether a view of `box` (level-0 px) at device-independent px per level-0 px is drawn from tiles."""
        return self._painter is not None

    def _present_view(self) -> View | None:
        """What the view of this scene shows now, painted or not; None where that takes no tiles."""
        views = self.scene().views() if self.scene() is not None else []
        if not views or not self.isVisible():
            return None
        world, ratio = views[0].viewportTransform(), views[0].devicePixelRatioF()
        box = _seen(world, views[0].viewport())
        return View(box, world.m11() * ratio, ratio) if self.needs_tiles(box, world.m11()) else None

    # -- drawing ----------------------------------------------------------------------------------

    def boundingRect(self) -> QRectF:
        return QRectF(self._bounds.x, self._bounds.y, self._bounds.w, self._bounds.h)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if self._painter is None:
            return
        device = _Device(painter)
        exposed = _box(option.exposedRect.intersected(self.boundingRect()))
        if exposed is None:
            return
        if widget is not None:
            self._look_at(View(_seen(painter.worldTransform(), widget), device.zoom, device.ratio))
        painter.save()
        painter.resetTransform()
        for tile in tiles_in(exposed, device.zoom, device.ratio):
            drawn = self._tiles.get(tile)
            if drawn is None and widget is None:  # into a file: nothing comes later
                drawn = self._keep_made(tile, self._made_at_once(tile))
            if drawn is not None:
                device.draw(painter, tile, drawn.pixmap)
            else:
                device.draw_stretched(painter, tile, self._stand_ins(tile))
        painter.restore()

    def _stand_ins(self, tile: OverlayTile) -> Iterable[tuple[OverlayTile, QPixmap]]:
        """Tiles of one other zoom that cover this one."""
        for zoom in (*self._zooms, self._base_zoom()):
            if zoom > tile.zoom * _LARGEST_STRETCH:
                continue
            found = [(other, self._tiles.get(other)) for other in tiles_in(tile.box, zoom, tile.ratio)]
            if all(drawn is not None and drawn.ticket == self._ticket for _, drawn in found):
                return [(other, drawn.pixmap) for other, drawn in found if drawn is not None and drawn.pixmap]
        return ()

    # -- painting ---------------------------------------------------------------------------------

    def take(self, order: Order, made: Made) -> None:
        """A tile from the worker."""
        if order.ticket != self._ticket:
            return
        self._keep_made(order.tile, made)
        box = order.tile.box
        self.update(QRectF(box.x, box.y, box.w, box.h))
        if not made.complete:
            self._want()

    def _look_at(self, view: View) -> None:
        before, self._view = self._view, view
        if before is None or before.zoom == view.zoom:
            if not self._rest.isActive():
                self._want()
        else:
            self._rest.start()

    def _want(self) -> None:
        """Tells the worker what is missing: in sight first, then around it, then the picture that stands in."""
        view = self._view
        if view is None or not self.isVisible() or not self.needs_tiles(view.box, view.zoom / view.ratio):
            return
        missing = self._missing(view)
        around = [tile for tile in self._around(view) if not self._is_current(tile)]
        base = [tile for tile in tiles_in(self._bounds, self._base_zoom(), view.ratio) if not self._is_current(tile)]
        wanted = (self._ticket, *dict.fromkeys((*missing, *around, *base)))
        if wanted != self._wanted or any(not d.complete for t in missing if (d := self._tiles.get(t))):
            self._wanted = wanted
            painter, ticket = self._painter, self._ticket
            assert painter is not None
            self._worker.want(self, [Order(self, ticket, tile, painter) for tile in wanted[1:]])  # type: ignore[arg-type]

    def _missing(self, view: View) -> list[OverlayTile]:
        seen = view.box.intersection(self._bounds)
        if seen is None:
            return []
        missing = [tile for tile in tiles_in(seen, view.zoom, view.ratio) if not self._is_current(tile)]
        return sorted(missing, key=lambda tile: _distance(tile, view.box.center))

    def _around(self, view: View) -> Iterator[OverlayTile]:
        """The tiles next to those in sight, for the next movement."""
        wide = view.box.grown(TILE / view.zoom / 2).intersection(self._bounds)
        return tiles_in(wide, view.zoom, view.ratio) if wide is not None else iter(())

    def _is_current(self, tile: OverlayTile) -> bool:
        drawn = self._tiles.get(tile)
        return drawn is not None and drawn.complete and drawn.ticket == self._ticket

    def _made_at_once(self, tile: OverlayTile) -> Made:
        assert self._painter is not None
        painted = self._painter.paint(tile)
        for _ in range(_MOST_ATTEMPTS):
            if painted.complete:
                break
            painted = self._painter.paint(tile)
        return made_of(painted)

    def _keep_made(self, tile: OverlayTile, made: Made) -> _Drawn:
        pixmap = QPixmap.fromImage(made.image) if made.image is not None else None
        if pixmap is not None:
            pixmap.setDevicePixelRatio(tile.ratio)
        drawn = _Drawn(pixmap, self._ticket, made.complete)
        self._keep(tile, drawn)
        if tile.zoom != self._base_zoom() and (not self._zooms or self._zooms[0] != tile.zoom):
            self._zooms = [tile.zoom, *(zoom for zoom in self._zooms if zoom != tile.zoom)][:3]
        return drawn

    def _keep(self, tile: OverlayTile, drawn: _Drawn) -> None:
        self._tiles.budget = max(self._budget, self._least_bytes())
        self._tiles.put(tile, drawn, _TILE_BYTES if drawn.pixmap is not None else _EMPTY_BYTES)

    def _least_bytes(self) -> int:
        """What the tiles in sight and around, and the picture that stands in, take: less would paint them for ever."""
        if self._view is None:
            return 0
        across, down = (math.ceil(side * self._view.zoom / TILE) + 2 for side in (self._view.box.w, self._view.box.h))
        return (across * down + 9) * _TILE_BYTES

    def _base_zoom(self) -> float:
        return BASE / max(self._bounds.w, self._bounds.h, 1.0)


class _Device:
    """Tiles on the px of the device. The view never rotates or shears the scene."""

    def __init__(self, painter: QPainter) -> None:
        world = painter.worldTransform()
        self.ratio = painter.device().devicePixelRatioF()
        self.zoom = world.m11() * self.ratio
        # Rounded once, so that tiles meet without seams.
        self._left, self._top = round(world.dx() * self.ratio), round(world.dy() * self.ratio)

    def draw(self, painter: QPainter, tile: OverlayTile, pixmap: QPixmap | None) -> None:
        if pixmap is not None:
            place = QPointF(tile.column * TILE + self._left, tile.row * TILE + self._top) / self.ratio
            painter.drawPixmap(place, pixmap)

    def draw_stretched(
        self, painter: QPainter, tile: OverlayTile, others: Iterable[tuple[OverlayTile, QPixmap]]
    ) -> None:
        """The part of tiles of another zoom that lies within this one."""
        for other, pixmap in others:
            common = tile.box.intersection(other.box)
            if common is None:
                continue
            source = common.scaled(other.zoom).moved(-other.column * TILE, -other.row * TILE)
            target = common.scaled(self.zoom).moved(self._left, self._top).scaled(1 / self.ratio)
            painter.drawPixmap(
                QRectF(target.x, target.y, target.w, target.h), pixmap, QRectF(source.x, source.y, source.w, source.h)
            )


def _seen(world: QTransform, viewport: QWidget) -> Box:
    """What of the scene a viewport shows."""
    seen = world.inverted()[0].mapRect(QRectF(viewport.rect()))
    return Box(seen.x(), seen.y(), seen.width(), seen.height())


def _box(rect: QRectF) -> Box | None:
    return None if rect.isEmpty() else Box(rect.x(), rect.y(), rect.width(), rect.height())


def _distance(tile: OverlayTile, point: tuple[float, float]) -> float:
    x, y = tile.box.center
    return math.hypot(x - point[0], y - point[1])
