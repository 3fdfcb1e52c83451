"""Decides what happens when something fails that nobody foresaw: it is shown, with details to copy, and the program goes on.

Whatever is logged with a trace is such a failure, in whichever thread it happened.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from app.theme import SPACE

SIZE = (680, 420)
MOST = 20  # failures told in one dialog; the log has all


class Surprises(QObject):
    """Shows one dialog for all that fails until it is closed."""

    _failed = Signal(str)

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self.dialog: SurpriseDialog | None = None
        self._handler = _Tracer(self._failed.emit)
        self._failed.connect(self._show)  # from another thread it comes when the window has time
        logging.getLogger("schliff").addHandler(self._handler)

    def remove(self) -> None:
        logging.getLogger("schliff").removeHandler(self._handler)

    def _show(self, trace: str) -> None:
        if self.dialog is None:
            self.dialog = SurpriseDialog(self._window)
            self.dialog.finished.connect(self._closed)
            self.dialog.show()
        self.dialog.add(trace)

    def _closed(self) -> None:
        self.dialog = None


class SurpriseDialog(QDialog):
    """Never in the way: the window behind it goes on."""

    def __init__(self, parent: QWidget) -> None:
        from app.log_file import what_runs  # nothing is expected to fail at the start

        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Something went wrong")
        self.setModal(False)
        self._count = 0
        told = QLabel(
            "Schliff met an error it wasn't prepared for, and goes on. What you have decided is stored.\n"
            "If it happens again, please send these details to whoever looks after Schliff for you."
        )
        told.setWordWrap(True)
        self.details = QPlainTextEdit(readOnly=True)
        self.details.setAccessibleName("Details")
        self.details.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.details.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.details.setPlainText(what_runs())
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.copy = QPushButton("Copy details")
        buttons.addButton(self.copy, QDialogButtonBox.ButtonRole.ActionRole)
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.details.toPlainText()))
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setSpacing(2 * SPACE)
        layout.addWidget(told)
        layout.addWidget(self.details, 1)
        layout.addWidget(buttons)
        self.resize(*SIZE)

    def add(self, trace: str) -> None:
        self._count += 1
        if self._count <= MOST:
            self.details.appendPlainText(f"\n{trace}")


class _Tracer(logging.Handler):
    def __init__(self, told: Callable[[str], None]) -> None:
        super().__init__(logging.ERROR)
        self.setFormatter(logging.Formatter("%(asctime)s  %(message)s"))
        self._told = told

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            self._told(self.format(record))
