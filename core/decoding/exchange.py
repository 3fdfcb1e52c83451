"""Decides how a helper and its program speak: a line of JSON, then as many bytes as it says. Never pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, BinaryIO

_LONGEST_LINE = 1 << 20


def send(stream: BinaryIO, said: Mapping[str, Any], data: bytes | memoryview = b"") -> None:
    """Raises OSError where nobody listens any more."""
    line = json.dumps({**said, "bytes": len(data)}, separators=(",", ":")).encode() + b"\n"
    stream.write(line)
    stream.write(data)
    stream.flush()


def receive(stream: BinaryIO) -> dict[str, Any] | None:
    """What was said; its `bytes` come next. None once the other side has gone, or says what is none of this."""
    try:
        line = stream.readline(_LONGEST_LINE)
        return dict(json.loads(line)) if line.endswith(b"\n") else None
    except (ValueError, TypeError):
        return None


def fill(stream: BinaryIO, target: memoryview) -> bool:
    """Reads into `target` (bytes); False where the other side has gone before it was full."""
    done = 0
    while done < len(target):
        count = stream.readinto(target[done:])  # type: ignore[attr-defined]
        if not count:
            return False
        done += count
    return True
