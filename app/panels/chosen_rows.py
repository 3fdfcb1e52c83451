"""Decides how the rows chosen in a table and what is selected elsewhere follow each other, without answering themselves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, QObject, QSortFilterProxyModel, Signal
from PySide6.QtWidgets import QTableView

_ROW = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows


class ChosenRows(QObject):
    """Of a table that has its model. Rows are those of the model itself, however the table sorts them."""

    picked = Signal(object)  # the row that the user chose last; None: none is chosen any more
    changed = Signal()  # which rows are chosen, whoever chose them

    def __init__(self, table: QTableView, column: int = 0) -> None:
        super().__init__(table)
        self._table, self._column = table, column
        self._following = False
        table.selectionModel().selectionChanged.connect(self._selected)

    @property
    def rows(self) -> list[int]:
        """Those that are chosen, in the order they are listed."""
        listed = sorted(self._table.selectionModel().selectedRows(), key=lambda index: index.row())
        return [self._source(index).row() for index in listed]

    @contextmanager
    def filling(self) -> Iterator[None]:
        """While the model is filled anew nobody chooses anything."""
        before, self._following = self._following, True
        try:
            yield
        finally:
            self._following = before

    def follow(self, row: int | None) -> None:
        """What is selected elsewhere; among several that are chosen here, these stay chosen."""
        rows = self.rows
        if row is not None and row not in rows:
            index = self._shown(row)
            with self.filling():
                self._table.selectionModel().setCurrentIndex(index, _ROW)
            self._table.scrollTo(index)
        elif row is None and rows:
            with self.filling():
                self._table.clearSelection()
        self.changed.emit()

    def _selected(self, now: QItemSelection, before: QItemSelection) -> None:
        self.changed.emit()
        if self._following:
            return
        rows, current = self.rows, self._source(self._table.currentIndex()).row()
        self.picked.emit(current if current in rows else next(iter(rows), None))

    def _source(self, index: QModelIndex) -> QModelIndex:
        model = self._table.model()
        return model.mapToSource(index) if isinstance(model, QSortFilterProxyModel) else index

    def _shown(self, row: int) -> QModelIndex:
        model = self._table.model()
        if isinstance(model, QSortFilterProxyModel):
            return model.mapFromSource(model.sourceModel().index(row, self._column))
        return model.index(row, self._column)
