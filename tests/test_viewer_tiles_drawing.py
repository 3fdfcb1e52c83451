"""Every pixel where it belongs: at 1:1 the file's own, at every level in its place, without seams, in motion as at rest."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication

from app.session_state import SavedView, ViewState
from app.theme import tokens
from app.viewer import section_item
from app.viewer.camera import Camera
from app.viewer.tiles import TileKey, nearest_downsample
from tests.memory_section import MemorySection, noise
from tests.viewer_support import grabbed, rgb, show, wait_sharp, wheel

WIDTH, HEIGHT = 640, 480


@pytest.mark.parametrize("place", [(0, 0), (2100, 1500), (1050, 0), (513, 1499), (1537, 1025)])
def test_at_one_to_one_the_view_is_the_files_pixels_up_to_its_edges(qtbot, viewer, place):
    pixels = noise(1500, 2100)
    show(viewer, MemorySection(pixels))
    viewer.canvas.one_to_one()
    viewer.canvas.look_at(*place)
    wait_sharp(qtbot, viewer)
    beyond = QColor(tokens().canvas)
    padded = np.full((1500 + 2 * HEIGHT, 2100 + 2 * WIDTH, 3), (beyond.red(), beyond.green(), beyond.blue()), np.uint8)
    padded[HEIGHT:-HEIGHT, WIDTH:-WIDTH] = pixels
    left, top = place[0] + WIDTH // 2, place[1] + HEIGHT // 2
    assert np.array_equal(grabbed(viewer), padded[top : top + HEIGHT, left : left + WIDTH])


@pytest.mark.parametrize("downsample", [1, 2, 4, 8, 16])
def test_a_planted_cross_and_a_checkerboard_stay_in_place_at_every_level(qtbot, viewer, downsample):
    height, width, (x, y), half = 7700, 10_500, (5230, 3850), 24
    pixels = np.zeros((height, width, 1), np.uint8)
    field = 8 * downsample
    across, down = np.arange(width) // field % 2, np.arange(height) // field % 2
    pixels[..., 0] = 60 * (across[None, :] ^ down[:, None])
    pixels[y - half : y + half] = pixels[:, x - half : x + half] = 255
    show(viewer, MemorySection(pixels), SavedView(view=ViewState(x, y, 1 / downsample)))
    wait_sharp(qtbot, viewer)
    shown = grabbed(viewer)[..., 0].astype(float)
    left, top = viewer.canvas.section_point(QPointF(0, 0))
    bright = np.clip(shown[:40] - 60, 0, None).sum(axis=0)
    assert (bright * (np.arange(WIDTH) + 0.5)).sum() / bright.sum() == pytest.approx((x - left) / downsample, abs=0.5)
    bright = np.clip(shown[:, :40] - 60, 0, None).sum(axis=1)
    assert (bright * (np.arange(HEIGHT) + 0.5)).sum() / bright.sum() == pytest.approx((y - top) / downsample, abs=0.5)
    # The middle of every field of the board has the colour of that field.
    column, row = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    at_x, at_y = left + (column + 0.5) * downsample, top + (row + 0.5) * downsample
    inside = (abs(at_x % field - field / 2) < 2 * downsample) & (abs(at_y % field - field / 2) < 2 * downsample)
    inside &= (abs(at_x - x) > half + field) & (abs(at_y - y) > half + field)
    expected = 60 * ((at_x // field).astype(int) % 2 ^ (at_y // field).astype(int) % 2)
    assert inside.sum() > 1000
    assert np.abs(shown - expected)[inside].max() <= 1


def test_no_seam_shows_at_any_zoom_whatever_stands_in(qtbot, viewer):
    show(viewer, MemorySection(np.full((5000, 6000, 1), 180, np.uint8)))
    viewer.resize(320, 240)
    wait_sharp(qtbot, viewer)
    random = np.random.default_rng(3)
    for _ in range(200):
        zoom = float(np.exp(random.uniform(np.log(0.06), np.log(9))))
        w, h = 160 / zoom, 120 / zoom
        x, y = random.uniform(w, max(6000 - w, w + 1)), random.uniform(h, max(5000 - h, h + 1))
        viewer.canvas.fly(Camera(x, y, zoom), 0)
        QApplication.processEvents()
        assert (grabbed(viewer) == 180).all(), (x, y, zoom)


def off_by(viewer) -> int:
    """How far what is on the screen is from what would be painted now."""
    on_screen = rgb(viewer.screen().grabWindow(viewer.winId()).toImage()).astype(int)
    return int(np.abs(on_screen - rgb(viewer.grab().toImage())).max())


def test_what_is_scrolled_equals_what_is_painted_anew(qtbot, viewer):
    """The window keeps what it has painted and moves it; the pieces must fit."""
    show(viewer, MemorySection(noise(3000, 3000)), SavedView(view=ViewState(1500, 1500, 0.83)))
    wait_sharp(qtbot, viewer)
    viewport = viewer.canvas.viewport()
    at = QPoint(300, 200)
    qtbot.mousePress(viewport, Qt.MouseButton.LeftButton, pos=at)
    for dx, dy in ((9, 0), (0, -13), (31, 17), (-3, 40), (57, -1)):
        at += QPoint(dx, dy)
        qtbot.mouseMove(viewport, at)
        wait_sharp(qtbot, viewer)
        qtbot.waitUntil(lambda: off_by(viewer) <= 2)  # what was uncovered last is painted in the next turns
    qtbot.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=at)


@pytest.mark.parametrize("most_ms", [-1.0, 1e9])
def test_a_zoom_in_motion_may_be_plain_or_of_fewer_px_but_ends_sharp(qtbot, viewer, qapp, monkeypatch, most_ms):
    monkeypatch.setattr(section_item, "SMOOTH_MS", most_ms)
    show(viewer, MemorySection(noise(3000, 3000)), SavedView(view=ViewState(1500, 1500, 0.5)))
    wait_sharp(qtbot, viewer)
    viewer.canvas.fly(Camera(1500, 1500, 0.6), 0)
    wait_sharp(qtbot, viewer)
    sharp = grabbed(viewer)
    viewer.canvas.fly(Camera(1500, 1500, 0.5), 0)
    wait_sharp(qtbot, viewer)
    QApplication.processEvents()
    qapp.setProperty("still", False)
    viewer.canvas.fly(Camera(1500, 1500, 0.6), 0)
    assert not np.array_equal(grabbed(viewer), sharp)
    qtbot.waitUntil(lambda: np.array_equal(grabbed(viewer), sharp))
    viewer.canvas.fly(Camera(1500, 1500, 0.64), 0)
    picture = viewer.picture()
    qtbot.waitUntil(lambda: np.array_equal(rgb(viewer.picture()), rgb(picture)))


@pytest.mark.parametrize("zoom", [0.03, 0.24, 0.26, 0.4, 0.7, 0.71, 1, 3])
def test_what_is_drawn_in_motion_is_hardly_magnified(zoom):
    assert 0.7 < zoom * nearest_downsample(zoom, 1024) <= max(1.42, zoom)
    assert nearest_downsample(zoom, 2) <= 2


def test_a_tile_that_nothing_shows_of_is_not_painted(qtbot, viewer, monkeypatch):
    """A coarse tile that comes anew would have all of the view painted, and one beside it a tile's area."""
    show(viewer, MemorySection(noise(3000, 3000)), SavedView(view=ViewState(700, 700, 1.0)))
    wait_sharp(qtbot, viewer)
    qtbot.waitUntil(lambda: viewer.provider.reader.idle)
    QApplication.processEvents()
    painted, pieces = [], viewer.provider.pieces
    monkeypatch.setattr(viewer.provider, "pieces", lambda tiles: painted.append(tiles) or pieces(tiles))
    for key in (TileKey(4, 0, 0), TileKey(1, 5, 5)):
        viewer.provider.tile_ready.emit(key)
        QApplication.processEvents()
    assert not painted
    viewer.provider.tile_ready.emit(TileKey(1, 1, 1))
    qtbot.waitUntil(lambda: bool(painted))


