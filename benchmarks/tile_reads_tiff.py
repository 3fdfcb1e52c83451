"""Tiles per second from TIFF files of 512 px RGB tiles: ours, beside memmap-and-copy and tifffile.aszarr + zarr.

`python benchmarks/tile_reads_tiff.py [FOLDER] [--side PX]` writes its files (textured noise) into FOLDER or a temporary
one and reads random tiles. Per kind of file and way of reading: *first* is one pass in a fresh process over pages that
are in memory, *again* the best of three further passes, *cold* a pass after the file was dropped from memory, *2 threads*
the gain of a second thread. Ways: `ours` is `Section.read`; `memmap` copies out of a numpy.memmap (uncompressed only);
`codec` is pread and imagecodecs; `zarr` is tifffile.aszarr and zarr. The last table simulates a drive that takes 5 ms
for each read: with and without coalescing.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

Array = np.ndarray
Read = Callable[[int, int], Array]

TILE = 512
COUNT = 192
COLD_COUNT = 32
KINDS: dict[str, dict[str, Any]] = {
    "tiled raw": {"tile": (TILE, TILE)},
    "strips raw": {"rowsperstrip": 64},
    "tiled zstd": {"tile": (TILE, TILE), "compression": "zstd"},
    "tiled deflate": {"tile": (TILE, TILE), "compression": "zlib"},
    "tiled JPEG": {"tile": (TILE, TILE), "compression": "jpeg", "compressionargs": {"level": 90}},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--side", type=int, default=12_288)
    parser.add_argument("--measure", nargs=3, metavar=("FILE", "WAY", "KIND"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        print(json.dumps(measure(Path(args.measure[0]), args.measure[1], args.measure[2])))
        return
    with tempfile.TemporaryDirectory() as temporary:
        compare(args.folder or Path(temporary), args.side)


def compare(folder: Path, side: int) -> None:
    print(f"{side} × {side} px; tiles per second; in brackets: ours / theirs")
    print(f"{'':16}{'':8}{'first':>16}{'again':>16}{'cold':>16}{'2 threads':>12}")
    for kind, options in KINDS.items():
        file = folder / f"{kind.replace(' ', '-')}.tif"
        if not file.exists():
            write(file, side, options)
        raw = kind.endswith("raw")
        results = {way: in_own_process(file, way, kind) for way in ("ours", "memmap" if raw else "codec", "zarr")}
        ours = results["ours"]
        for way, found in results.items():
            cells = [f"{found[m]:8.0f} ({ours[m] / found[m]:5.2f})" for m in ("first", "again", "cold")]
            print(f"{kind:16}{way:8}" + "".join(f"{cell:>16}" for cell in cells) + f"{found['threads']:12.2f}")
    slow_drive(folder)


def write(file: Path, side: int, options: dict[str, Any]) -> None:
    """Smooth blobs and fine noise: zstd finds about 10 % in it, JPEG more."""
    rng = np.random.default_rng(0)
    blobs = np.kron(rng.integers(40, 200, (64, 64, 3), np.uint8), np.ones((32, 32, 1), np.uint8))
    piece = (blobs + rng.integers(0, 48, blobs.shape, np.uint8)).astype(np.uint8)
    count = -(-side // piece.shape[0])
    pixels = np.tile(piece, (count, count, 1))[:side, :side]
    tifffile.imwrite(file, pixels, photometric="rgb", metadata=None, **options)


def in_own_process(file: Path, way: str, kind: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--measure", str(file), way, kind]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return json.loads(done.stdout)


def measure(file: Path, way: str, kind: str) -> dict[str, float]:
    """Tiles per second: first, again, cold; and how many times as fast two threads are."""
    with tifffile.TiffFile(file) as tiff:
        side = tiff.pages[0].imagewidth  # type: ignore[union-attr]
    places = [(x, y) for y in range(0, side, TILE) for x in range(0, side, TILE)]
    random.Random(0).shuffle(places)
    cold_places = places[:COLD_COUNT]
    places = places[:COUNT]
    drop(file)
    cold = speed(way_to_read(file, way, kind), cold_places)
    load(file)
    read = way_to_read(file, way, kind)
    first = speed(read, places)
    again = max(speed(read, places) for _ in range(3))
    one = two = 0.0
    for _ in range(6):
        one = max(one, in_threads(way_to_read(file, way, kind), places, 1))
        two = max(two, in_threads(way_to_read(file, way, kind), places, 2))
    return {"first": first, "again": again, "cold": cold, "threads": two / one}


def way_to_read(file: Path, way: str, kind: str) -> Read:
    """A function that reads the tile at x, y; nothing of what it decodes is kept between tiles or from before."""
    return {"ours": ours, "memmap": memmap, "codec": codec, "zarr": aszarr}[way](file, kind)


def ours(file: Path, kind: str) -> Read:
    from core.caches import decoded_parts
    from core.readers.base import open_section
    from core.section import RegionRequest

    section = open_section(file)
    decoded_parts()._items.budget = 4 << 20  # so that "again" decodes again, like the others

    return lambda x, y: section.read(RegionRequest(x, y, TILE, TILE))


def memmap(file: Path, kind: str) -> Read:
    with tifffile.TiffFile(file) as tiff:
        page: Any = tiff.pages[0]
        side, offsets = page.imagewidth, page.dataoffsets
    if kind == "strips raw":
        rows = np.memmap(file, np.uint8, "r", offsets[0], (side, side, 3))
        return lambda x, y: np.array(rows[y : y + TILE, x : x + TILE])
    whole, size, across = np.memmap(file, np.uint8, "r"), TILE * TILE * 3, side // TILE

    def read(x: int, y: int) -> Array:
        at = offsets[y // TILE * across + x // TILE]
        return np.array(whole[at : at + size].reshape(TILE, TILE, 3))

    return read


def codec(file: Path, kind: str) -> Read:
    import imagecodecs

    with tifffile.TiffFile(file) as tiff:
        page: Any = tiff.pages[0]
        across, offsets, counts, tables = (
            -(-page.imagewidth // TILE),
            page.dataoffsets,
            page.databytecounts,
            page.jpegtables,
        )
    descriptor = os.open(file, os.O_RDONLY)

    def read(x: int, y: int) -> Array:
        index = y // TILE * across + x // TILE
        data = os.pread(descriptor, counts[index], offsets[index])
        if kind == "tiled JPEG":
            return imagecodecs.jpeg8_decode(data, tables=tables, outcolorspace=2, shape=(TILE, TILE))
        decode = imagecodecs.zstd_decode if kind == "tiled zstd" else imagecodecs.deflate_decode
        return np.frombuffer(decode(data, out=TILE * TILE * 3), np.uint8).reshape(TILE, TILE, 3)

    return read


def aszarr(file: Path, kind: str) -> Read:
    import zarr

    array: Any = zarr.open_array(tifffile.imread(file, aszarr=True), mode="r")
    return lambda x, y: np.asarray(array[y : y + TILE, x : x + TILE])


def speed(read: Read, places: Iterable[tuple[int, int]]) -> float:
    begin, count = time.perf_counter(), 0
    for x, y in places:
        read(x, y)
        count += 1
    return count / (time.perf_counter() - begin)


def in_threads(read: Read, places: list[tuple[int, int]], threads: int) -> float:
    with ThreadPoolExecutor(threads) as pool:
        begin = time.perf_counter()
        list(pool.map(lambda k: speed(read, places[k::threads]), range(threads)))
        return len(places) / (time.perf_counter() - begin)


def drop(file: Path) -> None:
    with file.open("rb") as handle:
        os.fsync(handle.fileno())
        os.posix_fadvise(handle.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def load(file: Path) -> None:
    with file.open("rb", buffering=0) as handle:
        while handle.read(16 << 20):
            pass


def slow_drive(folder: Path) -> None:
    """One screenful of neighbouring tiles, 5 ms for each read."""
    from core.readers import tiff
    from core.readers.file_bytes import FileBytes
    from core.section import RegionRequest
    from tests.slow_section import SlowFile

    class NeverCoalescing(SlowFile):
        slow = False

    print("\na drive that takes 5 ms a read; the 12 tiles of one view, tile by tile")
    for kind in KINDS:
        seconds, reads = [], []
        for opened in (NeverCoalescing, SlowFile):
            files: list[SlowFile] = []
            tiff.FileBytes = lambda path, opened=opened, files=files: files.append(opened(path)) or files[-1]  # type: ignore
            with tiff.TiffSection(folder / f"{kind.replace(' ', '-')}.tif") as section:
                section.read(RegionRequest(0, 0, TILE, TILE))  # by now it knows how slow the drive is
                begin, before = time.perf_counter(), len(files[0].reads)
                for y in range(2 * TILE, 5 * TILE, TILE):
                    for x in range(TILE, 5 * TILE, TILE):
                        section.read(RegionRequest(x, y, TILE, TILE))
                seconds.append(time.perf_counter() - begin)
                reads.append(len(files[0].reads) - before)
        tiff.FileBytes = FileBytes  # type: ignore[misc]
        print(
            f"{kind:16}{reads[0]:5} reads, {seconds[0] * 1e3:6.0f} ms   coalesced: {reads[1]:4} reads, "
            f"{seconds[1] * 1e3:6.0f} ms ({seconds[0] / seconds[1]:.1f} × as fast)"
        )


if __name__ == "__main__":
    main()
