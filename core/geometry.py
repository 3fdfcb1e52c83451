"""Decides what a box is: level-0 pixels, continuous, origin at the section's top-left corner, x right, y down.

Pixel *i* covers [i, i+1); its centre is i + 0.5. Nothing else in Schliff invents its own rectangle.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True, order=True)
class Box:
    """An axis-parallel box in level-0 px: top-left corner and size. `w` and `h` are not negative."""

    x: float
    y: float
    w: float
    h: float

    def __post_init__(self) -> None:
        if not (self.w >= 0 and self.h >= 0 and math.isfinite(self.x + self.y + self.w + self.h)):
            raise ValueError(f"not a box: {self.x}, {self.y}, {self.w}, {self.h}")

    @classmethod
    def from_edges(cls, x0: float, y0: float, x1: float, y1: float) -> Box:
        return cls(x0, y0, x1 - x0, y1 - y0)

    @property
    def x1(self) -> float:
        return self.x + self.w

    @property
    def y1(self) -> float:
        return self.y + self.h

    @property
    def area(self) -> float:
        return self.w * self.h

    @property
    def center(self) -> tuple[float, float]:
        return self.x + self.w / 2, self.y + self.h / 2

    def contains(self, x: float, y: float) -> bool:
        """Half open, so that of two neighbouring boxes exactly one contains a point on their border."""
        return self.x <= x < self.x1 and self.y <= y < self.y1

    def intersection(self, other: Box) -> Box | None:
        """The common part, or None where they don't overlap (touching edges don't)."""
        x0, y0 = max(self.x, other.x), max(self.y, other.y)
        x1, y1 = min(self.x1, other.x1), min(self.y1, other.y1)
        return Box.from_edges(x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None

    def union(self, other: Box) -> Box:
        return bounding_box((self, other))

    def iou(self, other: Box) -> float:
        """Intersection over union, 0 to 1."""
        common = self.intersection(other)
        return common.area / (self.area + other.area - common.area) if common else 0.0

    def grown(self, margin: float) -> Box:
        """Larger by `margin` px on each side (smaller when negative, at least empty)."""
        w, h = max(self.w + 2 * margin, 0.0), max(self.h + 2 * margin, 0.0)
        cx, cy = self.center
        return Box(cx - w / 2, cy - h / 2, w, h)

    def scaled(self, factor: float) -> Box:
        """Every coordinate times `factor`: the same box on another level."""
        return Box(self.x * factor, self.y * factor, self.w * factor, self.h * factor)

    def moved(self, dx: float, dy: float) -> Box:
        return Box(self.x + dx, self.y + dy, self.w, self.h)

    def outer_pixels(self) -> tuple[int, int, int, int]:
        """The smallest whole-pixel box around this one: x, y, w, h."""
        x0, y0 = math.floor(self.x), math.floor(self.y)
        return x0, y0, math.ceil(self.x1) - x0, math.ceil(self.y1) - y0


def disjoint(boxes: Sequence[Box]) -> tuple[Box, ...]:
    """What some boxes cover together, as boxes that don't overlap: rows from edge to edge, each cut where it is empty."""
    if len(boxes) < 2:
        return tuple(boxes)
    ys = sorted({y for box in boxes for y in (box.y, box.y1)})
    return tuple(
        Box.from_edges(x0, y0, x1, y1)
        for y0, y1 in pairwise(ys)
        for x0, x1 in _joined((box.x, box.x1) for box in boxes if box.y <= y0 < box.y1)
    )


def _joined(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Spans that overlap or touch become one."""
    found: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found


def bounding_box(boxes: Iterable[Box]) -> Box:
    """The smallest box around all of them. Raises ValueError when there is none."""
    found = list(boxes)
    if not found:
        raise ValueError("no boxes to bound")
    return Box.from_edges(
        min(b.x for b in found), min(b.y for b in found), max(b.x1 for b in found), max(b.y1 for b in found)
    )
