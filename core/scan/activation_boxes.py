"""Decides how a mark is drawn tighter by what speaks for its label. Pure.

A window scores wherever it shows a part of a defect, so marks reach about half a window beyond. What the features under it
speak for is narrower: of what exceeds a share of the activation's maximum the largest joined part is boxed (Badmos,
dissertation §4.1.3: 45 %).
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from core.geometry import Box
from core.scan.extract import SHARE_OF_PEAK, Mark

Array = np.ndarray


def tightened(mark: Mark, activations: Array) -> Mark:
    """The mark around what speaks for it within its box; as it is where nothing does. Its peak stays the score's.

    Args:
        activations: (labels, rows, columns) float32, 0 and more, on the cells that the mark is given in; NaN: unknown.
    """
    x, y, w, h = mark.box.outer_pixels()
    part = np.nan_to_num(activations[mark.label, y : y + h, x : x + w])
    highest = part.max(initial=0.0)
    if not highest > 0:
        return mark
    over = (part >= SHARE_OF_PEAK * highest).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(over, connectivity=8)
    left, top, width, height, cells = stats[1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())].tolist()
    return replace(mark, box=Box(x + left, y + top, width, height), cells=cells)
