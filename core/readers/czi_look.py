"""Decides how a whole CZI is looked at within a moment: its own pyramid where it has one, else rows spread over tiles.

Compressed tiles can only be decoded whole: as many as time allows, the middle of each scene first. For the eye only.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import cv2
import numpy as np

from core.errors import InputError
from core.geometry import Box
from core.readers.czi_codecs import RAW
from core.readers.czi_layout import PIXEL_KINDS, Layout, Placed
from core.readers.czi_pixels import Stored, SubblockPixels
from core.readers.file_bytes import FileBytes
from core.section import Plane

Array = np.ndarray

_SECONDS = 0.35
_DENSE = 4  # a tile with at most so many rows for one of the picture is read whole
_PASSES = ((0, 16, 16), (8, 16, 8), (4, 8, 4), (2, 4, 2), (1, 2, 1))  # first row, step, rows to fill until the next
_AHEAD = 64
_SUBBLOCK_HEAD_BYTES = 1024
_GRID = 64
_COVERED_ENOUGH = 0.95


@dataclass(slots=True)
class _Patch:
    """What one tile adds to the picture: rows and columns there, and the level-0 px it covers of the section."""

    number: int
    edges: tuple[int, int, int, int]
    row: int
    column: int
    pixels: Array
    known: bool = False


@dataclass(frozen=True, slots=True)
class _Lines:
    """Single stored rows for some rows of a patch: where they begin in the file, and how many px are wanted of each."""

    patch: _Patch
    stored: Stored
    rows: Array
    offsets: list[int]
    columns: int


def look(layout: Layout, pixels: SubblockPixels, file: FileBytes, downsample: int, plane: Plane) -> Array | None:
    """(h, w, samples) of the channel's kind in RGB, `downsample` level-0 px per px; 0 where nothing is known.

    None where nothing at all is known. Raises InputError only where nothing can be read at all.
    """
    until = time.monotonic() + _SECONDS
    width, height = (max(1, -((downsample - 2 * size) // (2 * downsample))) for size in layout.size)  # middles inside
    kind = layout.kinds[plane.c]
    out = np.zeros((height, width, kind.samples), kind.dtype)
    patches = [p for p in _patches(_layer(layout, plane, downsample), downsample, out) if p.pixels.size]
    error = _fill(layout, pixels, file, _middle_first(patches, layout), downsample, until)
    if not any(patch.known for patch in patches):
        if error is not None:
            raise error
        return None
    for patch in patches:
        if patch.known:
            rows, columns = patch.pixels.shape[:2]
            out[patch.row : patch.row + rows, patch.column : patch.column + columns] = patch.pixels
    return out


def _layer(layout: Layout, plane: Plane, downsample: int) -> Placed:
    """The coarsest stored layer that is fine enough and covers the section; the full-resolution tiles at last."""
    full = layout.tiles(plane).placed
    directory = layout.directory
    type_number = next(number for number, kind in PIXEL_KINDS.items() if kind == layout.kinds[plane.c])
    stored = layout.members(plane, np.flatnonzero(~directory.is_level0 & (directory.pixel_type == type_number)))
    factors = np.rint(directory.w[stored] / directory.stored_w[stored])
    wanted = _cells(full.edges, layout.size)
    for factor in sorted(set(factors[(factors > 1) & (factors <= downsample)].tolist()), reverse=True):
        placed = layout.placed(stored[factors == factor])
        if (_cells(placed.edges, layout.size) & wanted).sum() >= _COVERED_ENOUGH * wanted.sum():
            return placed
    return full


def _cells(edges: Array, size: tuple[int, int]) -> Array:
    """Which cells of a coarse grid over the section have their middle in a box."""
    scaled = np.ceil(edges * (_GRID / np.array(size * 2)) - 0.5).clip(0, _GRID).astype(int)
    count = np.zeros((_GRID + 1, _GRID + 1), int)
    for x, y, sign in ((0, 1, 1), (2, 1, -1), (0, 3, -1), (2, 3, 1)):
        np.add.at(count, (scaled[:, y], scaled[:, x]), sign)
    return count.cumsum(axis=0).cumsum(axis=1)[:_GRID, :_GRID] > 0


def _patches(tiles: Placed, downsample: int, out: Array) -> list[_Patch]:
    """An empty patch for each tile: the px of the picture whose middles lie in it."""
    limits = np.array(out.shape[1::-1] * 2)
    cells = np.ceil(tiles.edges / downsample - 0.5).astype(int).clip(0, limits)
    found = []
    for number, edges, (left, top, right, bottom) in zip(
        tiles.numbers.tolist(), tiles.edges.tolist(), cells.tolist(), strict=True
    ):
        empty = np.zeros((bottom - top, right - left, out.shape[2]), out.dtype)
        found.append(_Patch(number, tuple(edges), top, left, empty))
    return found


def _middle_first(patches: list[_Patch], layout: Layout) -> list[_Patch]:
    """By the distance from the middle of the next scene; 1 is the scene's edge."""
    edges = np.array([patch.edges for patch in patches], float).reshape(-1, 4)
    middles, nearest = (edges[:, :2] + edges[:, 2:]) / 2, np.full(len(edges), np.inf)
    for box in list(layout.scenes.values()) or [Box(0, 0, *layout.size)]:
        apart = np.abs(middles - np.array(box.center)) / (box.w, box.h)
        nearest = np.minimum(nearest, apart.max(axis=1))
    return [patches[k] for k in np.argsort(nearest, kind="stable")]


