"""How close a scan comes to what its network could do alone, on a GPU: megapixels per second, from memory and from a file.

    python -m benchmarks.gpu_scan [--device cuda] [--side 24576] [--models resnet50 fasterrcnn] [--folder DIR]
    python -m benchmarks.gpu_scan --device cpu --side 1024 --tile 512 --seconds 1      a small run to see that it works

For each model: `pure`, the network alone on tiles that lie on the device already, at the best of several batches; `memory`,
the whole engine over a section in memory; `file`, the same over an uncompressed tiled TIFF, read for the first time.
Megapixels are those of the section: surroundings of a tile are computed too but count for nothing, for `pure` as for the
others. Weights are random (`benchmarks.gpu_models`), the section is noise, all of it counts as specimen. The last column
scales `file` to 40,448 patches of 512 px at stride 384, 6.0 gigapixels. A section of the default size takes 1.8 GB of
memory and as much of DIR.

Needs no Qt. Besides torch and torchvision: numpy, scipy, opencv-python-headless, tifffile, imagecodecs, zarr, safetensors,
platformdirs, psutil, defusedxml.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import torch

from benchmarks.gpu_models import MODELS
from core.models.base import Model, ModelSpec
from core.models.catalog import load_model
from core.project import Project
from core.readers.base import open_section
from core.scan.options import Foreground, ScanOptions
from core.scan.runner import run_scan
from core.section import Array, Plane, PyramidLevel, Section, SectionInfo

DISSERTATION_MP = 40_448 * 384**2 / 1e6
# Minutes from disk that are aimed at for it, and what its author took.
AIMS = {"resnet50": (2, "almost 3 h"), "fasterrcnn": (4, "35 min")}
AIMED_SHARE = 0.8
BATCHES = (1, 2, 4, 8, 16)
_IN_FLIGHT = 2


@dataclass(frozen=True)
class Figures:
    """Megapixels per second."""

    model: str
    tile_px: int
    batch: int
    pure: float
    memory: float
    file: float
    busy: float | None


class SectionInMemory(Section):
    """Pixels without a file of their own; `stamp` is a file that stands for them, by which a project knows them."""

    def __init__(self, pixels: Array, stamp: Path) -> None:
        self._pixels = pixels
        height, width, samples = pixels.shape
        level = PyramidLevel(width, height, 1.0)
        self.info = SectionInfo(stamp, "memory", width, height, samples, pixels.dtype, (level,), ("RGB",))

    def read_level(self, level: int, x: int, y: int, width: int, height: int, plane: Plane) -> Array:
        return self._pixels[y : y + height, x : x + width].copy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--side", type=int, default=24_576, help="of the section, px")
    parser.add_argument("--tile", type=int, help="side of a tile, px (default: the model's own)")
    parser.add_argument("--seconds", type=float, default=4.0, help="how long each batch is measured")
    parser.add_argument("--models", nargs="+", choices=tuple(MODELS), default=list(MODELS))
    parser.add_argument(
        "--folder", type=Path, help="where the TIFF is written (default: the folder for temporary files)"
    )
    args = parser.parse_args()
    print(f"torch {torch.__version__}, Python {platform.python_version()}, {_device_name(args.device)}")
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        pixels = _noise(args.side)
        figures = [_measure(name, Path(folder), pixels, args) for name in args.models]
        _print(figures)
        if "resnet50" in args.models:
            print(_format_differences(MODELS["resnet50"](Path(folder) / "formats", args.tile), args.device))
    print("Not run here: " + "; ".join(_not_run(args)) + ".")


def _measure(name: str, folder: Path, pixels: Array, args: argparse.Namespace) -> Figures:
    spec = MODELS[name](folder / name, args.tile)
    model = load_model(spec, args.device)
    batches = BATCHES if args.device != "cpu" else BATCHES[:1]
    pure, best = max((_pure(model, batch, args.seconds), batch) for batch in batches)
    stamp = folder / "stamp"
    stamp.write_text(name)
    # Once over a corner: what a library does when it is first called is no part of a scan's speed.
    corner = min(2 * spec.tile_px, len(pixels))
    _scan(folder / f"{name}-warm", SectionInMemory(pixels[:corner, :corner], stamp), model)
    memory, busy = _scan(folder / f"{name}-memory", SectionInMemory(pixels, stamp), model)
    with open_section(_as_file(folder / "section.tif", pixels)) as section:
        file, _ = _scan(folder / f"{name}-file", section, model)
    return Figures(name, spec.tile_px, best, pure, memory, file, busy)


def _scan(project_folder: Path, section: Section, model: Model) -> tuple[float, float | None]:
    """Megapixels per second from start to end, and the share of time in which the device was seen to compute."""
    options = ScanOptions(foreground=Foreground(skip=False))
    with Project.create(project_folder) as project:
        start = time.perf_counter()
        summary = run_scan(project, section, model, options)
        seconds = time.perf_counter() - start
    return section.info.width_px * section.info.height_px / 1e6 / seconds, summary.busy


def _pure(model: Model, batch: int, seconds: float) -> float:
    """Megapixels per second of tiles that lie on the device; 0 where so many don't fit."""
    spec = model.spec
    side = spec.tile_px + 2 * spec.halo_px
    tile = model.prepare(_noise(side)).to(model.device)
    # A classifier takes tiles stacked, a detector one by one.
    tiles = [torch.cat([tile] * batch)] if spec.output == "map" else [tile] * batch
    try:
        _run(model, tiles, lambda done, passed: done >= 2)
        count, passed = _run(model, tiles, lambda done, passed: passed >= seconds)
    except Exception as error:
        if "memory" not in str(error):
            raise
        return 0.0
    return count * batch * spec.tile_px**2 / 1e6 / passed


