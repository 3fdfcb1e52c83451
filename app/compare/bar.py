"""Decides which buttons a comparison has. What they do is for `app.compare.comparison`."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QMenu, QToolButton, QWidget

from app.compare.halves import CompareMode
from app.icons import set_icon
from app.theme import SPACE


class CompareBar(QWidget):
    """One row above the two views."""

    mode_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.side = _button("Side by side", "Two views beside each other", checkable=True)
        self.swipe = _button("Swipe", "One view; drag the divider to see more of one or the other", checkable=True)
        self.link = _button(
            "Link", "Both views move together. Unlink, move one, link again: the offset stays", checkable=True
        )
        self.stage = _button("Stage", "Link by stage positions, which both files state", checkable=True)
        self.line_up = _button("Line up", "Forget the offset: both middles beside each other")
        self.same_display = _button("Same display", "Use the present channel and brightness on the right too")
        self.other = _button("Other section…", "What to compare with")
        self.other.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.other.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        self.menu = QMenu(self.other)
        self.other.setMenu(self.menu)
        self.close_button = QToolButton()
        set_icon(self.close_button, "close")
        self.close_button.setToolTip("Leave the comparison (C)")
        group = QButtonGroup(self)
        for button in (self.side, self.swipe):
            group.addButton(button)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE, SPACE // 2, SPACE, SPACE // 2)
        layout.setSpacing(SPACE // 2)
        for widget in (self.side, self.swipe, self.link, self.stage, self.line_up, self.same_display, self.other):
            layout.addWidget(widget)
        layout.addStretch(1)
        layout.addWidget(self.close_button)
        self.side.clicked.connect(lambda: self.mode_chosen.emit("side"))
        self.swipe.clicked.connect(lambda: self.mode_chosen.emit("swipe"))

    def show_mode(self, mode: CompareMode) -> None:
        (self.side if mode == "side" else self.swipe).setChecked(True)


def _button(text: str, tip: str, *, checkable: bool = False) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setToolTip(tip)
    button.setCheckable(checkable)
    return button
