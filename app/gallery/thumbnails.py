"""Decides which crops are drawn, in which order and how many stay in memory; drawing happens in threads of its own.

How one is drawn is decided by `app.gallery.rendering`. Nobody waits here: `get` answers at once, `ready` follows.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QObject, Qt, QThreadPool, Signal
from PySide6.QtGui import QImage

from app.gallery.rendering import Picture
from core.detection import Detection
from core.errors import CancelledError
from core.geometry import Box

THREADS = 2
GOOD_ENOUGH = 0.8  # an image this much of the wanted size is not read again


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A crop: around which `box`, what it shows (both level-0 px) and its pixels.

    `image` is None when the file couldn't be read there.
    """

    box: Box
    crop: Box
    image: QImage | None
    generation: int
    side_px: int


Render = Callable[[Detection, int], Picture]


class ThumbnailStore(QObject):
    """Crops by detection id. Use it from the window's thread; `ready(id)` comes there too."""

    ready = Signal(int)

    _rendered = Signal(int, object)

    def __init__(self, cache_bytes: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._budget = cache_bytes
        self._bytes = 0
        self._kept: OrderedDict[int, Thumbnail] = OrderedDict()
        self._lock = threading.Lock()
        self._queue: list[Detection] = []
        self._in_work: set[tuple[int, int, int]] = set()  # generation, id, side
        self._workers = 0
        self._generation = 0
        self._side_px = 128
        self._render: Render | None = None
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(THREADS)
        self._rendered.connect(self._take, Qt.ConnectionType.QueuedConnection)
        app = QCoreApplication.instance()
        if app is not None:
            app.aboutToQuit.connect(self.close)

    # -- in the window's thread -------------------------------------------------------------------

    def set_renderer(self, render: Render | None, *, keeping: bool = False) -> None:
        """Draws with this from now on. `keeping`: crops stay until their successors come, as they show the same places."""
        with self._lock:
            self._generation += 1
            self._queue.clear()
            self._render = render
        if not keeping:
            self.forget()

    def forget(self) -> None:
        """Drops every crop, for ids that mean other detections now."""
        with self._lock:
            self._generation += 1
        self._kept.clear()
        self._bytes = 0

    def get(self, detection_id: int) -> Thumbnail | None:
        """The crop if it is there."""
        found = self._kept.get(detection_id)
        if found is not None:
            self._kept.move_to_end(detection_id)
        return found

    def want(self, detections: Sequence[Detection], side_px: int) -> None:
        """Reads these next, in this order, `side_px` device px wide; whatever was wanted before is not any more."""
        missing = [d for d in detections if not self._is_good(d, side_px)]
        with self._lock:
            self._side_px = side_px
            self._queue = [d for d in missing if (self._generation, d.id, side_px) not in self._in_work][::-1]
            starts = 0
            if self._render is not None:
                starts = min(len(self._queue), THREADS - self._workers)
                self._workers += max(starts, 0)
        for _ in range(starts):
            self._pool.start(self._work)

    @property
    def idle(self) -> bool:
        with self._lock:
            return not self._queue and not self._workers

    def close(self) -> None:
        """Stops reading and waits for what has begun."""
        with self._lock:
            self._queue.clear()
            self._render = None
            self._generation += 1
        self._pool.waitForDone()

    def _is_good(self, detection: Detection, side_px: int) -> bool:
        found = self._kept.get(detection.id)
        if found is None or found.generation != self._generation or found.box != detection.box:
            return False
        return found.side_px >= GOOD_ENOUGH * side_px

    def _take(self, detection_id: int, thumbnail: Thumbnail) -> None:
        if thumbnail.generation != self._generation:
            return
        old = self._kept.pop(detection_id, None)
        self._bytes += _size(thumbnail) - _size(old)
        self._kept[detection_id] = thumbnail
        while self._bytes > self._budget and len(self._kept) > 1:
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= _size(dropped)
        self.ready.emit(detection_id)

    # -- in the reading threads -------------------------------------------------------------------

    def _work(self) -> None:
        while (task := self._next()) is not None:
            detection, render, generation, side_px = task
            try:
                picture = render(detection, side_px)
            except CancelledError:
                picture = None
            with self._lock:
                self._in_work.discard((generation, detection.id, side_px))
            if picture is not None:
                thumbnail = Thumbnail(detection.box, picture.crop, picture.image, generation, side_px)
                self._rendered.emit(detection.id, thumbnail)

    def _next(self) -> tuple[Detection, Render, int, int] | None:
        with self._lock:
            if not self._queue or self._render is None:
                self._workers -= 1
                return None
            detection = self._queue.pop()
            self._in_work.add((self._generation, detection.id, self._side_px))
            return detection, self._render, self._generation, self._side_px


def _size(thumbnail: Thumbnail | None) -> int:
    return thumbnail.image.sizeInBytes() if thumbnail is not None and thumbnail.image is not None else 0
