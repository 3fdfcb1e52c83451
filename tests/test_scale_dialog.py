"""The scale entered by hand in a window: typed, drawn over a known length, undone, kept, followed by all that measures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PySide6.QtCore import Qt

from app.panels.drawings_model import MEASURE
from app.scale_dialog import ScaleDialog
from core.drawing import Drawing
from core.project import Project
from tests.window_support import drag_over, open_and_wait, open_window, press

CTRL, CTRL_ALT = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier,
)


@pytest.fixture
def image(tmp_path):
    """Without a scale."""
    path = tmp_path / "s.png"
    cv2.imwrite(str(path), np.full((600, 800), 90, np.uint8))
    return path


def asked(qtbot, window) -> ScaleDialog:
    press(qtbot, window, Qt.Key.Key_L, CTRL_ALT)
    qtbot.waitUntil(lambda: bool(window.findChildren(ScaleDialog)))
    return window.findChildren(ScaleDialog)[-1]


def test_a_typed_scale_is_shown_kept_and_undone(qtbot, qapp, image):
    with open_window(qapp) as window:
        open_and_wait(qtbot, window, image)
        session = window.session
        assert window.viewer.scale_bar.scale_shown.text.endswith("px")
        dialog = asked(qtbot, window)
        assert not dialog.accept_button.isEnabled()
        qtbot.keyClicks(dialog.um, "0,5")
        assert "0.5 × 0.5 µm per px, entered by hand" in dialog.answer.text()
        qtbot.keyClick(dialog.um, Qt.Key.Key_Return)
        assert session.section.info.pixel_size_um == (0.5, 0.5)
        assert window.viewer.scale_bar.scale_shown.text.endswith("µm")
        qtbot.waitUntil(lambda: session.project is not None and session.can_undo, timeout=10_000)
        assert session.section_record.scale_by_hand
        home = session.project.path
        press(qtbot, window, Qt.Key.Key_Z, CTRL)
        assert session.section.info.pixel_size_um is None
        assert window.viewer.scale_bar.scale_shown.text.endswith("px")
        press(qtbot, window, Qt.Key.Key_Z, CTRL | Qt.KeyboardModifier.ShiftModifier)
        assert session.section.info.pixel_size_um == (0.5, 0.5)
    with Project.open(home) as project:
        assert project.sections()[0].pixel_size_um == (0.5, 0.5)
    with open_window(qapp) as window:
        open_and_wait(qtbot, window, image)
        assert window.session.section.info.pixel_size_um == (0.5, 0.5)
        assert window.session.calibration.by_hand == (0.5, 0.5)


def test_a_line_over_a_known_length_gives_the_scale_and_measures_itself(qtbot, qapp, image):
    with open_window(qapp) as window:
        open_and_wait(qtbot, window, image)
        session = window.session
        asked(qtbot, window).draw.click()
        assert session.drawings.tool == "ruler"
        drag_over(window, 100, 100, 500, 400)
        qtbot.waitUntil(lambda: any(d.isVisible() for d in window.findChildren(ScaleDialog)))
        dialog = next(d for d in window.findChildren(ScaleDialog) if d.isVisible())
        assert session.drawings.tool == "pointer"
        assert "500.0 px" in dialog.drawn.text()
        dialog.unit.setCurrentIndex(dialog.unit.findText("mm"))
        qtbot.keyClicks(dialog.length, "1")
        dialog.accept_button.click()
        assert session.section.info.pixel_size_um == pytest.approx((2.0, 2.0), rel=0.01)
        qtbot.waitUntil(lambda: session.project is not None and session.section_record.scale_by_hand, timeout=10_000)
        window.docks.bring("drawings")
        model = window.docks.drawings.model
        assert model.index(0, MEASURE).data().split("  ")[0] in (
            "1000.0 µm",
            "1.000 mm",
        )  # the mouse is as fine as the screen


def test_lengths_that_are_none_are_refused_and_the_files_own_comes_back(qtbot, qapp, image):
    with open_window(qapp) as window:
        open_and_wait(qtbot, window, image)
        session = window.session
        session.calibration.set((3.0, 3.0))
        session.drawings.add(Drawing("ruler", ((0, 0), (100, 0))))
        qtbot.waitUntil(lambda: session.project is not None and session.drawings.selected is not None)
        dialog = asked(qtbot, window)
        for text in ("", "0", "-5", "long"):
            dialog.length.setText(text)
            dialog._take(dialog.drawn)
            assert not dialog.accept_button.isEnabled(), text
        dialog.stated.click()
        dialog.accept_button.click()
        assert session.section.info.pixel_size_um is None
        assert session.section.info.as_stated is None


def test_a_scale_entered_just_before_leaving_is_kept(qtbot, qapp, image):
    with open_window(qapp) as window:
        open_and_wait(qtbot, window, image)
        window.session.calibration.set((0.25, 0.25))
    with Project.open(image.with_suffix(".schliff")) as project:
        assert project.sections()[0].pixel_size_um == (0.25, 0.25)
