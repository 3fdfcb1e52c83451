"""A whole window used for a while, in every way a soak of half an hour uses it: nothing is left behind, round after round.

No times are asserted, and no memory, which the machine's allocator decides; `benchmarks/soak.py` looks at those.
"""

from __future__ import annotations

import threading
import time

import psutil
import pytest
from PySide6.QtWidgets import QApplication

from benchmarks.soak_actions import Hand, nothing
from benchmarks.soak_file import write_project, write_section
from benchmarks.soak_gauges import Reading
from tests.reading_threads import reading_threads_left
from tests.window_support import open_and_wait, open_window

SIDE, PERIOD, COUNT = 4096, 512, 300
LESS = ("scan", "zoom")  # a process with a network in it takes too long for a test; scans have their own
ROUNDS = 2


@pytest.fixture(scope="module")
def sections(tmp_path_factory):
    folder = tmp_path_factory.mktemp("soak")
    first, other = (
        write_section(folder / f"{name}.tif", SIDE, seed, PERIOD) for seed, name in enumerate(("first", "other"))
    )
    write_project(first, folder / "first.schliff", COUNT, "nobody-has-it")
    return first, other


def one_round(hand: Hand) -> int:
    done = 0
    for _, action in hand.round(moving=False):
        action()
        QApplication.processEvents()
        if action is nothing:
            time.sleep(0.001)  # somebody else's turn
        done += 1
    return done


def at_rest(qtbot, window) -> Reading:
    qtbot.waitUntil(lambda: window.is_settled and window.viewer.overlays.settled, timeout=20_000)
    qtbot.wait(50)
    return Reading.take(0.0)


@pytest.mark.timeout(300)  # hundreds of actions
def test_nothing_is_left_behind_round_after_round(qtbot, qapp, sections):
    first, other = sections
    with open_window(qapp) as window:
        window.resize(900, 600)
        open_and_wait(qtbot, window, first)
        assert len(window.session.detections) == COUNT
        hand = Hand(window, first, other, seed=3, drag_frames=3)
        for name in LESS:
            del hand.kinds[name]
        readings, done = [], 0
        for _ in range(ROUNDS):
            done += one_round(hand)
            readings.append(at_rest(qtbot, window))
        assert done > 200
        warm, last = readings[0], readings[-1]
        assert last.threads <= warm.threads
        assert last.handles <= warm.handles
        assert last.workers == warm.workers
        assert last.items == warm.items
        assert last.qobjects <= warm.qobjects + 2
        assert window.session.can_undo is False
    assert not reading_threads_left()
    assert not [t.name for t in threading.enumerate() if t.name.startswith("overlay")]
    assert not psutil.Process().children()
