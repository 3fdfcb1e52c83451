"""Decides what the list of drawings says of each: name, kind, main measure, a second one, class and note."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal

from app.icons import icon
from app.measure_text import angle_text, main_text, size_text
from core.drawing import Drawing, kind_name
from core.measure import PixelSize, measure

COLUMNS = ("Name", "Kind", "Measure", "More", "Class", "Note")
MEASURE, MORE = 2, 3
_EDITABLE = {0: "name", 4: "label", 5: "note"}
_ICONS = {"box": "draw-box", "area": "outline"}
_Index = QModelIndex | QPersistentModelIndex
_SHOWN = Qt.ItemDataRole.DisplayRole
SORT_ROLE = Qt.ItemDataRole.UserRole


class DrawingsModel(QAbstractTableModel):
    """One row per drawing, in the order they were made. `edited(Drawing)` follows the user's hand."""

    edited = Signal(object)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._drawings: list[Drawing] = []
        self._cells: list[tuple[str, ...]] = []
        self._pixel_size: PixelSize | None = None

    def set_drawings(self, drawings: Sequence[Drawing], pixel_size_um: PixelSize | None) -> None:
        """Rows that stay keep their selection: only what differs is told."""
        fresh = list(drawings)
        same_size = pixel_size_um == self._pixel_size
        self._pixel_size = pixel_size_um
        known = {id(d): c for d, c in zip(self._drawings, self._cells, strict=True)} if same_size else {}
        if [d.id for d in fresh] != [d.id for d in self._drawings] or not same_size:
            self.beginResetModel()
            self._cells = [known.get(id(d)) or self._row(d) for d in fresh]
            self._drawings = fresh
            self.endResetModel()
            return
        for row, (old, new) in enumerate(zip(self._drawings, fresh, strict=True)):
            if old is not new:
                self._drawings[row], self._cells[row] = new, self._row(new)
                self.dataChanged.emit(self.index(row, 0), self.index(row, len(COLUMNS) - 1))

    def drawing(self, row: int) -> Drawing:
        return self._drawings[row]

    def row_of(self, drawing_id: int | None) -> int | None:
        return next((row for row, d in enumerate(self._drawings) if d.id == drawing_id), None)

    def text_of(self, rows: Sequence[int]) -> str:
        """Rows as a spreadsheet pastes them: cells apart by tabs, with a heading."""
        return "\n".join("\t".join(cells) for cells in (COLUMNS, *(self._cells[row] for row in rows)))

    # -- what Qt asks -----------------------------------------------------------------------------

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self._drawings)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _SHOWN) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == _SHOWN and 0 <= section < len(COLUMNS):
            return COLUMNS[section]
        return None

    def data(self, index: _Index, role: int = _SHOWN) -> Any:
        if not index.isValid():
            return None
        drawing, column = self._drawings[index.row()], index.column()
        if role in (_SHOWN, Qt.ItemDataRole.ToolTipRole):
            return self._cells[index.row()][column] + (
                self._told_besides(index.row(), column) if role != _SHOWN else ""
            )
        if role == Qt.ItemDataRole.EditRole:
            return getattr(drawing, _EDITABLE[column]) if column in _EDITABLE else None
        if role == Qt.ItemDataRole.DecorationRole and column == 0:
            return icon("angle" if drawing.is_angle else _ICONS.get(drawing.kind, drawing.kind))
        if role == SORT_ROLE:
            return self._sort_value(drawing, index.row(), column)
        return None

    def _told_besides(self, row: int, column: int) -> str:
        """What a tool tip adds to a cell's text."""
        more = self._cells[row][MORE]
        unsaved = " (not saved yet)" if self._drawings[row].id < 0 else ""
        return (f", {more}" if column == MEASURE and more else "") + unsaved

    def setData(self, index: _Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if role != Qt.ItemDataRole.EditRole or index.column() not in _EDITABLE:
            return False
        drawing, text = self._drawings[index.row()], str(value).strip()
        changed = replace(drawing, **{_EDITABLE[index.column()]: text})  # type: ignore[arg-type]  # all of them are texts
        if changed != drawing:
            self.edited.emit(changed)
        return True

    def flags(self, index: _Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsEditable if index.column() in _EDITABLE else flags

    def _row(self, drawing: Drawing) -> tuple[str, ...]:
        found = measure(drawing, self._pixel_size)
        more = size_text(found)
        if not more and found.length_px is not None and found.angle_deg is not None:
            more = angle_text(found.angle_deg)
        if drawing.kind == "point":
            more = f"{drawing.points[0][0]:.1f}, {drawing.points[0][1]:.1f} px"
        return drawing.name or "–", kind_name(drawing), main_text(found) or "–", more, drawing.label, drawing.note

    def _sort_value(self, drawing: Drawing, row: int, column: int) -> Any:
        if column != MEASURE:
            return self._cells[row][column].casefold()
        found = measure(drawing, None)
        return found.area_px or found.length_px or found.angle_deg or 0.0
