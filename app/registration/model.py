"""Decides what the table of fiducials says of each and how its cells are edited: numbers with a point or a comma."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal

from app.registration.wording import UNIT_NAMES
from core.registration.fiducials import Fiducial, SemUnit
from core.registration.pasted import number_in
from core.registration.registration import Registration

NAME, X, Y, SEM_X, SEM_Y, RESIDUAL, LEFT_OUT, CHECK = range(8)
_FIELDS = {NAME: "name", X: "x_px", Y: "y_px", SEM_X: "sem_x", SEM_Y: "sem_y"}
_NONE = "–"
_TIPS = {
    X: "On the section, level-0 px",
    Y: "On the section, level-0 px",
    SEM_X: "On the SEM's stage",
    SEM_Y: "On the SEM's stage",
    RESIDUAL: "How far the fit puts it from where the SEM saw it",
    LEFT_OUT: "How far a fit to the others alone puts it from there; of a check point, what was predicted for it",
    CHECK: "A check point takes no part in the fit: its residual is the error that nobody could have tuned",
}
_Index = QModelIndex | QPersistentModelIndex
_SHOWN = Qt.ItemDataRole.DisplayRole


class FiducialsModel(QAbstractTableModel):
    """One row for each. `edited(row, values)` and `refused(why)` follow the user's hand."""

    edited = Signal(int, object)
    refused = Signal(str)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._fiducials: Sequence[Fiducial] = ()
        self._errors: dict[str, tuple[str, str]] = {}
        self._unit: SemUnit = "mm"

    def show_fiducials(self, fiducials: Sequence[Fiducial], fit: Registration | None, unit: SemUnit) -> None:
        """Rows that stay keep their selection."""
        if len(fiducials) != len(self._fiducials):
            self.beginResetModel()
            self._fiducials, self._errors, self._unit = fiducials, errors_of(fit), unit
            self.endResetModel()
            return
        self._fiducials, self._errors, self._unit = fiducials, errors_of(fit), unit
        if fiducials:
            self.dataChanged.emit(self.index(0, 0), self.index(len(fiducials) - 1, CHECK))
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, CHECK)

    # -- what Qt asks -----------------------------------------------------------------------------

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self._fiducials)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else CHECK + 1

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _SHOWN) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        unit = UNIT_NAMES[self._unit]
        names = ("Name", "x, px", "y, px", f"SEM x, {unit}", f"SEM y, {unit}", "Residual, µm", "Left out, µm", "Check")
        if role == _SHOWN:
            return names[section]
        return _TIPS.get(section) if role == Qt.ItemDataRole.ToolTipRole else None

    def data(self, index: _Index, role: int = _SHOWN) -> Any:
        if not index.isValid():
            return None
        one, column = self._fiducials[index.row()], index.column()
        if role == _SHOWN:
            return self._text(one, column)
        if role == Qt.ItemDataRole.EditRole and column in _FIELDS:
            return _as_typed(getattr(one, _FIELDS[column]))
        if role == Qt.ItemDataRole.CheckStateRole and column == CHECK:
            return Qt.CheckState.Checked if one.role == "check" else Qt.CheckState.Unchecked
        if role == Qt.ItemDataRole.TextAlignmentRole and NAME < column < CHECK:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return _TIPS.get(column) if role == Qt.ItemDataRole.ToolTipRole else None

    def setData(self, index: _Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        row, column = index.row(), index.column()
        if role == Qt.ItemDataRole.CheckStateRole and column == CHECK:
            is_check = Qt.CheckState(value) == Qt.CheckState.Checked
            self.edited.emit(row, {"role": "check" if is_check else "fiducial"})
            return True
        if role != Qt.ItemDataRole.EditRole or column not in _FIELDS:
            return False
        try:
            self.edited.emit(row, {_FIELDS[column]: _typed(column, str(value).strip())})
        except ValueError as error:
            self.refused.emit(f"{self._fiducials[row].name}: {error}.")
            return False
        return True

    def flags(self, index: _Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        if index.column() == CHECK:
            return flags | Qt.ItemFlag.ItemIsUserCheckable
        return flags | Qt.ItemFlag.ItemIsEditable if index.column() in _FIELDS else flags

    def _text(self, one: Fiducial, column: int) -> str | None:
        if column in (X, Y):
            return f"{getattr(one, _FIELDS[column]):,.2f}"
        if column in _FIELDS:
            return _as_typed(getattr(one, _FIELDS[column])) or _NONE
        if column == CHECK:
            return None
        return self._errors.get(one.name, (_NONE, _NONE))[column - RESIDUAL]


def errors_of(fit: Registration | None) -> dict[str, tuple[str, str]]:
    """By name: the residual, and that of the fit without it. Without degrees of freedom residuals say nothing."""
    if fit is None:
        return {}
    known = fit.rms_um is not None
    found = {one.name: (_um(one.um if known else None), _um(one.left_out_um)) for one in fit.residuals}
    return found | {one.name: (_um(one.error_um), _um(one.predicted_um)) for one in fit.checks}


def _um(value: float | None) -> str:
    return _NONE if value is None else f"{value:,.2f}"


def _as_typed(value: str | float | None) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else f"{value:.10g}"


def _typed(column: int, text: str) -> str | float | None:
    """Raises ValueError saying what is wrong with it. An emptied SEM cell: not seen yet."""
    if column == NAME:
        if not text:
            raise ValueError("a fiducial needs a name")
        return text
    return None if not text and column in (SEM_X, SEM_Y) else number_in(text)
