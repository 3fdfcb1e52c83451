"""Real worker processes for tests: a toy model that comes as a plug-in and does what a file says at every tile."""

from __future__ import annotations

import gc
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from core.errors import ResourceError
from core.jobs import Step
from core.models.base import Evidence, ModelFamily
from core.project import Project
from core.scan.options import ScanOptions
from core.scan.request import ScanRequest
from core.worker.pipe import Pipe
from tests.toy import ToyModel, toy_spec

CONTROL = "SCHLIFF_TEST_CONTROL"  # names a folder: "do" says what a tile does, "loads" has a dot for every loaded model


class ControlledModel(ToyModel):
    """Finds bright spots, and has accidents when it is told to."""

    def map_tile(self, pixels: np.ndarray) -> np.ndarray:
        what = (Path(os.environ[CONTROL]) / "do").read_text()
        if what:
            _ACCIDENTS[what]()
        return super().map_tile(pixels)

    def explain(self, pixels: np.ndarray, label: str) -> np.ndarray:
        self.map_tile(pixels)
        return pixels[..., 0].astype(np.float32) / 255

    def evidence(self, pixels: np.ndarray, label: str) -> tuple[Evidence, ...]:
        return Evidence("Negative", 255 - pixels), Evidence("Ähnlich", pixels[:20, :12])


def _load(spec, device) -> ControlledModel:
    with (Path(os.environ[CONTROL]) / "loads").open("a") as loads:
        loads.write(".")
    return ControlledModel(spec)


SPEC = ModelFamily(id="controlled", load=_load, bundled=lambda: (toy_spec(),))


def _crash() -> None:
    print("cuDNN is unhappy", flush=True)
    os.kill(os.getpid(), signal.SIGSEGV)


def _use_much_memory() -> None:
    """200 MB, in blocks that a heap keeps."""
    blocks = [np.ones(8192) for _ in range(3200)]
    del blocks


def _make_noise() -> None:
    print("hello from Python", flush=True)
    os.write(1, b'{"id": 1, "kind": "result", "value": "from a native library"}\n')


def _run_out_of_memory() -> None:
    raise ResourceError("the device ran out of memory", path="/dev/toy", remedy="Choose the CPU.")


def _garble() -> None:
    for pipe in (one for one in gc.get_objects() if isinstance(one, Pipe)):
        pipe._writer.write(b"\xff\x00 no message\n")
        pipe._writer.flush()
    time.sleep(20)


def _be_surprised() -> None:
    raise ZeroDivisionError("by a toy")


_ACCIDENTS: dict[str, Callable[[], object]] = {
    "crash": _crash,
    "noise": _make_noise,
    "memory": _run_out_of_memory,
    "much memory": _use_much_memory,
    "garble": _garble,
    "surprise": _be_surprised,
    "dawdle": lambda: time.sleep(0.1),
    "hang": lambda: time.sleep(60),
}


class Control:
    """The folder behind `CONTROL`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.do("")

    def do(self, what: str) -> None:
        (self._folder / "do.new").write_text(what)
        (self._folder / "do.new").replace(self._folder / "do")

    @property
    def loads(self) -> int:
        return len((self._folder / "loads").read_text())


def write_plugin(folder: Path) -> Path:
    """A package's metadata that names `SPEC` of this module; whoever has `folder` in its path has the toy."""
    info = folder / "schliff_toys-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: schliff-toys\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[schliff.models]\ncontrolled = tests.worker_support:SPEC\n")
    return folder


def request_for(section: Path, project: Path, **options) -> ScanRequest:
    return ScanRequest.of(section, project, toy_spec(), ScanOptions(**options))


def found(project: Path) -> list[tuple]:
    """What was found, without ids, which depend on the order of work."""
    with Project.open(project) as opened:
        return sorted((d.label, d.score, d.box, d.area_px, d.severity) for d in opened.detections())


def once(act: Callable[[], object], at: int = 6) -> Callable[[Step], None]:
    """A progress that acts when so many tiles are done."""
    acted: list[object] = []

    def watch(step: Step) -> None:
        if step.total and step.done >= at and not acted:
            acted.append(act())

    return watch


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def wait_for(wanted: Callable[[], bool], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not wanted():
        assert time.monotonic() < until, "it took too long"
        time.sleep(0.02)
