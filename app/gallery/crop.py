"""Decides how much of the section stands around a detection in its crop, and at which scale it is read. No Qt."""

from __future__ import annotations

from core.geometry import Box
from core.section import Plane, RegionRequest

CONTEXT, WIDE_CONTEXT = 1.8, 6.0  # side of the crop by the longer side of the box
MIN_SIDE_PX, WIDE_MIN_SIDE_PX = 96, 384  # level-0 px; a speck is shown with enough around it to be recognised
OVERSAMPLING = 1.5  # px read per px shown: between this and twice this, the scales being powers of two


def crop_side(box: Box, wide: bool) -> float:
    """The side of a detection's crop in level-0 px, with much or little of what is around it."""
    longest = max(box.w, box.h)
    return max(WIDE_CONTEXT * longest, WIDE_MIN_SIDE_PX) if wide else max(CONTEXT * longest, MIN_SIDE_PX)


def crop_request(
    box: Box, section: Box, side_px: int, plane: Plane, *, wide: bool = False, side: float | None = None
) -> RegionRequest:
    """What to read for a square crop shown `side_px` screen px wide, `side` level-0 px (None: as `crop_side`).

    Moved inside the section where it fits, and laid on the grid of the scale that is read, so that stored levels serve.
    """
    side = crop_side(box, wide) if side is None else side
    downsample = 1
    while side / (2 * downsample) >= OVERSAMPLING * side_px:
        downsample *= 2
    cells = max(1, round(side / downsample))
    x = _start(box.center[0], cells, downsample, section.x, section.x1)
    y = _start(box.center[1], cells, downsample, section.y, section.y1)
    return RegionRequest(x, y, cells * downsample, cells * downsample, downsample, plane)


def _start(center: float, cells: int, downsample: int, low: float, high: float) -> int:
    """Where a run of cells begins along one axis: around `center`, within [low, high) if it is no longer than that."""
    side = cells * downsample
    fits = side < high - low
    start = min(max(center - side / 2, low), high - side) if fits else (low + high - side) / 2
    return int(start // downsample) * downsample
