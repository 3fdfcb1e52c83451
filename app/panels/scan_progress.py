"""Decides what is said while a scan runs and when it is over: how far, how fast, how long yet, what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QLabel, QProgressBar, QVBoxLayout, QWidget

from app.elided import ElidedLabel
from app.layout import muted
from app.scan_queue.wording import found_text, pace_text, summary_text, tiles_text
from app.theme import SPACE, tokens
from core.jobs import Step

if TYPE_CHECKING:
    from core.scan.options import ScanSummary

REFRESH_MS = 500  # numbers that change faster can't be read


class ScanProgress(QWidget):
    """A bar, what is being done, and how fast; afterwards the result, or what went wrong."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.subject = ElidedLabel()
        self.subject.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Scan progress")
        self.headline = QLabel()
        self.headline.setWordWrap(True)
        self.detail = muted()
        self._soon = QTimer(self, singleShot=True, interval=REFRESH_MS)
        self._soon.timeout.connect(self._speak)
        self._said = self._latest = Step(0, 0)
        self._seconds_left: float | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE)
        for widget in (self.subject, self.bar, self.headline, self.detail):
            layout.addWidget(widget)
        self.clear()

    def clear(self) -> None:
        self._soon.stop()
        self.setVisible(False)

    def begin(self, subject: str = "") -> None:
        """A scan starts; `subject` says which one where that is not plain."""
        self._said = self._latest = Step(0, 0)
        self.subject.setText(subject)
        self.subject.setVisible(bool(subject))
        self._say("Getting ready", "")
        self.bar.setRange(0, 0)
        self.bar.setVisible(True)

    def step(self, step: Step, seconds_left: float | None) -> None:
        """The bar follows every step; the words at most twice a second, and the last ones are always said."""
        self.bar.setRange(0, step.total)
        self.bar.setValue(step.done)
        self._latest, self._seconds_left = step, seconds_left
        goes_on = self._said.total == step.total > step.done > 0
        if not goes_on:
            self._speak()
        elif not self._soon.isActive():
            self._soon.start()

    def _speak(self) -> None:
        step = self._said = self._latest
        if not step.total:
            self._say(step.message or "Getting ready", "")
            return
        self._say(tiles_text(step), pace_text(step, self._seconds_left) or step.message)

    def show_paused(self) -> None:
        self._soon.stop()
        self.detail.setText("Paused")

    def stopping(self) -> None:
        self._soon.stop()
        self._say("Stopping after this tile", "")

    def show_summary(self, summary: ScanSummary, above: int) -> None:
        """What a finished scan found, and what it left out."""
        self._end(f"Found {found_text(above)} above the threshold")
        self.detail.setText(summary_text(summary))

    def show_stopped(self) -> None:
        self._end("Stopped")
        self.detail.setText("What was scanned is kept. Resume goes on from there.")

    def show_error(self, text: str) -> None:
        self._end(text)
        self.headline.setStyleSheet(f"color: {tokens().error}")
        self.detail.setText("What was scanned before is kept.")

    def _end(self, headline: str) -> None:
        self._soon.stop()
        self._say(headline, "")
        self.bar.setVisible(False)

    def _say(self, headline: str, detail: str) -> None:
        self.setVisible(True)
        self.headline.setStyleSheet("")
        self.headline.setText(headline)
        self.detail.setText(detail)
        self.setAccessibleDescription(headline)
        self.headline.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
