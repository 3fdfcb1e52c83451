"""Decides what the windows of a scanned section score: the highest score in each, cheaply, from the maxima of its map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from core.project.score_map import ScoreMap

Array = np.ndarray


def window_maxima(scores: ScoreMap, window_px: float) -> tuple[Array, bool]:
    """(rows, columns) float32, the highest score in each block of the map about as large as a window; NaN where nothing was
    scanned. And whether all that is stored was looked at: a map is folded for a moment only, so ask again until it was.

    Args:
        window_px: the side of a window in level-0 px.
    Raises InputError when the map is damaged.
    """
    level = round(np.log2(max(window_px / scores.cell_px, 1)))
    width = 2**level
    block = scores.look(level, 0, 0, -(-scores.rows // width), -(-scores.columns // width))
    return block.scores, block.complete
