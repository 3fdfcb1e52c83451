"""Decides how a score map becomes a picture: which level fits a zoom, and which colour a score has."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.colour_maps import colour_table
from app.viewer.overlay_tiles import TILE, OverlayTile, Painted

if TYPE_CHECKING:
    from core.project.score_map import ScoreMap

Array = np.ndarray

CELL_SCREEN_PX = 2.0  # device px; smaller cells than this are not worth reading


@dataclass(frozen=True, slots=True)
class HeatLook:
    """Colours from `low` to `high`; wholly transparent below `floor`."""

    colour_map: str
    low: float
    high: float
    floor: float
    label: int | None = None

    def colours(self, scores: Array) -> Array:
        """(rows, columns, 4) uint8 BGRA, premultiplied, of (rows, columns) scores; NaN is transparent."""
        span = max(self.high - self.low, 1e-9)
        with np.errstate(invalid="ignore"):
            shown = scores >= self.floor
            index = np.clip((scores - self.low) * (255 / span), 0, 255)
        index = np.where(shown, index, 0).astype(np.uint8)
        out = np.zeros((*scores.shape, 4), np.uint8)
        out[..., :3] = colour_table(self.colour_map)[index][..., ::-1]
        out[..., 3] = 255
        out[~shown] = 0
        return out


def level_for(cell_px: float, zoom: float, coarsest: int) -> int:
    """The finest level whose cells are large enough at `zoom` device px per level-0 px."""
    level = math.ceil(math.log2(CELL_SCREEN_PX / (cell_px * zoom)) - 1e-9)
    return min(max(level, 0), coarsest)


class HeatPainter:
    """Paints a map as it is stored now, smooth between the middles of cells."""

    def __init__(self, score_map: ScoreMap, look: HeatLook) -> None:
        self._map, self.look = score_map, look

    def paint(self, tile: OverlayTile) -> Painted:
        level = level_for(self._map.cell_px, tile.zoom, self._map.coarsest)
        cell = self._map.cell_px * 2**level
        box = tile.box.scaled(1 / cell)
        # One cell more on each side, for smoothing across the tile's border.
        column, row = math.floor(box.x) - 1, math.floor(box.y) - 1
        columns, rows = math.ceil(box.x1) + 1 - column, math.ceil(box.y1) + 1 - row
        block = self._map.look(level, row, column, rows, columns, self.look.label)
        with np.errstate(invalid="ignore"):
            if not (block.scores >= self.look.floor).any():
                return Painted(None, block.complete)
        return Painted(_stretched(self.look.colours(block.scores), box.x - column, box.y - row, box.w), block.complete)


def _stretched(colours: Array, left: float, top: float, cells: float) -> Array:
    """A tile's px from its cells: it begins `left`, `top` cells inside and is `cells` wide."""
    import cv2

    step = cells / TILE  # cells per device px; middles lie at + 0.5 in both
    matrix = np.array([[step, 0.0, left + step / 2 - 0.5], [0.0, step, top + step / 2 - 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(colours, matrix, (TILE, TILE), flags=flags, borderMode=cv2.BORDER_REPLICATE)
