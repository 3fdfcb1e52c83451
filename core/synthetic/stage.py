"""Decides where on the microscope stage a sample section lies: somewhere on the holder, a camera turned a little."""

from __future__ import annotations

import math
from dataclasses import dataclass

from core.frames import Affine
from core.synthetic.noise import generator

# Cameras are mounted straight to within a few hundredths of a degree.
_LARGEST_TURN_DEG = 0.05


@dataclass(frozen=True, slots=True)
class Placement:
    """Stage µm of the section's middle, and how far the camera is turned (degrees, +x to +y). No flip: x right, y down."""

    center_um: tuple[float, float]
    turn_deg: float
    pixel_size_um: float
    size_px: int

    @property
    def affine(self) -> Affine:
        """Level-0 px → stage µm: scale, turn about the middle, move (ZISRAW file format 8.5.4)."""
        cos, sin = (f(math.radians(self.turn_deg)) * self.pixel_size_um for f in (math.cos, math.sin))
        half = self.size_px / 2
        cx, cy = self.center_um
        return (cos, -sin, cx - (cos - sin) * half), (sin, cos, cy - (sin + cos) * half)

    @property
    def translate_um(self) -> tuple[float, float]:
        """What PixelToStageTransform calls Translate: from the scaled image's own middle to the stage's."""
        half = self.size_px * self.pixel_size_um / 2
        return self.center_um[0] - half, self.center_um[1] - half


def place(size_px: int, pixel_size_um: float, seed: int, *, turned: bool) -> Placement:
    """Follows from the seed. A format that can't say how far the camera is turned (OME-TIFF) gets it straight."""
    rng = generator(seed, 51)
    center = round(float(rng.uniform(20_000, 90_000)), 3), round(float(rng.uniform(15_000, 60_000)), 3)
    turn = round(float(rng.uniform(-_LARGEST_TURN_DEG, _LARGEST_TURN_DEG)), 4)
    return Placement(center, turn if turned else 0.0, pixel_size_um, size_px)
