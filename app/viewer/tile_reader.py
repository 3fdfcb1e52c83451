"""Decides how tiles are read: a few threads that always take the tile wanted most, and forget what is wanted no more.

Knows no pixmaps and no view; what it delivers are images that need only be shown.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QImage

from app.session_lease import first_look
from app.viewer.tiles import TileKey
from core.caches import ByteCache
from core.errors import CancelledError
from core.section import Array, Plane, RegionRequest, Section

if TYPE_CHECKING:
    from core.display import DisplayRange

THREADS = 3
RAW_BYTES = 128 << 20  # 16-bit tiles kept as read, so that another display range needs no second read


@dataclass(frozen=True, slots=True)
class Source:
    """Where pixels come from and how they become colours. `generation` tells late answers from current ones."""

    section: Section
    plane: Plane
    display_range: DisplayRange | None
    generation: int
    revision: int  # grows within a generation when plane or display range change


@dataclass(frozen=True, slots=True)
class ReadTile:
    key: TileKey
    image: QImage
    generation: int
    revision: int


@dataclass(frozen=True, slots=True)
class Preview:
    """A quick first look at the whole section, of about 1024 px; as a task it has no image yet."""

    image: QImage | None = None
    generation: int = -1


@dataclass(frozen=True, slots=True)
class Probed:
    """The value of one pixel, as the file has it: one number per sample."""

    x: int
    y: int
    values: tuple[int, ...]
    generation: int


Task = TileKey | Preview | tuple[int, int]
Answer = ReadTile | Preview | Probed


class TileReader(QObject):
    """Its signals come in the window's thread. `want` replaces everything that was wanted before."""

    tile_read = Signal(object)  # ReadTile
    previewed = Signal(object)  # Preview
    probed = Signal(object)  # Probed
    failed = Signal(object)  # the first Exception of a generation

    _wake = Signal()

    def __init__(self, threads: int = THREADS, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state = threading.Condition()
        self._source: Source | None = None
        self._queue: list[TileKey] = []
        self._urgent: list[Preview | tuple[int, int]] = []
        self._in_work: set[tuple[Task, int, int]] = set()
        self._done: list[Answer | Exception] = []
        self._failed_generation = -1
        self._raw: ByteCache[tuple[TileKey, Plane, int], Array] = ByteCache(RAW_BYTES)
        self._closing = False
        self._wake.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        self._threads = [
            threading.Thread(target=self._work, name=f"tile-reader-{i}", daemon=True) for i in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def set_source(self, source: Source | None) -> None:
        with self._state:
            is_other = source is None or self._source is None or source.generation != self._source.generation
            self._source = source
            self._queue = []
            self._urgent = []
            if is_other:
                self._raw.clear()
            if is_other and source is not None:
                self._urgent.append(Preview())
                self._state.notify()

    def want(self, keys: Sequence[TileKey]) -> None:
        """These tiles, the first one first; queued ones that are not among them are not read any more."""
        with self._state:
            source = self._source
            if source is None:
                return
            self._queue = [k for k in keys if (k, source.generation, source.revision) not in self._in_work]
            if self._queue:
                self._state.notify_all()

    def probe(self, x: int, y: int) -> None:
        """The value of one level-0 px, before any tile; only the last one asked for is answered."""
        with self._state:
            self._urgent = [task for task in self._urgent if isinstance(task, Preview)] + [(x, y)]
            self._state.notify()

    @property
    def queued(self) -> int:
        with self._state:
            return len(self._queue)

    @property
    def idle(self) -> bool:
        """Whether nothing is wanted, being read or waiting to be delivered."""
        with self._state:
            return not (self._queue or self._in_work or self._done or self._urgent)

    def close(self) -> None:
        """Ends and joins the threads."""
        with self._state:
            self._closing = True
            self._queue = []
            self._state.notify_all()
        for thread in self._threads:
            thread.join()

    # -- in the reading threads -------------------------------------------------------------------

    def _work(self) -> None:
        while (found := self._next_task()) is not None:
            source, task = found
            answer: Answer | Exception | None
            try:
                answer = self._answer(source, task)
            except CancelledError:
                answer = None
            except Exception as error:
                answer = error
            self._finish(source, task, answer)

    def _next_task(self) -> tuple[Source, Task] | None:
        with self._state:
            self._state.wait_for(lambda: self._closing or (self._source is not None and (self._queue or self._urgent)))
            if self._closing:
                return None
            source = self._source
            assert source is not None
            task: Task = self._urgent.pop(0) if self._urgent else self._queue.pop(0)
            self._in_work.add((task, source.generation, source.revision))
            return source, task

    def _answer(self, source: Source, task: Task) -> Answer:
        if isinstance(task, TileKey):
            image = to_image(self._pixels(source, task), source.display_range)
            return ReadTile(task, image, source.generation, source.revision)
        if isinstance(task, Preview):
            overview = first_look(source.section, source.plane)
            return Preview(to_image(overview.pixels, source.display_range), source.generation)
        x, y = task
        pixel = source.section.read(RegionRequest(x, y, 1, 1, 1, source.plane))
        return Probed(x, y, tuple(int(v) for v in pixel[0, 0]), source.generation)

    def _pixels(self, source: Source, key: TileKey) -> Array:
        request = key.request(source.section.info.box, source.plane)
        if source.section.info.dtype.itemsize == 1:
            return source.section.read(request)
        kept = (key, source.plane, source.generation)
        with self._state:
            pixels = self._raw.get(kept)
        if pixels is None:
            pixels = source.section.read(request)
            with self._state:
                self._raw.put(kept, pixels, pixels.nbytes)
        return pixels

    def _finish(self, source: Source, task: Task, answer: Answer | Exception | None) -> None:
        with self._state:
            self._in_work.discard((task, source.generation, source.revision))
            current = self._source is not None and self._source.generation == source.generation
            if answer is None or not current or self._closing:
                return
            if isinstance(answer, Exception):
                if self._failed_generation == source.generation:
                    return
                self._failed_generation = source.generation
            self._done.append(answer)
            if len(self._done) == 1:
                self._wake.emit()

    # -- in the window's thread -------------------------------------------------------------------

    def _deliver(self) -> None:
        with self._state:
            done, self._done = self._done, []
            generation = self._source.generation if self._source is not None else -1
        for answer in done:
            if isinstance(answer, Exception):
                self.failed.emit(answer)
            elif answer.generation == generation:
                signal = {ReadTile: self.tile_read, Preview: self.previewed, Probed: self.probed}[type(answer)]
                signal.emit(answer)


def to_image(pixels: Array, display_range: DisplayRange | None) -> QImage:
    """Section pixels (rows, columns, samples) as an image ready to be drawn (RGB32, its own memory)."""
    import cv2

    from core.display import DisplayRange, to_uint8_rgb

    shown = display_range or DisplayRange(0, int(np.iinfo(pixels.dtype).max))
    bgra = cv2.cvtColor(np.ascontiguousarray(to_uint8_rgb(pixels, shown)), cv2.COLOR_RGB2BGRA)
    rows, columns = bgra.shape[:2]
    return QImage(bgra.data, columns, rows, columns * 4, QImage.Format.Format_RGB32).copy()
