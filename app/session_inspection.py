"""Decides which manual inspection the window knows of the open section, and when it is compared with what is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from app.jobs import Job
from core.errors import SchliffError

if TYPE_CHECKING:
    from app.session import Session
    from core.inspection import Comparison
    from core.inspection_csv import InspectedPlace, PlaceFrame, Unit
    from core.project.inspection_store import Inspection

COMPARE_AFTER_MS = 200  # once the hand that judges or moves the threshold rests
_DRAWN_SIDE_SHARE = 2.0  # of the tolerance: what was missed lies somewhere in the box


class InspectionControl(QObject):
    """What people found by eye on the open section, and how that compares with the scan that is shown."""

    changed = Signal()  # the inspection, or how it compares
    wanted = Signal(object)  # an InspectedPlace that somebody asked to see in the section

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self.inspection: Inspection | None = None
        self.comparison: Comparison | None = None
        self._asked = 0  # answers to earlier questions are dropped
        self._soon = QTimer(self, singleShot=True, interval=COMPARE_AFTER_MS)
        self._soon.timeout.connect(self._compare)
        for changes in (session.section_changed, session.project_changed):
            changes.connect(self.refresh)
        for changes in (session.detections_changed, session.visible_changed, session.decisions_changed):
            changes.connect(lambda *_: self._compare_soon())

    def refresh(self) -> None:
        """Reads again what is kept."""
        before, self.inspection = self.inspection, None
        project, record = self._session.project, self._session.section_record
        if project is not None and record is not None:
            from core.project.inspection_store import InspectionStore

            try:
                self.inspection = InspectionStore(project).get(record.id)
            except SchliffError as error:
                self._session.report(error)
        if self.inspection is not None or before is not None:
            self.comparison = None
            self.changed.emit()
            self._compare_soon()

    def import_file(self, path: Path, unit: Unit | None = None, frame: PlaceFrame | None = None) -> None:
        """Reads positions in the background and keeps them in place of those before."""
        from core.inspection import tolerance_in_px
        from core.inspection_csv import read_places
        from core.project.inspection_store import Inspection

        record = self._session.section_record
        if record is None:
            return
        job = Job(lambda progress, cancel: read_places(path, record, unit, frame), "Reading positions")
        tolerance = self.inspection.tolerance_px if self.inspection is not None else tolerance_in_px(record)
        job.finished.connect(lambda places: self.keep(Inspection(tuple(places), tolerance, path.name)))
        self._session.run_io(job)

    def set_tolerance(self, tolerance_px: float) -> None:
        if self.inspection is not None and tolerance_px != self.inspection.tolerance_px:
            self.keep(replace(self.inspection, tolerance_px=tolerance_px))

    def keep(self, inspection: Inspection | None) -> None:
        """Another inspection, or none; one step of undo."""
        from core.project.inspection_store import InspectionStore

        project, record = self._session.project, self._session.section_record
        if project is None or record is None:
            return
        try:
            InspectionStore(project).keep(record.id, inspection)
        except SchliffError as error:
            self._session.report(error)
        self.refresh()

    def draw_missed(self, places: Sequence[InspectedPlace]) -> int:
        """Makes drawn defects of positions that the scan missed, but for those that lie in one; one step of undo."""
        from core.inspection import drawings_of, not_drawn_yet
        from core.project.drawing_store import DrawingStore

        project, record, inspection = self._session.project, self._session.section_record, self.inspection
        if project is None or record is None or inspection is None:
            return 0
        try:
            new = not_drawn_yet(places, project.drawn(record.id))
            side = max(_DRAWN_SIDE_SHARE * inspection.tolerance_px, 1.0)
            if new:
                DrawingStore(project).add(record.id, drawings_of(new, side))
        except SchliffError as error:
            self._session.report(error)
            return 0
        self._session.drawings.read_again()
        return len(new)

    def _compare_soon(self) -> None:
        if self.inspection is not None:
            self._soon.start()

    def _compare(self) -> None:
        from core.inspection import compare

        session, inspection = self._session, self.inspection
        if session.project is None or session.scan is None or inspection is None:
            return
        project, scan = session.project, replace(session.scan, threshold=session.threshold)
        self._asked += 1
        asked = self._asked
        places, tolerance = inspection.places, inspection.tolerance_px
        job = Job(lambda progress, cancel: compare(project, scan, places, tolerance), "Comparing")
        job.finished.connect(lambda found: self._show(found) if asked == self._asked else None)
        session.run_io(job)

    def _show(self, found: Comparison) -> None:
        if self.inspection is not None:
            self.comparison = found
            self.changed.emit()
