"""Decides how bookmarked places are listed, gone to, named, put in order and removed."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.layout import muted
from app.own_keys import keeps_key
from app.session import Session
from app.theme import SPACE

_OWN_KEYS = (Qt.Key.Key_Delete, Qt.Key.Key_F2, Qt.Key.Key_Return, Qt.Key.Key_Enter)


class PlacesPanel(QWidget):
    """The bookmarks of the section. Double click flies to one, dragging changes their order."""

    fly_requested = Signal(object)  # ViewState
    add_requested = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._places = session.places
        self.empty = muted("No bookmark yet. Ctrl+B keeps the present view under a name.")
        self.list = _List()
        self.list.setAccessibleName("Bookmarks")
        self.add = _button("Add", "Bookmark the present view (Ctrl+B)")
        self.go = _button("Go", "Show the chosen place (Enter or double click)")
        self.rename = _button("Rename", "Give the chosen place another name (F2)")
        self.remove = _button("Remove", "Forget the chosen place (Del)")
        self.put_back = _button("Put back", "Bring back the place removed last")
        self._lay_out()
        self._connect()
        self._reload()

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE // 2)
        for button in (self.add, self.go, self.rename, self.remove):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE, SPACE, SPACE, SPACE)
        layout.setSpacing(SPACE)
        layout.addWidget(self.empty)
        layout.addWidget(self.list, 1)
        layout.addLayout(buttons)
        layout.addWidget(self.put_back)

    def _connect(self) -> None:
        self._places.changed.connect(self._reload)
        self.list.itemActivated.connect(lambda item: self._fly())
        self.list.itemChanged.connect(self._renamed)
        self.list.currentRowChanged.connect(self._enable)
        self.list.model().rowsMoved.connect(self._moved)
        self.list.remove_wanted.connect(self._remove)
        self.add.clicked.connect(self.add_requested)
        self.go.clicked.connect(self._fly)
        self.rename.clicked.connect(lambda: self.list.editItem(self.list.currentItem()))
        self.remove.clicked.connect(self._remove)
        self.put_back.clicked.connect(self._places.put_back)

    def _reload(self) -> None:
        row = self.list.currentRow()
        self.list.blockSignals(True)
        self.list.clear()
        for bookmark in self._places.bookmarks:
            item = QListWidgetItem(bookmark.name)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
            self.list.addItem(item)
        count = self.list.count()
        self.list.setCurrentRow(min(max(row, 0), count - 1))
        self.list.blockSignals(False)
        self.empty.setVisible(not count)
        self.put_back.setVisible(self._places.can_put_back)
        self._enable()

    def _enable(self) -> None:
        chosen = self.list.currentRow() >= 0
        for button in (self.go, self.rename, self.remove):
            button.setEnabled(chosen)

    def _fly(self) -> None:
        row = self.list.currentRow()
        if row >= 0:
            self.fly_requested.emit(self._places.bookmarks[row].view)

    def _remove(self) -> None:
        row = self.list.currentRow()
        if row >= 0:
            self._places.remove(row)

    def _renamed(self, item: QListWidgetItem) -> None:
        row = self.list.row(item)
        if item.text().strip():
            self._places.rename(row, item.text())
        else:
            item.setText(self._places.bookmarks[row].name)

    def _moved(self, parent: QModelIndex, start: int, end: int, to: QModelIndex, row: int) -> None:
        """Qt counts `row` while the moved one is still in its old place."""
        target = row - 1 if row > start else row
        self._places.move(start, target)
        self.list.setCurrentRow(target)


class _List(QListWidget):
    remove_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.setStyleSheet("QListWidget::item { padding: 4px; }")
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)

    def event(self, event: QEvent) -> bool:
        """Its own keys rather than what the window does with them."""
        return keeps_key(event, _OWN_KEYS) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete:
            self.remove_wanted.emit()
            return
        super().keyPressEvent(event)


def _button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    return button
