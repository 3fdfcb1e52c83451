"""Slow or broken storage: the window goes on, what is out of sight is not read, and what can't be read is seen as such."""

from __future__ import annotations

import threading

import numpy as np
from PySide6.QtWidgets import QApplication

from app.viewer import tile_reader
from app.viewer.tile_reader import Source, TileReader
from app.viewer.tiles import TileKey
from core.errors import InputError
from core.look import Look
from core.section import Plane
from tests.memory_section import MemorySection, noise
from tests.slow_section import SlowSection
from tests.viewer_support import grabbed, show, wait_sharp


class Scratched(MemorySection):
    """A file of which everything that touches one level-0 px can't be read."""

    scratch = (700, 200)

    def read_level(self, level, x, y, width, height, plane):
        if self.scratch and 0 <= self.scratch[0] - x < width and 0 <= self.scratch[1] - y < height:
            raise InputError("a tile can't be decoded", path="x.czi", remedy="Copy it again.")
        return super().read_level(level, x, y, width, height, plane)


def test_every_move_is_shown_while_the_drive_is_slow_and_tiles_passed_by_are_not_read(qtbot, viewer):
    section = SlowSection(MemorySection(noise(12_000, 6000, 1)), 0.1)
    show(viewer, section)
    viewer.canvas.one_to_one()
    places = range(400, 11_600, 100)
    for y in places:
        viewer.canvas.look_at(3000, y)
        QApplication.processEvents()
        assert viewer.canvas.camera.y == y
    assert threading.get_ident() not in section.readers
    passed = 3 * (12_000 // 512)
    assert section.reads < passed / 2
    wait_sharp(qtbot, viewer)
    left, top = 3000 - 320, 11_500 - 240
    assert np.array_equal(grabbed(viewer)[..., :1], section.inner.pixels[top : top + 480, left : left + 640])


def test_leaving_does_not_wait_for_a_drive_that_hangs(qtbot, viewer, monkeypatch):
    monkeypatch.setattr(tile_reader, "CLOSE_S", 0.05)
    section = SlowSection(MemorySection(noise(3000, 3000, 1)), 0.0)
    section.stall()
    show(viewer, section)
    viewer.canvas.one_to_one()
    qtbot.waitUntil(lambda: section.reads > 0)
    viewer.close_tiles()
    assert any(thread.name.startswith("tile-reader") for thread in threading.enumerate())
    section.resume()
    qtbot.waitUntil(lambda: not any(t.name.startswith("tile-reader") for t in threading.enumerate()))


def test_a_tile_that_cannot_be_read_is_hatched_told_once_and_read_on_demand(qtbot, viewer):
    section = Scratched(noise(1000, 1600))
    told = []
    viewer.session.message.connect(lambda level, text: told.append(text))
    show(viewer, section)
    viewer.canvas.one_to_one()
    viewer.canvas.look_at(800, 500)
    wait_sharp(qtbot, viewer)
    qtbot.waitUntil(lambda: viewer.provider.reader.idle)
    assert told == ["x.czi: a tile can't be decoded. Copy it again."]
    shown, right = grabbed(viewer), section.pixels[260:740, 480:1120]
    fine = np.ones((480, 640), bool)
    fine[: 512 - 260, 512 - 480 : 1024 - 480] = False
    assert np.array_equal(shown[fine], right[fine])
    hatched = shown[: 512 - 260, 512 - 480 : 1024 - 480].astype(int)
    assert (hatched[..., 0] > hatched[..., 2] + 60).mean() > 0.05
    section.scratch = None
    viewer.provider.retry()
    wait_sharp(qtbot, viewer)
    assert np.array_equal(grabbed(viewer), right)


def test_threads_read_different_parts_of_the_file(qtbot):
    class InBlocks(MemorySection):
        block_px = (1024, 1024)

    section = InBlocks(noise(2048, 4096, 1))
    reader = TileReader(threads=2)
    reader.set_source(Source(section, Plane(), Look(), 1, 0))
    qtbot.waitUntil(lambda: reader.idle)
    section.gate.clear()
    here, beside, elsewhere = TileKey(1, 0, 0), TileKey(1, 1, 0), TileKey(1, 2, 0)
    reader.want([here, beside, elsewhere])
    qtbot.waitUntil(lambda: len(reader.in_work()) == 2)
    assert reader.in_work() == {here, elsewhere}
    section.gate.set()
    qtbot.waitUntil(lambda: reader.idle)
    reader.close()


def test_where_sharp_tiles_take_long_a_rough_picture_comes_first(qtbot, viewer, monkeypatch):
    section = SlowSection(MemorySection(noise(9000, 9000, 1)), 0.0)
    show(viewer, section)
    qtbot.waitUntil(lambda: viewer.is_sharp and viewer.provider.reader.idle)
    reader = viewer.provider.reader
    asked = []
    monkeypatch.setattr(reader, "want", asked.append)
    monkeypatch.setattr(reader, "seconds_for", lambda tiles: 0.01 * tiles)
    viewer.canvas.one_to_one()
    assert asked[-1][0].downsample == 1
    monkeypatch.setattr(reader, "seconds_for", lambda tiles: 1.0 * tiles)
    viewer.canvas.look_at(1000, 1000)
    levels = [key.downsample for key in asked[-1]]
    assert levels[0] == 4
    assert 1 in levels
