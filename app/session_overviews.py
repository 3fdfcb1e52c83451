"""Decides when overviews that a file lacks are built: in a lane of their own, as soon as its section is open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer

from app.jobs import Job
from core.section_info import Plane

if TYPE_CHECKING:
    from app.session import Session
    from core.pyramid import SectionWithOverviews
    from core.section import Section

BUILD_AFTER_MS = 5000  # if nobody says that there is a first picture
COARSEST_WITHOUT = 4  # downsample up to which a tile is computed from the file's full resolution in good time


class OverviewBuilder:
    """Builds for the plane that is looked at; `ready` tells whether there is anything to wait for."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._job: Job | None = None
        self._waiting: Job | None = None  # for the first picture, which reading everything would slow down
        self._built: tuple[Section | None, Plane] = (None, Plane())
        self.ready = True
        session.section_changed.connect(self._follow)
        session.display_changed.connect(self._follow)

    @property
    def coarsest(self) -> int | None:
        """The downsample beyond which tiles should not be asked for yet; None: no limit."""
        return None if self.ready else COARSEST_WITHOUT

    def stop(self) -> None:
        """Starts nothing any more; what runs is ended with its lane."""
        self._job = self._waiting = None

    def first_picture(self) -> None:
        """The whole section is on the screen in some form; now the building may begin."""
        if self._waiting is not None:
            self._submit(self._waiting)

    def _follow(self) -> None:
        from app.session_lease import LeasedSection
        from core.pyramid import SectionWithOverviews

        section, plane = self._session.section, self._session.plane
        if (section, plane) == self._built:
            return
        if self._job is not None:
            self._job.cancel()
            self._job = self._waiting = None
        self._built = (section, plane)
        inner = section.wrapped if isinstance(section, LeasedSection) else section
        self._set_ready(not isinstance(inner, SectionWithOverviews))
        if isinstance(inner, SectionWithOverviews):
            self._build(inner, plane)

    def _build(self, section: SectionWithOverviews, plane: Plane) -> None:
        session = self._session
        job = Job(lambda progress, cancel: section.build_overviews(plane, progress, cancel), "Building overviews")
        self._job = job
        job.progress.connect(lambda step: session.activity_changed.emit("Building overviews", step.done, step.total))
        job.finished.connect(lambda result: self._finished(job))
        job.failed.connect(lambda error: self._failed(job, error))
        self._waiting = job
        QTimer.singleShot(BUILD_AFTER_MS, session, lambda: self._submit(job))

    def _submit(self, job: Job) -> None:
        if job is self._waiting:
            self._waiting = None
            self._session.lanes.build.submit(job)

    def _finished(self, job: Job) -> None:
        if job is self._job:
            self._job = None
            self._session.activity_changed.emit("", 0, 0)
            self._set_ready(True)

    def _failed(self, job: Job, error: Exception) -> None:
        """Without overviews the section is still there, only slower when seen from afar."""
        if job is self._job:
            self._session.report(error)
            self._finished(job)

    def _set_ready(self, ready: bool) -> None:
        if ready != self.ready:
            self.ready = ready
            self._session.overviews_changed.emit(None)
