"""Drawings and the grid over an exported picture."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import tifffile
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QFileDialog

from app.layer_styles import GridStyle
from app.picture_dialog import PictureDialog
from app.picture_overlay import Layer, overlay_for
from app.picture_painters import drawings_painter, fiducials_painter, grid_painter
from app.viewer.drawing_strokes import PLAIN
from core.drawing import Drawing
from core.picture import region_request
from core.placement import Placement
from core.readers.fingerprint import fingerprint
from core.registration.laid_pictures import LaidPicture
from core.section_info import RegionRequest
from tests.memory_section import MemorySection, noise
from tests.window_support import ask_for_picture, open_and_wait, open_window

TURQUOISE = (QColor(PLAIN).red(), QColor(PLAIN).green(), QColor(PLAIN).blue())
BOX = Drawing("box", ((300.0, 200.0), (1500.0, 1100.0)), id=1)


@pytest.fixture
def info():
    return MemorySection(np.zeros((2600, 3000, 1), np.uint8)).info


@pytest.fixture
def window(qtbot, qapp, tmp_path):
    path = tmp_path / "section.ome.tif"
    tifffile.imwrite(path, noise(1500, 2000) // 4, ome=True, metadata={"axes": "YXS"})
    with open_window(qapp) as window:
        open_and_wait(qtbot, window, path)
        yield window


def layer(painter) -> Layer:
    return Layer(painter, 1.0, in_proportion=True)


def test_drawings_are_offered_and_written_where_they_lie(qtbot, window, tmp_path, monkeypatch):
    window.session.drawings.add(replace(BOX, id=0))
    dialog = ask_for_picture(qtbot, window)
    assert dialog.layers["Drawings"].isChecked()
    assert not dialog.layers["Grid"].isChecked()
    qtbot.mouseClick(dialog.whole, Qt.MouseButton.LeftButton)
    dialog.scale.setCurrentIndex(dialog.scale.findData(2))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(tmp_path / "x.png"), ""))
    qtbot.mouseClick(dialog.export, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not window.session.lanes.copies.busy, timeout=20_000)
    stored = cv2.imread(str(tmp_path / "x.png"))[..., ::-1]
    assert stored.shape == (750, 1000, 3)
    for y, x in ((300, 150), (100, 400), (300, 750), (550, 400)):
        near = stored[y - 1 : y + 2, x - 1 : x + 2].astype(int)
        assert np.abs(near - TURQUOISE).max(axis=2).min() < 40


def test_fiducials_and_pictures_over_the_section_are_offered(qtbot, window, tmp_path):
    session, path = window.session, tmp_path / "sem.png"
    cv2.imwrite(str(path), np.full((40, 60), 255, np.uint8))
    session.registration.add(100.0, 120.0)
    there = Placement.around((300, 300), (60, 40), 1.0)
    session.pictures.add(LaidPicture(1, str(path), fingerprint(path), (60, 40), there))
    qtbot.waitUntil(lambda: window.viewer.overlays.settled)
    dialog = ask_for_picture(qtbot, window)
    assert dialog.layers["sem.png"].isChecked()
    assert not dialog.layers["Fiducials"].isChecked()
    dialog.reject()
    info = session.section.info
    request = RegionRequest(0, 0, 400, 400)
    layers = [layer(fiducials_painter(session.registration, info))]
    pixels = overlay_for(request, layers, scale_bar=False, um_per_px=None)(0, 0, 400, 400)
    assert pixels[85:156, 65:136, 3].any()
    assert not pixels[200:, 200:, 3].any()
    assert pixels[119:121, 99:101, 3].max() < 128, "what was picked can be seen"


def test_without_drawings_none_are_offered(qtbot, window):
    window.session.set_layers(window.session.layers.styled("grid", visible=True))
    dialog = ask_for_picture(qtbot, window)
    assert "Drawings" not in dialog.layers
    assert dialog.layers["Grid"].isChecked(), "as on the screen"


def test_pieces_fit_together(qapp, info):
    request = region_request(info, info.box, 2)
    layers = [layer(grid_painter(GridStyle(), info)), layer(drawings_painter([BOX], info))]
    overlay = overlay_for(request, layers, scale_bar=False, um_per_px=None)
    whole = overlay(0, 0, 1500, 1300)
    assert whole.any()
    for x, y in ((100, 60), (500, 500), (740, 530)):
        np.testing.assert_array_equal(overlay(x, y, 90, 80), whole[y : y + 80, x : x + 90])


@pytest.mark.parametrize("downsample", [1, 2])
def test_lines_and_labels_keep_their_proportion_to_the_picture(qapp, info, downsample):
    request = region_request(info, info.box, downsample)
    overlay = overlay_for(request, [layer(drawings_painter([BOX], info))], scale_bar=False, um_per_px=None)
    whole = overlay(0, 0, 3000 // downsample, 2600 // downsample)
    rows = np.flatnonzero(whole[:, 1520 // downsample : 1560 // downsample, 3].any(axis=1))
    assert np.ptp(rows) * downsample == pytest.approx(0.024 * 2600, rel=0.15), "the label"
    line = (whole[700 // downsample, 200 // downsample : 400 // downsample, 3] > 0).sum()
    assert line * downsample == pytest.approx(0.0055 * 2600, abs=3.5)


def test_colours_over_grey_are_counted(qtbot, window, info):
    from app.picture_dialog import PictureSource
    from core.look import Look
    from core.section_info import Plane

    layers = {"Grid": layer(grid_painter(GridStyle(), info))}
    dialog = PictureDialog(window, PictureSource(info, Plane(), Look(), None, None, layers))
    qtbot.addWidget(dialog)
    dialog.scale_bar.setChecked(False)
    assert "7.8 MB" in dialog.summary.text()
    dialog.layers["Grid"].setChecked(True)
    assert "23.4 MB" in dialog.summary.text()
