"""The threshold's control: what scores are in is read in full."""

from __future__ import annotations

from app.panels.threshold import ThresholdControl
from core.anomaly.calibration import SCORE_UNIT
from tests.gallery_support import make_detection


def test_a_long_unit_is_read_in_full_beside_narrow_panels(qtbot):
    control = ThresholdControl()
    qtbot.addWidget(control)
    control.set_scan([make_detection(1, 2.0), make_detection(2, 0.8)], SCORE_UNIT, 0.5, 1.0)
    control.resize(280, control.sizeHint().height())
    control.show()
    assert control.unit.text() == SCORE_UNIT
    assert control.unit.fontMetrics().horizontalAdvance(SCORE_UNIT) <= control.unit.width()
    control.set_scan([], "", 0.0, 0.5)
    assert not control.unit.isVisible()
