"""How fast missing overviews are built, against reading the file once in the same blocks and throwing it away.

Files are written first, one after the other (about 1 GB each, removed at once). *read*: every px through `Section.read`,
one thread of the builder's own low priority, in the slabs that it reads. *build*: all levels from 1:4 on, into an empty cache, flushed to the disk.
*ratio*: build / read, the target is 0.4. Cold: the file's pages are dropped from the system's cache first. Runs take turns;
medians. *peak*: resident memory beyond that before building, with a budget of 512 MiB for all caches (of which decoded
parts of the file take 154).

`--layouts` times one 512-px tile from a chunk file to an image ready to draw (BGRA), warm, for samples that lie together
and for planes, uncompressed, with lz4 and with Zstd 1, and the sizes of the files.

    python -m benchmarks.pyramid [--runs 3] [--only NAME ...] [--folder FOLDER] [--layouts]
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
import psutil

from benchmarks.tile_reads_czi import drop, texture, warm
from core.memory import set_budget
from core.overview_layout import DIRECT, chunks_of
from core.overview_row import Row, row_length
from core.overview_store import OverviewStore
from core.priority import lower_this_thread
from core.pyramid import OverviewCache, SectionWithOverviews
from core.readers.base import open_section
from core.section import Plane, RegionRequest, Section
from tests.czi_files import RAW, ZSTD1, Tile, encode, write_czi_file

Array = np.ndarray


@dataclass(frozen=True)
class Case:
    """One file of `width` × `height` px, stored in parts of `part` px."""

    name: str
    write: Callable[[Path, Case], None]
    width: int
    height: int
    part: tuple[int, int]
    options: int | str | None


def write_czi(path: Path, case: Case) -> None:
    pixels = texture(case.part[1], case.part[0])
    assert isinstance(case.options, int)
    payload = encode(pixels, case.options)
    tiles = [
        Tile(x, y, pixels, case.options, payload=payload)
        for y in range(0, case.height, case.part[1])
        for x in range(0, case.width, case.part[0])
    ]
    write_czi_file(path, tiles)


def write_tiled_tiff(path: Path, case: Case) -> None:
    import tifffile

    patch = texture(2048, 2048)
    whole = np.tile(patch, (-(-case.height // 2048), -(-case.width // 2048), 1))[: case.height, : case.width]
    tifffile.imwrite(path, whole, tile=case.part, compression=case.options, photometric="rgb", bigtiff=True)


def write_strip_tiff(path: Path, case: Case) -> None:
    import tifffile

    band = texture(case.part[1], case.width)
    whole = np.tile(band, (case.height // case.part[1], 1, 1))
    tifffile.imwrite(path, whole, rowsperstrip=case.part[1], compression=case.options, photometric="rgb", bigtiff=True)


CASES = (
    Case("CZI raw 2048", write_czi, 20_480, 16_384, (2048, 2048), RAW),
    Case("CZI raw stripes", write_czi, 40_000, 8192, (40_000, 2048), RAW),
    Case("CZI zstd 2048", write_czi, 20_480, 16_384, (2048, 2048), ZSTD1),
    Case("CZI zstd stripes", write_czi, 40_000, 8192, (40_000, 512), ZSTD1),
    Case("TIFF tiled raw", write_tiled_tiff, 20_480, 16_384, (512, 512), None),
    Case("TIFF tiled zstd", write_tiled_tiff, 16_384, 16_384, (512, 512), "zstd"),
    Case("TIFF strips raw", write_strip_tiff, 40_000, 8192, (40_000, 64), None),
    Case("TIFF strips lzw", write_strip_tiff, 40_000, 4096, (40_000, 64), "lzw"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--layouts", action="store_true")
    args = parser.parse_args()
    set_budget(512 << 20)
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        if args.layouts:
            compare_layouts(Path(folder))
            return
        print(
            f"{'MB/s of pixels':18}{'read warm':>11}{'build':>8}{'ratio':>7}{'read cold':>11}{'build':>8}{'ratio':>7}"
        )
        for case in CASES:
            if args.only is None or case.name in args.only:
                measure(case, Path(folder), args.runs)


def measure(case: Case, folder: Path, runs: int) -> None:
    path = folder / "section.czi" if case.write is write_czi else folder / "section.tif"
    case.write(path, case)
    with path.open("rb") as file:
        os.fsync(file.fileno())
    line, peak = f"{case.name:18}", 0
    for cold in (False, True):
        reads, builds = [], []
        for _ in range(runs):
            (drop if cold else warm)(path)
            reads.append(seconds_to_read(path))
            (drop if cold else warm)(path)
            seconds, most = seconds_to_build(path, folder / "cache")
            builds.append(seconds)
            peak = max(peak, most)
        size = case.width * case.height * 3 / 1e6
        read, build = size / median(reads), size / median(builds)
        line += f"{read:11.0f}{build:8.0f}{build / read:7.2f}"
    print(f"{line}   peak {peak >> 20} MB", flush=True)
    path.unlink()


def seconds_to_read(path: Path) -> float:
    with open_section(path) as section, ThreadPoolExecutor(1, "read", lower_this_thread) as pool:
        requests = [RegionRequest(*slab) for slab in slabs(section)]

        def read_all() -> float:
            begin = time.perf_counter()
            for request in requests:
                section.read(request)
            return time.perf_counter() - begin

        return pool.submit(read_all).result()


def slabs(section: Section) -> list[tuple[int, int, int, int]]:
    """What the builder reads, row by row."""
    store = OverviewStore(Path("nowhere"), section.info, Plane())
    blocks = list(chunks_of(section.info, DIRECT[-1]))
    length = row_length(section.info, section.block_px, 64 << 20)
    found = []
    for row in range(blocks[-1].row + 1):
        inside = [block for block in blocks if block.row == row]
        for first in range(0, len(inside), length):
            found += Row(store, inside[first : first + length], lambda row: None).slabs(section.block_px)
    return found


def seconds_to_build(path: Path, cache: Path) -> tuple[float, int]:
    shutil.rmtree(cache, ignore_errors=True)
    with open_section(path) as base, Memory() as memory:
        section = SectionWithOverviews(base, OverviewCache(cache))
        begin = time.perf_counter()
        section.build_overviews(Plane())
        return time.perf_counter() - begin, memory.grown


class Memory:
    """Watches how far resident memory grows."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._start, self.grown = self._process.memory_info().rss, 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            self.grown = max(self.grown, self._process.memory_info().rss - self._start)


