"""Decides what of a section is looked at to find its specimen: one value for each cell of the mask, from the file alone.

The same file always gives the same values, whatever overviews are built: its own levels where they are small enough to be
read whole, else one row of pixels for each row of cells. A file without overviews is not read whole for that.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from core.jobs import CancelToken, Progress, Step
from core.section import Array, AsStored, Plane, RegionRequest, Section

FINEST_DOWNSAMPLE = 16
LONGEST_SIDE = 2048  # cells; larger sections get larger cells, so that memory is bounded

_WHOLE_PX = 64 << 20  # of a stored level; a larger one is sampled
_STRIP = 64  # rows of cells read at a time, between two looks at `cancel`
_LONGEST_ROW_PX = 1 << 17
_BLOCK_PX = 8192  # what the readers keep of a block while it is sampled is a few of its camera tiles
_THREADS = 4  # decoding is most of the work where a file is compressed
_GOLDEN = 0.6180339887  # steps of it spread evenly and never fall in with a structure that repeats itself


def cell_px_of(section: Section) -> int:
    """Side of a cell in level-0 px."""
    cell_px = FINEST_DOWNSAMPLE
    while max(section.info.width_px, section.info.height_px) > cell_px * LONGEST_SIDE:
        cell_px *= 2
    return cell_px


def read_cells(section: Section, plane: Plane, progress: Progress, cancel: CancelToken | None) -> Array:
    """(rows, columns, samples) float32, what each cell of `cell_px_of` shows on average or in one row of its pixels."""
    stored, cell_px = AsStored(section), cell_px_of(section)
    info = stored.info
    rows, columns = -(-info.height_px // cell_px), -(-info.width_px // cell_px)
    cells = np.zeros((rows, columns, info.samples), np.float32)
    whole = RegionRequest(0, 0, columns * cell_px, rows * cell_px, cell_px, plane)
    level, _ = stored.source_level(whole)
    is_small = info.levels[level].width_px * info.levels[level].height_px <= _WHOLE_PX
    cancel = cancel or CancelToken()
    parts = _means(stored, whole, cells) if is_small else _samples(stored, whole, level, cells, cancel)
    for done in parts:
        cancel.check()
        progress(Step(done, rows, "Looking for the specimen"))
    return cells


def _means(section: Section, whole: RegionRequest, cells: Array) -> Iterator[int]:
    """Fills strip after strip; yields how many rows are done."""
    cell_px, rows = whole.downsample, len(cells)
    for row in range(0, rows, _STRIP):
        count = min(_STRIP, rows - row)
        request = RegionRequest(0, row * cell_px, whole.width, count * cell_px, cell_px, whole.plane)
        cells[row : row + count] = section.read(request)
        yield row + count


def _samples(section: Section, whole: RegionRequest, level: int, cells: Array, cancel: CancelToken) -> Iterator[int]:
    """Fills block after block, large ones, so that next to nothing is decoded twice; yields how many rows are done."""
    block = max(1, _BLOCK_PX // whole.downsample)
    across = max(block, min(section.block_px[0], _LONGEST_ROW_PX) // whole.downsample)
    rows, columns = cells.shape[:2]
    with ThreadPoolExecutor(_THREADS, "schliff-specimen") as pool:
        for row in range(0, rows, block):
            parts = [cells[row : row + block, column : column + across] for column in range(0, columns, across)]
            places = [(row, column) for column in range(0, columns, across)]
            list(pool.map(partial(_fill, section, whole, level, cancel), parts, places))
            yield min(row + block, rows)


def _fill(
    section: Section, whole: RegionRequest, level: int, cancel: CancelToken, part: Array, place: tuple[int, int]
) -> None:
    """Fills a block of cells whose first one is the (row, column) `place`, one row of the level for each of its rows."""
    stored = section.info.levels[level]
    factor = whole.downsample // round(stored.downsample)
    x, x1 = place[1] * factor, min((place[1] + part.shape[1]) * factor, stored.width_px)
    for row, cells in enumerate(part, place[0]):
        cancel.check()
        y = min(row * factor + int(factor * (row * _GOLDEN % 1)), stored.height_px - 1)
        line = section.read_level(level, x, y, x1 - x, 1, whole.plane)[0]
        means = _means_along(line, factor)
        cells[: len(means)] = means


def _means_along(line: Array, factor: int) -> Array:
    """(px, samples) → (cells, samples) float32; the last cell may have fewer px."""
    starts = np.arange(0, len(line), factor)
    counts = np.minimum(factor, len(line) - starts)
    return np.add.reduceat(line, starts, axis=0, dtype=np.float32) / counts[:, None]
