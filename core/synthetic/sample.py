"""Decides what a sample section is: a specimen with planted defects under a camera, rendered region by region on demand."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from typing import Literal

import numpy as np

from core.errors import UsageError
from core.synthetic.battery import BatterySpecimen
from core.synthetic.magnet import MagnetSpecimen
from core.synthetic.optics import Camera, CameraGrid
from core.synthetic.planting import Planted, Truth, cells_of, plant, redraw
from core.synthetic.specimen import ARTEFACT, BLUR_REACH_PX, Patch, Specimen

Array = np.ndarray
Kind = Literal["battery", "magnet"]

# Everything is rendered in blocks of this side, anchored at the origin: the same block, whoever asks for part of it.
BLOCK_PX = 256
SMALLEST_SIZE_PX, LARGEST_SIZE_PX = 512, 400_000

_PATCHES_KEPT = 32


class SampleSection:
    """A synthetic section with known truth. `render` gives any region, in any order, always the same pixels."""

    def __init__(self, specimen: Specimen, planted: tuple[Planted, ...], seed: int, kind: Kind) -> None:
        self.kind, self.seed, self.size = kind, seed, specimen.size
        self.pixel_size_um = specimen.pixel_size_um
        self.grid = CameraGrid(specimen.size)
        self._specimen, self._planted = specimen, planted
        self._camera = Camera(specimen.size, seed)
        self._at: dict[tuple[int, int], list[int]] = defaultdict(list)
        for index, item in enumerate(planted):
            for cell in cells_of(item.truth.box.grown(BLUR_REACH_PX), BLOCK_PX):
                self._at[cell].append(index)
        self._patch = lru_cache(maxsize=_PATCHES_KEPT)(self._draw)

    @property
    def truth(self) -> tuple[Truth, ...]:
        """Every planted defect and artefact."""
        return tuple(item.truth for item in self._planted)

    def without(self, *ids: int) -> SampleSection:
        """The same section with these defects not there; all of them when none is named."""
        kept = tuple(item for item in self._planted if ids and item.truth.id not in ids)
        return SampleSection(self._specimen, kept, self.seed, self.kind)

    def render(self, x: int, y: int, width: int, height: int) -> Array:
        """Pixels of a region as the stitched mosaic shows them: (height, width, 3) uint8 RGB, 0 outside the section."""
        out = np.zeros((height, width, 3), np.uint8)
        x1, y1 = min(x + width, self.size), min(y + height, self.size)
        for by in range(max(y, 0) // BLOCK_PX, -(-y1 // BLOCK_PX)):
            for bx in range(max(x, 0) // BLOCK_PX, -(-x1 // BLOCK_PX)):
                tile = self.grid.owner(bx * BLOCK_PX), self.grid.owner(by * BLOCK_PX)
                _paste(out, self._block(bx, by, *tile), bx * BLOCK_PX - x, by * BLOCK_PX - y, (x1 - x, y1 - y))
        return out

    def render_tile(self, column: int, row: int) -> tuple[int, int, Array]:
        """What one camera tile shows, its overlaps included: level-0 x and y, and (h, w, 3) uint8 RGB."""
        (x, width), (y, height) = self.grid.span(column), self.grid.span(row)
        out = np.empty((height, width, 3), np.uint8)
        for by in range(y // BLOCK_PX, -(-(y + height) // BLOCK_PX)):
            for bx in range(x // BLOCK_PX, -(-(x + width) // BLOCK_PX)):
                block = self._block(bx, by, column, row)
                _paste(out, block, bx * BLOCK_PX - x, by * BLOCK_PX - y, (width, height))
        return x, y, out

    def _block(self, bx: int, by: int, column: int, row: int) -> Array:
        reach, x, y = BLUR_REACH_PX, bx * BLOCK_PX, by * BLOCK_PX
        side = BLOCK_PX + 2 * reach
        patches = [self._patch(index) for index in self._at.get((bx, by), ())]
        surface = self._specimen.block(x - reach, y - reach, side, side, _shift(patches, x - reach, y - reach, side))
        for patch in patches:
            _cover(surface, patch, x - reach, y - reach)
        return self._camera.expose(surface, x, y, column, row)

    def _draw(self, index: int) -> Patch:
        return redraw(self._specimen, self._planted[index], self.seed)


def make_sample(kind: Kind, size: int, defects: int, seed: int) -> SampleSection:
    """A section of `size` × `size` px with `defects` planted defects and a fifth as many traces of preparation.

    Everything follows from the arguments. Raises UsageError for an unknown kind, or when the defects don't fit.
    """
    if not SMALLEST_SIZE_PX <= size <= LARGEST_SIZE_PX or defects < 0:
        raise UsageError(
            f"a sample of {size} px with {defects} defects can't be made",
            remedy=f"Ask for {SMALLEST_SIZE_PX} to {LARGEST_SIZE_PX} px and no negative number of defects.",
        )
    specimen = _specimen(kind, size, seed)
    return SampleSection(specimen, plant(specimen, defects, seed), seed, kind)


def default_defects(kind: Kind, size: int) -> int:
    """About as many defects as look natural: 60 on 12,000 px, in proportion to the area, at least 4."""
    return max(4, round(60 * (size / 12_000) ** 2))


def defect_classes(kind: Kind) -> tuple[str, ...]:
    """The classes of planted defects; traces of preparation are none."""
    return tuple(label for label in _SPECIMENS[kind].labels if label != ARTEFACT)


_SPECIMENS: dict[str, type[BatterySpecimen] | type[MagnetSpecimen]] = {
    "battery": BatterySpecimen,
    "magnet": MagnetSpecimen,
}


def _specimen(kind: str, size: int, seed: int) -> Specimen:
    if kind not in _SPECIMENS:
        raise UsageError(f"there is no sample of kind {kind!r}", remedy="Use " + " or ".join(_SPECIMENS) + ".")
    return _SPECIMENS[kind](size, seed)


def _shift(patches: list[Patch], x: int, y: int, side: int) -> Array | None:
    """All displacements of the layers in a block, added up; None when nothing moves."""
    moving = [patch for patch in patches if patch.shift is not None]
    if not moving:
        return None
    total = np.zeros((side, side), np.float32)
    for patch in moving:
        here, there = _common(patch, x, y, side)
        assert patch.shift is not None
        total[here] += patch.shift[there]
    return total


def _cover(surface: Array, patch: Patch, x: int, y: int) -> None:
    here, there = _common(patch, x, y, surface.shape[0])
    alpha = patch.alpha[there].astype(np.float32)[..., None] / 255
    if alpha.any():
        under = surface[here].astype(np.float32)
        surface[here] = np.rint(under + (patch.color[there] - under) * alpha).astype(np.uint8)


def _common(patch: Patch, x: int, y: int, side: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where a patch and a block overlap: as slices of the block, and of the patch."""
    height, width = patch.alpha.shape
    x0, x1 = max(x, patch.x), max(max(x, patch.x), min(x + side, patch.x + width))
    y0, y1 = max(y, patch.y), max(max(y, patch.y), min(y + side, patch.y + height))
    here = slice(y0 - y, y1 - y), slice(x0 - x, x1 - x)
    return here, (slice(y0 - patch.y, y1 - patch.y), slice(x0 - patch.x, x1 - patch.x))


def _paste(out: Array, block: Array, x: int, y: int, limit: tuple[int, int]) -> None:
    """Puts a block at (x, y) of `out`, as far as it lies inside `out` and before `limit` (x, y)."""
    x1, y1 = min(x + block.shape[1], out.shape[1], limit[0]), min(y + block.shape[0], out.shape[0], limit[1])
    x0, y0 = max(x, 0), max(y, 0)
    if x1 > x0 and y1 > y0:
        out[y0:y1, x0:x1] = block[y0 - y : y1 - y, x0 - x : x1 - x]
