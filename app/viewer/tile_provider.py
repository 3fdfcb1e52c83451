"""Decides which tiles are kept ready to be drawn, and what stands in for one that is not there yet.

Reading is for `app.viewer.tile_reader`, drawing for `app.viewer.section_item`. All of it in the window's thread.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QRectF, Signal
from PySide6.QtGui import QPixmap

from app.viewer.tile_reader import Preview, Probed, ReadTile, Source, TileReader
from app.viewer.tiles import TileKey, coarsest_downsample, tiles_in, wanted_tiles
from core.caches import ByteCache
from core.geometry import Box
from core.section import Plane, Section

if TYPE_CHECKING:
    from core.display import DisplayRange

PIXMAP_BYTES = 384 << 20


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a pixmap to draw: `source` in its px, `box` in level-0 px."""

    pixmap: QPixmap
    source: QRectF
    box: Box
    downsample: int


class TileProvider(QObject):
    """The tiles of one section at a time."""

    tile_ready = Signal(object)  # TileKey: it can be drawn now, or better than before
    probed = Signal(object)  # Probed
    failed = Signal(object)  # Exception
    settled = Signal()  # everything that was wanted is there

    def __init__(self, parent: QObject | None = None, cache_bytes: int = PIXMAP_BYTES) -> None:
        super().__init__(parent)
        self.reader = TileReader(parent=self)
        self.reader.tile_read.connect(self._take)
        self.reader.previewed.connect(self._take_preview)
        self.reader.probed.connect(self._take_probe)
        self.reader.failed.connect(self.failed)
        self._pixmaps: ByteCache[TileKey, tuple[QPixmap, int]] = ByteCache(cache_bytes)
        self._overview: tuple[TileKey, QPixmap] | None = None
        self._preview: QPixmap | None = None
        self._source: Source | None = None
        self._generation = 0
        self.coarsest = 1
        self.limit: int | None = None  # coarser tiles can't be read in good time yet; the preview stands in

    @property
    def section_box(self) -> Box | None:
        return self._source.section.info.box if self._source is not None else None

    @property
    def overview(self) -> QPixmap | None:
        """The whole section in one picture, if there is one yet."""
        return self._overview[1] if self._overview is not None else self._preview

    def set_section(
        self, section: Section | None, plane: Plane | None = None, display_range: DisplayRange | None = None
    ) -> None:
        """Another section: everything of the one before is forgotten, answers on their way included."""
        self._generation += 1
        self._pixmaps.clear()
        self._overview = self._preview = None
        self._source = (
            Source(section, plane or Plane(), display_range, self._generation, 0) if section is not None else None
        )
        self.coarsest = coarsest_downsample(section.info.box) if section is not None else 1
        self.reader.set_source(self._source)

    def set_display(self, plane: Plane, display_range: DisplayRange | None) -> None:
        """The same section, looking different: tiles stay as stand-ins until they are made anew."""
        if self._source is not None:
            self._source = replace(
                self._source, plane=plane, display_range=display_range, revision=self._source.revision + 1
            )
            self.reader.set_source(self._source)

    def want(self, view: Box, downsample: int, focus: tuple[float, float]) -> None:
        """What the view shows now. The whole section in one tile comes first."""
        if self._source is None:
            return
        keys = [TileKey(self.coarsest, 0, 0), *wanted_tiles(view, downsample, self._source.section.info.box, focus)]
        limit = self.limit or self.coarsest
        self.reader.want([k for k in dict.fromkeys(keys) if k.downsample <= limit and not self._is_current(k)])
        self._tell_if_settled()

    def is_sharp(self, view: Box, downsample: int) -> bool:
        """Whether every tile of the view is there at this level and of the current display."""
        if self._source is None:
            return True
        box = self._source.section.info.box
        return all(self._is_current(key) for key in tiles_in(view, downsample, box))

    def missing(self, view: Box, downsample: int) -> tuple[float, float]:
        """Shares of what is in sight that have no pixels at all, and none of this level and the current display yet."""
        if self._source is None:
            return 0.0, 0.0
        section = self._source.section.info.box
        seen = blank = coarse = 0.0
        for key in tiles_in(view, downsample, section):
            common = key.box(section).intersection(view)
            area = common.area if common is not None else 0.0
            seen += area
            if not self._is_current(key):
                coarse += area
                blank += 0.0 if self.pieces(key) else area
        return (blank / seen, coarse / seen) if seen else (0.0, 0.0)

    def pieces(self, key: TileKey) -> list[Piece]:
        """What to draw for a tile, in this order: itself; or the best coarser tile, and finer ones over it."""
        assert self._source is not None
        section = self._source.section.info.box
        own = self._pixmap(key)
        if own is not None:
            return [_whole(own, key, section)]
        found = []
        coarser = self._coarser(key, section)
        if coarser is not None:
            found.append(coarser)
        for child in key.children():
            pixmap = self._pixmap(child)
            if pixmap is not None:
                found.append(_whole(pixmap, child, section))
        return found

    def close(self) -> None:
        self.set_section(None)
        self.reader.close()

    def _coarser(self, key: TileKey, section: Box) -> Piece | None:
        parent = key
        while parent.downsample < self.coarsest:
            parent = parent.parent()
            pixmap = self._pixmap(parent)
            if pixmap is not None:
                box, outer = key.box(section), parent.box(section)
                inner = box.moved(-outer.x, -outer.y).scaled(1 / parent.downsample)
                return Piece(pixmap, QRectF(inner.x, inner.y, inner.w, inner.h), box, parent.downsample)
        return self._of_preview(key.box(section), section) if self._preview is not None else None

    def _of_preview(self, box: Box, section: Box) -> Piece:
        assert self._preview is not None
        across, down = self._preview.width() / section.w, self._preview.height() / section.h
        source = QRectF(box.x * across, box.y * down, box.w * across, box.h * down)
        return Piece(self._preview, source, box, self.coarsest)

    def _pixmap(self, key: TileKey) -> QPixmap | None:
        if self._overview is not None and key == self._overview[0]:
            return self._overview[1]
        found = self._pixmaps.get(key)
        return found[0] if found is not None else None

    def _is_current(self, key: TileKey) -> bool:
        assert self._source is not None
        found = self._pixmaps.get(key)
        return found is not None and found[1] == self._source.revision

    def _tell_if_settled(self) -> None:
        if self.reader.idle:
            self.settled.emit()

    def _take(self, tile: ReadTile) -> None:
        if self._source is None or tile.generation != self._source.generation:
            return
        pixmap = QPixmap.fromImage(tile.image)
        known = self._pixmaps.get(tile.key)
        if known is None or known[1] <= tile.revision:
            self._pixmaps.put(tile.key, (pixmap, tile.revision), tile.image.sizeInBytes())
            if tile.key.downsample == self.coarsest:
                self._overview = (tile.key, pixmap)
            self.tile_ready.emit(tile.key)
        self._tell_if_settled()

    def _take_preview(self, preview: Preview) -> None:
        if preview.image is not None and self._source is not None and preview.generation == self._source.generation:
            self._preview = QPixmap.fromImage(preview.image)
            self.tile_ready.emit(TileKey(self.coarsest, 0, 0))

    def _take_probe(self, probed: Probed) -> None:
        if self._source is not None and probed.generation == self._source.generation:
            self.probed.emit(probed)


def _whole(pixmap: QPixmap, key: TileKey, section: Box) -> Piece:
    """All of a tile. Its last px may reach beyond the section; it is drawn as wide as it is."""
    box = key.box(section)
    d = key.downsample
    return Piece(
        pixmap, QRectF(pixmap.rect()), Box(box.x, box.y, pixmap.width() * d, pixmap.height() * d), key.downsample
    )
