"""Decides how many helpers decode at once. Which streams and files are left to them is for readers: those of decoders that
were seen to crash, to hang, or to write beside their memory, on damaged ones (`benchmarks/fuzz.py`)."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from core.decoding.helper import DecodeError, Helper
from core.decoding.limits import Limits

Array = np.ndarray

IDLE_S = 30.0  # so long they wait for work: each holds some 50 MB

_MOST = max(1, min(os.cpu_count() or 1, 8))
_room = threading.Semaphore(_MOST)
_idle: list[Helper] = []
_lock = threading.Lock()
_used = 0.0  # when one was given back last
_is_tended = False


def decode_elsewhere(asked: Mapping[str, Any], data: bytes = b"", limits: Limits | None = None) -> Array:
    """What a helper makes of `data` (`core.decoding.child` says what can be asked). Any thread may call.

    Raises DecodeError, also where the decoder crashed or took more than `limits`; then the next one gets another helper.
    """
    with _room:
        helper = _taken()
        try:
            pixels = helper.ask(asked, data, limits)
        except DecodeError as error:
            if not error.fatal:
                _give_back(helper)
            raise
        except BaseException:
            helper.end()
            raise
        _give_back(helper)
        return pixels


def end_helpers() -> None:
    """Those that wait for work; the next stream starts another one."""
    with _lock:
        ended, _idle[:] = list(_idle), []
    for helper in ended:
        helper.end()


def _taken() -> Helper:
    with _lock:
        if _idle:
            return _idle.pop()
    try:
        return Helper()
    except OSError as error:
        raise DecodeError(f"no helper process can be started: {error.strerror or error}", fatal=True) from None


def _give_back(helper: Helper) -> None:
    global _used, _is_tended
    with _lock:
        _idle.append(helper)
        _used = time.monotonic()
        if not _is_tended:
            _is_tended = True
            _tend_in(IDLE_S)


def _tend_in(seconds: float) -> None:
    timer = threading.Timer(seconds, _tend)
    timer.name, timer.daemon = "schliff-decoders", True
    timer.start()


def _tend() -> None:
    """Ends all that wait once nobody has wanted any for a while."""
    global _is_tended
    with _lock:
        left = _used + IDLE_S - time.monotonic()
        if left > 0:
            _tend_in(left)
            return
        _is_tended = False
    end_helpers()


atexit.register(end_helpers)
