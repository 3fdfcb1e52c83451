"""Decides how a pixel becomes a place on the microscope stage, and how sure that is.

Pixel frame: level-0 px of the section's bounding box, continuous, origin at its top-left corner, x right, y down.
Stage frame: micrometres, the microscope's own axes. Order of trust for CZI: see `StageSource`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

Affine = tuple[tuple[float, float, float], tuple[float, float, float]]

# Most trusted first. "none": µm from the top-left corner at best, and the word "stage" is not used.
StageSource = Literal["pixel_to_stage", "tile_positions", "scene_center", "ome_plane", "none"]

DISAGREEMENT_WORTH_A_WARNING_UM = 5.0


@dataclass(frozen=True, slots=True)
class StageSession:
    """When stage positions mean the same: only within one session of the microscope. `creation` says how its zero was
    found ("Uncalibrated", "AutomaticStageCalibration", …)."""

    id: str
    name: str = ""
    creation: str = ""


@dataclass(frozen=True, slots=True)
class StageMarker:
    """A mark of the specimen holder, where the microscope's own stage had it, in µm."""

    name: str
    x_um: float
    y_um: float


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
    session: StageSession | None = None

    def may_mean_the_same(self, other: StageTransform) -> bool:
        """Whether positions on both stages may be compared; not where two sessions are known to be different ones."""
        return self.session is None or other.session is None or self.session.id == other.session.id

    def scaled(self, across: float, down: float, middle_px: tuple[float, float]) -> StageTransform:
        """With px so many times as wide and as high, the stage position of `middle_px` staying what it is."""
        if self.affine is None:
            return self
        (a, b, _), (c, d, _) = self.affine
        x, y = middle_px
        stage_x, stage_y = self.to_stage(x, y) or (0.0, 0.0)
        a, b, c, d = a * across, b * down, c * across, d * down
        return replace(self, affine=((a, b, stage_x - a * x - b * y), (c, d, stage_y - c * x - d * y)))

    def to_json(self) -> list[Any]:
        session = self.session
        named = None if session is None else [session.id, session.name, session.creation]
        return [self.source, self.affine, self.residual_um, self.disagreement_um, named]

    @classmethod
    def from_json(cls, stored: list[Any]) -> StageTransform:
        """What `to_json` gave, or what older versions stored, which knew no session."""
        source, rows, residual, disagreement, session = (*stored, None)[:5]
        affine = None if rows is None else (tuple(rows[0]), tuple(rows[1]))
        return cls(source, affine, residual, disagreement, None if session is None else StageSession(*session))

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
