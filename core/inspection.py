"""Decides what a manual inspection of a section says, and how it compares with what a scan found: agreed, missed, extra.

As in Badmos's dissertation, §5.1.2: what people found by eye beside what the system found, class by class. A position agrees
with a detection when it lies in its box or within the tolerance beside it; one to one, the nearest first. Missed is what
only people found, extra what only the scan found; how many of these a person has confirmed since is told, as people miss
things, too. What the model or the list calls a trace of preparation is no defect and not compared; nor is what people drew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from core.box_index import BoxIndex
from core.detection import Detection
from core.drawing import Drawing
from core.errors import UsageError
from core.inspection_csv import InspectedPlace
from core.precision import clopper_pearson
from core.project import Project, ScanRecord, SectionRecord
from core.same_places import edges_of
from core.truth import ARTEFACT_CLASSES

# How far from a defect somebody may click or read off a stage: µm, or px where the section has no scale.
DEFAULT_TOLERANCE_UM, DEFAULT_TOLERANCE_PX = 30.0, 50.0


@dataclass(frozen=True)
class Comparison:
    """What both found, what only people found, what only the scan found. Pairs and places in the order of the list,
    extra ones worst first."""

    scan: ScanRecord
    tolerance_px: float
    agreed: tuple[tuple[InspectedPlace, Detection], ...]
    missed: tuple[InspectedPlace, ...]
    extra: tuple[Detection, ...]

    @property
    def share_found(self) -> float | None:
        """Of what people found."""
        inspected = len(self.agreed) + len(self.missed)
        return len(self.agreed) / inspected if inspected else None

    def counts(self) -> dict[str, dict[str, int]]:
        """By class: `manual` as people called it, `scan` as it is called now, `agreed` by what people called it. "" where
        they gave no class."""
        manual = Counter(place.label for place in (*(place for place, _ in self.agreed), *self.missed))
        scan = Counter(one.label for one in (*(one for _, one in self.agreed), *self.extra))
        agreed = Counter(place.label for place, _ in self.agreed)
        return {
            label: {"manual": manual[label], "scan": scan[label], "agreed": agreed[label]}
            for label in sorted({*manual, *scan})
        }

    def to_json(self) -> dict[str, Any]:
        low, high = clopper_pearson(len(self.agreed), len(self.agreed) + len(self.missed))
        return {
            "scan_id": self.scan.id, "threshold": self.scan.threshold, "tolerance_px": round(self.tolerance_px, 2),
            "manual": len(self.agreed) + len(self.missed), "scan": len(self.agreed) + len(self.extra),
            "agreed": len(self.agreed), "missed": len(self.missed), "extra": len(self.extra),
            "extra_confirmed": sum(one.status == "defect" for one in self.extra),
            "extra_rejected": sum(one.status in ("artefact", "false_alarm") for one in self.extra),
            "share_found": None if self.share_found is None else round(self.share_found, 4),
            "low": round(low, 4), "high": round(high, 4), "classes": self.counts(),
            "agreed_places": [{**asdict(place), "id": one.id} for place, one in self.agreed],
            "missed_places": [asdict(place) for place in self.missed], "extra_ids": [one.id for one in self.extra],
        }  # fmt: skip


def tolerance_in_px(section: SectionRecord, tolerance_um: float | None = None) -> float:
    """A tolerance (None: the usual one) in px; where the section has no scale, the number given means px."""
    if section.um2_per_px2 is None:
        return DEFAULT_TOLERANCE_PX if tolerance_um is None else tolerance_um
    return (DEFAULT_TOLERANCE_UM if tolerance_um is None else tolerance_um) / section.um2_per_px2**0.5


def compare(project: Project, scan: ScanRecord, places: Sequence[InspectedPlace], tolerance_px: float) -> Comparison:
    """Positions beside what a scan shows at its threshold. Raises UsageError for a tolerance below 0."""
    if tolerance_px < 0:
        raise UsageError(f"a tolerance of {tolerance_px:g} px", remedy="Give 0 or more.")
    artefacts = ARTEFACT_CLASSES.union(scan.artefact_labels)
    places = [place for place in places if place.label not in artefacts]
    found = [one for one in project.detections(scan.id, scan.threshold) if one.said_label not in artefacts]
    pairs = _paired(places, found, tolerance_px)
    matched = set(pairs.values())
    return Comparison(
        scan, tolerance_px,
        tuple((place, found[pairs[i]]) for i, place in enumerate(places) if i in pairs),
        tuple(place for i, place in enumerate(places) if i not in pairs),
        tuple(one for j, one in enumerate(found) if j not in matched),
    )  # fmt: skip


def _paired(places: Sequence[InspectedPlace], found: Sequence[Detection], tolerance_px: float) -> dict[int, int]:
    """Detection by place; the nearest pairs first: by the distance to the box, then to its middle."""
    index = BoxIndex(edges_of(found))
    near: list[tuple[float, float, int, int]] = []
    for i, place in enumerate(places):
        x, y = place.x_px, place.y_px
        around = (x - tolerance_px, y - tolerance_px, x + tolerance_px, y + tolerance_px)
        for j in index.touching(*around).tolist():
            box = found[j].box
            away = np.hypot(max(box.x - x, 0.0, x - box.x1), max(box.y - y, 0.0, y - box.y1))
            if away <= tolerance_px:
                near.append((float(away), float(np.hypot(x - box.center[0], y - box.center[1])), i, j))
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for _, _, i, j in sorted(near):
        if i not in pairs and j not in taken:
            pairs[i] = j
            taken.add(j)
    return pairs


def drawings_of(places: Sequence[InspectedPlace], side_px: float, label: str = "defect") -> list[Drawing]:
    """A box around each position, to be stored as a drawn defect; `label`: of those without a class."""
    half = side_px / 2
    return [
        Drawing(
            "box",
            ((place.x_px - half, place.y_px - half), (place.x_px + half, place.y_px + half)),
            name=place.name,
            note=place.note,
            label=place.label or label,
        )
        for place in places
    ]


def not_drawn_yet(places: Sequence[InspectedPlace], drawn: Sequence[Detection]) -> list[InspectedPlace]:
    """Those that lie in no defect that was drawn already."""
    return [place for place in places if not any(one.box.contains(place.x_px, place.y_px) for one in drawn)]
