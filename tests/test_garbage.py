"""Garbage is looked for in the window's thread only."""

from __future__ import annotations

import gc
import threading

import pytest
from PySide6.QtCore import QObject

from app.garbage import Garbage


class Told:
    """Says in which thread it goes."""

    def __init__(self, threads: list[int]) -> None:
        self.itself, self._threads = self, threads

    def __del__(self) -> None:
        self._threads.append(threading.get_ident())


@pytest.fixture
def garbage(qtbot):
    parent = QObject()
    yield Garbage(parent)
    parent.deleteLater()
    qtbot.waitUntil(gc.isenabled)
    gc.unfreeze()


def test_what_a_thread_leaves_behind_goes_in_the_thread_of_the_window(qtbot, garbage):
    threads: list[int] = []

    def litter() -> None:
        for _ in range(3000):
            Told(threads)

    thread = threading.Thread(target=litter)
    thread.start()
    thread.join()
    assert threads == []
    garbage._timer.start(5)
    qtbot.waitUntil(lambda: len(threads) == 3000)
    assert set(threads) == {threading.get_ident()}


def test_old_garbage_goes_too(qtbot, garbage, monkeypatch):
    monkeypatch.setattr("app.garbage.ALL_EVERY", 2)
    threads: list[int] = []
    kept = [Told(threads) for _ in range(10)]
    gc.collect(1)
    gc.collect(1)  # they are old by now
    kept.clear()
    garbage._timer.start(5)
    qtbot.waitUntil(lambda: len(threads) == 10)
