"""How a process that computes is set up, and how large a batch a device is given."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from core.compute_process import available_cores, compute_threads
from core.devices import device_name, probe_batch

ROOT = Path(__file__).resolve().parents[1]

FAULTS = """
import resource, sys, threading
from core.compute_process import keep_memory
if sys.argv[1] == "kept" and not keep_memory():
    print("unknown"); raise SystemExit
def work():
    for _ in range(10):
        b"x" * (64 << 20)
thread = threading.Thread(target=work)
thread.start()
thread.join()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


def page_faults(how: str) -> str:
    run = subprocess.run([sys.executable, "-c", FAULTS, how], cwd=ROOT, capture_output=True, text=True, check=True)
    return run.stdout.strip()


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc can be told")
def test_kept_memory_is_not_asked_for_again_in_any_thread():
    kept = page_faults("kept")
    if kept == "unknown":
        pytest.skip("another C library")
    assert int(kept) < int(page_faults("default")) / 3


HEAPS = """
import ctypes, sys, threading
from core.compute_process import share_one_heap
if sys.argv[1] == "one" and not share_one_heap():
    print("unknown"); raise SystemExit
together = threading.Barrier(4)
def work():
    together.wait()
    kept = [b"x" * 50_000 for _ in range(20)]
    together.wait()
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc = ctypes.CDLL(None)
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
"""


def heaps(how: str) -> int | None:
    run = subprocess.run([sys.executable, "-c", HEAPS, how], cwd=ROOT, capture_output=True, text=True, check=True)
    return None if "unknown" in run.stdout else run.stdout.count("<heap nr=")


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc can be told")
def test_threads_of_a_window_share_one_heap():
    found = heaps("one")
    if found is None:
        pytest.skip("another C library")
    assert found == 1
    assert heaps("several") > 1


def test_a_window_is_left_a_core_where_there_are_enough(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("core.compute_process.available_cores", lambda: 8)
    monkeypatch.setattr("psutil.cpu_count", lambda logical: 8)
    assert (compute_threads(True), compute_threads(False)) == (7, 8)
    monkeypatch.setattr("psutil.cpu_count", lambda logical: 4)
    assert (compute_threads(True), compute_threads(False)) == (3, 4)
    monkeypatch.setattr("core.compute_process.available_cores", lambda: 2)
    assert compute_threads(True) == 2
    assert available_cores() >= 1
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert (compute_threads(True), compute_threads(False)) == (1, 1), "whoever started it knows better"


def test_a_device_has_a_name():
    assert device_name("cpu")


@pytest.mark.parametrize(("fits", "most", "found"), [(0, 64, 0), (1, 64, 1), (7, 64, 4), (100, 64, 64), (100, 1, 1)])
def test_the_largest_batch_that_fits_is_found(fits: int, most: int, found: int):
    tried: list[int] = []

    def attempt(size: int) -> None:
        tried.append(size)
        if size > fits:
            raise MemoryError

    assert probe_batch(attempt, most) == found
    assert max(tried) <= 2 * max(fits, 1)


def test_a_model_that_is_broken_is_not_a_small_device():
    with pytest.raises(ValueError, match="shape"):
        probe_batch(lambda size: (_ for _ in ()).throw(ValueError("shape")), 8)
