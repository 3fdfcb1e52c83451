"""Decides what Qt's views see of the gallery: one row per shown detection, changed with as little upset as possible.

Which rows and in which order is decided by `core.arrangement`; how a row is drawn by `app.gallery.delegate`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, overload

import numpy as np
from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.scores import PROBABILITY, score_text
from core.arrangement import Arrangement, Group, arrange, groups_of
from core.class_colours import class_name
from core.detection import STATUS_NAMES, STATUSES, Detection
from core.detection_table import DetectionTable
from core.sorting import Beside

Array = np.ndarray
Index = QModelIndex | QPersistentModelIndex

DETECTION_ROLE = Qt.ItemDataRole.UserRole + 1

# Up to so many rows are taken out or put in one by one, so that the view keeps its place; beyond, it starts anew.
_FEW_ROWS = 64
_UNREVIEWED = STATUSES.index("unreviewed")


class Shown(Sequence[Detection]):
    """The detections of some rows of a table, in their order."""

    def __init__(self, table: DetectionTable, rows: Array) -> None:
        self._table, self._rows = table, rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, place: int) -> Detection: ...
    @overload
    def __getitem__(self, place: slice) -> list[Detection]: ...
    def __getitem__(self, place: int | slice) -> Detection | list[Detection]:
        if isinstance(place, slice):
            return [self._table[row] for row in self._rows[place].tolist()]
        return self._table[int(self._rows[place])]

    def __iter__(self) -> Iterator[Detection]:
        return (self._table[row] for row in self._rows.tolist())


class GalleryModel(QAbstractListModel):
    """The shown detections, arranged. `severity_words` says how a severity comes about, for the tool tip."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._table = DetectionTable()
        self._source = self._rows = np.empty(0, np.int64)
        self._places: Array | None = None
        self._groups: tuple[Group, ...] = ()
        self._arrangement = Arrangement()
        self._beside = Beside()
        self._score_unit = PROBABILITY
        self.severity_words: Callable[[Detection], str] = lambda d: f"Severity {d.severity:.0f} of 100"

    # -- what is shown ----------------------------------------------------------------------------

    @property
    def arrangement(self) -> Arrangement:
        return self._arrangement

    @property
    def source_count(self) -> int:
        """How many there are before the filter."""
        return len(self._source)

    @property
    def shown(self) -> Sequence[Detection]:
        """The rows, in order."""
        return Shown(self._table, self._rows)

    @property
    def groups(self) -> tuple[Group, ...]:
        return self._groups

    def reviewed_count(self, start: int = 0, stop: int | None = None) -> int:
        """How many of some rows (all of them, if none are said) somebody has judged."""
        return int((self._status(start, stop) != _UNREVIEWED).sum())

    def next_unreviewed(self, start: int) -> int | None:
        """The first row from `start` on, then from the top, that nobody has judged."""
        waiting = np.flatnonzero(self._status() == _UNREVIEWED)
        if not len(waiting):
            return None
        place = int(waiting.searchsorted(start))
        return int(waiting[place if place < len(waiting) else 0])

    def detection(self, row: int) -> Detection | None:
        return self._table[int(self._rows[row])] if 0 <= row < len(self._rows) else None

    def row_of(self, detection_id: int | None) -> int | None:
        """The row of a detection, None while it isn't shown."""
        row = self._table.row(detection_id)
        if row is None:
            return None
        if self._places is None:
            self._places = np.full(len(self._table), -1, np.int64)
            self._places[self._rows] = np.arange(len(self._rows))
        place = int(self._places[row])
        return place if place >= 0 else None

    def _status(self, start: int = 0, stop: int | None = None) -> Array:
        return self._table.column("status")[self._rows[start:stop]]

    # -- following --------------------------------------------------------------------------------

    def set_arrangement(self, arrangement: Arrangement) -> None:
        if arrangement != self._arrangement:
            grouped = arrangement.grouped != self._arrangement.grouped
            self._arrangement = arrangement
            self._show(self._table, self._arranged(), start_anew=grouped)

    def set_detections(
        self,
        detections: Iterable[Detection],
        rows: Array | None = None,
        score_unit: str = PROBABILITY,
        beside: Beside | None = None,
    ) -> None:
        """Another set (or the same with other decisions), worst first: all of a table, or some of its `rows`."""
        before, table = self._table, DetectionTable.of(detections)
        self._score_unit, self._beside = score_unit, beside or Beside()
        self._source = np.arange(len(table)) if rows is None else rows
        self._table = table
        wanted = self._arranged()
        self._table = before
        self._show(table, wanted)

    def update_decisions(self, table: DetectionTable, ids: Iterable[int]) -> None:
        """The same set, where only what was decided of these is different."""
        wanted, before, changed = self._arrangement, self._table, list(ids)
        rows = [row for row in map(table.row, changed) if row is not None]
        is_same = len(table) == len(before) and all(before[row].id == table[row].id for row in rows)
        relabelled = is_same and any(before[row].label != table[row].label for row in rows)
        if not is_same or wanted.follows_decisions or (relabelled and wanted.follows_classes):
            self.set_detections(table, self._source, self._score_unit, self._beside)
            return
        self._table = table
        self._tell_changed(sorted(row for row in map(self.row_of, changed) if row is not None))

    def _arranged(self) -> Array:
        return arrange(self._table, self._source, self._arrangement, self._beside)

    # -- Qt ---------------------------------------------------------------------------------------

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        detection = self.detection(index.row()) if index.isValid() else None
        if detection is None:
            return None
        if role == DETECTION_ROLE:
            return detection
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{class_name(detection.label)} {score_text(detection, self._score_unit)}"
        if role == Qt.ItemDataRole.AccessibleTextRole:
            status = STATUS_NAMES[detection.status]
            return f"{class_name(detection.label)}, score {score_text(detection, self._score_unit)}, {status}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tool_tip(detection)
        return None

    def _tool_tip(self, detection: Detection) -> str:
        unit = f" ({self._score_unit})" if self._score_unit else ""
        composition = self._beside.compositions.get(detection.id)
        by = f" by {detection.decided_by}" if detection.decided_by else ""
        lines = [
            f"{class_name(detection.label)} #{detection.id}",
            f"Score {score_text(detection, self._score_unit)}{unit} by {detection.model}",
            self.severity_words(detection),
            composition.text() if composition is not None else "",
            STATUS_NAMES[detection.status] + by,
            detection.note,
        ]
        return "\n".join(line for line in lines if line)

    # -- changing rows ----------------------------------------------------------------------------

    def _show(self, table: DetectionTable, rows: Array, *, start_anew: bool = False) -> None:
        """Puts these rows of a table in the place of those there are, told as what it comes to."""
        old, new = self._table.column("id")[self._rows], table.column("id")[rows]
        if not start_anew and np.array_equal(old, new):
            self._replace(table, rows)
        elif not start_anew and (moves := _few_moves(old, new)) is not None:
            for place in moves[0][::-1]:
                self.beginRemoveRows(QModelIndex(), place, place)
                self._set_rows(self._table, np.delete(self._rows, place))
                self.endRemoveRows()
            # Those that stay have the same places in both, so that their rows can be taken from the new table at once.
            self._set_rows(table, np.delete(rows, moves[1]))
            for place in moves[1]:
                self.beginInsertRows(QModelIndex(), place, place)
                self._set_rows(table, np.insert(self._rows, place, rows[place]))
                self.endInsertRows()
            self._replace(table, rows)
        else:
            self.beginResetModel()
            self._set_rows(table, rows)
            self.endResetModel()

    def _set_rows(self, table: DetectionTable, rows: Array) -> None:
        self._table, self._rows, self._places = table, rows, None
        self._groups = groups_of(table, rows) if self._arrangement.grouped else ()

    def _replace(self, table: DetectionTable, rows: Array) -> None:
        """The same detections in the same order, maybe with other values."""
        self._set_rows(table, rows)
        if len(rows):
            self.dataChanged.emit(self.index(0), self.index(len(rows) - 1))

    def _tell_changed(self, rows: Sequence[int]) -> None:
        """`rows` ascending; many are told at once, with those between them."""
        if len(rows) > _FEW_ROWS:
            self.dataChanged.emit(self.index(rows[0]), self.index(rows[-1]))
            return
        for row in rows:
            self.dataChanged.emit(self.index(row), self.index(row))


def _few_moves(old: Array, new: Array) -> tuple[list[int], list[int]] | None:
    """The places in the old ids that go and those in the new ones that come; None unless few do, the others keeping
    their order."""
    if not len(old) or not len(new) or abs(len(old) - len(new)) > _FEW_ROWS:
        return None
    stays_old, stays_new = np.isin(old, new), np.isin(new, old)
    if (~stays_old).sum() + (~stays_new).sum() > _FEW_ROWS or not np.array_equal(old[stays_old], new[stays_new]):
        return None
    return np.flatnonzero(~stays_old).tolist(), np.flatnonzero(~stays_new).tolist()
