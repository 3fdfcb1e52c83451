"""Decides what a defect list says of each detection: the same columns on the terminal, in JSON, in CSV and in the report.

Columns and units are the command line's contract. Boxes are level-0 px (top-left corner and size); places in µm are
box centres. `class` is the one that counts, `model_class` what the model said; `source` is "model", "person" or "joined";
`also` are the ids of what other scans found at the same place.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from core.chemistry.composition import Composition
from core.detection import STATUSES, Detection
from core.errors import UsageError
from core.project import Project, SectionRecord
from core.project.composition_store import CompositionStore
from core.project.registration_store import RegistrationStore
from core.registration.registration import Registration
from core.same_places import FoundPlace, places_of

COLUMNS = (
    "id", "section", "scan_id", "model", "class", "score", "severity", "status", "x_px", "y_px", "w_px", "h_px",
    "area_um2", "stage_x_um", "stage_y_um", "sem_x", "sem_y", "sem_unit", "predicted_error_um", "sem_field_um",
    "composition", "model_class", "note", "decided_by", "decided_at", "carried_from", "source", "also",
)  # fmt: skip
_NOTHING_ELSE: Mapping[int, Collection[Detection]] = {}
_SEM_DIGITS = 6  # of mm or µm: a nanometre at least
SORT_FIELDS = tuple(name for name in COLUMNS if name not in ("composition", "also"))


def listed_places(
    project: Project,
    *,
    statuses: Collection[str] = (),
    classes: Collection[str] = (),
    scans: Collection[str] = (),
    on: Collection[int] = (),
    only: Collection[int] | None = None,
    below_threshold: bool = False,
    every_scan: bool = False,
) -> list[FoundPlace]:
    """Places worst first: of what lies at or above its scan's threshold or was drawn by a person, on the sections of the
    scans given (none: all) and with the ids `on` (none: all), those of the statuses and classes given (none: all), `only` those
    with these ids (None: all).

    Where several scans found the same place it is listed once (`core.same_places`), unless `every_scan`.
    Raises UsageError for a status, class or scan there isn't.
    """
    known = project.scans()
    _check("status", statuses, STATUSES)
    _check("class", classes, sorted(project.class_labels()))
    _check("scan", scans, [scan.id for scan in known])
    thresholds = {scan.id: scan.threshold for scan in known if not scans or scan.id in scans}
    sections = {scan.section_id for scan in known if scan.id in thresholds}
    wanted = None if only is None else frozenset(only)
    found = [
        d
        for d in project.detections()
        if ((d.section_id in sections or not scans) if d.is_drawn else d.scan_id in thresholds)
        and (below_threshold or d.is_drawn or d.score >= thresholds[d.scan_id])
        and (not on or d.section_id in on)
        and (wanted is None or d.id in wanted)
    ]
    places = [FoundPlace(d) for d in found] if every_scan else places_of(project, found)
    return [
        place
        for place in places
        if (not statuses or place.detection.status in statuses) and (not classes or place.detection.label in classes)
    ]


def listed_detections(
    project: Project,
    *,
    statuses: Collection[str] = (),
    classes: Collection[str] = (),
    scans: Collection[str] = (),
    on: Collection[int] = (),
    only: Collection[int] | None = None,
    below_threshold: bool = False,
) -> list[Detection]:
    """What stands for the `listed_places`."""
    chosen = listed_places(
        project, statuses=statuses, classes=classes, scans=scans, on=on, only=only, below_threshold=below_threshold
    )
    return [place.detection for place in chosen]


def _check(what: str, asked: Collection[str], known: Collection[str]) -> None:
    for name in asked:
        if name not in known:
            raise UsageError(f"there is no {what} {name!r}", remedy="Choose of " + ", ".join(known) + ".")


def rows(
    project: Project,
    detections: Collection[Detection],
    also: Mapping[int, Collection[Detection]] = _NOTHING_ELSE,
    registrations: Mapping[int, Registration] | None = None,
) -> list[dict[str, Any]]:
    """One dict with the `COLUMNS` for each detection, in the order given. `also`: by id, what else was found there;
    `registrations`: by section's id, where they are fitted already."""
    sections = {section.id: section for section in project.sections()}
    if registrations is None:
        shown = {d.section_id for d in detections}
        registrations = RegistrationStore(project).registrations(sections[n] for n in shown)
    chemistry = CompositionStore(project).compositions()
    listed = [row(d, sections[d.section_id], registrations.get(d.section_id), chemistry.get(d.id)) for d in detections]
    return [one | {"also": [other.id for other in also.get(one["id"], ())]} for one in listed]


def row(
    detection: Detection, section: SectionRecord, registration: Registration | None, composition: Composition | None
) -> dict[str, Any]:
    """What is known of one detection; None where it isn't known."""
    box, scale = detection.box, section.um2_per_px2
    stage = section.stage.to_stage(*box.center)
    sem = None if registration is None else registration.to_sem(*box.center)
    error = None if registration is None else registration.predicted_error_um(*box.center)
    return {
        "id": detection.id,
        "section": str(section.path),
        "scan_id": detection.scan_id,
        "model": detection.model,
        "class": detection.label,
        "score": round(detection.score, 5),
        "severity": round(detection.severity, 2),
        "status": detection.status,
        "x_px": round(box.x, 2),
        "y_px": round(box.y, 2),
        "w_px": round(box.w, 2),
        "h_px": round(box.h, 2),
        "area_um2": None if scale is None else round(detection.area_px * scale, 2),
        "stage_x_um": None if stage is None else round(stage[0], 3),
        "stage_y_um": None if stage is None else round(stage[1], 3),
        "sem_x": None if sem is None else round(sem[0], _SEM_DIGITS),
        "sem_y": None if sem is None else round(sem[1], _SEM_DIGITS),
        "sem_unit": None if registration is None else registration.unit,
        "predicted_error_um": None if error is None else round(error, 2),
        "sem_field_um": None if registration is None else registration.field_um(box),
        "composition": None if composition is None else composition.to_json(),
        "model_class": None if detection.is_drawn else detection.said_label,
        "note": detection.note,
        "decided_by": detection.decided_by or None,
        "decided_at": detection.decided_at or None,
        "carried_from": detection.carried_from,
        "source": detection.source,
        "also": [],
    }


def sorted_rows(listed: list[dict[str, Any]], field: str) -> list[dict[str, Any]]:
    """Sorted by a column: severity, score and area with the greatest first, all others ascending; None last.

    Raises UsageError for a column there isn't.
    """
    if field not in SORT_FIELDS:
        raise UsageError(f"can't sort by {field!r}", remedy="Choose of " + ", ".join(SORT_FIELDS) + ".")
    known = [one for one in listed if one[field] is not None]
    unknown = [one for one in listed if one[field] is None]
    return sorted(known, key=lambda one: one[field], reverse=field in {"severity", "score", "area_um2"}) + unknown
