"""What is skipped as empty background: chosen in the scan panel, shown over the section, remembered with it."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QFocusEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.panels.foreground_group import ForegroundGroup
from app.session_state import SavedView
from app.viewer.overlay_skipped import SkippedPainter
from app.viewer.overlay_tiles import OverlayTile
from core.geometry import Box
from core.scan.options import Foreground
from core.specimen_mask import Mask
from tests.toy import write_image

SIDE = 2304


@pytest.fixture
def section_path(tmp_path):
    """A specimen on the left; the right third of the picture is a gap."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(1, 255, (SIDE, SIDE, 3), np.uint8)
    pixels[:, 1536:] = 0
    return write_image(tmp_path / "half.png", pixels)


@pytest.fixture
def group(qtbot, session):
    group = ForegroundGroup(session)
    qtbot.addWidget(group)
    group.resize(320, 200)
    group.show()
    return group


def opened(qtbot, session, path):
    session.open_path(path)
    qtbot.waitUntil(lambda: session.section is not None, timeout=10000)


def known(qtbot, session):
    qtbot.waitUntil(lambda: session.foreground.mask is not None and not session.foreground.looking, timeout=20000)


def test_it_says_how_much_of_the_section_is_skipped(qtbot, session, group, section_path):
    assert group.figure.text() == ""
    opened(qtbot, session, section_path)
    known(qtbot, session)
    assert (
        group.figure.text()
        == "31 % of the section shows no specimen: nothing is marked there, and whole tiles of it are skipped."
    )
    QTest.mouseClick(group.skip, Qt.MouseButton.LeftButton)
    assert group.figure.text() == "Everything is scanned."
    assert not group.caution.isEnabled()
    assert group.options() == Foreground(skip=False)
    QTest.mouseClick(group.skip, Qt.MouseButton.LeftButton)
    known(qtbot, session)
    assert group.options() == Foreground()


def test_the_slider_chooses_when_it_rests_or_when_a_scan_asks(qtbot, session, group, section_path):
    opened(qtbot, session, section_path)
    known(qtbot, session)
    group.caution.setValue(9)
    assert group.options() == Foreground(caution=0.9)
    group.caution.setValue(2)
    qtbot.waitUntil(lambda: session.foreground.caution == 0.2, timeout=5000)
    known(qtbot, session)
    assert session.foreground.options() == Foreground(caution=0.2)
    assert session.foreground.is_of({"foreground": {"skip": True, "caution": 0.2}})
    assert not session.foreground.is_of({})


def test_another_section_drops_what_was_found(qtbot, session, group, section_path, tmp_path):
    opened(qtbot, session, section_path)
    known(qtbot, session)
    whole = write_image(tmp_path / "whole.png", np.random.default_rng(1).integers(0, 255, (600, 600, 3), np.uint8))
    session.open_path(whole)
    qtbot.waitUntil(lambda: session.section is not None and session.section.info.path == whole, timeout=10000)
    known(qtbot, session)
    assert group.figure.text() == "No empty background is found; everything is scanned."


def test_the_layer_is_shown_while_somebody_chooses(qtbot, viewer, section_path):
    session = viewer.session
    group = ForegroundGroup(session)
    qtbot.addWidget(group)
    opened(qtbot, session, section_path)
    item = viewer.overlays.skipped.item
    assert not item.isVisible()
    group.caution.setValue(4)
    assert item.isVisible()
    known(qtbot, session)
    assert viewer.overlays.skipped.item.painter is not None
    QApplication.sendEvent(group.caution, QFocusEvent(QEvent.Type.FocusOut))
    assert not item.isVisible()
    session.set_layers(session.layers.styled("skipped", visible=True))
    assert item.isVisible()


def test_a_layer_that_is_switched_on_asks_for_the_mask(qtbot, viewer, section_path):
    session = viewer.session
    opened(qtbot, session, section_path)
    assert session.foreground.mask is None
    session.set_layers(session.layers.styled("skipped", visible=True))
    known(qtbot, session)


def test_the_choice_is_kept_with_the_section():
    saved = SavedView(foreground=(False, 0.8)).to_json()
    assert SavedView.from_json(saved).foreground == (False, 0.8)
    for broken in (None, [True], [True, 7], "x"):
        assert SavedView.from_json(saved | {"foreground": broken}).foreground == (True, 0.5)


@pytest.mark.parametrize("zoom", [0.1, 0.25, 1.0, 3.0])
def test_only_what_is_empty_is_painted_and_nothing_beyond_the_section(zoom):
    mask = Mask(np.array([[True, False], [True, True]]), 64)
    painter = SkippedPainter(mask, Box(0, 0, 120, 128))
    painted = painter.paint(OverlayTile(zoom, 0, 0))
    assert painted.pixels is not None
    shown = painted.pixels[..., 3] > 0
    x, y = ((np.arange(512) + 0.5) / zoom for _ in "xy")
    expected = ((y < 64)[:, None]) & ((x >= 64) & (x < 120))[None, :]
    assert (shown == expected).all()
    assert painter.paint(OverlayTile(1.0, 4, 0)).pixels is None


def test_lines_go_on_from_tile_to_tile():
    painter = SkippedPainter(Mask(np.zeros((20, 20), bool), 64), Box(0, 0, 1280, 1280))
    left, right = (painter.paint(OverlayTile(1.0, column, 0)).pixels for column in (0, 1))
    together = np.hstack([left, right])[..., 0] > 0
    assert (together[1:, :-1] == together[:-1, 1:]).all()
