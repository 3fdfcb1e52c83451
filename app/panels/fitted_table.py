"""Decides how a table shares its width among its columns: never wider than there is room, so that none lies beyond the edge."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QTableView, QWidget

NARROWEST_PX = 24


class FittedTable(QTableView):
    """Columns by `shares` of the width, one number each; a column that the user widens takes from those after it.

    The column `spare` is left out while the table is narrower than `spare_from_px`.
    """

    def __init__(self, shares: Sequence[float], spare: int, spare_from_px: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shares = [float(share) for share in shares]
        self._spare, self._spare_from_px = spare, spare_from_px
        self._fitting = False
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWordWrap(False)
        header = self.horizontalHeader()
        header.setMinimumSectionSize(NARROWEST_PX)
        header.sectionResized.connect(self._resized_by_hand)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit()

    def fit(self) -> None:
        """Shares the present width; the widest column gives what the narrowest need and takes what rounding leaves."""
        header, width = self.horizontalHeader(), self.viewport().width()
        if self._fitting or header.count() != len(self._shares):
            return
        self._fitting = True
        self.setColumnHidden(self._spare, width < self._spare_from_px)
        shown = self._shown()
        whole = sum(self._shares[column] for column in shown)
        sizes = {column: max(NARROWEST_PX, int(width * self._shares[column] / whole)) for column in shown}
        sizes[max(shown, key=lambda column: sizes[column])] += width - sum(sizes.values())
        for column, size in sizes.items():
            header.resizeSection(column, size)
        self._fitting = False

    def _shown(self) -> list[int]:
        return [column for column in range(len(self._shares)) if not self.isColumnHidden(column)]

    def _resized_by_hand(self, column: int, before: int, now: int) -> None:
        """Those before it stay as they are; those after it share what is left."""
        if self._fitting or self.horizontalHeader().count() != len(self._shares):
            return
        shown = self._shown()
        later = [place for place in shown if place > column]
        room = self.viewport().width() - sum(self.columnWidth(place) for place in shown if place < column)
        kept = max(min(now, room - NARROWEST_PX * len(later)), NARROWEST_PX)
        whole = sum(self._shares[place] for place in later)
        for place in shown:
            if place > column:
                self._shares[place] *= (room - kept) / whole
            else:
                self._shares[place] = kept if place == column else self.columnWidth(place)
        self.fit()
