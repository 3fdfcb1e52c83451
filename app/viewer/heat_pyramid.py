"""Decides how an anomaly map is made ready for any zoom: halved again and again, each cell keeping its worst score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.viewer.colour_maps import colour_table

Array = np.ndarray

SMALLEST = 64  # cells; smaller levels are of no use
_TOP_PERCENT = 99.9


@dataclass(frozen=True)
class HeatPyramid:
    """`levels[k]` is (rows, columns) float32 with cells of `cell_px` · 2^k level-0 px; NaN where nothing was scanned.

    `low` and `high` are the scores at the ends of the colour scale.
    """

    levels: tuple[Array, ...]
    cell_px: float
    low: float
    high: float

    def level_for(self, zoom: float, cell_screen_px: float = 2.0) -> int:
        """The finest level whose cells are at least this large, at `zoom` device px per level-0 px."""
        for index in range(len(self.levels)):
            if self.cell_px * 2**index * zoom >= cell_screen_px:
                return index
        return len(self.levels) - 1

    def colours(self, level: int, rows: slice, columns: slice, threshold: float, colour_map: str) -> Array:
        """(rows, columns, 4) uint8 BGRA; wholly transparent below `threshold` and where nothing was scanned."""
        scores = self.levels[level][rows, columns]
        span = max(self.high - self.low, 1e-9)
        with np.errstate(invalid="ignore"):
            shown = scores >= threshold
            index = np.clip((scores - self.low) * (255 / span), 0, 255)
        index = np.where(shown, index, 0).astype(np.uint8)
        out = np.empty((*scores.shape, 4), np.uint8)
        out[..., :3] = colour_table(colour_map)[index][..., ::-1]
        out[..., 3] = 255
        out[~shown] = 0
        return out


def build_heat(values: Array, cell_px: float, label_index: int | None, is_probability: bool) -> HeatPyramid:
    """From (labels, rows, columns) scores: one label's, or the highest of all."""
    if label_index is not None and 0 <= label_index < len(values):
        base = values[label_index]
    else:
        base = np.fmax.reduce(values, axis=0)
    levels = [np.ascontiguousarray(base, np.float32)]
    while max(levels[-1].shape) > SMALLEST:
        levels.append(_halved(levels[-1]))
    return HeatPyramid(tuple(levels), cell_px, 0.0, 1.0 if is_probability else _top(levels[0]))


def _halved(level: Array) -> Array:
    """The highest of each 2 × 2 cells; NaN only where all are."""
    rows, columns = level.shape
    padded = np.pad(level, ((0, rows % 2), (0, columns % 2)), constant_values=np.nan)
    across = np.fmax(padded[:, 0::2], padded[:, 1::2])
    return np.fmax(across[0::2], across[1::2])


def _top(scores: Array) -> float:
    finite = scores[np.isfinite(scores)]
    return float(np.percentile(finite, _TOP_PERCENT)) if finite.size else 1.0