def _fill(
    layout: Layout, pixels: SubblockPixels, file: FileBytes, patches: list[_Patch], downsample: int, until: float
) -> InputError | None:
    """Fills what can be filled until the time is over. The first error, where a tile can't be read.

    The first pass over single rows has as much time again: a rough picture of all is worth more than half a fine one.
    """
    directory, sparse, errors = layout.directory, [], list[InputError]()
    for patch in patches:
        rows = directory.stored_h[patch.number]
        if directory.compression[patch.number] == RAW and rows > _DENSE * len(patch.pixels):
            sparse.append(patch)
        elif time.monotonic() < until:
            with _collected(errors):
                _fill_whole(pixels, file, patch, downsample)
    for first, step, fill in _PASSES:
        for begin in range(0, len(sparse), _AHEAD):
            if time.monotonic() > until + (_SECONDS if first == 0 else 0):
                break
            ahead = sparse[begin : begin + _AHEAD]
            for patch in ahead:
                file.expect(int(directory.position[patch.number]), _SUBBLOCK_HEAD_BYTES)
            wanted = []
            for patch in ahead:
                with _collected(errors):
                    wanted.append(_expect_rows(pixels, file, patch, downsample, slice(first, None, step)))
            for lines in wanted:
                with _collected(errors):
                    _fill_rows(pixels, file, lines, fill)
    return errors[0] if errors else None


@contextmanager
def _collected(errors: list[InputError]) -> Iterator[None]:
    """One tile that can't be read doesn't hide the others."""
    try:
        yield
    except InputError as error:
        errors.append(error)


def _fill_whole(pixels: SubblockPixels, file: FileBytes, patch: _Patch, downsample: int) -> None:
    stored = pixels.find(file, patch.number)
    top, bottom = _span(patch, 1, stored.height, downsample)
    left, right = _span(patch, 0, stored.width, downsample)
    rows, columns = patch.pixels.shape[:2]
    part = pixels.whole(file, stored)[top:bottom, left:right]
    small = cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA).reshape(patch.pixels.shape)
    patch.pixels[:] = small[:, :, ::-1] if stored.bgr else small
    patch.known = True


def _expect_rows(pixels: SubblockPixels, file: FileBytes, patch: _Patch, downsample: int, which: slice) -> _Lines:
    """Chooses the stored rows for some of a patch's, and tells the system that they are read next."""
    stored = pixels.find(file, patch.number)
    rows = np.arange(len(patch.pixels))[which]
    left, right = _span(patch, 0, stored.width, downsample)
    scale = stored.height / (patch.edges[3] - patch.edges[1])
    source = (((patch.row + rows + 0.5) * downsample - patch.edges[1]) * scale).astype(int)
    offsets = stored.start + source.clip(0, stored.height - 1) * stored.row_bytes + left * stored.kind.bytes
    lines = _Lines(patch, stored, rows, offsets.tolist(), right - left)
    for offset in lines.offsets:
        file.expect(offset, lines.columns * stored.kind.bytes)
    return lines


def _fill_rows(pixels: SubblockPixels, file: FileBytes, lines: _Lines, fill: int) -> None:
    """Each row averaged along itself, and repeated over the `fill` rows that aren't known yet."""
    patch, stored = lines.patch, lines.stored
    if not lines.offsets:
        return
    count = lines.columns * stored.kind.bytes
    data = b"".join([pixels.read(file, stored, offset, count) for offset in lines.offsets])
    read = np.frombuffer(data, stored.kind.dtype).reshape(len(lines.rows), lines.columns, stored.kind.samples)
    short = cv2.resize(read, (patch.pixels.shape[1], len(read)), interpolation=cv2.INTER_AREA)
    short = short.reshape(len(read), patch.pixels.shape[1], -1)
    short = short[:, :, ::-1] if stored.bgr else short
    target = (lines.rows[:, None] + np.arange(fill)).ravel()
    inside = target < len(patch.pixels)
    patch.pixels[target[inside]] = np.repeat(short, fill, axis=0)[inside]
    patch.known = True


def _span(patch: _Patch, axis: int, stored: int, downsample: int) -> tuple[int, int]:
    """The stored columns (axis 0) or rows (axis 1) that a patch shows."""
    begin, count = (patch.column, patch.pixels.shape[1]) if axis == 0 else (patch.row, patch.pixels.shape[0])
    low, high = patch.edges[axis], patch.edges[axis + 2]
    scale = stored / (high - low)
    first = int((max(begin * downsample, low) - low) * scale)
    last = round((min((begin + count) * downsample, high) - low) * scale)
    return min(first, stored - 1), max(min(last, stored), min(first, stored - 1) + 1)
