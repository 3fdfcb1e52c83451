"""The section and the project that `soak.py` works on, written within seconds.

The file says that it has any size; its tiles, and those of its pyramid, are a few that many places share, so that 100,000 px
take some 20 MB on the disk. Where the picture is periodic its averages are, too: every level shows what it should.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import repeat
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from core.detection import Candidate
from core.geometry import Box
from core.models.catalog import find_model
from core.project import Project
from core.project.maps import ScanMaps
from core.project.scan_store import ScanStore
from core.readers.base import open_section
from core.synthetic.sample import make_sample

Array = np.ndarray

TILE_PX = 512
PERIOD_PX = 4096
UM_PER_PX = 0.5
CELL_PX, CHUNK_CELLS = 32, 256
MODEL = "battery-windows"
_SMALLEST_LEVEL_PX = 1024


def write_section(path: Path, size: int, seed: int = 1, period: int = PERIOD_PX) -> Path:
    """A pyramidal OME-TIFF of size × size px, Zstd, that repeats every `period` px (a power of two)."""
    import imagecodecs
    import tifffile

    sizes = [size]
    while sizes[-1] > _SMALLEST_LEVEL_PX:
        sizes.append(-(-sizes[-1] // 2))
    options: dict[str, Any] = {
        "dtype": np.uint8,
        "tile": (TILE_PX, TILE_PX),
        "photometric": "rgb",
        "compression": "zstd",
    }
    with tifffile.TiffWriter(path, bigtiff=True, ome=True) as tiff:
        for level, side in enumerate(sizes):
            um = UM_PER_PX * 2**level
            tiff.write(
                repeat(b"", (-(-side // TILE_PX)) ** 2),  # where the tiles are is written later
                shape=(side, side, 3),
                subifds=len(sizes) - 1 if level == 0 else None,
                subfiletype=1 if level else 0,
                metadata={"axes": "YXS", "PhysicalSizeX": um, "PhysicalSizeY": um} if level == 0 else None,
                resolution=(1e4 / um, 1e4 / um),
                resolutionunit="CENTIMETER",
                **options,
            )
    pattern = make_sample("battery", period, max(1, period // 200), seed).render(0, 0, period, period)
    shared = []
    with path.open("ab") as file:
        for tiles in _tiles_of(pattern, len(sizes)):
            packed = [[imagecodecs.zstd_encode(tile, level=1) for tile in row] for row in tiles]
            counts = np.array([[len(tile) for tile in row] for row in packed])
            offsets = file.tell() + np.cumsum(counts).reshape(counts.shape) - counts
            file.write(b"".join(tile for row in packed for tile in row))
            shared.append((offsets, counts))
    with tifffile.TiffFile(path, mode="r+") as tiff:
        pages: list[Any] = [level.pages[0] for level in tiff.series[0].levels]
        for side, found, page in zip(sizes, shared, pages, strict=True):
            at = np.arange(-(-side // TILE_PX)) % len(found[0])
            for name, values in zip(("TileOffsets", "TileByteCounts"), found, strict=True):
                page.tags[name].overwrite(values[np.ix_(at, at)].ravel().tolist())
    return path


def _tiles_of(pattern: Array, levels: int) -> list[Array]:
    """For each level (rows, columns, 512, 512, 3): the different tiles it has."""
    found = []
    for _ in range(levels):
        repeats = max(1, TILE_PX // len(pattern))
        whole = np.tile(pattern, (repeats, repeats, 1))
        n = len(whole) // TILE_PX
        found.append(whole.reshape(n, TILE_PX, n, TILE_PX, 3).swapaxes(1, 2))
        half = len(pattern) // 2
        pattern = cv2.resize(pattern, (half, half), interpolation=cv2.INTER_AREA) if half else pattern
    return found


def write_project(section_path: Path, folder: Path, count: int, model_id: str = MODEL) -> None:
    """A finished scan with `count` detections and its heat map, made up. `model_id`: another one explains nothing."""
    spec = replace(find_model(MODEL), id=model_id)
    random = np.random.default_rng(2)
    with Project.create(folder) as project, open_section(section_path) as section:
        record = project.add_section(section)
        size = section.info.width_px
        cells = -(-size // CELL_PX)
        labels = len(spec.labels)
        store = ScanStore.begin(
            project, record, spec, parameters={"made up": True}, tiles_total=1, cell_px=float(CELL_PX), context_px=64.0,
            threshold=0.5, device="cpu", provenance={},
            lay_out=lambda maps: maps.create((cells, cells), CHUNK_CELLS, labels, labels),
        )  # fmt: skip
        _fill(store.maps, cells, labels, random)
        places = random.uniform(0, size - 200, (count, 2)).tolist()
        sides = random.uniform(12, 200, (count, 2)).tolist()
        scores = random.uniform(0.3, 1, count).tolist()
        store.mapped(0)
        store.emit(
            0,
            [
                Candidate(spec.labels[n % labels], score, Box(x, y, w, h), 0.7 * w * h, (x + w / 2, y + h / 2))
                for n, ((x, y), (w, h), score) in enumerate(zip(places, sides, scores, strict=True))
            ],
        )
        store.set_status("done", 60.0)


def _fill(maps: ScanMaps, cells: int, labels: int, random: np.random.Generator) -> None:
    """Smooth noise, the same in every chunk."""
    noise = cv2.GaussianBlur(random.random((CHUNK_CELLS, CHUNK_CELLS), np.float32), (0, 0), 3)
    scores = np.clip((noise - noise.mean()) / (6 * noise.std()) + 0.4, 0, 1)[None].repeat(labels, 0)
    for row in range(0, cells, CHUNK_CELLS):
        for column in range(0, cells, CHUNK_CELLS):
            maps.write("scores", row, column, scores[:, : cells - row, : cells - column])
