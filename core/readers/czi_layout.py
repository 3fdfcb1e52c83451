"""Decides where a CZI's tiles lie in the section, which of them a plane holds, and which lies on top.

The order is libCZI's: scene after scene, within a scene by M-index, else as the file lists them; later over earlier.
Only tiles at full resolution count here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import InputError
from core.geometry import Box
from core.readers.czi_directory import ABSENT, Directory
from core.readers.limits import refuse_absurd
from core.section import Plane

Array = np.ndarray


@dataclass(frozen=True, slots=True)
class PixelKind:
    """A pixel type of libCZI: its name there, values per pixel, the type of one."""

    name: str
    samples: int
    dtype: np.dtype

    @property
    def bytes(self) -> int:
        return self.samples * self.dtype.itemsize


PIXEL_KINDS = {
    0: PixelKind("Gray8", 1, np.dtype("uint8")),
    1: PixelKind("Gray16", 1, np.dtype("<u2")),
    2: PixelKind("Gray32Float", 1, np.dtype("<f4")),
    3: PixelKind("Bgr24", 3, np.dtype("uint8")),
    4: PixelKind("Bgr48", 3, np.dtype("<u2")),
}

_LARGEST_TILE_BYTES = 2 << 30
_BLOCK_BYTES = 32 << 20
_MOST_COMPARED = 64
_ALL_WHERE = ("S", "M")  # a plane is whatever the other dimensions choose


@dataclass(frozen=True, slots=True)
class Placed:
    """Tiles in drawing order: their numbers in the directory, and (n, 4) edges x0, y0, x1, y1 in section px."""

    numbers: Array
    edges: Array

    def __len__(self) -> int:
        return len(self.numbers)


class TileMap:
    """The tiles of one plane, to be found by place."""

    def __init__(self, placed: Placed) -> None:
        self.placed = placed
        self._by_top = np.argsort(placed.edges[:, 1], kind="stable")
        self._edges = placed.edges[self._by_top]
        heights = self._edges[:, 3] - self._edges[:, 1]
        self._tops, self._tallest = self._edges[:, 1].copy(), int(heights.max(initial=0))

    def touching(self, x: int, y: int, width: int, height: int) -> Placed:
        """The tiles that show anything within a region, in drawing order; those hidden by one later tile left out."""
        first = int(np.searchsorted(self._tops, y - self._tallest, side="right"))
        last = int(np.searchsorted(self._tops, y + height, side="left"))
        near = self._edges[first:last]
        hit = (near[:, 0] < x + width) & (near[:, 2] > x) & (near[:, 3] > y)
        ranks = np.sort(self._by_top[first:last][hit])
        edges = self.placed.edges[ranks]
        if 1 < len(ranks) <= _MOST_COMPARED:
            seen = _not_covered(np.clip(edges, (x, y, x, y), (x + width, y + height) * 2))
            ranks, edges = ranks[seen], edges[seen]
        return Placed(self.placed.numbers[ranks], edges)


def _not_covered(edges: Array) -> Array:
    """Which of the boxes doesn't lie wholly inside a single later one."""
    low, high = edges[:, None, :2], edges[:, None, 2:]
    inside = (low >= edges[None, :, :2]).all(axis=2) & (high <= edges[None, :, 2:]).all(axis=2)
    return np.asarray(~np.triu(inside, 1).any(axis=1))


