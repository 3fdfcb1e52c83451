"""Decides which tiles are asked for while the view moves, and follows what becomes of them. In the window's thread.

What is kept and stands in is for `app.viewer.tile_store`, the order of wishes for `app.viewer.tile_wishes`, reading for
`app.viewer.tile_reader`, drawing for `app.viewer.section_item`.
"""

from __future__ import annotations

import time
from dataclasses import replace

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QPixmap

from app.viewer import tile_wishes
from app.viewer.motion import Motion
from app.viewer.tile_reader import Broken, Prepared, Preview, Probed, ReadTile, Source, TileReader
from app.viewer.tile_store import Piece, TileStore
from app.viewer.tiles import TileKey, TileRange, coarsest_downsample, downsample_for, tiles_in
from core.geometry import Box
from core.look import Look
from core.looks.aids import aids_of
from core.memory import share
from core.section import Plane, Section

AHEAD_S = (0.25, 0.5, 1.0)  # 15, 30 and 60 frames
SLOW_S = 0.25  # a view that takes longer to read is shown roughly first


class TileProvider(QObject):
    """The tiles of one section at a time."""

    tile_ready = Signal(object)  # TileKey: it can be drawn now, or better than before
    look_changed = Signal()  # `look`, or `preparing`
    probed = Signal(object)  # Probed
    failed = Signal(object)  # the first Exception since the section was set or `retry` called
    settled = Signal()  # everything that was wanted is there

    def __init__(self, parent: QObject | None = None, cache_bytes: int | None = None) -> None:
        super().__init__(parent)
        self.reader = TileReader(parent=self)
        self.reader.tile_read.connect(self._take)
        self.reader.broken.connect(self._take_broken)
        self.reader.previewed.connect(self._take_preview)
        self.reader.prepared.connect(self._take_prepared)
        self.reader.probed.connect(self._take_probe)
        self._store = TileStore(share("pictures") if cache_bytes is None else cache_bytes)
        self._source: Source | None = None
        self._generation = 0
        self._told = False  # that something can't be read
        self._doubtful: set[TileKey] = set()  # in work while better pixels became known
        self._motion = Motion()
        self._view: tuple[Box, float, tuple[float, float]] | None = None  # what was wanted last; None: nothing
        self._asked: tuple[object, ...] | None = None  # what the last wishes were made for
        self.coarsest = 1

    @property
    def section_box(self) -> Box | None:
        return self._source.section.info.box if self._source is not None else None

    @property
    def overview(self) -> QPixmap | None:
        """The whole section in one picture, if there is one yet."""
        return self._store.overview

    def set_section(self, section: Section | None, plane: Plane | None = None, look: Look | None = None) -> None:
        """Another section: everything of the one before is forgotten, answers on their way included."""
        self._generation += 1
        self._source = (
            Source(section, plane or Plane(), look or Look(), self._generation, 0) if section is not None else None
        )
        self.coarsest = coarsest_downsample(section.info.box) if section is not None else 1
        self._store.begin(self.section_box, self.coarsest)
        self._told, self._view, self._asked = False, None, None
        self._doubtful.clear()
        self._motion.forget()
        self.reader.set_source(self._source)
        self.look_changed.emit()

    def set_display(self, plane: Plane, look: Look) -> None:
        """The same section, looking different: tiles stay as stand-ins until they are made anew."""
        if self._source is not None:
            self._source = replace(self._source, plane=plane, look=look, revision=self._source.revision + 1)
            self.reader.set_source(self._source)
            self._want_again()
            self.look_changed.emit()

    def sharpen(self, area: Box | None) -> None:
        """Coarse tiles of `area` (level-0 px; None: everywhere) can be had better now."""
        section = self.section_box
        if section is None:
            return
        self._store.outdate(area)
        in_work = self.reader.in_work()
        self._doubtful |= {k for k in in_work if area is None or k.box(section).intersection(area) is not None}
        self._want_again()
        if area is None:
            self._prepare_better()

    def retry(self) -> None:
        """Tries again what couldn't be read."""
        self._store.mend()
        self._told = False
        self._want_again()

    def pause(self) -> None:
        """Wants nothing, until the next `want`."""
        self._view = self._asked = None
        self._motion.forget()
        self.reader.want([])

    def want(self, view: Box, zoom: float, focus: tuple[float, float]) -> None:
        """What the view shows now, at `zoom` device px per level-0 px. Nearest to `focus` (level-0 px) first."""
        section = self.section_box
        if section is None:
            return
        self._view = view, zoom, focus
        self._motion.moved(time.monotonic(), view)
        seen = tiles_in(view, downsample_for(zoom, self.coarsest), section)
        later = self._later(view, zoom)
        side = 512 * seen.downsample
        asked = (seen, int(focus[0] // side), int(focus[1] // side), [tiles_in(v, d, section) for v, d in later])
        if asked != self._asked:
            self._asked = asked
            self.reader.want(self._wishes(view, seen, focus, later, section))
            if self.reader.idle:
                self.settled.emit()

    def is_sharp(self, view: Box, zoom: float) -> bool:
        """Whether every tile of the view is there at its own level, exact and of the current display."""
        return self.missing(view, zoom)[1] == 0

    def is_current(self, view: Box, zoom: float) -> bool:
        """Whether reading any tile of the view again would make nothing better now, exact or not."""
        if self._source is None:
            return True
        seen = tiles_in(view, downsample_for(zoom, self.coarsest), self._source.section.info.box)
        return not any(self._store.is_wanted(key, self._source.revision) for key in seen)

    def missing(self, view: Box, zoom: float) -> tuple[float, float]:
        """Shares of what is in sight that have no pixels at all, and none of their own level and display yet."""
        if self._source is None:
            return 0.0, 0.0
        section, revision = self._source.section.info.box, self._source.revision
        seen = blank = unsharp = 0.0
        for key in tiles_in(view, downsample_for(zoom, self.coarsest), section):
            common = key.box(section).intersection(view)
            area = common.area if common is not None else 0.0
            seen += area
            if not self._store.is_sharp(key, revision):
                unsharp += area
                blank += 0.0 if self.overview is not None or self._store.stands_in(key, 30) else area
        return (blank / seen, unsharp / seen) if seen else (0.0, 0.0)

    def has_all(self, tiles: TileRange) -> bool:
        """Whether nothing stands in for any of these tiles."""
        return self._store.has_all(tiles)

    def pieces(self, tiles: TileRange) -> list[Piece]:
        """What to draw for these tiles, the lowest first."""
        return self._store.pieces(tiles)

    def close(self) -> None:
        self.set_section(None)
        self.reader.close()

    @property
    def look(self) -> Look:
        return self._source.look if self._source is not None else Look()

    @property
    def preparing(self) -> bool:
        """Whether an enhancement can't be seen yet, since what it takes is still being found out."""
        source = self._source
        return source is not None and aids_of(source.section).lacks(source.look, source.plane)

    def _prepare_better(self) -> None:
        """Enhancements that were made from a rough overview can be made from a better one now."""
        source = self._source
        if source is not None and source.look.local_contrast:
            aids = aids_of(source.section)
            if aids.forget_rough() or aids.lacks(source.look, source.plane):
                self.set_display(source.plane, source.look)

    def _want_again(self) -> None:
        self._asked = None
        if self._view is not None:
            self.want(*self._view)

    def _later(self, view: Box, zoom: float) -> list[tuple[Box, int]]:
        """Where the view will be after a quarter, half and whole second, each with its level."""
        views = [box for seconds in AHEAD_S if (box := self._motion.ahead(seconds)) is not None]
        return [(box, downsample_for(zoom * view.w / box.w, self.coarsest)) for box in views]

    def _wishes(
        self, view: Box, seen: TileRange, focus: tuple[float, float], later: list[tuple[Box, int]], section: Box
    ) -> list[TileKey]:
        assert self._source is not None
        revision, store = self._source.revision, self._store
        sharp = [key for key in seen if store.is_wanted(key, revision)]
        wishes = [TileKey(self.coarsest, 0, 0)]
        if self.reader.seconds_for(len(sharp)) > SLOW_S and not all(store.stands_in(key, 2) for key in sharp):
            wishes += tile_wishes.rough(view, seen.downsample, section, self.coarsest)
        wishes += tile_wishes.nearest_first(sharp, focus)
        wishes += tile_wishes.ahead(later, seen, section, self.coarsest)
        wishes += tile_wishes.around(seen, section)
        return [key for key in dict.fromkeys(wishes) if store.is_wanted(key, revision)]

    # -- what the reader tells --------------------------------------------------------------------

    def _take(self, tile: ReadTile) -> None:
        if self._source is None or tile.generation != self._source.generation:
            return
        pixmap = QPixmap.fromImage(tile.image)
        if self._store.put(tile.key, pixmap, tile.revision, exact=tile.exact):
            self.tile_ready.emit(tile.key)
        if tile.key in self._doubtful:
            self._doubtful.discard(tile.key)
            self._store.outdate(tile.key.box(self._source.section.info.box))
            self._want_again()
        self._tell_if_settled()

    def _take_broken(self, broken: Broken) -> None:
        if self._source is None or broken.generation != self._source.generation:
            return
        if not self._told:
            self._told = True
            self.failed.emit(broken.error)
        if broken.key is not None:
            self._store.put_broken(broken.key, broken.revision)
            self.tile_ready.emit(broken.key)
        self._tell_if_settled()

    def _take_preview(self, preview: Preview) -> None:
        if preview.image is not None and self._source is not None and preview.generation == self._source.generation:
            self._store.put_preview(QPixmap.fromImage(preview.image))
            self.tile_ready.emit(TileKey(self.coarsest, 0, 0))

    def _take_prepared(self, prepared: Prepared) -> None:
        if self._source is not None and prepared.generation == self._source.generation:
            self.set_display(self._source.plane, self._source.look)
        self._tell_if_settled()

    def _take_probe(self, probed: Probed) -> None:
        if self._source is not None and probed.generation == self._source.generation:
            self.probed.emit(probed)

    def _tell_if_settled(self) -> None:
        if self.reader.idle:
            self.settled.emit()
