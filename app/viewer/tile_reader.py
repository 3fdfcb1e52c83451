"""Decides how tiles are read: a few threads that always take the tile wanted most, and forget what is wanted no more.

Knows no pixmaps and no view; what it delivers are images that need only be shown.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, QTimer, Signal, SignalInstance
from PySide6.QtGui import QImage

from app.viewer.picture import of_its_own, preview_image, region_image
from app.viewer.tiles import TILE_PX, TileKey
from core.caches import ByteCache
from core.errors import CancelledError
from core.look import Look
from core.memory import share
from core.priority import lower_this_thread
from core.section import Array, Glance, Plane, RegionRequest, Section

MOST_THREADS = 4
LOOK_FURTHER = 8  # tiles in the queue among which one of another part of the file is looked for
DELIVER_MS = 3.0  # of one turn of the event loop, for taking over what was read
CLOSE_S = 2.0  # how long a thread that reads from a slow drive is waited for


@dataclass(frozen=True, slots=True)
class Source:
    """Where pixels come from and how they become colours. `generation` tells late answers from current ones."""

    section: Section
    plane: Plane
    look: Look
    generation: int
    revision: int  # grows within a generation when plane or look change


@dataclass(frozen=True, slots=True)
class ReadTile:
    key: TileKey
    image: QImage
    generation: int
    revision: int
    exact: bool  # these are the pixels themselves, not only the best that is known by now


@dataclass(frozen=True, slots=True)
class Broken:
    """What couldn't be read, and why. `key` is None when it was no tile."""

    key: TileKey | None
    error: Exception
    generation: int
    revision: int


@dataclass(frozen=True, slots=True)
class Preview:
    """A quick first look at the whole section, of about 1024 px; as a task it has no image yet."""

    image: QImage | None = None
    generation: int = -1


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the look's enhancements must know of the whole section is known: tiles look better now."""

    generation: int = -1


@dataclass(frozen=True, slots=True)
class Probed:
    """The value of one pixel, as the file has it: one number per sample."""

    x: int
    y: int
    values: tuple[int, ...]
    generation: int


Task = TileKey | Preview | Prepared | tuple[int, int]
Answer = ReadTile | Preview | Prepared | Probed | Broken


