"""Decides how an overlay is cut into tiles: squares of device px at exactly the zoom they are shown at."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from core.geometry import Box

Array = np.ndarray

TILE = 512  # device px


class OverlayTile(NamedTuple):
    """A square that begins at device px (column, row) · 512, `zoom` device px per level-0 px from the origin.

    `ratio`: device px per device-independent px, for what has a size on the screen. A tuple, because it is looked up
    dozens of times for every frame.
    """

    zoom: float
    column: int
    row: int
    ratio: float = 1.0

    @property
    def box(self) -> Box:
        """What it covers, in level-0 px."""
        side = TILE / self.zoom
        return Box(self.column * side, self.row * side, side, side)


@dataclass(frozen=True, slots=True)
class Painted:
    """The picture of a tile: (512, 512, 4) uint8 BGRA, premultiplied, or None where nothing is to be seen.

    `complete` False: more will be there when it is painted again.
    """

    pixels: Array | None
    complete: bool = True


class TilePainter(Protocol):
    """Paints tiles of one state of an overlay. Called in any thread; never changes what it shows."""

    def paint(self, tile: OverlayTile) -> Painted: ...


def tiles_in(area: Box, zoom: float, ratio: float = 1.0) -> Iterator[OverlayTile]:
    """The tiles that touch an area (level-0 px), row by row."""
    side = TILE / zoom
    for row in range(math.floor(area.y / side), math.ceil(area.y1 / side)):
        for column in range(math.floor(area.x / side), math.ceil(area.x1 / side)):
            yield OverlayTile(zoom, column, row, ratio)
