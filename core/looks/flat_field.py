"""Decides how the shading of a mosaic's camera tiles is taken out for the eye, and which tiles it is estimated from.

How it is told from the specimen is for `core.looks.shading`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from core.errors import CancelledError
from core.geometry import Box
from core.looks.shading import LEAST_TILES, POINTS, common_gain
from core.section import Array, Plane, RegionRequest, Section

_MOST_TILES = 100  # that are read for it
_SAMPLES = 64  # along a tile's longer side at least
_RANK = 3  # products of a curve down and a curve across that make up the gain
_LEAST_SEEN = 0.3  # of a tile, that no later one hides
_SMALLEST_PX = 8  # a camera tile smaller than this on the screen shows no shading
_DARK = 0.2  # of the bright tiles: a tile darker than this has nothing to tell


@dataclass(frozen=True, slots=True, eq=False)
class FlatField:
    """By what pixels are multiplied, by their place in their camera tile.

    boxes: (n, 4) float64 x, y, x1, y1 of camera tiles in level-0 px, in the order they are drawn.
    down, across: (rank, samples, 65) float64; the gain is the sum over rank of their products.
    """

    boxes: Array
    down: Array
    across: Array

    def applied(self, pixels: Array, request: RegionRequest) -> Array:
        """Stored pixels (h, w, samples) of `request`, evened out; of the same type."""
        gain = self.gain(request, pixels.shape)
        if gain is None:
            return pixels
        depth = cv2.CV_8U if pixels.dtype == np.uint8 else cv2.CV_16U
        return cv2.multiply(pixels, gain, dtype=depth).reshape(pixels.shape)

    def gain(self, request: RegionRequest, shape: tuple[int, ...]) -> Array | None:
        """(h, w, samples) float32, 1 where no camera tile lies; None where tiles are too small to matter."""
        d = request.downsample
        x0, y0, x1, y1 = self.boxes.T
        inside = (x1 > request.x) & (x0 < request.x + shape[1] * d) & (y1 > request.y) & (y0 < request.y + shape[0] * d)
        touching = self.boxes[inside]
        if not len(touching) or min(x1[0] - x0[0], y1[0] - y0[0]) < _SMALLEST_PX * d:
            return None
        gain = np.ones(shape, np.float32)
        for box in touching:
            columns, across = _span(box[0], box[2], request.x, d, shape[1])
            rows, down = _span(box[1], box[3], request.y, d, shape[0])
            for sample in range(shape[2]):
                gain[rows, columns, sample] = self._product(sample, down, across)
        return gain

    def _product(self, sample: int, down: Array, across: Array) -> Array:
        """(len(down), len(across)) gain at these shares of a tile's height and width."""
        total: Array = np.zeros((len(down), len(across)), np.float32)
        for rows, columns in zip(self.down[:, sample], self.across[:, sample], strict=True):
            high = np.interp(down, POINTS, rows).astype(np.float32)
            total += high[:, None] * np.interp(across, POINTS, columns).astype(np.float32)[None, :]
        return total


def _span(begin: float, end: float, start: int, downsample: int, count: int) -> tuple[slice, Array]:
    """The px whose middles lie in [begin, end), and where they lie in it, 0 to 1."""
    first = min(max(int(np.ceil((begin - start) / downsample - 0.5)), 0), count)
    last = min(max(int(np.ceil((end - start) / downsample - 0.5)), first), count)
    middles = start + (np.arange(first, last) + 0.5) * downsample
    return slice(first, last), (middles - begin) / (end - begin)


def no_flat_field_because(tiles: Sequence[Box]) -> str:
    """Why shading can't be known for a section with these camera tiles, or ""."""
    if len(tiles) >= LEAST_TILES:
        return ""
    return "This section doesn't say where its camera tiles lie, so their shading can't be told from the specimen."


