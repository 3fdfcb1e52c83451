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
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from app.session import Session
from app.session_opening import Opened
from app.viewer.viewer import Viewer
from tests.memory_section import MemorySection, noise
from tests.viewer_support import grabbed

app = QApplication([])
app.setProperty("still", True)
session = Session()
viewer = Viewer(session)
viewer.resize(320, 240)
viewer.show()
pixels = noise(1400, 1600)
session.adopt(Opened(MemorySection(pixels)))
viewer.canvas.one_to_one()
viewer.canvas.look_at(801, 703)
while not viewer.is_sharp:
    QTest.qWait(10)
ratio = viewer.devicePixelRatioF()
shown = grabbed(viewer)
left, top = viewer.canvas.section_point(viewer.canvas.viewport().rect().topLeft().toPointF())
left, top = round(left), round(top)
assert abs(left - (801 - shown.shape[1] / 2)) <= 2, left
assert np.array_equal(shown, pixels[top : top + shown.shape[0], left : left + shown.shape[1]])
session.close()
viewer.close_tiles()
print("same", ratio, shown.shape)
"""


@pytest.mark.parametrize("factor", ["2", "1.5", "1.25"])
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
