"""Decides what the gallery knows beside the detections: chemistry and drawn regions; and the filters that somebody left on a
section, which come back with it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

from app.gallery.bar import ArrangementBar
from app.scores import PROBABILITY, score_text
from app.session import Session
from core.arrangement import Arrangement
from core.detection import Detection
from core.drawing import kind_name
from core.errors import SchliffError
from core.filters import Filters, Region
from core.sorting import Beside

SAVE_AFTER_MS = 800


class Knowledge(QObject):
    """`beside` is what sorting and filtering need; `changed` when it is another one."""

    changed = Signal()

    def __init__(self, session: Session, bar: ArrangementBar, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._bar = session, bar
        self.beside = Beside()
        self._save_timer = QTimer(self, singleShot=True, interval=SAVE_AFTER_MS)
        self._save_timer.timeout.connect(self._save)
        bar.arrangement_changed.connect(lambda _: self._save_timer.start())
        session.leaving.connect(self._save)
        session.section_changed.connect(self.section_changed)
        session.chemistry.changed.connect(self._chemistry_changed)
        session.calibration.changed.connect(self._chemistry_changed)
        session.scans_changed.connect(self._chemistry_changed)
        session.drawings.changed.connect(self._regions_changed)

    # -- words ------------------------------------------------------------------------------------

    def caption(self, arrangement: Arrangement) -> Callable[[Detection], str]:
        """What is said below a crop: the score, or what the crops are sorted by."""
        unit = self._session.scan.score_unit if self._session.scan else PROBABILITY
        if arrangement.sort == "element":
            return lambda d: self._amount(d, arrangement.of)
        return lambda d: score_text(d, unit)

    def _amount(self, detection: Detection, symbol: str) -> str:
        one = self.beside.compositions.get(detection.id)
        if one is None:
            return "not measured"
        return f"{symbol} {one.amounts[symbol]:.1f} {one.unit}" if symbol in one.amounts else f"no {symbol}"

    # -- following the session --------------------------------------------------------------------

    def section_changed(self) -> None:
        """Another section: its regions, and the filters that were left on it."""
        self._save_timer.stop()
        self._regions_changed()
        self._chemistry_changed()
        arrangement = self._bar.arrangement
        self._bar.set_arrangement(
            Arrangement(
                arrangement.sort,
                arrangement.of,
                arrangement.reverse,
                arrangement.grouped,
                Filters.from_json(self._left()),
            )
        )
        self._save_timer.stop()

    def _regions_changed(self) -> None:
        regions: dict[str, Region] = {}
        for drawing in self._session.drawings.items:
            if drawing.is_closed:
                name = drawing.name or f"{kind_name(drawing)} {abs(drawing.id)}"
                while name in regions:
                    name += "'"
                regions[name] = Region(name, drawing.outline)
        self._bar.set_regions(regions)

    def _chemistry_changed(self) -> None:
        section = self._session.section
        size = section.info.pixel_size_um if section is not None else None
        beside = Beside(size[0] if size is not None else None, self._session.chemistry.compositions)
        if beside != self.beside:
            self.beside = beside
            self._bar.set_elements(beside.elements)
            self.changed.emit()

    # -- what was left ------------------------------------------------------------------------------

    def _key(self) -> str:
        record = self._session.section_record
        return f"gallery:{record.id}" if record is not None else ""

    def _left(self) -> object:
        project = self._session.project
        try:
            return project.get_state(self._key()) if project is not None and self._key() else None
        except SchliffError:
            return None  # damaged: opening it has told so

    def _save(self) -> None:
        self._save_timer.stop()
        project = self._session.project
        wanted = self._bar.arrangement.filters.to_json()
        if project is None or not self._key() or wanted == (self._left() or {}):
            return
        try:
            project.set_state(self._key(), wanted)
        except SchliffError as error:
            self._session.report(error)
