"""The window can be closed whatever is going on: nothing hangs, nothing is told after its end, no thread stays."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import tifffile
from PySide6.QtWidgets import QDialog

import app.copying as copying
import app.picture_export as picture_export
from app.scan_queue.for_window import WindowScans
from app.window_docks import DOCKS
from core.jobs import Step
from core.scan.options import ScanOptions
from tests.scan_support import scan_here
from tests.toy import spotted_image, toy_spec, write_image
from tests.window_support import open_window

SIDE = 2000


@pytest.fixture
def flat(tmp_path):
    """Without overviews, so that some are built."""
    path = tmp_path / "flat.tif"
    tifffile.imwrite(path, np.random.default_rng(0).integers(0, 255, (SIDE, SIDE), np.uint8), tile=(256, 256))
    return path


@pytest.fixture
def window(qtbot, qapp, monkeypatch, flat):
    """With all its panels and a section whose overviews are being built."""
    scan_here(monkeypatch)
    with open_window(qapp) as window:
        with qtbot.waitSignal(window.session.path_opened, timeout=20_000):
            window.session.open_path(flat)
        window.docks.fill()
        for late in (spec for spec in DOCKS if not spec.ahead):
            window.docks.bring(late.id)
        qtbot.waitUntil(lambda: all(window.docks.made(spec) for spec in window.docks._specs), timeout=20_000)
        yield window


def until_cancelled(going):
    """Work that ends when it is told to, and not before."""

    def work(*args):
        going.set()
        progress, cancel = args[-2:]
        while not threading.Event().wait(0.001):
            progress(Step(1, 2, "going on"))
            cancel.check()

    return work


def opening(qtbot, window, monkeypatch, tmp_path):
    second = write_image(tmp_path / "second.png", spotted_image(200, 2))
    window.session.open_path(second)
    window.session.open_path(second)


def scanning(qtbot, window, monkeypatch, tmp_path):
    monkeypatch.setattr(WindowScans, "ask", staticmethod(lambda box: box.defaultButton()))
    window.session.start_scan(toy_spec(), ScanOptions())
    qtbot.waitUntil(lambda: window.session.project is not None, timeout=20_000)


def comparing(qtbot, window, monkeypatch, tmp_path):
    window.comparison.compare_with(write_image(tmp_path / "second.png", spotted_image(200, 2)))
    qtbot.waitUntil(lambda: window.comparison.active, timeout=20_000)


def exporting(qtbot, window, monkeypatch, tmp_path):
    going = threading.Event()
    monkeypatch.setattr(picture_export, "write_region", until_cancelled(going))
    picture_export.export(window, window.session, window.session.section, None, tmp_path / "x.png")
    qtbot.waitUntil(going.is_set)


def copying_it(qtbot, window, monkeypatch, tmp_path):
    going = threading.Event()
    (tmp_path / "there").mkdir()
    monkeypatch.setattr(copying, "copy_locally", until_cancelled(going))
    monkeypatch.setattr(copying.QFileDialog, "getExistingDirectory", lambda *args: str(tmp_path / "there"))
    window.menus.actions["copy_locally"].trigger()
    qtbot.waitUntil(going.is_set)


def looking_for_the_brightness(qtbot, window, monkeypatch, tmp_path):
    window.session.looks.find_curves(None)
    window.session.looks.toggle_enhancements()
    window.docks.bring("display")


def showing(action):
    def show(qtbot, window, monkeypatch, tmp_path):
        window.menus.refresh()
        window.menus.actions[action].trigger()
        qtbot.waitUntil(lambda: any(dialog.isVisible() for dialog in window.findChildren(QDialog)))

    show.__name__ = action
    return show


DIALOGS = [showing(name) for name in ("settings", "info", "export_picture")]
STATES = [
    opening,
    scanning,
    comparing,
    exporting,
    copying_it,
    looking_for_the_brightness,
    *DIALOGS,
]


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_closing_the_window(qtbot, window, monkeypatch, tmp_path, state):
    state(qtbot, window, monkeypatch, tmp_path)
    told = []
    window.session.message.connect(lambda level, text: told.append((level, text)))
    window.close()
    lanes = window.session.lanes.findChildren(type(window.session.lanes.io))
    assert not [lane for lane in lanes if lane.running]
    qtbot.wait(50)  # what might still come
    assert not [text for level, text in told if level == "error"]
