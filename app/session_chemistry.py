"""Decides what the window knows of the chemistry in its project, when that is read, and how it is changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from core.errors import SchliffError

if TYPE_CHECKING:
    from app.session import Session
    from core.chemistry.composition import Composition

_RULES_KEY = "chemistry:rules"


class ChemistryControl(QObject):
    """The compositions of the session's project by detection, and the rules that propose classes."""

    changed = Signal()  # another project, or other compositions

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._read: Mapping[int, Composition] | None = None
        session.project_changed.connect(self._forget)
        session.scans_changed.connect(self._forget)  # chemistry goes along to the same finding of another scan

    @property
    def compositions(self) -> Mapping[int, Composition]:
        """By the detection's id. Read when somebody first asks; what can't be read is told once."""
        if self._read is None:
            self._read = self._stored()
        return self._read

    def of(self, detection_id: int | None) -> Composition | None:
        return None if detection_id is None else self.compositions.get(detection_id)

    def keep(self, compositions: Mapping[int, Composition | None]) -> None:
        """Puts compositions to detections (None: takes it away); one step of undo."""
        from core.project.composition_store import CompositionStore

        project = self._session.project
        if project is None:
            return
        try:
            CompositionStore(project).keep(compositions)
        except SchliffError as error:
            self._session.report(error)
            return
        self._forget()

    def refresh(self, ids: Collection[int]) -> None:
        """Reads again what undo or redo has changed, and selects the first of it."""
        self._forget()
        session = self._session
        shown = next((one for one in ids if session.detection(one) is not None), None)
        if shown is not None:
            session.select(shown, "keys")

    @property
    def rules(self) -> str:
        """As they were written, a line for each."""
        project = self._session.project
        try:
            stored = project.get_state(_RULES_KEY) if project is not None else None
        except SchliffError:
            return ""  # damaged: opening it has told so
        return stored if isinstance(stored, str) else ""

    def keep_rules(self, text: str) -> None:
        project = self._session.project
        if project is None or text == self.rules:
            return
        try:
            project.set_state(_RULES_KEY, text)
        except SchliffError as error:
            self._session.report(error)

    def _forget(self) -> None:
        self._read = None
        self.changed.emit()

    def _stored(self) -> Mapping[int, Composition]:
        project = self._session.project
        if project is None:
            return {}
        from core.project.composition_store import CompositionStore

        try:
            return CompositionStore(project).compositions()
        except SchliffError as error:
            self._session.report(error)
            return {}
