"""Decides what the camera makes of the surface: tiles, focus, uneven light, shot noise; the same for a pixel in any order of reading."""

from __future__ import annotations

import cv2
import numpy as np

from core.synthetic.noise import generator
from core.synthetic.specimen import BLUR_REACH_PX

Array = np.ndarray

# Below 10 MB a tile, above which pylibCZIrw would cut it up; the step is a whole number of rendered blocks.
TILE_PX = 1664
OVERLAP_PX = 128
STEP_PX = TILE_PX - OVERLAP_PX
_NOISE_PX = 768


class CameraGrid:
    """Which camera tile covers what. Tiles overlap; where they do, the later one (right, below) lies on top."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.count = max(1, -(-(size - OVERLAP_PX) // STEP_PX))

    def owner(self, position: int) -> int:
        """The column (row) of the tile on top at an x (y) position."""
        return min(position // STEP_PX, self.count - 1)

    def span(self, index: int) -> tuple[int, int]:
        """First px and length of a column (row) of tiles."""
        start = index * STEP_PX
        return start, min(TILE_PX, self.size - start)


class Camera:
    """Exposes blocks of the surface. Everything random depends on the seed, the tile and the place only."""

    def __init__(self, size: int, seed: int) -> None:
        rng = generator(seed, 31)
        self._seed = seed
        self._noise = rng.standard_normal((_NOISE_PX, _NOISE_PX, 3), dtype=np.float32)
        self._grain = float(rng.uniform(0.16, 0.26))
        self._fall_off = float(rng.uniform(0.03, 0.07))
        self._middle = rng.uniform(-0.12, 0.12, 2)
        self._shading = rng.normal(0, 0.006, (3, 2))
        self._tilt = rng.normal(0, 0.25, 2)
        self._size = size

    def expose(self, surface: Array, x: int, y: int, column: int, row: int) -> Array:
        """A block as the tile (column, row) sees it.

        Args:
            surface: (h + 2r, w + 2r, 3) uint8 RGB with r = BLUR_REACH_PX px around the block.
            x, y: level-0 px of the block's first pixel, surroundings not counted.
        Returns:
            (h, w, 3) uint8 RGB.
        """
        rng = generator(self._seed, 32, column, row)
        reach = BLUR_REACH_PX
        blurred = cv2.GaussianBlur(surface, (2 * reach + 1, 2 * reach + 1), self._defocus(rng, column, row))
        inner = blurred[reach:-reach, reach:-reach]
        height, width = inner.shape[:2]
        light = np.multiply(inner, self._light(rng, x - column * STEP_PX, y - row * STEP_PX, width, height))
        where = generator(self._seed, 33, column, row, x, y).integers(0, _NOISE_PX - max(width, height), 2)
        noise = self._noise[where[0] : where[0] + height, where[1] : where[1] + width]
        amount = cv2.sqrt(light)
        amount *= self._grain
        amount *= noise
        light += amount
        return cv2.convertScaleAbs(np.maximum(light, 0, out=light))

    def _defocus(self, rng: np.random.Generator, column: int, row: int) -> float:
        """Sigma in px: the section is never quite level, and the autofocus is not perfect."""
        tilt = self._tilt[0] * np.sin(0.7 * column) + self._tilt[1] * np.sin(0.7 * row + 1)
        return float(np.clip(0.55 + abs(tilt) + abs(rng.normal(0, 0.2)), 0.4, 1.2))

    def _light(self, rng: np.random.Generator, x: int, y: int, width: int, height: int) -> Array:
        """(height, width, 3) float32: fall-off to the corners, a colour cast over the field, the tile's own exposure."""
        gain = 1 + rng.normal(0, 0.008)
        u = ((np.arange(x, x + width) + 0.5) / (TILE_PX / 2) - 1).astype(np.float32)
        v = ((np.arange(y, y + height) + 0.5) / (TILE_PX / 2) - 1).astype(np.float32)
        along_x = gain - self._fall_off * (u - self._middle[0]) ** 2
        along_y = -self._fall_off * (v - self._middle[1]) ** 2
        out = np.empty((height, width, 3), np.float32)
        for channel, (cast_x, cast_y) in enumerate(self._shading):
            np.add((along_y + cast_y * v)[:, None], (along_x + cast_x * u)[None, :], out=out[..., channel])
        return out
