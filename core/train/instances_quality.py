"""Decides how well parts are found, outlined and told apart: marked parts against found ones, matched by their boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.check import Found, box_on
from core.geometry import Box
from core.models.base import Model
from core.outlines import Outline, as_outline, corners_of, overlap
from core.train.detector_sections import section_boxes
from core.train.evaluate import Findings
from core.train.regions import LabelledSection
from core.truth import TruthBox

Array = np.ndarray

SAME_PART_IOU = 0.5
NOT_FOUND = "not found"


@dataclass(frozen=True)
class Part:
    """A marked or found part. `label`: "" for one without a defect where the model has no name for that."""

    label: str
    box: Box
    outline: Outline
    score: float = 1.0


@dataclass(frozen=True)
class Pictured:
    """What is marked and what was found on one picture, in the same px."""

    marked: tuple[Part, ...]
    found: tuple[Part, ...]


def look_at(model: Model, sections: Sequence[LabelledSection], names: Sequence[str]) -> list[Pictured]:
    """What a model finds on sections in memory, where what is there is known. `names`: of their classes, from 1; those
    after the model's labels are "no defect"."""
    return [Pictured(_marked(section, names), _found(model, section, names)) for section in sections]


def findings(pictures: Sequence[Pictured], labels: Sequence[str], megapixels: float) -> Findings:
    """Those of defects, for `core.train.evaluate`."""
    found = [Found(one.label, one.score, box_on(n, one.box)) for n, p in enumerate(pictures) for one in p.found]
    marked = [TruthBox(one.label, box_on(n, one.box)) for n, p in enumerate(pictures) for one in p.marked]
    known = set(labels)
    return Findings(
        tuple(f for f in found if f.label in known), tuple(m for m in marked if m.label in known), megapixels
    )


def part_figures(pictures: Sequence[Pictured], names: Sequence[str], no_defect: str | None) -> dict[str, Any]:
    """How many parts were found, how well they are outlined (mean mask IoU), and what each one was called.

    Rows of the confusion are what is marked; its last column is what was not found at all.
    """
    pairs = [(m, f) for picture in pictures for m, f in matched(picture)]
    called = [*names, NOT_FOUND]
    counts = np.zeros((len(names), len(called)), int)
    for mark, part in pairs:
        counts[names.index(mark.label), called.index(part.label if part else NOT_FOUND)] += 1
    seen = [(m, f) for m, f in pairs if f is not None]
    right = int(np.trace(counts[:, : len(names)]))
    return {
        "marked": len(pairs),
        "found": len(seen),
        "too_many": sum(len(p.found) for p in pictures) - len(seen),
        "mask_iou": mean_overlap(seen),
        "class_accuracy": round(right / len(seen), 4) if seen else None,
        "confusion": {"rows": list(names), "columns": called, "counts": counts.tolist()},
        "no_defect": no_defect,
    }


def mean_overlap(pairs: Sequence[tuple[Part, Part]]) -> float | None:
    """Mean IoU of the outlines of the same parts; None without any."""
    return round(float(np.mean([overlap(m.outline, f.outline) for m, f in pairs])), 4) if pairs else None


def matched(picture: Pictured) -> list[tuple[Part, Part | None]]:
    """For each marked part the found one that is the same: whichever boxes overlap most go together first."""
    found = picture.found
    ious = np.array([[m.box.iou(f.box) for f in found] for m in picture.marked])
    partner: dict[int, int] = {}
    while ious.size and ious.max() >= SAME_PART_IOU:
        mark, part = (int(i) for i in np.unravel_index(ious.argmax(), ious.shape))
        partner[mark] = part
        ious[mark], ious[:, part] = -1, -1
    return [(one, found[partner[i]] if i in partner else None) for i, one in enumerate(picture.marked)]


def ring_of(box: Box) -> Outline:
    """A box as an outline, for what has none."""
    return ((box.x, box.y), (box.x1, box.y), (box.x1, box.y1), (box.x, box.y1))


def _marked(section: LabelledSection, names: Sequence[str]) -> tuple[Part, ...]:
    boxes = [Box(*(float(v) for v in box)) for box in section.boxes]
    return tuple(
        Part(names[int(label) - 1], box, as_outline(ring) if len(ring) > 2 else ring_of(box))
        for label, box, ring in zip(section.classes, boxes, section.rings, strict=True)
    )


def _found(model: Model, section: LabelledSection, names: Sequence[str]) -> tuple[Part, ...]:
    rows = section_boxes(model, section.pixels)
    sound = names[-1]
    found = (
        Part(model.spec.labels[int(row[5])] if row[5] >= 0 else sound, Box.from_edges(*(float(v) for v in row[:4])),
             as_outline(ring), float(row[4]))
        for row, ring in zip(rows, corners_of(rows), strict=True)
    )  # fmt: skip
    return tuple(part for part in found if section.knows(*part.box.center))
