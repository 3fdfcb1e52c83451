"""Decides which tiles are kept ready to be drawn, and what stands in for one that is not there yet.

Which ones to read is for `app.viewer.tile_provider`, how they are painted for `app.viewer.section_item`.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QPixmap

from app.viewer.tiles import TILE_PX, TileKey, TileRange, tiles_in
from core.caches import ByteCache
from core.geometry import Box


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a pixmap to draw: px [sx, sx + sw) × [sy, sy + sh) of it at level-0 x0 … x1, y0 … y1.

    Without a pixmap it is a place whose pixels can't be read.
    """

    pixmap: QPixmap | None
    sx: float
    sy: float
    sw: float
    sh: float
    x0: float
    y0: float
    x1: float
    y1: float
    downsample: float


@dataclass(slots=True)
class _Held:
    piece: Piece
    revision: int
    exact: bool
    stale: bool = False  # a better answer can be had by now


class TileStore:
    """The pictures of one section. `revision` counts how often it began to look different (plane, display)."""

    def __init__(self, budget: int) -> None:
        self._tiles: ByteCache[TileKey, _Held] = ByteCache(budget)
        self._inexact: set[TileKey] = set()
        self._broken: dict[TileKey, int] = {}
        self._whole: TileKey | None = None
        self._whole_tile: _Held | None = None  # never forgotten: it stands in for everything
        self._preview: Piece | None = None
        self._section: Box | None = None
        self._planned: tuple[TileRange, list[Piece]] | None = None

    def begin(self, section: Box | None, coarsest: int) -> None:
        """Another section; what was kept is forgotten."""
        self._tiles.clear()
        self._inexact.clear()
        self._broken.clear()
        self._section, self._whole = section, TileKey(coarsest, 0, 0) if section is not None else None
        self._whole_tile = self._preview = self._planned = None

    @property
    def overview(self) -> QPixmap | None:
        """The whole section in one picture, if there is one yet."""
        if self._whole_tile is not None:
            return self._whole_tile.piece.pixmap
        return self._preview.pixmap if self._preview is not None else None

    def put(self, key: TileKey, pixmap: QPixmap, revision: int, *, exact: bool) -> bool:
        """Keeps a tile; False when a newer one is there."""
        known = self._held(key)
        if known is not None and known.revision > revision:
            return False
        assert self._section is not None
        held = _Held(_whole(pixmap, key), revision, exact)
        self._tiles.put(key, held, 4 * pixmap.width() * pixmap.height())
        self._broken.pop(key, None)
        (self._inexact.discard if exact else self._inexact.add)(key)
        if key == self._whole:
            self._whole_tile = held
        self._planned = None
        return True

    def put_preview(self, pixmap: QPixmap) -> None:
        """A quick look at the whole section, shown where there is nothing else."""
        assert self._section is not None
        w, h = self._section.w, self._section.h
        downsample = max(w / pixmap.width(), h / pixmap.height())
        self._preview = Piece(pixmap, 0, 0, pixmap.width(), pixmap.height(), 0, 0, w, h, downsample)
        self._planned = None

    def put_broken(self, key: TileKey, revision: int) -> None:
        """It can't be read; it isn't wanted any more until `mend`."""
        self._broken[key] = revision
        self._planned = None

    def mend(self) -> None:
        """What couldn't be read may be readable now."""
        self._broken.clear()
        self._planned = None

    def outdate(self, area: Box | None) -> None:
        """Tiles of `area` (None: all) that were not exact can be had better now; they are shown meanwhile."""
        assert self._section is not None
        for key in list(self._inexact):
            held = self._held(key)
            if held is None:
                self._inexact.discard(key)
            elif area is None or key.box(self._section).intersection(area) is not None:
                held.stale = True

    def is_wanted(self, key: TileKey, revision: int) -> bool:
        """Whether reading it would make it better."""
        held = self._held(key)
        if held is not None and held.revision == revision and not held.stale:
            return False
        return self._broken.get(key) != revision

    def is_sharp(self, key: TileKey, revision: int) -> bool:
        """Whether it is as it should be, or never will be."""
        held = self._held(key)
        if held is not None and held.revision == revision and held.exact:
            return True
        return self._broken.get(key) == revision

    def stands_in(self, key: TileKey, steps: int) -> bool:
        """Whether it or a tile up to `steps` levels coarser is there."""
        for _ in range(steps + 1):
            if self._held(key) is not None:
                return True
            key = key.parent()
        return False

    def has_all(self, tiles: TileRange) -> bool:
        """Whether every one of these tiles is there, exact or not."""
        return all(self._held(key) is not None for key in tiles)

    def pieces(self, tiles: TileRange) -> list[Piece]:
        """What to draw for a range of tiles, in this order: coarse stand-ins first, what is finer over them."""
        if self._planned is None or self._planned[0] != tiles:
            self._planned = tiles, self._plan(tiles)
        return self._planned[1]

    def _plan(self, tiles: TileRange) -> list[Piece]:
        coarse: dict[TileKey | None, list[TileKey]] = {}
        finer: list[Piece] = []
        for key in tiles:
            held = self._held(key)
            if held is not None:
                finer.append(held.piece)
                continue
            children = [child for child in (self._held(c) for c in key.children()) if child is not None]
            if len(children) < self._child_count(key):
                coarse.setdefault(self._coarser(key), []).append(key)
            finer += [child.piece for child in children]
        order = sorted(coarse, key=lambda key: -key.downsample if key is not None else -(1 << 62))
        stand_ins = [piece for key in order for piece in self._stand_ins(key, coarse[key])]
        return stand_ins + finer + [_nothing(key, self._box(key)) for key in tiles if key in self._broken]

    def _stand_ins(self, coarser: TileKey | None, keys: list[TileKey]) -> list[Piece]:
        """One part of a coarser tile (None: the preview) for all the tiles that it stands in for."""
        held = self._held(coarser) if coarser is not None else None
        source = held.piece if held is not None else self._preview
        if source is None:
            return []
        boxes = [self._box(key) for key in keys]
        x0, y0 = min(box.x for box in boxes), min(box.y for box in boxes)
        x1, y1 = max(box.x1 for box in boxes), max(box.y1 for box in boxes)
        return [part_of(source, x0, y0, x1, y1)]

    def _child_count(self, key: TileKey) -> int:
        """How many of its children lie in the section; 4 for none, since those of level 0 have none."""
        assert self._section is not None
        return len(tiles_in(self._box(key), key.downsample // 2, self._section)) if key.downsample > 1 else 4

    def _coarser(self, key: TileKey) -> TileKey | None:
        assert self._whole is not None
        while key.downsample < self._whole.downsample:
            key = key.parent()
            if self._held(key) is not None:
                return key
        return None

    def _held(self, key: TileKey) -> _Held | None:
        if key == self._whole and self._whole_tile is not None:
            return self._whole_tile
        return self._tiles.get(key)

    def _box(self, key: TileKey) -> Box:
        assert self._section is not None
        return key.box(self._section)


def part_of(piece: Piece, x0: float, y0: float, x1: float, y1: float) -> Piece:
    """The part of a piece between these level-0 edges, to a fraction of its px."""
    across, down = piece.sw / (piece.x1 - piece.x0), piece.sh / (piece.y1 - piece.y0)
    x0, y0, x1, y1 = max(x0, piece.x0), max(y0, piece.y0), min(x1, piece.x1), min(y1, piece.y1)
    sx, sy = piece.sx + (x0 - piece.x0) * across, piece.sy + (y0 - piece.y0) * down
    return Piece(piece.pixmap, sx, sy, (x1 - x0) * across, (y1 - y0) * down, x0, y0, x1, y1, piece.downsample)


def _whole(pixmap: QPixmap, key: TileKey) -> Piece:
    """All of a tile. Its last px may reach beyond the section; it is drawn as wide as it is."""
    d = key.downsample
    x, y, w, h = key.column * TILE_PX * d, key.row * TILE_PX * d, pixmap.width(), pixmap.height()
    return Piece(pixmap, 0, 0, w, h, x, y, x + w * d, y + h * d, d)


def _nothing(key: TileKey, box: Box) -> Piece:
    return Piece(None, 0, 0, 0, 0, box.x, box.y, box.x1, box.y1, key.downsample)
