"""Decides when the view says that some of it isn't data yet: when pixels have stood in for unread ones for a while."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QLabel, QWidget

from app.theme import RADIUS, SPACE

TEXT = "Not all of this view has been read yet"
AFTER_S = 1.0  # of rest; reading is mostly done by then
_LOOK_MS = 250
_STYLE = f"""
UnreadBadge {{ color: white; background: rgba(12, 14, 16, 200); border-radius: {RADIUS}px;
  padding: {SPACE // 2}px {SPACE}px; }}
"""


class UnreadBadge(QLabel):
    """Lies over the canvas; the mouse goes through it. `is_read` says whether all in sight is exact."""

    toggled = Signal()

    def __init__(self, parent: QWidget, is_read: Callable[[], bool]) -> None:
        super().__init__(TEXT, parent)
        self._is_read = is_read
        self._since = 0.0
        self._timer = QTimer(self, interval=_LOOK_MS)
        self._timer.timeout.connect(self.look)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setStyleSheet(_STYLE)
        self.adjustSize()
        self.hide()

    def view_changed(self) -> None:
        """The view has moved, or shows something else."""
        self._since = time.monotonic()
        self.watch()

    def watch(self) -> None:
        """What is in sight may have changed."""
        if not self._timer.isActive():
            self._timer.start()

    def stop(self) -> None:
        """Nothing is in sight."""
        self._timer.stop()
        self._show(False)

    @property
    def watching(self) -> bool:
        return self._timer.isActive()

    def look(self) -> None:
        """Whether there is something to be said now."""
        if self._is_read():
            self.stop()
        elif time.monotonic() - self._since >= AFTER_S:
            self._show(True)

    def _show(self, unread: bool) -> None:
        if unread == self.isHidden():
            self.setVisible(unread)
            self.toggled.emit()
