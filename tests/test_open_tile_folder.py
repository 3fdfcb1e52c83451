"""A folder of camera tiles opens as one section from the terminal and when it is dropped on the window."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication

from app.cli import main as command_line
from tests.window_support import shown_window


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "tiles"
    folder.mkdir()
    for x in (0, 100):
        pixels = np.random.default_rng(x).integers(0, 255, (90, 120), np.uint8)
        assert cv2.imwrite(str(folder / f"t_{x}_0_{x + 120}_90.png"), pixels)
    return folder


def test_the_terminal_tells_what_the_tiles_make(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert command_line(["info", str(folder)]) == 0
    told = capsys.readouterr().out
    assert "Camera tiles" in told
    assert "220 × 90 px" in told


def test_a_folder_dropped_on_the_window_opens_as_one_section(qtbot, qapp, still, folder: Path):
    window = shown_window(qapp)
    try:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(folder))])
        how = Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        QApplication.sendEvent(window, QDragEnterEvent(QPoint(100, 100), *how))
        with qtbot.waitSignal(window.session.path_opened, timeout=30_000):
            QApplication.sendEvent(window, QDropEvent(QPointF(100, 100), *how))
        qtbot.waitUntil(lambda: window.is_settled, timeout=30_000)
        assert window.session.section is not None
        assert (window.session.section.info.width_px, window.session.section.info.format) == (220, "Camera tiles")
    finally:
        window.close()
        window.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
