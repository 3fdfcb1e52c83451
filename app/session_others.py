"""Decides how the window learns what other programs on this computer store in the open project, as a scan of the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from app.jobs import Job

if TYPE_CHECKING:
    from app.session import Session
    from core.project import Project

LOOK_MS = 5000


class Others(QObject):
    """Looks now and then, and has the scan that is shown read again. What a scan of this window stores is followed anyhow."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._looking: Job | None = None
        self.timer = QTimer(self, interval=LOOK_MS)
        self.timer.timeout.connect(self._look)
        session.section_changed.connect(self._begin)
        session.project_changed.connect(self._begin)

    def _begin(self) -> None:
        self._looking = None
        project = self._session.project
        if project is not None and project.look_only is None:  # else a copy is looked at, as it was
            self.timer.start()
        else:
            self.timer.stop()

    def _look(self) -> None:
        session, project = self._session, self._session.project
        if project is None or self._looking is not None or session.scanning or session.opener.opening:
            return
        # A drive that is gone is told when somebody wants something of it.
        job = self._looking = Job(lambda progress, cancel: project.database.has_news(), "Looking for news")
        job.finished.connect(lambda has_news: self._looked(project, has_news))
        job.ended.connect(lambda: self._ended(job))
        session.lanes.io.submit(job)

    def _looked(self, project: Project, has_news: bool) -> None:
        session = self._session
        if has_news and project is session.project and not session.scanning:
            session.set_scan(session.scan.id if session.scan is not None else None)

    def _ended(self, job: Job) -> None:
        if job is self._looking:
            self._looking = None
