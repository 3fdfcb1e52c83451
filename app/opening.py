"""Decides how a path becomes an open section with its project, and where a section's project lies; runs in any thread.

A section's own project is NAME.schliff beside it; where that folder can't be written, one in the user's data folder.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from app.session_lease import LeasedSection
from app.session_opening import Opened
from app.session_state import SavedView
from core.errors import InputError, SchliffError
from core.jobs import CancelToken, Progress, Step
from core.look import Look
from core.section import Section
from core.userdirs import PROJECT_SUFFIX, data_dir

if TYPE_CHECKING:
    from core.project import Project, SectionRecord


def open_path(path: Path, progress: Progress, cancel: CancelToken) -> Opened:
    """A section file, an OME-Zarr folder or a project folder. Raises InputError."""
    path = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links out of the user's folder
    progress(Step(0, 0, f"Opening {path.name}…"))
    return _open_project(path, cancel) if _is_project(path) else _open_section_file(path, cancel)


def _is_project(path: Path) -> bool:
    if path.name.lower().endswith(PROJECT_SUFFIX):
        return True
    if not path.is_dir():
        return False
    from core.project import Project  # a file is shown sooner without it

    return Project.is_project(path)


def project_home(section_path: Path) -> Path:
    """Where the project of a section is, or will be made: beside it, else in the user's data folder."""
    beside, elsewhere = possible_homes(section_path)
    for existing in (beside, elsewhere):
        if existing.is_dir():
            return existing
    return beside if os.access(section_path.parent, os.W_OK) else elsewhere


def possible_homes(section_path: Path) -> tuple[Path, Path]:
    """Where the project of a section may be: beside it, in the user's data folder. Looks at no disk."""
    return section_path.with_name(_stem(section_path) + PROJECT_SUFFIX), user_project(section_path)


def _stem(path: Path) -> str:
    name = path.name
    for suffix in (".ome.tiff", ".ome.tif", ".ome.zarr"):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return path.stem


def user_project(section_path: Path) -> Path:
    """The project of a section whose own folder can't be written, in the user's data folder."""
    mark = hashlib.sha256(str(section_path).encode()).hexdigest()[:8]
    return data_dir() / "projects" / f"{_stem(section_path)}-{mark}{PROJECT_SUFFIX}"


def _open_section_file(path: Path, cancel: CancelToken) -> Opened:
    opened = Opened(open_to_look_at(path))
    home = project_home(path)
    try:
        cancel.check()
        if home.is_dir():
            _attach_own_project(opened, home)
        _fill(opened)
    except BaseException:
        opened.close()
        raise
    return opened


def _attach_own_project(opened: Opened, home: Path) -> None:
    """A damaged project must not keep its section from being looked at."""
    from core.project import Project

    assert opened.section is not None
    try:
        opened.project = Project.open(home, hold=True)
        known = len(opened.project.sections())
        opened.record = opened.project.add_section(opened.section)
        opened.warning = _what_to_know(opened.project, known)
    except SchliffError as error:
        if opened.project is not None:
            opened.project.close()
        opened.project = opened.record = None
        opened.warning = f"The section is open without its project. {error}"


def _what_to_know(project: Project, known: int | None = None) -> str:
    """What is out of the ordinary, "" for nothing; `known`: how many sections it had before this one was added."""
    if project.look_only is not None:
        return f"{project.path.name} can only be looked at: {project.look_only.what}. {project.look_only.remedy}"
    if known and len(project.sections()) > known:
        return (
            f"{project.path.name} holds results of another file, or of an older state of this one; they aren't shown"
            " over it. Open the project itself to see them."
        )
    return ""


def _open_project(path: Path, cancel: CancelToken) -> Opened:
    from core.project import Project

    project = Project.open(path, hold=True)
    opened = Opened(None, project, warning=_what_to_know(project))
    try:
        records = project.sections()
        if not records:
            raise InputError(
                "the project has no section yet", path=path, remedy="Open a section and scan it; its project fills."
            )
        last = project.get_state("section")
        opened.record = next((r for r in records if r.id == last), records[0])
        cancel.check()
        opened.section = _with_overviews(project.open_section_of(opened.record))
        _fill(opened)
    except BaseException:
        opened.close()
        raise
    return opened


def open_to_look_at(path: Path) -> Section:
    """A section by itself, whatever projects it is in. Raises InputError."""
    from core.readers.base import open_section

    return _with_overviews(open_section(path))


def _with_overviews(section: Section) -> Section:
    from app.settings import Settings
    from core.pyramid import OverviewCache, with_overviews

    cache = OverviewCache(limit_bytes=max(1, Settings().get("overview_cache_gb")) << 30)
    return LeasedSection(with_overviews(section, cache))


def _fill(opened: Opened) -> None:
    """Everything the project and the pixels tell, so that the window's thread only has to show it."""
    assert opened.section is not None
    if opened.project is not None and opened.record is not None:
        _take_project(opened, opened.project, opened.record)
    opened.look = _look(opened.section, opened.saved)


def _take_project(opened: Opened, project: Project, record: SectionRecord) -> None:
    from app.session_reading import read_scan
    from core.project.drawing_store import DrawingStore
    from core.review import Review

    opened.review = Review(project)
    opened.saved = SavedView.from_json(project.get_state(f"view:{record.id}"))
    shown = read_scan(project, record.id, opened.saved.scan_id)
    opened.scans, opened.scan = shown.scans, shown.scan
    opened.detections, opened.score_map = shown.detections, shown.score_map
    opened.drawings = DrawingStore(project).drawings(record.id)
    _take_fiducials(opened, project, record)
    _take_pictures(opened, project, record)


def _take_fiducials(opened: Opened, project: Project, record: SectionRecord) -> None:
    """Damaged ones must not keep their section from being looked at."""
    from core.project.registration_store import RegistrationStore

    try:
        opened.fiducials, opened.registration_kind = RegistrationStore(project).fiducials(record.id)
    except SchliffError as error:
        opened.warning = f"The section is open without its registration. {error}"


def _take_pictures(opened: Opened, project: Project, record: SectionRecord) -> None:
    """As fiducials."""
    from core.project.picture_store import PictureStore

    try:
        opened.pictures = PictureStore(project).pictures(record.id)
    except SchliffError as error:
        opened.warning = f"The section is open without the pictures over it. {error}"


def _look(section: Section, saved: SavedView) -> Look:
    from core.looks.auto import with_auto_curves

    return saved.look or with_auto_curves(section, [saved.plane], Look())
