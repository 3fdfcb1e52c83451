"""How long the window's thread came to no event while `soak.py` used it, what it was doing, and what of it the machine caused.

Three clocks: the wall's, the processor's, and the time in which the thread could have run but no core was free (Linux counts
that: proc_pid_schedstat). Beside it a process of the same priority does nothing but sleep for a millisecond and note when it
woke late: a stall during which that one was late, too, says something of the machine.
"""

from __future__ import annotations

import faulthandler
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from PySide6.QtCore import Qt, QTimer

TICK_MS = 4
SLOW_MS = 100  # longer than this a frame is felt
BUSY_MS = 60  # of the processor's: worth a look
LATE_MS = 20  # a sleeper that wakes so late had no core
_LOOK_S = 0.01
_WATCH_MS = 30  # then it is noted what the thread is doing
_DEEP = 7  # calls, the innermost first
_SLEEPER = """
import sys, time
late = float(sys.argv[1])
while True:
    before = time.perf_counter()
    time.sleep(0.001)
    after = time.perf_counter()
    if after - before > late:
        print(before, after, flush=True)
"""


@dataclass(frozen=True, slots=True)
class Stall:
    """The thread of the window came to no event for so long: by the clock, and what of it the processor worked; what it
    waited for a core, and for how long of it the control was late, all in ms."""

    ms: float
    worked_ms: float
    waited_ms: float
    control_ms: float
    doing: str
    where: str

    @property
    def own_ms(self) -> float:
        """What is left without the time in which no core was free: the program's work, locks and files."""
        return self.ms - self.waited_ms

    def __str__(self) -> str:
        times = (
            f"{self.worked_ms:.0f} worked, {self.waited_ms:.0f} without a core, control late for {self.control_ms:.0f}"
        )
        return f"{self.ms:6.0f} ms ({times}) during {self.doing}: {self.where}"


class Control:
    """A process that only sleeps, and when it woke late; its clock is this process's."""

    def __init__(self) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        command = [sys.executable, "-c", _SLEEPER, str(LATE_MS / 1e3)]
        self._process = subprocess.Popen(command, stdout=self._said)

    @property
    def pid(self) -> int:
        return self._process.pid

    def end(self) -> list[tuple[float, float]]:
        """(from, to) s of each sleep that was too long, in order."""
        self._process.terminate()
        self._process.wait()
        self._said.seek(0)
        lines = [line.split() for line in self._said.read().decode().splitlines(keepends=True) if line.endswith("\n")]
        self._said.close()
        return [(float(begin), float(end)) for begin, end in lines]


def late_within(late: list[tuple[float, float]], begin: float, end: float) -> float:
    """For how many s of (begin, end) the control was late."""
    return sum(max(0.0, min(end, to) - max(begin, since)) for since, to in late)


class Pulse:
    """A timer that notices how late it comes, in nested event loops, too; and a thread that looks on meanwhile.

    `stalls`: turns over `SLOW_MS` by the clock or over `BUSY_MS` of the processor; complete after `stop`.
    """

    def __init__(self) -> None:
        self.doing = ""
        self.stalls: list[Stall] = []
        self.control = Control()
        self.worst = self.worst_worked = 0.0
        self.beats = 0
        self._found: list[tuple[float, Stall]] = []  # when it was over
        self._seen: Counter[str] = Counter()
        self._waits = CoreWaits()
        self._now()
        self._thread_id, self._native_id = threading.get_ident(), threading.get_native_id()
        self._timer = QTimer(timerType=Qt.TimerType.PreciseTimer, interval=TICK_MS)
        self._timer.timeout.connect(self._beat)
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="soak-watch", daemon=True)

    @property
    def slow(self) -> int:
        """How many turns were too long by the clock so far."""
        return sum(stall.ms > SLOW_MS for _, stall in self._found)

    def start(self) -> None:
        self.skip()
        self._timer.start()
        self._watcher.start()

    def stop(self) -> None:
        self._timer.stop()
        self._over.set()
        self._watcher.join()
        self._waits.close()
        late = self.control.end()
        for end, stall in self._found:
            control_ms = 1e3 * late_within(late, end - stall.ms / 1e3, end)
            self.stalls.append(Stall(stall.ms, stall.worked_ms, stall.waited_ms, control_ms, stall.doing, stall.where))

    def skip(self) -> None:
        """What was done since the last beat is the benchmark's own."""
        self._now()
        self._seen.clear()

    def _now(self) -> None:
        self._last, self._worked, self._waited = time.perf_counter(), time.thread_time(), self._waits.seconds()

    def _beat(self) -> None:
        last, worked, waited = self._last, self._worked, self._waited
        self._now()
        ms, worked_ms = 1e3 * (self._last - last), 1e3 * (self._worked - worked)
        self.beats += 1
        self.worst, self.worst_worked = max(self.worst, ms), max(self.worst_worked, worked_ms)
        if ms > SLOW_MS or worked_ms > BUSY_MS:
            where = self._seen.most_common(1)[0][0] if self._seen else ""
            self._found.append(
                (self._last, Stall(ms, worked_ms, 1e3 * (self._waited - waited), 0.0, self.doing, where))
            )
        self._seen.clear()

    def _watch(self) -> None:
        with tempfile.TemporaryFile() as file:
            while not self._over.wait(_LOOK_S):
                last = self._last
                if 1e3 * (time.perf_counter() - last) > _WATCH_MS:
                    place = f"{waiting_in(self._native_id)}{self._stack(file)}"
                    if self._last == last:
                        self._seen[place] += 1

    def _stack(self, file: IO[bytes]) -> str:
        """Where the window's thread is. Frames are not taken hold of: a painter in one would be destroyed in this thread."""
        file.seek(0)
        file.truncate()
        faulthandler.dump_traceback(file)
        file.seek(0)
        threads = file.read().decode().split("\n\n")
        mine = next((lines for lines in threads if f"0x{self._thread_id:016x}" in lines), "")
        places = re.findall(r'File ".*?([^/"]+)\.py", line (\d+) in (\S+)', mine)[:_DEEP]
        return " < ".join(f"{name} ({module}:{line})" for module, line, name in places)


def waiting_in(native_id: int) -> str:
    """What of the system a thread of this process is waiting in, "" where it works (or the system doesn't tell)."""
    try:
        found = Path(f"/proc/self/task/{native_id}/wchan").read_text()
    except OSError:
        return ""
    return f"[{found}] " if found not in ("", "0") else ""


class CoreWaits:
    """For how long the thread that makes this could have run but had no core; 0 where the system doesn't count it."""

    def __init__(self) -> None:
        path = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
        self._file = path.open("rb", buffering=0) if path.is_file() else None

    def seconds(self) -> float:
        if self._file is None:
            return 0.0
        self._file.seek(0)
        return int(self._file.read().split()[1]) / 1e9

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
