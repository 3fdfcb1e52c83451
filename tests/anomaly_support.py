"""A specimen with a known defect, and every way to learn what is normal of it, each trained for a moment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from core.detection import Detection
from core.geometry import Box
from core.models.base import Model
from core.models.catalog import configure, load_model, read_model_folder
from core.project import Project
from core.readers.base import open_section
from core.scan.options import Foreground, ScanOptions
from core.scan.runner import run_scan
from core.train.request import TrainRequest
from core.train.running import run_training

Array = np.ndarray

# Around the corner of four tiles of `TILE_PX`, so that several windows of any model show a part of it.
TILE_PX = 144
DEFECT = Box(108, 108, 72, 72)
SIDE_PX = 304

_DRAWING = {
    "width": 8, "window_px": 32, "input_px": 32, "batch": 8, "steps": 60, "every": 60, "most": 120, "learning_rate": 3e-3,
}  # fmt: skip
_TEXTURED = {"window_px": 48, "stride_px": 16, "most": 120}
# What is trained, how, and how it is run: each for some seconds.
WAYS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "cgan": ("cgan", _DRAWING, {}),
    "vae": ("vae", _DRAWING, {"score": "residual"}),
    "memory": (
        "memory",
        {"window_px": 64, "most": 60, "members": 300, "components": 24, "steps": 6, "batch": 4, "width": 8},
        {},
    ),
    "one_class_svm": ("one_class", {**_TEXTURED, "method": "one_class_svm"}, {}),
    "isolation_forest": ("one_class", {**_TEXTURED, "method": "isolation_forest", "trees": 40}, {}),
}


def discs(seed: int, defect: Box | None = None, side: int = SIDE_PX) -> Array:
    """(side, side, 3) uint8: bright discs on grey; where the defect is they are dark on white, and have edges all the same."""
    rng = np.random.default_rng(seed)
    pixels = rng.normal(110, 4, (side, side)).astype(np.float32)
    if defect is not None:
        x, y, w, h = defect.outer_pixels()
        pixels[y : y + h, x : x + w] += 130
    for y in range(6, side, 12):
        for x in range(6, side, 12):
            centre = (x + int(rng.integers(-1, 2)), y + int(rng.integers(-1, 2)))
            is_dark = defect is not None and defect.contains(x, y)
            cv2.circle(pixels, centre, 4, 30.0 if is_dark else 190.0, -1)
    return np.repeat(pixels.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def train(way: str, folder: Path) -> Path:
    """A model folder."""
    trainer, settings, _ = WAYS[way]
    data = folder / "data"
    data.mkdir()
    for number in range(3):
        cv2.imwrite(str(data / f"plate{number}_{number}.png"), discs(number, side=264))
    run_training(TrainRequest(trainer, data, folder / "model", settings, 3, "cpu"))
    return folder / "model"


def load(way: str, folder: Path, **values: Any) -> Model:
    return load_model(configure(read_model_folder(folder), {**WAYS[way][2], **values}), "cpu")


def scan(
    model: Model,
    section: Path,
    folder: Path,
    tile_px: int | None = None,
    batch: int | None = None,
    start_at: tuple[float, float] | None = None,
) -> tuple[Array, list[Detection]]:
    """The scores of all cells, and what reaches the model's threshold, worst first."""
    model.spec = replace(model.spec, tile_px=tile_px or model.spec.tile_px)
    model.batch_tiles = batch or model.batch_tiles
    options = ScanOptions(foreground=Foreground(skip=False), start_at=start_at)
    with Project.create(folder) as project, open_section(section) as opened:
        summary = run_scan(project, opened, model, options)
        scores = project.score_map(summary.scan_id)
        assert scores is not None
        cells = scores.look(0, 0, 0, scores.rows, scores.columns).scores
        return cells, [one for one in project.detections() if one.score >= model.spec.threshold]
