"""Decides what a section is: one big image in level-0 coordinates, read region by region at any power-of-two scale.

What a file holds and how its bytes are read is for `core.readers`. Missing overviews are for `core.pyramid`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from core.geometry import Box
from core.section_info import Plane, PyramidLevel, RegionRequest, Scene, SectionInfo

__all__ = ["Array", "AsStored", "Glance", "Plane", "PyramidLevel", "RegionRequest", "Scene", "Section", "SectionInfo"]

Array = np.ndarray


@dataclass(frozen=True, slots=True)
class Glance:
    """What can be shown of a region now. `exact`: these are the pixels that `Section.read` gives."""

    pixels: Array
    exact: bool


class Section(ABC):
    """One open image. `read` may be called from several threads at once."""

    info: SectionInfo

    @abstractmethod
    def read_level(self, level: int, x: int, y: int, width: int, height: int, plane: Plane) -> Array:
        """Pixels of `info.levels[level]`, in that level's own px; the region lies inside the level.

        Returns (height, width, samples) of `info.dtype`, writable by nobody else. Where the file has no pixels
        (gaps of a mosaic) they are 0. Raises InputError when the file's bytes can't be decoded.
        """

    def preview(self, downsample: int, plane: Plane) -> Array | None:
        """A quick first look at the whole section, `downsample` level-0 px per px, or None where there is no shortcut.

        Such pixels may be smoothed, aliased and off by about one of their own: show them until exact ones arrive,
        measure nothing in them. Size is within one px of `info` / downsample.
        """
        return None

    def glance(self, request: RegionRequest) -> Glance:
        """A region for the eye, within a moment: exact where that is quick, else the best that is known by now.

        Measure nothing in it, store nothing of it.
        """
        return Glance(self.read(request), True)

    def camera_tiles(self) -> tuple[Box, ...]:
        """Where the camera tiles of a mosaic lie, in level-0 px, in the order they are drawn (later over earlier)."""
        return ()

    @property
    def block_px(self) -> tuple[int, int]:
        """Width and height in level-0 px of the blocks in which reading everything costs least."""
        return 2048, 2048

    def close(self) -> None:  # noqa: B027 - most readers hold nothing open
        """Releases the file. Reading afterwards is an error."""

    def __enter__(self) -> Section:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def overview_downsample(self) -> int:
        """The scale at which the whole section fits about 1024 px."""
        longest = max(self.info.width_px, self.info.height_px)
        return 1 << max(0, (longest - 1) // 1024).bit_length()

    def source_level(self, request: RegionRequest) -> tuple[int, int]:
        """The coarsest stored level that answers `request` exactly: its index and its own downsample.

        A level serves when its pixel grid falls on the request's and it reaches as far as the request does.
        """
        best, best_scale = 0, 1
        if request.downsample == 1:
            return best, best_scale
        for index, level in enumerate(self.info.levels):
            scale = _power_of_two_scale(level, self.info)
            if best_scale < scale <= request.downsample and _serves(level, scale, request, self.info):
                best, best_scale = index, scale
        return best, best_scale

    def read(self, request: RegionRequest) -> Array:
        """The pixels of a region, (rows, columns, samples) of `info.dtype`; 0 outside the section.

        Means are rounded to whole values; where a request's last pixels reach beyond the section, the mean is over
        the part that exists. Whole output rows are read in bands, so that an overview of a huge level stays in memory.
        """
        info, x, y = self.info, request.x, request.y
        is_inside = x >= 0 and y >= 0 and x + request.width <= info.width_px and y + request.height <= info.height_px
        if request.downsample == 1 and is_inside:
            return self.read_level(0, x, y, request.width, request.height, request.plane)
        level, scale = self.source_level(request)
        factor = request.downsample // scale
        rows, columns = request.shape
        x0, y0 = request.x // scale, request.y // scale
        if factor == 1:
            whole = self._read_inside(level, self.info.levels[level], x0, y0, columns, rows, request.plane)
            return np.zeros((rows, columns, self.info.samples), self.info.dtype) if whole is None else whole
        out = np.zeros((rows, columns, self.info.samples), self.info.dtype)
        for row, column, height, width in _blocks(rows, columns, factor):
            x, y = x0 + column * factor, y0 + row * factor
            stored = self.info.levels[level]
            part = self._read_inside(level, stored, x, y, width * factor, height * factor, request.plane)
            if part is not None:
                weights_x = _weights(x, width * factor, scale, stored.width_px, self.info.width_px)
                weights_y = _weights(y, height * factor, scale, stored.height_px, self.info.height_px)
                mean = _area_mean(part, factor, weights_x, weights_y)
                out[row : row + height, column : column + width] = mean
        return out

    def _read_inside(
        self, level: int, stored: PyramidLevel, x: int, y: int, width: int, height: int, plane: Plane
    ) -> Array | None:
        """The part of a level's region that exists, padded with 0 to its full size; None when nothing of it exists."""
        x0, y0 = max(x, 0), max(y, 0)
        x1, y1 = min(x + width, stored.width_px), min(y + height, stored.height_px)
        if x1 <= x0 or y1 <= y0:
            return None
        pixels = self.read_level(level, x0, y0, x1 - x0, y1 - y0, plane)
        if pixels.shape[:2] == (height, width):
            return pixels
        padded = np.zeros((height, width, self.info.samples), self.info.dtype)
        padded[y0 - y : y1 - y, x0 - x : x1 - x] = pixels
        return padded