def compare_layouts(folder: Path) -> None:
    import imagecodecs

    pixels = cv2.resize(texture(2048, 2048), (512, 512), interpolation=cv2.INTER_AREA)
    codecs: dict[str, tuple[Callable[[bytes], Any], Callable[[bytes], Any]]] = {
        "none": (lambda data: data, lambda data: data),
        "lz4": (imagecodecs.lz4_encode, lambda data: imagecodecs.lz4_decode(data, out=pixels.nbytes)),
        "zstd 1": (lambda data: imagecodecs.zstd_encode(data, level=1), imagecodecs.zstd_decode),
    }
    print(f"{'one tile, ms':18}{'together':>10}{'planes':>10}{'MB/file':>10}")
    for name, (pack, unpack) in codecs.items():
        times: list[float] = []
        for shape, order in (((512, 512, 3), None), ((3, 512, 512), (2, 0, 1))):
            data = np.ascontiguousarray(pixels if order is None else pixels.transpose(order))
            files = [folder / f"{name}-{len(times)}-{k}" for k in range(50)]
            for file in files:
                file.write_bytes(pack(data.tobytes()))
            times.append(min(draw_time(files, unpack, shape, raw=name == "none") for _ in range(9)))
        size = files[0].stat().st_size / 1e6
        print(f"{name:18}{times[0] * 1e3:10.2f}{times[1] * 1e3:10.2f}{size:10.2f}")


def draw_time(files: list[Path], unpack: Callable[[bytes], Any], shape: tuple[int, ...], raw: bool) -> float:
    begin = time.perf_counter()
    for file in files:
        data = np.fromfile(file, np.uint8) if raw else np.frombuffer(unpack(file.read_bytes()), np.uint8)
        image = data.reshape(shape)
        cv2.cvtColor(image if shape[-1] == 3 else cv2.merge(list(image)), cv2.COLOR_RGB2BGRA)
    return (time.perf_counter() - begin) / len(files)


if __name__ == "__main__":
    main()
