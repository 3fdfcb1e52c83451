"""What a start loads and makes before the first picture of a section: no times, which depend on the machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

ROOT = Path(__file__).parents[1]
MOST_MODULES = 620  # 565 when this was written; each takes half a millisecond
LATER = (
    "torch",
    "scipy",
    "zarr",
    "psutil",
    "pyqtgraph",
    "importlib.metadata",
    "core.project.project",
    "core.models.base",
    "core.readers.czi",
    "core.readers.ome_zarr",
    "app.commands.table",
    "app.compare.comparison",
    "app.gallery.panel",
    "app.panels.layers_panel",
    "app.start_page",
    "app.window_menus",
)
SCRIPT = """
import json, linecache, sys, time
from pathlib import Path
from app import start
from app.start import launch, make_application, prepare
path = Path(sys.argv[1])
prepare(path)
app = make_application()
from PySide6 import QtWidgets
from app import main_window
# However slow the machine is, the picture comes first.
start.FURNISH_AFTER_MS = start.QUEUE_AFTER_MS = start.REST_AFTER_MS = main_window.PANELS_AFTER_MS = 60_000
window = launch(app, path)
canvas = window.viewer.canvas
found = {}
def first():
    if found:  # a better picture
        return
    # The rest is made by a timer, once this is over.
    found["modules"] = sorted(sys.modules)
    found["furnished"] = window._furnished
    found["sources"] = [name for name in linecache.cache if Path(name).name == "main_window.py"]
    found["widgets"] = [name for name in ("QWizard", "QMdiArea", "QCalendarWidget") if name in vars(QtWidgets)]
    found["place"] = [canvas.width(), canvas.height()]
window.viewer.first_picture.connect(first)
until = time.monotonic() + 40
while time.monotonic() < until and not (found and window._furnished and window.docks.made("gallery")):
    app.processEvents()
    time.sleep(0.002)
for _ in range(20):
    app.processEvents()
found["then"] = [canvas.width(), canvas.height()]
found["actions"] = len(window.menus.actions)
window.close()
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("start")
    section = folder / "section.tif"
    pixels = np.random.default_rng(0).integers(0, 255, (1200, 1600, 3), np.uint8)
    tifffile.imwrite(section, pixels, tile=(256, 256), photometric="rgb")
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", "SCHLIFF_HOME": str(folder / "home")}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(section)],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_what_the_first_picture_does_not_need_is_loaded_after_it(found):
    assert [name for name in LATER if name in found["modules"]] == []
    assert len(found["modules"]) < MOST_MODULES


def test_no_source_is_read_when_a_module_is_loaded(found):
    assert found["sources"] == []


def test_widgets_that_are_not_shown_are_not_described_to_python(found):
    assert found["widgets"] == []


def test_menus_are_made_after_the_first_picture(found):
    assert not found["furnished"]
    assert found["actions"] > 50


def test_the_section_does_not_move_when_the_bars_are_filled(found):
    assert found["then"] == found["place"]
