"""How well objects on the seams of tiles are put together: Schliff's engine, plain global NMS, and SAHI's default merging.

    python -m benchmarks.seams [--sahi PYTHON] [--side 8192] [--seed 1]

4,000 objects of 8 to 110 px, half of them planted on seams, and 60 long ones (lines and bows of 700 to 3,000 px) lie in
one section. All three run the same detector, which makes no mistakes but sees 640 px at a time, each tile overlapping the
next by 128 px: the box around each joined bright part of what it sees. Schliff scans a PNG into a real project.

Found: IoU at least 0.5 with a planted object, each counted once; a long one is whole at IoU 0.9. `--sahi`: the Python of an
environment with SAHI (`python -m venv DIR; DIR/bin/pip install sahi`); it must not be Schliff's own, for sahi brings
another OpenCV.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from core.models.base import Model, ModelSpec
from core.project import Project
from core.readers.base import open_section
from core.scan.options import Foreground, ScanOptions
from core.scan.runner import run_scan

Array = np.ndarray
CORE_PX, HALO_PX = 512, 64
SMALL, LONG = 4000, 60
WHOLE_IOU = 0.9

SPEC = ModelSpec(
    id="bright-parts",
    name="Bright parts",
    family="detector",
    labels=("defect",),
    um_per_px=None,
    tile_px=CORE_PX,
    halo_px=HALO_PX,
    window_px=64,
    stride_px=8,
    map_channels=1,
    context_cells=0,
    score_unit="probability",
    score_floor=0.1,
    threshold=0.1,
    version="1",
    output="boxes",
)


class BrightParts(Model):
    """Finds every joined bright part of a tile; its score grows with its area. `seconds`: what that took."""

    def __init__(self, spec: ModelSpec = SPEC) -> None:
        self.spec = spec
        self.seconds = 0.0

    def find_boxes(self, pixels: Array) -> Array:
        start = time.perf_counter()
        _, _, stats, _ = cv2.connectedComponentsWithStats((pixels[..., 0] > 127).astype(np.uint8), connectivity=8)
        x, y, w, h, area = (stats[1:, i].astype(np.float32) for i in range(5))
        boxes = np.stack([x, y, x + w, y + h, 0.5 + area / (area + 500) / 2, 0 * x], axis=1)
        self.seconds += time.perf_counter() - start
        return boxes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sahi", type=Path)
    parser.add_argument("--side", type=int, default=8192)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    section, truth = planted(args.side, args.seed)
    print(f"{len(truth) - LONG} small and {LONG} long objects in {args.side}² px")
    print(f"{'':22}recall  precision  long whole  seconds")
    with tempfile.TemporaryDirectory(prefix="seams") as folder:
        ours = told("Schliff", truth, *by_schliff(section, Path(folder)))
        plain = told("global NMS", truth, *by_nms(section))
        print(f"{'':22}Schliff ÷ global NMS: {ours / plain:.2f} × the seconds")
        if args.sahi is None:
            print("SAHI: not run. Make an environment with it (see --help) and give its Python with --sahi.")
        else:
            theirs = told("SAHI", truth, *by_sahi(section, args.sahi, Path(folder)))
            print(f"{'':22}SAHI ÷ Schliff: {theirs / ours:.2f} × the seconds")


def told(name: str, truth: Array, found: Array, seconds: float) -> float:
    ious = overlaps(truth, found)
    pairs = matched(ious)
    whole = np.mean(ious[-LONG:].max(axis=1) >= WHOLE_IOU)
    print(
        f"{name:22}{pairs / len(truth):.4f}  {pairs / len(found):.4f}     {whole:.3f}       {seconds:.2f}", flush=True
    )
    return seconds


def planted(side: int, seed: int) -> tuple[Array, Array]:
    """The section (side, side) uint8, and the planted boxes (n, 4), the long ones last. Nothing touches anything."""
    rng = np.random.default_rng(seed)
    section, taken = np.zeros((side, side), np.uint8), np.zeros((side, side), np.uint8)
    long = [plant(section, taken, lambda: a_line(rng, side)) for _ in range(LONG)]
    small = [plant(section, taken, lambda on_seam=i % 2 == 0: a_spot(rng, side, on_seam)) for i in range(SMALL)]
    return section, np.array(small + long, np.float32)


def plant(section: Array, taken: Array, shape) -> tuple[int, int, int, int]:  # type: ignore[no-untyped-def]
    """Draws what `shape` gives (polygon or line, width) where nothing is yet; its box x0, y0, x1, y1."""
    side = section.shape[0]
    while True:
        points, width = shape()
        x, y, w, h = cv2.boundingRect(points)
        m = width + 4
        x0, y0, x1, y1 = x - m, y - m, x + w + m, y + h + m
        if min(x0, y0) < 0 or max(x1, y1) > side:
            continue
        one = np.zeros((y1 - y0, x1 - x0), np.uint8)
        (cv2.polylines if width else cv2.fillPoly)(
            one, [points - (x0, y0)], *((False, 255, width) if width else (255,))
        )
        if not (taken[y0:y1, x0:x1] & one).any():
            section[y0:y1, x0:x1] |= one
            taken[y0:y1, x0:x1] |= cv2.dilate(one, np.ones((7, 7), np.uint8))
            bx, by, bw, bh = cv2.boundingRect(one)
            return x0 + bx, y0 + by, x0 + bx + bw, y0 + by + bh


def a_line(rng: np.random.Generator, side: int) -> tuple[Array, int]:
    """A line, or a bow, 6 px wide."""
    start, angle, length = rng.uniform(0, side, 2), rng.uniform(0, 2 * np.pi), rng.uniform(700, 3000)
    along = np.array([np.cos(angle), np.sin(angle)])
    across, bend = along[::-1] * (1, -1), rng.choice([0.0, 0.15])
    t = np.linspace(0, 1, 30)[:, None]
    points = start + length * (along * t + across * bend * np.sin(np.pi * t))
    return points.astype(np.int32), 6


def a_spot(rng: np.random.Generator, side: int, on_seam: bool) -> tuple[Array, int]:
    """A polygon of 8 to 110 px, on a seam or anywhere."""
    w, h = rng.uniform(8, 110, 2)
    middle = rng.uniform(0, side, 2)
    if on_seam:
        axis = rng.integers(2)
        middle[axis] = CORE_PX * rng.integers(1, side // CORE_PX) + rng.uniform(-0.5, 0.5) * (w, h)[axis]
    angles = np.sort(rng.uniform(0, 2 * np.pi, 12))
    points = middle + np.stack([np.cos(angles) * w / 2, np.sin(angles) * h / 2], axis=1)
    return points.astype(np.int32), 0


# -- the three ---------------------------------------------------------------------------------------------------------


def by_schliff(section: Array, folder: Path) -> tuple[Array, float]:
    path = folder / "section.png"
    cv2.imwrite(str(path), section, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    with Project.create(folder / "p.schliff") as project, open_section(path) as opened:
        opened.read_level(0, 0, 0, 1, 1, ScanOptions().plane)  # decoded once, as for the others
        model = BrightParts(replace(SPEC))
        start = time.perf_counter()
        run_scan(project, opened, model, ScanOptions(foreground=Foreground(skip=False)))
        seconds = time.perf_counter() - start
        boxes = [(d.box.x, d.box.y, d.box.x1, d.box.y1) for d in project.detections()]
    print(f"{'':22}(of Schliff's seconds the detector's: {model.seconds:.2f})")
    return np.array(boxes, np.float32), seconds


def by_nms(section: Array) -> tuple[Array, float]:
    """All boxes of all tiles, the surest first, without those that overlap a surer one by half."""
    side, model = section.shape[0], BrightParts()
    start, found = time.perf_counter(), []
    for y in range(-HALO_PX, side, CORE_PX):
        for x in range(-HALO_PX, side, CORE_PX):
            x0, y0 = max(x, 0), max(y, 0)
            view = section[y0 : y + CORE_PX + 2 * HALO_PX, x0 : x + CORE_PX + 2 * HALO_PX]
            boxes = model.find_boxes(np.repeat(view[..., None], 3, axis=2))
            found.append(boxes + np.array([x0, y0, x0, y0, 0, 0], np.float32))
    waiting, kept = np.concatenate(found), []
    waiting = waiting[np.argsort(-waiting[:, 4], kind="stable")]
    while len(waiting):
        kept.append(waiting[0, :4])
        waiting = waiting[1:][overlaps(waiting[:1], waiting[1:])[0] < 0.5]
    return np.array(kept), time.perf_counter() - start


def by_sahi(section: Array, python: Path, folder: Path) -> tuple[Array, float]:
    given, made = folder / "section.npy", folder / "boxes.npy"
    np.save(given, section)
    script = Path(__file__).with_name("seams_sahi.py")
    run = subprocess.run([python, script, given, made], check=True, capture_output=True, text=True)
    return np.load(made), float(run.stdout.split()[-1])


# -- counting ----------------------------------------------------------------------------------------------------------


def overlaps(one: Array, other: Array) -> Array:
    """(n, m) IoU."""
    low, high = np.maximum(one[:, None, :2], other[None, :, :2]), np.minimum(one[:, None, 2:4], other[None, :, 2:4])
    common = np.maximum(high - low, 0).prod(axis=2)
    areas = [(b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1]) for b in (one, other)]
    return common / (areas[0][:, None] + areas[1][None] - common)


def matched(ious: Array) -> int:
    """How many pairs there are at IoU 0.5, best first, each object and each box once."""
    rows, columns = np.nonzero(ious >= 0.5)
    order = np.argsort(-ious[rows, columns], kind="stable")
    used_rows, used_columns = set[int](), set[int]()
    for i in order:
        if rows[i] not in used_rows and columns[i] not in used_columns:
            used_rows.add(rows[i])
            used_columns.add(columns[i])
    return len(used_rows)


if __name__ == "__main__":
    main()
