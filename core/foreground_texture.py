"""Decides how textured a part of a section is at full resolution: a few small patches of it tell.

Patches lie on a lattice over the section, in an order that never changes, so that parts that overlap share theirs.
"""

from __future__ import annotations

import cv2
import numpy as np

from core.section import Array, Plane, RegionRequest, Section

PATCH_PX = 64
PATCHES = 32  # looked at in one part

_ENOUGH = 8  # patches that tell
_LATTICE = 64  # patches across the longer side


class Texture:
    """Of the cells of one section's mask. `value_range`: what lies between black and white."""

    def __init__(self, section: Section, plane: Plane, cell_px: int, value_range: float) -> None:
        self._section, self._plane, self._cell_px = section, plane, cell_px
        self._range = max(value_range, 1e-6)
        self._known: dict[tuple[int, int], float] = {}

    def of(self, region: Array, first: tuple[int, int] = (0, 0)) -> float:
        """The median of its patches' standard deviations, in shares of the range; infinite where none fits in.

        region: (rows, columns) bool, whose first cell is the mask's cell (row, column) `first`.
        """
        reach = -(-PATCH_PX // self._cell_px) | 1
        padded = cv2.copyMakeBorder(region.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
        inner = cv2.erode(padded, np.ones((reach, reach), np.uint8), borderValue=0)[1:-1, 1:-1]
        places = np.argwhere(inner) + first
        if len(places) == 0:
            return float("inf")
        return float(np.median([self._at(row, column) for row, column in self._chosen(places)]))

    def _chosen(self, places: Array) -> list[tuple[int, int]]:
        """Those on the lattice if there are enough, else some spread evenly."""
        info = self._section.info
        step = max(1, max(info.width_px, info.height_px) // (self._cell_px * _LATTICE))
        on_lattice = places[(places % step == step // 2).all(axis=1)]
        if len(on_lattice) >= _ENOUGH:
            order = np.argsort(
                (on_lattice[:, 0] * 7919 + on_lattice[:, 1] * 104729) * 2654435761 % (1 << 32), kind="stable"
            )
            chosen = on_lattice[order[:PATCHES]]
        else:
            chosen = places[np.linspace(0, len(places) - 1, min(PATCHES, len(places))).round().astype(int)]
        return [(int(row), int(column)) for row, column in chosen]

    def _at(self, row: int, column: int) -> float:
        if (row, column) not in self._known:
            self._known[row, column] = self._measured(row, column)
        return self._known[row, column]

    def _measured(self, row: int, column: int) -> float:
        info, cell_px = self._section.info, self._cell_px
        half = (cell_px - PATCH_PX) // 2
        x = int(np.clip(column * cell_px + half, 0, max(info.width_px - PATCH_PX, 0)))
        y = int(np.clip(row * cell_px + half, 0, max(info.height_px - PATCH_PX, 0)))
        width, height = min(PATCH_PX, info.width_px), min(PATCH_PX, info.height_px)
        pixels = self._section.read(RegionRequest(x, y, width, height, 1, self._plane)).astype(np.float32)
        # Between pixel noise and uneven light lies what tells a microstructure from resin.
        band = cv2.GaussianBlur(pixels, (0, 0), 1) - cv2.GaussianBlur(pixels, (0, 0), 8)
        return float(band.std() / self._range)
