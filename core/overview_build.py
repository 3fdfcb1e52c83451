"""Decides how overviews are built: which super-block next and by whom, and when a level's sources are complete.

One thread reads, others average and write (and read too where decoding takes longer than reading), one more waits for the
disk and fills the coarse levels. What lies where is for `core.overview_layout`, what counts as there for `core.overview_store`.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np

from core.caches import reading_through
from core.jobs import CancelToken, Progress, Step
from core.overview_claims import Claims
from core.overview_layout import CHUNK, DIRECT, Chunk, chunks_of, coarse_scales, level_size
from core.overview_means import coarse_means, share_of_cells
from core.overview_row import Row, row_length, slab_size
from core.overview_store import OverviewStore
from core.priority import lower_this_thread
from core.section import Section

Array = np.ndarray
Focus = Callable[[], tuple[float, float] | None]

_QUEUED_BYTES = 80 << 20  # read, and waiting to be averaged
_ROW_BYTES = 64 << 20  # averaged, and waiting to be written
_COARSE_VALUES = 4 << 20  # numbers of a coarse level's source that are looked at together
_MOST_THREADS = 6
_TRIED_BYTES = 64 << 20  # read before it is known whether decoding is slow
_SLOW_BYTES_PER_S = 800e6  # of one thread
_OTHERS_S = 0.2  # between two looks at what other programs have finished
_CLAIMS = "claims"


class OverviewBuilder:
    """Builds what a store lacks. What is finished stays, however it ends.

    Args:
        focus: the level-0 point that is looked at; what lies nearest is built next. None: the section's middle.
        changed: told every finished chunk, from any thread; one at 1:16 stands for its super-block.
        breathe: called before each read; may wait while somebody reads for the eye.
        check: called before anything is counted as there; raises InputError where the file is another by now.
    """

    def __init__(
        self,
        section: Section,
        store: OverviewStore,
        progress: Progress,
        cancel: CancelToken | None = None,
        *,
        focus: Focus = lambda: None,
        changed: Callable[[Chunk], None] = lambda chunk: None,
        breathe: Callable[[], None] = lambda: None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._section, self._store, self._info = section, store, section.info
        self._progress, self._cancel = progress, cancel
        self._focus, self._changed, self._breathe, self._check_file = focus, changed, breathe, check
        self._blocks = list(chunks_of(section.info, DIRECT[-1]))
        self._told = set(store.there())
        self._error: BaseException | None = None
        self._recorded = threading.Event()  # something was; time to look again
        self._read_bytes, self._read_cpu_s = 0, 0.0
        threads = self._threads = max(1, min((os.cpu_count() or 2) - 1, _MOST_THREADS))
        width, height = slab_size(section.info, section.block_px, section.info.width_px)
        slab = width * height * section.info.samples * section.info.dtype.itemsize
        self._room = threading.Semaphore(max(2, min(threads + 1, _QUEUED_BYTES // slab)))
        self._compute = ThreadPoolExecutor(threads, "overview-means", lower_this_thread)
        self._finish = ThreadPoolExecutor(1, "overview-disk", lower_this_thread)

    def run(self) -> None:
        """Raises CancelledError, InputError from reading, OSError or ResourceError from writing."""
        self._store.create()
        self._claims = Claims(self._store.folder / _CLAIMS)
        reader = ThreadPoolExecutor(1, "overview-read", lower_this_thread)
        try:
            reader.submit(self._build_all).result()
        finally:
            for pool in (reader, self._compute):
                pool.shutdown(wait=True, cancel_futures=True)
            self._finish.shutdown(wait=True)  # what is finished is recorded
            self._claims.close()

    # -- in the reading thread --------------------------------------------------------------------

    def _build_all(self) -> None:
        while missing := self._missing():
            row = self._next_row(missing)
            if row:
                self._read_row(row)
            else:  # the rest is in other hands: our own writing threads', or another program's
                self._recorded.wait(_OTHERS_S)
                self._recorded.clear()
        self._finish.submit(self._fill_coarse, coarse_chunks(self._store)).result()
        self._check()

    def _missing(self) -> list[Chunk]:
        """Super-blocks that nobody has finished, after a look at what others did."""
        self._check()
        self._store.refresh()
        for chunk in self._store.there() - self._told:
            self._tell(chunk)
        missing = [chunk for chunk in self._blocks if not self._store.has(chunk)]
        self._progress(Step(len(self._blocks) - len(missing), len(self._blocks), "Building overviews"))
        return missing

    def _tell(self, chunk: Chunk) -> None:
        self._told.add(chunk)
        self._changed(chunk)

    def _next_row(self, missing: Sequence[Chunk]) -> list[Chunk]:
        """The nearest super-block that nobody has claimed, and its neighbours in the same stripe of the file."""
        info = self._info
        x, y = self._focus() or (info.width_px / 2, info.height_px / 2)
        length = row_length(info, self._section.block_px, _ROW_BYTES)
        open_blocks = set(missing)

        def distance(chunk: Chunk) -> float:
            return math.hypot(chunk.box.center[0] - x, chunk.box.center[1] - y)

        for nearest in sorted(missing, key=distance):
            if not self._claim(nearest):
                continue
            first, last = nearest.column, nearest.column
            start = nearest.column // length * length
            while first > start and self._claim_if(nearest, first - 1, open_blocks):
                first -= 1
            while last < start + length - 1 and self._claim_if(nearest, last + 1, open_blocks):
                last += 1
            return [nearest._replace(column=column) for column in range(first, last + 1)]
        return []

    def _claim_if(self, chunk: Chunk, column: int, open_blocks: set[Chunk]) -> bool:
        neighbour = chunk._replace(column=column)
        return neighbour in open_blocks and self._claim(neighbour)

    def _claim(self, chunk: Chunk) -> bool:
        """Claims a super-block, unless it is claimed, or was finished while we looked elsewhere."""
        if not self._claims.take(self._number(chunk)):
            return False
        self._store.refresh()
        if self._store.has(chunk):
            self._claims.give_back(self._number(chunk))
            return False
        return True

    def _number(self, chunk: Chunk) -> int:
        return chunk.row * self._columns + chunk.column

    @property
    def _columns(self) -> int:
        return self._blocks[-1].column + 1

    def _read_row(self, chunks: list[Chunk]) -> None:
        row = Row(self._store, chunks, self._written)
        for x, y, width, height in row.slabs(self._section.block_px):
            while not self._room.acquire(timeout=_OTHERS_S):
                self._check()
            if self._decoding_is_slow:
                self._compute.submit(self._read_and_take, row, x, y, width, height)
                continue
            try:
                pixels = self._read(x, y, width, height)
            except BaseException:
                self._room.release()
                raise
            self._compute.submit(self._take, row, x, y, pixels)

    @property
    def _decoding_is_slow(self) -> bool:
        """Whether reading takes the processor rather than the drive: then all threads that are there should read."""
        enough = self._threads > 1 and self._read_bytes > _TRIED_BYTES
        return enough and self._read_bytes < _SLOW_BYTES_PER_S * self._read_cpu_s

    def _read(self, x: int, y: int, width: int, height: int) -> Array:
        self._breathe()
        self._check()
        begin = time.thread_time()
        with reading_through():
            pixels = self._section.read_level(0, x, y, width, height, self._store.plane)
        self._read_cpu_s += time.thread_time() - begin
        self._read_bytes += pixels.nbytes
        return pixels

    def _check(self) -> None:
        if self._cancel is not None:
            self._cancel.check()
        if self._error is not None:
            raise self._error

    # -- in the writing threads -------------------------------------------------------------------

    def _take(self, row: Row, x: int, y: int, pixels: Array) -> None:
        with self._guarded():
            row.take(x, y, pixels)

    def _read_and_take(self, row: Row, x: int, y: int, width: int, height: int) -> None:
        with self._guarded():
            row.take(x, y, self._read(x, y, width, height))

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """An error with one slab ends the building; there is room for the next one in any case."""
        try:
            yield
        except BaseException as error:
            self._error = error
        finally:
            self._room.release()

    def _written(self, row: Row) -> None:
        self._check_file()
        self._store.add(row.chunks)
        for chunk in row.chunks:
            self._tell(chunk)
        self._finish.submit(self._record, row)

    def _record(self, row: Row) -> None:
        try:
            self._store.record(row.chunks, row.files)
            self._fill_coarse(_above(row.chunks, self._store))
        except BaseException as error:
            self._error = error
        finally:
            for chunk in row.chunks:
                self._claims.give_back(self._number(chunk))
            self._recorded.set()

    def _fill_coarse(self, chunks: Sequence[Chunk]) -> None:
        for chunk in chunks:
            if self._store.has(chunk) or not self._store.covers(DIRECT[-1], chunk.box):
                continue
            self._check()
            pixels = coarse_chunk(self._store, chunk)
            if pixels is None:
                raise FileNotFoundError(f"overviews disappeared from {self._store.folder}")
            file = self._store.write(chunk, pixels)
            self._store.record([chunk], [file])
            self._store.add([chunk])
            self._tell(chunk)


def coarse_chunks(store: OverviewStore) -> list[Chunk]:
    """All chunks of the levels that are made from the coarsest direct one."""
    return [chunk for scale in coarse_scales(store.info) for chunk in chunks_of(store.info, scale)]


def _above(blocks: Sequence[Chunk], store: OverviewStore) -> list[Chunk]:
    """The coarse chunks to which some super-blocks contribute."""
    found: dict[Chunk, None] = {}
    for scale in coarse_scales(store.info):
        factor = scale // DIRECT[-1]
        for block in blocks:
            found[Chunk(scale, block.column // factor, block.row // factor)] = None
    return list(found)


def coarse_chunk(store: OverviewStore, chunk: Chunk) -> Array | None:
    """Means of the coarsest direct level, in strips that fit in memory; None when that level has gone."""
    source, info = DIRECT[-1], store.info
    factor = chunk.scale // source
    rows, columns = level_size(info, chunk.scale)
    top, left = chunk.row * CHUNK, chunk.column * CHUNK
    height, width = min(CHUNK, rows - top), min(CHUNK, columns - left)
    out = np.empty((height, width, info.samples), info.dtype)
    step = max(1, _COARSE_VALUES // (width * factor * factor * info.samples))
    for first in range(0, height, step):
        count = min(step, height - first)
        part = coarse_part(store, chunk.scale, left, top + first, width, count)
        if part is None:
            return None
        out[first : first + count] = part
    return out


def coarse_part(store: OverviewStore, scale: int, x: int, y: int, width: int, height: int) -> Array | None:
    """A region of the level at 1:scale, in its own px, inside it, computed from the coarsest direct level."""
    source, info = DIRECT[-1], store.info
    factor = scale // source
    rows, columns = level_size(info, source)
    x0, y0 = x * factor, y * factor
    w, h = min(width * factor, columns - x0), min(height * factor, rows - y0)
    cells = store.read(source, x0, y0, w, h)
    if cells is None:
        return None
    share_y, share_x = share_of_cells(y0, h, source, info.height_px), share_of_cells(x0, w, source, info.width_px)
    return coarse_means(cells, factor, share_y, share_x)
