"""Decides when a path is opened, in the IO lane, and when the section before it is closed.

What opening is, is for `app.opening`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from app.jobs import Job, Lane
from app.session_state import SavedView
from core.detection import Detection
from core.look import Look

if TYPE_CHECKING:
    from app.session import Session
    from core.drawing import Drawing
    from core.jobs import CancelToken, Progress
    from core.project import Project, ScanRecord, ScoreMap, SectionRecord
    from core.registration.fiducials import Fiducial
    from core.registration.laid_pictures import LaidPicture
    from core.registration.registration import RegistrationKind
    from core.review import Review
    from core.section import Section


@dataclass
class Opened:
    """An open section and all that is known of it, gathered outside the window's thread."""

    section: Section | None
    project: Project | None = None
    record: SectionRecord | None = None
    review: Review | None = None
    saved: SavedView = field(default_factory=SavedView)
    look: Look = field(default_factory=Look)
    scans: list[ScanRecord] = field(default_factory=list)
    scan: ScanRecord | None = None
    detections: Sequence[Detection] = ()
    score_map: ScoreMap | None = None
    drawings: list[Drawing] = field(default_factory=list)
    fiducials: list[Fiducial] = field(default_factory=list)
    registration_kind: RegistrationKind = "auto"
    pictures: list[LaidPicture] = field(default_factory=list)
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
        self._closing: list[list[Opened]] = []  # behind the work of those who use them

    @property
    def opening(self) -> bool:
        return self._job is not None

    def open(self, path: Path) -> None:
        session = self._session
        if self._job is not None:
            self._job.cancel()
        session.saving.behind()
        job = self._job = Job(lambda progress, cancel: _open(path, progress, cancel), f"Opening {path.name}")
        job.finished.connect(lambda opened: self._opened(job, opened, path))
        job.failed.connect(session.failed_to_open)
        job.progress.connect(lambda step: session.activity_changed.emit(step.message, step.done, step.total))
        job.ended.connect(lambda: self._ended(job))
        session.activity_changed.emit(f"Opening {path.name}…", 0, 0)
        session.run_io(job)

    def close_current(self) -> None:
        self._replace(None)

    def shut(self) -> None:
        """Closes every file, in the calling thread; the lanes have ended before."""
        self._retire()
        for items in (*self._closing, self._retired):
            _close_all(items)
        self._retired, self._closing = [], []

    def _opened(self, job: Job, opened: Opened, path: Path) -> None:
        if job is not self._job:
            self._retired.append(opened)
            self.close_retired()
            return
        self._replace(opened)
        warnings = [text for text in (opened.warning, _warning_of(opened.section)) if text]
        if warnings:
            self._session.message.emit("warning", " ".join(warnings))
        self._session.path_opened.emit(str(path))

    def _ended(self, job: Job) -> None:
        if job is self._job:
            self._job = None
            self._session.activity_changed.emit("", 0, 0)

    def _replace(self, opened: Opened | None) -> None:
        self._session.settle()
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
        """Closes what is open no more. A scan that runs has files of its own."""
        if not self._retired:
            return
        old, self._retired = self._retired, []
        lanes = self._session.lanes
        # Each behind the work of those who use it: overviews are built and pictures written from a section, lists are
        # exported from a project.
        behind = (lanes.copies, lanes.build) if lanes.copies.busy else (lanes.build,)
        self._close_behind(behind, [Opened(item.section) for item in old])
        self._close_behind((lanes.io,), [Opened(None, item.project) for item in old])

    def _close_behind(self, lanes: tuple[Lane, ...], items: list[Opened]) -> None:
        """Closes them in the last of these lanes, when its turn has come in the others."""
        self._closing = [waiting for waiting in self._closing if waiting is not items]
        if not lanes:
            return
        self._closing.append(items)
        lane, *others = lanes
        job = Job(lambda progress, cancel: None if others else _close_all(items), "Closing files")
        job.failed.connect(self._session.report)
        job.ended.connect(lambda: self._close_behind(tuple(others), items))
        lane.submit(job)


def _warning_of(section: Section | None) -> str:
    """What the reader has to say about a file, in one line."""
    told = section.info.warnings if section is not None else ()
    if section is None or not told:
        return ""
    more = "" if len(told) == 1 else f" (and {len(told) - 1} more: View ▸ Section info)"
    return f"{section.info.path.name}: {told[0]}{more}"


def _open(path: Path, progress: Progress, cancel: CancelToken) -> Opened:
    from app.opening import open_path  # loads what handles pixels, which the window's thread must not wait for

    return open_path(path, progress, cancel)


def _close_all(items: list[Opened]) -> None:
    for item in items:
        item.close()
