"""Whether a scan that is killed again and again ends as one that was left alone.

    python -m benchmarks.scan_kills [--kills 20] [--size 2048] [--seed 7]

A sample section with spots and scratches longer than three tiles is scanned in a process of its own with a toy model whose
tiles take a moment. The process is killed (SIGKILL) at random moments, from its start to its end, and started again. Then the
detections, the maps and the tiles computed twice are compared with those of a scan that nobody disturbed.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from core.models.base import Model, ModelSpec
from core.project import Project
from core.readers.base import open_section
from core.scan.runner import run_scan

STRIDE, TILE = 8, 64
_TILE_S = 0.004


class Toy(Model):
    """The brightness of a cell; slow. Writes a dot for every tile it computes."""

    spec = ModelSpec(
        id="toy", name="Bright", family="anomaly", labels=("anomaly",), um_per_px=None, tile_px=TILE, halo_px=16,
        window_px=24, stride_px=STRIDE, map_channels=1, context_cells=1, score_unit="probability", score_floor=0.35,
        threshold=0.5, version="1",
    )  # fmt: skip

    def __init__(self, log: Path) -> None:
        self._log = log

    def map_tile(self, pixels: np.ndarray) -> np.ndarray:
        time.sleep(_TILE_S)
        with self._log.open("a") as file:
            file.write(".")
        size = (pixels.shape[1] // STRIDE, pixels.shape[0] // STRIDE)
        return cv2.resize(pixels.mean(axis=2, dtype=np.float32) / 255, size, interpolation=cv2.INTER_AREA)[None]

    def scores(self, maps: np.ndarray) -> np.ndarray:
        return cv2.blur(maps[0], (3, 3), borderType=cv2.BORDER_REPLICATE)[None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--scan", nargs=3, type=Path, help=argparse.SUPPRESS)  # project, section, log
    args = parser.parse_args()
    if args.scan:
        _scan(*args.scan)
        return
    with tempfile.TemporaryDirectory() as folder:
        _compare(Path(folder), args.kills, args.size, args.seed)


def _scan(project_path: Path, section_path: Path, log: Path) -> None:
    with Project.open_or_create(project_path) as project, open_section(section_path) as section:
        run_scan(project, section, Toy(log))


def _compare(folder: Path, kills: int, size: int, seed: int) -> None:
    section, whole, killed = folder / "s.png", folder / "whole", folder / "killed"
    cv2.imwrite(str(section), _picture(size, seed))
    subprocess.run(_command(whole, section, folder / "whole.log"), check=True)
    tiles = _dots(folder / "whole.log")
    died = sum(_killed(killed, section, folder / "killed.log", tiles / kills, number + seed) for number in range(kills))
    subprocess.run(_command(killed, section, folder / "killed.log"), check=True)
    again = _dots(folder / "killed.log")
    found, found_again = _found(whole), _found(killed)
    longest = max(max(box.w, box.h) for _, _, box, _ in found)
    print(
        f"{died} kills; {tiles} tiles, {again - tiles} computed twice; {len(found)} detections, longest {longest:.0f} px"
    )
    print(f"detections equal: {found == found_again}; maps equal: {_maps(whole) == _maps(killed)}")


def _killed(project: Path, section: Path, log: Path, tiles: float, seed: int) -> bool:
    """Lets a scan compute up to twice so many tiles, and a random moment more; whether it was killed before its end."""
    moments = random.Random(seed)
    enough = _dots(log) + moments.uniform(0, 1.6 * tiles)
    process = subprocess.Popen(_command(project, section, log))
    while process.poll() is None and _dots(log) <= enough:
        time.sleep(0.001)
    time.sleep(moments.uniform(0, 0.05))
    process.kill()
    return process.wait() != 0


def _dots(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0


def _command(project: Path, section: Path, log: Path) -> list[str]:
    return [sys.executable, "-m", "benchmarks.scan_kills", "--scan", str(project), str(section), str(log)]


def _picture(size: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    picture = rng.integers(0, 20, (size, size, 3), np.uint8)
    picture += (np.arange(size) // 40 % 2 * 60).astype(np.uint8)[None, :, None]
    for x, y in rng.integers(0, size - 32, (size // 20, 2)):
        picture[y : y + 24, x : x + 24] = 240
    for start in np.linspace(0.1, 0.8, 6):
        ends = [(int(v * size), int(w * size)) for v, w in ((start, 0.05), (start + 0.15, 0.95))]
        cv2.line(picture, ends[0], ends[1], (235, 235, 235), 16)
    return picture


def _found(path: Path) -> list[tuple]:
    with Project.open(path) as project:
        return sorted((d.label, d.score, d.box, d.area_px) for d in project.detections())


def _maps(path: Path) -> dict[str, bytes]:
    chunks = (file for file in (path / "maps").rglob("*") if file.is_file() and file.name.isdecimal())
    return {str(file.relative_to(path)): file.read_bytes() for file in chunks}


if __name__ == "__main__":
    main()
