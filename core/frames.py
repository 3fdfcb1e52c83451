"""Decides how a pixel becomes a place on the microscope stage, and how sure that is.

Pixel frame: level-0 px of the section's bounding box, continuous, origin at its top-left corner, x right, y down.
Stage frame: micrometres, the microscope's own axes. Order of trust for CZI: see `StageSource`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Affine = tuple[tuple[float, float, float], tuple[float, float, float]]

# Most trusted first. "none": µm from the top-left corner at best, and the word "stage" is not used.
StageSource = Literal["pixel_to_stage", "tile_positions", "scene_center", "ome_plane", "none"]

DISAGREEMENT_WORTH_A_WARNING_UM = 5.0


@dataclass(frozen=True, slots=True)
class StageTransform:
    """Level-0 px → stage µm.

    `affine` is [[a, b, tx], [c, d, ty]] so that X = a·x + b·y + tx, Y = c·x + d·y + ty; None when the file has no
    stage. `residual_um` is the RMS misfit of the source's own points (None when it has fewer than it takes to tell).
    `disagreement_um` is the largest distance, over the section's corners and middle, to any less trusted source in
    the same file; sources are never averaged.
    """

    source: StageSource = "none"
    affine: Affine | None = None
    residual_um: float | None = None
    disagreement_um: float | None = None

    def to_stage(self, x_px: float, y_px: float) -> tuple[float, float] | None:
        """Stage position in µm of a level-0 point, or None where the file has no stage."""
        if self.affine is None:
            return None
        (a, b, tx), (c, d, ty) = self.affine
        return a * x_px + b * y_px + tx, c * x_px + d * y_px + ty

    def to_pixel(self, x_um: float, y_um: float) -> tuple[float, float] | None:
        """Level-0 point of a stage position in µm, or None where the file has no (invertible) stage."""
        if self.affine is None:
            return None
        (a, b, tx), (c, d, ty) = self.affine
        det = a * d - b * c
        if det == 0:
            return None
        u, v = x_um - tx, y_um - ty
        return (d * u - b * v) / det, (a * v - c * u) / det


NO_STAGE = StageTransform()
