"""The display panel by mouse and keys: histogram, curves, channels, enhancements; the badge in the view."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest

from app.panels.display_enhancements import PROMISE
from app.panels.display_panel import DisplayPanel
from app.session_opening import Opened
from app.viewer.look_badge import enhancements
from core.geometry import Box
from core.look import CHANNEL_COLOURS, Curve, Look
from core.looks.aids import aids_of
from core.looks.histogram import axis_ends, bars, value_counts
from core.section import Plane
from tests.memory_section import MemorySection, noise
from tests.test_looks import Channels, Mosaic, Rough
from tests.viewer_support import grabbed, wait_sharp

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def region():
    """What the view shows: a list, so that a test can change it."""
    return [Box(0, 0, 200, 100)]


@pytest.fixture
def panel(qtbot, session, region):
    panel = DisplayPanel(session, lambda: region[0])
    qtbot.addWidget(panel)
    panel.resize(336, 800)
    panel.show()
    return panel


@pytest.fixture
def grey(session, panel):
    """Values from 100 to 149 on the left, from 200 to 249 on the right."""
    pixels = (noise(300, 400, 1) // 6 + 100).astype(np.uint8)
    pixels[:, 200:] += 100
    return open_section(session, MemorySection(pixels))


def open_section(session, section, look=None):
    session.adopt(Opened(section, look=look or Look()))
    return session


def type_into(spin, text: str) -> None:
    spin.setFocus()
    spin.selectAll()
    QTest.keyClicks(spin, text)
    QTest.keyClick(spin, Qt.Key.Key_Return)


def drag(histogram, begin: float, end: float) -> None:
    """From one stored value to another."""
    y = 20
    start, stop = (QPoint(round(histogram.x_of(value)), y) for value in (begin, end))
    QTest.mousePress(histogram, LEFT, pos=start)
    QTest.mouseMove(histogram, (start + stop) / 2)
    QTest.mouseMove(histogram, stop)
    QTest.mouseRelease(histogram, LEFT, pos=stop)


# -- histogram ----------------------------------------------------------------------------------------


def test_values_are_counted_without_gaps() -> None:
    pixels = np.array([[[0, 0, 0], [0, 5, 9]], [[255, 5, 9], [255, 0, 0]]], np.uint8)
    counts = value_counts(pixels)
    assert counts.shape == (3, 256)
    assert (counts[0, 0], counts[0, 255], counts[1, 0], counts[1, 5], counts[2, 9]) == (1, 2, 1, 2, 2)
    assert counts.sum() == 9


def test_bars_hold_every_value_and_ends_dont_set_the_scale() -> None:
    counts = np.zeros((1, 256), np.int64)
    counts[0, [0, 10, 200]] = 1000, 20, 10
    heights = bars(counts, 0, 255, 256, logarithmic=False)[0]
    assert (heights[0], heights[10], heights[200]) == (1, 1, 0.5)
    assert bars(counts, 0, 255, 256, logarithmic=True)[0, 200] > 0.7
    assert bars(counts, 0, 255, 64, logarithmic=False).shape == (1, 64)
    assert not bars(np.zeros((3, 256), np.int64), 0, 255, 50, logarithmic=True).any()


def test_the_axis_of_16_bits_is_where_values_are() -> None:
    counts = np.zeros((1, 65536), np.int64)
    counts[0, 1000:3000] = 1
    first, last = axis_ends(counts, 1500, 2500, 65535)
    assert 0 < first < 1000
    assert 2999 < last < 4000
    assert axis_ends(counts, 500, 9000, 65535)[1] >= 9000
    assert axis_ends(None, 0, 65535, 65535) == (0, 65535)
    assert axis_ends(counts[:, :256], 3, 4, 255) == (0, 255)


def test_the_histogram_is_that_of_what_is_in_sight(qtbot, panel, grey, region):
    histogram = panel.tones.histogram
    qtbot.waitUntil(lambda: panel.is_current)
    assert histogram.counts[0, :150].sum() == 200 * 100
    region[0] = Box(200, 0, 50, 50)
    qtbot.waitUntil(lambda: panel.is_current)
    assert histogram.counts[0, :150].sum() == 0
    assert histogram.counts[0, 200:].sum() == 50 * 50
    panel.hide()
    reads = len(grey.section.reads)
    region[0] = Box(0, 0, 10, 10)
    qtbot.wait(400)
    assert len(grey.section.reads) == reads  # nobody looks


def test_a_look_says_nothing_about_the_histogram_and_a_channel_does(qtbot, session, panel):
    open_section(session, Channels(noise(300, 300, 1), channels=2))
    qtbot.waitUntil(lambda: panel.is_current)
    before = panel.tones.histogram.counts
    session.set_look(Look(inverted=True))
    assert panel.is_current
    session.set_plane(Plane(c=1))
    qtbot.waitUntil(lambda: panel.is_current and panel.tones.histogram.counts is not before)
    assert panel.tones.histogram.counts[0, 50] == 200 * 100


# -- curves -------------------------------------------------------------------------------------------


def test_black_white_and_gamma_are_dragged_in_the_histogram(qtbot, panel, grey):
    histogram = panel.tones.histogram
    drag(histogram, 2, 60)
    qtbot.waitUntil(lambda: grey.look.curve(0, None, 255).low == pytest.approx(60, abs=1))
    drag(histogram, 250, 180)
    qtbot.waitUntil(lambda: grey.look.curve(0, None, 255).high == pytest.approx(180, abs=1))
    drag(histogram, 120, 90)
    qtbot.waitUntil(lambda: grey.look.curve(0, None, 255).gamma == pytest.approx(0.5, abs=0.03))
    assert panel.tones.gamma.value() == pytest.approx(grey.look.curve(0, None, 255).gamma, abs=0.006)


def test_a_handle_is_dragged_and_stops_before_the_other(qtbot, panel, grey):
    histogram = panel.tones.histogram
    middle = QPoint(7, 7)
    QTest.mousePress(histogram.white, LEFT, pos=middle)
    QTest.mouseMove(histogram.white, middle - QPoint(2000, 0))
    QTest.mouseRelease(histogram.white, LEFT, pos=middle)
    qtbot.waitUntil(lambda: grey.look.curve(0, None, 255) == Curve(0, 1))


def test_handles_follow_the_arrow_keys(qtbot, panel, grey):
    histogram = panel.tones.histogram
    histogram.black.setFocus()
    for _ in range(3):
        QTest.keyClick(histogram.black, Qt.Key.Key_Right)
    QTest.keyClick(histogram.black, Qt.Key.Key_PageUp)
    QTest.keyClick(histogram.white, Qt.Key.Key_Left)
    QTest.keyClick(histogram.gamma, Qt.Key.Key_Left)
    qtbot.waitUntil(lambda: grey.look.curve(0, None, 255) == Curve(19, 254, 1 / 1.02))
    assert histogram.black.accessibleName() != histogram.white.accessibleName()


def test_typed_values_keep_their_order(qtbot, panel, grey):
    tones = panel.tones
    type_into(tones.white, "100")
    qtbot.waitUntil(lambda: grey.look == Look().with_curve(0, 100))
    type_into(tones.black, "150")
    qtbot.waitUntil(lambda: grey.look == Look().with_curve(150, 151))
    type_into(tones.white, "0")
    qtbot.waitUntil(lambda: grey.look == Look().with_curve(0, 1))
    type_into(tones.gamma, "2.5")
    qtbot.waitUntil(lambda: grey.look == Look().with_curve(0, 1, 2.5))


def test_a_look_set_elsewhere_is_followed_and_not_set_again(panel, grey, qtbot):
    look = replace(Look(sharpening=0.301), inverted=True).with_curve(7, 77, 1.2345)
    grey.set_look(look)
    tones = panel.tones
    assert (tones.black.value(), tones.white.value(), tones.inverted.isChecked()) == (7, 77, True)
    assert tones.gamma.value() == pytest.approx(1.23)
    assert panel.enhancements.sharpening.value() == 30
    qtbot.wait(80)
    assert grey.look == look


def test_inverting_and_the_logarithm(panel, grey):
    QTest.mouseClick(panel.tones.inverted, LEFT, pos=QPoint(8, panel.tones.inverted.height() // 2))
    assert grey.look == Look(inverted=True)
    QTest.keyClick(panel.tones.logarithmic, Qt.Key.Key_Space)
    assert panel.tones.histogram.logarithmic
    assert grey.look == Look(inverted=True)


def test_automatic_for_view_and_section_and_back(qtbot, panel, grey):
    tones = panel.tones
    type_into(tones.gamma, "0.5")
    qtbot.waitUntil(lambda: bool(grey.look.channel(0).curves))
    QTest.mouseClick(tones.of_view, LEFT)
    assert not tones.of_section.isEnabled()
    qtbot.waitUntil(lambda: grey.look == Look().with_curve(100, 142, 0.5))
    qtbot.waitUntil(tones.of_section.isEnabled)
    QTest.mouseClick(tones.of_section, LEFT)
    qtbot.waitUntil(lambda: grey.look == Look().with_curve(100, 242, 0.5))
    qtbot.waitUntil(tones.reset.isEnabled)
    grey.set_look(replace(grey.look, sharpening=0.5))
    QTest.mouseClick(tones.reset, LEFT)
    qtbot.waitUntil(lambda: grey.look == Look())
    assert (tones.black.value(), tones.white.value()) == (0, 255)


def test_red_green_and_blue_together_or_each(qtbot, session, panel):
    pixels = np.stack([noise(100, 200, 1, seed=s)[..., 0] // 4 + 20 * s for s in (1, 2, 3)], axis=-1)
    open_section(session, MemorySection(pixels.astype(np.uint8)))
    tones = panel.tones
    assert tones.samples.isVisible()
    type_into(tones.white, "200")
    qtbot.waitUntil(lambda: session.look == Look().with_curve(0, 200))
    tones.samples.setFocus()
    QTest.keyClick(tones.samples, Qt.Key.Key_Down)
    QTest.keyClick(tones.samples, Qt.Key.Key_Down)
    assert tones.sample == 1
    type_into(tones.white, "90")
    one, green = Curve(0, 200), Curve(0, 90)
    qtbot.waitUntil(lambda: session.look.channel(0).curves == (one, green, one))
    QTest.mouseClick(tones.of_view, LEFT)
    qtbot.waitUntil(lambda: [c.low for c in session.look.channel(0).curves] == [20, 40, 60])


# -- channels -----------------------------------------------------------------------------------------


def test_channels_are_there_only_where_there_are_several(session, panel, grey):
    assert not panel.channels.isVisible()
    assert not panel.tones.samples.isVisible()
    open_section(session, Channels(noise(50, 50, 1), channels=3))
    assert panel.channels.isVisible()
    assert [row.chosen.text() for row in panel.channels.rows] == ["channel 0", "channel 1", "channel 2"]


def test_a_channel_is_chosen_hidden_and_coloured(qtbot, session, panel):
    open_section(session, Channels(noise(50, 50, 1), channels=3))
    channels, rows = panel.channels, panel.channels.rows
    panel.grab()  # which lays the rows out
    QTest.mouseClick(rows[2].chosen, LEFT, pos=QPoint(8, rows[2].chosen.height() // 2))
    assert session.plane.c == 2
    type_into(panel.tones.white, "99")
    qtbot.waitUntil(lambda: session.look.channel(2).curves == (Curve(0, 99),))
    assert not rows[0].visible.isEnabled()
    QTest.keyClick(channels.blend, Qt.Key.Key_Space)
    assert session.look.blended
    QTest.mouseClick(rows[0].visible, LEFT, pos=QPoint(8, 8))
    assert not session.look.channel(0).visible
    channels.set_colour(1, QColor("#00ff80"))
    assert session.look.channel(1).colour == "#00ff80"
    assert session.look.channel(2).colour == CHANNEL_COLOURS[2]


def test_16_bit_channels_get_their_curves_when_they_come_into_sight(qtbot, session, panel):
    section = MemorySection((noise(60, 60, 1, np.uint16) // 100 + 300).astype(np.uint16), channels=2)
    open_section(session, section, Look().with_curve(1, 2))
    QTest.keyClick(panel.channels.blend, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: bool(session.look.channel(1).curves))
    assert session.look.channel(0).curves == (Curve(1, 2),)
    assert 300 <= session.look.channel(1).curves[0].low < 320


# -- enhancements -------------------------------------------------------------------------------------


def test_enhancements_say_that_models_dont_see_them(qtbot, panel, grey):
    group = panel.enhancements
    assert "Models always get the pixels of the file" in PROMISE
    assert group.isVisible()
    group.sharpening.setFocus()
    for _ in range(3):
        QTest.keyClick(group.sharpening, Qt.Key.Key_PageUp)
    QTest.keyClick(group.local_contrast, Qt.Key.Key_End)
    qtbot.waitUntil(lambda: grey.look == Look(sharpening=0.3, local_contrast=1.0))
    QTest.mouseClick(group.off, LEFT)
    assert grey.look == Look()
    assert not group.off.isEnabled()


def test_evening_out_needs_camera_tiles_and_says_so(session, panel, grey):
    check = panel.enhancements.flat_field
    assert not check.isEnabled()
    assert "camera tiles" in check.toolTip()
    open_section(session, Mosaic(noise(1300, 1300)))
    assert check.isEnabled()
    QTest.mouseClick(check, LEFT, pos=QPoint(8, check.height() // 2))
    assert session.look == Look(flat_field=True)


def test_the_view_shows_a_badge_that_switches_off(qtbot, viewer):
    section = Mosaic(noise(1300, 1300, 1), np.linspace(0.6, 1.2, 300)[:, None] * np.ones((1, 300)))
    open_section(viewer.session, section)
    wait_sharp(qtbot, viewer)
    plain = grabbed(viewer)
    badge = viewer.look_badge
    assert not badge.isVisible()
    viewer.session.set_look(Look(local_contrast=0.8, flat_field=True))
    assert badge.isVisible()
    qtbot.waitUntil(lambda: not viewer.provider.preparing)
    qtbot.waitUntil(lambda: badge.label.text() == "For the eye only: local contrast, camera tiles evened out")
    wait_sharp(qtbot, viewer)
    assert not np.array_equal(grabbed(viewer), plain)
    QTest.mouseClick(badge.off, LEFT)
    assert viewer.session.look == Look()
    assert not badge.isVisible()
    wait_sharp(qtbot, viewer)
    assert np.array_equal(grabbed(viewer), plain)
    viewer.session.looks.toggle_enhancements()
    assert enhancements(viewer.session.look) == ["local contrast", "camera tiles evened out"]


def test_local_contrast_follows_better_overviews(qtbot, viewer):
    section, look = Rough(noise(100, 100, 1)), Look(local_contrast=1)
    open_section(viewer.session, section, look)
    qtbot.waitUntil(lambda: not viewer.provider.preparing)
    aids = aids_of(section)
    rough = aids.grid(look, Plane())
    assert rough is not None
    section.built = True
    viewer.session.overviews_changed.emit(None)
    qtbot.waitUntil(lambda: (better := aids.grid(look, Plane())) is not None and better is not rough)
    qtbot.waitUntil(lambda: "measuring" not in viewer.look_badge.label.text())


def test_dragging_reads_nothing_again(qtbot, viewer):
    section = MemorySection(noise(480, 640))
    open_section(viewer.session, section)
    viewer.canvas.one_to_one()
    wait_sharp(qtbot, viewer)
    qtbot.waitUntil(lambda: viewer.provider.reader.idle)
    reads = len(section.reads)
    viewer.session.set_look(Look(inverted=True).with_curve(10, 100))
    wait_sharp(qtbot, viewer)
    expected = 255 - np.rint(np.clip((section.pixels.astype(float) - 10) / 90, 0, 1) * 255)
    assert np.abs(grabbed(viewer) - expected).max() <= 1
    assert len(section.reads) == reads
