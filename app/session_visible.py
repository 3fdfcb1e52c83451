"""Decides which detections of the active scan are visible: at or above the threshold, of a class that isn't hidden."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.detection import Detection

if TYPE_CHECKING:
    from app.session import Session
    from core.section import Array


class Visible:
    """Found out when it is asked for, and kept until `forget`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._rows: Array | None = None
        self._detections: list[Detection] | None = None

    def forget(self) -> None:
        self._rows = self._detections = None

    def rows(self) -> Array:
        """Rows of the session's table, ascending; no threshold hides what a person drew."""
        if self._rows is None:
            import numpy as np

            session, table = self._session, self._session.table
            counts = (table.column("score") >= session.threshold) | table.column("is_drawn")
            self._rows = np.flatnonzero(counts & ~table.is_of(session.hidden_labels))
        return self._rows

    def detections(self) -> list[Detection]:
        if self._detections is None:
            found = self._session.detections
            self._detections = [found[row] for row in self.rows().tolist()] if found else []
        return self._detections

    def place(self, detection_id: int | None) -> int | None:
        """Where a detection stands among them; None where it isn't one of them."""
        row, rows = self._session.table.row(detection_id), self.rows()
        if row is None:
            return None
        place = int(rows.searchsorted(row))
        return place if place < len(rows) and rows[place] == row else None
