"""Decides how a picture of any size becomes a tiled OME-TIFF with its coarser levels, tile by tile.

Each level's halved tiles are kept in a file aside until their own level is written, so that memory never grows.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import cv2
import numpy as np

from core.jobs import CancelToken
from core.picture import PIECE_PX, Piece, Shape, pixel_size_um
from core.section import Array, RegionRequest, SectionInfo

TILE_PX = PIECE_PX
_HALF = TILE_PX // 2
_SMALLEST_LEVEL_PX = 1024
_LARGEST_CLASSIC_BYTES = 3 << 30
_BUFFER_BYTES = 32 << 20  # of tiles that are compressed at once


def write_tiff(
    path: Path,
    shape: Shape,
    pieces: Iterator[Piece],
    info: SectionInfo,
    request: RegionRequest,
    cancel: CancelToken,
) -> None:
    """Lossless, BigTIFF where it must be. Holds one piece and a few tiles. Raises CancelledError, OSError."""
    import tifffile

    sizes = _level_sizes(shape)
    um = pixel_size_um(info, request)
    with ExitStack() as stack:
        big = shape.nbytes > _LARGEST_CLASSIC_BYTES
        tiff = stack.enter_context(tifffile.TiffWriter(path, bigtiff=big, ome=True))
        tiles = _cut(pieces)
        for level, (width, height) in enumerate(sizes):
            spool = None
            if level < len(sizes) - 1:
                spool = _Spool(stack.enter_context(tempfile.TemporaryFile(dir=path.parent)), width, height, shape)
            per_cm = None if um is None else (1e4 / um[0] / 2**level, 1e4 / um[1] / 2**level)
            tiff.write(
                _spooling(tiles, spool, cancel),
                shape=(height, width, 3) if shape.samples == 3 else (height, width),
                dtype=shape.dtype,
                photometric="rgb" if shape.samples == 3 else "minisblack",
                tile=(TILE_PX, TILE_PX),
                subifds=len(sizes) - 1 if level == 0 and len(sizes) > 1 else None,
                subfiletype=1 if level else 0,
                metadata=_ome(info, request, shape) if level == 0 else None,
                resolution=per_cm,
                resolutionunit="NONE" if um is None else "CENTIMETER",
                software="Schliff" if level == 0 else None,
                compression="zlib",
                compressionargs={"level": 1},
                predictor=True,
                maxworkers=2,
                buffersize=_BUFFER_BYTES,
            )
            if spool is not None:
                tiles = spool.tiles()


def _level_sizes(shape: Shape) -> list[tuple[int, int]]:
    """Width and height of every level, the full one first."""
    sizes = [(shape.width, shape.height)]
    while max(sizes[-1]) > _SMALLEST_LEVEL_PX:
        width, height = sizes[-1]
        sizes.append((-(-width // 2), -(-height // 2)))
    return sizes


def _ome(info: SectionInfo, request: RegionRequest, shape: Shape) -> dict[str, Any]:
    """Pixel size and, where the stage's axes are the picture's, the stage position of the picture's middle."""
    text: dict[str, Any] = {"axes": "YXS" if shape.samples == 3 else "YX", "Name": info.path.name}
    um = pixel_size_um(info, request)
    if um is None:
        return text
    for axis, size in zip("XY", um, strict=True):
        text |= {f"PhysicalSize{axis}": size, f"PhysicalSize{axis}Unit": "µm"}
    middle = _stage_middle(info, request)
    if middle is not None:
        x, y = middle
        text["Plane"] = {"PositionX": [x], "PositionXUnit": ["µm"], "PositionY": [y], "PositionYUnit": ["µm"]}
    return text


def _stage_middle(info: SectionInfo, request: RegionRequest) -> tuple[float, float] | None:
    """A reader puts the picture on the stage by its middle and the pixel size alone: None where that would be wrong."""
    affine, size = info.stage.affine, info.pixel_size_um
    if affine is None or size is None:
        return None
    if not np.allclose([affine[0][:2], affine[1][:2]], np.diag(size), rtol=1e-3, atol=1e-3 * min(size)):
        return None
    d, (rows, columns) = request.downsample, request.shape
    return info.stage.to_stage(request.x + columns * d / 2, request.y + rows * d / 2)


def _cut(pieces: Iterator[Piece]) -> Iterator[Array]:
    for piece in pieces:
        for x in range(0, piece.pixels.shape[1], TILE_PX):
            yield np.ascontiguousarray(piece.pixels[:, x : x + TILE_PX])


def _spooling(tiles: Iterator[Array], spool: _Spool | None, cancel: CancelToken) -> Iterator[Array]:
    """Hands tiles on, and leaves half of each for the next level."""
    for tile in tiles:
        cancel.check()
        if spool is not None:
            spool.add(tile)
        yield tile if tile.shape[2] == 3 else tile[:, :, 0]


class _Spool:
    """The next level of one that has `width` × `height` px, as it comes: one slot of 256 × 256 px for each tile."""

    def __init__(self, file: IO[bytes], width: int, height: int, shape: Shape) -> None:
        self._file, self._shape = file, shape
        self._across, self._down = -(-width // TILE_PX), -(-height // TILE_PX)
        self._width, self._height = -(-width // 2), -(-height // 2)
        self._slot = (_HALF, _HALF, shape.samples)
        self._slot_bytes = _HALF * _HALF * shape.samples * shape.dtype.itemsize

    def add(self, tile: Array) -> None:
        slot = np.zeros(self._slot, self._shape.dtype)
        half = _halved(tile)
        slot[: half.shape[0], : half.shape[1]] = half
        self._file.write(slot.tobytes())

    def tiles(self) -> Iterator[Array]:
        for row in range(0, self._down, 2):
            for column in range(0, self._across, 2):
                yield self._tile(row, column)

    def _tile(self, row: int, column: int) -> Array:
        """Four slots, cut to what lies inside the level."""
        whole = np.zeros((TILE_PX, TILE_PX, self._shape.samples), self._shape.dtype)
        for j in range(min(2, self._down - row)):
            for i in range(min(2, self._across - column)):
                self._file.seek(((row + j) * self._across + column + i) * self._slot_bytes)
                slot = np.frombuffer(self._file.read(self._slot_bytes), self._shape.dtype).reshape(self._slot)
                whole[j * _HALF : (j + 1) * _HALF, i * _HALF : (i + 1) * _HALF] = slot
        return np.ascontiguousarray(whole[: self._height - row * _HALF, : self._width - column * _HALF])


def _halved(tile: Array) -> Array:
    """The mean over 2 × 2 px; at an odd edge over those that exist."""
    rows, columns, samples = tile.shape
    padded = cv2.copyMakeBorder(tile, 0, rows % 2, 0, columns % 2, cv2.BORDER_REPLICATE)
    half = cv2.resize(padded, (-(-columns // 2), -(-rows // 2)), interpolation=cv2.INTER_AREA)
    return half.reshape(-(-rows // 2), -(-columns // 2), samples)
