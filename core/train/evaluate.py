"""Decides how good a network is on whole sections, and which threshold it is shipped with.

Sections are mapped and detections read from the map as a scan does; matching is that of `core.check`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.average_precision import average_precision
from core.check import Found, box_on, check, match
from core.geometry import Box
from core.jobs import CancelToken
from core.models.base import Model, ModelSpec
from core.scan.extract import find_marks
from core.train.detector_sections import section_boxes
from core.train.regions import LabelledSection
from core.truth import TruthBox

Array = np.ndarray


@dataclass(frozen=True)
class Findings:
    """What was found and what is there on several sections, in model px; `megapixels` of model px looked at."""

    found: tuple[Found, ...]
    marked: tuple[TruthBox, ...]
    megapixels: float


@dataclass(frozen=True)
class Quality:
    """`precision` and `recall` over defects at `threshold`; `ap` over all thresholds."""

    threshold: float
    precision: float
    recall: float
    ap: float

    @property
    def f2(self) -> float:
        total = 4 * self.precision + self.recall
        return 5 * self.precision * self.recall / total if total else 0.0


def find_on(model: Model, sections: Sequence[LabelledSection], cancel: CancelToken) -> Findings:
    """Every detection above the model's floor on whole sections or clips, where what is there is known."""
    found: list[Found] = []
    marked: list[TruthBox] = []
    for number, section in enumerate(sections):
        cancel.check()
        here = (f for f in _found_on(model, section) if section.knows(*f.box.center))
        found += [Found(f.label, f.score, box_on(number, f.box)) for f in here]
        marked += [TruthBox(t.label, box_on(number, t.box)) for t in _truth_of(section, model.spec)]
    area = sum(s.pixels.shape[0] * s.pixels.shape[1] for s in sections)
    return Findings(tuple(found), tuple(marked), area / 1e6)


def map_section(model: Model, pixels: Array) -> Array:
    """The model's map of a whole picture, tile by tile with halo; beyond its edges the picture is mirrored."""
    spec = model.spec
    stride, halo, tile = spec.stride_px, spec.halo_px, spec.tile_px
    rows, columns = (-(-n // stride) for n in pixels.shape[:2])
    wide = ((halo, rows * stride - pixels.shape[0] + halo), (halo, columns * stride - pixels.shape[1] + halo), (0, 0))
    padded = np.pad(pixels, wide, mode="symmetric")
    out = np.empty((spec.map_channels, rows, columns), np.float16)
    edge, side = halo // stride, tile // stride
    for row in range(0, rows, side):
        for column in range(0, columns, side):
            y, x = row * stride, column * stride
            part = model.map_tile(padded[y : y + tile + 2 * halo, x : x + tile + 2 * halo])
            height, width = min(side, rows - row), min(side, columns - column)
            out[:, row : row + height, column : column + width] = part[:, edge : edge + height, edge : edge + width]
    return out.astype(np.float32)


def quality(findings: Findings, artefacts: Iterable[str], threshold: float) -> Quality:
    """Over all defects, whatever their class."""
    figures = check(findings.found, findings.marked, threshold, frozenset(artefacts))["defects"]
    return Quality(threshold, figures["precision"] or 0.0, figures["recall"] or 0.0, figures["ap"] or 0.0)


def choose_threshold(findings: Findings, artefacts: Iterable[str], floor: float) -> Quality:
    """The threshold in the middle of those that give nearly the best F2, so that there is room on both sides.

    F2 (van Rijsbergen 1979, β = 2) counts recall more than precision: a false alarm costs a glance, a miss a defect.
    """
    skipped = frozenset(artefacts)
    alarms = sorted((f for f in findings.found if f.label not in skipped), key=lambda f: (-f.score, f.box))
    truths = [m for m in findings.marked if m.label not in skipped]
    hits = np.array([m is not None for m in match(alarms, truths)], bool)
    scores = np.array([f.score for f in alarms])
    grid = np.round(np.arange(floor, 0.98, 0.01), 2)
    shown = np.array([np.count_nonzero(scores >= t) for t in grid])
    right = np.array([np.count_nonzero(hits[scores >= t]) for t in grid])
    f2 = 5 * right / np.maximum(shown + 4 * len(truths), 1)
    good = grid[f2 >= f2.max() - _NEARLY_BEST]
    threshold = float(good[len(good) // 2])
    at = int(np.flatnonzero(grid == threshold)[0])
    precision, recall = float(right[at] / max(shown[at], 1)), float(right[at] / max(len(truths), 1))
    return Quality(threshold, precision, recall, average_precision(hits.tolist(), len(truths)) or 0.0)


_NEARLY_BEST = 0.01


def metrics_table(findings: Findings, artefacts: Iterable[str], threshold: float) -> dict[str, Any]:
    """For the card: the figures of `core.check` over all validation sections together."""
    figures = check(findings.found, findings.marked, threshold, frozenset(artefacts))
    return {
        "megapixels": round(findings.megapixels, 1),
        "rule": figures["rule"],
        "defects": figures["defects"],
        "classes": figures["classes"],
        "artefacts_called_defects": figures["artefacts_called_defects"],
    }


def _found_on(model: Model, section: LabelledSection) -> list[Found]:
    spec = model.spec
    if spec.output == "boxes":
        boxes = section_boxes(model, section.pixels)
        return [Found(spec.labels[int(b[5])], float(b[4]), Box.from_edges(*(float(v) for v in b[:4]))) for b in boxes]
    marks = find_marks(model.scores(map_section(model, section.pixels)), spec.score_floor, model.mark_levels)
    return [Found(spec.labels[mark.label], mark.score, mark.box.scaled(spec.stride_px)) for mark in marks]


def _truth_of(section: LabelledSection, spec: ModelSpec) -> list[TruthBox]:
    return [
        TruthBox(spec.labels[int(label) - 1], Box(*(float(v) for v in box)))
        for label, box in zip(section.classes, section.boxes, strict=True)
    ]