def _run(model: Model, tiles: Sequence[Any], is_enough: Callable[[int, float], bool]) -> tuple[int, float]:
    """Batches collected until it is enough, and the seconds they took; as in a scan, the next one is under way."""
    start, done = time.perf_counter(), 0
    under_way: deque[Any] = deque()
    while not is_enough(done, time.perf_counter() - start):
        under_way.append(model.submit(tiles))
        if len(under_way) == _IN_FLIGHT:
            model.collect(under_way.popleft())
            done += 1
    while under_way:
        model.collect(under_way.popleft())
        done += 1
    return done, time.perf_counter() - start


def _format_differences(spec: ModelSpec, device: str) -> str:
    """Of the scores of one tile, 16-bit "brain" floats against 32-bit ones."""
    from core.models.networks.backbones import build
    from core.models.networks.computing import DenseComputing
    from core.models.networks.window_classifier import put_weights
    from core.models.window_scores import window_probabilities

    network = build(spec.card["network"], len(spec.labels) + 1)
    put_weights(network, spec)
    mean, deviation = (torch.tensor(spec.card["input"][name])[:, None, None] for name in ("mean", "deviation"))
    pixels = _noise(min(spec.tile_px, 1024))
    scores = []
    for number_format in (torch.float32, torch.bfloat16):
        computing = DenseComputing(network, torch.device(device), mean, deviation, spec.id, number_format)
        logits = computing.submit(computing.prepare(pixels)).wait()[0]
        scores.append(window_probabilities(logits, spec.window_px // spec.stride_px, 1)[1:])
    difference = np.abs(scores[0] - scores[1])
    same = np.mean((scores[0] >= spec.threshold) == (scores[1] >= spec.threshold))
    return (
        f"{spec.id}, scores in bf16 against fp32: mean difference {np.nanmean(difference):.2g}, largest"
        f" {np.nanmax(difference):.2g}, same side of the threshold {same:.2%} (random weights)"
    )


def _print(figures: Sequence[Figures]) -> None:
    heads = ("model", "tile", "batch", "pure", "memory", "share", "file", "share", "busy", "6.0 GP", "aim", "then")
    print("megapixels of section per second; share: of pure (aim 0.8); 6.0 GP: minutes from the file")
    print("  ".join(f"{head:>10}" for head in heads))
    for one in figures:
        aim, then = AIMS[one.model]
        minutes = DISSERTATION_MP / one.file / 60
        cells = (
            one.model, one.tile_px, one.batch, f"{one.pure:.4g}", f"{one.memory:.4g}", _share(one.memory / one.pure),
            f"{one.file:.4g}", _share(one.file / one.pure), "–" if one.busy is None else f"{one.busy:.2f}",
            f"{minutes:.3g} min", f"{aim} min", then,
        )  # fmt: skip
        print("  ".join(f"{cell:>10}" for cell in cells))


def _share(value: float) -> str:
    return f"{value:.2f}" + ("" if value >= AIMED_SHARE else " MISSED")


def _not_run(args: argparse.Namespace) -> list[str]:
    missing = [name for name in MODELS if name not in args.models]
    missing += ["the cGAN generator with SSIM (no such family here)", "a CZI", "several GPUs"]
    if args.device == "cpu":
        missing.append("anything on a GPU")
    return [*missing, "bf16 against fp32 of the detector (it offers no choice)"]


def _noise(side: int) -> Array:
    """(side, side, 3) uint8, made of one random block again and again."""
    block = np.random.default_rng(0).integers(0, 256, (min(side, 2048), min(side, 2048), 3), np.uint8)
    times = -(-side // len(block))
    return np.tile(block, (times, times, 1))[:side, :side]


def _as_file(path: Path, pixels: Array) -> Path:
    """An uncompressed tiled TIFF that no cache holds any more, where the system allows to forget it."""
    if not path.exists():
        tifffile.imwrite(path, pixels, tile=(512, 512), photometric="rgb", bigtiff=True)
    if hasattr(os, "posix_fadvise"):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return path


def _device_name(device: str) -> str:
    return (
        torch.cuda.get_device_name(device)
        if device.startswith("cuda")
        else f"{device}, {torch.get_num_threads()} threads"
    )


if __name__ == "__main__":
    main()
