"""Decides what a tool is: it gets the mouse and the keys first, and says what it has taken."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

from app.tools.desk import Desk, Pointed

ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class Tool:
    """A tool that takes nothing. Each method returns whether the event was for it; only the left button comes here."""

    cursor = Qt.CursorShape.ArrowCursor

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def press(self, at: Pointed) -> bool:
        return False

    def move(self, at: Pointed, *, held: bool) -> bool:
        """`held`: the left button is down."""
        return False

    def release(self, at: Pointed) -> bool:
        return False

    def double_click(self, at: Pointed) -> bool:
        return False

    def key(self, event: QKeyEvent) -> bool:
        return False

    def key_release(self, event: QKeyEvent) -> bool:
        return False

    def rest(self) -> None:
        """The keys go elsewhere: keep what they have done."""

    def put_away(self) -> None:
        """Another tool is taken, or the section is about to go: leave nothing behind."""
