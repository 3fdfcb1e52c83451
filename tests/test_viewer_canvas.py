"""A section in a real window: its pixels at 1:1, wheel, drag, double click, keys, minimap, and what is read when."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.session_state import SavedView, ViewState
from app.viewer.tile_reader import MOST_THREADS
from core.errors import InputError
from core.look import Look
from core.section import Plane
from tests.memory_section import MemorySection, noise
from tests.viewer_support import grabbed, show, wait_sharp, wheel

SIZE = (640, 480)


def test_at_one_to_one_the_view_is_the_files_pixels(qtbot, viewer):
    pixels = noise(1500, 2100)
    show(viewer, MemorySection(pixels))
    viewer.canvas.one_to_one()
    for x, y in ((1050, 750), (511, 513), (1024, 1024)):
        viewer.canvas.look_at(x, y)
        wait_sharp(qtbot, viewer)
        left, top = x - SIZE[0] // 2, y - SIZE[1] // 2
        assert np.array_equal(grabbed(viewer), pixels[top : top + SIZE[1], left : left + SIZE[0]])


def test_magnified_pixels_stay_square_and_exact(qtbot, viewer):
    pixels = noise(600, 600)
    show(viewer, MemorySection(pixels), SavedView(view=ViewState(300, 300, 8.0)))
    wait_sharp(qtbot, viewer)
    shown = grabbed(viewer)
    expected = pixels[270:330, 260:340].repeat(8, axis=0).repeat(8, axis=1)
    assert np.array_equal(shown, expected)


def test_no_seams_between_tiles_at_a_fractional_zoom(qtbot, viewer):
    grey = np.full((2300, 2300, 1), 180, np.uint8)
    for zoom in (0.73, 0.31, 1.37):
        show(viewer, MemorySection(grey), SavedView(view=ViewState(1100.3, 1030.7, zoom)))
        wait_sharp(qtbot, viewer)
        shown = grabbed(viewer)
        assert (shown == 180).all(), zoom


def test_a_16_bit_section_is_shown_in_its_display_range(qtbot, viewer):
    pixels = noise(480, 640, 1, np.uint16)
    section = MemorySection(pixels)
    show(viewer, section, look=Look().with_curve(1000, 21000))
    viewer.canvas.one_to_one()
    wait_sharp(qtbot, viewer)
    expected = np.clip((pixels.astype(float) - 1000) * 255 / 20000, 0, 255)
    assert np.abs(grabbed(viewer)[..., :1] - expected).max() <= 0.5
    before = len(section.reads)
    viewer.session.set_look(Look())
    wait_sharp(qtbot, viewer)
    assert np.abs(grabbed(viewer)[..., 1:2] - pixels / 257).max() <= 0.5
    assert len(section.reads) == before  # shown anew without being read anew


def test_the_wheel_zooms_at_the_pointer(qtbot, viewer):
    show(viewer, MemorySection(noise(3000, 3000)))
    position = QPointF(500, 100)
    for angle in (120, 120, 30, -15, 240):
        before, zoom = viewer.canvas.section_point(position), viewer.canvas.camera.zoom
        wheel(viewer, position, angle)
        after = viewer.canvas.section_point(position)
        assert viewer.canvas.camera.zoom == pytest.approx(zoom * 1.25 ** (angle / 120))
        assert np.hypot(after[0] - before[0], after[1] - before[1]) * viewer.canvas.camera.zoom < 1.0


def test_zoom_has_limits(qtbot, viewer):
    show(viewer, MemorySection(noise(1000, 1000)))
    fit = viewer.canvas.camera.zoom
    for _ in range(100):
        wheel(viewer, QPointF(320, 240), 120)
    assert viewer.canvas.camera.zoom == 64
    for _ in range(200):
        wheel(viewer, QPointF(320, 240), -120)
    assert viewer.canvas.camera.zoom == pytest.approx(0.4 * fit)


def test_dragging_moves_the_section_with_the_pointer(qtbot, viewer):
    show(viewer, MemorySection(noise(3000, 3000)))
    viewer.canvas.one_to_one()
    viewport = viewer.canvas.viewport()
    grip = viewer.canvas.section_point(QPointF(300, 200))
    qtbot.mousePress(viewport, Qt.MouseButton.LeftButton, pos=QPoint(300, 200))
    for x, y in ((310, 205), (350, 230), (420, 290)):
        qtbot.mouseMove(viewport, QPoint(x, y))
    qtbot.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=QPoint(420, 290))
    assert viewer.canvas.section_point(QPointF(420, 290)) == pytest.approx(grip, abs=1)


def test_double_click_zooms_in_there(qtbot, viewer):
    show(viewer, MemorySection(noise(3000, 3000)))
    zoom, point = viewer.canvas.camera.zoom, viewer.canvas.section_point(QPointF(200, 300))
    qtbot.mouseDClick(viewer.canvas.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(200, 300))
    assert viewer.canvas.camera.zoom == pytest.approx(2 * zoom)
    assert viewer.canvas.section_point(QPointF(200, 300)) == pytest.approx(point, abs=1 / zoom)


def test_arrow_keys_move_the_view(qtbot, viewer):
    show(viewer, MemorySection(noise(3000, 3000)))
    viewer.canvas.one_to_one()
    x, y = viewer.canvas.camera.x, viewer.canvas.camera.y
    qtbot.keyClick(viewer.canvas, Qt.Key.Key_Right)
    qtbot.keyClick(viewer.canvas, Qt.Key.Key_Up)
    assert viewer.canvas.camera.x > x
    assert viewer.canvas.camera.y < y


def test_a_fitted_section_stays_fitted_and_another_view_keeps_its_middle(qtbot, viewer):
    show(viewer, MemorySection(noise(1000, 1000)))
    viewer.resize(500, 300)
    assert viewer.canvas.camera == viewer.canvas.limits.fit()
    viewer.canvas.zoom_by(3)
    before = viewer.canvas.camera
    viewer.resize(*SIZE)
    assert viewer.canvas.camera == before


def test_shift_drag_draws_a_region(qtbot, viewer):
    show(viewer, MemorySection(noise(480, 640)))
    viewer.canvas.one_to_one()
    drawn = []
    viewer.canvas.region_drawn.connect(lambda *edges: drawn.append(edges))
    viewport, shift = viewer.canvas.viewport(), Qt.KeyboardModifier.ShiftModifier
    qtbot.mousePress(viewport, Qt.MouseButton.LeftButton, shift, QPoint(300, 200))
    qtbot.mouseMove(viewport, QPoint(200, 350))
    qtbot.mouseRelease(viewport, Qt.MouseButton.LeftButton, shift, QPoint(200, 350))
    assert drawn == [(200, 200, 300, 350)]
    assert (viewer.canvas.camera.x, viewer.canvas.camera.y) == (320, 240)


def test_flying_takes_a_moment_and_a_key_press_interrupts_it(qtbot, viewer, qapp):
    show(viewer, MemorySection(noise(4000, 4000)))
    qapp.setProperty("still", False)
    start, goal = viewer.canvas.camera, viewer.canvas.limits.around(viewer.session.section.info.box.grown(-1900), 0.5)
    viewer.canvas.fly(goal)
    assert viewer.canvas.camera.zoom < goal.zoom
    qtbot.waitUntil(lambda: viewer.canvas.camera.zoom > start.zoom)
    qtbot.mousePress(viewer.canvas.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(10, 10))
    stopped = viewer.canvas.camera
    QTest.qWait(60)
    assert viewer.canvas.camera == stopped
    qtbot.mouseRelease(viewer.canvas.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(10, 10))
    viewer.canvas.fly(goal)
    qtbot.waitUntil(lambda: viewer.canvas.camera == goal)


def test_the_minimap_shows_and_moves_the_view(qtbot, viewer):
    show(viewer, MemorySection(noise(2000, 4000)))
    assert not viewer.minimap.isVisible()  # the whole section is in sight
    viewer.canvas.one_to_one()
    assert viewer.minimap.isVisible()
    assert (viewer.minimap.width(), viewer.minimap.height()) == (168, 84)
    assert viewer.minimap.frame().center().toTuple() == pytest.approx((84, 42), abs=1)
    qtbot.mouseClick(viewer.minimap, Qt.MouseButton.LeftButton, pos=QPoint(42, 63))
    assert (viewer.canvas.camera.x, viewer.canvas.camera.y) == pytest.approx((1000, 1500), abs=30)


def test_a_slow_reader_never_holds_the_window_and_late_answers_are_dropped(qtbot, viewer):
    slow, quick = (
        MemorySection(np.full((900, 900, 3), 200, np.uint8)),
        MemorySection(np.full((900, 900, 3), 50, np.uint8)),
    )
    slow.gate.clear()
    show(viewer, slow)
    viewer.canvas.one_to_one()
    for x in range(0, 900, 30):
        viewer.canvas.look_at(x, 450)
        QApplication.processEvents()
    assert slow.reads == [], "nobody has waited for a read"
    assert not viewer.is_sharp
    show(viewer, quick)
    slow.gate.set()
    wait_sharp(qtbot, viewer)
    qtbot.waitUntil(lambda: viewer.provider.reader.idle)
    viewer.canvas.one_to_one()
    wait_sharp(qtbot, viewer)
    assert (grabbed(viewer) == 50).all()


def test_tiles_out_of_sight_leave_the_queue(qtbot, viewer):
    section = MemorySection(noise(8000, 8000, 1))
    section.gate.clear()
    show(viewer, section)
    viewer.canvas.one_to_one()
    viewer.canvas.look_at(700, 700)
    viewer.canvas.look_at(7000, 7000)
    section.gate.set()
    wait_sharp(qtbot, viewer)
    qtbot.waitUntil(lambda: viewer.provider.reader.idle)
    # Some tiles of the first place may have been in work; its other ones, and the ring around them, were not read.
    first_place = [r for r in section.reads if r[0] < 2560 and r[1] < 2560 and r[2] == r[3] == 512]
    assert len(first_place) <= MOST_THREADS


def test_unreadable_tiles_are_told_once(qtbot, viewer):
    section = MemorySection(noise(2000, 2000))
    section.failure = InputError("a tile can't be decoded", path="x.czi", remedy="Copy it again.")
    told = []
    viewer.session.message.connect(lambda level, text: told.append((level, text)))
    show(viewer, section)
    viewer.canvas.one_to_one()
    qtbot.waitUntil(lambda: bool(told) and viewer.provider.reader.idle)
    assert told == [("error", "x.czi: a tile can't be decoded. Copy it again.")]


def test_the_pointer_is_read_out_with_the_pixels_value(qtbot, viewer):
    pixels = noise(480, 640)
    show(viewer, MemorySection(pixels))
    viewer.canvas.one_to_one()
    wait_sharp(qtbot, viewer)
    said = []
    viewer.readout_changed.connect(said.append)
    qtbot.mouseMove(viewer.canvas.viewport(), QPoint(100, 50))
    red, green, blue = pixels[50, 100]
    qtbot.waitUntil(lambda: said[-1].endswith(f"RGB {red} {green} {blue}"))
    assert said[-1].startswith("x 100  y 50 px   50.2, 25.2 µm from the corner")


def test_the_read_out_follows_the_view_under_a_still_pointer(qtbot, viewer):
    pixels = noise(960, 1280)
    show(viewer, MemorySection(pixels))
    viewer.canvas.one_to_one()
    said = []
    viewer.readout_changed.connect(said.append)
    qtbot.mouseMove(viewer.canvas.viewport(), QPoint(301, 203))
    qtbot.waitUntil(lambda: bool(said) and said[-1] != "")
    before = said[-1]
    viewer.canvas.look_at(800, 600)
    x, y = (int(v) for v in viewer.canvas.pointed)
    assert said[-1] != before
    assert said[-1].startswith(f"x {x}  y {y} px")
    red, green, blue = pixels[y, x]
    qtbot.waitUntil(lambda: said[-1].endswith(f"RGB {red} {green} {blue}"))
    QApplication.sendEvent(viewer.canvas.viewport(), QEvent(QEvent.Type.Leave))
    viewer.canvas.fit()
    assert said[-1] == ""


def test_planes_are_chosen_only_where_there_are_some(qtbot, viewer):
    from app.viewer.plane_bar import PlaneBar

    bar = viewer.findChild(PlaneBar)
    show(viewer, MemorySection(noise(480, 640)))
    assert not bar.isVisible()
    section = MemorySection(noise(480, 640, 1), channels=2, z_count=5)
    show(viewer, section)
    assert bar.isVisible()
    assert bar.channel.isVisible()
    assert bar.z.isVisible()
    assert not bar.t.isVisible()
    bar.channel.setFocus()
    qtbot.keyClick(bar.channel, Qt.Key.Key_Down)
    bar.z.setValue(3)
    assert viewer.session.plane == Plane(1, 3, 0)
    wait_sharp(qtbot, viewer)
    qtbot.waitUntil(lambda: section.reads[-1][4] == Plane(1, 3, 0))


def test_another_section_is_fitted_even_where_its_plane_bar_takes_room(qtbot, viewer):
    show(viewer, MemorySection(noise(800, 1200)))
    show(viewer, MemorySection(noise(480, 640, 1), channels=2))
    QApplication.processEvents()
    assert viewer.canvas.camera == viewer.canvas.limits.fit()
    assert viewer.session.view == ViewState(320, 240, viewer.canvas.camera.zoom)


def test_where_the_view_is_goes_to_the_session(qtbot, viewer):
    show(viewer, MemorySection(noise(1000, 1000)), SavedView(view=ViewState(123.5, 456.25, 1.75)))
    assert viewer.session.view == ViewState(123.5, 456.25, 1.75)
    viewer.canvas.look_at(200, 300)
    assert viewer.session.view == ViewState(200, 300, 1.75)
