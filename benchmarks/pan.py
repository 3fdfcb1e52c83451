"""How smoothly the section moves: a fixed path of drags, wheel turns and jumps over a large file, frame by frame.

    python benchmarks/pan.py [--size 20000] [--files tif czi] [--building] [--scanning] [--bare] [--walk 60 --budget 600]

Measured at 1600 × 1000 with a heat map and 10,000 boxes, on Xvfb where there is no screen. For every part of the path:
the time the window's thread is busy per frame (events, answers of readers, painting, handing over to the screen), wall
and processor time; frames finished later than one sixtieth of a second after they were due; the share of the viewport
without any pixels and without those of its own level, mean over the frames; then how long a jump takes until all is sharp.
The first line is what the machine does to a thread that only counts, before anything moves: on a busy one, look at the
processor time.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from app.session import Session
    from app.viewer.viewer import Viewer
    from benchmarks.pan_path import Action
    from benchmarks.pan_path import Path as CameraPath

SIZE = 1600, 1000
FRAME_S = 1 / 60
BOXES = 10_000
CELL_PX = 32
SHARP_WITHIN_S = 20


@dataclass
class Frames:
    """What was measured of one part of the path, one entry per frame."""

    busy_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    late: list[bool] = field(default_factory=list)
    blank: list[float] = field(default_factory=list)
    coarse: list[float] = field(default_factory=list)

    def row(self, name: str) -> str:
        p50, p95 = np.percentile(self.busy_ms, (50, 95))
        c50, c95 = np.percentile(self.cpu_ms, (50, 95))
        late, blank, coarse = (100 * np.mean(v) for v in (self.late, self.blank, self.coarse))
        return (
            f"{name:<18}{p50:6.1f}{p95:7.1f}{max(self.busy_ms):7.1f}   {c50:5.1f}{c95:7.1f}{max(self.cpu_ms):7.1f}"
            f"  {late:6.1f} {blank:6.2f} {coarse:7.1f}"
        )


HEADER = f"{'':<18}{'busy ms/frame':^20}   {'processor ms':^19}  {'late':>6} {'blank':>6} {'unsharp':>7}\n" + (
    f"{'':<18}{'p50':>6}{'p95':>7}{'max':>7}   {'p50':>5}{'p95':>7}{'max':>7}  {'%':>6} {'%':>6} {'%':>7}"
)


def main() -> None:
    options = arguments()
    with screen(), tempfile.TemporaryDirectory() as home:
        os.environ["SCHLIFF_HOME"] = home
        from benchmarks.pan_file import section_file

        files = [section_file(options.folder, options.size, pyramid=kind == "tif") for kind in options.files]
        for path in files:
            if len(files) == 1:
                measure(path, options)
                continue
            again = [i for i in sys.argv[1:] if i not in ("--files", "tif", "czi")]
            subprocess.run([sys.executable, __file__, *again, "--files", path.suffix[1:]], check=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=20_000, help="px along each side")
    parser.add_argument("--files", nargs="+", choices=("tif", "czi"), default=["tif", "czi"], help="czi: no overviews")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "schliff-pan")
    parser.add_argument("--frames", type=int, default=150, help="of each drag")
    parser.add_argument("--building", action="store_true", help="move while the overviews are being built")
    parser.add_argument("--scanning", action="store_true", help="move while the texture model scans, in its process")
    parser.add_argument("--bare", action="store_true", help="without heat map and boxes")
    parser.add_argument("--part", default="", help="only the parts of the path whose name has this in it")
    parser.add_argument("--walk", type=int, default=0, metavar="JUMPS", help="then a random walk, for the memory")
    parser.add_argument(
        "--budget", type=int, default=0, metavar="MB", help="of all caches; 0: the program's own default"
    )
    parser.add_argument(
        "--profile", action="store_true", help="print where the thread of the window spends processor time"
    )
    return parser.parse_args()


@contextmanager
def screen() -> Iterator[None]:
    """A display: the user's, or else one in memory."""
    if os.environ.get("DISPLAY") or os.environ.get("QT_QPA_PLATFORM") or not sys.platform.startswith("linux"):
        yield
        return
    if shutil.which("Xvfb") is None:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
        yield
        return
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1920x1200x24", "-nolisten", "tcp"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    os.environ["DISPLAY"] = f":{os.read(read, 16).decode().strip()}"
    try:
        yield
    finally:
        server.terminate()
        server.wait()
        del os.environ["DISPLAY"]