def estimate_flat_field(section: Section, plane: Plane, stop: Callable[[], bool] = lambda: False) -> FlatField | None:
    """From up to 100 camera tiles spread over the section, as `stop` allows; None where there are too few to tell.

    Raises InputError (unreadable) and CancelledError.
    """
    boxes = _of_one_size(section.camera_tiles())
    if len(boxes) < LEAST_TILES:
        return None
    edges = np.array([(box.x, box.y, box.x1, box.y1) for box in boxes], np.float64)
    tiles = []
    for number in _spread(len(edges)):
        if stop():
            raise CancelledError("the shading is not wanted any more", path=section.info.path)
        seen = _seen(section, plane, edges, number)
        if np.isfinite(seen[..., 0]).mean() > _LEAST_SEEN:
            tiles.append(seen)
    brightness = [float(np.nanmean(tile)) for tile in tiles]
    kept = [tile for tile, bright in zip(tiles, brightness, strict=True) if bright > _DARK * max(brightness)]
    if len(kept) < LEAST_TILES:
        return None
    return _from_tiles(edges, np.stack(kept))


def _of_one_size(tiles: Sequence[Box]) -> list[Box]:
    """Those of the commonest size: the shading belongs to the camera's whole frame."""
    if not tiles:
        return []
    width, height = np.median([t.w for t in tiles]), np.median([t.h for t in tiles])
    return [t for t in tiles if abs(t.w - width) <= 0.02 * width and abs(t.h - height) <= 0.02 * height]


def _spread(count: int) -> list[int]:
    """At most `_MOST_TILES` numbers below `count`, spread so that they don't all lie in one column."""
    if count <= _MOST_TILES:
        return list(range(count))
    golden = 0.6180339887498949
    return sorted({int(((i + 0.5) * golden % 1.0) * count) for i in range(_MOST_TILES)})


def _seen(section: Section, plane: Plane, edges: Array, number: int) -> Array:
    """(64, 64, samples) float32 of one camera tile, at equal steps; NaN where it can't be seen."""
    x0, y0, x1, y1 = edges[number]
    d = 1 << max(0, int(np.log2(max(x1 - x0, y1 - y0) / _SAMPLES)))
    left, top = int(x0 // d) * d, int(y0 // d) * d
    request = RegionRequest(left, top, int(np.ceil(x1)) - left, int(np.ceil(y1)) - top, d, plane)
    pixels = section.read(request)
    values = pixels.astype(np.float32)
    values[(pixels == 0).all(axis=2) | (pixels >= 0.99 * np.iinfo(pixels.dtype).max).any(axis=2)] = np.nan
    later = edges[number + 1 :]
    for other in later[(later[:, 2] > x0) & (later[:, 0] < x1) & (later[:, 3] > y0) & (later[:, 1] < y1)]:
        columns = slice(*_whole(other[0], other[2], left, d))
        values[slice(*_whole(other[1], other[3], top, d)), columns] = np.nan
    across = ((np.arange(_SAMPLES) + 0.5) / _SAMPLES * (x1 - x0) + x0 - left) / d - 0.5
    down = ((np.arange(_SAMPLES) + 0.5) / _SAMPLES * (y1 - y0) + y0 - top) / d - 0.5
    return _between(np.swapaxes(_between(np.swapaxes(values, 0, 1), across), 0, 1), down)


def _between(values: Array, places: Array) -> Array:
    """Linearly interpolated along the first axis; NaN where either neighbour is."""
    places = np.clip(places, 0, len(values) - 1)
    before = np.minimum(places.astype(int), max(len(values) - 2, 0))
    share = (places - before).reshape(-1, 1, 1).astype(np.float32)
    return values[before] * (1 - share) + values[np.minimum(before + 1, len(values) - 1)] * share


def _whole(begin: float, end: float, start: int, downsample: int) -> tuple[int, int]:
    """The px that [begin, end) touches at all."""
    return max(int((begin - start) // downsample), 0), max(int(np.ceil((end - start) / downsample)), 0)


def _from_tiles(edges: Array, tiles: Array) -> FlatField | None:
    """(tiles, h, w, samples) → what evens out their common shading."""
    gains = [gain for s in range(tiles.shape[-1]) if (gain := common_gain(tiles[..., s])) is not None]
    if len(gains) < tiles.shape[-1]:
        return None
    parts = [np.linalg.svd(gain) for gain in gains]
    down = np.stack([(u[:, :_RANK] * s[:_RANK]).T for u, s, _ in parts], axis=1)
    across = np.stack([v[:_RANK] for _, _, v in parts], axis=1)
    return FlatField(edges, down, across)
