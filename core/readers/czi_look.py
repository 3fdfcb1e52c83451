"""Decides how a whole CZI is looked at within a moment: its own pyramid where it has one, else rows spread over tiles.

Compressed tiles can only be decoded whole: as many as time allows, the middle of each scene first. For the eye only.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import cv2
import numpy as np

from core.errors import InputError
from core.geometry import Box
from core.readers.czi_codecs import RAW
from core.readers.czi_layout import PIXEL_KINDS, Layout, Placed
from core.readers.czi_pixels import SubblockPixels
from core.readers.file_bytes import FileBytes
from core.section import Plane

Array = np.ndarray

_SECONDS = 0.35
_DENSE = 4  # a tile with at most so many rows for one of the picture is read whole
_PASSES = ((0, 4, 4), (2, 4, 2), (1, 2, 1))  # first row, step, rows to fill until the next pass
_AHEAD = 64
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


def look(layout: Layout, pixels: SubblockPixels, file: FileBytes, downsample: int, plane: Plane) -> Array | None:
    """(h, w, samples) of the channel's kind in RGB, `downsample` level-0 px per px; 0 where nothing is known.

    None where nothing at all is known. Raises InputError only where nothing can be read at all.
    """
    until = time.monotonic() + _SECONDS
    width, height = (max(1, -((downsample - 2 * size) // (2 * downsample))) for size in layout.size)  # middles inside
    kind = layout.kinds[plane.c]
    out = np.zeros((height, width, kind.samples), kind.dtype)
    patches = [p for p in _patches(_layer(layout, plane, downsample), downsample, out) if p.pixels.size]
    middle_first = sorted(patches, key=lambda patch: _distance(patch.edges, layout.scenes, layout.size))
    error = _fill(pixels, file, middle_first, downsample, until)
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


def _distance(edges: tuple[int, int, int, int], scenes: dict[int, Box], size: tuple[int, int]) -> float:
    """How far a tile lies from the middle of the scene it is in; 1 is the scene's edge."""
    x, y = (edges[0] + edges[2]) / 2, (edges[1] + edges[3]) / 2
    boxes = list(scenes.values()) or [Box(0, 0, *size)]
    return min(max(abs(x - b.center[0]) / b.w, abs(y - b.center[1]) / b.h) for b in boxes)


def _fill(
    pixels: SubblockPixels, file: FileBytes, patches: list[_Patch], downsample: int, until: float
) -> InputError | None:
    """Fills what can be filled until the time is over. The first error, where a tile can't be read."""
    sparse, error = [], None
    for patch in patches:
        try:
            stored = pixels.find(file, patch.number)
            if stored.compression == RAW and stored.height > _DENSE * len(patch.pixels):
                sparse.append(patch)
            elif time.monotonic() < until:
                _fill_whole(pixels, file, patch, downsample)
        except InputError as told:
            error = error or told
    for first, step, fill in _PASSES:
        for begin in range(0, len(sparse), _AHEAD):
            if time.monotonic() > until:
                return error
            _fill_rows(pixels, file, sparse[begin : begin + _AHEAD], downsample, range(first, 1 << 30, step), fill)
    return error


def _fill_whole(pixels: SubblockPixels, file: FileBytes, patch: _Patch, downsample: int) -> None:
    stored = pixels.find(file, patch.number)
    top, bottom = _span(patch, 1, stored.height, downsample)
    left, right = _span(patch, 0, stored.width, downsample)
    rows, columns = patch.pixels.shape[:2]
    part = pixels.whole(file, stored)[top:bottom, left:right]
    patch.pixels[:] = cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA).reshape(patch.pixels.shape)
    patch.known = True


def _fill_rows(
    pixels: SubblockPixels, file: FileBytes, patches: list[_Patch], downsample: int, which: range, fill: int
) -> None:
    """The rows `which` of some patches, each averaged along itself, repeated over the rows that aren't known yet."""
    wanted = []
    for patch in patches:
        stored = pixels.find(file, patch.number)
        rows = np.arange(len(patch.pixels))[which.start :: which.step]
        span = _span(patch, 0, stored.width, downsample)
        scale = stored.height / (patch.edges[3] - patch.edges[1])
        source = (((patch.row + rows + 0.5) * downsample - patch.edges[1]) * scale).astype(int)
        source = source.clip(0, stored.height - 1)
        offsets = stored.start + source * stored.row_bytes + span[0] * stored.kind.bytes
        count = (span[1] - span[0]) * stored.kind.bytes
        wanted.append((patch, stored, rows, offsets.tolist(), count))
        for offset in wanted[-1][3]:
            file.expect(offset, count)
    for patch, stored, rows, offsets, count in wanted:
        if not offsets:
            continue
        data = b"".join(pixels.read(file, stored, offset, count) for offset in offsets)
        lines = np.frombuffer(data, stored.kind.dtype).reshape(len(rows), -1, stored.kind.samples)
        short = cv2.resize(lines, (patch.pixels.shape[1], len(rows)), interpolation=cv2.INTER_AREA)
        short = short.reshape(len(rows), patch.pixels.shape[1], -1)[:, :, ::-1]
        for extra in range(fill):
            here = rows + extra < len(patch.pixels)
            patch.pixels[rows[here] + extra] = short[here]
        patch.known = True


def _span(patch: _Patch, axis: int, stored: int, downsample: int) -> tuple[int, int]:
    """The stored columns (axis 0) or rows (axis 1) that a patch shows."""
    begin, count = (patch.column, patch.pixels.shape[1]) if axis == 0 else (patch.row, patch.pixels.shape[0])
    low, high = patch.edges[axis], patch.edges[axis + 2]
    scale = stored / (high - low)
    first = int((max(begin * downsample, low) - low) * scale)
    last = round((min((begin + count) * downsample, high) - low) * scale)
    return min(first, stored - 1), max(min(last, stored), min(first, stored - 1) + 1)
