"""Decides what an exporter is given: the chosen detections with all that is known of them, and where they come from."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import core
from core.class_colours import class_hex
from core.detection import Detection
from core.export.pictures import Pictures
from core.listing import rows
from core.project import Project, SectionRecord
from core.project.registration_store import RegistrationStore
from core.registration.registration import Registration, describe
from core.timing import timestamp

Frame = Literal["pixel", "stage", "sem"]
FRAMES: Mapping[Frame, str] = {
    "pixel": "on the section",
    "stage": "on the microscope's stage",
    "sem": "on the SEM's stage",
}


@dataclass(frozen=True, slots=True)
class ExportItem:
    """One detection with its listed columns (`core.listing.COLUMNS`)."""

    detection: Detection
    row: dict[str, Any]


@dataclass(frozen=True)
class ExportDocument:
    """What one export says.

    Args:
        items: worst first. frame: the one in which the operator wants places.
        sections, registrations: by section id, of the sections that have items; not every one is registered.
        provenance: JSON-ready: `frame, schliff, exported, sections [path, fingerprint], scans [id, model, version, card hash,
            threshold, parameters], registrations`.
        pictures: the pixels of the sections, for formats that show them.
        colours: "#rrggbb" of those classes for which somebody chose one.
    """

    items: Sequence[ExportItem]
    frame: Frame
    sections: Mapping[int, SectionRecord]
    registrations: Mapping[int, Registration]
    provenance: Mapping[str, Any]
    pictures: Pictures
    colours: Mapping[str, str] = field(default_factory=dict)

    @property
    def models(self) -> list[str]:
        """Id and version of every model that found something here, sorted."""
        return sorted({f"{scan['model']} {scan['version']}".strip() for scan in self.provenance["scans"]})

    def hex_colours(self) -> dict[str, str]:
        """A colour "#rrggbb" for each class that has items."""
        return class_hex(sorted({item.detection.label for item in self.items}), self.colours)

    def section_of(self, item: ExportItem) -> SectionRecord:
        return self.sections[item.detection.section_id]


def export_document(
    project: Project, detections: Collection[Detection], frame: Frame, pictures: Pictures
) -> ExportDocument:
    """Of a project's detections in the order given."""
    wanted = {d.section_id for d in detections}
    sections = {section.id: section for section in project.sections() if section.id in wanted}
    registrations = RegistrationStore(project).registrations(sections.values())
    listed = rows(project, detections, registrations=registrations)
    items = [ExportItem(d, row) for d, row in zip(detections, listed, strict=True)]
    told = _provenance(project, sections, {d.scan_id for d in detections}, registrations) | {"frame": frame}
    return ExportDocument(items, frame, sections, registrations, told, pictures, project.classes().colours)


def known_frames(project: Project, section: SectionRecord) -> list[Frame]:
    """In which frames the places of a section can be said."""
    frames: list[Frame] = ["pixel"]
    if section.stage.affine is not None:
        frames.append("stage")
    if RegistrationStore(project).registration(section) is not None:
        frames.append("sem")
    return frames


def _provenance(
    project: Project,
    sections: Mapping[int, SectionRecord],
    scans: Collection[str],
    registrations: Mapping[int, Registration],
) -> dict[str, Any]:
    return {
        "schliff": core.__version__,
        "exported": timestamp(),
        "project": str(project.path.absolute()),
        "sections": [_section(one) for one in sections.values()],
        "scans": [_scan(project, scan_id) for scan_id in sorted(scans)],
        "registrations": [
            {"section": str(sections[section_id].path), **describe(one)} for section_id, one in registrations.items()
        ],
    }


def _section(section: SectionRecord) -> dict[str, Any]:
    size = section.pixel_size_um
    by = "hand" if section.scale_by_hand else "file" if size else None
    return {
        "path": str(section.path),
        "fingerprint": section.fingerprint,
        "pixel_size_um": list(size) if size else None,
        "pixel_size_source": by,
        "stage_source": section.stage.source,
    }


def _scan(project: Project, scan_id: str) -> dict[str, Any]:
    scan, noted = project.scan(scan_id), project.provenance(scan_id)
    return {
        "id": scan_id,
        "model": scan.model_id,
        "version": scan.model_version,
        "card_hash": noted.get("model", {}).get("card_hash"),
        "threshold": scan.threshold,
        "parameters": scan.parameters,
    }