def measure(path: Path, options: argparse.Namespace) -> None:
    from app.garbage import Garbage
    from app.session import Session
    from app.start import make_application
    from app.viewer.viewer import Viewer
    from benchmarks.pan_path import JUMPS
    from benchmarks.pan_path import Path as CameraPath
    from core.memory import budget, set_budget

    app = make_application()
    if options.budget:
        set_budget(options.budget << 20)
    session = Session()
    viewer = Viewer(session)
    viewer.resize(*SIZE)
    viewer.show()
    Garbage(viewer)  # as the program's window has it
    begin_mb = resident_mb()
    open_section(session, path, options)
    turn = Turn(app, viewer)
    turn.until(lambda: session.section is not None and viewer.provider.overview is not None)
    if not options.building:
        turn.until(lambda: session.overviews.ready, 600)
    if options.scanning:
        start_scan(session, path)
    load = " while overviews are built" * options.building + " while a scan runs" * options.scanning
    print(f"\n{path.name}, {'bare' if options.bare else f'heat map and {BOXES:,} boxes'}{load}; {app.platformName()}")
    print(HEADER, flush=True)
    turn.settle()
    print(turn.machine().row("3 ms of counting"), flush=True)
    steps = CameraPath(viewer.canvas, options.size, options.frames)
    built = ""
    with profiled(options.profile):
        every = Frames()
        for name, actions in steps.segments().items():
            if options.part not in name:
                continue
            frames = turn.along(actions)
            print(frames.row(name), flush=True)
            built = built or name * session.overviews.ready
            for attribute, values in vars(frames).items():
                getattr(every, attribute).extend(values)
        print(every.row("whole path"))
    if options.building:
        print(f"overviews were built {f'until {built!r}' if built else 'all the while'}")
    if options.scanning:
        print(f"the scan {'went on all the while' if session.lanes.gpu.busy else 'was over before the path ended'}")
    sharp = [turn.until_sharp(partial(steps.jump, *place)) for place in JUMPS]
    print(f"jump to sharp at 1:1: median {np.median(sharp):.0f} ms, worst {max(sharp):.0f} ms")
    if options.walk:
        walk(turn, steps, options.walk)
    print(
        f"resident: {begin_mb:.0f} MB before opening, {resident_mb():.0f} MB now; "
        f"budget of all caches {budget() >> 20} MB"
    )
    viewer.close_tiles()
    session.close()


class Turn:
    """Turns the event loop and measures it. What is counted as busy is every moment in which Qt or Python works."""

    def __init__(self, app: QApplication, viewer: Viewer) -> None:
        self._app, self._viewer = app, viewer

    def along(self, actions: Iterator[Action]) -> Frames:
        frames = Frames()
        due = time.perf_counter() + FRAME_S
        for action in actions:
            wall, cpu = self._work_until(due)
            if frames.busy_ms:  # what came in after a frame belongs to it
                frames.busy_ms[-1] += wall
                frames.cpu_ms[-1] += cpu
            wall, cpu = self._work(action)
            frames.busy_ms.append(wall)
            frames.cpu_ms.append(cpu)
            done = time.perf_counter()
            frames.late.append(done > due + FRAME_S)
            blank, coarse = self._viewer.missing()
            frames.blank.append(blank)
            frames.coarse.append(coarse)
            due = max(due + FRAME_S, done)  # a frame that was missed is not made up for
        return frames

    def settle(self) -> None:
        """Until what the section's opening has brought up is painted, as far as it comes at once."""
        viewer, stop = self._viewer, time.perf_counter() + SHARP_WITHIN_S
        self.until(
            lambda: (
                (viewer.is_sharp and viewer.overlays.settled and viewer.overlays.worker.idle)
                or time.perf_counter() > stop
            )
        )

    def machine(self) -> Frames:
        """What the machine itself does to a thread that only counts for three milliseconds each frame."""

        def count() -> None:
            begin = time.thread_time()
            while time.thread_time() - begin < 0.003:
                pass

        return self.along(count for _ in range(120))

    def until(self, wanted: Callable[[], bool], seconds: float = 60) -> None:
        stop = time.perf_counter() + seconds
        while not wanted():
            self._app.processEvents()
            time.sleep(0.002)
            if time.perf_counter() > stop:
                raise TimeoutError(wanted)

    def until_sharp(self, action: Action) -> float:
        """Milliseconds from the action until everything in sight is drawn from its own level."""
        begin = time.perf_counter()
        action()
        self._app.processEvents()
        while not self._viewer.is_sharp and time.perf_counter() - begin < SHARP_WITHIN_S:
            time.sleep(0.0005)
            self._app.processEvents()
        return 1e3 * (time.perf_counter() - begin)

    def _work(self, action: Action) -> tuple[float, float]:
        wall, cpu = time.perf_counter(), time.thread_time()
        action()
        self._app.processEvents()
        return 1e3 * (time.perf_counter() - wall), 1e3 * (time.thread_time() - cpu)

    def _work_until(self, due: float) -> tuple[float, float]:
        busy = used = 0.0
        while (left := due - time.perf_counter()) > 0:
            time.sleep(min(left, 0.001))
            wall, cpu = self._work(lambda: None)
            if wall > 0.05:  # an empty turn of the loop is the benchmark's own
                busy, used = busy + wall, used + cpu
        return busy, used


