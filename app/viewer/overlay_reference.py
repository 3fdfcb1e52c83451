"""Decides how another picture is laid over the section: sampled for each tile from a copy of it of about that size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app.viewer.overlay_tiles import TILE, OverlayTile, Painted
from core.geometry import Box, bounding_box
from core.placement import Placement

if TYPE_CHECKING:
    from core.jobs import CancelToken, Progress

Array = np.ndarray

MOST_PX = 16_000_000  # of a picture in memory; a larger one is read at a coarser level
_SMALLEST = 64  # px


@dataclass(frozen=True, slots=True)
class ReferencePicture:
    """A picture as it is drawn: `copies` are (rows, columns, 4) uint8 BGRA, each half as large as the one before.

    `size` is that of the file in its own px; `downsample` is that of the first copy.
    """

    path: str
    size: tuple[int, int]
    pixel_size_um: tuple[float, float] | None
    downsample: int
    copies: tuple[Array, ...]


def read_reference(path: str, progress: Progress, cancel: CancelToken) -> ReferencePicture:
    """Any file the program reads. Raises InputError."""
    from core.display import auto_range, to_uint8_rgb
    from core.readers.base import open_section
    from core.section import Plane, RegionRequest

    with open_section(Path(path)) as section:
        info = section.info
        downsample = 1
        while info.width_px * info.height_px / downsample**2 > MOST_PX:
            downsample *= 2
        pixels = section.read(RegionRequest(0, 0, info.width_px, info.height_px, downsample, Plane()))
        cancel.check()
        shown = to_uint8_rgb(pixels, auto_range(section, Plane()))
    size, pixel_size = (info.width_px, info.height_px), info.pixel_size_um
    return ReferencePicture(path, size, pixel_size, downsample, tuple(_copies(_bgra(shown))))


def _bgra(pixels: Array) -> Array:
    out = np.full((*pixels.shape[:2], 4), 255, np.uint8)
    out[..., :3] = pixels[..., ::-1]
    return out


def _copies(picture: Array) -> list[Array]:
    import cv2

    copies = [picture]
    while min(copies[-1].shape[:2]) > 2 * _SMALLEST:
        height, width = copies[-1].shape[:2]
        copies.append(cv2.resize(copies[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA))
    return copies


class ReferencePainter:
    """Paints a picture where a placement lays it."""

    def __init__(self, picture: ReferencePicture, placement: Placement) -> None:
        self._picture, self._placement = picture, placement

    @property
    def bounds(self) -> Box:
        """Where it lies, in level-0 px."""
        width, height = self._picture.size
        corners = [self._placement.to_section(x, y) for x, y in ((0, 0), (width, 0), (0, height), (width, height))]
        return bounding_box(Box(x, y, 0, 0) for x, y in corners)

    def paint(self, tile: OverlayTile) -> Painted:
        if tile.box.intersection(self.bounds) is None:
            return Painted(None)
        import cv2

        copy = self._copy_for(tile.zoom)
        across = copy.shape[1] / self._picture.size[0]
        down = copy.shape[0] / self._picture.size[1]
        origin, right, below = (
            self._placement.to_picture(tile.box.x + dx, tile.box.y + dy)
            for dx, dy in ((0.0, 0.0), (1 / tile.zoom, 0.0), (0.0, 1 / tile.zoom))
        )
        matrix = np.array(
            [
                [(right[0] - origin[0]) * across, (below[0] - origin[0]) * across, origin[0] * across],
                [(right[1] - origin[1]) * down, (below[1] - origin[1]) * down, origin[1] * down],
            ]
        )
        matrix[:, 2] += matrix[:, :2].sum(axis=1) / 2 - 0.5  # from px middles to px middles
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return Painted(cv2.warpAffine(copy, matrix, (TILE, TILE), flags=flags, borderMode=cv2.BORDER_CONSTANT))

    def _copy_for(self, zoom: float) -> Array:
        """The coarsest copy that still has a px for each device px."""
        device_px = self._placement.scale * zoom * self._picture.downsample  # of a px of the first copy
        level = math.floor(math.log2(1 / device_px) + 1e-9) if device_px < 1 else 0
        return self._picture.copies[min(level, len(self._picture.copies) - 1)]