class Layout:
    """Where the tiles lie: bounding box, scenes, and which index each dimension really has.

    `origin` is the section's top-left corner in the file's own px, `size` its width and height. `kinds` has the pixel
    kind of each channel; `uniform` tells whether all tiles of each channel are of that kind.
    """

    def __init__(self, path: Path, directory: Directory) -> None:
        self.directory = directory
        full = np.flatnonzero(directory.is_level0)
        if not len(full):
            raise InputError("it holds no full-resolution pixels", path=path, remedy="Export it again with all levels.")
        self._full = full
        self._own = np.stack([directory.x, directory.y, directory.x + directory.w, directory.y + directory.h], axis=1)
        left, top = (int(v) for v in self._own[full, :2].min(axis=0))
        right, bottom = (int(v) for v in self._own[full, 2:].max(axis=0))
        self.origin, self.size = (left, top), (right - left, bottom - top)
        self.scenes = self._find_scenes()
        self.indices = {
            name: self._values(name) for name in sorted({*directory.where, "C", "Z", "T"} - set(_ALL_WHERE))
        }
        types = self._channel_types()
        _check(path, directory, full, self.size, [kind for found in types for kind in found])
        self.kinds = tuple(PIXEL_KINDS[found[0]] for found in types)
        self.uniform = all(len(set(found)) == 1 for found in types)
        self._maps: dict[Plane, TileMap] = {}

    def coordinates(self, plane: Plane) -> dict[str, int]:
        """The file's own index in every dimension; the first in those that Schliff offers no choice for."""
        chosen = {"C": plane.c, "Z": plane.z, "T": plane.t}
        return {name: indices[chosen.get(name, 0)] for name, indices in self.indices.items()}

    def tiles(self, plane: Plane) -> TileMap:
        """The full-resolution tiles of a plane. Two threads may make the same one: that does no harm."""
        found = self._maps.get(plane)
        if found is None:
            found = self._maps[plane] = TileMap(self.placed(self.members(plane, self._full)))
        return found

    def members(self, plane: Plane, among: Array) -> Array:
        """Those of the subblocks `among` that belong to a plane. One without a dimension belongs to all its planes."""
        belongs = np.ones(len(among), bool)
        for name, index in self.coordinates(plane).items():
            column = self.directory.where.get(name)
            if column is not None:
                belongs &= (column[among] == index) | (column[among] == ABSENT)
        return among[belongs]

    def placed(self, numbers: Array) -> Placed:
        """Subblocks in drawing order, in section px."""
        keys = [self.directory.where[name][numbers] for name in ("M", "S") if name in self.directory.where]
        ordered = numbers[np.lexsort(keys)] if keys else numbers
        return Placed(ordered, self._own[ordered] - np.array(self.origin * 2))

    def boxes(self, plane: Plane) -> tuple[Box, ...]:
        """The tiles of a plane in section px, in drawing order."""
        edges = self.tiles(plane).placed.edges.astype(float).tolist()
        return tuple(Box(x0, y0, x1 - x0, y1 - y0) for x0, y0, x1, y1 in edges)

    @property
    def block_px(self) -> tuple[int, int]:
        """The grid on which tiles begin, in px; only so many rows of it as make 32 MiB."""
        edges = self.tiles(Plane()).placed.edges
        width, height = _step(edges[:, 0], edges[:, 2]), _step(edges[:, 1], edges[:, 3])
        row = width * max(kind.bytes for kind in self.kinds)
        return width, max(1, min(height, _BLOCK_BYTES // row))

    def _values(self, name: str) -> list[int]:
        column = self.directory.where.get(name)
        found = np.zeros(1, np.int64) if column is None else np.unique(column[self._full])
        return sorted({0 if value == ABSENT else int(value) for value in found})

    def _channel_types(self) -> list[list[int]]:
        """For each channel the pixel types of its tiles, that of the first tile first."""
        channel = self.directory.where.get("C")
        here = np.zeros(len(self._full), np.int64) if channel is None else channel[self._full]
        here = np.where(here == ABSENT, 0, here)
        types = self.directory.pixel_type[self._full]
        found = []
        for index in self.indices["C"]:
            values, first = np.unique(types[here == index], return_index=True)
            found.append(values[np.argsort(first)].tolist())
        return found

    def _find_scenes(self) -> dict[int, Box]:
        column = self.directory.where.get("S")
        if column is None:
            return {}
        scene, edges = column[self._full], self._own[self._full] - np.array(self.origin * 2)
        found = {}
        for index in np.unique(scene[scene != ABSENT]).tolist():
            own = edges[scene == index].astype(float)
            found[index] = Box.from_edges(*own[:, :2].min(axis=0).tolist(), *own[:, 2:].max(axis=0).tolist())
        return found


def _step(starts: Array, ends: Array) -> int:
    """The usual distance from one tile's beginning to the next one's; a tile's size where there is only one."""
    size = int(np.median(ends - starts))
    steps = np.diff(np.unique(starts))
    steps = steps[steps > size // 2]  # rows of a mosaic are rarely in line to the pixel
    return min(size, int(np.median(steps))) if len(steps) else size


def _check(path: Path, directory: Directory, full: Array, size: tuple[int, int], types: list[int]) -> None:
    refuse_absurd(path, *size)
    for kind in types:
        if kind not in PIXEL_KINDS:
            raise InputError(
                f"pixels of CZI type {kind} can't be read", path=path, remedy="Export it as 8 or 16 bits in ZEN."
            )
    largest = int((directory.stored_w[full] * directory.stored_h[full]).max())
    if largest * 6 > _LARGEST_TILE_BYTES:
        raise InputError(
            f"one of its tiles is said to have {largest / 1e6:.0f} megapixels",
            path=path,
            remedy="Export it with smaller tiles, or copy it again if it is damaged.",
        )
