"""Decides where a mosaic has no pixels, and what stands there instead, so that a gap's edge is nothing unusual.

A gap is black and ends from one pixel to the next. A pore may be as black, but the microscope blurs its edge.
"""

from __future__ import annotations

import cv2
import numpy as np

Array = np.ndarray

_SMALLEST_SIDE_PX = 33  # odd, so that opening moves nothing
_FIRST_PX = 1
_FURTHER_PX = 6
# Of the brightness a few px away from a gap, so much is there at its first px.
_SHARP = 0.6


def find_gaps(pixels: Array) -> Array | None:
    """Where a mosaic's gaps are in (h, w, 3) uint8: (h, w) bool, or None where there are none."""
    black = cv2.inRange(pixels, (0, 0, 0), (0, 0, 0))
    if cv2.countNonZero(black) < _SMALLEST_SIDE_PX**2:
        return None
    opened = cv2.morphologyEx(black, cv2.MORPH_OPEN, np.ones((_SMALLEST_SIDE_PX, _SMALLEST_SIDE_PX), np.uint8))
    count, labels = cv2.connectedComponents(opened, connectivity=4)
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    gaps = np.zeros(black.shape, bool)
    for label in range(1, count):
        region = labels == label
        if _ends_sharply(region, grey):
            gaps |= region
    return gaps if gaps.any() else None


def filled(pixels: Array, gaps: Array) -> Array:
    """`pixels` with each gap filled by what lies mirrored at its nearest edge, as far as there is something."""
    if gaps.all():
        return pixels
    _, labels = cv2.distanceTransformWithLabels(gaps.astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    edges = np.zeros((int(labels.max()) + 1, 2), int)
    edges[labels[~gaps]] = np.argwhere(~gaps)
    places = np.argwhere(gaps)
    nearest = edges[labels[gaps]]
    mirrored = np.clip(2 * nearest - places, 0, np.array(gaps.shape) - 1)
    empty = gaps[mirrored[:, 0], mirrored[:, 1]]
    mirrored[empty] = nearest[empty]
    out = pixels.copy()
    out[gaps] = pixels[mirrored[:, 0], mirrored[:, 1]]
    return out


def _ends_sharply(region: Array, grey: Array) -> bool:
    """A region that fills the picture, too, has no blurred edge to show."""
    first, further = _rim(region, _FIRST_PX, grey), _rim(region, _FURTHER_PX, grey)
    return first is None or further is None or first >= _SHARP * further


def _rim(region: Array, distance: int, grey: Array) -> float | None:
    """Mean grey of the px at a distance from a region; None where there are none."""
    outer = cv2.dilate(region.astype(np.uint8), np.ones((2 * distance + 1, 2 * distance + 1), np.uint8))
    inner = cv2.dilate(region.astype(np.uint8), np.ones((2 * distance - 1, 2 * distance - 1), np.uint8))
    rim = grey[outer > inner]
    return float(rim.mean()) if rim.size else None
