"""Decides what the second network of a model of instances is shown of a part, in training as in a scan."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from core.geometry import Box
from core.models.instances import GREYED
from core.outlines import drawn

Array = np.ndarray

_GREY = 128


@dataclass(frozen=True)
class CropShape:
    """A square around a part's box, its side the box's longer one and a margin, brought to one size.

    Args:
        side_px: of what comes out.
        margin: on each side, in shares of the box's longer side.
        outside: `KEPT`, or `GREYED`: all but the part itself is plain grey.
    """

    side_px: int
    margin: float
    outside: str

    def around(self, box: Box) -> Box:
        """What a crop of a part in this box shows."""
        side = max(1.0, (1 + 2 * self.margin) * max(box.w, box.h))
        x, y = box.center
        return Box(x - side / 2, y - side / 2, side, side)

    def cut(self, pixels: Array, box: Box, outline: Array) -> Array:
        """(side_px, side_px, 3) uint8. What lies beyond the picture is its border, continued.

        Args:
            pixels: (h, w, 3) uint8; box, outline (k, 2): in their px.
        """
        x, y, w, h = self.around(box).outer_pixels()
        part = _continued(pixels, x, y, w, h)
        method = cv2.INTER_AREA if w > self.side_px else cv2.INTER_LINEAR
        crop = cv2.resize(part, (self.side_px, self.side_px), interpolation=method)
        if self.outside == GREYED and len(outline) > 2:
            scale = np.array([self.side_px / w, self.side_px / h])
            crop[drawn((outline - np.array([x, y])) * scale, self.side_px, self.side_px) == 0] = _GREY
        return crop


def _continued(pixels: Array, x: int, y: int, w: int, h: int) -> Array:
    rows = np.arange(y, y + h).clip(0, pixels.shape[0] - 1)
    columns = np.arange(x, x + w).clip(0, pixels.shape[1] - 1)
    return pixels[rows[:, None], columns[None]]
