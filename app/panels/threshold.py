"""Decides how the threshold is set: a slider under the spread of scores, a number, and how many remain above it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLabel, QSlider, QVBoxLayout, QWidget

from app.layout import muted, tool_button
from app.panels.histogram import ScoreHistogram
from app.theme import SPACE
from core.detection import Detection

STEPS = 1000


class ThresholdControl(QWidget):
    """`changed(score)` follows the user's hand, also while dragging. `spread_requested()`: more is to be seen of how scores
    are spread."""

    changed = Signal(float)
    spread_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.histogram = ScoreHistogram()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.spin = QDoubleSpinBox()
        self.count = QLabel()
        self.more = tool_button(
            "histogram", "What a threshold comes to, and ready-made ones", self.spread_requested.emit
        )
        self.unit = muted()
        self._following = False
        self.slider.setRange(0, STEPS)
        self.slider.setPageStep(STEPS // 20)
        for control in (self.slider, self.spin):
            control.setAccessibleName("Threshold")
        self.spin.setKeyboardTracking(False)
        self.spin.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.count.setAccessibleName("Detections above the threshold")
        self._lay_out()
        self.slider.valueChanged.connect(lambda step: self._by_hand(self._score_of(step)))
        self.spin.valueChanged.connect(self._by_hand)
        self.histogram.picked.connect(self._by_hand)
        self.set_scan([], "", 0.0, 0.5)

    @property
    def value(self) -> float:
        return self.histogram.threshold

    def set_scan(self, detections: Sequence[Detection], unit: str, floor: float, threshold: float) -> None:
        """The scores there are, in `unit`, none of them below `floor`."""
        scores = [d.score for d in detections]
        is_probability = unit == "probability"
        high = 1.0 if is_probability else max([*scores, threshold * 1.25])
        low = min([floor, threshold, *scores])
        self.histogram.set_scores(scores, low, high)
        self.unit.setText(unit)
        self.unit.setVisible(bool(unit))
        help_text = f"Detections scoring less are not shown. Scores are in: {unit}." if unit else ""
        for widget in (self.slider, self.spin, self.histogram):
            widget.setToolTip(help_text)
        was, self._following = self._following, True
        self.spin.setDecimals(3 if high <= 2 else 2)
        self.spin.setRange(low, self.histogram.high)
        self.spin.setSingleStep(10 ** -(2 if high <= 2 else 1))
        self._following = was
        self.set_value(threshold)

    def set_value(self, threshold: float) -> None:
        """Shows this threshold, without telling it as the user's."""
        was, self._following = self._following, True
        self.histogram.set_threshold(threshold)
        self.spin.setValue(threshold)
        self.slider.setValue(self._step_of(threshold))
        self._following = was
        above = self.histogram.above(threshold)
        self.count.setText(f"<b>{above:,}</b> above")

    def _by_hand(self, threshold: float) -> None:
        if not self._following:
            self.set_value(threshold)
            self.changed.emit(threshold)

    def _score_of(self, step: int) -> float:
        return self.histogram.low + (self.histogram.high - self.histogram.low) * step / STEPS

    def _step_of(self, score: float) -> int:
        return round((score - self.histogram.low) / (self.histogram.high - self.histogram.low) * STEPS)

    def _lay_out(self) -> None:
        numbers = QHBoxLayout()
        numbers.setSpacing(SPACE)
        numbers.addWidget(self.spin)
        numbers.addStretch(1)
        numbers.addWidget(self.count)
        numbers.addWidget(self.more)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE // 2)
        layout.addWidget(self.histogram)
        layout.addWidget(self.slider)
        layout.addLayout(numbers)
        layout.addWidget(self.unit)  # below: that of what is normal is long
