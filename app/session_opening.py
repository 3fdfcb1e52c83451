"""Decides how a path becomes an open section with its project, in the IO lane, and when the one before is closed.

A section's own project is NAME.schliff beside it; where that folder can't be written, one in the user's data folder.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from app.jobs import Job, Lane
from app.session_lease import LeasedSection
from app.session_reading import read_scan
from app.session_state import SavedView
from core.detection import Detection
from core.errors import InputError, SchliffError
from core.jobs import CancelToken, Progress, Step
from core.project import PROJECT_SUFFIX
from core.section import Section

if TYPE_CHECKING:
    from app.session import Session
    from core.display import DisplayRange
    from core.project import Project, ScanRecord, ScoreMap, SectionRecord
    from core.review import Review


@dataclass
class Opened:
    """An open section and all that is known of it, gathered outside the window's thread."""

    section: Section | None
    project: Project | None = None
    record: SectionRecord | None = None
    review: Review | None = None
    saved: SavedView = field(default_factory=SavedView)
    display_range: DisplayRange | None = None
    scans: list[ScanRecord] = field(default_factory=list)
    scan: ScanRecord | None = None
    detections: list[Detection] = field(default_factory=list)
    score_map: ScoreMap | None = None
    warning: str = ""

    def close(self) -> None:
        if self.section is not None:
            self.section.close()
        if self.project is not None:
            self.project.close()


class Opener:
    """Opens paths for the session; only the last one asked for is taken."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._job: Job | None = None
        self._retired: list[Opened] = []

    @property
    def opening(self) -> bool:
        return self._job is not None

    def open(self, path: Path) -> None:
        session = self._session
        if self._job is not None:
            self._job.cancel()
        session.save_state()
        job = self._job = Job(lambda progress, cancel: open_path(path, progress, cancel), f"Opening {path.name}")
        job.finished.connect(lambda opened: self._opened(job, opened, path))
        job.failed.connect(session.failed_to_open)
        job.progress.connect(lambda step: session.activity_changed.emit(step.message, step.done, step.total))
        job.ended.connect(lambda: self._ended(job))
        session.activity_changed.emit(f"Opening {path.name}…", 0, 0)
        session.run_io(job)

    def close_current(self) -> None:
        self._session.save_state()
        self._replace(None)

    def shut(self) -> None:
        """Closes every file, in the calling thread; the lanes have ended before."""
        self._retire()
        _close_all(self._retired)
        self._retired = []

    def _opened(self, job: Job, opened: Opened, path: Path) -> None:
        if job is not self._job:
            self._retired.append(opened)
            self.close_retired()
            return
        self._replace(opened)
        if opened.warning:
            self._session.message.emit("warning", opened.warning)
        self._session.path_opened.emit(str(path))

    def _ended(self, job: Job) -> None:
        if job is self._job:
            self._job = None
            self._session.activity_changed.emit("", 0, 0)

    def _replace(self, opened: Opened | None) -> None:
        if self._session.scanning:
            self._session.cancel_scan()
            self._session.message.emit("info", "The scan was paused; open its section again and scan to go on.")
        self._retire()
        self._session.adopt(opened)
        self.close_retired()

    def _retire(self) -> None:
        session = self._session
        self.retire(Opened(session.section, session.project))

    def retire(self, old: Opened) -> None:
        """Takes what is no longer shown, to close it when nothing uses it any more."""
        if old.section is not None or old.project is not None:
            self._retired.append(old)

    def close_retired(self) -> None:
        """Closes what is open no more, once no scan uses it; called again when a scan ends."""
        if self._session.scanning or not self._retired:
            return
        old, self._retired = self._retired, []
        lanes = self._session.lanes
        # Each in the lane of those who use it: overviews are built from a section, lists are exported from a project.
        self._close_in(lanes.build, [Opened(item.section) for item in old])
        self._close_in(lanes.io, [Opened(None, item.project) for item in old])

    def _close_in(self, lane: Lane, items: list[Opened]) -> None:
        job = Job(lambda progress, cancel: _close_all(items), "Closing files")
        job.failed.connect(self._session.report)
        lane.submit(job)


def _close_all(items: list[Opened]) -> None:
    for item in items:
        item.close()


def open_path(path: Path, progress: Progress, cancel: CancelToken) -> Opened:
    """A section file, an OME-Zarr folder or a project folder. Raises InputError."""
    from core.project import Project

    path = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links out of the user's folder
    progress(Step(0, 0, f"Opening {path.name}…"))
    if Project.is_project(path) or path.name.lower().endswith(PROJECT_SUFFIX):
        return _open_project(path, cancel)
    return _open_section_file(path, cancel)


def project_home(section_path: Path) -> Path:
    """Where the project of a section is, or will be made: beside it, else in the user's data folder."""
    beside = section_path.with_name(_stem(section_path) + PROJECT_SUFFIX)
    elsewhere = user_project(section_path)
    for existing in (beside, elsewhere):
        if existing.is_dir():
            return existing
    return beside if os.access(section_path.parent, os.W_OK) else elsewhere


def _stem(path: Path) -> str:
    name = path.name
    for suffix in (".ome.tiff", ".ome.tif", ".ome.zarr"):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return path.stem


def user_project(section_path: Path) -> Path:
    """The project of a section whose own folder can't be written, in the user's data folder."""
    from core.userdirs import data_dir

    mark = hashlib.sha256(str(section_path).encode()).hexdigest()[:8]
    return data_dir() / "projects" / f"{_stem(section_path)}-{mark}{PROJECT_SUFFIX}"


def _open_section_file(path: Path, cancel: CancelToken) -> Opened:
    from core.readers.base import open_section

    opened = Opened(_with_overviews(open_section(path)))
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
        opened.project = Project.open(home)
        opened.record = opened.project.add_section(opened.section)
    except SchliffError as error:
        if opened.project is not None:
            opened.project.close()
        opened.project = opened.record = None
        opened.warning = f"The section is open without its project. {error}"


def _open_project(path: Path, cancel: CancelToken) -> Opened:
    from core.project import Project

    project = Project.open(path)
    opened = Opened(None, project)
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


def _with_overviews(section: Section) -> Section:
    from core.pyramid import OverviewCache, with_overviews

    return LeasedSection(with_overviews(section, OverviewCache()))


def _fill(opened: Opened) -> None:
    """Everything the project and the pixels tell, so that the window's thread only has to show it."""
    from core.review import Review

    assert opened.section is not None
    if opened.project is not None and opened.record is not None:
        opened.review = Review(opened.project)
        opened.saved = SavedView.from_json(opened.project.get_state(f"view:{opened.record.id}"))
        shown = read_scan(opened.project, opened.record.id, opened.saved.scan_id)
        opened.scans, opened.scan = shown.scans, shown.scan
        opened.detections, opened.score_map = shown.detections, shown.score_map
    opened.display_range = _display_range(opened.section, opened.saved)


def _display_range(section: Section, saved: SavedView) -> DisplayRange:
    from core.display import DisplayRange, auto_range

    if saved.display_range is not None:
        return DisplayRange(*saved.display_range)
    return auto_range(section, saved.plane)
