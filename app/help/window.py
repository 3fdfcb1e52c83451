"""Decides how the pages are read: a list of them, the page, back and forward, and a search in the page."""

from __future__ import annotations

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QFont, QKeySequence, QShortcut, QTextCursor, QTextDocument
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLineEdit,
    QSplitter,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.help.pages import SECTIONS, TUTORIAL, known
from app.help.reader import PageView
from app.layout import tool_button
from app.theme import SPACE

SIZE = (980, 720)
_LIST_WIDTH = 220


class HelpWindow(QDialog):
    """Stays open beside the window while somebody does what a page says."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Schliff: help")
        self.list, self.view = QTreeWidget(), PageView()
        self.search = QLineEdit(clearButtonEnabled=True, placeholderText="Search in this page")
        self.back_button = tool_button("back", "Back (Alt+Left)", self.back)
        self.forward_button = tool_button("forward", "Forward (Alt+Right)", self.forward)
        self._been: list[tuple[str, int]] = []  # pages, and how far each was scrolled when it was left
        self._at = -1
        self._fill()
        self._lay_out()
        self._connect()
        self.resize(*SIZE)
        self.view.setFocus()

    # -- reading ----------------------------------------------------------------------------------

    def open_page(self, name: str = TUTORIAL.name, heading: str = "") -> None:
        """Goes to a page. Raises ResourceError when this installation has no pages."""
        self._leave()
        self.view.show_page(name, heading)
        if not self._been or self._been[self._at][0] != name:
            del self._been[self._at + 1 :]
            self._been.append((name, 0))
            self._at = len(self._been) - 1
        self._follow()

    def follow(self, url: QUrl) -> None:
        """A link: another page, a heading, or something outside, which the system opens."""
        file, heading = url.path().rpartition("/")[2], url.fragment()
        if url.scheme() in ("http", "https"):
            QDesktopServices.openUrl(url)
        elif not file:
            self.view.show_heading(heading)
        elif file.endswith(".md") and known(file.removesuffix(".md")):
            self.open_page(file.removesuffix(".md"), heading)

    def back(self) -> None:
        self._go(self._at - 1)

    def forward(self) -> None:
        self._go(self._at + 1)

    def find_next(self) -> None:
        """The next place with the text that is searched for, from the top again after the last."""
        text = self.search.text()
        if text and not self.view.find(text):
            self.view.moveCursor(QTextCursor.MoveOperation.Start)
            self.view.find(text, QTextDocument.FindFlag(0))

    def _go(self, at: int) -> None:
        if 0 <= at < len(self._been):
            self._leave()
            self._at = at
            name, scrolled = self._been[at]
            self.view.show_page(name)
            self.view.verticalScrollBar().setValue(scrolled)
            self._follow()

    def _leave(self) -> None:
        if self._been:
            self._been[self._at] = (self._been[self._at][0], self.view.verticalScrollBar().value())

    def _follow(self) -> None:
        self.back_button.setEnabled(self._at > 0)
        self.forward_button.setEnabled(self._at < len(self._been) - 1)
        self.list.blockSignals(True)
        self.list.setCurrentItem(self._items[self.view.name])
        self.list.blockSignals(False)

    # -- making -----------------------------------------------------------------------------------

    def _fill(self) -> None:
        self._items: dict[str, QTreeWidgetItem] = {}
        self.list.setHeaderHidden(True)
        self.list.setRootIsDecorated(False)
        self.list.setItemsExpandable(False)
        self.list.setIndentation(SPACE)
        self.list.setFrameShape(QTreeWidget.Shape.NoFrame)
        self.list.setAccessibleName("Pages")
        self.list.setStyleSheet(f"QTreeView::item {{ padding: {SPACE // 2}px; }}")
        for title, pages in SECTIONS:
            head = QTreeWidgetItem(self.list, [title])
            head.setFlags(Qt.ItemFlag.ItemIsEnabled)
            font = QFont(self.list.font())
            font.setWeight(QFont.Weight.DemiBold)
            head.setFont(0, font)
            head.setExpanded(True)
            for page in pages:
                self._items[page.name] = item = QTreeWidgetItem(head, [page.title])
                item.setData(0, Qt.ItemDataRole.UserRole, page.name)

    def _lay_out(self) -> None:
        bar = QHBoxLayout()
        bar.setContentsMargins(SPACE, SPACE, SPACE, SPACE)
        bar.setSpacing(SPACE // 2)
        self.search.setMaximumWidth(260)
        self.search.setToolTip("Enter goes to the next place (Ctrl+F)")
        for widget in (self.back_button, self.forward_button):
            bar.addWidget(widget)
        bar.addStretch(1)
        bar.addWidget(self.search)
        halves = QSplitter()
        halves.addWidget(self.list)
        halves.addWidget(self.view)
        halves.setSizes([_LIST_WIDTH, SIZE[0] - _LIST_WIDTH])
        halves.setStretchFactor(1, 1)
        halves.setChildrenCollapsible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(bar)
        layout.addWidget(halves, 1)

    def _connect(self) -> None:
        self.view.anchorClicked.connect(self.follow)
        self.search.returnPressed.connect(self.find_next)
        self.list.currentItemChanged.connect(self._chosen)
        for keys, action in (("Alt+Left", self.back), ("Alt+Right", self.forward), ("Ctrl+F", self.search.setFocus)):
            QShortcut(QKeySequence(keys), self, action)

    def _chosen(self, item: QTreeWidgetItem | None) -> None:
        name = item.data(0, Qt.ItemDataRole.UserRole) if item is not None else None
        if name and name != self.view.name:
            self.open_page(name)
