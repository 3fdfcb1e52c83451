"""Comparing in a real window: side by side and swipe, linked and free, and back to one view."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog

from app.session_lease import LeasedSection
from app.session_opening import Opened
from core.look import Look
from tests.memory_section import MemorySection, noise
from tests.slow_section import SlowSection
from tests.test_viewer_canvas import grabbed, wheel
from tests.toy import spotted_image, write_image
from tests.window_support import open_and_wait, open_window, press

SHIFT = Qt.KeyboardModifier.ShiftModifier


def write_tiff(path, pixels, um=0.5):
    metadata = {"axes": "YXS", "PhysicalSizeX": um, "PhysicalSizeY": um, "PhysicalSizeXUnit": "µm"}
    tifffile.imwrite(path, pixels, ome=True, metadata=metadata)
    return path


@pytest.fixture
def window(qtbot, qapp, tmp_path):
    with open_window(qapp) as window:
        open_and_wait(qtbot, window, write_tiff(tmp_path / "first.ome.tif", noise(1500, 2000)))
        yield window


@pytest.fixture
def comparison(qtbot, window):
    press(qtbot, window, Qt.Key.Key_C)
    assert window.comparison.active
    return window.comparison


def cameras(window):
    return window.viewer.canvas.camera, window.comparison.pane.canvas.camera


def drag(widget, start: QPoint, end: QPoint) -> None:
    QTest.mousePress(widget, Qt.MouseButton.LeftButton, pos=start)
    for step in (0.3, 0.7, 1.0):
        QTest.mouseMove(widget, start + (end - start) * step)
    QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, pos=end)


def drag_divider(halves, x: int) -> None:
    """The divider moves under the pointer, so that places are named in what holds it."""
    divider, y = halves.divider, halves.height() // 2
    QTest.mousePress(divider, Qt.MouseButton.LeftButton, pos=divider.rect().center())
    start = divider.geometry().center().x()
    for step in (0.3, 0.7, 1.0):
        QTest.mouseMove(divider, divider.mapFrom(halves, QPoint(round(start + (x - start) * step), y)))
    QTest.mouseRelease(divider, Qt.MouseButton.LeftButton, pos=divider.rect().center())


def open_other(qtbot, window, path, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(path), ""))
    with qtbot.waitSignal(window.comparison.partner.opened, timeout=20_000):
        press(qtbot, window, Qt.Key.Key_C, SHIFT)
    return window.comparison


def test_c_shows_the_section_twice_and_c_again_once(qtbot, window):
    canvas = window.viewer.canvas
    before, size = canvas.camera, canvas.size()
    press(qtbot, window, Qt.Key.Key_C)
    comparison = window.comparison
    assert window.menus.actions["compare"].isChecked()
    assert comparison.pane.isVisible()
    assert canvas.isVisible()
    assert canvas.width() + comparison.pane.width() == pytest.approx(window.viewer.width(), abs=1)
    assert comparison.halves.left_name.text() == "first.ome.tif"
    press(qtbot, window, Qt.Key.Key_C)
    assert not comparison.active
    assert not window.menus.actions["compare"].isChecked()
    assert not comparison.pane.isVisible()
    assert comparison.pane.section is None
    assert canvas.size() == size
    assert canvas.camera == before
    assert canvas.hasFocus()
    press(qtbot, window, Qt.Key.Key_C)
    assert comparison.pane.isVisible(), "and again"


def test_both_views_move_together_from_either_side(qtbot, window, comparison):
    left, right = window.viewer.canvas, comparison.pane.canvas
    press(qtbot, window, Qt.Key.Key_1)
    one, other = cameras(window)
    assert one == other
    drag(left.viewport(), QPoint(100, 100), QPoint(60, 70))
    assert cameras(window)[0] != one
    assert cameras(window)[0] == cameras(window)[1]
    drag(right.viewport(), QPoint(100, 100), QPoint(150, 140))
    moved, other = cameras(window)
    assert moved == other
    wheel(comparison.pane, QPointF(50, 50), 240)
    assert cameras(window)[0].zoom == pytest.approx(moved.zoom * 1.25**2)
    assert cameras(window)[0].zoom == cameras(window)[1].zoom
    press(qtbot, window, Qt.Key.Key_F)
    assert cameras(window)[0].zoom == cameras(window)[1].zoom


def test_both_show_the_files_pixels(qtbot, window, comparison):
    press(qtbot, window, Qt.Key.Key_1)
    qtbot.waitUntil(lambda: window.viewer.is_sharp and comparison.pane.is_sharp, timeout=10_000)
    one, other = grabbed(window.viewer), grabbed(comparison.pane)
    h, w = min(one.shape[0], other.shape[0]) // 2 - 40, min(one.shape[1], other.shape[1]) // 2 - 12
    assert one.std() > 50

    def middle(image):
        y, x = image.shape[0] // 2, image.shape[1] // 2
        return image[y - 60 : y + 60, x - 60 : x + 60]

    assert h > 60
    assert w > 60
    best = min(
        np.abs(middle(one).astype(int) - middle(np.roll(other, (dy, dx), (0, 1)))).mean()
        for dy in (-1, 0, 1)
        for dx in (-1, 0, 1)
    )
    assert best == 0, "the same place, to the px that an odd width takes"


def test_unlinked_they_move_alone_and_linked_again_keep_their_offset(qtbot, window, comparison):
    press(qtbot, window, Qt.Key.Key_1)
    qtbot.mouseClick(comparison.bar.link, Qt.MouseButton.LeftButton)
    before = cameras(window)[0]
    drag(comparison.pane.canvas.viewport(), QPoint(100, 100), QPoint(70, 100))
    one, other = cameras(window)
    assert one == before
    assert other.x - one.x == 30
    qtbot.mouseClick(comparison.bar.link, Qt.MouseButton.LeftButton)
    drag(window.viewer.canvas.viewport(), QPoint(100, 100), QPoint(60, 130))
    one, other = cameras(window)
    assert one != before
    assert (other.x - one.x, other.y - one.y) == pytest.approx((30, 0))
    qtbot.mouseClick(comparison.bar.line_up, Qt.MouseButton.LeftButton)
    one, other = cameras(window)
    assert (one.x, one.y) == pytest.approx((other.x, other.y))


def test_swipe_shows_the_right_one_beyond_the_divider(qtbot, window, comparison):
    session, halves = window.session, comparison.halves
    press(qtbot, window, Qt.Key.Key_1)
    qtbot.mouseClick(comparison.bar.swipe, Qt.MouseButton.LeftButton)
    session.set_look(Look().with_curve(254, 255))  # the left is nearly black now, the right as it was
    pane = comparison.pane
    assert pane.size() == window.viewer.canvas.size()
    for share in (0.3, 0.7):
        drag_divider(halves, round(share * halves.width()))
        assert halves.share == pytest.approx(share, abs=0.01)
        qtbot.waitUntil(lambda: window.viewer.is_sharp and pane.is_sharp, timeout=10_000)
        image = comparison.picture()
        y, divider = image.height() // 2, round(halves.share * image.width())
        bright = [
            np.mean([image.pixelColor(x, y + dy).lightness() for dy in range(-20, 20)])
            for x in (divider - 40, divider + 40)
        ]
        assert bright[0] < 30 < 90 < bright[1]
    assert window.settings.get("compare") == {"mode": "swipe", "swipe": round(halves.share, 4)}
    halves.divider.setFocus()
    before = halves.share
    qtbot.keyClick(halves.divider, Qt.Key.Key_Left)
    assert halves.share < before


def test_mode_and_divider_are_found_again(qtbot, window, comparison):
    halves = comparison.halves
    drag_divider(halves, 200)
    share = halves.share
    assert share < 0.4
    qtbot.mouseClick(comparison.bar.swipe, Qt.MouseButton.LeftButton)
    assert halves.share == 0.5
    press(qtbot, window, Qt.Key.Key_C)
    press(qtbot, window, Qt.Key.Key_C)
    assert halves.mode == "swipe"
    qtbot.mouseClick(comparison.bar.side, Qt.MouseButton.LeftButton)
    assert halves.share == pytest.approx(share, abs=1e-4)


def test_the_right_keeps_its_display_until_told(qtbot, window, comparison):
    pane = comparison.pane
    kept = pane.look
    window.session.set_look(Look().with_curve(10, 20))
    assert pane.look == kept != window.session.look
    qtbot.mouseClick(comparison.bar.same_display, Qt.MouseButton.LeftButton)
    assert pane.look == window.session.look


def test_the_right_says_by_itself_what_is_for_the_eye_only(qtbot, window, comparison):
    window.session.set_look(Look(sharpening=0.5))
    assert window.viewer.look_badge.isVisible()
    assert not comparison.pane.look_badge.isVisible()
    qtbot.mouseClick(comparison.bar.same_display, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(comparison.pane.look_badge.off, Qt.MouseButton.LeftButton)
    assert comparison.pane.look == Look()
    assert window.session.look == Look(sharpening=0.5)


def test_another_section_stands_beside_it_at_the_same_scale(qtbot, window, tmp_path, monkeypatch):
    other = write_tiff(tmp_path / "second.ome.tif", noise(3000, 4000, seed=1), um=0.25)
    comparison = open_other(qtbot, window, other, monkeypatch)
    assert comparison.halves.right_name.text() == "second.ome.tif"
    press(qtbot, window, Qt.Key.Key_1)
    one, two = cameras(window)
    assert two.zoom == pytest.approx(one.zoom / 2)
    assert (two.x, two.y) == pytest.approx((one.x * 2, one.y * 2))
    assert not comparison.bar.stage.isEnabled()
    section = comparison.pane.section
    press(qtbot, window, Qt.Key.Key_C)
    qtbot.waitUntil(lambda: section._closed)


def test_what_cannot_be_opened_is_told_and_nothing_changes(qtbot, window, tmp_path, monkeypatch):
    broken = tmp_path / "broken.tif"
    broken.write_bytes(b"II*\0nonsense")
    window.comparison.compare_with(broken)
    qtbot.waitUntil(lambda: window.notifications.level == "error")
    assert not window.comparison.active


def test_opening_another_section_ends_the_comparison(qtbot, window, comparison, tmp_path):
    open_and_wait(qtbot, window, write_image(tmp_path / "spots.png", spotted_image(spots=3)))
    assert not comparison.active
    assert window.viewer.canvas.isVisible()
    assert comparison.pane.section is None
    window.commands.file.close_section()
    assert not comparison.active


def test_a_smaller_section_on_the_right_does_not_hold_the_left_back(qtbot, window, tmp_path, monkeypatch):
    small = write_tiff(tmp_path / "small.ome.tif", noise(200, 300, seed=1))
    comparison = open_other(qtbot, window, small, monkeypatch)
    canvas = window.viewer.canvas
    press(qtbot, window, Qt.Key.Key_F)
    one, two = cameras(window)
    assert one.zoom == pytest.approx(two.zoom)
    canvas.look_at(5, 5)
    one, two = cameras(window)
    assert (two.x - 150, two.y - 100) == pytest.approx((one.x - 1000, one.y - 750))
    assert comparison.active


def test_closing_the_window_while_comparing_leaves_no_thread(qtbot, window, tmp_path, monkeypatch):
    other = write_tiff(tmp_path / "second.ome.tif", noise(600, 800, seed=1))
    open_other(qtbot, window, other, monkeypatch)
    section = window.comparison.pane.section
    window.close()
    assert section._closed


def test_the_read_out_tells_of_the_right_view_too(qtbot, window, comparison):
    press(qtbot, window, Qt.Key.Key_1)
    QTest.mouseMove(comparison.pane.canvas.viewport(), QPoint(30, 40))
    assert window.status.pointer.text().startswith("right: x ")


def test_the_pointer_is_marked_in_the_other_view(qtbot, window, comparison):
    press(qtbot, window, Qt.Key.Key_1)
    left, right = window.viewer.canvas, comparison.pane.canvas
    QTest.mouseMove(left.viewport(), QPoint(120, 150))
    mark = comparison.marks.right
    assert mark.isVisible()
    assert not comparison.marks.left.isVisible()
    pointed = left.pointed
    assert mark.geometry().center() == right.mapFromScene(QPointF(*pointed))
    QTest.mouseMove(right.viewport(), QPoint(80, 90))
    assert comparison.marks.left.geometry().center() == left.mapFromScene(QPointF(*right.pointed))
    qtbot.mouseClick(comparison.bar.link, Qt.MouseButton.LeftButton)
    QTest.mouseMove(left.viewport(), QPoint(60, 60))
    assert not mark.isVisible(), "unlinked, nothing lies beside it"


def test_what_lay_in_one_place_of_the_stage_is_linked_by_it(qtbot, window, tmp_path, monkeypatch):
    def placed(name, x_um, um, seed):
        metadata = {"axes": "YXS", "PhysicalSizeX": um, "PhysicalSizeY": um, "PhysicalSizeXUnit": "µm"}
        metadata["Plane"] = {"PositionX": [x_um], "PositionXUnit": ["µm"], "PositionY": [0.0], "PositionYUnit": ["µm"]}
        tifffile.imwrite(tmp_path / name, noise(900, 1200, seed=seed), ome=True, metadata=metadata)
        return tmp_path / name

    open_and_wait(qtbot, window, placed("left.ome.tif", 0.0, 0.5, 1))
    comparison = open_other(qtbot, window, placed("right.ome.tif", 50.0, 0.25, 2), monkeypatch)
    assert comparison.bar.stage.isChecked()
    press(qtbot, window, Qt.Key.Key_1)

    def apart():
        """µm on the stage between both middles."""
        places = []
        for view, camera in zip((window.session.section, comparison.pane.section), cameras(window), strict=True):
            places.append(view.info.stage.to_stage(camera.x, camera.y))
        return places[0][0] - places[1][0], places[0][1] - places[1][1]

    assert apart() == pytest.approx((0, 0), abs=1e-6)
    drag(window.viewer.canvas.viewport(), QPoint(100, 100), QPoint(40, 150))
    assert apart() == pytest.approx((0, 0), abs=1e-6)
    qtbot.mouseClick(comparison.bar.stage, Qt.MouseButton.LeftButton)
    assert apart()[0] == pytest.approx(-50), "both middles again"


def test_leaving_does_not_wait_for_a_drive_that_hangs(qtbot, window):
    slow = SlowSection(MemorySection(noise(2000, 2000)), delay_s=0.0)
    window.commands.file.close_section()
    window.session.adopt(Opened(LeasedSection(slow)))
    qtbot.waitUntil(lambda: window.viewer.is_sharp, timeout=10_000)
    slow.stall()
    try:
        press(qtbot, window, Qt.Key.Key_C)
        reader = window.comparison.pane.provider.reader
        qtbot.waitUntil(lambda: bool(reader.in_work()))
        press(qtbot, window, Qt.Key.Key_C)
        assert not window.comparison.active
        assert reader.in_work(), "what has begun is still being read"
    finally:
        slow.resume()
