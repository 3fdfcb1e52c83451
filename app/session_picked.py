"""Decides which few detections are looked at by themselves: a short list that somebody asked for, in its own order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from core.detection import Detection

if TYPE_CHECKING:
    from app.session import Session
    from core.section import Array


@dataclass(frozen=True)
class Picked:
    """Detections of one scan, whatever they score. `hints`: by id, why it is among them."""

    title: str
    scan_id: str
    ids: tuple[int, ...]
    hints: Mapping[int, str] = field(default_factory=dict)


class Picking(QObject):
    """The short list of a session, if there is one. It goes when another scan is shown."""

    changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self.picked: Picked | None = None
        self._is_coming = False  # its scan, or the detections of that, aren't there yet
        self._shown_before = ""  # the scan that was left for it
        session.section_changed.connect(self.clear)
        session.scans_changed.connect(self._scan_changed)
        session.detections_changed.connect(self._begin)

    def show(self, picked: Picked) -> None:
        """Shows its scan, only these of it, and goes to the first."""
        scan = self._session.scan
        if self.picked is None or scan is None:
            self._shown_before = scan.id if scan is not None else ""
        self.picked, self._is_coming = picked, True
        if scan is None or scan.id != picked.scan_id:
            self._session.set_scan(picked.scan_id)
        self._begin()
        self.changed.emit()

    def leave(self) -> None:
        """Shows all detections again, of the scan that was shown before."""
        before, picked = self._shown_before, self.picked
        self.clear()
        if picked is not None and before not in ("", picked.scan_id):
            self._session.set_scan(before)

    def clear(self) -> None:
        if self.picked is not None:
            self.picked = None
            self.changed.emit()

    def detections(self) -> list[Detection]:
        """What the gallery shows: those that were picked, else all that are visible."""
        if self.picked is None:
            return self._session.visible_detections()
        return [found for one in self.picked.ids if (found := self._session.detection(one)) is not None]

    def rows(self) -> Array:
        """Of the session's table, what `detections` gives."""
        import numpy as np

        if self.picked is None:
            return self._session.visible_rows()
        rows = map(self._session.table.row, self.picked.ids)
        return np.array([row for row in rows if row is not None], np.int64)

    def hint(self, detection_id: int | None) -> str:
        return self.picked.hints.get(detection_id, "") if self.picked and detection_id is not None else ""

    def _scan_changed(self) -> None:
        if self.picked is None or self._is_coming:
            return
        if self._session.scan is None or self._session.scan.id != self.picked.scan_id:
            self.clear()

    def _begin(self) -> None:
        """Selects the first as soon as it is there."""
        here = self.detections() if self.picked is not None and self._is_coming else ()
        if here:
            self._is_coming = False
            self._session.select(here[0].id, "picked")
