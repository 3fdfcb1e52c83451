"""Decides how what a scan skips looks: dimmed and hatched, so that it is seen on bright and on dark ground."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.viewer.overlay_tiles import TILE, OverlayTile, Painted
from core.geometry import Box

if TYPE_CHECKING:
    from core.specimen_mask import Mask

Array = np.ndarray

_SPACING = 12  # device-independent px between lines, along both axes
_GROUND = (0, 0, 0, 120)  # BGRA, premultiplied
_LINE = (200, 200, 200, 220)


class SkippedPainter:
    """Paints where a mask shows no specimen, within `section` (level-0 px)."""

    def __init__(self, mask: Mask, section: Box) -> None:
        self._empty, self._cell_px, self._section = ~mask.values, mask.cell_px, section

    def paint(self, tile: OverlayTile) -> Painted:
        rows = self._cells(tile.box.y, tile.zoom, self._section.h, self._empty.shape[0])
        columns = self._cells(tile.box.x, tile.zoom, self._section.w, self._empty.shape[1])
        empty = self._empty[rows[:, None], columns[None, :]] & (rows >= 0)[:, None] & (columns >= 0)[None, :]
        if not empty.any():
            return Painted(None)
        pixels = np.zeros((TILE, TILE, 4), np.uint8)
        pixels[empty] = _GROUND
        pixels[empty & _lines(tile)] = _LINE
        return Painted(pixels)

    def _cells(self, start: float, zoom: float, length: float, count: int) -> Array:
        """(TILE,): the cell that each device px shows, -1 beyond the section."""
        at = start + (np.arange(TILE) + 0.5) / zoom
        cells = np.minimum((at / self._cell_px).astype(int), count - 1)
        return np.where((at >= 0) & (at < length), cells, -1)


def _lines(tile: OverlayTile) -> Array:
    """(TILE, TILE) bool: slanted lines that go on from tile to tile."""
    spacing, width = max(2, round(_SPACING * tile.ratio)), max(1, round(tile.ratio))
    x = tile.column * TILE + np.arange(TILE)
    y = tile.row * TILE + np.arange(TILE)
    return (x[None, :] + y[:, None]) % spacing < width