def test_on_another_screen_one_to_one_stays_one_to_one(qtbot, viewer, monkeypatch):
    show(viewer, MemorySection(noise(2000, 2000)))
    viewer.canvas.one_to_one()
    monkeypatch.setattr(viewer.canvas, "devicePixelRatioF", lambda: 2.0)
    QApplication.sendEvent(viewer.canvas.viewport(), QEvent(QEvent.Type.DevicePixelRatioChange))
    assert viewer.canvas.camera.zoom == 0.5
    viewer.canvas.fly(Camera(1000, 1000, 0.3), 0)
    monkeypatch.setattr(viewer.canvas, "devicePixelRatioF", lambda: 1.0)
    QApplication.sendEvent(viewer.canvas.viewport(), QEvent(QEvent.Type.DevicePixelRatioChange))
    assert viewer.canvas.camera == Camera(1000, 1000, 0.3)


def test_a_hidden_view_reads_nothing(qtbot, viewer):
    section = MemorySection(noise(3000, 3000))
    show(viewer, section)
    wait_sharp(qtbot, viewer)
    qtbot.waitUntil(lambda: viewer.provider.reader.idle)
    viewer.hide()
    before = len(section.reads)
    viewer.canvas.one_to_one()
    wheel(viewer, QPointF(100, 100), 120)
    assert viewer.provider.reader.idle
    assert len(section.reads) == before
    viewer.show()
    wait_sharp(qtbot, viewer)
    assert len(section.reads) > before
