"""Decides how overviews lie on disk: which levels and chunks there are, how they are named, what describes them.

An OME-Zarr 0.5 group of (samples, rows, columns) arrays in uncompressed chunks of 512 × 512 px, one file each. Inside a
chunk the samples of a pixel lie together (Zarr's own `transpose` codec), as they are drawn: a tile is one read, without
rearranging. `benchmarks/pyramid.py` measures this against planes and against compression.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from core.disk import written_whole
from core.geometry import Box
from core.section import Plane, SectionInfo

LAYOUT = 2  # grows when files of an older program can't be used any more
FINEST = 4
CHUNK = 512
DIRECT = (4, 8, 16)  # made from level 0 itself, super-block by super-block; coarser ones from the last of these
SUPER_BLOCK_PX = CHUNK * DIRECT[-1]  # the smallest square that fills whole chunks of all direct levels

MARKER = "zarr.json"


class Chunk(NamedTuple):
    """One chunk of a level. One of the level at 1:16 also stands for its whole super-block: all direct levels there."""

    scale: int
    column: int
    row: int

    @property
    def box(self) -> Box:
        """In level-0 px; it may reach beyond the section."""
        side = CHUNK * self.scale
        return Box(self.column * side, self.row * side, side, side)


def overview_scales(info: SectionInfo) -> tuple[int, ...]:
    """Downsamples of a whole set of overviews: 4, 8, … until the section fits one chunk."""
    scales = [FINEST]
    while max(info.width_px, info.height_px) > scales[-1] * CHUNK:
        scales.append(scales[-1] * 2)
    return tuple(scales)


def coarse_scales(info: SectionInfo) -> tuple[int, ...]:
    """Those that are made from the coarsest direct level."""
    return tuple(scale for scale in overview_scales(info) if scale > DIRECT[-1])


def level_size(info: SectionInfo, scale: int) -> tuple[int, int]:
    """Rows and columns of the overview at 1:scale; the last ones may cover less than a whole cell."""
    return -(-info.height_px // scale), -(-info.width_px // scale)


def chunks_of(info: SectionInfo, scale: int) -> Iterator[Chunk]:
    """All chunks of a level, row by row. Those at 1:16 exist as super-blocks whether or not that level does."""
    side = CHUNK * scale
    for row in range(-(-info.height_px // side)):
        for column in range(-(-info.width_px // side)):
            yield Chunk(scale, column, row)


def super_blocks_in(section: Box, area: Box) -> list[Chunk]:
    """The super-blocks of a section that an area touches; both in level-0 px."""
    common = area.intersection(section)
    if common is None:
        return []
    side = SUPER_BLOCK_PX
    rows = range(int(common.y // side), -int(-common.y1 // side))
    columns = range(int(common.x // side), -int(-common.x1 // side))
    return [Chunk(DIRECT[-1], column, row) for row in rows for column in columns]


def chunk_file(folder: Path, chunk: Chunk) -> Path:
    return folder / str(chunk.scale) / "c" / "0" / str(chunk.row) / str(chunk.column)


def write_metadata(info: SectionInfo, plane: Plane, folder: Path) -> None:
    """Makes the group and its arrays without any chunk; the group's marker comes last. Raises ResourceError."""
    scales = overview_scales(info)
    for scale in scales:
        (folder / str(scale)).mkdir(parents=True, exist_ok=True)
        _write_json(folder / str(scale) / MARKER, _array(info, scale))
    attributes = {"ome": _ome(info, scales), "schliff": {"plane": [plane.c, plane.z, plane.t], "layout": LAYOUT}}
    _write_json(folder / MARKER, {"zarr_format": 3, "node_type": "group", "attributes": attributes})


def _write_json(path: Path, content: dict[str, Any]) -> None:
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")


def _array(info: SectionInfo, scale: int) -> dict[str, Any]:
    """Zarr 3 metadata of one level."""
    grid = {"chunk_shape": [info.samples, CHUNK, CHUNK]}
    codecs = [
        {"name": "transpose", "configuration": {"order": [1, 2, 0]}},
        {"name": "bytes", "configuration": {"endian": "little"}},
    ]
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": [info.samples, *level_size(info, scale)],
        "data_type": np.dtype(info.dtype).name,
        "chunk_grid": {"name": "regular", "configuration": grid},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": 0,
        "codecs": codecs,
        "attributes": {},
        "dimension_names": ["c", "y", "x"],
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
