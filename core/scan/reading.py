"""Decides how a model's tile is cut from a section: level, resampling, 8-bit range, and what stands beyond the edge."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from core.display import DisplayRange, to_uint8_rgb
from core.section import Plane, RegionRequest, Section

Array = np.ndarray


@dataclass(frozen=True)
class TileSource:
    """Reads boxes given in model px. `scale`: level-0 px per model px."""

    section: Section
    plane: Plane
    range: DisplayRange
    scale: float

    @property
    def downsample(self) -> int:
        """The power of two at or below `scale` that is read; what remains is resampled once, by less than two."""
        return 1 << max(0, math.floor(math.log2(self.scale) + 1e-9))

    def read(self, x: int, y: int, width: int, height: int) -> Array:
        """(height, width, 3) uint8 RGB of a box in model px.

        Beyond the section's edge its pixels are mirrored, so that the edge itself is nothing unusual.
        """
        info, d = self.section.info, self.downsample
        factor = self.scale / d
        model_width, model_height = info.width_px / self.scale, info.height_px / self.scale
        x0, y0 = max(0.0, x), max(0.0, y)
        x1, y1 = min(model_width, x + width), min(model_height, y + height)
        # Whole px of the level read, with one px around for interpolation, inside the section.
        left, top = max(0, math.floor(x0 * factor) - 1), max(0, math.floor(y0 * factor) - 1)
        right = min(-(-info.width_px // d), math.ceil(x1 * factor) + 1)
        bottom = min(-(-info.height_px // d), math.ceil(y1 * factor) + 1)
        request = RegionRequest(left * d, top * d, (right - left) * d, (bottom - top) * d, d, self.plane)
        pixels = to_uint8_rgb(self.section.read(request), self.range)
        if factor == 1.0:
            return _mirrored_window(pixels, x - left, y - top, width, height)
        return _resampled_window(pixels, x * factor - left, y * factor - top, width, height, factor)


def _mirrored_window(pixels: Array, x: int, y: int, width: int, height: int) -> Array:
    """A window of an array that may reach beyond it; beyond, the array is mirrored as often as needed:
    … 1 0 | 0 1 2 … n-1 | n-1 n-2 …"""
    rows, columns = pixels.shape[:2]
    top, left = max(0, -y), max(0, -x)
    bottom, right = max(0, y + height - rows), max(0, x + width - columns)
    if top or left or bottom or right:
        pixels = cv2.copyMakeBorder(pixels, top, bottom, left, right, cv2.BORDER_REFLECT)
    return np.ascontiguousarray(pixels[y + top : y + top + height, x + left : x + left + width])


def _resampled_window(pixels: Array, x: float, y: float, width: int, height: int, factor: float) -> Array:
    """As `_mirrored_window`, with window px `factor` source px wide; px centres map onto each other exactly."""
    shift_x, shift_y = x + 0.5 * factor - 0.5, y + 0.5 * factor - 0.5
    matrix = np.array([[factor, 0, shift_x], [0, factor, shift_y]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(pixels, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT)
