"""Scanning in a real worker process: the same results, whatever happens to either process on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

import core.worker.supervisor as supervisor
from core.errors import CancelledError, InputError, ResourceError
from core.jobs import CancelToken, Step
from core.project import Project
from core.readers.base import open_section
from core.scan.options import ScanStep, Watchers
from core.scan.runner import run_scan
from core.worker.supervisor import run_in_worker, scanning_worker
from tests.toy import ToyModel, spotted_image, write_image
from tests.worker_support import CONTROL, Control, found, is_running, once, request_for, wait_for, write_plugin

ROOT = Path(__file__).resolve().parents[1]
TILES = 25
SPOTS = 12
SIDE = 300  # px; small tiles of the toy model


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """Where the toy model is found and told what to do, for every process that is started from here."""
    folder = tmp_path_factory.mktemp("worker")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(write_plugin(folder / "plugin")))
        patch.syspath_prepend(str(ROOT))
        patch.setenv(CONTROL, str(folder))
        yield folder


@pytest.fixture(scope="module")
def section(places):
    return write_image(places / "section.png", spotted_image(SIDE, SPOTS))


@pytest.fixture(scope="module")
def expected(places, section):
    """What an uninterrupted scan in this process finds."""
    with Project.create(places / "expected") as project, open_section(section) as opened:
        run_scan(project, opened, ToyModel())
    return found(places / "expected")


@pytest.fixture(scope="module")
def shared_worker(places):
    worker = scanning_worker(60)
    yield worker
    worker.close()


@pytest.fixture
def control(places):
    return Control(places)


@pytest.fixture
def scan(shared_worker, section, tmp_path, control):
    """Scans in the worker of this module, always into the same project of this test."""

    def run(progress=lambda step: None, cancel=None, watchers=None, **options):
        request = request_for(section, tmp_path / "p", **options)
        return run_in_worker(request, progress, cancel, watchers, shared_worker)

    run.project = tmp_path / "p"
    run.worker = shared_worker
    run.control = control
    return run


def test_it_finds_the_same_and_tells_it_while_it_goes_on(scan, expected):
    detections, tiles, steps, threads = [], [], [], set()
    watchers = Watchers(detections.extend, lambda tile: (tiles.append(tile.box), threads.add(threading.get_ident())))
    summary = scan(steps.append, watchers=watchers)
    assert found(scan.project) == expected
    assert (summary.detections, summary.tiles_done, summary.model) == (SPOTS, TILES, "toy")
    assert len(set(tiles)) == TILES
    assert threads == {threading.get_ident()}
    with Project.open(scan.project) as project:
        assert {d.id: d for d in detections} == {d.id: d for d in project.detections()}
    assert isinstance(steps[-1], ScanStep)
    assert steps[-1].done == steps[-1].total == TILES
    assert (steps[-1].device, steps[-1].found) == ("cpu", SPOTS)


def test_the_next_scan_is_done_by_the_same_process_with_the_model_it_has(scan):
    scan()
    pid, loads = scan.worker.pid, scan.control.loads
    assert not scan(restart=True).resumed
    assert (scan.worker.pid, scan.control.loads) == (pid, loads)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems decide it by themselves")
def test_what_a_scan_needed_is_given_back_while_the_process_waits(scan):
    scan()
    process = psutil.Process(scan.worker.pid)
    wait_for(lambda: process.status() == psutil.STATUS_SLEEPING)
    before = process.memory_info().rss
    scan.control.do("much memory")
    most = []
    scan(lambda step: most.append(process.memory_info().rss), restart=True)
    scan.control.do("")
    assert max(most) > before + (150 << 20)
    wait_for(lambda: process.memory_info().rss < before + (60 << 20))


def test_what_is_printed_disturbs_nothing(scan, expected):
    scan.control.do("noise")
    scan()
    assert found(scan.project) == expected


def test_a_killed_process_is_told_and_its_scan_goes_on(scan, expected):
    with pytest.raises(ResourceError, match=r"signal 9.*memory.*kept; start it again"):
        scan(once(lambda: os.kill(scan.worker.pid, signal.SIGKILL)))
    assert scan().resumed
    assert found(scan.project) == expected


def test_a_native_crash_is_told_with_its_last_words_and_its_scan_goes_on(scan, expected):
    with pytest.raises(ResourceError, match=r"the scan's process ended unexpectedly \(signal 11\): “cuDNN is unhappy”"):
        scan(once(lambda: scan.control.do("crash")))
    scan.control.do("")
    assert scan().resumed
    assert found(scan.project) == expected


def test_cancelling_ends_within_a_tile_and_keeps_the_process(scan, expected):
    cancel, steps = CancelToken(), []
    scan()
    pid = scan.worker.pid
    scan.control.do("dawdle")
    stop = once(cancel.cancel)
    with pytest.raises(CancelledError):
        scan(lambda step: (steps.append(step.done), stop(step)), cancel, restart=True)
    assert steps[-1] < TILES
    scan.control.do("")
    assert scan(steps.append).resumed
    assert steps[-1].found == SPOTS
    assert scan.worker.pid == pid
    assert found(scan.project) == expected


def test_a_process_that_doesnt_hear_is_killed(scan, expected, monkeypatch):
    monkeypatch.setattr(supervisor, "UNHEARD_S", 0.3)
    cancel = CancelToken()
    begin_to_hang = once(lambda: (scan.control.do("hang"), threading.Timer(0.5, cancel.cancel).start()))
    with pytest.raises(CancelledError):
        scan(begin_to_hang, cancel)
    assert scan.worker.pid is None
    scan.control.do("")
    assert scan().resumed
    assert found(scan.project) == expected


def test_where_nobody_waits_a_process_that_doesnt_hear_is_killed_sooner(scan, monkeypatch):
    monkeypatch.setattr(supervisor, "UNHEARD_AT_ONCE_S", 0.3)
    monkeypatch.setattr(supervisor, "UNHEARD_S", 1000.0)
    cancel = CancelToken()
    leave = threading.Timer(0.5, cancel.cancel, kwargs={"at_once": True})
    with pytest.raises(CancelledError):
        scan(once(lambda: (scan.control.do("hang"), leave.start())), cancel)
    assert scan.worker.pid is None
    scan.control.do("")


def test_a_paused_scan_stands_still_until_it_may_go_on(scan, expected):
    cancel, steps = CancelToken(), []
    scan.control.do("dawdle")
    pause = once(cancel.pause, at=5)
    stood: list[int] = []

    def go_on_later() -> None:
        wait_for(lambda: cancel.paused)
        while not stood or len(steps) > stood[-1]:  # what was under way comes to its end
            stood.append(len(steps))
            time.sleep(1.5)
        scan.control.do("")
        cancel.go_on()

    later = threading.Thread(target=go_on_later)
    later.start()
    scan(lambda step: (steps.append(step), pause(step)), cancel)
    later.join()
    assert stood[-1] < TILES
    assert found(scan.project) == expected


def test_an_error_comes_as_what_it_was(scan):
    scan.control.do("memory")
    with pytest.raises(ResourceError, match="ran out of memory") as raised:
        scan()
    assert (raised.value.path, raised.value.remedy) == (Path("/dev/toy"), "Choose the CPU.")
    pid = scan.worker.pid
    scan.control.do("surprise")
    with pytest.raises(RuntimeError, match="ZeroDivisionError: by a toy") as raised:
        scan()
    assert "worker_support.py" in raised.value.__notes__[0]
    assert scan.worker.pid == pid


def test_a_missing_section_is_told_in_the_readers_own_words(shared_worker, tmp_path):
    with pytest.raises(InputError, match="no such file"):
        run_in_worker(request_for(tmp_path / "none.tif", tmp_path / "p"), worker=shared_worker)
    assert not (tmp_path / "p").exists()


def test_nonsense_on_the_pipe_ends_the_process_and_not_the_scan(scan, expected):
    with pytest.raises(ResourceError, match="not a message"):
        scan(once(lambda: scan.control.do("garble")))
    assert scan.worker.pid is None
    scan.control.do("")
    scan()
    assert found(scan.project) == expected


def test_an_accident_of_whoever_listens_ends_the_work(scan):
    def clumsy(step: Step) -> None:
        raise KeyError("a slip")

    with pytest.raises(KeyError):
        scan(clumsy)
    assert scan.worker.pid is None


def test_a_process_with_nothing_to_do_goes(section, tmp_path, control):
    worker = scanning_worker(0.3)
    run_in_worker(request_for(section, tmp_path / "p"), worker=worker)
    wait_for(lambda: worker.pid is None)
    worker.close()


def test_closing_ends_what_runs(section, tmp_path, control):
    worker = scanning_worker(60)
    control.do("hang")
    pids = []
    with pytest.raises(CancelledError):
        run_in_worker(
            request_for(section, tmp_path / "p"),
            once(lambda: (pids.append(worker.pid), threading.Thread(target=worker.close).start()), at=0),
            worker=worker,
        )
    assert not is_running(pids[0])
    with pytest.raises(CancelledError):
        run_in_worker(request_for(section, tmp_path / "p"), worker=worker)


PARENT = """
import sys
sys.path[:0] = {path!r}
from pathlib import Path
from core.worker.supervisor import run_in_worker, scanning_worker
from tests.worker_support import request_for
worker = scanning_worker(60)
step = lambda step: print(worker.pid, step.done, flush=True)
print(run_in_worker(request_for(Path({section!r}), Path({project!r})), step, worker=worker).tiles_done)
"""


@pytest.fixture
def parent(places, section, tmp_path, control):
    """Another process that scans, started in a folder where misleading modules lie, without any PYTHONPATH."""
    (tmp_path / "here").mkdir()
    for name in ("core", "json", "numpy"):
        (tmp_path / "here" / f"{name}.py").write_text("raise SystemExit('the wrong one')")
    text = PARENT.format(path=[str(ROOT), str(places / "plugin")], section=str(section), project=str(tmp_path / "p"))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def start() -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-P", "-c", text], cwd=tmp_path / "here", env=environment, stdout=subprocess.PIPE
        )

    return start


def test_it_works_from_any_folder(parent):
    with parent() as process:
        assert process.stdout.read().splitlines()[-1] == str(TILES).encode()


def test_when_the_parent_is_killed_nothing_runs_on(parent, control, scan, expected):
    control.do("dawdle")
    with parent() as process:
        for line in process.stdout:
            pid, done = map(int, line.split())
            if done >= 5:
                break
        process.kill()
        wait_for(lambda: not is_running(pid), supervisor.UNHEARD_S)
    control.do("")
    assert scan().resumed
    assert found(scan.project) == expected


def test_the_program_itself_serves_when_it_is_asked_to(monkeypatch):
    from core.worker import process

    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert process._command() == [sys.executable, "--worker"]
    text = (
        "import sys, core.worker.child as child; sys.argv = ['schliff', '--worker']\n"
        "child.main = lambda: print('PySide6' in sys.modules, 'app.cli' in sys.modules) or 0\n"
        "from app.__main__ import main; sys.exit(main())"
    )
    done = subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
    served = subprocess.run([sys.executable, "-m", "app", "--worker"], cwd=ROOT, input=b"", capture_output=True)
    assert (served.returncode, served.stdout) == (0, b"")
