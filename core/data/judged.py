"""Decides what the decisions of a project teach of each section: what stands where, where nothing is, what isn't known.

Detections judged a defect are marks of the class that counts; those judged an artefact are marks of the model's class for
traces of preparation, else "preparation_artefact"; false alarms are places without a defect. What a person drew is marked
with its outline; a detection of the same place says nothing beside it. Known are the surroundings of all these, but for
detections that nobody has decided; what was decided or drawn itself is known whatever else crosses it.

Where several scans of a section found the same place, the decision on the latest scan counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np

from core.box_index import BoxIndex
from core.check import same_place, same_places
from core.data.gathering import without
from core.data.labelled import Mark
from core.detection import Detection
from core.geometry import Box
from core.outlines import Outline
from core.project import Project, SectionRecord
from core.project.drawing_store import DrawingStore
from core.truth import ARTEFACT_CLASSES

_DEFECT, _ARTEFACT, _FALSE_ALARM = "defect", "artefact", "false_alarm"
_LEAST_AROUND_PX = 16.0


@dataclass(frozen=True, slots=True)
class Told:
    """A place that somebody judged: with a mark, or (None) without a defect."""

    detection: Detection
    mark: Mark | None

    @property
    def box(self) -> Box:
        return self.detection.box


@dataclass(frozen=True)
class JudgedSection:
    """What is known of a section. `waiting`: what nobody has decided, elsewhere than what was told; `differing`: places that
    an earlier scan's decision said otherwise of."""

    record: SectionRecord
    told: tuple[Told, ...]
    waiting: tuple[Box, ...]
    differing: int

    @property
    def marks(self) -> tuple[Mark, ...]:
        return tuple(one.mark for one in self.told if one.mark is not None)

    @property
    def empty(self) -> tuple[Box, ...]:
        return tuple(one.box for one in self.told if one.mark is None)

    def known(self) -> tuple[Box, ...]:
        """Where everything there is was told, level-0 px."""
        whole = Box(0, 0, self.record.width_px, self.record.height_px)
        edges = _edges(self.waiting)
        known: list[Box] = []
        for box in (one.box for one in self.told):
            around = box.grown(max(_LEAST_AROUND_PX, max(box.w, box.h) / 2)).intersection(whole)
            seen = box.intersection(whole)
            if around is not None and seen is not None:
                holes = [self.waiting[i] for i in np.flatnonzero(_touching(edges, around))]
                known += without(around, holes)
                known += [seen] if any(seen.intersection(hole) for hole in holes) else []
        return tuple(known)


def judged_sections(project: Project) -> list[JudgedSection]:
    """Those of which anything was decided."""
    artefacts, drawn = _artefacts_of(project), _drawn_outlines(project)
    found = []
    for section, everything in _by_section(project):
        judged, differing = _once([d for d in everything if d.is_decided])
        if not judged:
            continue
        by_hand = [d for d in judged if d.is_drawn]
        judged = [*elsewhere([d for d in judged if not d.is_drawn], [d.box for d in by_hand]), *by_hand]
        told = [Told(d, None if d.status == _FALSE_ALARM else _mark_of(d, artefacts, drawn)) for d in judged]
        told.sort(key=lambda one: one.mark is None)
        waiting = elsewhere([d for d in everything if not d.is_decided], [one.box for one in told])
        found.append(JudgedSection(section, tuple(told), tuple(d.box for d in waiting), differing))
    return found


def _by_section(project: Project) -> list[tuple[SectionRecord, list[Detection]]]:
    """Every section with what was drawn on it, then what the latest scan found, then those before it."""
    started = {scan.id: number for number, scan in enumerate(project.scans())}
    found: dict[int, list[Detection]] = {}
    for detection in sorted(project.detections(), key=lambda d: (-started.get(d.scan_id, len(started)), d.id)):
        found.setdefault(detection.section_id, []).append(detection)
    return [(section, found.get(section.id, [])) for section in project.sections()]


def _artefacts_of(project: Project) -> dict[str, Set[str]]:
    """By scan, which classes are traces of preparation, as they are called now."""
    table = project.classes()
    known = {scan.id: table.artefacts(scan.labels, scan.artefact_labels) for scan in project.scans()}
    return defaultdict(table.artefacts, known)  # of what was drawn


def _drawn_outlines(project: Project) -> dict[int, Outline]:
    """The corners of what was drawn, by the drawing's id, every one as it was drawn."""
    store = DrawingStore(project)
    return {d.id: d.outline for section in project.sections() for d in store.drawings(section.id) if d.is_closed}


def _once(judged: Sequence[Detection]) -> tuple[list[Detection], int]:
    """Each place once, the first that tells of it, and how many told something else. Latest scan first."""
    kept: list[Detection] = []
    edges = np.empty((len(judged), 4))
    differing = 0
    for detection in judged:
        near = [kept[i] for i in np.flatnonzero(_touching(edges[: len(kept)], detection.box))]
        same = next((other for other in near if _says_of_the_same(detection, other)), None)
        if same is None:
            edges[len(kept)] = _edges([detection.box])
            kept.append(detection)
        else:
            differing += same.status != detection.status
    return kept, differing


def _says_of_the_same(one: Detection, other: Detection) -> bool:
    return one.scan_id != other.scan_id and same_place(one.box, other.box)


def elsewhere(found: Sequence[Detection], told: Sequence[Box]) -> list[Detection]:
    """Those that don't show a place of `told`."""
    edges, places, same = _edges([one.box for one in found]), _edges(told), np.zeros(len(found), bool)
    asking, near = BoxIndex(edges).pairs(places)
    same[near[same_places(places[asking], edges[near])[0]]] = True
    return [one for one, is_same in zip(found, same, strict=True) if not is_same]


def _mark_of(detection: Detection, artefacts: Mapping[str, Set[str]], drawn: Mapping[int, Outline]) -> Mark:
    """What a detection that was judged a defect or an artefact teaches; `artefacts`, `drawn`: as above."""
    names = artefacts[detection.scan_id]
    label, is_artefact = detection.label, detection.label in names
    if detection.status == _ARTEFACT and not is_artefact:
        label = min(ARTEFACT_CLASSES)
    if detection.status == _DEFECT and is_artefact:
        label = "defect"  # the model took it for a trace of preparation; somebody knew better, but not which class
    outline = drawn.get(detection.drawing_id, ()) if detection.drawing_id is not None else ()
    return Mark(label, detection.box, outline)


def _edges(boxes: Sequence[Box]) -> np.ndarray:
    return np.array([(b.x, b.y, b.x1, b.y1) for b in boxes], float).reshape(-1, 4)


def _touching(edges: np.ndarray, box: Box) -> np.ndarray:
    return (edges[:, 0] < box.x1) & (box.x < edges[:, 2]) & (edges[:, 1] < box.y1) & (box.y < edges[:, 3])
