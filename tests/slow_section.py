"""A section on slow storage: every read takes its time, as from a network drive, and says in which thread it ran."""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable
from pathlib import Path

from core.readers.file_bytes import FileBytes
from core.section import Array, Plane, Section, SectionInfo


class SlowSection(Section):
    """Passes everything on to `inner`, `delay_s` later. `readers` are the threads that have read so far.

    `stall()` holds all reads (a drive that hangs) until `resume()`.
    """

    def __init__(self, inner: Section, delay_s: float = 0.05) -> None:
        self.inner, self.delay_s = inner, delay_s
        self.readers: set[int] = set()
        self.reads = 0
        self._flowing = threading.Event()
        self._flowing.set()

    @property
    def info(self) -> SectionInfo:  # type: ignore[override]
        return self.inner.info

    def read_level(self, level: int, x: int, y: int, width: int, height: int, plane: Plane) -> Array:
        self._wait()
        return self.inner.read_level(level, x, y, width, height, plane)

    def preview(self, downsample: int, plane: Plane) -> Array | None:
        self._wait()
        return self.inner.preview(downsample, plane)

    @property
    def block_px(self) -> tuple[int, int]:
        return self.inner.block_px

    def stall(self) -> None:
        self._flowing.clear()

    def resume(self) -> None:
        self._flowing.set()

    def close(self) -> None:
        self.resume()
        self.inner.close()

    def _wait(self) -> None:
        self.readers.add(threading.get_ident())
        self.reads += 1
        time.sleep(self.delay_s)
        self._flowing.wait(60)


class SlowFile(FileBytes):
    """A file of which every read takes `delay_s`, whatever its size. `reads` lists offsets and sizes."""

    def __init__(self, path: Path, delay_s: float = 0.005) -> None:
        super().__init__(path)
        self.delay_s = delay_s
        self.reads: list[tuple[int, int]] = []

    def _fetch(self, offset: int, count: int) -> bytes:
        self._wait(offset, count)
        return super()._fetch(offset, count)

    def _fetch_into(self, offset: int, target: Array) -> int:
        self._wait(offset, target.nbytes)
        return super()._fetch_into(offset, target)

    def mapped(self, key: Hashable, size: int, at_first: bool) -> None:
        return None

    def _wait(self, offset: int, count: int) -> None:
        self.reads.append((offset, count))
        time.sleep(self.delay_s)
