"""Decides which tiles a view needs and in which order: what is in sight, a rough picture of it, what comes next.

What is there already and what is being read is for `app.viewer.tile_provider`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from app.viewer.tiles import TILE_PX, TileKey, TileRange, tiles_in
from core.geometry import Box

ROUGH_STEP = 4  # how much coarser the tiles are that stand in where nothing finer than that is known
MOST_AHEAD = 48  # tiles read for what is not in sight yet


def nearest_first(keys: Iterable[TileKey], focus: tuple[float, float]) -> list[TileKey]:
    """Ordered by the distance of their middles from `focus` (level-0 px)."""

    def distance(key: TileKey) -> float:
        side = TILE_PX * key.downsample
        return math.hypot((key.column + 0.5) * side - focus[0], (key.row + 0.5) * side - focus[1])

    return sorted(keys, key=distance)


def rough(view: Box, downsample: int, section: Box, coarsest: int) -> TileRange:
    """A few much coarser tiles that cover the view; none where the whole section is hardly coarser."""
    step = downsample * ROUGH_STEP
    return tiles_in(view, step, section) if step * 2 <= coarsest else TileRange(step, 0, 0, 0, 0)


def ahead(views: Sequence[tuple[Box, int]], seen: TileRange, section: Box, coarsest: int) -> list[TileKey]:
    """Tiles for where the view is going: the first of `views` (with their levels) sharp, later ones only roughly."""
    found: dict[TileKey, None] = {}
    for number, (view, downsample) in enumerate(views):
        sharp = tiles_in(view, downsample, section)
        wanted = sharp if number == 0 else rough(view, downsample, section, coarsest)
        found |= dict.fromkeys(nearest_first((key for key in wanted if key not in seen), view.center))
    return list(found)[:MOST_AHEAD]


def around(seen: TileRange, section: Box) -> list[TileKey]:
    """One ring around what is in sight, for the next movement, wherever it goes."""
    side = TILE_PX * seen.downsample
    box = Box(seen.left * side, seen.top * side, (seen.right - seen.left) * side, (seen.bottom - seen.top) * side)
    ring = (key for key in tiles_in(box.grown(side), seen.downsample, section) if key not in seen)
    return nearest_first(ring, box.center)[:MOST_AHEAD]
