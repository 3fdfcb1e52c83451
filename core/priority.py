"""Decides how background work gives way: its threads and processes get less of a busy processor than those that serve the eye."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress

_NICE = 5  # mild: a thread that holds Python's lock must not be kept waiting for long
_BELOW_NORMAL = -1


def lower_this_process() -> None:
    """For a process that computes in the background: all its threads give way. A second call changes nothing."""
    import psutil

    own = psutil.Process()
    with suppress(psutil.Error, OSError):
        own.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else max(_NICE, own.nice()))


def lower_this_thread() -> None:
    """For threads that do nothing else: most systems don't let them rise again. Does nothing where it can't be done."""
    if sys.platform == "win32":
        import ctypes

        kernel = ctypes.windll.kernel32
        kernel.SetThreadPriority(kernel.GetCurrentThread(), _BELOW_NORMAL)
    elif sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
