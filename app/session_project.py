"""Decides how the open section gets a project of its own when the first thing is to be kept: a scan, a drawing, a fiducial."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.jobs import Job
from app.session_opening import Opened
from core.errors import ResourceError, SchliffError

if TYPE_CHECKING:
    from app.session import Session
    from core.jobs import CancelToken
    from core.project import Project, SectionRecord
    from core.review import Review
    from core.section import Section

_making = threading.Lock()  # a scan and a drawing may want one at the same time


@dataclass(frozen=True)
class NewProject:
    """A project and the section's record in it."""

    project: Project
    record: SectionRecord
    review: Review


def make_project(section: Section, cancel: CancelToken | None = None) -> NewProject:
    """Makes or opens the section's own project; in any thread.

    Raises SchliffError where nothing can be written, CancelledError when nobody will take it any more.
    """
    from app.opening import project_home, user_project
    from core.project import Project
    from core.review import Review

    with _making:
        try:
            project = Project.open_or_create(project_home(section.info.path), hold=True)
        except ResourceError:  # the folder only looked writable
            project = Project.open_or_create(user_project(section.info.path), hold=True)
    try:
        record = project.add_section(section)
        if cancel is not None:
            cancel.check()
        return NewProject(project, record, Review(project))
    except BaseException:
        project.close()
        raise


class ProjectMaker(QObject):
    """Makes the project of the session's section when something is to be kept in it: once, whoever asks first.

    The session's `project_changed` follows, or `failed`, then the next who asks tries again.
    """

    failed = Signal(object)  # SchliffError

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._making: Job | None = None

    def want(self) -> None:
        """In the background."""
        section = self._session.section
        if self._making is not None or section is None:
            return
        job = self._making = Job(lambda progress, cancel: make_project(section, cancel), "Making a project")
        job.finished.connect(lambda made: self._made(job, made))
        job.failed.connect(lambda error: self._not_made(job, error))
        self._session.lanes.io.submit(job)

    def make_now(self) -> None:
        """Before it returns: the section is about to be left. Raises SchliffError."""
        session = self._session
        if session.project is None and session.section is not None:
            made = make_project(session.section)
            session.adopt_project(made.project, made.record, made.review)

    def forget(self) -> None:
        """What is being made is for a section that is left."""
        self._making = None

    def _made(self, job: Job, made: NewProject) -> None:
        session = self._session
        if job is not self._making or session.project is not None:
            session.opener.retire(Opened(None, made.project))
            session.opener.close_retired()
            return
        self._making = None
        session.adopt_project(made.project, made.record, made.review)
        session.message.emit("note", f"Project: {made.project.path}")  # the status bar shows it

    def _not_made(self, job: Job, error: Exception) -> None:
        if job is self._making:
            self._making = None
            if isinstance(error, SchliffError):
                self.failed.emit(error)
            else:
                self._session.report(error)
