"""Decides when overviews that a file lacks are built: in a lane of their own, as soon as its section is open.

Before that, its quick overview is made sharper; while both go on, `session.overviews_changed` says where tiles are better.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer

from app.jobs import Job
from core.section_info import Plane

if TYPE_CHECKING:
    from app.session import Session
    from core.geometry import Box
    from core.jobs import CancelToken, Progress, Step
    from core.pyramid import SectionWithOverviews
    from core.section import Section

BUILD_AFTER_MS = 5000  # if nobody says that there is a first picture
TELL_EVERY_MS = 250  # what is finished in between is told together
LOOKS_S, LOOK_S = 1.5, 0.25  # so long the quick overview is made sharper before the building, in steps
BUILDING = "Building overviews"


class OverviewBuilder:
    """Builds for the plane that is looked at; `ready` tells whether there is anything to wait for."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._job: Job | None = None
        self._waiting: Job | None = None  # for the first picture, which reading everything would slow down
        self._built: tuple[Section | None, Plane] = (None, Plane())
        self._better: list[Box | None] = []
        self._teller = QTimer(session, singleShot=True, interval=TELL_EVERY_MS)
        self._teller.timeout.connect(self._tell)
        self.ready = True
        session.section_changed.connect(self._follow)
        session.display_changed.connect(self._follow)

    def cancel(self) -> None:
        """Stops building until the section is opened again; what is finished stays, and it goes on from there."""
        if self._job is not None:
            self._job.cancel()
            self._submit(self._job)  # a job that never ran has no ending

    def stop(self) -> None:
        """Starts nothing any more; what runs is ended with its lane."""
        self._job = self._waiting = None
        self._teller.stop()

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
            self._session.activity_changed.emit("", 0, 0)
        self._better.clear()
        self._built = (section, plane)
        inner = section.wrapped if isinstance(section, LeasedSection) else section
        self.ready = not isinstance(inner, SectionWithOverviews)
        if isinstance(inner, SectionWithOverviews):
            self._build(inner, plane)

    def _build(self, section: SectionWithOverviews, plane: Plane) -> None:
        job = Job(lambda progress, cancel: self._work(section, plane, job, progress, cancel), BUILDING)
        self._job = self._waiting = job
        text = _Text()
        job.progress.connect(lambda step: self._told(job, text, step))
        job.posted.connect(lambda box: self._note(job, box))
        job.finished.connect(lambda result: self._ended(job, ready=True))
        job.failed.connect(lambda error: self._failed(job, error))
        job.cancelled.connect(lambda: self._ended(job, ready=False))
        QTimer.singleShot(BUILD_AFTER_MS, self._session, lambda: self._submit(job))

    def _submit(self, job: Job) -> None:
        if job is self._waiting:
            self._waiting = None
            self._session.lanes.build.submit(job)

    def _focus(self) -> tuple[float, float] | None:
        view = self._session.view
        return (view.x_px, view.y_px) if view is not None else None

    def _work(
        self, section: SectionWithOverviews, plane: Plane, job: Job, progress: Progress, cancel: CancelToken
    ) -> None:
        """In the lane: a sharper quick overview first, then the overviews themselves."""
        until = time.monotonic() + LOOKS_S
        while time.monotonic() < until and not section.first_look_done(plane):
            cancel.check()
            section.first_look(plane, LOOK_S, self._focus())
            job.post(None)
        section.build_overviews(plane, progress, cancel, self._focus, job.post)

    def _told(self, job: Job, text: _Text, step: Step) -> None:
        """One that was cancelled tells its last steps when another section is shown already."""
        if job is self._job:
            self._session.activity_changed.emit(text.of(step), step.done, step.total)

    def _note(self, job: Job, box: Box | None) -> None:
        if job is self._job:
            self._better.append(box)
            if not self._teller.isActive():
                self._teller.start()

    def _tell(self) -> None:
        from core.geometry import bounding_box

        better, self._better = self._better, []
        boxes = [box for box in better if box is not None]
        if better:
            self._session.overviews_changed.emit(bounding_box(boxes) if len(boxes) == len(better) else None)

    def _ended(self, job: Job, *, ready: bool) -> None:
        if job is not self._job:
            return
        self._job = None
        self._session.activity_changed.emit("", 0, 0)
        self._better.clear()
        self.ready = ready
        self._session.overviews_changed.emit(None)

    def _failed(self, job: Job, error: Exception) -> None:
        """Without overviews the section is still there, only slower when seen from afar."""
        if job is self._job:
            self._session.report(error)
            self._ended(job, ready=True)


class _Text:
    """What the status bar says while overviews are built."""

    def __init__(self) -> None:
        from core.timing import TimeLeft

        self._time_left = TimeLeft()

    def of(self, step: Step) -> str:
        from core.timing import spoken_seconds

        left = self._time_left.update(step)
        return BUILDING if left is None else f"{BUILDING}  about {spoken_seconds(left)} left"