def walk(turn: Turn, steps: CameraPath, jumps: int) -> None:
    """Random places at random zooms, each until it is sharp: fills every cache."""
    random = np.random.default_rng(2)
    most = 0.0
    for _ in range(jumps):
        x, y = (float(share) for share in random.uniform(0.02, 0.98, 2))
        zoom = 2.0 ** float(random.uniform(-5, 1))
        turn.until_sharp(partial(steps.place, x, y, zoom))
        most = max(most, resident_mb())
    print(f"random walk of {jumps} places: at most {most:.0f} MB resident")


def open_section(session: Session, path: Path, options: argparse.Namespace) -> None:
    """The section as the window opens it, with a made-up scan of 10,000 detections and its heat map."""
    from app.session_lease import LeasedSection
    from app.session_opening import Opened
    from core.pyramid import OverviewCache, with_overviews
    from core.readers.base import open_section

    section = LeasedSection(with_overviews(open_section(path), OverviewCache()))
    if options.bare:
        session.adopt(Opened(section))
        return
    record, detections, score_map = made_up_scan(options.size)
    session.adopt(Opened(section, scans=[record], scan=record, detections=detections, score_map=score_map))


def made_up_scan(size: int) -> tuple[Any, ...]:
    """(ScanRecord, list[Detection], ScoreMap) over a whole section."""
    import cv2

    from core.detection import Detection
    from core.geometry import Box
    from core.project.records import ScanRecord
    from core.project.score_map import ScoreMap

    labels = ("pore", "crack", "agglomerate", "preparation_artefact")
    random = np.random.default_rng(1)
    cells = -(-size // CELL_PX)
    scores = cv2.GaussianBlur(random.random((cells, cells), np.float32), (0, 0), 3)
    scores = np.clip((scores - scores.mean()) / (6 * scores.std()) + 0.4, 0, 1)
    record = ScanRecord(
        "scan-1", 1, "key", "m", "Model", "1", None, "classifier", labels, labels[3:], "probability", "done",
        0.5, 4, 4, 0, float(CELL_PX), 64.0, 1.0, "cpu", {}, "2026-01-01", "2026-01-01",
    )  # fmt: skip
    detections = []
    for number in range(BOXES):
        x, y = random.uniform(0, size - 200, 2)
        w, h = random.uniform(8, 200, 2)
        score = float(random.uniform(0.5, 1))
        label = labels[number % 4]
        detections.append(Detection(number + 1, 1, "scan-1", "m", label, score, Box(x, y, w, h), w * h, 100 * score))
    return record, detections, ScoreMap.of(scores[None], float(CELL_PX))


def start_scan(session: Session, path: Path) -> None:
    """The texture model, in a worker process and with a project of its own, as the program scans."""
    from app.jobs import Job
    from core.models.catalog import find_model
    from core.scan.options import ScanOptions, Watchers
    from core.scan.request import ScanRequest
    from core.worker.supervisor import run_in_worker

    project = Path(os.environ["SCHLIFF_HOME"]) / "pan.schliff"
    request = ScanRequest.of(path, project, find_model("texture"), ScanOptions(device="cpu"))
    job = Job(lambda progress, cancel: run_in_worker(request, progress, cancel, Watchers(job.post, job.post)), "Scan")
    job.failed.connect(lambda error: print(f"the scan failed: {error}", flush=True))
    session.lanes.gpu.submit(job)


def resident_mb() -> float:
    import psutil

    return psutil.Process().memory_info().rss / 2**20


@contextmanager
def profiled(wanted: bool) -> Iterator[None]:
    if not wanted:
        yield
        return
    import cProfile
    import pstats

    profile = cProfile.Profile(time.thread_time)
    profile.enable()
    yield
    profile.disable()
    pstats.Stats(profile).sort_stats("tottime").print_stats(25)


if __name__ == "__main__":
    main()
