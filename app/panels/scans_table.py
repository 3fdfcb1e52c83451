"""Decides how the list of scans is shown and handled: a bar in the state's cell, rows moved by drag and by keys."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QPoint, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QDragMoveEvent, QDropEvent, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app.own_keys import keeps_key
from app.panels.fitted_table import FittedTable
from app.panels.scans_model import ENTRY_ROLE, ROWS_MIME, STATE, TIME_LEFT
from app.theme import RADIUS, SPACE, tokens
from core.scan.queue import Entry

_SHARES = (40, 30, 26, 16, 12)  # of the width, by column
_ROOM_FOR_ALL = 420  # px; a narrower list leaves out the time left, which the tool tip says too
_BAR_ALPHA = 70
_OWN_KEYS = (Qt.Key.Key_Delete, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Space)


class ScansTable(FittedTable):
    """`dropped(row)`: the selected rows were dropped before this one. `shifted(step)`: moved by a key, -1 is up."""

    dropped = Signal(int)
    shifted = Signal(int)
    delete_pressed = Signal()
    open_pressed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(_SHARES, TIME_LEFT, spare_from_px=_ROOM_FOR_ALL, parent=parent)
        self.setItemDelegateForColumn(STATE, _StateDelegate(self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setDragDropOverwriteMode(False)
        self.setDropIndicatorShown(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + SPACE)
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.horizontalHeader().setHighlightSections(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setAccessibleName("Scans")

    def event(self, event: QEvent) -> bool:
        return keeps_key(event, _OWN_KEYS) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, held = event.key(), event.modifiers()
        if held & Qt.KeyboardModifier.AltModifier and key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.shifted.emit(-1 if key == Qt.Key.Key_Up else 1)
        elif key == Qt.Key.Key_Delete:
            self.delete_pressed.emit()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.open_pressed.emit()
        else:
            super().keyPressEvent(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        super().dragMoveEvent(event)
        if event.mimeData().hasFormat(ROWS_MIME):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Nothing is moved by Qt: the queue is what decides about the order."""
        if event.mimeData().hasFormat(ROWS_MIME):
            self.dropped.emit(self._row_at(event.position().toPoint()))
        event.setDropAction(Qt.DropAction.IgnoreAction)
        event.accept()
        self.setState(QAbstractItemView.State.NoState)
        self.viewport().update()

    def _row_at(self, at: QPoint) -> int:
        """Before which row something dropped here comes; below the last one: after it."""
        row = self.rowAt(at.y())
        if row < 0:
            return self.model().rowCount()
        middle = self.rowViewportPosition(row) + self.rowHeight(row) / 2
        return row if at.y() < middle else row + 1


class _StateDelegate(QStyledItemDelegate):
    """How far a scan is, as a bar behind the words."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        entry = index.data(ENTRY_ROLE)
        if isinstance(entry, Entry) and entry.share and entry.state not in ("done", "failed"):
            self._paint_bar(painter, option, entry)
        super().paint(painter, option, index)

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        super().initStyleOption(option, index)
        entry = index.data(ENTRY_ROLE)
        if isinstance(entry, Entry) and entry.state == "failed" and not option.state & QStyle.StateFlag.State_Selected:
            option.palette.setColor(option.palette.ColorRole.Text, QColor(tokens().error))

    def _paint_bar(self, painter: QPainter, option: QStyleOptionViewItem, entry: Entry) -> None:
        colour = QColor(tokens().accent if entry.state == "running" else tokens().muted)
        colour.setAlpha(_BAR_ALPHA)
        room = QRectF(option.rect).adjusted(1, 3, -SPACE, -3)
        room.setWidth(max(2.0, room.width() * (entry.share or 0.0)))
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawRoundedRect(room, RADIUS / 2, RADIUS / 2)
        painter.restore()
