"""Decides what Qt's views see of the gallery: one row per shown detection, changed with as little upset as possible.

Which rows and in which order is decided by `app.gallery.arrangement`; how a row is drawn by `app.gallery.delegate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.gallery.arrangement import Arrangement, arrange
from app.scores import PROBABILITY, format_score
from core.class_colours import class_name
from core.detection import STATUS_NAMES, Detection

Index = QModelIndex | QPersistentModelIndex

DETECTION_ROLE = Qt.ItemDataRole.UserRole + 1

# Up to so many rows are taken out or put in one by one, so that the view keeps its place; beyond, it starts anew.
_FEW_ROWS = 64


class GalleryModel(QAbstractListModel):
    """The shown detections, arranged. `source_count` counts those before the arrangement's filter."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._source: Sequence[Detection] = ()
        self._shown: list[Detection] = []
        self._rows: dict[int, int] | None = {}
        self._reviewed: int | None = 0
        self._arrangement = Arrangement()
        self._score_unit = PROBABILITY

    # -- what is shown ----------------------------------------------------------------------------

    @property
    def arrangement(self) -> Arrangement:
        return self._arrangement

    @property
    def source_count(self) -> int:
        return len(self._source)

    @property
    def shown(self) -> Sequence[Detection]:
        """The rows, in order. Not to be changed."""
        return self._shown

    @property
    def reviewed_count(self) -> int:
        """How many of the rows somebody has judged."""
        if self._reviewed is None:
            self._reviewed = sum(map(_is_reviewed, self._shown))
        return self._reviewed

    def set_arrangement(self, arrangement: Arrangement) -> None:
        if arrangement != self._arrangement:
            self._arrangement = arrangement
            self._show(arrange(self._source, arrangement))

    def set_detections(self, detections: Sequence[Detection], score_unit: str = PROBABILITY) -> None:
        """Another set (or the same with other decisions), worst first."""
        self._source, self._score_unit = detections, score_unit
        self._show(arrange(detections, self._arrangement))

    def update_decisions(self, detections: Sequence[Detection], changed: Sequence[Detection]) -> None:
        """The same set, where only status and note of these are different."""
        arrangement = self._arrangement
        if arrangement.status is not None or arrangement.text.strip() or arrangement.sort == "status":
            self.set_detections(detections, self._score_unit)
            return
        self._source = detections
        rows = [(row, d) for d in changed if (row := self.row_of(d.id)) is not None]
        for row, detection in rows:
            if self._reviewed is not None:
                self._reviewed += _is_reviewed(detection) - _is_reviewed(self._shown[row])
            self._shown[row] = detection
        self._tell_changed(sorted(row for row, _ in rows))

    def detection(self, row: int) -> Detection | None:
        return self._shown[row] if 0 <= row < len(self._shown) else None

    def row_of(self, detection_id: int | None) -> int | None:
        """The row of a detection, None while it isn't shown."""
        if self._rows is None:
            self._rows = {detection.id: row for row, detection in enumerate(self._shown)}
        return None if detection_id is None else self._rows.get(detection_id)

    # -- Qt ---------------------------------------------------------------------------------------

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self._shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        detection = self.detection(index.row()) if index.isValid() else None
        if detection is None:
            return None
        if role == DETECTION_ROLE:
            return detection
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{class_name(detection.label)} {format_score(detection.score, self._score_unit)}"
        if role == Qt.ItemDataRole.AccessibleTextRole:
            status = STATUS_NAMES[detection.status]
            return f"{class_name(detection.label)}, score {format_score(detection.score, self._score_unit)}, {status}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tool_tip(detection)
        return None

    def _tool_tip(self, detection: Detection) -> str:
        unit = f" ({self._score_unit})" if self._score_unit else ""
        lines = [
            f"{class_name(detection.label)} #{detection.id}",
            f"Score {format_score(detection.score, self._score_unit)}{unit} by {detection.model}",
            f"Severity {detection.severity:.0f} of 100",
            STATUS_NAMES[detection.status],
        ]
        return "\n".join([*lines, detection.note] if detection.note else lines)

    # -- changing rows ----------------------------------------------------------------------------

    def _show(self, wanted: list[Detection]) -> None:
        self._reviewed = None
        old_ids, new_ids = [d.id for d in self._shown], [d.id for d in wanted]
        if old_ids == new_ids:
            self._replace_values(wanted)
        elif _few_moves(old_ids, new_ids):
            self._take_out(set(old_ids) - set(new_ids))
            self._put_in(wanted)
            self._replace_values(wanted)
        else:
            self.beginResetModel()
            self._shown, self._rows = wanted, None
            self.endResetModel()

    def _take_out(self, ids: set[int]) -> None:
        for row in [row for row, d in enumerate(self._shown) if d.id in ids][::-1]:
            self.beginRemoveRows(QModelIndex(), row, row)
            del self._shown[row]
            self._rows = None
            self.endRemoveRows()

    def _put_in(self, wanted: list[Detection]) -> None:
        present = {d.id for d in self._shown}
        for row, detection in enumerate(wanted):
            if detection.id not in present:
                self.beginInsertRows(QModelIndex(), row, row)
                self._shown.insert(row, detection)
                self._rows = None
                self.endInsertRows()

    def _replace_values(self, wanted: list[Detection]) -> None:
        pairs = enumerate(zip(self._shown, wanted, strict=True))
        changed = [row for row, (old, new) in pairs if old is not new and old != new]
        self._shown = wanted
        self._tell_changed(changed)

    def _tell_changed(self, rows: Sequence[int]) -> None:
        """`rows` ascending; many are told at once, with those between them."""
        if len(rows) > _FEW_ROWS:
            self.dataChanged.emit(self.index(rows[0]), self.index(rows[-1]))
            return
        for row in rows:
            self.dataChanged.emit(self.index(row), self.index(row))


def _is_reviewed(detection: Detection) -> bool:
    return detection.status != "unreviewed"


def _few_moves(old_ids: list[int], new_ids: list[int]) -> bool:
    """Whether a few rows come or go, the others keeping their order."""
    if not old_ids or not new_ids or abs(len(old_ids) - len(new_ids)) > _FEW_ROWS:
        return False
    old, new = set(old_ids), set(new_ids)
    if len(old ^ new) > _FEW_ROWS:
        return False
    return [i for i in old_ids if i in new] == [i for i in new_ids if i in old]
