"""Decides what a defect list says of each detection: the same columns on the terminal, in JSON, in CSV and in the report.

Columns and units are the command line's contract. Boxes are level-0 px (top-left corner and size); places in µm are
box centres.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from core.chemistry.composition import Composition
from core.detection import STATUSES, Detection
from core.errors import UsageError
from core.project import Project, SectionRecord
from core.project.composition_store import CompositionStore
from core.project.registration_store import RegistrationStore
from core.registration.registration import Registration

COLUMNS = (
    "id", "section", "scan_id", "model", "class", "score", "severity", "status", "x_px", "y_px", "w_px", "h_px",
    "area_um2", "stage_x_um", "stage_y_um", "sem_x", "sem_y", "sem_unit", "predicted_error_um", "composition",
)  # fmt: skip
_SEM_DIGITS = 6  # of mm or µm: a nanometre at least
SORT_FIELDS = tuple(name for name in COLUMNS if name != "composition")


def listed_detections(
    project: Project,
    *,
    statuses: Collection[str] = (),
    classes: Collection[str] = (),
    scans: Collection[str] = (),
    below_threshold: bool = False,
) -> list[Detection]:
    """Detections worst first: those at or above their scan's threshold, of the statuses, classes and scans given (none: all).

    Raises UsageError for a status, class or scan there isn't.
    """
    known = project.scans()
    _check("status", statuses, STATUSES)
    _check("class", classes, sorted({label for scan in known for label in scan.labels}))
    _check("scan", scans, [scan.id for scan in known])
    thresholds = {scan.id: scan.threshold for scan in known if not scans or scan.id in scans}
    return [
        d
        for d in project.detections()
        if d.scan_id in thresholds
        and (below_threshold or d.score >= thresholds[d.scan_id])
        and (not statuses or d.status in statuses)
        and (not classes or d.label in classes)
    ]


def _check(what: str, asked: Collection[str], known: Collection[str]) -> None:
    for name in asked:
        if name not in known:
            raise UsageError(f"there is no {what} {name!r}", remedy="Choose of " + ", ".join(known) + ".")


def rows(project: Project, detections: Collection[Detection]) -> list[dict[str, Any]]:
    """One dict with the `COLUMNS` for each detection, in the order given."""
    sections = {section.id: section for section in project.sections()}
    store = RegistrationStore(project)
    registrations = {n: store.registration(sections[n]) for n in {d.section_id for d in detections}}
    chemistry = CompositionStore(project).compositions()
    return [row(d, sections[d.section_id], registrations[d.section_id], chemistry.get(d.id)) for d in detections]


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
        "composition": None if composition is None else composition.to_json(),
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
