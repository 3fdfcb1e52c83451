"""Decides how a sample is written as pyramidal OME-TIFF: band by band, each coarser level spooled to disk on the way."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import cv2
import numpy as np

from core.jobs import CancelToken, Progress, Step
from core.synthetic.sample import SampleSection
from core.synthetic.stage import Placement

Array = np.ndarray

TILE_PX = 512
_SMALLEST_LEVEL_PX = 1024
_LARGEST_CLASSIC_BYTES = 3 << 30


def write_tiff(
    sample: SampleSection, path: Path, placement: Placement, progress: Progress, cancel: CancelToken
) -> None:
    """Tiled, losslessly compressed, levels as SubIFDs. Holds one row of tiles. Raises CancelledError, OSError."""
    import tifffile

    sizes = _level_sizes(sample.size)
    um = sample.pixel_size_um
    options: dict[str, Any] = {
        "photometric": "rgb",
        "compression": "zlib",
        "compressionargs": {"level": 1},
        "predictor": True,
    }
    watch = _Watch(progress, cancel, sum(-(-size // TILE_PX) for size in sizes))
    with ExitStack() as stack:
        big = 3 * sample.size**2 > _LARGEST_CLASSIC_BYTES
        tiff = stack.enter_context(tifffile.TiffWriter(path, bigtiff=big, ome=True))
        bands = _rendered(sample)
        for level, size in enumerate(sizes):
            spool = stack.enter_context(tempfile.TemporaryFile(dir=path.parent))
            tiff.write(
                _tiles(bands, spool, watch, is_last=level == len(sizes) - 1),
                shape=(size, size, 3),
                dtype=np.uint8,
                tile=(TILE_PX, TILE_PX),
                subifds=len(sizes) - 1 if level == 0 else None,
                subfiletype=1 if level else 0,
                metadata=_ome(placement) if level == 0 else None,
                resolution=(1e4 / um / 2**level, 1e4 / um / 2**level),
                resolutionunit="CENTIMETER",
                maxworkers=1,
                **options,
            )
            bands = _spooled(spool, -(-size // 2))


class _Watch:
    """Counts bands, and asks whether to stop before each."""

    def __init__(self, progress: Progress, cancel: CancelToken, total: int) -> None:
        self._progress, self._cancel, self._total, self._done = progress, cancel, total, 0

    def next_band(self) -> None:
        self._cancel.check()
        self._progress(Step(self._done, self._total, "Writing levels"))
        self._done += 1


def _level_sizes(size: int) -> list[int]:
    sizes = [size]
    while sizes[-1] > _SMALLEST_LEVEL_PX:
        sizes.append(-(-sizes[-1] // 2))
    return sizes


def _ome(placement: Placement) -> dict[str, object]:
    cx, cy = placement.center_um
    return {
        "axes": "YXS",
        "PhysicalSizeX": placement.pixel_size_um,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": placement.pixel_size_um,
        "PhysicalSizeYUnit": "µm",
        "Plane": {"PositionX": [cx], "PositionXUnit": ["µm"], "PositionY": [cy], "PositionYUnit": ["µm"]},
    }


def _rendered(sample: SampleSection) -> Iterator[Array]:
    for y in range(0, sample.size, TILE_PX):
        yield sample.render(0, y, sample.size, min(TILE_PX, sample.size - y))


def _spooled(spool: IO[bytes], size: int) -> Iterator[Array]:
    """The bands of a level (size × size px) that the level before left in its spool."""
    spool.seek(0)
    for y in range(0, size, TILE_PX):
        rows = min(TILE_PX, size - y)
        yield np.frombuffer(spool.read(rows * size * 3), np.uint8).reshape(rows, size, 3)


def _tiles(bands: Iterator[Array], spool: IO[bytes], watch: _Watch, is_last: bool) -> Iterator[Array]:
    """Cuts bands into tiles, and spools the next level: the mean over 2 × 2 px, at the edge over those that exist."""
    for band in bands:
        watch.next_band()
        if not is_last:
            spool.write(_halved(band).tobytes())
        for x in range(0, band.shape[1], TILE_PX):
            yield np.ascontiguousarray(band[:, x : x + TILE_PX])


def _halved(band: Array) -> Array:
    rows, columns = band.shape[0] % 2, band.shape[1] % 2
    if rows or columns:
        band = cv2.copyMakeBorder(band, 0, rows, 0, columns, cv2.BORDER_REPLICATE)
    return cv2.resize(band, (band.shape[1] // 2, band.shape[0] // 2), interpolation=cv2.INTER_AREA)
