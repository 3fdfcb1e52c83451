"""Decides what the list of scans says of each: section, model, state, time left, what it found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QByteArray,
    QMimeData,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
)

from app.scan_queue.runner import ScanRunner
from app.scan_queue.wording import found_text, progress_text, state_text, summary_text
from core.scan.options import ScanStep
from core.scan.queue import Entry
from core.timing import spoken_seconds

COLUMNS = ("Section", "Model", "State", "Time left", "Found")
STATE, TIME_LEFT = 2, 3
ENTRY_ROLE = Qt.ItemDataRole.UserRole
ROWS_MIME = "application/x-schliff-scans"
_Index = QModelIndex | QPersistentModelIndex
_SHOWN = Qt.ItemDataRole.DisplayRole


class ScansModel(QAbstractTableModel):
    """One row per scan, in the order in which they run. Rows can be dragged; where to is for the table."""

    def __init__(self, runner: ScanRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._entries = runner.queue.entries
        runner.changed.connect(self._follow)
        runner.progressed.connect(lambda step: self._follow())

    def entry(self, row: int) -> Entry:
        return self._entries[row]

    def rows_of(self, ids: Sequence[str]) -> list[int]:
        return [row for row, entry in enumerate(self._entries) if entry.id in ids]

    def text_of(self, rows: Sequence[int]) -> str:
        """Rows as a spreadsheet pastes them: cells apart by tabs, with a heading."""
        cells = [[self._text(self._entries[row], column) for column in range(len(COLUMNS))] for row in rows]
        return "\n".join("\t".join(line) for line in (COLUMNS, *cells))

    def _follow(self) -> None:
        """Rows that stay keep their selection."""
        before, now = self._entries, self._runner.queue.entries
        if [entry.id for entry in before] != [entry.id for entry in now]:
            self.beginResetModel()
            self._entries = now
            self.endResetModel()
            return
        self._entries = now
        for row, entry in enumerate(now):
            if entry is not before[row] or entry.state == "running":
                self.dataChanged.emit(self.index(row, 0), self.index(row, len(COLUMNS) - 1))

    # -- what Qt asks ------------------------------------------------------------------------------

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self._entries)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _SHOWN) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == _SHOWN and 0 <= section < len(COLUMNS):
            return COLUMNS[section]
        return None

    def data(self, index: _Index, role: int = _SHOWN) -> Any:
        if not index.isValid():
            return None
        entry = self._entries[index.row()]
        if role == _SHOWN:
            return self._text(entry, index.column())
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(entry, index.column())
        return entry if role == ENTRY_ROLE else None

    def flags(self, index: _Index) -> Qt.ItemFlag:
        """Rows are dropped between rows, never on one."""
        flags = super().flags(index)
        return flags | (Qt.ItemFlag.ItemIsDragEnabled if index.isValid() else Qt.ItemFlag.ItemIsDropEnabled)

    def supportedDropActions(self) -> Qt.DropAction:
        return Qt.DropAction.MoveAction

    def mimeTypes(self) -> list[str]:
        return [ROWS_MIME]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        data = QMimeData()
        ids = dict.fromkeys(self._entries[index.row()].id for index in indexes)
        data.setData(ROWS_MIME, QByteArray("\n".join(ids).encode()))
        return data

    # -- words -------------------------------------------------------------------------------------

    def _text(self, entry: Entry, column: int) -> str:
        runner = self._runner
        if column == 0:
            return entry.section.name
        if column == 1:
            return entry.model
        if column == STATE:
            return state_text(entry, held=runner.paused, stopping=runner.stopping)
        if column == TIME_LEFT:
            runs = entry.state == "running" and not runner.paused
            return spoken_seconds(runner.seconds_left) if runs and runner.seconds_left is not None else ""
        found = entry.summary.detections if entry.summary is not None else self._found_yet(entry)
        return "" if found is None else f"{found:,}"

    def _found_yet(self, entry: Entry) -> int | None:
        step = self._runner.step
        return step.found if entry.state == "running" and isinstance(step, ScanStep) else None

    def _tip(self, entry: Entry, column: int) -> str:
        runner = self._runner
        if column == 0:
            return f"{entry.section}\nGoes into {entry.request.project}"
        if entry.state == "running":
            return progress_text(runner.step, runner.seconds_left)
        if entry.summary is not None:
            found = found_text(entry.summary.detections)
            return f"{found} above the threshold\n{summary_text(entry.summary)}"
        return entry.error or self._text(entry, column)
