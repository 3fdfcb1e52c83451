"""Decides how a pixel size that the user enters for the open section is shown at once, stored, and taken back.

A section without a project gets one; the pixel size goes into it with the section.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from core.errors import SchliffError

if TYPE_CHECKING:
    from app.session import Session
    from core.calibration import PixelSize


class CalibrationControl(QObject):
    """The pixel size of the session's section: the file's own, or one entered by hand."""

    changed = Signal()  # what a px measures: every length and area on the screen is another one

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        session.project_maker.failed.connect(self._not_saved)

    @property
    def by_hand(self) -> PixelSize | None:
        """None: the file's own counts."""
        from core.calibration import by_hand

        section = self._session.section
        return by_hand(section.info) if section is not None else None

    def set(self, by_hand: PixelSize | None) -> None:
        """None: what the file states counts again. One step of undo."""
        session = self._session
        if session.section is None or by_hand == self.by_hand:
            return
        record, project = session.section_record, session.project
        if record is None or project is None:
            self._show(by_hand)
            if by_hand is not None:
                session.project_maker.want()  # the section brings it along
            return
        from core.project.calibration_store import CalibrationStore

        try:
            CalibrationStore(project).keep(record.id, by_hand)
        except SchliffError as error:
            session.report(error)
            return
        self.refresh((record.id,))

    def refresh(self, section_ids: Collection[int]) -> None:
        """Reads again what the project says, as after undo."""
        session = self._session
        record, project = session.section_record, session.project
        if record is None or project is None:
            return
        if record.id not in section_ids:
            session.message.emit("info", "That was the scale of another section of this project.")
            return
        session.section_record = project.section(record.id)
        self._show(session.section_record.entered_um)

    def settle(self) -> None:
        """Stores what waits for its project, now: the section is about to be left."""
        if self._is_waiting:
            try:
                self._session.project_maker.make_now()
            except SchliffError as error:
                self._session.message.emit("error", f"The scale that was entered is lost. {error}")

    @property
    def _is_waiting(self) -> bool:
        return self._session.project is None and self.by_hand is not None

    def _show(self, by_hand: PixelSize | None) -> None:
        from core.calibration import calibrated

        section = self._session.section
        assert section is not None
        section.info = calibrated(section.info, by_hand)
        self.changed.emit()

    def _not_saved(self, error: SchliffError) -> None:
        if self._is_waiting:
            self._session.message.emit("error", f"The scale that was entered is not saved yet. {error}")
