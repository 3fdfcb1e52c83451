"""Decides how a process that computes for long is set up: what it keeps of its memory, and with how many threads it computes.

glibc gives large blocks back to the system at once and asks for them again with the next tile, page by page, zeroed. Kept,
they made dense scans 1.2 times as fast in processor time. Threads other than the first have heaps of their own, to which that
doesn't apply (malloc(3), "arenas"), so there is only one. On other systems these settings mean nothing.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from contextlib import suppress

# For a process that is started for it (mallopt(3), "Environment variables").
KEPT_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(4 << 30), "MALLOC_ARENA_MAX": "1"}

# As malloc.h numbers them.
_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8
_LARGEST_INT = 2**31 - 1


def keep_memory() -> bool:
    """The same for a process that runs already; call it before there are threads. Whether the system knows of it."""
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc":
        return False
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        return all([mallopt(_MMAP_MAX, 0), mallopt(_TRIM_THRESHOLD, _LARGEST_INT), mallopt(_ARENA_MAX, 1)])
    return False


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