class AsStored(Section):
    """A section without the levels that its file lacks: what is read of it is the same whatever overviews are built, and
    none of it means reading the whole file behind a level's back."""

    def __init__(self, section: Section) -> None:
        self._section = section
        self.info = replace(section.info, levels=tuple(level for level in section.info.levels if not level.made))

    @property
    def block_px(self) -> tuple[int, int]:
        return self._section.block_px

    def read_level(self, level: int, x: int, y: int, width: int, height: int, plane: Plane) -> Array:
        return self._section.read_level(level, x, y, width, height, plane)


_BLOCK_PIXELS = 16 << 20


def _power_of_two_scale(level: PyramidLevel, info: SectionInfo) -> int:
    """The level's downsample when it is an exact power-of-two reduction (its last pixel rounded up or down), else 0."""
    scale = round(level.downsample)
    if scale < 1 or scale & (scale - 1):
        return 0
    sizes = ((info.width_px, level.width_px), (info.height_px, level.height_px))
    return scale if all(stored in (full // scale, -(-full // scale)) for full, stored in sizes) else 0


def _serves(level: PyramidLevel, scale: int, request: RegionRequest, info: SectionInfo) -> bool:
    if request.x % scale or request.y % scale:
        return False
    right = min(request.x + request.width, info.width_px)
    bottom = min(request.y + request.height, info.height_px)
    return right <= level.width_px * scale and bottom <= level.height_px * scale


def _blocks(rows: int, columns: int, factor: int) -> Iterator[tuple[int, int, int, int]]:
    """Row, column, height and width of output blocks whose source pixels fit in memory; full rows where they do."""
    width = min(columns, max(1, _BLOCK_PIXELS // (factor * factor)))
    height = min(rows, max(1, _BLOCK_PIXELS // (width * factor * factor)))
    for row in range(0, rows, height):
        for column in range(0, columns, width):
            yield row, column, min(height, rows - row), min(width, columns - column)


def _weights(start: int, count: int, scale: int, size: int, full_size: int) -> Array:
    """How much of each of `count` level px lies inside the section: 0 beyond it, less than 1 for its last px."""
    edges = np.clip(np.arange(start, start + count + 1), 0, size) * scale
    return np.diff(np.minimum(edges, full_size)) / scale


def _area_mean(block: Array, factor: int, weights_x: Array, weights_y: Array) -> Array:
    """Mean over factor × factor px; at the section's edge only over what exists."""
    rows, columns = block.shape[0] // factor, block.shape[1] // factor
    mean = _shrink(block, rows, columns)
    share_x, share_y = weights_x.reshape(-1, factor).mean(1), weights_y.reshape(-1, factor).mean(1)
    for row in np.flatnonzero((share_y > 0) & (share_y < 1)):
        part = slice(row * factor, (row + 1) * factor)
        strip = block[part] * np.multiply.outer(weights_y[part], weights_x).astype(np.float32)[..., None]
        mean[row] = _rounded(_shrink(strip, 1, columns)[0], share_y[row] * share_x, block.dtype)
    for column in np.flatnonzero((share_x > 0) & (share_x < 1)):
        part = slice(column * factor, (column + 1) * factor)
        strip = block[:, part] * np.multiply.outer(weights_y, weights_x[part]).astype(np.float32)[..., None]
        mean[:, column] = _rounded(_shrink(strip, rows, 1)[:, 0], share_x[column] * share_y, block.dtype)
    return mean


def _shrink(block: Array, rows: int, columns: int) -> Array:
    return cv2.resize(block, (columns, rows), interpolation=cv2.INTER_AREA).reshape(rows, columns, -1)


def _rounded(mean: Array, share: Array, dtype: np.dtype) -> Array:
    """(n, samples) means that counted missing pixels as 0 → means over the `share` (n,) that exists."""
    scaled = np.rint(mean / np.where(share > 0, share, 1.0)[:, None])
    return np.clip(scaled, 0, np.iinfo(dtype).max).astype(dtype)
