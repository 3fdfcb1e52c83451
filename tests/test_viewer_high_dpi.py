"""On a screen with more px than points, 1:1 still means one px of the section on each px of the screen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
import numpy as np
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QWidget
from app.session import Session
from app.session_opening import Opened
from app.viewer.viewer import Viewer
from tests.memory_section import MemorySection, noise
from tests.viewer_support import grabbed, rgb

app = QApplication([])
app.setProperty("still", True)
session = Session()
viewer = Viewer(session)
window, beside = QWidget(), QLabel("panel")
beside.setFixedWidth(101)  # the view begins between two px of the screen
layout = QHBoxLayout(window)
layout.setContentsMargins(0, 0, 0, 0)
layout.setSpacing(0)
layout.addWidget(beside)
layout.addWidget(viewer)
window.resize(421, 240)
window.show()
pixels = noise(1400, 1600)
session.adopt(Opened(MemorySection(pixels)))
viewer.canvas.one_to_one()
ratio = viewer.devicePixelRatioF()
viewport = viewer.canvas.viewport()

def check(x, y):
    while not viewer.is_sharp:
        QTest.qWait(10)
    shown = grabbed(viewer)
    left, top = viewer.canvas.section_point(viewport.rect().topLeft().toPointF())
    left, top = round(left), round(top)
    assert abs(left - (x - shown.shape[1] / 2)) <= 2, left
    x0, y0 = max(-left, 0), max(-top, 0)
    inside = pixels[max(top, 0) : top + shown.shape[0], max(left, 0) : left + shown.shape[1]]
    there = shown[y0 : y0 + inside.shape[0], x0 : x0 + inside.shape[1]]
    assert np.array_equal(there, inside), (x, y)
    assert inside.size > 100 * 100 * 3
    return shown.shape

def on_screen():
    return rgb(window.screen().grabWindow(window.winId()).toImage()).astype(int)

for place in ((0, 0), (1600, 1400), (512, 1024), (801, 703)):
    viewer.canvas.look_at(*place)
    shape = check(*place)
viewer.canvas.fly(viewer.canvas.camera.__class__(801, 703, 0.61), 0)
QTest.mousePress(viewport, Qt.MouseButton.LeftButton, pos=QPoint(200, 100))
for at in ((220, 104), (223, 131), (150, 90)):
    QTest.mouseMove(viewport, QPoint(*at))
    while not viewer.is_sharp:
        QTest.qWait(10)
    QTest.qWait(50)  # what was uncovered last is painted in the next turns
    scrolled = on_screen()
    viewport.update()
    app.processEvents()
    assert np.abs(scrolled - on_screen()).max() <= 2, at
session.close()
viewer.close_tiles()
print("same", ratio, shape)
"""


@pytest.mark.parametrize("factor", ["1", "2", "1.5", "1.25"])
def test_one_to_one_counts_device_pixels(factor):
    answer = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=Path(__file__).parents[1],
        env=os.environ | {"QT_SCALE_FACTOR": factor, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.stdout.startswith(f"same {float(factor)}"), answer.stderr
