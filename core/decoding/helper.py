"""Decides how a helper process is started and asked, and what its end means."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from core.decoding import DECODER_ARGUMENT
from core.decoding.exchange import fill, receive, send
from core.decoding.limits import Limits, Watch
from core.worker.process import own_command, own_environment

Array = np.ndarray

LIMITS = Limits()


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

    def ask(self, asked: Mapping[str, Any], data: bytes | memoryview = b"", limits: Limits | None = None) -> Array:
        """The pixels that it gives. Raises DecodeError, also where it takes more than `limits`."""
        limits = limits or LIMITS
        with Watch(self._process, limits) as watch:
            answer = self._answer({**asked, "wait_s": limits.wait_s}, data)
        if isinstance(answer, DecodeError):
            raise answer
        if answer is not None and not watch.exceeded:
            return answer
        self.end()
        what = f"took {watch.exceeded}" if watch.exceeded else f"crashed, code {self._process.returncode}"
        raise DecodeError(f"the decoder {what}", fatal=True)

    def _answer(self, asked: Mapping[str, Any], data: bytes | memoryview) -> Array | DecodeError | None:
        """None where it has ended."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            send(stdin, asked, data)  # type: ignore[arg-type]
            told = receive(stdout)  # type: ignore[arg-type]
            if told is None:
                return None
            if "error" in told:
                return DecodeError(told["error"])
            pixels = np.empty(told["shape"], told["dtype"])
            is_whole = not pixels.size or fill(stdout, memoryview(pixels).cast("B"))  # type: ignore[arg-type]
            return pixels if is_whole else None
        except OSError:  # nobody listens any more
            return None

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
