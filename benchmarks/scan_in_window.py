"""How much a scan is felt in the window, in a thread of its process and in a process of its own.

    python -m benchmarks.scan_in_window [--size 6000] [--rounds 3] [--seconds 15] [--still]

A window of 1600 × 1000 (on Xvfb where there is no screen) is dragged over a section, a step every 16 ms (`--still`: left
alone), while battery-windows begins to scan it: not at all, in a QThread, in a worker process; each in a fresh program, by
turns. A timer of 5 ms tells how late the window's event loop comes to what is due: the 95th and 99th percentile, the latest,
and how much of the time it was more than 50 ms late, apart for the time until the first tile is asked for (torch and the
model are loaded, the specimen is looked for) and for the time of scanning. Then: how long a worker process takes to be
there and what it holds, how long until the first tile is scanned, and what a native crash in the middle of a scan leaves.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.pan import SIZE, resident_mb, screen

if TYPE_CHECKING:
    from app.viewer.viewer import Viewer
    from core.jobs import CancelToken, Progress, Step
    from core.scan.request import ScanRequest

WAYS = ("nothing", "thread", "process")
TICK_MS, FRAME_MS = 5, 16
STALL_MS = 50
MODEL = "battery-windows"


@dataclass
class Lateness:
    """Milliseconds by which the loop was late, one entry per tick."""

    ms: list[float] = field(default_factory=list)

    def row(self, name: str) -> str:
        if not self.ms:
            return f"{name:<28} nothing measured"
        p95, p99 = np.percentile(self.ms, (95, 99))
        whole = sum(self.ms) + TICK_MS * len(self.ms)
        stalled = sum(ms for ms in self.ms if ms > STALL_MS)
        return (
            f"{name:<28}{whole / 1e3:7.1f}{p95:8.1f}{p99:8.1f}{max(self.ms):9.0f}{100 * stalled / whole:9.1f}"
            f"{sum(ms > STALL_MS for ms in self.ms):7d}"
        )


HEADER = f"{'':<28}{'s':>7}{'p95 ms':>8}{'p99 ms':>8}{'latest ms':>9}{'% >50ms':>9}{'stalls':>7}"


def main() -> None:
    options = arguments()
    with screen(), tempfile.TemporaryDirectory() as home:
        os.environ["SCHLIFF_HOME"] = home
        if options.way:
            Run(options, options.way).go()
            return
        from benchmarks.pan_file import section_file

        section_file(options.folder, options.size, pyramid=True)
        print(HEADER, flush=True)
        again = [sys.executable, "-m", "benchmarks.scan_in_window", *sys.argv[1:], "--way"]
        for _ in range(options.rounds):
            for way in WAYS:
                subprocess.run([*again, way], check=True)
        start_alone()
        for way in WAYS[1:]:
            ended = subprocess.run(
                [*again, way, "--crash"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
            print(f"crash in the {way}: the window's process ended with {ended.returncode}. {ended.stdout.strip()}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=6000, help="px along each side")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "schliff-pan")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=15, help="of scanning that are watched")
    parser.add_argument("--still", action="store_true", help="nobody moves the section")
    parser.add_argument("--way", choices=WAYS, help="only this one, in this process")
    parser.add_argument("--crash", action="store_true", help="end the scan's process in the middle of it")
    return parser.parse_args()


class Run:
    """One window, one scan."""

    def __init__(self, options: argparse.Namespace, way: str) -> None:
        from app.session import Session
        from app.start import make_application
        from app.viewer.viewer import Viewer

        self._options, self._way = options, way
        self._app = make_application()
        self._session = Session()
        self._viewer = Viewer(self._session)
        self._viewer.resize(*SIZE)
        self._viewer.show()
        self._late: dict[str, Lateness] = {name: Lateness() for name in ("nothing", "loading", "scanning")}
        self._phase = "nothing"
        self._last = 0.0
        self._begun = self._first_step = self._first_tile = self._until = 0.0
        self._pid = os.getpid()

    def go(self) -> None:
        from PySide6.QtCore import Qt, QTimer

        self._open()
        ticks = QTimer(timerType=Qt.TimerType.PreciseTimer, interval=TICK_MS)
        ticks.timeout.connect(self._tick)
        frames = QTimer(timerType=Qt.TimerType.PreciseTimer, interval=FRAME_MS)
        drags = drag_for_ever(self._viewer, self._options.size)
        frames.timeout.connect(lambda: next(drags)())
        if not self._options.still:
            frames.start()
        self._spin(1.0)
        self._last = time.perf_counter()
        ticks.start()
        if self._way == "nothing":
            self._spin(self._options.seconds)
        else:
            self._scan()
        ticks.stop()
        frames.stop()
        self._report()
        self._session.close()
        self._viewer.close_tiles()
        os._exit(0)

    def _open(self) -> None:
        from app.session_lease import LeasedSection
        from app.session_opening import Opened
        from core.readers.base import open_section

        path = self._options.folder / f"pan-{self._options.size}.tif"
        self._session.adopt(Opened(LeasedSection(open_section(path))))
        self._path = path

    def _spin(self, seconds: float) -> None:
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            self._app.processEvents()
            time.sleep(0.0003)

    def _tick(self) -> None:
        now = time.perf_counter()
        self._late[self._phase].ms.append(max(0.0, 1e3 * (now - self._last) - TICK_MS))
        self._last = now

    def _scan(self) -> None:
        from app.jobs import Job
        from core.models.catalog import find_model
        from core.scan.options import ScanOptions
        from core.scan.request import ScanRequest

        project = Path(os.environ["SCHLIFF_HOME"]) / f"{self._way}-{os.getpid()}.schliff"
        request = ScanRequest.of(self._path, project, find_model(MODEL), ScanOptions(device="cpu"))
        self._begun, self._phase = time.perf_counter(), "loading"
        job = Job(lambda progress, cancel: self._work(job, request, progress, cancel), "Scan")
        job.progress.connect(self._stepped)
        job.failed.connect(lambda error: print(f"The window says: {error}", flush=True))
        self._session.lanes.gpu.submit(job)
        while not job.is_over and not (self._until and time.perf_counter() > self._until):
            self._spin(0.05)
        job.cancel()

    def _work(self, job: object, request: ScanRequest, progress: Progress, cancel: CancelToken) -> object:
        from app.jobs import Job
        from core.scan.options import Watchers

        assert isinstance(job, Job)
        watchers = Watchers(job.post, lambda tile: job.post(tile))
        if self._way == "thread":
            from core.scan.executing import run_request

            return run_request(request, progress, cancel, watchers)
        import core.worker.supervisor as supervisor

        def stepped(step: Step) -> None:
            self._pid = supervisor._scans.pid or 0
            progress(step)

        return supervisor.run_in_worker(request, stepped, cancel, watchers)

    def _stepped(self, step: Step) -> None:
        now = time.perf_counter()
        self._first_step = self._first_step or now
        if step.total and self._phase == "loading":
            self._phase, self._until = "scanning", now + self._options.seconds
        if step.total and step.done and not self._first_tile:
            self._first_tile = now
        if self._options.crash and step.done >= 3:
            os.kill(self._pid, signal.SIGSEGV)

    def _report(self) -> None:
        if self._way == "nothing":
            print(self._late["nothing"].row("no scan"), flush=True)
            return
        for phase in ("loading", "scanning"):
            print(self._late[phase].row(f"{phase}, in a {self._way}"), flush=True)
        if not self._options.crash:
            print(
                f"{'':<28}first word after {self._first_step - self._begun:.1f} s, first tile after "
                f"{self._first_tile - self._begun:.1f} s; MB: window {resident_mb():.0f}, who scans {memory_mb(self._pid):.0f}",
                flush=True,
            )


def drag_for_ever(viewer: Viewer, size: int) -> Iterator:
    from benchmarks.pan_path import Path as CameraPath

    while True:
        yield from CameraPath(viewer.canvas, size, 300).segments()["pan slow, 1:1"]


def memory_mb(pid: int) -> float:
    import psutil

    return psutil.Process(pid).memory_info().rss / 2**20


def start_alone() -> None:
    """A worker that does nothing: until it refuses a task that isn't there."""
    from core.jobs import CancelToken
    from core.worker.supervisor import Worker

    worker = Worker("the scan's", 60)
    begin = time.perf_counter()
    try:
        worker.do("nothing", {}, lambda kind, value: None, CancelToken())
    except RuntimeError:
        taken = time.perf_counter() - begin
        print(f"a worker process is there after {taken:.2f} s and holds {memory_mb(worker.pid or 0):.0f} MB")
    worker.close()


if __name__ == "__main__":
    main()
