"""Decides how messages cross the pipe between two processes: one JSON object a line, of bounded length, never pickle.

`id` numbers the task that a message is about, `kind` says what it tells.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import PurePath
from typing import IO, Any

LONGEST_LINE = 32 << 20  # bytes; the largest message is an explanation of 1024 × 1024 px

Message = dict[str, Any]


class PipeError(Exception):
    """What came, or what should go, is no message."""


class Pipe:
    """Sends from any thread, receives in one. Sending raises OSError when nobody listens any more."""

    def __init__(self, reader: IO[bytes], writer: IO[bytes], longest: int = LONGEST_LINE) -> None:
        self._reader, self._writer = reader, writer
        self._longest = longest
        self._sending = threading.Lock()

    def send(self, message: Mapping[str, Any]) -> None:
        """Raises PipeError when the message is too long."""
        line = json.dumps(message, separators=(",", ":"), default=_plain).encode() + b"\n"
        if len(line) > self._longest:
            raise PipeError(f"a message of {len(line)} bytes is too long")
        with self._sending:
            self._writer.write(line)
            self._writer.flush()

    def receive(self) -> Message | None:
        """Waits for the next message; None once the other side has gone, if in the midst of a line.

        Raises PipeError for anything else than a message.
        """
        line = self._reader.readline(self._longest + 1)
        if len(line) > self._longest:
            raise PipeError("a line is too long")
        if not line.endswith(b"\n"):
            return None
        try:
            message = json.loads(line)
        except ValueError:
            raise PipeError(f"not a message: {line[:80]!r}") from None
        if not isinstance(message, dict) or not {"id", "kind"} <= message.keys():
            raise PipeError(f"not a message: {line[:80]!r}")
        return message

    def close(self) -> None:
        for end in (self._writer, self._reader):
            with suppress(OSError):  # what was not sent finds nobody
                end.close()


def _plain(value: object) -> Any:
    """Paths, and the numbers of numpy."""
    if isinstance(value, PurePath):
        return str(value)
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{type(value).__name__} can't be sent")
