"""Decides how an overlay painted in tiles is drawn: ready tiles as they are, and stand-ins until they are ready.

A tile is a picture of exactly the zoom it is shown at, so that drawing costs no more than copying it. While the zoom
changes, what was in sight before is stretched as one picture (`app.viewer.overlay_sheet`); tiles are painted anew when it
rests. Tiles of a state that is over stay until those of the new one are there, so that nothing flickers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QRectF, Qt, QTimer
from PySide6.QtGui import QPainter, QPixmap, QTransform
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app.viewer.canvas import Canvas
from app.viewer.overlay_sheet import Device, Sheet, View, sheet_of
from app.viewer.overlay_tiles import TILE, OverlayTile, TilePainter, tiles_in
from app.viewer.overlay_worker import Made, Order, OverlayWorker, made_of
from core.caches import ByteCache
from core.geometry import Box

REST_MS = 100  # so long a zoom has to stay before tiles are painted for it: longer than from notch to notch of a wheel
BASE = 2 * TILE  # device px of the longer side of the section in the picture that stands in everywhere
_SHEETS = 2  # pictures of views that are kept beside the one of the whole section
_MOST_ATTEMPTS = 1000  # for one tile that is painted at once
_TILE_BYTES = TILE * TILE * 4
_EMPTY_BYTES = 256


@dataclass(frozen=True, slots=True)
class _Drawn:
    pixmap: QPixmap | None
    ticket: int
    complete: bool


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
        self._range: tuple[object, ...] = ()  # the tiles that it was asked for
        self._sheets: list[Sheet] = []  # of the last views that another zoom followed, newest first
        self._spare: QPixmap | None = None  # of the last sheet that was let go
        self._base: tuple[list[_Drawn], Sheet] | None = None  # of the whole section, and what it was made from
        self._rest = QTimer(worker, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._rested)
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
            self._sheets, self._spare, self._base = [], None, None
        self._want()
        self.update()

    def repaint_in(self, painter: TilePainter, areas: Sequence[Box], reach_px: float) -> None:
        """Another state that differs from the one before only within these areas (level-0 px) and so far around them.

        `reach_px` in device-independent px on the screen.
        """
        before, self._ticket = self._ticket, self._ticket + 1
        self._painter = painter
        for tile in self._tiles.in_order():
            drawn = self._tiles.get(tile)
            reach = reach_px * tile.ratio / tile.zoom
            if drawn is not None and drawn.ticket == before and not _touches(tile.box.grown(reach), areas):
                self._keep(tile, replace(drawn, ticket=self._ticket))
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
        return self._tiles.used + self._sheet_bytes()

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
        device = Device.of(painter)
        exposed = _box(option.exposedRect.intersected(self.boundingRect()))
        if exposed is None:
            return
        if widget is not None:
            view = View(_seen(painter.worldTransform(), widget), device.zoom, device.ratio)
            self._look_at(view, painter.opacity())
            if not self._rest.isActive() and self._range != self._range_of(view):
                self._want()
        painter.save()
        painter.resetTransform()
        self._draw(painter, device, exposed, at_once=widget is None)
        painter.restore()

    def _draw(self, painter: QPainter, device: Device, area: Box, *, at_once: bool = False) -> None:
        """Draws an area (level-0 px), the painter being on the device's px. `at_once`: nothing comes later."""
        lacking: list[OverlayTile] = []
        is_all = True
        for tile in tiles_in(area, device.zoom, device.ratio):
            if not device.shows(tile):
                is_all = False
                continue
            drawn = self._tiles.get(tile)
            if drawn is None and at_once:
                drawn = self._keep_made(tile, self._made_at_once(tile))
            if drawn is None:
                lacking.append(tile)
                continue
            is_all = False
            if drawn.pixmap is not None:
                device.draw(painter, tile, drawn.pixmap)
        if lacking:
            self._draw_sheets(painter, device, area, [area] if is_all else [tile.box for tile in lacking])

    def _draw_sheets(self, painter: QPainter, device: Device, area: Box, lacking: list[Box]) -> None:
        opacity = painter.opacity()
        sheets = [sheet for sheet in self._sheets if sheet.opacity == opacity]
        base = self._base_sheet(opacity, device.ratio)
        if base is not None:
            sheets.append(base)
        painter.setOpacity(1.0)  # they have it in them
        # Takes no more of the processor than plain stretching, and Qt divides it among all cores.
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        for box in lacking:
            common = box.intersection(area)
            if common is not None:
                device.draw_sheets(painter, common, sheets)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.setOpacity(opacity)

    # -- what stands in ---------------------------------------------------------------------------

    def _keep_sheet(self, view: View, opacity: float) -> None:
        """Keeps what was in sight until now, if there was more to see than a sheet."""
        area = view.box.intersection(self._bounds)
        if area is None or not self._has_own_picture(view, area):
            return

        def draw(painter: QPainter, device: Device) -> None:
            self._draw_view(painter, device, view, area)

        made = sheet_of(area, view, opacity, self._ticket, draw, self._spare)
        sheets = [made, *(sheet for sheet in self._sheets if sheet.opacity == opacity)]
        self._sheets, self._spare = sheets[:_SHEETS], sheets[_SHEETS].pixmap if len(sheets) > _SHEETS else None

    def _has_own_picture(self, view: View, area: Box) -> bool:
        """Whether anything of a view is drawn at its own zoom."""
        return any(tile in self._tiles for tile in tiles_in(area, view.zoom, view.ratio))

    def _draw_view(self, painter: QPainter, device: Device, view: View, area: Box) -> None:
        """Draws an area (level-0 px) as the view showed it."""
        self._draw(painter, device, area)

    def _base_sheet(self, opacity: float, ratio: float) -> Sheet | None:
        """The whole section; that of the state before until all of it is painted anew."""
        zoom = self._base_zoom()
        tiles = list(tiles_in(self._bounds, zoom, ratio))
        found = [drawn for tile in tiles if (drawn := self._tiles.get(tile)) is not None]
        known = self._base
        if known is not None and known[1].opacity == opacity:
            is_same = len(found) == len(known[0]) and all(a is b for a, b in zip(found, known[0], strict=True))
            if is_same or len(found) < len(tiles):
                return known[1]
        if not tiles or len(found) < len(tiles):
            return None

        def draw(painter: QPainter, device: Device) -> None:
            for tile, drawn in zip(tiles, found, strict=True):
                if drawn.pixmap is not None:
                    device.draw(painter, tile, drawn.pixmap)

        sheet = sheet_of(self._bounds, View(self._bounds, zoom, ratio), opacity, self._ticket, draw)
        self._base = found, sheet
        return sheet

    def _forget_old_sheets(self) -> None:
        """Those of a state that is over, once all in sight shows the present one."""
        view = self._view
        if view is not None and any(s.ticket != self._ticket for s in self._sheets) and not self._missing(view):
            self._sheets = [sheet for sheet in self._sheets if sheet.ticket == self._ticket]

    def _sheet_bytes(self) -> int:
        pixmaps = [sheet.pixmap for sheet in self._sheets]
        pixmaps += [self._base[1].pixmap] if self._base is not None else []
        pixmaps += [self._spare] if self._spare is not None else []
        return sum(pixmap.width() * pixmap.height() * 4 for pixmap in pixmaps)

    # -- painting ---------------------------------------------------------------------------------

    def take(self, order: Order, made: Made) -> None:
        """A tile from the worker."""
        if order.ticket != self._ticket:
            return
        self._keep_made(order.tile, made)
        view, box = self._view, order.tile.box
        if view is not None and box.intersection(view.box) is not None and self._shows(order.tile, view):
            self.update(QRectF(box.x, box.y, box.w, box.h))
        self._forget_old_sheets()
        if not made.complete:
            self._want()

    def _shows(self, tile: OverlayTile, view: View) -> bool:
        """Whether a tile of the whole section stands in for anything, or it is one of the view's own."""
        return tile.zoom == view.zoom or bool(self._missing(view))

    def _look_at(self, view: View, opacity: float) -> None:
        """Follows the view; while its zoom changes, no tiles are wanted."""
        before, self._view = self._view, view
        if before is not None and before.zoom != view.zoom:
            if not self._rest.isActive():
                self._keep_sheet(before, opacity)
            self._rest.start()

    def _rested(self) -> None:
        """Waits on while the camera flies: where frames take long, so much time passes between two of them."""
        views = self.scene().views() if self.scene() is not None else []
        if views and isinstance(views[0], Canvas) and views[0].flying:
            self._rest.start()
            return
        self._view = self._present_view() or self._view  # the last step may not have been painted yet
        self._want()

    def _range_of(self, view: View) -> tuple[object, ...]:
        """Tells apart views that want other tiles."""
        side, box = TILE / view.zoom, view.box
        edges = (box.x, box.y, box.x1, box.y1)
        return (view.zoom, view.ratio, *(math.floor(2 * edge / side) for edge in edges))

    def _want(self) -> None:
        """Tells the worker what is missing: in sight first, then around it, then the picture that stands in."""
        view = self._view
        self._range = ()
        if view is None or not self.isVisible() or not self.needs_tiles(view.box, view.zoom / view.ratio):
            return
        self._range = self._range_of(view)
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
        pixmap = None
        if made.image is not None:
            pixmap = QPixmap.fromImage(made.image, Qt.ImageConversionFlag.NoOpaqueDetection)
            pixmap.setDevicePixelRatio(tile.ratio)
        drawn = _Drawn(pixmap, self._ticket, made.complete)
        self._keep(tile, drawn)
        return drawn

    def _keep(self, tile: OverlayTile, drawn: _Drawn) -> None:
        self._tiles.budget = max(self._budget - self._sheet_bytes(), self._least_bytes())
        self._tiles.put(tile, drawn, _TILE_BYTES if drawn.pixmap is not None else _EMPTY_BYTES)

    def _least_bytes(self) -> int:
        """What the tiles in sight and around, and the picture that stands in, take: less would paint them for ever."""
        if self._view is None:
            return 0
        across, down = (math.ceil(side * self._view.zoom / TILE) + 2 for side in (self._view.box.w, self._view.box.h))
        return (across * down + 9) * _TILE_BYTES

    def _base_zoom(self) -> float:
        return BASE / max(self._bounds.w, self._bounds.h, 1.0)


def _seen(world: QTransform, viewport: QWidget) -> Box:
    """What of the scene a viewport shows."""
    seen = world.inverted()[0].mapRect(QRectF(viewport.rect()))
    return Box(seen.x(), seen.y(), seen.width(), seen.height())


def _touches(box: Box, areas: Sequence[Box]) -> bool:
    """Whether any area, be it a point, has a part in the box."""
    return any(area.x < box.x1 and box.x < area.x1 and area.y < box.y1 and box.y < area.y1 for area in areas)


def _box(rect: QRectF) -> Box | None:
    return None if rect.isEmpty() else Box(rect.x(), rect.y(), rect.width(), rect.height())


def _distance(tile: OverlayTile, point: tuple[float, float]) -> float:
    x, y = tile.box.center
    return math.hypot(x - point[0], y - point[1])
