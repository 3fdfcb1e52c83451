"""Whoever ends the program, the window is found again as it was left."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.toy import spotted_image, write_image

RUN = """
import os, signal, sys
from pathlib import Path
from PySide6.QtCore import QTimer
from app import start

launch = start.launch

def launched(app, path):
    window = launch(app, path)

    def end():
        if not window.is_settled or window.docks.made("scans") is None:
            window._furnished and window.docks.bring("scans")
            QTimer.singleShot(50, end)
        elif sys.argv[2] == "session":
            app.commitDataRequest.emit(None)
            os._exit(3)  # as systems do with those that take too long
        else:
            os.kill(os.getpid(), signal.SIGTERM)

    QTimer.singleShot(500, window, end)
    return window

start.launch = launched
sys.exit(start.run_app(Path(sys.argv[1])))
"""


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("session", 3),
        pytest.param("signal", 0, marks=pytest.mark.skipif(sys.platform == "win32", reason="no such signals")),
    ],
)
def test_panels_are_where_they_were_after_the_system_ended_the_program(tmp_path, how, code):
    section = write_image(tmp_path / "spots.png", spotted_image())
    env = os.environ | {"QT_QPA_PLATFORM": "offscreen", "SCHLIFF_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(section), how],
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    (settings,) = (tmp_path / "home").rglob("settings.json")
    stored = json.loads(settings.read_text())
    assert stored["docks"]
    assert stored["geometry"]
