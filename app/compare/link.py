"""Decides which point of one section stands beside which of the other: by scale and an offset, or by the stage."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from app.viewer.camera import Camera
from core.geometry import Box
from core.section_info import SectionInfo

Matrix = tuple[float, float, float, float]
Point = tuple[float, float]
_COMMON_SHARE = 0.2  # of the smaller one


@dataclass(frozen=True, slots=True)
class Link:
    """Left level-0 px → right level-0 px: X = a·x + b·y + dx, Y = c·x + d·y + dy. The matrix can be inverted."""

    matrix: Matrix = (1.0, 0.0, 0.0, 1.0)
    dx: float = 0.0
    dy: float = 0.0

    def point(self, x: float, y: float) -> Point:
        a, b, c, d = self.matrix
        return a * x + b * y + self.dx, c * x + d * y + self.dy

    def to_right(self, left: Camera) -> Camera:
        """The view of the right section that shows the same place at the same scale."""
        return Camera(*self.point(left.x, left.y), left.zoom / self.scale)

    def to_left(self, right: Camera) -> Camera:
        a, b, c, d = self.matrix
        det = a * d - b * c
        u, v = right.x - self.dx, right.y - self.dy
        return Camera((d * u - b * v) / det, (a * v - c * u) / det, right.zoom * self.scale)

    @property
    def scale(self) -> float:
        """Right px per left px."""
        a, b, c, d = self.matrix
        return math.sqrt(abs(a * d - b * c))

    def through(self, left: Point, right: Point) -> Link:
        """The same, but with these two points beside each other."""
        x, y = replace(self, dx=0.0, dy=0.0).point(*left)
        return replace(self, dx=right[0] - x, dy=right[1] - y)

    def covers(self, left: Box) -> Box:
        """Where all of a left box lies in the right section."""
        corners = [self.point(x, y) for x in (left.x, left.x1) for y in (left.y, left.y1)]
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        return Box.from_edges(min(xs), min(ys), max(xs), max(ys))


def by_scale(left: SectionInfo, right: SectionInfo, ratio: float | None = None) -> Link:
    """The same µm on each px of the screen, both middles beside each other.

    `ratio`: right px per left px, where a pixel size is missing; None: 1.
    """
    if left.pixel_size_um is not None and right.pixel_size_um is not None:
        ratio = left.pixel_size_um[0] / right.pixel_size_um[0]
    ratio = ratio or 1.0
    return Link((ratio, 0.0, 0.0, ratio)).through(left.box.center, right.box.center)


def lay_together(left: SectionInfo, right: SectionInfo) -> bool:
    """Whether their stage positions say that they show the same place, at least in good part.

    Not by itself where they were taken in different sessions of a microscope: its zero may be another one.
    """
    link = by_stage(left, right) if left.stage.may_mean_the_same(right.stage) else None
    common = link.covers(left.box).intersection(right.box) if link is not None else None
    if link is None or common is None:
        return False
    return common.area >= _COMMON_SHARE * min(link.covers(left.box).area, right.box.area)


def by_stage(left: SectionInfo, right: SectionInfo) -> Link | None:
    """The same place of the stage; None unless both files say where they lay. A turned stage turns no picture."""
    if left.stage.affine is None or right.stage.affine is None:
        return None
    points = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)]
    stage = [left.stage.to_stage(x, y) for x, y in points]
    found = [right.stage.to_pixel(*place) for place in stage if place is not None]
    if len(found) < 3 or any(point is None for point in found):
        return None
    (x0, y0), (x1, y1), (x2, y2) = (point for point in found if point is not None)
    matrix = (x1 - x0, x2 - x0, y1 - y0, y2 - y0)
    return Link(matrix, x0, y0) if matrix[0] * matrix[3] != matrix[1] * matrix[2] else None
