"""Trainings for tests: a way to train that needs no torch and comes as a plug-in, so that real worker processes know it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np

from core.data.normal import find_normal
from core.errors import UsageError
from core.jobs import CancelToken, Progress, Step
from core.parameters import Parameter
from core.train.base import PREVIEW_NAME, TrainerSpec, TrainStep
from core.train.cost import Cost, estimate_cost
from core.train.request import TrainRequest
from core.train.running import run_training

CHECKPOINT = ".training.toy"
EVERY = 10


def card_of(model_id: str, **values: Any) -> dict[str, Any]:
    """A card that can be read, of a model that nobody loads."""
    return {
        "format": 1, "id": model_id, "name": model_id, "kind": "classifier", "family": "classifier",
        "description": "", "licence": "not stated", "labels": ["chip", "pore"], "artefact_labels": [],
        "input": {"um_per_px": 1.0, "mean": 0.5, "deviation": 0.25},
        "network": {"backbone": "resnet_cells", "width": 8, "blocks": 1},
        "scan": {
            "tile_px": 256, "halo_px": 64, "window_px": 24, "stride_px": 8, "map_channels": 3, "context_cells": 1,
            "score_unit": "probability", "score_floor": 0.2, "threshold": 0.5,
        },
        "training": {}, "metrics": {}, "versions": {}, "weights": {"blake2b": "0" * 32},
    } | values  # fmt: skip


def _train(
    data: Path,
    out: Path,
    settings: Mapping[str, Any],
    seed: int,
    device: str,
    progress: Progress,
    cancel: CancelToken | None,
) -> dict[str, Any]:
    steps, pause_s = int(settings.get("steps", 40)), float(settings.get("pause_s", 0.0))
    cancel = cancel or CancelToken()
    if settings.get("refuses"):
        raise UsageError("it does not want to", remedy="Ask nicely.")
    progress(Step(0, 1, "Reading"))
    out.mkdir(parents=True, exist_ok=True)
    kept = out / CHECKPOINT
    start = int(kept.read_text()) if kept.is_file() else 0
    for step in range(start + 1, steps + 1):
        cancel.check()
        time.sleep(pause_s)
        progress(TrainStep(step, steps, "loss", {"loss": 1 / step}))
        if step % EVERY == 0:
            kept.write_text(str(step))
            progress(TrainStep(step, steps, "validated", {"macro_f1": step / steps}))
    metrics = {
        "accuracy": 0.9, "images": 20, "macro_f1": 0.88,
        "classes": {"pore": {"precision": 0.75, "recall": 0.5}},
    }  # fmt: skip
    card = card_of(out.name, name=settings.get("name", out.name), training={"seed": seed}, metrics=metrics)
    (out / "model.json").write_text(json.dumps(card))
    kept.unlink(missing_ok=True)
    return {"validation": metrics}


SPEC = TrainerSpec(
    id="a_toy",
    family="classifier",
    name="Toy",
    description="Learns nothing.",
    data=("images",),
    parameters=(
        Parameter("name", str, "", "what people read"),
        Parameter("steps", int, 40, "how many", 1, 100_000, main=True),
        Parameter("pause_s", float, 0.0, "after each step", 0.0, 10.0, "s"),
        Parameter("refuses", bool, False, "raises an error"),
    ),
    run=_train,
    lighter={"steps": 20},
)


def _learn_normal(
    data: Path,
    out: Path,
    settings: Mapping[str, Any],
    seed: int,
    device: str,
    progress: Progress,
    cancel: CancelToken | None,
) -> dict[str, Any]:
    found = find_normal(data)
    out.mkdir(parents=True, exist_ok=True)
    for step in (1, 2):
        picture = np.full((80, 60, 3), 100 * step, np.uint8)
        cv2.imwrite(str(out / PREVIEW_NAME), picture)
        progress(TrainStep(step, 2, "validated", {"ssim": step / 2}))
    metrics = {"pictures": len(found.pictures), "regions": len(found.pictures[0].regions or ())}
    card = card_of(out.name, name=settings.get("name", out.name), metrics=metrics)
    (out / "model.json").write_text(json.dumps(card))
    return metrics


NORMAL_SPEC = TrainerSpec(
    id="b_toy",
    family="anomaly",
    name="Toy of what is normal",
    description="Learns nothing, either.",
    data=("normal",),
    parameters=(
        Parameter("name", str, "", "what people read"),
        Parameter("um_per_px", float, 0.0, "scale; 0: that of the pictures", 0.0, 1000.0),
        Parameter("window_px", int, 64, "side of a window", 8, 4096, "px", main=True),
    ),
    run=_learn_normal,
    preview=("Input", "Drawn again", "Residual"),
)


def write_trainer(folder: Path) -> Path:
    """A package's metadata that names the toys; whoever has `folder` in its path has them."""
    info = folder / "schliff_training_toy-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: schliff-training-toy\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[schliff.trainers]\na_toy = tests.training_support:SPEC\nb_toy = tests.training_support:NORMAL_SPEC\n"
    )
    return folder


class WorkerHere:
    """Stands for the process that trains: the same work in the thread that asks."""

    def __init__(self) -> None:
        self.worker = SimpleNamespace(pid=None)

    def train(self, request: TrainRequest, progress: Progress, cancel: CancelToken) -> dict[str, Any]:
        return run_training(request, progress, cancel)

    def cost(self, request: TrainRequest, progress: Progress, cancel: CancelToken) -> Cost:
        return estimate_cost(request, progress, cancel)

    def close(self) -> None:
        """There is nothing to end."""


def write_images(folder: Path, **classes: int) -> Path:
    """So many tiny images of each class."""
    rng = np.random.default_rng(0)
    for label, count in classes.items():
        (folder / label).mkdir(parents=True)
        for number in range(count):
            cv2.imwrite(str(folder / label / f"p{number:03}_1.png"), rng.integers(0, 255, (16, 16, 3), np.uint8))
    return folder


_TRAIN = """
import json, sys
import torch
torch.set_num_threads(1)
from core.train import checkpoint
from core.train.request import TrainRequest
from core.train.running import run_training
checkpoint.KEPT_EVERY_S = float(sys.argv[2])
run_training(TrainRequest.from_json(json.loads(sys.argv[1])))
"""


def train_and_kill(request: TrainRequest, is_time: Callable[[], bool], kept_every_s: float = 1e9) -> None:
    """Trains in a process of its own and ends it by SIGKILL, so that nothing can be put in order, as soon as it is time."""
    arguments = [json.dumps(request.to_json()), str(kept_every_s)]
    path = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen([sys.executable, "-c", _TRAIN, *arguments], env={**os.environ, **path})
    try:
        until = time.monotonic() + 120
        while not is_time() and time.monotonic() < until:
            assert process.poll() is None, "it ended by itself"
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        ended = process.wait()
    assert ended == -signal.SIGKILL, "it ended by itself"
