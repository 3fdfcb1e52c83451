"""Decides what a drawing is: something a person marked on a section, in level-0 px, to measure it or to remember it.

Points are continuous: pixel *i* covers [i, i+1). What a drawing measures is for `core.measure`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, get_args

from core.geometry import Box
from core.truth import is_no_defect

DrawingKind = Literal["ruler", "box", "polygon", "area", "point", "profile"]
DRAWING_KINDS: tuple[DrawingKind, ...] = get_args(DrawingKind)
Point = tuple[float, float]
Points = tuple[Point, ...]

_POINTS: dict[DrawingKind, tuple[int, float]] = {
    "ruler": (2, 3),
    "box": (2, 2),
    "polygon": (3, math.inf),
    "area": (3, math.inf),
    "point": (1, 1),
    "profile": (2, 2),
}


@dataclass(frozen=True, slots=True)
class Drawing:
    """One drawing. `points`: (x, y) in level-0 px, float64.

    ruler: two ends, or three points for the angle at the middle one. box: two opposite corners. polygon, area: the
    corners of a closed outline, an area's drawn by a free hand. point: one. profile: two ends; grey values are averaged
    over `width_px` across the line. `label` is the class somebody gave it, "" for none. `id` 0: not stored yet.
    """

    kind: DrawingKind
    points: Points
    name: str = ""
    note: str = ""
    label: str = ""
    width_px: float = 1.0
    id: int = 0
    author: str = ""
    created: str = ""

    def __post_init__(self) -> None:
        if self.kind not in _POINTS:
            raise ValueError(f"no kind of drawing: {self.kind}")
        least, most = _POINTS[self.kind]
        if not least <= len(self.points) <= most:
            raise ValueError(f"a {self.kind} has {least} to {most} points, not {len(self.points)}")
        if not all(math.isfinite(x) and math.isfinite(y) for x, y in self.points):
            raise ValueError("a point lies nowhere")
        if not 1 <= self.width_px < math.inf:
            raise ValueError(f"a width of {self.width_px} px")

    @property
    def is_angle(self) -> bool:
        return self.kind == "ruler" and len(self.points) == 3

    @property
    def is_closed(self) -> bool:
        """Whether it has an inside."""
        return self.kind in ("box", "polygon", "area")

    @property
    def is_normal(self) -> bool:
        """Whether somebody drew it to say that nothing is wrong in it: its class, or its name where it has none."""
        return self.is_closed and is_no_defect(self.label or self.name)

    @property
    def outline(self) -> Points:
        """What is drawn as a line; of closed ones each corner once."""
        if self.kind != "box":
            return self.points
        (x0, y0), (x1, y1) = self.points
        return ((x0, y0), (x1, y0), (x1, y1), (x0, y1))

    @property
    def box(self) -> Box:
        """The smallest box around its points; of a profile, around what is averaged too."""
        xs, ys = [x for x, _ in self.points], [y for _, y in self.points]
        around = Box.from_edges(min(xs), min(ys), max(xs), max(ys))
        return around.grown(self.width_px / 2) if self.kind == "profile" else around

    def moved(self, dx_px: float, dy_px: float) -> Drawing:
        return replace(self, points=tuple((x + dx_px, y + dy_px) for x, y in self.points))

    @property
    def handles(self) -> Points:
        """Where it can be taken hold of to change its shape; nowhere on one drawn by a free hand: it has too many points."""
        return () if self.kind == "area" else self.outline

    def with_handle(self, index: int, point: Point) -> Drawing:
        """With one of its `handles` elsewhere. A box's opposite corner stays."""
        if self.kind == "box":
            return replace(self, points=(self.outline[(index + 2) % 4], point))
        return replace(self, points=(*self.points[:index], point, *self.points[index + 1 :]))


def kind_name(drawing: Drawing) -> str:
    """As people call it."""
    if drawing.is_angle:
        return "Angle"
    return "Outline" if drawing.kind == "area" else drawing.kind.capitalize()
