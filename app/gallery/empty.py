"""Decides what stands in the gallery while it has nothing to show, and the one thing the user can do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from app.scores import PROBABILITY, format_score
from app.session import Session
from core.arrangement import Arrangement

Remedy = Literal["", "open", "model", "resume", "threshold", "labels", "filter"]


@dataclass(frozen=True, slots=True)
class EmptyText:
    """A heading, a hint, and the button that helps ("" = no button)."""

    title: str
    hint: str
    remedy: Remedy = ""
    button: str = ""


def why_empty(session: Session, arrangement: Arrangement) -> EmptyText:
    """The first reason, from outside in, why no detection is shown."""
    if session.section is None:
        return EmptyText("Nothing open", "Open a section, or drop a file on the window.", "open", "Open…")
    if session.scanning_here and not session.detections:
        return EmptyText("Scanning", "Detections appear here as they are found, the worst first.")
    if session.scan is None:
        hint = "Choose a model and press Scan. The worst places come first."
        return EmptyText("No scan yet", hint, "model", "Choose a model…")
    if not session.detections and session.scan.status != "done":
        hint = "The scan was stopped before anything was found. It goes on from there."
        return EmptyText("Scan not finished", hint, "resume", "Resume")
    if not session.detections:
        hint = f"{session.scan.model_name} found nothing in what it scanned. Another model in the Scan panel may find more."
        return EmptyText("Nothing found", hint)
    if len(session.visible_rows()):
        count = len(arrangement.filters.active)
        hint = "No detection fits the filter above." if count == 1 else f"No detection fits all {count} filters above."
        return EmptyText("Nothing matches", hint, "filter", "Clear the filter" if count == 1 else "Clear all filters")
    return _nothing_visible(session)


def _nothing_visible(session: Session) -> EmptyText:
    above = [d for d in session.detections if d.score >= session.threshold]
    if above:
        hint = f"The classes of all {len(above)} detections above the threshold are hidden."
        return EmptyText("All hidden", hint, "labels", "Show all classes")
    best = max(d.score for d in session.detections)
    count = len(session.detections)
    what = "The one detection there is scores" if count == 1 else f"All {count} detections score"
    unit = session.scan.score_unit if session.scan else PROBABILITY
    threshold, highest = format_score(session.threshold, unit), format_score(best, unit)
    hint = f"{what} less than {threshold}; the highest is {highest}."
    return EmptyText("Nothing above the threshold", hint, "threshold", "Lower the threshold")


class EmptyState(QWidget):
    """Shows an EmptyText in the middle; `asked(remedy)` when its button is pressed."""

    asked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._remedy: Remedy = ""
        self.title = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        font = QFont(self.title.font())
        font.setPointSizeF(font.pointSizeF() * 1.2)
        font.setWeight(QFont.Weight.DemiBold)
        self.title.setFont(font)
        self.title.setWordWrap(True)
        self.hint = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self.hint.setWordWrap(True)
        self.button = QPushButton()
        self.button.hide()
        self.button.clicked.connect(lambda: self.asked.emit(self._remedy))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.setSpacing(8)
        layout.addStretch(2)
        layout.addWidget(self.title)
        layout.addWidget(self.hint)
        layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(3)

    def set_text(self, text: EmptyText) -> None:
        self._remedy = text.remedy
        self.title.setText(text.title)
        self.hint.setText(text.hint)
        self.button.setText(text.button)
        self.button.setVisible(bool(text.remedy))
