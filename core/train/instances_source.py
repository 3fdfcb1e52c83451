"""Decides which pictures of parts the second network of a model of instances learns from: each marked part, cut out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.geometry import Box
from core.models.instance_crops import CropShape
from core.train.image_source import vary
from core.train.regions import LabelledSection

Array = np.ndarray

# A found part's box is never exactly the marked one's: moved, and larger or smaller, by up to this share of its side.
_MOVED, _RESIZED = 0.06, 0.1


@dataclass(frozen=True)
class MarkedPart:
    """One marked part. `class_`: 0 and up, as the judge numbers classes."""

    section: LabelledSection
    box: Box
    outline: Array
    class_: int


def parts_on(sections: Sequence[LabelledSection]) -> list[MarkedPart]:
    """Every part that is marked on some sections."""
    return [
        MarkedPart(section, Box(*(float(v) for v in box)), outline, int(label) - 1)
        for section in sections
        for box, outline, label in zip(section.boxes, section.rings, section.classes, strict=True)
        if box[2] > 0 and box[3] > 0
    ]


class PartSource:
    """Cut-out parts by number (`core.train.examples.Source`)."""

    def __init__(self, parts: Sequence[MarkedPart], shape: CropShape) -> None:
        self._parts, self._shape = parts, shape

    def read(self, index: int) -> Array:
        part = self._parts[index]
        return self._shape.cut(part.section.pixels, part.box, part.outline)

    def batch(
        self, indices: Sequence[int] | Array, rng: np.random.Generator | None = None, strength: float = 1.0
    ) -> Array:
        if rng is None:
            return np.stack([self.read(int(index)) for index in indices])
        return np.stack([vary(self._displaced(int(index), rng, strength), rng, strength) for index in indices])

    def _displaced(self, index: int, rng: np.random.Generator, strength: float) -> Array:
        """As if it had been found a little beside where it is marked."""
        part, box = self._parts[index], self._parts[index].box
        dx, dy = rng.uniform(-_MOVED, _MOVED, 2) * strength * max(box.w, box.h)
        grown = rng.uniform(-_RESIZED, _RESIZED) * strength * max(box.w, box.h) / 2
        grown = max(grown, -min(box.w, box.h) / 4)  # something is left of a part that is long and thin
        moved = Box(box.x + dx - grown, box.y + dy - grown, box.w + 2 * grown, box.h + 2 * grown)
        return self._shape.cut(part.section.pixels, moved if min(moved.w, moved.h) > 1 else box, part.outline)
