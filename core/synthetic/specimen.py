"""Decides what a specimen is to the camera: exact pixels of any block, and patches that plant one defect each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from core.geometry import Box

Array = np.ndarray

# The class of traces of preparation, which are no defects.
ARTEFACT = "preparation_artefact"

# How far the camera's blur carries a change, px: boxes are grown by it, blocks are rendered with it around them.
BLUR_REACH_PX = 2


@dataclass(frozen=True, slots=True)
class Patch:
    """One planted defect, in level-0 px with its top-left pixel at (x, y).

    `alpha` (h, w) uint8 says how much of `color` (h, w, 3) uint8 RGB covers the specimen. `shift` (h, w) float32, in px,
    moves the layers beneath along their normal; None where nothing moves.
    """

    x: int
    y: int
    alpha: Array
    color: Array
    shift: Array | None = None

    @property
    def box(self) -> Box | None:
        """The smallest box around all it changes, the camera's blur included; None when it changes nothing."""
        changed = self.alpha > 0
        if self.shift is not None:
            changed = changed | (self.shift != 0)
        rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
        if not len(rows):
            return None
        reach = BLUR_REACH_PX
        return Box.from_edges(
            float(self.x + columns[0] - reach),
            float(self.y + rows[0] - reach),
            float(self.x + columns[-1] + 1 + reach),
            float(self.y + rows[-1] + 1 + reach),
        )


class Specimen(ABC):
    """The polished surface itself, before any camera looked at it."""

    labels: tuple[str, ...]
    pixel_size_um: float
    size: int

    @abstractmethod
    def block(self, x: int, y: int, width: int, height: int, shift: Array | None) -> Array:
        """The surface without defects: (height, width, 3) uint8 RGB; `shift` as in `Patch`, for this block."""

    @abstractmethod
    def patch(self, label: str, rng: np.random.Generator) -> Patch | None:
        """A defect of class `label` somewhere on the specimen; None when this place doesn't suit it."""

    @abstractmethod
    def holds(self, box: Box, label: str) -> bool:
        """Whether a defect with this box lies where defects of its class may be."""
