"""Decides how a helper process is started and asked, and what its end means."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from core.decoding import DECODER_ARGUMENT
from core.decoding.exchange import fill, receive, send
from core.worker.process import own_command, own_environment

Array = np.ndarray

LONGEST_S = 60.0  # no tile takes so long


class DecodeError(Exception):
    """What was asked for can't be decoded; its text is the end of a sentence. `fatal`: the helper is gone."""

    def __init__(self, reason: str, *, fatal: bool = False) -> None:
        super().__init__(reason)
        self.fatal = fatal


class Helper:
    """One process, for one thread at a time. Raises OSError where it can't be started."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            own_command("core.decoding", DECODER_ARGUMENT),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # libraries print what they think of damaged files
            env=own_environment(),
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )

    def ask(self, asked: Mapping[str, Any], data: bytes | memoryview = b"") -> Array:
        """The pixels that it gives. Raises DecodeError."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        watch = threading.Timer(LONGEST_S, process.kill)
        watch.daemon = True
        watch.start()
        try:
            send(process.stdin, asked, data)  # type: ignore[arg-type]
            told = receive(process.stdout)  # type: ignore[arg-type]
            if told is not None and "error" in told:
                raise DecodeError(told["error"])
            if told is not None:
                pixels = np.empty(told["shape"], told["dtype"])
                if not pixels.size or fill(process.stdout, memoryview(pixels).cast("B")):  # type: ignore[arg-type]
                    return pixels
        except OSError:  # nobody listens any more
            pass
        finally:
            watch.cancel()
        self.end()
        raise DecodeError(f"the decoder crashed, code {process.returncode}", fatal=True)

    def end(self) -> None:
        """It stops by itself once its pipe is closed."""
        process = self._process
        with suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()
        try:
            process.wait(2.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
