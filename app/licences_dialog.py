"""Decides how the licences are shown of all that Schliff consists of: a list of its parts, and the texts of the chosen one."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLineEdit,
    QPlainTextEdit,
    QSplitter,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.layout import muted
from app.theme import SPACE
from core.licences import Carried, carried

SIZE = (1100, 660)
_PART_WIDTH, _VERSION_WIDTH, _LIST_WIDTH = 180, 80, 420
_INTRODUCTION = (
    "Schliff is under the MIT licence. It stands on the work of others, each under a licence of its own. "
    "Qt and the parts under the LGPL are libraries of their own, which you may replace."
)


class LicencesDialog(QDialog):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Licences")
        self.search = QLineEdit(clearButtonEnabled=True, placeholderText="Search parts and licences")
        self.list, self.text = QTreeWidget(), QPlainTextEdit(readOnly=True)
        self._parts = carried()
        self._lay_out()
        self._fill()
        self.search.textChanged.connect(self._filter)
        self.list.currentItemChanged.connect(self._show)
        self.list.setCurrentIndex(self.list.model().index(0, 0))
        self.resize(*SIZE)

    def _fill(self) -> None:
        self.list.setHeaderLabels(["Part", "Version", "Licence"])
        self.list.setRootIsDecorated(False)
        self.list.setAccessibleName("Parts of Schliff")
        for number, part in enumerate(self._parts):
            item = QTreeWidgetItem(self.list, [part.name, part.version, part.licence])
            item.setData(0, Qt.ItemDataRole.UserRole, number)
            item.setToolTip(2, part.licence)
        self.list.setColumnWidth(0, _PART_WIDTH)
        self.list.setColumnWidth(1, _VERSION_WIDTH)

    def _filter(self, wanted: str) -> None:
        for row, part in enumerate(self._parts):
            self.list.setRowHidden(row, self.list.rootIndex(), not _matches(part, wanted))

    def _show(self, item: QTreeWidgetItem | None) -> None:
        if item is not None:
            self.text.setPlainText(self._parts[item.data(0, Qt.ItemDataRole.UserRole)].text())

    def _lay_out(self) -> None:
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setAccessibleName("Licence")
        both = QSplitter()
        both.setChildrenCollapsible(False)
        both.addWidget(self.list)
        both.addWidget(self.text)
        both.setSizes([_LIST_WIDTH, SIZE[0] - _LIST_WIDTH])
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setSpacing(SPACE)
        layout.addWidget(muted(_INTRODUCTION))
        layout.addWidget(self.search)
        layout.addWidget(both, 1)
        layout.addWidget(buttons)


def _matches(part: Carried, wanted: str) -> bool:
    return wanted.casefold() in f"{part.name} {part.licence}".casefold()
