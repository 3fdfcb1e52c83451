"""Decides how the window learns what other programs on this computer store in the open project, as a scan of the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.watch import Question, Watch

if TYPE_CHECKING:
    from app.session import Session


class Others(QObject):
    """Looks now and then, and has the scan that is shown read again. What a scan of this window stores is followed anyhow."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self.watch = Watch(self, session.lanes.io, "Looking for news", self._question, self._looked)
        session.section_changed.connect(self._begin)
        session.project_changed.connect(self._begin)

    def _begin(self) -> None:
        project = self._session.project
        if project is not None and project.look_only is None:  # else a copy is looked at, as it was
            self.watch.begin()
        else:
            self.watch.stop()

    def _question(self) -> Question | None:
        session = self._session
        if session.project is None or session.scanning or session.opener.opening:
            return None
        return session.project.database.has_news  # a drive that is gone is told when somebody wants something of it

    def _looked(self, has_news: bool) -> None:
        session = self._session
        if has_news and not session.scanning:
            session.set_scan(session.scan.id if session.scan is not None else None)
