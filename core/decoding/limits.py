"""Decides how much a helper may take for one answer, and ends one that takes more."""

from __future__ import annotations

import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType

import psutil

_LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one answer.

    Args:
        wait_s: by the clock; a slow drive, or a computer that others use too, takes its time.
        processor_s: of a processor; None: as long as it is waited for.
        memory_bytes: that the whole process holds meanwhile.
    """

    wait_s: float = 60.0  # no tile takes so long
    processor_s: float | None = None
    memory_bytes: int = 4 << 30


class Watch:
    """Ends a process that takes more than its limits, until the `with` ends; `exceeded` then says what it took."""

    def __init__(self, process: subprocess.Popen[bytes], limits: Limits) -> None:
        self.exceeded = ""
        self._process, self._limits = process, limits
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, name="schliff-helper-watch", daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        began, used_before = time.monotonic(), None
        with suppress(psutil.Error):  # it has ended
            while not self.exceeded and not self._done.wait(min(_LOOK_S, self._limits.wait_s)):
                seen = psutil.Process(self._process.pid)
                times, memory = seen.cpu_times(), seen.memory_info()
                used = times.user + times.system
                used_before = used if used_before is None else used_before
                held = getattr(memory, "private", memory.rss)  # Windows tells it, and takes pages away from what waits
                self.exceeded = self._too_much(time.monotonic() - began, used - used_before, held)
        if self.exceeded:
            self._process.kill()

    def _too_much(self, waited_s: float, used_s: float, memory_bytes: int) -> str:
        limits = self._limits
        if memory_bytes > limits.memory_bytes:
            return f"more than {limits.memory_bytes / (1 << 30):.1f} GB of memory"
        if limits.processor_s is not None and used_s > limits.processor_s:
            return f"more than {limits.processor_s:.0f} s of a processor"
        return f"more than {limits.wait_s:.0f} s" if waited_s > limits.wait_s else ""
