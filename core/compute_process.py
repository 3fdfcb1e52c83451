"""Decides how a process that runs for long is set up: what it keeps of its memory, and with how many threads it computes.

glibc gives large blocks back to the system at once and asks for them again with the next tile, page by page, zeroed. Kept,
they made dense scans 1.2 times as fast in processor time; what is free is given back between scans. Threads other than the
first have heaps of their own, to which that doesn't apply (malloc(3), "arenas"), so there is only one: in a window, too, where
a tile that one thread has freed would lie idle in its heap while another thread's grows. On other systems these settings mean
nothing.
"""

from __future__ import annotations

import ctypes
import os
import sys

# For a process that is started for it (mallopt(3), "Environment variables").
KEPT_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(4 << 30), "MALLOC_ARENA_MAX": "1"}

# As malloc.h numbers them.
_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8
_LARGEST_INT = 2**31 - 1


def keep_memory() -> bool:
    """The same for a process that runs already; call it before there are threads. Whether the system knows of it."""
    libc = _glibc()
    if libc is None:
        return False
    return all([libc.mallopt(_MMAP_MAX, 0), libc.mallopt(_TRIM_THRESHOLD, _LARGEST_INT), libc.mallopt(_ARENA_MAX, 1)])


def share_one_heap() -> bool:
    """All threads take memory from one heap; call it before there are threads. Whether the system knows of it."""
    libc = _glibc()
    return libc is not None and bool(libc.mallopt(_ARENA_MAX, 1))


def give_back_memory() -> None:
    """Gives what is free back to the system, wherever it lies in the heap. It takes some milliseconds."""
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    """The C library, where it is the one that knows of all this."""
    if sys.platform != "linux" or "CS_GNU_LIBC_VERSION" not in os.confstr_names:
        return None
    libc = ctypes.CDLL(None)  # musl's headers have that name, too
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None


def available_cores() -> int:
    """Cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def compute_threads(beside_window: bool) -> int:
    """Threads for the networks: as many as OMP_NUM_THREADS says, else one for each core, but beside a window one core less
    where there are more than two.

    Two threads on one core's halves gain nothing.
    """
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)
    import psutil

    cores = min(available_cores(), psutil.cpu_count(logical=False) or available_cores())
    return cores - 1 if beside_window and cores > 2 else cores


def use_threads(count: int) -> None:
    """How many threads torch computes with; call it before the threads that compute are made."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(count)
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(count)
