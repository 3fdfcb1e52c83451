"""Decides how another picture lies on a section: one affine from its pixels to level-0 px, moved, turned and scaled.

Both frames have their origin at the top-left corner, x right and y down; pixel *i* covers [i, i+1). Any affine can be
held, so that a registration by marked points can replace what a hand has laid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from core.frames import Affine


@dataclass(frozen=True, slots=True)
class Placement:
    """Picture px → level-0 px: x' = a·x + b·y + tx, y' = c·x + d·y + ty, with `affine` [[a, b, tx], [c, d, ty]]."""

    affine: Affine = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))

    def __post_init__(self) -> None:
        (a, b, tx), (c, d, ty) = self.affine
        if not (math.isfinite(a + b + c + d + tx + ty) and abs(a * d - b * c) > 1e-18):
            raise ValueError(f"no placement: {self.affine}")

    @classmethod
    def around(
        cls, centre: tuple[float, float], size: tuple[float, float], scale: float, rotation_deg: float = 0.0
    ) -> Placement:
        """A picture of `size` px (width, height) with its middle at a level-0 point, `scale` level-0 px per picture px,
        turned clockwise as seen on the screen."""
        turn = math.radians(rotation_deg)
        a, c = scale * math.cos(turn), scale * math.sin(turn)
        return cls(((a, -c, 0.0), (c, a, 0.0)))._with_point_at(size[0] / 2, size[1] / 2, centre)

    @classmethod
    def from_rows(cls, rows: Sequence[Sequence[float]]) -> Placement:
        """From 2 × 3 numbers as they were stored. Raises ValueError or TypeError when they are no placement."""
        (a, b, tx), (c, d, ty) = rows
        return cls(((float(a), float(b), float(tx)), (float(c), float(d), float(ty))))

    def to_section(self, x: float, y: float) -> tuple[float, float]:
        """The level-0 point of a point of the picture."""
        (a, b, tx), (c, d, ty) = self.affine
        return a * x + b * y + tx, c * x + d * y + ty

    def to_picture(self, x_px: float, y_px: float) -> tuple[float, float]:
        """The point of the picture at a level-0 point."""
        (a, b, tx), (c, d, ty) = self.affine
        det = a * d - b * c
        u, v = x_px - tx, y_px - ty
        return (d * u - b * v) / det, (a * v - c * u) / det

    @property
    def scale(self) -> float:
        """Level-0 px per picture px; the root of the area's ratio where the affine is no similarity."""
        (a, b, _), (c, d, _) = self.affine
        return math.sqrt(abs(a * d - b * c))

    @property
    def rotation_deg(self) -> float:
        """Clockwise turn of the picture's x axis as seen on the screen, -180 to 180."""
        (a, _, _), (c, _, _) = self.affine
        return math.degrees(math.atan2(c, a))

    @property
    def is_mirrored(self) -> bool:
        """Whether clockwise in the picture is anticlockwise on the section."""
        (a, b, _), (c, d, _) = self.affine
        return a * d - b * c < 0

    def moved(self, dx_px: float, dy_px: float) -> Placement:
        """Shifted by level-0 px."""
        (a, b, tx), (c, d, ty) = self.affine
        return Placement(((a, b, tx + dx_px), (c, d, ty + dy_px)))

    def scaled_to(self, scale: float, size: tuple[float, float]) -> Placement:
        """With another scale, the middle of a picture of `size` px staying where it is."""
        factor = scale / self.scale
        return self._transformed(factor, 0.0, 0.0, factor, size)

    def turned_to(self, rotation_deg: float, size: tuple[float, float]) -> Placement:
        """With another rotation, the middle of a picture of `size` px staying where it is."""
        turn = math.radians(rotation_deg - self.rotation_deg)
        cos, sin = math.cos(turn), math.sin(turn)
        return self._transformed(cos, -sin, sin, cos, size)

    def mirrored(self, size: tuple[float, float]) -> Placement:
        """With left and right of a picture of `size` px exchanged; its middle stays where it is."""
        (a, b, _), (c, d, _) = self.affine
        return Placement(((-a, b, 0.0), (-c, d, 0.0)))._with_point_at(
            size[0] / 2, size[1] / 2, self.to_section(size[0] / 2, size[1] / 2)
        )

    def _transformed(self, p: float, q: float, r: float, s: float, size: tuple[float, float]) -> Placement:
        """[[p, q], [r, s]] applied after this placement, around the picture's middle."""
        (a, b, _), (c, d, _) = self.affine
        linear = ((p * a + q * c, p * b + q * d, 0.0), (r * a + s * c, r * b + s * d, 0.0))
        x, y = size[0] / 2, size[1] / 2
        return Placement(linear)._with_point_at(x, y, self.to_section(x, y))

    def _with_point_at(self, x: float, y: float, place: tuple[float, float]) -> Placement:
        at = self.to_section(x, y)
        return self.moved(place[0] - at[0], place[1] - at[1])
