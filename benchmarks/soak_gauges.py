"""What `soak.py` reads off a window while it is used: how long its thread came to nothing else, what it holds, what grows."""

from __future__ import annotations

import faulthandler
import gc
import re
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass

import numpy as np
import psutil
from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication

TICK_MS = 4
SLOW_MS = 100  # longer than this a frame is felt
_WATCH_MS = 60  # then it is noted what the thread is doing
_DEEP = 7  # calls, the innermost first


@dataclass(frozen=True, slots=True)
class Stall:
    """The thread of the window came to no event for so long: by the clock, and what of it the processor worked."""

    ms: float
    worked_ms: float
    doing: str
    where: str


class Pulse:
    """A timer that notices how late it comes, in nested event loops, too; and a thread that looks on meanwhile."""

    def __init__(self) -> None:
        self.doing = ""
        self.stalls: list[Stall] = []
        self.worst = self.worst_worked = 0.0
        self.beats = 0
        self._last, self._worked, self._where = time.perf_counter(), time.thread_time(), ""
        self._thread_id = threading.get_ident()
        self._timer = QTimer(timerType=Qt.TimerType.PreciseTimer, interval=TICK_MS)
        self._timer.timeout.connect(self._beat)
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="soak-watch", daemon=True)

    def start(self) -> None:
        self.skip()
        self._timer.start()
        self._watcher.start()

    def stop(self) -> None:
        self._timer.stop()
        self._over.set()
        self._watcher.join()

    def skip(self) -> None:
        """What was done since the last beat is the benchmark's own."""
        self._last, self._worked, self._where = time.perf_counter(), time.thread_time(), ""

    def _beat(self) -> None:
        now, worked = time.perf_counter(), time.thread_time()
        ms, worked_ms = 1e3 * (now - self._last), 1e3 * (worked - self._worked)
        self.beats += 1
        self.worst, self.worst_worked = max(self.worst, ms), max(self.worst_worked, worked_ms)
        if ms > SLOW_MS:
            self.stalls.append(Stall(ms, worked_ms, self.doing, self._where))
        self._last, self._worked, self._where = now, worked, ""

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            if 1e3 * (time.perf_counter() - self._last) > _WATCH_MS:
                self._where = self._stack()

    def _stack(self) -> str:
        """Where the window's thread is. Frames are not taken hold of: a painter in one would be destroyed in this thread."""
        with tempfile.TemporaryFile() as file:
            faulthandler.dump_traceback(file)
            file.seek(0)
            threads = file.read().decode().split("\n\n")
        mine = next((lines for lines in threads if f"0x{self._thread_id:016x}" in lines), "")
        places = re.findall(r'File ".*?([^/"]+)\.py", line (\d+) in (\S+)', mine)[:_DEEP]
        return " < ".join(f"{name} ({module}:{line})" for module, line, name in places)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a window holds now. Sizes in MB; `workers`: its processes, and what they hold."""

    seconds: float
    resident: float
    workers: int
    workers_resident: float
    threads: int
    handles: int
    qobjects: int
    items: int
    objects: int
    types: Counter[str]

    @classmethod
    def take(cls, began: float) -> Reading:
        own = psutil.Process()
        workers = []
        for child in own.children(recursive=True):
            try:
                workers.append(child.memory_info().rss / 2**20)
            except psutil.Error:  # it has ended meanwhile
                continue
        windows = QApplication.topLevelWidgets()
        scenes = [view.scene() for window in windows for view in window.findChildren(QObject) if hasattr(view, "scene")]
        gc.collect()
        known = gc.get_objects()
        return cls(
            time.perf_counter() - began,
            own.memory_info().rss / 2**20,
            len(workers),
            sum(workers),
            own.num_threads(),
            own.num_fds() if hasattr(own, "num_fds") else own.num_handles(),
            sum(len(window.findChildren(QObject)) + 1 for window in windows),
            sum(len(scene.items()) for scene in scenes if scene is not None),
            len(known),
            Counter(type(one).__qualname__ for one in known),
        )

    def row(self, pulse: Pulse) -> str:
        return (
            f"{self.seconds / 60:6.1f}{self.resident:9.0f}{self.workers:5d}{self.workers_resident:8.0f}{self.threads:9d}"
            f"{self.handles:9d}{self.qobjects:9d}{self.items:7d}{self.objects:10d}{pulse.worst:10.0f}"
            f"{pulse.worst_worked:8.0f}{len(pulse.stalls):7d}"
        )


HEADER = (
    f"{'min':>6}{'MB':>9}{'work':>5}{'ers MB':>8}{'threads':>9}{'handles':>9}{'QObjects':>9}{'items':>7}{'objects':>10}"
    f"{'slowest':>10}{'worked':>8}{'>100ms':>7}"
)


def grown(first: Reading, last: Reading, most: int = 6) -> str:
    """The types of Python objects of which there are most more than before."""
    more = [(count - first.types[name], name) for name, count in last.types.items()]
    return ", ".join(f"{name} +{n}" for n, name in sorted(more, reverse=True)[:most] if n > 0) or "none"


def slope(readings: list[Reading], name: str) -> float:
    """Per minute, of the line through these readings that fits best."""
    if len(readings) < 3:
        return 0.0
    return float(np.polyfit([r.seconds / 60 for r in readings], [getattr(r, name) for r in readings], 1)[0])
