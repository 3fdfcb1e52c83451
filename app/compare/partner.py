"""Decides how the second section of a comparison is opened and let go, and that what it lacks is built behind it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.jobs import Job
from app.session_opening import Opened
from core.look import Look
from core.section_info import Plane

if TYPE_CHECKING:
    from app.session import Session
    from core.section import Section


@dataclass(frozen=True)
class Beside:
    """A section that was opened for the comparison alone."""

    section: Section
    look: Look


class Partner(QObject):
    """Opens one at a time, in the IO lane; only the last one asked for is kept."""

    opened = Signal(object)  # Beside
    sharper = Signal(object)  # Box in level-0 px where coarse tiles are better now; None: everywhere

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._opening: Job | None = None
        self._building: Job | None = None
        self._beside: Beside | None = None

    def open(self, path: Path) -> None:
        """`opened` follows, or an error message."""
        if self._opening is not None:
            self._opening.cancel()
        job = self._opening = Job(lambda progress, cancel: _open(path), f"Opening {path.name}")
        job.finished.connect(lambda beside: self._take(job, beside))
        job.ended.connect(lambda: self._session.activity_changed.emit("", 0, 0))
        self._session.activity_changed.emit(f"Opening {path.name}…", 0, 0)
        self._session.run_io(job)

    def let_go(self, *, at_once: bool = False) -> None:
        """Closes what is open, when nothing reads it any more. `at_once`: the session closes it, as it ends itself."""
        self._opening = None
        if self._building is not None:
            self._building.cancel()
            self._building = None
        if self._beside is not None:
            self._close(self._beside, at_once)
            self._beside = None

    def _take(self, job: Job, beside: Beside) -> None:
        if job is not self._opening:
            self._close(beside)
            return
        self.let_go()
        self._beside = beside
        self._build(beside.section)
        self.opened.emit(beside)

    def _close(self, beside: Beside, at_once: bool = False) -> None:
        opener = self._session.opener
        opener.retire(Opened(beside.section))
        if not at_once:
            opener.close_retired()

    def _build(self, section: Section) -> None:
        from app.session_lease import LeasedSection
        from core.pyramid import SectionWithOverviews

        inner = section.wrapped if isinstance(section, LeasedSection) else section
        if not isinstance(inner, SectionWithOverviews):
            return
        job = Job(
            lambda progress, cancel: inner.build_overviews(Plane(), progress, cancel, changed=job.post),
            "Building overviews",
        )
        self._building = job
        job.posted.connect(self.sharper)
        job.finished.connect(lambda result: self.sharper.emit(None))
        job.failed.connect(self._session.report)
        self._session.lanes.build.submit(job)


def _open(path: Path) -> Beside:
    from app.opening import open_to_look_at
    from core.looks.auto import with_auto_curves

    section = open_to_look_at(path)
    try:
        return Beside(section, with_auto_curves(section, [Plane()], Look()))
    except BaseException:
        section.close()
        raise
