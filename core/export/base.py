"""Decides what an exporter is, and how an export is made: chosen detections, one file, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import core.export
from core.discovery import find_specs, spec_called
from core.disk import clear_left, keep_off, written_whole
from core.errors import InputError, UsageError
from core.export.document import ExportDocument, ExportItem, Frame, export_document, known_frames
from core.export.pictures import Pictures
from core.jobs import CancelToken, Progress, no_progress
from core.listing import listed_detections
from core.parameters import Parameter, resolve
from core.project import Project

Purpose = Literal["drive", "show", "exchange"]

SOURCES_SUFFIX = ".sources.json"
_NO_SETTINGS: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class ExporterSpec:
    """A file format to hand detections over in.

    Args:
        write: gets what is to be said, a path to create, and a value for each of `parameters`.
        purpose: to drive to them, to look at them, or to go on in another program.
        frames: in which frames it can say places, the usual one first.
        bytes_each: roughly, of each detection, with these values of its parameters; None where pictures aren't what counts.
        names_sources: whether the file itself says where all comes from; if not, a JSON file is written beside it.
    """

    id: str
    name: str
    suffix: str
    help: str
    write: Callable[[ExportDocument, Path, Mapping[str, Any]], None]
    purpose: Purpose
    frames: tuple[Frame, ...] = ("pixel",)
    parameters: tuple[Parameter, ...] = ()
    names_sources: bool = True
    bytes_each: Callable[[Mapping[str, Any]], float] | None = None


@cache
def exporters() -> tuple[ExporterSpec, ...]:
    """Every exporter there is."""
    return tuple(find_specs(core.export, "schliff.exporters"))


def find_exporter(format_id: str) -> ExporterSpec:
    """Raises UsageError for a format there isn't."""
    return spec_called(format_id, exporters(), "export format")


def usual_frame(project: Project, exporter: ExporterSpec, scans: Collection[str] = ()) -> Frame:
    """The one that is meant where nobody says: of a list to drive to the farthest on the way to the SEM that is known of all
    sections with these scans (none: all); else the first that the format can say."""
    wanted = {scan.section_id for scan in project.scans() if not scans or scan.id in scans}
    sections = [section for section in project.sections() if not wanted or section.id in wanted]
    known = [frame for frame in exporter.frames if all(frame in known_frames(project, one) for one in sections)]
    return known[-1] if known and exporter.purpose == "drive" else exporter.frames[0]


def export_detections(
    project: Project,
    format_id: str,
    out: str | Path,
    *,
    statuses: Collection[str] = (),
    scans: Collection[str] = (),
    on: Collection[int] = (),
    only: Collection[int] | None = None,
    frame: Frame | None = None,
    settings: Mapping[str, Any] = _NO_SETTINGS,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> int:
    """Writes what `listed_detections` gives of these statuses, scans and sections (none: all), `only` those with
    these ids (None: all); returns how many.

    `frame` None: the first one that the format can say. `settings`: of the format's parameters those that aren't the
    default. Raises UsageError (unknown format, status or setting, a frame the format can't say), InputError (a frame the
    sections don't have; a place inside a section; a section that can't be read where pictures of it are wanted),
    CancelledError, ResourceError (it can't be written; what was at `out` before is still there).
    """
    exporter, out = find_exporter(format_id), Path(out)
    frame = frame or exporter.frames[0]
    if frame not in exporter.frames:
        raise UsageError(
            f"{exporter.name} can't say places in the {frame} frame", remedy=f"Choose {', '.join(exporter.frames)}."
        )
    values = resolve(exporter.parameters, settings)
    for section in project.sections():
        keep_off(section.path, out)
    clear_left(out.parent)
    with Pictures(project, progress, cancel) as pictures:
        chosen = listed_detections(project, statuses=statuses, scans=scans, on=on, only=only)
        document = export_document(project, chosen, frame, pictures)
        _require(frame, document.items)
        with written_whole(out) as temporary:
            exporter.write(document, temporary, values)
    if not exporter.names_sources:
        with written_whole(out.with_name(out.name + SOURCES_SUFFIX)) as temporary:
            temporary.write_text(json.dumps(document.provenance, indent=1), "utf-8")
    return len(document.items)


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
