"""Decides how bytes are fetched from a file: at any offset, from several threads at once, no position shared."""

from __future__ import annotations

import os
import threading
from pathlib import Path


class FileBytes:
    """One open file."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._lock = threading.Lock()
        self.size = os.fstat(self._file.fileno()).st_size

    def read(self, offset: int, count: int) -> bytes:
        """Up to `count` bytes; fewer where the file ends. Raises OSError."""
        if hasattr(os, "pread"):
            return os.pread(self._file.fileno(), count, offset)
        with self._lock:
            self._file.seek(offset)
            return self._file.read(count)

    def close(self) -> None:
        self._file.close()
