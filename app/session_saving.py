"""Decides when it is stored how the window was left, and what of the session that is (`app.session_state.SavedView`)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from app.session_state import SavedView
from core.errors import SchliffError

if TYPE_CHECKING:
    from app.session import Session

SAVE_AFTER_MS = 800


class Saving(QObject):
    """Of the open project; nothing where there is none, or where nothing can be stored in it."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._timer = QTimer(self, singleShot=True, interval=SAVE_AFTER_MS)
        self._timer.timeout.connect(self.now)

    def soon(self) -> None:
        """Once the hand rests that changes it."""
        if self._session.project is not None:
            self._timer.start()

    def forget(self) -> None:
        """What waits to be stored is of a section that goes."""
        self._timer.stop()

    def now(self) -> None:
        self._timer.stop()
        session = self._session
        if session.project is None or session.section_record is None or session.project.look_only is not None:
            return
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
        try:
            session.project.set_state(f"view:{session.section_record.id}", saved.to_json())
            session.project.set_state("section", session.section_record.id)
            if session.scan is not None and session.scan.threshold != session.threshold:
                session.project.set_threshold(session.scan.id, session.threshold)
                session.scan = replace(session.scan, threshold=session.threshold)
        except SchliffError as error:
            session.report(error)
