"""Decides what stands below the crops: how far the review has come, and how crops look."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QSizePolicy,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.gallery.view import LARGEST_SIDE, SMALLEST_SIDE
from app.icons import set_icon
from app.layout import tool_button
from app.theme import SPACE

_PROGRESS_PX = 3


class GalleryFoot(QWidget):
    """`side_changed(int)`, `wide_changed(bool)`, `reasons_changed(bool)` follow the user's hand; `compare_requested`."""

    side_changed = Signal(int)
    wide_changed = Signal(bool)
    reasons_changed = Signal(bool)
    compare_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.counts = QLabel()
        self.progress = QProgressBar(textVisible=False)
        self.auto_advance = QCheckBox("Go on after a decision")
        self.side = QSlider(Qt.Orientation.Horizontal)
        self.wide = _toggle("context", "More of what is around each detection")
        self.reasons = _toggle("heat", "Why: where the stored map speaks for the class of each detection")
        self.compare = tool_button("side-by-side", "The selected ones side by side…", self.compare_requested.emit)
        self._lay_out()
        self.side.valueChanged.connect(self.side_changed)
        self.wide.toggled.connect(self.wide_changed)
        self.reasons.toggled.connect(self.reasons_changed)

    def show_counts(self, shown: int, total: int, reviewed: int, selected: int) -> None:
        count = f"{shown:,} of {total:,}" if shown != total else f"{total:,}"
        chosen = f" · {selected:,} selected" if selected > 1 else ""
        self.counts.setText(f"{count} · {reviewed:,} reviewed{chosen}" if total else "")
        self.progress.setRange(0, max(shown, 1))
        self.progress.setValue(reviewed)
        self.progress.setToolTip(f"{reviewed:,} of {shown:,} reviewed")
        self.compare.setEnabled(selected > 1)

    def offer_reasons(self, offered: bool) -> None:
        """Whether the scan stored a map that reasons can be read from."""
        self.reasons.setEnabled(offered)

    def _lay_out(self) -> None:
        self.progress.setFixedHeight(_PROGRESS_PX)
        self.progress.setAccessibleName("Reviewed")
        self.auto_advance.setChecked(True)
        self.auto_advance.setToolTip("After a decision, select the next crop")
        self.counts.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.counts.setAccessibleName("How many are shown")
        self.side.setRange(SMALLEST_SIDE, LARGEST_SIDE)
        self.side.setPageStep(32)
        self.side.setToolTip("Size of the crops (also Ctrl and the mouse wheel)")
        self.side.setAccessibleName("Crop size")
        self.side.setMinimumWidth(56)
        self.side.setMaximumWidth(160)
        self.counts.setWordWrap(True)
        self.counts.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        how_far, looks = QHBoxLayout(), QHBoxLayout()
        for row in (how_far, looks):
            row.setSpacing(SPACE // 2)
        how_far.addWidget(self.counts, 3)
        how_far.addWidget(self.side, 1)
        looks.addWidget(self.auto_advance, 1)
        for button in (self.wide, self.reasons, self.compare):
            looks.addWidget(button)
        words = QVBoxLayout()
        words.setContentsMargins(SPACE, SPACE // 2, SPACE, SPACE // 2)
        words.setSpacing(SPACE // 2)
        words.addLayout(how_far)
        words.addLayout(looks)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.progress)
        column.addLayout(words)


def _toggle(icon: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setCheckable(True)
    button.setAutoRaise(True)
    set_icon(button, icon)
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    return button
