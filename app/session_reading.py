"""Decides what is read from the project to show one scan of a section; runs in any thread."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.detection_table import DetectionTable
from core.errors import SchliffError

if TYPE_CHECKING:
    from core.project import Project, ScanRecord, ScoreMap


@dataclass(frozen=True)
class Shown:
    """What the project holds of one section: its scans, and one of them in full, with what people drew on the section."""

    scans: list[ScanRecord]
    scan: ScanRecord | None
    detections: DetectionTable
    score_map: ScoreMap | None


def read_scan(project: Project, section_id: int, scan_id: str | None, *, prefer_running: bool = False) -> Shown:
    """Everything about one scan of a section (None: the one started last).

    `prefer_running`: rather one that was resumed; only while a scan runs, since a killed one says "running" for ever.
    """
    project.database.has_news()  # all there is by now is read
    scans = project.scans(section_id)
    running = [scan for scan in scans if prefer_running and scan.status == "running"]
    latest = (running or scans)[-1] if scans else None
    scan = next((s for s in scans if s.id == scan_id), latest)
    detections = DetectionTable(project.drawn(section_id)) if scan is None else project.shown_with(scan.id, section_id)
    detections.read_ahead()
    return Shown(scans, scan, detections, None if scan is None else _map_of(project, scan.id))


def _map_of(project: Project, scan_id: str) -> ScoreMap | None:
    """A missing or damaged map is no reason not to show the detections. What its cells say is opened here, too: heat map
    and gallery ask for it in the window's thread."""
    with suppress(SchliffError):
        project.evidence_map(scan_id)
    with suppress(SchliffError):
        return project.score_map(scan_id)
    return None
