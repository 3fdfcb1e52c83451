"""Exporting pictures and copying sections from a real window."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import tifffile
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialogButtonBox, QFileDialog

import app.picture_export as picture_export
from app.picture_dialog import PictureDialog, PictureSource
from app.picture_overlay import Layer, overlay_for
from app.progress_dialog import ProgressDialog
from app.viewer.overlay_tiles import TILE, Painted
from core.geometry import Box
from core.look import Look
from core.picture import region_request
from core.section_info import Plane
from tests.memory_section import MemorySection, noise
from tests.window_support import ask_for_picture, open_and_wait, open_window, press


@pytest.fixture
def pixels():
    return noise(1500, 2000)


@pytest.fixture
def window(qtbot, qapp, tmp_path, pixels):
    path = tmp_path / "section.ome.tif"
    tifffile.imwrite(path, pixels, ome=True, metadata={"axes": "YXS", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5})
    with open_window(qapp) as window:
        open_and_wait(qtbot, window, path)
        yield window


def write(qtbot, window, dialog, path, monkeypatch) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(path), ""))
    qtbot.mouseClick(dialog.export, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not window.session.lanes.copies.busy, timeout=20_000)


def choose(combo, value) -> None:
    combo.setCurrentIndex(combo.findData(value))


def test_the_whole_section_at_full_resolution(qtbot, window, pixels, tmp_path, monkeypatch):
    dialog = ask_for_picture(qtbot, window)
    qtbot.mouseClick(dialog.whole, Qt.MouseButton.LeftButton)
    qtbot.keyClick(dialog.scale_bar, Qt.Key.Key_Space)
    choose(dialog.format, "tiff")
    assert dialog.summary.text().startswith("2,000 × 1,500 px, 0.5 µm each; at most 15.0 MB")
    write(qtbot, window, dialog, tmp_path / "out", monkeypatch)
    out = tmp_path / "out.ome.tif"
    np.testing.assert_array_equal(tifffile.imread(out), pixels)
    assert str(out) in window.notifications.text.text()
    assert window.findChild(ProgressDialog) is None or not window.findChild(ProgressDialog).isVisible()


def test_a_region_by_numbers_with_a_scale_bar(qtbot, window, pixels, tmp_path, monkeypatch):
    dialog = ask_for_picture(qtbot, window)
    for edge, value in zip(dialog.edges, (100, 200, 900, 700), strict=True):
        edge.setValue(value)
    assert dialog.in_region.isChecked()
    choose(dialog.scale, 2)
    assert dialog.scale_bar.isChecked()
    write(qtbot, window, dialog, tmp_path / "region.png", monkeypatch)
    stored = cv2.imread(str(tmp_path / "region.png"))[..., ::-1]
    assert stored.shape == (350, 450, 3)
    expected = cv2.resize(pixels[200:900, 100:1000], (450, 350), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(stored[:250], expected[:250])
    corner = stored[250:, :225]
    assert (corner == 255).all(axis=2).sum() > 100, "the bar"
    assert np.abs(corner.astype(int) - expected[250:, :225]).max() > 100


def test_what_the_view_shows_is_offered_first(qtbot, window, tmp_path, monkeypatch):
    press(qtbot, window, Qt.Key.Key_1)
    view = window.viewer.visible_region()
    dialog = ask_for_picture(qtbot, window)
    assert dialog.in_view.isChecked()
    picture = dialog.picture
    assert picture.request.box == Box(*view.outer_pixels())
    qtbot.mouseClick(dialog.buttons.button(QDialogButtonBox.StandardButton.Cancel), Qt.MouseButton.LeftButton)
    assert not dialog.isVisible()


def dialog_for(qtbot, window, info, **given) -> PictureDialog:
    source = {"view": None, "region": None, "layers": {}} | given
    dialog = PictureDialog(window, PictureSource(info, Plane(), Look(), **source))
    qtbot.addWidget(dialog)
    return dialog


def test_what_is_too_large_for_png_says_so_and_cannot_be_exported(qtbot, window):
    from dataclasses import replace

    info = replace(MemorySection(noise(10, 10, 1, np.uint16)).info, width_px=100_000, height_px=80_000)
    dialog = dialog_for(qtbot, window, info)
    dialog.whole.setChecked(True)
    assert not dialog.export.isEnabled()
    assert "Choose OME-TIFF" in dialog.summary.text()
    choose(dialog.format, "tiff")
    assert dialog.export.isEnabled()
    choose(dialog.values, False)
    assert "26.7 GB" in dialog.summary.text(), "16 bits, with levels and what is kept aside"
    choose(dialog.format, "png")
    choose(dialog.scale, 8)
    assert dialog.export.isEnabled()


def test_boxes_lie_only_over_the_displayed_section(qtbot, window):
    class Red:
        def paint(self, tile):
            return Painted(np.full((TILE, TILE, 4), (0, 0, 255, 255), np.uint8))

    info = MemorySection(noise(600, 700, 1)).info
    dialog = dialog_for(qtbot, window, info, layers={"Detections": Layer(Red(), 1.0)})
    box = dialog.layers["Detections"]
    assert not box.isChecked()
    box.setChecked(True)
    dialog.scale_bar.setChecked(False)
    assert dialog.picture.overlay is not None
    choose(dialog.values, False)
    assert not box.isEnabled()
    assert dialog.picture.overlay is None
    assert dialog.picture.look is None


def test_layers_lie_where_they_do_on_the_screen():
    class Chequers:
        """Every tile tells where it is by its colour."""

        def paint(self, tile):
            assert tile.zoom == 0.5
            pixels = np.zeros((TILE, TILE, 4), np.uint8)
            pixels[..., 2] = tile.column * 10
            pixels[..., 1] = tile.row * 10
            pixels[..., 3] = 255
            return Painted(pixels)

    request = region_request(MemorySection(noise(3000, 4000, 1)).info, Box(900, 1100, 3000, 1500), 2)
    overlay = overlay_for(request, [Layer(Chequers(), 1.0)], scale_bar=False, um_per_px=None)
    over = overlay(40, 30, 700, 600)
    for y in (0, 200, 599):
        for x in (0, 33, 34, 500, 699):
            column, row = (450 + 40 + x) // TILE, (550 + 30 + y) // TILE
            assert over[y, x].tolist() == [column * 10, row * 10, 0, 255]
    half = overlay_for(request, [Layer(Chequers(), 0.5)], scale_bar=False, um_per_px=None)(40, 30, 700, 600)
    assert half[599, 699, 3] == 128


def test_a_scale_bar_is_the_same_whole_as_in_pieces_and_as_long_as_it_says(qapp):
    info = MemorySection(noise(1000, 1600, 1)).info
    request = region_request(info, info.box)
    overlay = overlay_for(request, [], scale_bar=True, um_per_px=0.5)
    whole = overlay(0, 0, 1600, 1000)
    for x, y in ((0, 900), (64, 930), (200, 800)):
        part = overlay(x, y, 60, 50)
        expected = whole[y : y + 50, x : x + 60]
        np.testing.assert_array_equal(part if part is not None else np.zeros_like(expected), expected)
    white = (whole == 255).all(axis=2)
    longest = max(int(row.sum()) for row in white)
    assert longest == 200, "100 µm at 0.5 µm per px"
    assert overlay(0, 0, 100, 100) is None


def test_cancelling_leaves_no_file(qtbot, window, tmp_path, monkeypatch):
    import threading

    held, going = threading.Event(), threading.Event()

    def slow(section, picture, path, progress, cancel):
        going.set()
        held.wait(20)
        cancel.check()

    monkeypatch.setattr(picture_export, "write_region", slow)
    dialog = ask_for_picture(qtbot, window)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(tmp_path / "x.png"), ""))
    qtbot.mouseClick(dialog.export, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(going.is_set)
    progress = window.findChild(ProgressDialog)
    assert progress.isVisible()
    qtbot.keyClick(progress, Qt.Key.Key_Escape)
    held.set()
    qtbot.waitUntil(lambda: not window.session.lanes.copies.busy)
    assert "not written" in window.notifications.text.text()
    assert not (tmp_path / "x.png").exists()


def test_a_failing_disk_is_told(qtbot, window, tmp_path, monkeypatch):
    dialog = ask_for_picture(qtbot, window)
    write(qtbot, window, dialog, tmp_path / "nowhere" / "x.png", monkeypatch)
    assert window.notifications.level == "error"
    assert "nowhere" in window.notifications.text.text()


def test_a_copy_is_made_verified_and_opened(qtbot, window, tmp_path, monkeypatch):
    source = window.session.section.info.path
    folder = tmp_path / "local"
    folder.mkdir()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *args: str(folder))
    window.viewer.canvas.one_to_one()
    window.viewer.canvas.look_at(1300, 900)
    camera = window.viewer.canvas.camera
    with qtbot.waitSignal(window.session.path_opened, timeout=20_000):
        window.menus.actions["copy_locally"].trigger()
    assert window.session.section.info.path == folder / source.name
    assert (folder / source.name).read_bytes() == source.read_bytes()
    assert window.settings.get("last_copy_folder") == str(folder)
    qtbot.waitUntil(lambda: window.viewer.canvas.camera == camera)


def test_a_section_is_not_copied_onto_itself(qtbot, window, tmp_path, monkeypatch):
    source = window.session.section.info.path
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *args: str(source.parent))
    window.menus.actions["copy_locally"].trigger()
    assert "already" in window.notifications.text.text()
    assert not window.session.lanes.copies.busy


def test_saving_the_view_while_comparing_saves_both(qtbot, window, tmp_path, monkeypatch):
    press(qtbot, window, Qt.Key.Key_C)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(tmp_path / "both.png"), ""))
    window.menus.actions["screenshot"].trigger()
    qtbot.waitUntil(lambda: "Picture saved" in window.notifications.text.text())
    width = cv2.imread(str(tmp_path / "both.png")).shape[1]
    assert width == window.comparison.halves.width()


def test_a_picture_of_the_view_is_compressed_outside_the_windows_thread(qtbot, window, tmp_path, monkeypatch):
    from PySide6.QtCore import QThread
    from PySide6.QtGui import QImageWriter

    threads, write = [], QImageWriter.write

    def noted(writer, image):
        threads.append(QThread.isMainThread())
        return write(writer, image)

    monkeypatch.setattr(QImageWriter, "write", noted)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(tmp_path / "view"), ""))
    window.menus.actions["screenshot"].trigger()
    qtbot.waitUntil(lambda: "Picture saved" in window.notifications.text.text())
    assert threads == [False]
    assert cv2.imread(str(tmp_path / "view.png")) is not None


def test_a_picture_of_the_view_never_replaces_the_section(qtbot, window, monkeypatch):
    source = window.session.section.info.path
    before = source.read_bytes()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(source), ""))
    window.menus.actions["screenshot"].trigger()
    qtbot.waitUntil(lambda: window.notifications.level == "error")
    assert source.read_bytes() == before


def test_progress_is_told_in_words_beside_the_bar(qtbot, qapp):
    from PySide6.QtWidgets import QWidget

    from app.jobs import Job
    from core.jobs import Step

    parent = QWidget()
    qtbot.addWidget(parent)
    job = Job(lambda progress, cancel: None, "Copy")
    dialog = ProgressDialog(parent, job, "Copying")
    job.progress.emit(Step(14, 100, "Copying"))
    assert not dialog.bar.isTextVisible()
    assert dialog.left.text() == "14 %"
    dialog.reject()
    job.progress.emit(Step(15, 100, "Copying"))
    assert dialog.left.text() == "Stopping…"
