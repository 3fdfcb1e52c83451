"""Decides how good a scan was, compared with a truth or a manual inspection: precision, recall, F1 and average precision.

The rule. Detections are taken by score, highest first. Each is matched with the truth it overlaps most, of those not
matched yet, when the two are the same place: their boxes have an IoU of at least 0.1, or the middle of one lies in the
other and neither is more than 16 times as large as the other. One to one: a second detection of the same defect is a
false alarm. Traces of preparation are no defects: one that is called a defect is a false alarm, a detection that says
"preparation artefact" is no defect detection. Over all defects the class doesn't matter; per class it must agree,
except for models that know no classes ("anomaly").
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.average_precision import average_precision
from core.detection import Detection
from core.errors import UsageError
from core.geometry import Box
from core.project import Project, ScanRecord, SectionRecord
from core.truth import ARTEFACT_CLASSES, NO_CLASSES, TruthBox, read_truth, truth_beside

LEAST_IOU = 0.1
LARGEST_RATIO = 16.0
RULE = (
    f"one to one, highest score first; the same place: IoU >= {LEAST_IOU} or the middle of one box in the other with "
    f"areas within a factor of {LARGEST_RATIO:g}; preparation artefacts are no defects"
)
_APART_PX = 1e7

Array = np.ndarray


@dataclass(frozen=True, slots=True)
class Found:
    """What a check needs of a detection."""

    label: str
    score: float
    box: Box


def box_on(picture: int, box: Box) -> Box:
    """A box of one of several pictures that are judged together: so far apart that none matches another picture's."""
    return box.moved(picture * _APART_PX, 0)


def check_project(project: Project, truth: Path) -> dict[str, Any]:
    """The latest scan of the section that a truth CSV belongs to, compared with it; JSON-ready.

    `defects`: over all defects, whatever their class; `classes`: one entry per class. Both hold `truth, tp, fp, fn,
    precision, recall, f1` at the scan's threshold, `ap` over all detections that were kept, and `mean_iou` of the
    matches; None where there is nothing to divide by. Raises InputError for the CSV (naming the line), UsageError when
    the project holds no scan to compare.
    """
    marked = read_truth(truth)
    section = _section_of(project, truth)
    scans = project.scans(section.id)
    if not scans:
        raise UsageError(f"{section.name} was not scanned", path=project.path, remedy="Run `schliff scan` first.")
    scan = scans[-1]
    found = [_found(detection) for detection in project.found(scan.id)]
    head = {"section": str(section.path), "scan_id": scan.id, "model": scan.model_id, "threshold": scan.threshold}
    return {**head, **check(found, marked, scan.threshold, _artefacts_of(scan))}


def check(
    found: Sequence[Found], marked: Sequence[TruthBox], threshold: float, artefacts: Collection[str] = ARTEFACT_CLASSES
) -> dict[str, Any]:
    """`defects`, `classes`, `artefacts_called_defects` and the `rule`, as for `check_project`."""
    defects = [m for m in marked if m.label not in artefacts]
    alarms = [f for f in found if f.label not in artefacts]
    knows_classes = {f.label for f in found} - NO_CLASSES != set() or not found
    return {
        "rule": RULE,
        "defects": _figures(alarms, defects, threshold),
        "classes": _by_class(found, marked, threshold) if knows_classes else _shares_found(alarms, defects, threshold),
        "artefact_classes": sorted(artefacts),
        "artefacts_called_defects": _artefacts_hit(alarms, marked, threshold, artefacts),
    }


def match(found: Sequence[Found], marked: Sequence[TruthBox]) -> list[int | None]:
    """For each detection, in the order given, the index of the truth it is matched with. Give them surest first."""
    edges = np.array([(m.box.x, m.box.y, m.box.x1, m.box.y1) for m in marked]).reshape(-1, 4)
    x0, y0, x1, y1 = edges.T
    free = np.ones(len(marked), bool)
    matches: list[int | None] = []
    for one in found:
        box = one.box
        # Boxes that don't even touch are never the same place.
        near = np.flatnonzero(free & (x0 <= box.x1) & (x1 >= box.x) & (y0 <= box.y1) & (y1 >= box.y))
        fitting = [i for i in near.tolist() if same_place(box, marked[i].box)]
        best = max(fitting, key=lambda i: (box.iou(marked[i].box), -i), default=None)
        if best is not None:
            free[best] = False
        matches.append(best)
    return matches


def same_place(a: Box, b: Box) -> bool:
    """Whether two boxes mean the same thing on the section (see the rule above)."""
    if a.iou(b) >= LEAST_IOU:
        return True
    small, large = sorted((a.area, b.area))
    return (b.contains(*a.center) or a.contains(*b.center)) and large <= LARGEST_RATIO * small


