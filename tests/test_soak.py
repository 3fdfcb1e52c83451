"""A whole window used for a while, in every way a soak of half an hour uses it: nothing is left behind, round after round.

No times are asserted, and no memory, which the machine's allocator decides; `benchmarks/soak.py` looks at those, and here it
is what that calls level, late and its own fault.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from types import SimpleNamespace

import psutil
import pytest
from PySide6.QtWidgets import QApplication

from benchmarks.soak import held_as_it_should, moved_as_it_should
from benchmarks.soak_actions import Hand, nothing
from benchmarks.soak_file import write_project, write_section
from benchmarks.soak_gauges import Reading
from benchmarks.soak_pulse import SLOW_MS, Pulse, Stall, late_within
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


def readings(resident=lambda minute: 700.0, workers=lambda minute: 1400.0, handles=lambda minute: 40):
    """Half an hour of a window that holds so much (MB) at each minute, up and down by 20 MB."""
    return [
        Reading(30.0 * n, resident(n / 2) + 20 * (n % 3 - 1), 2, workers(n / 2), 30, handles(n / 2), 9, 7, 9, Counter())
        for n in range(60)
    ]


def test_memory_that_rises_only_while_caches_fill_is_as_it_should_be(capsys):
    assert held_as_it_should(readings(lambda minute: min(400 + 100 * minute, 700)), 512)
    told = capsys.readouterr().out
    assert "at most 720 MB; caches may hold 512" in told
    assert "NOT" not in told


@pytest.mark.parametrize(
    "held",
    [
        {"resident": lambda minute: 500 + 5 * minute},
        {"workers": lambda minute: 1400 + 8 * minute},
        {"resident": lambda minute: 1500.0},
        {"handles": lambda minute: 40 + minute},
    ],
    ids=["window", "processes", "ceiling", "files"],
)
def test_what_grows_or_is_too_much_is_told(held, capsys):
    assert not held_as_it_should(readings(**held), 512)
    assert capsys.readouterr().out.count("NOT as it should be") == 1


@pytest.mark.parametrize(
    ("stall", "good"),
    [
        (Stall(140.0, 30.0, 90.0, 120.0, "pan", ""), True),
        (Stall(140.0, 30.0, 10.0, 0.0, "pan", ""), False),
        (Stall(90.0, 80.0, 0.0, 0.0, "pan", ""), True),
    ],
    ids=["machine", "program", "work"],
)
def test_a_stall_is_the_windows_own_without_the_time_in_which_no_core_was_free(stall, good, capsys):
    assert moved_as_it_should(SimpleNamespace(stalls=[stall], beats=10)) is good
    assert capsys.readouterr().out.endswith(": as it should be\n") is good


def test_how_long_the_control_was_late_during_a_stall():
    assert late_within([(0.0, 1.0), (2.0, 2.5), (4.0, 9.0)], 0.75, 5.0) == pytest.approx(0.25 + 0.5 + 1.0)


def test_a_stall_is_noticed_with_what_was_done_and_where(qtbot):
    pulse = Pulse()
    pulse.start()
    qtbot.waitUntil(lambda: pulse.beats > 2)
    pulse.doing = "sleep"
    time.sleep(0.3)
    beats = pulse.beats
    qtbot.waitUntil(lambda: pulse.beats > beats)
    pulse.stop()
    stall = max(pulse.stalls, key=lambda one: one.ms)
    assert stall.ms > SLOW_MS
    assert stall.own_ms <= stall.ms
    assert stall.doing == "sleep"
    assert "test_a_stall_is_noticed" in stall.where
    assert not psutil.pid_exists(pulse.control.pid)
