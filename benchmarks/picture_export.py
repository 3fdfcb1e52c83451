"""Measures how fast a section is written as a picture, against reading all of it once and throwing it away, in one run.

Usage: python -m benchmarks.picture_export [SECTION]   (without one: a synthetic section of 8000 px)
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from core.geometry import Box
from core.look import Look
from core.picture import Picture, region_request, write_region
from core.readers.base import open_section
from core.section import RegionRequest, Section


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(sys.argv[1]) if len(sys.argv) > 1 else _sample(Path(folder))
        with open_section(path) as section:
            _measure(section, Path(folder))


def _sample(folder: Path) -> Path:
    from app.cli import main as schliff

    schliff(["sample", str(folder / "sample.tif"), "--kind", "battery", "--size", "8000"])
    return folder / "sample.tif"


def _measure(section: Section, folder: Path) -> None:
    info = section.info
    whole = region_request(info, Box(0, 0, info.width_px, info.height_px))
    megabytes = info.width_px * info.height_px * info.samples * info.dtype.itemsize / 1e6
    print(f"{info.path.name}: {info.width_px} × {info.height_px} px, {megabytes:.0f} MB uncompressed")
    print(f"{'':<26}{'s':>8}{'MB/s':>8}{'of reading':>12}{'more MB of memory':>20}")
    _timed("read once", lambda: _read_all(section), megabytes)  # warms the file's cache
    base = _timed("read once again", lambda: _read_all(section), megabytes)
    for name, picture, file in (
        ("OME-TIFF, as stored", Picture(whole), "a.tif"),
        ("OME-TIFF, as displayed", Picture(whole, Look()), "b.tif"),
        ("PNG, as stored", Picture(whole), "c.png"),
    ):
        _timed(name, lambda p=picture, f=file: write_region(section, p, folder / f), megabytes, base)  # type: ignore[misc]


def _read_all(section: Section) -> None:
    info = section.info
    for y in range(0, info.height_px, 512):
        for x in range(0, info.width_px, 4096):
            width, height = min(4096, info.width_px - x), min(512, info.height_px - y)
            section.read(RegionRequest(x, y, width, height))


def _timed(name: str, work: Callable[[], object], megabytes: float, base: float | None = None) -> float:
    process, done, peak = psutil.Process(), threading.Event(), [0]
    before = process.memory_info().rss

    def watch() -> None:
        while not done.wait(0.02):
            peak[0] = max(peak[0], process.memory_info().rss - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    done.set()
    watcher.join()
    share = f"{base / seconds:.2f}" if base else ""
    print(f"{name:<26}{seconds:>8.1f}{megabytes / seconds:>8.0f}{share:>12}{peak[0] / 1e6:>20.0f}")
    return seconds


if __name__ == "__main__":
    main()