def same_places(a: Array, b: Array) -> tuple[Array, Array]:
    """Of (n, 4) edges x0, y0, x1, y1 and as many others: whether each two are the same place (n,), and their IoU (n,)."""
    sides = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
    common = np.where((sides > 0).all(axis=1), sides.prod(axis=1), 0.0)
    areas = np.stack([(a[:, 2:] - a[:, :2]).prod(axis=1), (b[:, 2:] - b[:, :2]).prod(axis=1)])
    union = areas.sum(axis=0) - common
    iou = np.divide(common, union, out=np.zeros(len(common)), where=common > 0)
    alike = areas.max(axis=0) <= LARGEST_RATIO * areas.min(axis=0)
    return (iou >= LEAST_IOU) | (alike & (_has_middle(a, b) | _has_middle(b, a))), iou


def _has_middle(a: Array, b: Array) -> Array:
    """Whether each of `a` contains the middle of its `b`, half open as `Box.contains`."""
    middle = b[:, :2] + (b[:, 2:] - b[:, :2]) / 2
    return ((a[:, :2] <= middle) & (middle < a[:, 2:])).all(axis=1)


def _figures(found: Iterable[Found], marked: Sequence[TruthBox], threshold: float) -> dict[str, Any]:
    ordered = sorted(found, key=lambda f: (-f.score, f.box))
    matches = match(ordered, marked)
    shown = [(f, m) for f, m in zip(ordered, matches, strict=True) if f.score >= threshold]
    overlaps = [f.box.iou(marked[m].box) for f, m in shown if m is not None]
    tp = len(overlaps)
    fp, fn = len(shown) - tp, len(marked) - tp
    return {
        "truth": len(marked),
        "tp": tp,
        "fp": fp,
        "fn": fn,
        "precision": _share(tp, tp + fp),
        "recall": _share(tp, tp + fn),
        "f1": _share(2 * tp, 2 * tp + fp + fn),
        "ap": _rounded(average_precision([m is not None for m in matches], len(marked))),
        "mean_iou": _share(sum(overlaps), tp),
    }


def _by_class(found: Sequence[Found], marked: Sequence[TruthBox], threshold: float) -> dict[str, Any]:
    labels = sorted({m.label for m in marked} | {f.label for f in found})
    return {name: _figures(_of(found, name), _of(marked, name), threshold) for name in labels}


def _shares_found(found: Sequence[Found], marked: Sequence[TruthBox], threshold: float) -> dict[str, Any]:
    """How much of each class was found by a model that knows no classes; its false alarms belong to none."""
    ordered = sorted((f for f in found if f.score >= threshold), key=lambda f: (-f.score, f.box))
    hit = {m for m in match(ordered, marked) if m is not None}
    rows = {}
    for name in sorted({m.label for m in marked}):
        members = [i for i, m in enumerate(marked) if m.label == name]
        tp = len(hit.intersection(members))
        unknown = dict.fromkeys(("fp", "precision", "f1", "ap", "mean_iou"))
        rows[name] = {"truth": len(members), "tp": tp, "fn": len(members) - tp, "recall": _share(tp, len(members))}
        rows[name].update(unknown)
    return rows


def _artefacts_hit(
    alarms: Sequence[Found], marked: Sequence[TruthBox], threshold: float, artefacts: Collection[str]
) -> int:
    """How many marked traces of preparation were taken for a defect."""
    shown = [f for f in alarms if f.score >= threshold]
    return sum(any(same_place(f.box, m.box) for f in shown) for m in marked if m.label in artefacts)


def _of(items: Iterable[Any], label: str) -> list[Any]:
    return [item for item in items if item.label == label]


def _found(detection: Detection) -> Found:
    return Found(detection.label, detection.score, detection.box)


def _artefacts_of(scan: ScanRecord) -> frozenset[str]:
    return ARTEFACT_CLASSES | frozenset(scan.artefact_labels)


def _section_of(project: Project, truth: Path) -> SectionRecord:
    """The section that has this truth beside it, or the only one there is."""
    sections = project.sections()
    named = [section for section in sections if truth_beside(section.path).name == truth.name]
    if len(named) == 1 or len(sections) == 1:
        return (named or sections)[0]
    raise UsageError(
        f"it is not clear which of {len(sections)} sections {truth.name} belongs to",
        path=project.path,
        remedy="Name the CSV like the section: s.truth.csv for s.czi.",
    )


def _share(part: float, whole: float) -> float | None:
    return _rounded(part / whole) if whole else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
