"""How long a scan of a large section takes to plan, and whether its memory depends on the section's size.

    python -m benchmarks.scan_memory [--sizes 20000 100000] [--tiles 60]

Sections whose pixels are made up when they are read, so that nothing but the scan takes memory. Each is planned as a whole (super-
tiles of 1,024 px, cells of 8 px) and scanned from its middle outwards until so many tiles are stored, each size in a process of
its own. Memory is the most the process ever held, less what it held before the scan.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import psutil

from core.errors import CancelledError
from core.foreground import whole_section
from core.jobs import CancelToken, Step
from core.models.base import Model, ModelSpec
from core.project import Project
from core.scan.options import Foreground, ScanOptions
from core.scan.plan import plan_scan
from core.scan.runner import run_scan
from core.section import Array, Plane, PyramidLevel, Section, SectionInfo


class MadeUp(Section):
    """Noise that repeats every 512 px."""

    def __init__(self, path: Path, size: int) -> None:
        level = PyramidLevel(size, size, 1.0)
        self.info = SectionInfo(path, "made up", size, size, 3, np.dtype(np.uint8), (level,), ("c",))
        self._block = np.random.default_rng(0).integers(0, 255, (512, 512, 3), np.uint8)

    def read_level(self, level: int, x: int, y: int, width: int, height: int, plane: Plane) -> Array:
        rows, columns = (np.arange(y, y + height) % 512)[:, None], (np.arange(x, x + width) % 512)[None]
        return self._block[rows, columns]


class Mean(Model):
    spec = ModelSpec(
        id="mean", name="Mean", family="anomaly", labels=("anomaly",), um_per_px=None, tile_px=1024, halo_px=128,
        window_px=24, stride_px=8, map_channels=4, context_cells=1, score_unit="probability", score_floor=0.9,
        threshold=0.95, version="1",
    )  # fmt: skip

    def map_tile(self, pixels: Array) -> Array:
        size = (pixels.shape[1] // 8, pixels.shape[0] // 8)
        return np.stack(
            [cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).mean(axis=2, dtype=np.float32) / 255] * 4
        )

    def scores(self, maps: Array) -> Array:
        return maps[:1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[20_000, 100_000])
    parser.add_argument("--tiles", type=int, default=60)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        _measure(args.one, args.tiles)
        return
    for size in args.sizes:
        command = [sys.executable, "-m", "benchmarks.scan_memory", "--one", str(size), "--tiles", str(args.tiles)]
        subprocess.run(command, check=True)


def _measure(size: int, tiles: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "s.png"
        cv2.imwrite(str(picture), np.zeros((8, 8), np.uint8))
        section, token, process = MadeUp(picture, size), CancelToken(), psutil.Process()
        before = time.process_time()
        plan = plan_scan(section.info, Mean.spec, whole_section(section.info), (), (size / 2, size / 2))
        planned = time.process_time() - before
        held, most = process.memory_info().rss, [0]

        def watch(step: Step) -> None:
            most[0] = max(most[0], process.memory_info().rss)
            if step.total and step.done >= tiles:
                token.cancel()

        options = ScanOptions(start_at=(size / 2, size / 2), foreground=Foreground(skip=False))
        with Project.create(Path(folder) / "p") as project, suppress(CancelledError):
            run_scan(project, section, Mean(), options, watch, token)
    print(
        f"{size:7} px: {len(plan.tiles)} tiles planned in {planned:.2f} s, scan took {(most[0] - held) / 1e6:.0f} MB more"
    )


if __name__ == "__main__":
    main()
