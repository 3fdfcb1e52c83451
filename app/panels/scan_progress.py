"""Decides what is said while a scan runs and when it is over: how far, how fast, how long yet, what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QElapsedTimer, Qt
from PySide6.QtWidgets import QLabel, QProgressBar, QVBoxLayout, QWidget

from app.panels.layout import muted
from app.theme import SPACE, tokens
from core.jobs import Step
from core.timing import TimeLeft, spoken_seconds

if TYPE_CHECKING:
    from core.scan.options import ScanSummary

REFRESH_MS = 500  # numbers that change faster can't be read


class ScanProgress(QWidget):
    """A bar, what is being done, and how fast; afterwards the result, or what went wrong."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Scan progress")
        self.headline = QLabel()
        self.headline.setWordWrap(True)
        self.detail = muted()
        self._time_left = TimeLeft()
        self._since = QElapsedTimer()
        self._tile_megapixels = 0.0
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE)
        for widget in (self.bar, self.headline, self.detail):
            layout.addWidget(widget)
        self.clear()

    def clear(self) -> None:
        self.setVisible(False)

    def begin(self, tile_megapixels: float) -> None:
        """A scan starts; a tile of it covers this much of level 0."""
        self._time_left, self._tile_megapixels = TimeLeft(), tile_megapixels
        self._since.invalidate()
        self._say("Getting ready", "")
        self.bar.setRange(0, 0)
        self.bar.setVisible(True)

    def step(self, step: Step) -> None:
        """The bar follows every step; the words at most twice a second."""
        seconds = self._time_left.update(step) if step.total else None
        self.bar.setRange(0, step.total)
        self.bar.setValue(step.done)
        if self._since.isValid() and self._since.elapsed() < REFRESH_MS and 0 < step.done < step.total:
            return
        self._since.restart() if self._since.isValid() else self._since.start()
        if not step.total:
            self._say(step.message or "Getting ready", "")
            return
        percent = 100 * step.done // step.total
        self._say(f"{step.done:,} of {step.total:,} tiles · {percent} %", self._pace(step, seconds))

    def stopping(self) -> None:
        self._say("Stopping after this tile", "")

    def show_summary(self, summary: ScanSummary, above: int) -> None:
        """What a finished scan found, and what it left out."""
        what = "1 detection" if above == 1 else f"{above:,} detections"
        self._end(f"Found {what} above the threshold")
        parts = [f"{spoken_seconds(summary.seconds)} on {summary.device}", f"{summary.megapixels:,.0f} MP"]
        if summary.seconds > 0 and summary.megapixels:
            parts.append(f"{summary.megapixels / summary.seconds:.1f} MP/s")
        if summary.tiles_skipped and summary.tiles_total:
            share = 100 * summary.tiles_skipped / summary.tiles_total
            parts.append(f"{share:.0f} % skipped, no specimen there")
        self.detail.setText(" · ".join(parts))

    def show_stopped(self) -> None:
        self._end("Stopped")
        self.detail.setText("What was scanned is kept. Resume goes on from there.")

    def show_error(self, text: str) -> None:
        self._end(text)
        self.headline.setStyleSheet(f"color: {tokens().error}")
        self.detail.setText("What was scanned before is kept.")

    def _pace(self, step: Step, seconds: float | None) -> str:
        if seconds is None:
            return step.message
        parts = [f"{spoken_seconds(seconds)} left"]
        if seconds > 0 and self._tile_megapixels:
            rate = (step.total - step.done) / seconds * self._tile_megapixels
            parts.append(f"{rate:.1f} MP/s")
        return " · ".join(parts)

    def _end(self, headline: str) -> None:
        self._say(headline, "")
        self.bar.setVisible(False)

    def _say(self, headline: str, detail: str) -> None:
        self.setVisible(True)
        self.headline.setStyleSheet("")
        self.headline.setText(headline)
        self.detail.setText(detail)
        self.setAccessibleDescription(headline)
        self.headline.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
