"""Decides how panels are put together: groups with a heading one below the other, scrolled when they are too tall, and
what stays in sight then."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QPalette
from PySide6.QtWidgets import QCheckBox, QFrame, QGridLayout, QLabel, QScrollArea, QToolButton, QVBoxLayout, QWidget

from app.icons import set_icon
from app.theme import SPACE


class Panel(QScrollArea):
    """A column of groups."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        body = QWidget()
        self.column = QVBoxLayout(body)
        self.column.setContentsMargins(SPACE, SPACE, SPACE, SPACE)
        self.column.setSpacing(2 * SPACE)
        self.setWidget(body)
        self.viewport().setAutoFillBackground(False)
        body.setAutoFillBackground(False)


class FootedPanel(QWidget):
    """A column of groups, and below it a `foot` that stays in sight however far the column is scrolled."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        scrolled = Panel()
        self.column = scrolled.column
        foot = QWidget()
        self.foot = QVBoxLayout(foot)
        self.foot.setContentsMargins(SPACE, SPACE, SPACE, SPACE)
        self.foot.setSpacing(SPACE)
        line = QFrame()
        line.setFrameShape(QFrame.Shape.HLine)
        line.setForegroundRole(QPalette.ColorRole.Mid)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(scrolled, 1)
        layout.addWidget(line)
        layout.addWidget(foot)


class Group(QWidget):
    """A heading, and rows of a name and its control below it."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.heading = self._make_heading(title)
        font = QFont(self.heading.font())
        font.setWeight(QFont.Weight.DemiBold)
        self.heading.setFont(font)
        self.body = QWidget()
        self.grid = QGridLayout(self.body)
        self.grid.setContentsMargins(0, 0, 0, 0)
        self.grid.setHorizontalSpacing(SPACE)
        self.grid.setVerticalSpacing(SPACE)
        self.grid.setColumnStretch(1, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE)
        layout.addWidget(self.heading)
        layout.addWidget(self.body, 1)  # a group that is given room leaves its heading where it is

    def _make_heading(self, title: str) -> QWidget:
        return QLabel(title)

    def add_row(self, name: str, control: QWidget, value: QWidget | None = None) -> QLabel:
        """A named control, with its value beside it if it has one. The name is the control's accessible name too."""
        row = self.grid.rowCount()
        label = QLabel(name)
        label.setBuddy(control)
        label.setToolTip(control.toolTip())
        if not control.accessibleName():
            control.setAccessibleName(name)
        self.grid.addWidget(label, row, 0)
        self.grid.addWidget(control, row, 1, 1, 1 if value is not None else 2)
        if value is not None:
            self.grid.addWidget(value, row, 2)
        return label

    def add_wide(self, widget: QWidget) -> None:
        self.grid.addWidget(widget, self.grid.rowCount(), 0, 1, 3)


class CheckGroup(Group):
    """A group whose heading is a check box, `check`: whether what it is about is shown at all."""

    def _make_heading(self, title: str) -> QWidget:
        self.check = QCheckBox(title)
        return self.check


def muted(text: str = "", wrap: bool = True) -> QLabel:
    """A text that explains, quieter than what it explains."""
    label = QLabel(text)
    label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
    label.setWordWrap(wrap)
    return label


def value_label(widest: str) -> QLabel:
    """A number beside a slider, as wide as its widest text so that nothing jumps."""
    label = QLabel()
    label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    label.setMinimumWidth(label.fontMetrics().horizontalAdvance(widest))
    return label


def tool_button(icon: str, tip: str, action: Callable[[], object]) -> QToolButton:
    """A flat button that shows an icon; what it does is its tool tip and its name for those who can't see it."""
    button = QToolButton()
    set_icon(button, icon)
    button.setAutoRaise(True)
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    button.clicked.connect(action)
    return button
