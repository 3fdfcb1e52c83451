"""Decides when a value that belongs to the open section is stored: at once, or as soon as there is a project.

A section without a project gets one. What can't be stored yet is kept and tried again, with the next change and from time to
time, so that a drive that was gone may come back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from core.errors import SchliffError

if TYPE_CHECKING:
    from app.session import Session
    from core.project import Project, SectionRecord

Store = Callable[["Project", "SectionRecord"], object]

AGAIN_MS = 5000


class Retry(QObject):
    """Tells once why something isn't saved, has it tried again until it is, and tells that. `what`: as in "The fiducials are"."""

    def __init__(self, session: Session, what: str, again: Callable[[], None]) -> None:
        super().__init__(session)
        self._session, self._what, self._told = session, what, ""
        self._timer = QTimer(self, singleShot=True, interval=AGAIN_MS)
        self._timer.timeout.connect(again)

    def failed(self, error: SchliffError) -> None:
        if str(error) != self._told:
            self._told = str(error)
            self._session.message.emit("error", f"{self._what} not saved yet. {error}")
        self._timer.start()

    def saved(self) -> None:
        if self._told:
            self._session.message.emit("info", f"{self._what} saved now.")
        self.forget()

    def lost(self, error: SchliffError) -> None:
        """Nobody will try again."""
        self.forget()
        self._session.message.emit("error", f"{self._what} lost. {error}")

    def forget(self) -> None:
        self._timer.stop()
        self._told = ""


class Keeper(QObject):
    """Stores one value of the session's section by `store`. `what` it is, as in "The fiducials are not saved yet"."""

    stored = Signal()  # what can be undone is another

    def __init__(self, session: Session, what: str, store: Store) -> None:
        super().__init__(session)
        self._session, self._store = session, store
        self._is_waiting = False
        self._retry = Retry(session, f"The {what} are", self._try)
        session.project_changed.connect(self._try)
        session.project_maker.failed.connect(self._not_saved)

    def keep(self) -> None:
        """The value has changed."""
        self._is_waiting = True
        self._try()

    def forget(self) -> None:
        """It is what is stored."""
        self._is_waiting = False
        self._retry.forget()

    def settle(self) -> None:
        """Stores what waits, now: the section is about to be left."""
        if not self._is_waiting:
            return
        try:
            self._session.project_maker.make_now()
            if self._is_waiting:
                self._store_now()
        except SchliffError as error:
            self._is_waiting = False
            self._retry.lost(error)

    def _try(self) -> None:
        if not self._is_waiting:
            return
        if self._session.project is None:
            self._session.project_maker.want()
            return
        try:
            self._store_now()
        except SchliffError as error:
            self._not_saved(error)

    def _store_now(self) -> None:
        record, project = self._session.section_record, self._session.project
        if record is not None and project is not None:
            self._store(project, record)
            self._is_waiting = False
            self._retry.saved()
            self.stored.emit()

    def _not_saved(self, error: SchliffError) -> None:
        if self._is_waiting:
            self._retry.failed(error)
