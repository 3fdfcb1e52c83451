"""Decides how a project is read as labelled data: the decisions somebody made in it (`core.data.judged`), and nothing else."""

from __future__ import annotations

from pathlib import Path

from core.data.judged import judged_sections
from core.data.labelled import LabelledData, LabelledPicture
from core.data.reading import DataFormat
from core.errors import InputError
from core.project import Project, SectionRecord


def _read(path: Path) -> LabelledData:
    with Project.open(path) as project:
        pictures, moved, differing = [], [], 0
        for judged in judged_sections(project):
            differing += judged.differing
            place = _place_of(project, judged.record)
            if isinstance(place, InputError):
                moved.append(place)
                continue
            group, entered = judged.record.name, judged.record.entered_um
            pictures.append(LabelledPicture(place, judged.marks, group, judged.known(), judged.empty, entered))
    if moved:
        several = f"{len(moved)} sections with decisions can't be read; the first" if len(moved) > 1 else "its section"
        raise InputError(f"{several}: {moved[0]}", path=path, remedy=f"Sections may also lie beside {path.name}.")
    notes = (f"{differing} places judged differently on an earlier scan: the latest counts",) if differing else ()
    return LabelledData(path, SPEC.id, tuple(sorted(pictures, key=lambda p: p.path)), notes=notes)


def _place_of(project: Project, section: SectionRecord) -> Path | InputError:
    try:
        with project.open_section_of(section) as opened:
            return opened.info.path
    except InputError as error:
        return error


SPEC = DataFormat(
    id="project",
    name="Schliff project",
    hint="a project with reviewed detections",
    rank=0,
    recognises=Project.is_project,
    read=_read,
)
