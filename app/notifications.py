"""Decides how the user is told what went right or wrong: a bar above the section that never stands in the way.

Errors stay until they are closed or the next one comes; the rest goes by itself. All of it is in the log too.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING

from PySide6.QtCore import QElapsedTimer, Qt, QTimer
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from app.icons import icon_pixmap, set_icon
from app.theme import SPACE, tokens

if TYPE_CHECKING:
    from app.log_file import LogFile

LINE = "%(asctime)s  %(levelname)s  %(message)s"
SHOWN_MS = {"info": 6000, "warning": 15000}
ERROR_AT_LEAST_MS = 10_000
_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_KEPT_LINES = 2000

_log = logging.getLogger("schliff")


class NotificationBar(QFrame):
    """One line: a sign, what happened, a button to close it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.level = ""
        self._sign = QLabel()
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        close = QToolButton()
        set_icon(close, "close")
        close.setToolTip("Close")
        close.setAutoRaise(True)
        close.clicked.connect(self.hide)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, SPACE // 2, SPACE, SPACE // 2)
        layout.setSpacing(SPACE)
        for widget in (self._sign, self.text, close):
            layout.addWidget(widget, 1 if widget is self.text else 0)
        self._shown = QElapsedTimer()
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.hide)
        self.hide()

    def tell(self, level: str, text: str) -> None:
        """Shows one line; an error that nobody can have read yet is not pushed away by a mere info.

        A "note" only goes to the log: the bar would push the section down under the hand that works in it.
        """
        _log.log(_LEVELS.get(level, logging.INFO), "%s", text)
        if level == "note":
            return
        unread = self.isVisible() and self.level == "error" and not self._shown.hasExpired(ERROR_AT_LEAST_MS)
        if unread and level == "info":
            return
        self._shown.start()
        self.level = level
        self.text.setText(text)
        self._dress()
        self.show()
        self._timer.stop()
        if level in SHOWN_MS:
            self._timer.start(SHOWN_MS[level])

    def _dress(self) -> None:
        theme = tokens()
        colour = {"error": theme.error, "warning": theme.warning}.get(self.level, theme.info)
        sign = self.level if self.level in _LEVELS else "info"
        self._sign.setPixmap(icon_pixmap(sign, 20, QColor(colour), self.devicePixelRatioF()))
        self.setStyleSheet(
            f"NotificationBar {{ background: {theme.raised}; border: none; border-left: 4px solid {colour};"
            f" border-bottom: 1px solid {theme.border}; }}"
        )

    def dress_again(self) -> None:
        """After a change of theme."""
        if self.level:
            self._dress()


class LogKeeper(logging.Handler):
    """Keeps the last lines of the program's log for Help ▸ Log, and from `begin_file` on all of them in a file."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.setFormatter(logging.Formatter(LINE))
        self.lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self.file: LogFile | None = None

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    def install(self) -> None:
        logger = logging.getLogger("schliff")
        logger.setLevel(logging.INFO)
        logger.addHandler(self)

    def begin_file(self) -> None:
        from app.log_file import LogFile  # the start doesn't wait for it

        self.file = LogFile()
        self.file.install()

    def remove(self) -> None:
        logging.getLogger("schliff").removeHandler(self)
        if self.file is not None:
            self.file.remove()
