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
from core.check import same_places
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
        known, edges = edges_of([place[0] for place in there]), edges_of(scan)
        asking, found = BoxIndex(known).pairs(edges)
        same, overlaps = same_places(edges[asking], known[found])
        asking, found, overlaps = asking[same], found[same], overlaps[same]
        order = np.lexsort((found, -overlaps, asking))  # one after the other, the nearest in overlap first
        placed: set[int] = set()
        taken: set[int] = set()
        for one, place in zip(asking[order].tolist(), found[order].tolist(), strict=True):
            if one not in placed and place not in taken:
                placed.add(one)
                taken.add(place)
                there[place].append(scan[one])
        there += [[one] for number, one in enumerate(scan) if number not in placed]
    return [_place(each) for each in there]


def _place(found: Sequence[Detection]) -> FoundPlace:
    standing = next((one for one in found if one.is_decided), found[0])
    return FoundPlace(standing, tuple(one for one in found if one is not standing))


def edges_of(detections: Sequence[Detection]) -> Array:
    """(n, 4) x0, y0, x1, y1 of their boxes, level-0 px."""
    return np.array([(d.box.x, d.box.y, d.box.x1, d.box.y1) for d in detections], float).reshape(-1, 4)
