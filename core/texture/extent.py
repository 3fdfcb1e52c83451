"""Decides which places a coarse cell is rare for: what it says goes to the finer cells it sees, by how unusual each of them is.

A cell of a coarse scale sees far around it, so that around a small defect a wide area is rare. From one scale to the next finer
one a cell's rarity goes on in full to the most unusual of the finer cells around it, and to the others in proportion. Where all
of them are ordinary, each gets all: then only the coarse scale knows of the defect.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

Array = np.ndarray

# How many finer cells, by a row, share what a cell says, at each step from coarse to fine: what it sees, its 16 px and what its
# filters add, and as much again, since its own rarity came from cells around it; of the coarsest only what a tile's halo holds.
_SHARING = (10, 10, 4)
# How unusual the most ordinary cell counts, in the units of excess. The higher, the more alike cells share: less of it splits
# clusters and defects of which some places are stranger than others, more of it draws small ones too wide.
_ORDINARY = 0.8


def at_finest(rarities: Sequence[Array], excesses: Sequence[Array]) -> Array:
    """Rarity at the finest scale, from that of all scales.

    Args:
        rarities, excesses: for each scale, the finest first, (rows, columns) float32 of `Normal.rarity_and_excess`. All show the
            same place in their middle; a coarser one may show more of what is around.
    Returns:
        (rows, columns) float32 of the finest.
    """
    found = rarities[-1]
    for rarity, excess, sharing in reversed(list(zip(rarities[:-1], excesses[:-1], _SHARING, strict=True))):
        found, unusual = _middle(found, rarity.shape), excess + np.float32(_ORDINARY)
        found = np.maximum(rarity, _seen_by(found / _highest_around(unusual, sharing)) * unusual)
    return found


def _middle(coarse: Array, fine: tuple[int, ...]) -> Array:
    """What lies under so many rows and columns of finer cells in the middle."""
    rows, columns = (n // 2 for n in fine)
    y, x = (coarse.shape[0] - rows) // 2, (coarse.shape[1] - columns) // 2
    return coarse[y : y + rows, x : x + columns]


def _highest_around(fine: Array, side: int) -> Array:
    """Of each coarse cell the highest value of the side × side finer cells around its middle."""
    anchor = (side // 2 - 1, side // 2 - 1)
    return cv2.dilate(fine, np.ones((side, side), np.uint8), anchor=anchor)[::2, ::2]


def _seen_by(coarse: Array) -> Array:
    """Of each finer cell the highest value of the 2 × 2 coarse cells nearest to it."""
    fine = cv2.resize(coarse, (coarse.shape[1] * 2, coarse.shape[0] * 2), interpolation=cv2.INTER_NEAREST)
    return cv2.dilate(fine, np.ones((3, 3), np.uint8))
