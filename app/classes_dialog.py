"""Decides how the classes of a project are renamed, merged, coloured and added: a small table, stored as one step of undo."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QColorDialog,
    QDialog,
    QDialogButtonBox,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QInputDialog,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.gallery.badges import chip_icon
from app.layout import muted
from app.session import Session
from app.theme import SPACE
from core.class_colours import class_hex, class_name
from core.classes import ClassTable
from core.errors import UsageError

_WHAT = (
    "What models said and people decided stays as it was; it is read under the names given here, also what comes later. "
    "Two classes with one name are one."
)
_LABEL = Qt.ItemDataRole.UserRole
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class ClassesDialog(QDialog):
    """A line for each class: its colour, its name (a double click or F2 changes it), how many there are, what it was."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.table = session.classes.table
        self._said = list(
            dict.fromkeys((*(label for scan in session.scans for label in scan.labels), *session.classes.labels))
        )
        self.setWindowTitle("Classes")
        self.list = QTableWidget(0, 3)
        self.rename_button, self.merge_button = QPushButton("Rename"), QPushButton("Merge…")
        self.colour_button = QPushButton("Colour…")
        self.add_button, self.restore_button = QPushButton("Add…"), QPushButton("Restore")
        self.trouble = muted()
        self._lay_out()
        self._connect()
        self._fill()
        self.buttons.setFocus()  # else the first name is as good as being edited

    # -- what can be done ---------------------------------------------------------------------------

    def chosen(self) -> list[str]:
        """Labels of the selected lines."""
        rows = sorted({index.row() for index in self.list.selectedIndexes()})
        return [self._label(row) for row in rows]

    def rename(self, label: str, name: str) -> None:
        """Where there is one of that name already, the two become one."""
        self._change(lambda: self.table.renamed(label, name))

    def merge(self, labels: list[str], into: str) -> None:
        self._change(lambda: self.table.merged(labels, into))

    def colour(self, labels: list[str], colour: str | None) -> None:
        for label in labels:
            self._change(partial(self.table.coloured, label, colour))

    def add(self, name: str) -> None:
        self._change(lambda: self.table.with_class(name))

    def restore(self, labels: list[str]) -> None:
        """Calls what is called so now as it was said, with the usual colour."""
        for said in [said for said, now in self.table.called.items() if now in labels]:
            self.table = self.table.restored(said)
        self.colour(labels, None)

    def accept(self) -> None:
        self._session.classes.keep(self.table)
        super().accept()

    def _change(self, change: Callable[[], ClassTable]) -> None:
        try:
            self.table = change()
            self.trouble.setText("")
        except UsageError as error:
            self.trouble.setText(str(error))
        self._fill()

    # -- asking ---------------------------------------------------------------------------------------

    def _rename_chosen(self) -> None:
        """Where it stands in its line."""
        rows = {index.row() for index in self.list.selectedIndexes()}
        item = self.list.item(rows.pop(), 0) if len(rows) == 1 else None
        if item is None:
            self.trouble.setText("Select one class to rename it.")
            return
        self.list.setFocus()
        self.list.editItem(item)

    def _ask_merge(self) -> None:
        labels = self.chosen()
        if len(labels) < 2:
            self.trouble.setText("Select two or more classes to merge them (Ctrl and a click).")
            return
        names = [class_name(label) for label in labels]
        name, accepted = QInputDialog.getItem(self, "Merge", "They are one class now, called", names, 0, True)
        if accepted:
            self.merge(labels, labels[names.index(name)] if name in names else name)

    def _ask_colour(self) -> None:
        labels = self.chosen()
        if labels:
            now = self._colours()[labels[0]]
            colour = QColorDialog.getColor(QColor(now), self, "Colour")
            if colour.isValid():
                self.colour(labels, colour.name())

    def _ask_name(self) -> None:
        name, accepted = QInputDialog.getText(self, "Add a class", "Name")
        if accepted and name.strip():
            self.add(name)

    def _edited(self, item: QTableWidgetItem) -> None:
        label = item.data(_LABEL)
        if item.column() == 0 and label is not None and item.text() != class_name(label):
            self.rename(label, item.text())

    # -- showing --------------------------------------------------------------------------------------

    def _labels(self) -> tuple[str, ...]:
        return self.table.ordered(self._said)

    def _colours(self) -> dict[str, str]:
        """As they would be, whatever is stored so far."""
        return class_hex(self._labels(), self.table.colours)

    def _label(self, row: int) -> str:
        item = self.list.item(row, 0)
        assert item is not None
        return str(item.data(_LABEL))

    def _fill(self) -> None:
        """Numbers are of the shown scan, under the names as they stand here."""
        labels, colours = self._labels(), self._colours()
        before = self._session.classes.table
        counted = Counter(self.table.shown(one.label) for one in self._session.visible_detections())
        self.list.blockSignals(True)
        self.list.setRowCount(len(labels))
        for row, label in enumerate(labels):
            item = QTableWidgetItem(chip_icon(QColor(colours[label])), class_name(label))
            item.setData(_LABEL, label)
            self.list.setItem(row, 0, item)
            was = [said for said, now in self.table.called.items() if now == label and said != label]
            cells = (f"{counted[label]:,}", ", ".join(class_name(said) for said in was))
            for column, text in enumerate(cells, 1):
                cell = QTableWidgetItem(text)
                cell.setFlags(cell.flags() & ~Qt.ItemFlag.ItemIsEditable)
                cell.setTextAlignment(_RIGHT if column == 1 else _LEFT)
                self.list.setItem(row, column, cell)
        self.list.blockSignals(False)
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(self.table != before)

    def _lay_out(self) -> None:
        self.list.setHorizontalHeaderLabels(["Class", "Shown", "Said as"])
        self.list.setAccessibleName("Classes")
        self.list.verticalHeader().hide()
        self.list.setShowGrid(False)
        self.list.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setAlternatingRowColors(False)
        head = self.list.horizontalHeader()
        head.setDefaultAlignment(_LEFT)
        head.setHighlightSections(False)
        head.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        head.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        head.setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        self.rename_button.setToolTip("Another name for the selected class (F2)")
        self.merge_button.setToolTip("The selected classes become one")
        self.colour_button.setToolTip("A colour of its own, in this project")
        self.add_button.setToolTip("A class that no model knows, to choose when judging and drawing")
        self.restore_button.setToolTip("Its own name and its usual colour again")
        row = QHBoxLayout()
        row.setSpacing(SPACE)
        for button in (self.rename_button, self.merge_button, self.colour_button, self.add_button, self.restore_button):
            button.setAutoDefault(False)
            row.addWidget(button)
        row.addStretch(1)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setSpacing(SPACE)
        layout.addWidget(muted(_WHAT))
        layout.addWidget(self.list, 1)
        layout.addLayout(row)
        layout.addWidget(self.trouble)
        layout.addWidget(self.buttons)
        self.resize(520, 440)

    def _connect(self) -> None:
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.list.itemChanged.connect(self._edited)
        self.rename_button.clicked.connect(self._rename_chosen)
        self.merge_button.clicked.connect(self._ask_merge)
        self.colour_button.clicked.connect(self._ask_colour)
        self.add_button.clicked.connect(self._ask_name)
        self.restore_button.clicked.connect(lambda: self.restore(self.chosen()))
