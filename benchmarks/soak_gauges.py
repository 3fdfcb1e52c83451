"""What `soak.py` reads off a window while it is used: what it and its processes hold, and what of it grows."""

from __future__ import annotations

import gc
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import psutil
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication

if TYPE_CHECKING:
    from benchmarks.soak_pulse import Pulse


@dataclass(frozen=True, slots=True)
class Reading:
    """What a window holds now. Sizes in MB; `workers`: its processes that work for it, and what they hold."""

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
                if WORKER in child.cmdline():
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
            f"{pulse.worst_worked:8.0f}{pulse.slow:7d}"
        )


WORKER = "core.worker"  # how such a process is started
HEADER = (
    f"{'min':>6}{'MB':>9}{'work':>5}{'ers MB':>8}{'threads':>9}{'handles':>9}{'QObjects':>9}{'items':>7}{'objects':>10}"
    f"{'slowest':>10}{'worked':>8}{'>100ms':>7}"
)


def grown(first: Reading, last: Reading, most: int = 6) -> str:
    """The types of Python objects of which there are most more than before."""
    more = [(count - first.types[name], name) for name, count in last.types.items()]
    return ", ".join(f"{name} +{n}" for n, name in sorted(more, reverse=True)[:most] if n > 0) or "none"


def slope(readings: list[Reading], name: str) -> tuple[float, float]:
    """Per minute, of the line through these readings that fits best, and its standard error."""
    if len(readings) < 4:
        return 0.0, 0.0
    minutes = [r.seconds / 60 for r in readings]
    fit, covariance = np.polyfit(minutes, [getattr(r, name) for r in readings], 1, cov=True)
    return float(fit[0]), float(np.sqrt(covariance[0, 0]))
