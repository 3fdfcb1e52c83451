"""Decides how overviews are computed: the section is read once, block by block, and every level is a true area mean.

What is stored is an OME-Zarr 0.5 group of (samples, rows, columns) arrays in chunks of 512, uncompressed. Where it lies
and when it counts as complete is for `core.overview_cache`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from core.jobs import CancelToken, Progress, Step
from core.section import Plane, RegionRequest, Section, SectionInfo

Array = np.ndarray

FINEST = 4
CHUNK = 512

_DIRECT = (4, 8, 16)  # computed from level 0 itself; coarser ones from the last of these
_BLOCK = 2048
_SUPER_BLOCK = CHUNK * _DIRECT[-1]  # the smallest square that fills whole chunks of all direct levels


def overview_scales(info: SectionInfo) -> tuple[int, ...]:
    """Downsamples of a whole set of overviews: 4, 8, … until the section fits one chunk."""
    scales = [FINEST]
    while max(info.width_px, info.height_px) > scales[-1] * CHUNK:
        scales.append(scales[-1] * 2)
    return tuple(scales)


def level_size(info: SectionInfo, scale: int) -> tuple[int, int]:
    """Rows and columns of the overview at 1:scale; the last ones may cover less than a whole cell."""
    return -(-info.height_px // scale), -(-info.width_px // scale)


def build_overviews(
    section: Section, plane: Plane, folder: Path, progress: Progress, cancel: CancelToken | None
) -> None:
    """Writes all overviews of a plane into `folder` (made anew). Uses about 300 MB, whatever the section's size.

    Raises CancelledError, InputError from reading, OSError from writing.
    """
    arrays = _create(section.info, plane, folder)
    blocks = list(_super_blocks(section.info))
    for done, (x, y) in enumerate(blocks):
        if cancel is not None:
            cancel.check()
        _build_super_block(section, plane, x, y, arrays, cancel)
        progress(Step(done + 1, len(blocks), "Making overviews"))
    for scale in sorted(arrays):
        if scale > _DIRECT[-1]:
            _build_coarse(section.info, arrays[_DIRECT[-1]], arrays[scale], scale // _DIRECT[-1])


def _create(info: SectionInfo, plane: Plane, folder: Path) -> dict[int, Any]:
    import zarr

    scales = overview_scales(info)
    attributes: dict[str, Any] = {"ome": _ome(info, scales), "schliff": {"plane": [plane.c, plane.z, plane.t]}}
    group = zarr.open_group(folder, mode="w", zarr_format=3, attributes=attributes)
    return {
        scale: group.create_array(
            str(scale),
            shape=(info.samples, *level_size(info, scale)),
            chunks=(info.samples, CHUNK, CHUNK),
            dtype=info.dtype,
            compressors=None,
            dimension_names=("c", "y", "x"),
        )
        for scale in scales
    }


def _ome(info: SectionInfo, scales: tuple[int, ...]) -> dict[str, Any]:
    """OME-Zarr 0.5 metadata in level-0 px. Its positions are pixel centres, so a level's first one lies at (s − 1) / 2."""
    datasets = [
        {
            "path": str(scale),
            "coordinateTransformations": [
                {"type": "scale", "scale": [1, scale, scale]},
                {"type": "translation", "translation": [0, (scale - 1) / 2, (scale - 1) / 2]},
            ],
        }
        for scale in scales
    ]
    axes = [{"name": "c", "type": "channel"}, {"name": "y", "type": "space"}, {"name": "x", "type": "space"}]
    return {"version": "0.5", "multiscales": [{"name": info.path.name, "axes": axes, "datasets": datasets}]}


def _super_blocks(info: SectionInfo) -> Iterator[tuple[int, int]]:
    for y in range(0, info.height_px, _SUPER_BLOCK):
        for x in range(0, info.width_px, _SUPER_BLOCK):
            yield x, y


def _build_super_block(
    section: Section, plane: Plane, x: int, y: int, arrays: dict[int, Any], cancel: CancelToken | None
) -> None:
    """Every direct level of one super-block: read once in blocks, written in whole chunks."""
    info = section.info
    width, height = min(_SUPER_BLOCK, info.width_px - x), min(_SUPER_BLOCK, info.height_px - y)
    scales = [scale for scale in _DIRECT if scale in arrays]
    parts = {s: np.empty((-(-height // s), -(-width // s), info.samples), info.dtype) for s in scales}
    for top in range(0, height, _BLOCK):
        for left in range(0, width, _BLOCK):
            if cancel is not None:
                cancel.check()
            size = min(_BLOCK, width - left), min(_BLOCK, height - top)
            pixels = section.read(RegionRequest(x + left, y + top, *size, 1, plane))
            for scale, part in parts.items():
                mean = area_mean(pixels.astype(np.float32), scale)
                part[top // scale :, left // scale :][: mean.shape[0], : mean.shape[1]] = np.rint(mean)
    for scale, part in parts.items():
        _write(arrays[scale], x // scale, y // scale, part)


def _build_coarse(info: SectionInfo, source: Any, target: Any, factor: int) -> None:
    """A level from the coarsest direct one, in bands; its cells at the section's edge count by what they cover."""
    rows, columns = target.shape[1:]
    covered_y = _covered(info.height_px, _DIRECT[-1], source.shape[1])
    covered_x = _covered(info.width_px, _DIRECT[-1], source.shape[2])
    for row in range(0, rows, CHUNK):
        for column in range(0, columns, CHUNK):
            ys = slice(row * factor, min((row + CHUNK) * factor, source.shape[1]))
            xs = slice(column * factor, min((column + CHUNK) * factor, source.shape[2]))
            cells = np.moveaxis(source[:, ys, xs], 0, -1).astype(np.float32)
            weight = covered_y[ys, None, None] * covered_x[None, xs, None]
            mean = area_mean(cells * weight, factor) / area_mean(weight, factor)
            _write(target, column, row, np.rint(mean).astype(target.dtype))


def _covered(size: int, scale: int, count: int) -> Array:
    """The share of each of `count` cells of `scale` px that lies inside [0, size)."""
    return np.minimum(1.0, (size - scale * np.arange(count)) / scale).astype(np.float32)


def area_mean(values: Array, factor: int) -> Array:
    """Mean over factor × factor of (h, w, samples) float32; at the lower right edge over what there is."""
    height, width, samples = values.shape
    rows, columns = -(-height // factor), -(-width // factor)
    if height % factor or width % factor:
        border = (0, rows * factor - height, 0, columns * factor - width)
        values = cv2.copyMakeBorder(values, *border, cv2.BORDER_CONSTANT, value=0)
    mean = cv2.resize(values, (columns, rows), interpolation=cv2.INTER_AREA).reshape(rows, columns, samples)
    if height % factor or width % factor:
        share = _covered(height, factor, rows)[:, None, None] * _covered(width, factor, columns)[None, :, None]
        mean = mean / share
    return mean


def _write(array: Any, x: int, y: int, pixels: Array) -> None:
    height, width = pixels.shape[:2]
    array[:, y : y + height, x : x + width] = np.moveaxis(pixels, -1, 0)
