"""Decides how truth and answers are set against each other in the window: a table whose cells show their pictures."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QBrush, QColor
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from app.theme import tokens
from core.evaluation.words import percent, spoken_label

_DEEPEST = 0.5  # alpha of a cell that holds all of its row


class ConfusionView(QTableWidget):
    """Rows are the truth, with recall at their end and precision below. `chosen(row, column)`: names of a cell's classes."""

    chosen = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[str] = []
        self._columns: list[str] = []
        self.setAccessibleName("Truth against answers")
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        for header in (self.horizontalHeader(), self.verticalHeader()):
            header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
            header.setHighlightSections(False)
        self.currentCellChanged.connect(lambda row, column, *_: self._pick(row, column))

    def show_confusion(self, confusion: dict[str, Any]) -> None:
        rows, columns, counts = confusion["rows"], confusion["columns"], confusion["counts"]
        self._rows, self._columns = [], []
        self.clear()
        self.setRowCount(len(rows) + 1)
        self.setColumnCount(len(columns) + 1)
        self.setVerticalHeaderLabels([*map(spoken_label, rows), "Precision"])
        self.setHorizontalHeaderLabels([*map(spoken_label, columns), "Recall"])
        for y, name in enumerate(rows):
            for x, column in enumerate(columns):
                self._put(y, x, f"{counts[y][x]:,}", counts[y][x] / max(sum(counts[y]), 1), name == column)
            right = counts[y][columns.index(name)] if name in columns and sum(counts[y]) else None
            self._put(y, len(columns), percent(None if right is None else right / sum(counts[y])))
        for x, column in enumerate(columns):
            called = sum(row[x] for row in counts)
            right = counts[rows.index(column)][x] if column in rows and called else None
            self._put(len(rows), x, percent(None if right is None else right / called))
        self._put(len(rows), len(columns), "")
        self._rows, self._columns = list(rows), list(columns)

    def _put(self, row: int, column: int, text: str, share: float | None = None, is_right: bool = False) -> None:
        item = QTableWidgetItem(text)
        item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if share is None:
            item.setFlags(Qt.ItemFlag.ItemIsEnabled)
            item.setForeground(QBrush(QColor(tokens().muted)))
        else:
            colour = QColor(tokens().accent if is_right else tokens().warning)
            colour.setAlphaF(_DEEPEST * share)
            item.setBackground(QBrush(colour))
        self.setItem(row, column, item)

    def _pick(self, row: int, column: int) -> None:
        if 0 <= row < len(self._rows) and 0 <= column < len(self._columns):
            self.chosen.emit(self._rows[row], self._columns[column])
