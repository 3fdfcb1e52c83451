"""Decides how all that is known of a section is shown: its facts, and everything its file says, searchable."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.jobs import Job
from app.session import Session
from app.theme import SPACE
from core.errors import SchliffError
from core.readers.details import Detail, as_text, details, search
from core.readers.facts import section_facts
from core.section import SectionInfo

_NAME_WIDTH = 260
_MOST_OPENED = 400  # rows that a search opens by itself
_MOST_BELOW_ONE = 2000  # rows


class SectionInfoDialog(QDialog):
    """A tree with a search line over it. What the file says is read in the background."""

    def __init__(self, parent: QWidget, session: Session, info: SectionInfo) -> None:
        super().__init__(parent)
        self._session, self._info = session, info
        self._root = self._shown = Detail(info.path.name, "", (_facts(info),))
        self._made = self._total = 0  # rows made, rows there could be
        self.setWindowTitle(f"Section info: {info.path.name}")
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search names and values")
        self.search.setAccessibleName("Search")
        self.search.setClearButtonEnabled(True)
        self.tree = QTreeWidget()
        self.count = QLabel()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.save = self.buttons.addButton("Save as text…", QDialogButtonBox.ButtonRole.ActionRole)
        self.copy = self.buttons.addButton("Copy", QDialogButtonBox.ButtonRole.ActionRole)
        self._lay_out()
        self._connect()
        self._fill()
        self._job = self._read()

    def _lay_out(self) -> None:
        self.tree.setHeaderLabels(["Name", "Value"])
        self.tree.setColumnWidth(0, _NAME_WIDTH)
        self.tree.setAlternatingRowColors(True)
        self.tree.setUniformRowHeights(True)
        self.tree.setStyleSheet("QTreeWidget::item { padding: 2px 0; }")
        self.tree.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.tree.setSelectionMode(QTreeWidget.SelectionMode.ExtendedSelection)
        self.tree.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.save.setToolTip("All of it, as a text file")
        for button in self.buttons.buttons():
            if isinstance(button, QPushButton):  # Enter in the search line presses none of them
                button.setAutoDefault(False)
                button.setDefault(False)
        self.copy.setToolTip("The chosen rows, or all that the search shows (Ctrl+C)")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setSpacing(SPACE)
        for widget in (self.search, self.tree, self.count, self.buttons):
            layout.addWidget(widget)
        self.resize(820, 640)

    def _connect(self) -> None:
        self.search.textChanged.connect(self._fill)
        self.tree.itemExpanded.connect(self._make_below)
        self.search.installEventFilter(self)
        self.tree.installEventFilter(self)
        self.tree.customContextMenuRequested.connect(self._menu)
        self.buttons.rejected.connect(self.reject)
        self.save.clicked.connect(self._save)
        self.copy.clicked.connect(self._copy)
        self.finished.connect(lambda: self._job.cancel())

    # -- what is shown ----------------------------------------------------------------------------

    def _read(self) -> Job:
        path = self._info.path
        self.count.setText("Reading the file's metadata…")
        job = Job(lambda progress, cancel: details(path, cancel), "Reading metadata")
        job.finished.connect(self._take)
        job.failed.connect(self._fill)
        return self._session.run_io(job)

    def _take(self, found: Detail) -> None:
        self._root = Detail(self._root.name, "", (self._root.children[0], *found.children))
        self._total = search(self._root, "")[1]
        self._fill()

    def _fill(self) -> None:
        """Rows are made when what they stand under is opened: a file may say tens of thousands of things."""
        text = self.search.text()
        self._shown, found = search(self._root, text)
        if self._shown is self._root:
            self._total = found
        self.count.setText(f"{found:,} of {self._total:,} entries" if text.strip() else f"{found:,} entries")
        self.tree.clear()
        self.tree.addTopLevelItems([_item(detail) for detail in self._shown.children])
        self._made = 0
        for item in _below(self.tree.invisibleRootItem()):
            self._open(item, all_of_it=bool(text.strip()))

    def _open(self, item: QTreeWidgetItem, all_of_it: bool) -> None:
        item.setExpanded(True)
        if all_of_it:
            for child in _below(item):
                if self._made < _MOST_OPENED:
                    self._open(child, all_of_it)

    def _make_below(self, item: QTreeWidgetItem) -> None:
        """The rows under one that is being opened."""
        detail: Detail = item.data(0, Qt.ItemDataRole.UserRole)
        if item.childCount() or not detail.children:
            return
        item.addChildren([_item(child) for child in detail.children[:_MOST_BELOW_ONE]])
        self._made += min(len(detail.children), _MOST_BELOW_ONE)
        if len(detail.children) > _MOST_BELOW_ONE:
            more = len(detail.children) - _MOST_BELOW_ONE
            item.addChild(_item(Detail(f"… and {more:,} more", "search to see them, or save all as text")))

    # -- taking it away ---------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if watched is self.tree and event.matches(QKeySequence.StandardKey.Copy):
                self._copy()
                return True
            if watched is self.search and event.key() == Qt.Key.Key_Down:
                self.tree.setFocus()
                return True
        return super().eventFilter(watched, event)

    def _copy(self) -> None:
        """The chosen rows, else all that are to be seen."""
        chosen = self.tree.selectedItems()
        text = "\n".join(_line(item) for item in chosen) if chosen else as_text(self._shown)
        QApplication.clipboard().setText(text)

    def _menu(self, position: QPoint) -> None:
        item = self.tree.itemAt(position)
        if item is not None:
            menu = QMenu(self)
            menu.addAction("Copy value", lambda: QApplication.clipboard().setText(item.text(1)))
            menu.addAction("Copy name and value", lambda: QApplication.clipboard().setText(_line(item)))
            menu.exec(self.tree.viewport().mapToGlobal(position))

    def _save(self) -> None:
        offered = self._info.path.with_name(f"{self._info.path.stem} metadata.txt")
        name, _ = QFileDialog.getSaveFileName(self, "Save metadata as text", str(offered), "Text (*.txt)")
        if not name:
            return
        from core.disk import written_whole

        try:
            with written_whole(Path(name)) as temporary:
                temporary.write_text(as_text(self._root), encoding="utf-8")
        except SchliffError as error:
            self._session.report(error)
            return
        self._session.message.emit("info", f"Metadata saved: {name}")


def _facts(info: SectionInfo) -> Detail:
    return Detail("Section", "", tuple(Detail(name.capitalize(), text) for name, text in section_facts(info)))


def _item(detail: Detail) -> QTreeWidgetItem:
    item = QTreeWidgetItem([detail.name, detail.value.replace("\n", " ")])
    item.setData(0, Qt.ItemDataRole.UserRole, detail)
    if len(detail.value) > 60:
        item.setToolTip(1, detail.value)
    if detail.children:
        item.setChildIndicatorPolicy(QTreeWidgetItem.ChildIndicatorPolicy.ShowIndicator)
    return item


def _line(item: QTreeWidgetItem) -> str:
    return f"{item.text(0)}: {item.text(1)}" if item.text(1) else item.text(0)


def _below(item: QTreeWidgetItem) -> list[QTreeWidgetItem]:
    return [child for index in range(item.childCount()) if (child := item.child(index)) is not None]
