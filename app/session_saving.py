"""Decides when it is stored how the window was left, and what of the session that is (`app.session_state.SavedView`)."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer

from app.jobs import Job
from app.session_state import SavedView
from core.errors import SchliffError

if TYPE_CHECKING:
    from app.session import Session
    from core.project import Project

SAVE_AFTER_MS = 800


@dataclass(frozen=True)
class _Left:
    """How the window was left on one section; `threshold`: of which scan, where it was moved."""

    project: Project
    section_id: int
    view: dict[str, Any]
    threshold: tuple[str, float] | None

    def store(self) -> None:
        self.project.set_state(f"view:{self.section_id}", self.view)
        self.project.set_state("section", self.section_id)
        if self.threshold is not None:
            self.project.set_threshold(*self.threshold)


class Saving(QObject):
    """Of the open project; nothing where there is none, or where nothing can be stored in it."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._waiting: dict[Project, _Left] = {}
        self._lock = threading.Lock()  # of `_waiting`: nobody waits for a drive while it is held
        self._storing = threading.Lock()
        self._timer = QTimer(self, singleShot=True, interval=SAVE_AFTER_MS)
        self._timer.timeout.connect(self.behind)

    def soon(self) -> None:
        """Once the hand rests that changes it."""
        if self._session.project is not None:
            self._timer.start()

    def forget(self) -> None:
        """What waits to be stored is of a section that goes."""
        self._timer.stop()

    def now(self) -> None:
        """Before it returns; it may take as long as the drive does."""
        self._take()
        try:
            self._stored(self._store())
        except SchliffError as error:
            self._session.report(error)

    def behind(self) -> None:
        """In the IO lane: before whatever is read from the project, or closed, from now on."""
        if self._take():
            job = Job(lambda progress, cancel: self._store(), "Storing the view")
            job.finished.connect(self._stored)
            self._session.run_io(job)

    def _take(self) -> bool:
        """As it is at this moment; whether there is anything to be stored."""
        self._timer.stop()
        session = self._session
        if session.project is None or session.section_record is None or session.project.look_only is not None:
            return False
        saved = SavedView(
            view=session.view,
            scan_id=session.scan.id if session.scan else None,
            selected_id=session.selected_id,
            hidden_labels=session.hidden_labels,
            layers=session.layers,
            plane=session.plane,
            look=session.look,
            foreground=session.foreground.chosen,
        )
        moved = session.scan is not None and session.scan.threshold != session.threshold
        threshold = (session.scan.id, session.threshold) if session.scan is not None and moved else None
        with self._lock:
            self._waiting[session.project] = _Left(
                session.project, session.section_record.id, saved.to_json(), threshold
            )
        return True

    def _store(self) -> list[_Left]:
        """What was taken last of each project, in any thread; an earlier state never comes after a later one."""
        stored = []
        with self._storing:
            while (left := self._next()) is not None:
                left.store()
                stored.append(left)
        return stored

    def _next(self) -> _Left | None:
        with self._lock:
            return self._waiting.popitem()[1] if self._waiting else None

    def _stored(self, stored: list[_Left]) -> None:
        session = self._session
        for left in stored:
            if session.scan is not None and left.threshold is not None and left.threshold[0] == session.scan.id:
                session.scan = replace(session.scan, threshold=left.threshold[1])
