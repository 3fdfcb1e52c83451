"""Decides that what a process frees of large blocks stays with it, so that the next tile needs not ask the system again."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress

# mallopt(3) of glibc: no block is mapped by itself, and next to nothing is given back from the heap's end.
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
_MOST = (1 << 31) - 1


def keep_freed_memory() -> None:
    """For a process that computes and then ends. Does nothing where memory is not glibc's."""
    if sys.platform != "linux":
        return
    with suppress(OSError, AttributeError):  # another C library knows no mallopt
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_MMAP_MAX, 0)
        mallopt(_TRIM_THRESHOLD, _MOST)
