"""How much a scan costs beyond the model's own time, from a file on disk to detections in a project.

    python -m benchmarks.scan_overhead [--model texture battery-windows resnet50] [--size 4096] [--rounds 2]

A battery sample is written as CZI. Each round scans it and then lets the model alone compute the very tiles that were scanned,
read and prepared beforehand, one by one in one thread. Counted from the first tile on: looking for the specimen and learning
are not, nor is a first scan that only warms up. Torch and OpenCV compute with one thread. "Processor" is processor time of the whole process, all threads; it is
what a machine with one core would wait for, and less disturbed by other jobs than "wall". "resnet50" is torchvision's
ResNet-50 without weights, dense with stride 32, super-tiles of 2048 px with a halo of 128.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np

from core.compute_process import keep_memory
from core.jobs import CancelToken, Step
from core.models.base import Model, ModelSpec
from core.models.catalog import find_model, load_model
from core.project import Project
from core.readers.base import open_section
from core.scan.mapping import TilePipeline
from core.scan.options import Foreground, ScanOptions, ScanStep
from core.scan.preparing import prepare
from core.scan.runner import run_scan
from core.section import Section
from core.synthetic.sample import default_defects, make_sample
from core.synthetic.write import write_sample

Times = tuple[float, float]  # wall, processor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", nargs="+", default=["texture", "battery-windows", "resnet50"])
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=2)
    args = parser.parse_args()
    keep_memory()
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s.czi"
        write_sample(make_sample("battery", args.size, default_defects("battery", args.size), 3), path)
        for name in args.model:
            model = _resnet50() if name == "resnet50" else load_model(find_model(name), "cpu")
            _measure(name, model, path, Path(folder), args.rounds)


def _measure(name: str, model: Model, path: Path, folder: Path, rounds: int) -> None:
    scanned: list[Times] = []
    alone: list[Times] = []
    busy: list[float] = []
    with open_section(path) as section:
        with Project.create(folder / f"{name}-first") as project:
            _scan(project, section, model)  # whatever is imported late is here now
        for number in range(rounds):
            with Project.create(folder / f"{name}-{number}") as project:
                times, share = _scan(project, section, model)
                scanned.append(times)
                busy.append(share)
                alone.append(_compute_alone(project, section, model))
        area = section.info.width_px * section.info.height_px / 1e6
    for kind, which in enumerate(("wall", "processor")):
        ours, pure = median(t[kind] for t in scanned), median(t[kind] for t in alone)
        print(
            f"{name:16} {which:10} scan {ours / area:.3f} s/MP  model {pure / area:.3f}  over {100 * (ours / pure - 1):+.1f} %"
        )
    print(f"{name:16} device busy {100 * median(busy):.0f} %", flush=True)


_OPTIONS = ScanOptions(foreground=Foreground(skip=False))


def _scan(project: Project, section: Section, model: Model) -> tuple[Times, float]:
    began: list[Times] = []

    def note(step: Step) -> None:
        if isinstance(step, ScanStep) and not began:
            began.append(_now())

    summary = run_scan(project, section, model, _OPTIONS, note)
    wall, processor = _now()
    return (wall - began[0][0], processor - began[0][1]), summary.busy or 0.0


def _compute_alone(project: Project, section: Section, model: Model) -> Times:
    prepared = prepare(project, section, model, _OPTIONS, CancelToken())
    pipeline = TilePipeline(model, prepared.plan, prepared.source, CancelToken())
    tiles = [model.prepare(pipeline.read(tile)) for tile in prepared.plan.to_map]
    before = _now()
    for tile in tiles:
        model.collect(model.submit([tile]))
    after = _now()
    return after[0] - before[0], after[1] - before[1]


def _now() -> Times:
    return time.perf_counter(), time.process_time()


def _resnet50() -> Model:
    import torch
    import torchvision

    class Dense(Model):
        spec = ModelSpec(
            id="resnet50", name="ResNet-50", family="classifier", labels=("a", "b", "c"), um_per_px=None, tile_px=2048,
            halo_px=128, window_px=256, stride_px=32, map_channels=4, context_cells=4, score_unit="probability",
            score_floor=0.99, threshold=0.995, version="1",
        )  # fmt: skip

        def __init__(self) -> None:
            network = torchvision.models.resnet50(weights=None)
            layers = [*list(network.children())[:-2], torch.nn.Conv2d(2048, 4, 1)]
            self._network = torch.nn.Sequential(*layers).eval().to(memory_format=torch.channels_last)

        def map_tile(self, pixels: np.ndarray) -> np.ndarray:
            with torch.inference_mode():
                batch = torch.from_numpy(pixels)[None].permute(0, 3, 1, 2).float().div_(255)
                return self._network(batch.contiguous(memory_format=torch.channels_last))[0].numpy()

        def scores(self, maps: np.ndarray) -> Any:
            means = np.stack([cv2.blur(plane, (9, 9)) for plane in maps])
            shares = np.exp(means - means.max(axis=0))
            return (shares / shares.sum(axis=0))[1:]

    return Dense()


if __name__ == "__main__":
    main()
