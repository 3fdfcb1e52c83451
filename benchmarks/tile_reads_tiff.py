"""Tiles per second from TIFF files of 512 px RGB tiles: ours, beside memmap-and-copy, bare codecs, tifffile.aszarr + zarr.

`python -m benchmarks.tile_reads_tiff [FOLDER] [--side PX]` writes its files (textured noise) into FOLDER or a temporary
one and reads random tiles. *first*: one pass in a fresh process over pages that are in memory; *cold*: the same after
the file was dropped from memory (both the best of three processes, ways taking turns); *again*: further passes over the
same tiles, all ways taking turns in one process, the best of six (both in processor time, as nothing waits for the
drive and other programs then disturb less); *2 threads*: best pass with two threads against best
pass with one. Ways: `ours` is `Section.read`; `memmap` copies out of a numpy.memmap (uncompressed only); `codec` is
pread and imagecodecs; `zarr` is tifffile.aszarr and zarr. The last table simulates a drive that takes 5 ms for each
read, with and without coalescing.
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
COUNT = 64
ROUNDS = 6
PROCESSES = 3
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
    parser.add_argument("--once", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--turns", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.once:
        file, way, kind, how = args.once
        print(json.dumps(once(Path(file), way, kind, how)))
    elif args.turns:
        print(json.dumps(in_turns(Path(args.turns[0]), args.turns[1])))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            compare(args.folder or Path(temporary), args.side)


def compare(folder: Path, side: int) -> None:
    print(f"{side} × {side} px; tiles per second; in brackets: ours / theirs")
    print(f"{'':16}{'':8}{'first':>16}{'again':>16}{'cold':>16}{'2 threads':>12}")
    for kind, options in KINDS.items():
        file = folder / f"{kind.replace(' ', '-')}.tif"
        if not file.exists():
            write(file, side, options)
        found = child("--turns", str(file), kind)
        for how in ("first", "cold"):
            runs = [
                {way: child("--once", str(file), way, kind, how) for way in ways_of(kind)} for _ in range(PROCESSES)
            ]
            for way in ways_of(kind):
                found[way][how] = max(run[way] for run in runs)
        for way in ways_of(kind):
            cells = [
                f"{found[way][m]:8.0f} ({found['ours'][m] / found[way][m]:5.2f})" for m in ("first", "again", "cold")
            ]
            print(f"{kind:16}{way:8}" + "".join(f"{cell:>16}" for cell in cells) + f"{found[way]['threads']:12.2f}")
    slow_drive(folder)


def ways_of(kind: str) -> tuple[str, ...]:
    return "ours", "memmap" if kind.endswith("raw") else "codec", "zarr"


def child(*arguments: str) -> Any:
    """What this script prints in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    done = subprocess.run(
        [sys.executable, __file__, *arguments], capture_output=True, text=True, check=True, env=environment
    )
    return json.loads(done.stdout)


def write(file: Path, side: int, options: dict[str, Any]) -> None:
    """Smooth blobs and fine noise: zstd finds about 10 % in it, JPEG more."""
    rng = np.random.default_rng(0)
    blobs = np.kron(rng.integers(40, 200, (64, 64, 3), np.uint8), np.ones((32, 32, 1), np.uint8))
    piece = (blobs + rng.integers(0, 48, blobs.shape, np.uint8)).astype(np.uint8)
    count = -(-side // piece.shape[0])
    pixels = np.tile(piece, (count, count, 1))[:side, :side]
    tifffile.imwrite(file, pixels, photometric="rgb", metadata=None, **options)


def places_in(file: Path) -> list[tuple[int, int]]:
    with tifffile.TiffFile(file) as tiff:
        side = tiff.pages[0].imagewidth  # type: ignore[union-attr]
    places = [(x, y) for y in range(0, side, TILE) for x in range(0, side, TILE)]
    random.Random(0).shuffle(places)
    return places[:COUNT]


def once(file: Path, way: str, kind: str, how: str) -> float:
    """Tiles per second of one pass; what is loaded only once is loaded before."""
    places = places_in(file)
    warm_up = way_to_read(file, way, kind)
    for _ in range(2):
        warm_up(*places[0])
    del warm_up
    drop(file) if how == "cold" else load(file)
    clock = time.perf_counter if how == "cold" else time.process_time
    return speed(way_to_read(file, way, kind), places[1:], clock)


def in_turns(file: Path, kind: str) -> dict[str, dict[str, float]]:
    """For each way: tiles per second of its best pass, and how many times as fast two threads are."""
    places = places_in(file)
    load(file)
    reads = {way: way_to_read(file, way, kind) for way in ways_of(kind)}
    best = {way: {"again": 0.0, "one": 0.0, "two": 0.0} for way in reads}
    for _ in range(ROUNDS):
        for way, read in reads.items():
            passes = speed(read, places, time.process_time), in_threads(read, places, 1), in_threads(read, places, 2)
            for name, value in zip(best[way], passes, strict=True):
                best[way][name] = max(best[way][name], value)
    return {way: {"again": found["again"], "threads": found["two"] / found["one"]} for way, found in best.items()}


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


def speed(read: Read, places: Iterable[tuple[int, int]], clock: Callable[[], float] = time.perf_counter) -> float:
    begin, count = clock(), 0
    for x, y in places:
        read(x, y)
        count += 1
    return count / (clock() - begin)


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
        slow = property(lambda self: False, lambda self, value: None)

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
