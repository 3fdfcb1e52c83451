"""Decides which findings of several scans are one place, so that a list of defects has each place once.

What a person drew comes first, then the latest scan, then those before it. A finding joins one that is there already when
both are the same place (`core.check.same_place`), at most one of each scan, the nearest in overlap: what one scan
found as two stays two. Of a place the first that a person decided stands for it, else the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.box_index import BoxIndex
from core.check import same_place
from core.detection import Detection
from core.project import Project
from core.ranking import worst_first

Array = np.ndarray


@dataclass(frozen=True, slots=True)
class FoundPlace:
    """A place where something was found. `others`: what other scans have there, the latest first."""

    detection: Detection
    others: tuple[Detection, ...] = ()


def places_of(project: Project, detections: Sequence[Detection]) -> list[FoundPlace]:
    """Each place of some detections once, worst first."""
    latest = {scan.id: number for number, scan in enumerate(project.scans())}
    found: dict[int, dict[int, list[Detection]]] = {}
    for one in detections:
        number = latest.get(one.scan_id, len(latest))  # no scan: drawn by a person
        found.setdefault(one.section_id, {}).setdefault(number, []).append(one)
    places: list[FoundPlace] = []
    for by_scan in found.values():
        places += _once([by_scan[number] for number in sorted(by_scan, reverse=True)])
    order = {one.id: place for place, one in enumerate(worst_first(place.detection for place in places))}
    return sorted(places, key=lambda place: order[place.detection.id])


def _once(scans: Sequence[Sequence[Detection]]) -> list[FoundPlace]:
    there: list[list[Detection]] = [[one] for one in scans[0]]
    for scan in scans[1:]:
        index = BoxIndex(edges_of([place[0] for place in there]))
        taken: set[int] = set()
        new: list[list[Detection]] = []
        for one in scan:
            box = one.box
            near = [i for i in index.touching(box.x, box.y, box.x1, box.y1).tolist() if i not in taken]
            same = [i for i in near if same_place(box, there[i][0].box)]
            best = max(same, key=lambda i: (box.iou(there[i][0].box), -i), default=None)
            if best is None:
                new.append([one])
            else:
                taken.add(best)
                there[best].append(one)
        there += new
    return [_place(each) for each in there]


def _place(found: Sequence[Detection]) -> FoundPlace:
    standing = next((one for one in found if one.is_decided), found[0])
    return FoundPlace(standing, tuple(one for one in found if one is not standing))


def edges_of(detections: Sequence[Detection]) -> Array:
    """(n, 4) x0, y0, x1, y1 of their boxes, level-0 px."""
    return np.array([(d.box.x, d.box.y, d.box.x1, d.box.y1) for d in detections], float).reshape(-1, 4)
