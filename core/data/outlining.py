"""Decides how a mask becomes marks: one outline for each of its connected parts, along the edges of px.

Corners are continuous: px (0, 0) covers [0, 1) × [0, 1), so that a mask of one px has the outline of a square of 1 px.
Slanted edges are drawn straight (within 0.75 px, Douglas and Peucker 1973); holes are not kept.
"""

from __future__ import annotations

import cv2
import numpy as np

from core.data.gathering import outlined
from core.data.labelled import Mark

_STRAIGHT_PX = 0.75


def marks_of(mask: np.ndarray, label: str) -> list[Mark]:
    """A mark for each part of a (h, w) bool or uint8 mask; px that touch at a corner are one part. From the top."""
    count, parts, boxes, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    marks = []
    for part in range(1, count):
        x, y, w, h = (int(v) for v in boxes[part, :4])
        corners = _outline(parts[y : y + h, x : x + w] == part)
        marks.append(outlined(label, [(float(x + i), float(y + j)) for i, j in corners]))
    return marks


def _outline(part: np.ndarray) -> np.ndarray:
    """(n, 2) corners of a connected mask: the border of all px corners that belong to it."""
    height, width = part.shape
    corners = np.zeros((height + 1, width + 1), np.uint8)
    for dy in (0, 1):
        for dx in (0, 1):
            corners[dy : dy + height, dx : dx + width] |= part
    rings, _ = cv2.findContours(corners, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    ring = cv2.approxPolyDP(rings[0], _STRAIGHT_PX, closed=True)[:, 0]
    # Straightened, it must still reach as far as the mask does.
    reached = (ring.min(0) == 0).all() and (ring.max(0) == (width, height)).all()
    return ring if reached else rings[0][:, 0]