class TileReader(QObject):
    """Its signals come in the window's thread. `want` replaces everything that was wanted before."""

    tile_read = Signal(object)  # ReadTile
    broken = Signal(object)  # Broken
    previewed = Signal(object)  # Preview
    prepared = Signal(object)  # Prepared
    probed = Signal(object)  # Probed

    _wake = Signal()

    def __init__(self, threads: int | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state = threading.Condition()
        self._source: Source | None = None
        self._queue: list[TileKey] = []
        self._urgent: list[Preview | Prepared | tuple[int, int]] = []
        self._in_work: set[tuple[Task, int, int]] = set()
        self._blocks: list[tuple[int, int]] = []  # parts of the file that are being read
        self._done: deque[Answer] = deque()
        self._seconds = 0.0  # that a tile took lately
        self._raw: ByteCache[tuple[RegionRequest, int], Array] = ByteCache(share("raw"))
        self._closing = False
        self._wake.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        self._rest = QTimer(self, singleShot=True, interval=0)  # after the events that wait meanwhile
        self._rest.timeout.connect(self._deliver)
        self._count = threads or min(max(os.cpu_count() or 2, 2), MOST_THREADS)
        self._threads: list[threading.Thread] = []

    def set_source(self, source: Source | None) -> None:
        with self._state:
            is_other = source is None or self._source is None or source.generation != self._source.generation
            self._source = source
            self._queue = []
            self._urgent = [] if is_other else [task for task in self._urgent if isinstance(task, Preview)]
            if is_other:
                self._raw.clear()
                self._seconds = 0.0
            if is_other and source is not None:
                self._urgent.append(Preview())
            if source is not None and source.look.is_enhanced and not self._preparing:
                self._urgent.append(Prepared())
            if self._urgent:
                self._start()

    def want(self, keys: Sequence[TileKey]) -> None:
        """These tiles, the first one first; queued ones that are not among them are not read any more."""
        with self._state:
            source = self._source
            if source is None:
                return
            self._queue = [k for k in keys if (k, source.generation, source.revision) not in self._in_work]
            if self._queue:
                self._start()

    def probe(self, x: int, y: int) -> None:
        """The value of one level-0 px, before any tile; only the last one asked for is answered."""
        with self._state:
            self._urgent = [task for task in self._urgent if isinstance(task, Preview | Prepared)] + [(x, y)]
            self._start()

    def in_work(self) -> set[TileKey]:
        """The tiles that are being read or wait to be delivered."""
        with self._state:
            reading = {task for task, _, _ in self._in_work if isinstance(task, TileKey)}
            return reading | {answer.key for answer in self._done if isinstance(answer, ReadTile)}

    def seconds_for(self, tiles: int) -> float:
        """How long so many tiles will take, as things went lately."""
        return self._seconds * tiles / self._count

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
        """Ends the threads. One that waits for a drive which doesn't answer is left to end by itself."""
        with self._state:
            self._closing = True
            self._queue, self._urgent = [], []
            self._state.notify_all()
        until = time.monotonic() + CLOSE_S
        for thread in self._threads:
            thread.join(max(until - time.monotonic(), 0))

    @property
    def _preparing(self) -> bool:
        """Then it's asked for again when that is over, in case it was for another look."""
        return any(isinstance(task, Prepared) for task, _, _ in self._in_work)

    def _start(self) -> None:
        """Wakes the threads; the first time, makes them."""
        if not self._threads and not self._closing:
            self._threads = [
                threading.Thread(target=self._work, name=f"tile-reader-{i}", daemon=True) for i in range(self._count)
            ]
            for thread in self._threads:
                thread.start()
        self._state.notify_all()

    # -- in the reading threads -------------------------------------------------------------------

    def _work(self) -> None:
        lower_this_thread()
        while (found := self._next_task()) is not None:
            source, task, block = found
            answer: Answer | None
            begin = time.perf_counter()
            try:
                answer = self._answer(source, task)
            except CancelledError:
                answer = None
            except Exception as error:
                key = task if isinstance(task, TileKey) else None
                answer = Broken(key, error, source.generation, source.revision)
            self._finish(source, task, block, answer, time.perf_counter() - begin)

    def _next_task(self) -> tuple[Source, Task, tuple[int, int] | None] | None:
        with self._state:
            self._state.wait_for(lambda: self._closing or (self._source is not None and (self._queue or self._urgent)))
            if self._closing:
                return None
            source = self._source
            assert source is not None
            task: Task
            block = None
            if self._urgent:
                task = self._urgent.pop(0)
            else:
                task, block = self._next_tile(source)
                self._blocks.append(block)
            self._in_work.add((task, source.generation, source.revision))
            return source, task, block

    def _next_tile(self, source: Source) -> tuple[TileKey, tuple[int, int]]:
        """The first one in the queue that lies in no part of the file that another thread is reading, else the first."""
        width, height = source.section.block_px
        blocks = []
        for place, key in enumerate(self._queue[:LOOK_FURTHER]):
            side = TILE_PX * key.downsample
            blocks.append((key.column * side // width, key.row * side // height))
            if blocks[-1] not in self._blocks:
                return self._queue.pop(place), blocks[-1]
        return self._queue.pop(0), blocks[0]

    def _answer(self, source: Source, task: Task) -> Answer | None:
        if isinstance(task, TileKey):
            image, exact = self._image(source, task.request(source.section.info.box, source.plane))
            return ReadTile(task, image, source.generation, source.revision, exact)
        if isinstance(task, Preview):
            return Preview(preview_image(source.section, source.plane, source.look), source.generation)
        if isinstance(task, Prepared):
            return self._prepare(source)
        x, y = task
        pixel = source.section.read(RegionRequest(x, y, 1, 1, 1, source.plane))
        return Probed(x, y, tuple(int(v) for v in pixel[0, 0]), source.generation)

    def _image(self, source: Source, request: RegionRequest) -> tuple[QImage, bool]:
        """A region as it is looked at, and whether it is exact."""
        exact = True

        def read(part: RegionRequest) -> Array:
            nonlocal exact
            glance = self._glance(source, part)
            exact = exact and glance.exact
            return glance.pixels

        return region_image(source.section, request, source.look, read), exact

    def _prepare(self, source: Source) -> Prepared | None:
        """Finds out what the look's enhancements need, unless it is known."""
        from core.looks.aids import aids_of

        aids = aids_of(source.section)
        if not aids.lacks(source.look, source.plane):
            return None
        aids.find(source.section, source.look, source.plane, lambda: not self._still_wanted(source))
        return Prepared(source.generation)

    def _still_wanted(self, source: Source) -> bool:
        now = self._source
        return now is not None and now.generation == source.generation and now.look.is_enhanced and not self._closing

    def _glance(self, source: Source, request: RegionRequest) -> Glance:
        """The pixels of a region; exact ones are kept, since another look needs them again."""
        kept = (request, source.generation)
        with self._state:
            known = self._raw.get(kept)
        if known is not None:
            return Glance(known, exact=True)
        glance = source.section.glance(request)
        if glance.exact:
            pixels = of_its_own(glance.pixels)
            with self._state:
                self._raw.put(kept, pixels, pixels.nbytes)
        return glance

    def _finish(
        self, source: Source, task: Task, block: tuple[int, int] | None, answer: Answer | None, seconds: float
    ) -> None:
        with self._state:
            self._in_work.discard((task, source.generation, source.revision))
            if block is not None:
                self._blocks.remove(block)
                self._seconds += (seconds - self._seconds) / 4
            current = self._source is not None and self._source.generation == source.generation
            if answer is None or not current or self._closing:
                return
            self._done.append(answer)
            if len(self._done) == 1:
                self._wake.emit()

    # -- in the window's thread -------------------------------------------------------------------

    def _deliver(self) -> None:
        """Hands over what was read, for a few milliseconds at a time."""
        until = time.perf_counter() + DELIVER_MS / 1e3
        while True:
            with self._state:
                if not self._done:
                    return
                if time.perf_counter() > until:
                    self._rest.start()
                    return
                answer = self._done.popleft()
                is_current = self._source is not None and self._source.generation == answer.generation
            if is_current:
                self._signal_of(answer).emit(answer)

    def _signal_of(self, answer: Answer) -> SignalInstance:
        if isinstance(answer, ReadTile):
            return self.tile_read
        if isinstance(answer, Broken):
            return self.broken
        if isinstance(answer, Prepared):
            return self.prepared
        return self.previewed if isinstance(answer, Preview) else self.probed
