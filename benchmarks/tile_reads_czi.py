"""How fast 512-px tiles come out of a CZI: Schliff against pylibCZIrw, side by side in one run.

Files are written first: uncompressed, Zstd and JPEG-XR, with subblocks of 2048 × 2048 px and as stripes 40,000 px wide
(about 1.1 GB in all, removed at the end unless a folder is given).

Lone tiles: each from another subblock (or far away in a stripe). Neighbours: blocks of 4 × 4 tiles (Zstd 8 × 8, its
stripes 2 × 2, JPEG-XR 6 × 6) that don't lie on the subblocks' grid. Every run opens the file anew, so nothing is kept
from the run before. Cold: the file's pages are dropped from the system's cache first. pylibCZIrw is timed bare and with
its own cache of 256 MB. The last column is two threads against one, warm. The best of several runs.

    python -m benchmarks.tile_reads_czi [--folder FOLDER] [--runs 5]
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.readers.base import open_section
from core.section import RegionRequest
from tests.czi_files import JPEG_XR, RAW, ZSTD1, Tile, encode, write_czi_file

TILE = 512
Place = tuple[int, int]
Read = Callable[[int, int], np.ndarray]
Open = Callable[[Path], Any]


@dataclass(frozen=True)
class Case:
    """One file: `across` × `down` subblocks of `width` × `height` px RGB; how many lone tiles are read of it, and how
    many blocks of `side` × `side` neighbours."""

    name: str
    compression: int
    width: int
    height: int
    across: int
    down: int
    lone: int
    blocks: int
    side: int


CASES = (
    Case("raw 2048", RAW, 2048, 2048, 6, 6, 24, 4, 4),
    Case("raw stripes", RAW, 40_000, 2048, 1, 2, 4, 1, 4),
    Case("zstd 2048", ZSTD1, 2048, 2048, 4, 4, 8, 1, 8),
    Case("zstd stripes", ZSTD1, 40_000, 1024, 1, 1, 1, 1, 2),
    Case("jpeg-xr 2048", JPEG_XR, 2048, 2048, 3, 3, 3, 1, 6),
)


def texture(height: int, width: int) -> np.ndarray:
    """Noisy px on a slow wave, as a ground section looks: Zstd makes little of it."""
    rng = np.random.default_rng(0)
    wave = 90 + 60 * np.sin(np.arange(width) / 97)[None, :, None] * np.cos(np.arange(height) / 61)[:, None, None]
    return (wave + rng.normal(0, 6, (height, width, 1)) + rng.normal(0, 2, (height, width, 3))).astype(np.uint8)


def write(case: Case, folder: Path) -> Path:
    pixels = texture(case.height, case.width)
    payload = encode(pixels, case.compression)
    tiles = [
        Tile(i * case.width, j * case.height, pixels, case.compression, payload=payload)
        for j in range(case.down)
        for i in range(case.across)
    ]
    path = write_czi_file(folder / f"{case.name.replace(' ', '_')}.czi", tiles)
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return path


def lone_places(case: Case) -> list[Place]:
    rng = np.random.default_rng(1)
    if case.across * case.down >= case.lone:
        chosen = rng.choice(case.across * case.down, case.lone, replace=False)
        corners = [(int(k % case.across) * case.width, int(k // case.across) * case.height) for k in chosen]
        return [(x + int(rng.integers(1, 1500)), y + int(rng.integers(1, 1500))) for x, y in corners]
    step = case.width // case.lone
    return [(k * step + 1234, int(rng.integers(1, case.height - TILE))) for k in range(case.lone)]


def block_places(case: Case) -> list[Place]:
    rng = np.random.default_rng(2)
    side = case.side
    width, height = case.width * case.across - side * TILE, case.height * case.down - side * TILE
    places = []
    for _ in range(case.blocks):
        x, y = int(rng.integers(0, width)), int(rng.integers(0, max(1, height)))
        places += [(x + i * TILE, y + j * TILE) for j in range(side) for i in range(side)]
    return places


@contextmanager
def ours(path: Path) -> Iterator[Read]:
    with open_section(path) as section:
        yield lambda x, y: section.read(RegionRequest(x, y, TILE, TILE))


@contextmanager
def theirs(path: Path, cached: bool = False) -> Iterator[Read]:
    from pylibCZIrw.czi import CacheOptions, CacheType, CziReader

    options = CacheOptions(CacheType.Standard, max_memory_usage=256 << 20, max_sub_block_count=1000) if cached else None
    reader = CziReader(str(path), cache_options=options)
    try:
        yield lambda x, y: reader.read(roi=(x, y, TILE, TILE), plane={"C": 0}, pixel_type="Bgr24")[:, :, ::-1]
    finally:
        reader.close()


def drop(path: Path) -> None:
    """Leaves no page of the file in the system's cache."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def warm(path: Path) -> None:
    with path.open("rb", buffering=0) as file:
        while file.read(16 << 20):
            pass


def seconds(open_file: Open, path: Path, places: list[Place], cold: bool, threads: int = 1) -> float:
    (drop if cold else warm)(path)
    with open_file(path) as read, ThreadPoolExecutor(threads) as pool:
        parts = [places[k * len(places) // threads : (k + 1) * len(places) // threads] for k in range(threads)]
        list(pool.map(lambda _: None, parts))  # threads are there
        begin = time.perf_counter()
        if threads == 1:
            total = sum(int(read(x, y)[0, 0, 0]) for x, y in places)
        else:
            total = sum(pool.map(lambda part: sum(int(read(x, y)[0, 0, 0]) for x, y in part), parts))
        assert total >= 0
        return time.perf_counter() - begin


def measure(case: Case, path: Path, runs: int) -> None:
    readers: dict[str, Open] = {"ours": ours, "theirs": theirs, "cached": lambda path: theirs(path, cached=True)}
    for what, places in (("lone", lone_places(case)), ("neighbours", block_places(case))):
        for cold in (False, True):
            took: dict[str, list[float]] = {name: [] for name in (*readers, "two")}
            for _ in range(runs):
                for name, reader in readers.items():
                    took[name].append(seconds(reader, path, places, cold))
                if not cold:
                    took["two"].append(seconds(ours, path, places, cold, threads=2))
            rate = {name: len(places) / min(times) for name, times in took.items() if times}
            two = f"{rate['two'] / rate['ours']:5.2f}" if "two" in rate else "    –"
            print(
                f"{case.name:13s} {what:10s} {'cold' if cold else 'warm'} {rate['ours']:8.0f} {rate['theirs']:8.0f} "
                f"{rate['cached']:8.0f} {rate['ours'] / rate['theirs']:7.1f} {rate['ours'] / rate['cached']:7.1f} {two}",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="where the files are written and left")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", default="", help="cases whose name contains this")
    asked = parser.parse_args()
    print("tiles/s of 512 px                  ours   theirs  +cache   ratio  +cache  2:1 threads")
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for case in CASES:
            if asked.only in case.name:
                path = write(case, folder)
                measure(case, path, asked.runs)
                if asked.folder is None:
                    path.unlink()


if __name__ == "__main__":
    main()
