"""Decides what an exporter is, and how an export is made: chosen detections, one file, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import core.export
from core.detection import Detection
from core.discovery import find_specs
from core.disk import keep_off, written_whole
from core.errors import InputError, UsageError
from core.listing import listed_detections, rows
from core.project import Project

Frame = Literal["pixel", "stage", "sem"]


@dataclass(frozen=True, slots=True)
class ExportItem:
    """One detection with its listed columns (`core.listing.COLUMNS`)."""

    detection: Detection
    row: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ExporterSpec:
    """A file format to hand detections over in. `write` gets the items worst first and a path to create."""

    id: str
    name: str
    suffix: str
    help: str
    write: Callable[[Sequence[ExportItem], Path], None]
    frames: tuple[Frame, ...] = ("pixel",)


@cache
def exporters() -> tuple[ExporterSpec, ...]:
    """Every exporter there is."""
    return tuple(find_specs(core.export, "schliff.exporters"))


def find_exporter(format_id: str) -> ExporterSpec:
    """Raises UsageError for a format there isn't."""
    found = next((e for e in exporters() if e.id == format_id), None)
    if found is None:
        known = ", ".join(e.id for e in exporters())
        raise UsageError(f"there is no export format {format_id!r}", remedy=f"Choose one of: {known}.")
    return found


def export_detections(
    project: Project,
    format_id: str,
    out: str | Path,
    *,
    statuses: Collection[str] = (),
    scans: Collection[str] = (),
    frame: Frame = "pixel",
) -> int:
    """Writes the detections above their scan's threshold, of the given statuses and scans (none: all); returns how many.

    Raises UsageError (unknown format or status, a frame the format can't say), InputError (a frame the sections don't
    have; a place inside a section), ResourceError (it can't be written; what was at `out` before is still there).
    """
    exporter, out = find_exporter(format_id), Path(out)
    if frame not in exporter.frames:
        raise UsageError(
            f"{exporter.name} can't say places in the {frame} frame", remedy=f"Choose {', '.join(exporter.frames)}."
        )
    detections = listed_detections(project, statuses=statuses, scans=scans)
    items = [ExportItem(d, row) for d, row in zip(detections, rows(project, detections), strict=True)]
    _require(frame, items)
    for section in project.sections():
        keep_off(section.path, out)
    with written_whole(out) as temporary:
        exporter.write(items, temporary)
    return len(items)


def _require(frame: Frame, items: Sequence[ExportItem]) -> None:
    """A list to drive to must have a place for every detection."""
    column, remedy = {
        "pixel": ("x_px", ""),
        "stage": ("stage_x_um", "Its file states no stage; export in the pixel frame."),
        "sem": ("sem_x", "Register it to the SEM first."),
    }[frame]
    missing = next((item for item in items if item.row[column] is None), None)
    if missing is not None:
        raise InputError(f"no {frame} coordinates for it", path=missing.row["section"], remedy=remedy)
