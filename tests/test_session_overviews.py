"""A section without overviews: its first picture comes from a shortcut, the rest is built behind it and then used."""

from __future__ import annotations

import errno
import threading

import numpy as np
import pytest
import tifffile
from PySide6.QtCore import Qt

from core.overview_store import OverviewStore
from core.pyramid import SectionWithOverviews

SIDE = 5000


@pytest.fixture
def flat(tmp_path):
    """A large flat TIFF: bright left, dark right."""
    pixels = np.zeros((SIDE, SIDE), np.uint8)
    pixels[:, : SIDE // 2] = 200
    pixels[:, SIDE // 2 :] = 40
    path = tmp_path / "flat.tif"
    tifffile.imwrite(path, pixels, tile=(256, 256))
    return path


def test_the_first_picture_does_not_wait_for_the_overviews(qtbot, viewer, flat, monkeypatch):
    session, said = viewer.session, []
    session.activity_changed.connect(lambda text, done, total: said.append(text))
    building = []
    build = SectionWithOverviews.build_overviews
    monkeypatch.setattr(
        SectionWithOverviews,
        "build_overviews",
        lambda self, *args: building.append(viewer.provider.overview is not None) or build(self, *args),
    )
    with qtbot.waitSignal(session.path_opened, timeout=20_000):
        session.open_path(flat)
    assert not session.overviews.ready
    qtbot.waitUntil(lambda: viewer.provider.overview is not None, timeout=20_000)
    assert not viewer.is_sharp
    shown = viewer.canvas.viewport().grab().toImage()
    assert (shown.pixelColor(100, 250).red(), shown.pixelColor(400, 250).red()) == (200, 40)
    qtbot.waitUntil(lambda: session.overviews.ready and viewer.is_sharp, timeout=30_000)
    assert building == [True]
    assert "Building overviews" in said
    assert said[-1] == ""
    session.close_section()
    with qtbot.waitSignal(session.path_opened, timeout=20_000):
        session.open_path(flat)
    qtbot.waitUntil(lambda: session.overviews.ready and viewer.is_sharp, timeout=20_000)


def test_a_full_disk_leaves_the_section_to_be_looked_at(qtbot, viewer, flat, monkeypatch):
    def full(self, chunk, pixels):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(OverviewStore, "write", full)
    told = []
    viewer.session.message.connect(lambda level, text: told.append(text) if level == "error" else None)
    viewer.session.open_path(flat)
    qtbot.waitUntil(lambda: bool(told), timeout=20_000)
    (text,) = told
    assert "the disk is full" in text
    qtbot.waitUntil(lambda: viewer.is_sharp, timeout=30_000)


def test_closing_at_once_leaves_nothing_running(qtbot, viewer, flat):
    with qtbot.waitSignal(viewer.session.path_opened, timeout=20_000):
        viewer.session.open_path(flat)
    viewer.session.close_section()
    qtbot.wait(500)
    assert viewer.session.overviews.ready
    assert viewer.canvas.camera is None


def test_building_is_stopped_by_a_click_and_goes_on_at_the_next_opening(qtbot, viewer, flat, monkeypatch):
    from app.status_bar import StatusBar

    session, status = viewer.session, StatusBar(viewer.session)
    qtbot.addWidget(status)
    status.resize(900, 30)
    status.show()
    write, gate = OverviewStore.write, threading.Event()

    def held(self, chunk, pixels):
        gate.wait(20)
        return write(self, chunk, pixels)

    monkeypatch.setattr(OverviewStore, "write", held)
    session.open_path(flat)
    qtbot.waitUntil(lambda: status.stop.isVisible(), timeout=20_000)
    assert status.work.text().startswith("Building overviews")
    assert "overviews" in status.stop.toolTip()
    qtbot.mouseClick(status.stop, Qt.MouseButton.LeftButton)
    gate.set()
    qtbot.waitUntil(lambda: not status.stop.isVisible(), timeout=20_000)
    assert not session.overviews.ready
    session.close_section()
    session.open_path(flat)
    qtbot.waitUntil(lambda: session.overviews.ready and viewer.is_sharp, timeout=30_000)


def test_closing_the_section_while_its_overviews_are_built_ends_what_is_said_of_it(qtbot, viewer, flat, monkeypatch):
    session, said, gate = viewer.session, [], threading.Event()
    session.activity_changed.connect(lambda text, done, total: said.append(text))
    write = OverviewStore.write
    monkeypatch.setattr(OverviewStore, "write", lambda *args: gate.wait(20) and write(*args))
    session.open_path(flat)
    qtbot.waitUntil(lambda: bool(said) and said[-1].startswith("Building overviews"), timeout=20_000)
    session.close_section()
    gate.set()
    qtbot.waitUntil(lambda: not session.lanes.build.busy, timeout=20_000)
    qtbot.waitUntil(lambda: said[-1] == "")  # the view is still being stored, perhaps


def test_tiles_get_better_while_overviews_are_built(qtbot, viewer, tmp_path):
    """Far out, something true is shown at once; a part that is finished becomes sharp before the rest."""
    pixels = np.full((1024, 40_000), 90, np.uint8)
    pixels[:, ::2] = 110
    pixels[:, 20_000:] += 60
    path = tmp_path / "long.tif"
    tifffile.imwrite(path, pixels, tile=(256, 256))
    better = []
    viewer.session.overviews_changed.connect(better.append)
    viewer.session.open_path(path)
    qtbot.waitUntil(lambda: bool(better) and viewer.session.overviews.ready and viewer.is_sharp, timeout=30_000)
    shown = viewer.canvas.viewport().grab().toImage()
    middle = shown.height() // 2
    assert abs(shown.pixelColor(100, middle).red() - 100) <= 1
    assert abs(shown.pixelColor(shown.width() - 100, middle).red() - 160) <= 1
