"""Decides when a value that belongs to the open section is stored: at once, or as soon as there is a project.

A section without a project gets one. What can't be stored yet is kept and stored with the next try.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from core.errors import SchliffError

if TYPE_CHECKING:
    from app.session import Session
    from core.project import Project, SectionRecord

Store = Callable[["Project", "SectionRecord"], object]


class Keeper(QObject):
    """Stores one value of the session's section by `store`. `what` it is, as in "The fiducials are not saved yet"."""

    stored = Signal()  # what can be undone is another

    def __init__(self, session: Session, what: str, store: Store) -> None:
        super().__init__(session)
        self._session, self._what, self._store = session, what, store
        self._is_waiting = False
        session.project_changed.connect(self._try)
        session.project_maker.failed.connect(self._not_saved)

    def keep(self) -> None:
        """The value has changed."""
        self._is_waiting = True
        self._try()

    def forget(self) -> None:
        """It is what is stored."""
        self._is_waiting = False

    def settle(self) -> None:
        """Stores what waits for its project, now: the section is about to be left."""
        if not self._is_waiting:
            return
        try:
            self._session.project_maker.make_now()
        except SchliffError as error:
            self._session.message.emit("error", f"The {self._what} are lost. {error}")

    def _try(self) -> None:
        if not self._is_waiting:
            return
        record, project = self._session.section_record, self._session.project
        if record is None or project is None:
            self._session.project_maker.want()
            return
        try:
            self._store(project, record)
        except SchliffError as error:
            self._not_saved(error)
            return
        self._is_waiting = False
        self.stored.emit()

    def _not_saved(self, error: SchliffError) -> None:
        if self._is_waiting:
            self._session.message.emit("error", f"The {self._what} are not saved yet. {error}")
