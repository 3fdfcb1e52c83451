"""A section in a file and a model without weights, both so simple that every value can be worked out by hand."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from core.models.base import Model, ModelSpec
from core.project import Project, SectionRecord
from core.project.scan_store import ScanStore

STRIDE = 8


def toy_spec(**changes) -> ModelSpec:
    values = {
        "id": "toy",
        "name": "Bright spots",
        "family": "anomaly",
        "labels": ("anomaly",),
        "um_per_px": None,
        "tile_px": 64,
        "halo_px": 16,
        "window_px": 24,
        "stride_px": STRIDE,
        "map_channels": 1,
        "context_cells": 1,
        "score_unit": "probability",
        "score_floor": 0.35,
        "threshold": 0.5,
        "version": "1",
    }
    return ModelSpec(**{**values, **changes})


def begin_toy_scan(
    project: Project, record: SectionRecord, spec: ModelSpec, replacing: ScanStore | None = None
) -> ScanStore:
    """A scan of one tile that a toy model has just begun, for candidates to be told to it."""
    return ScanStore.begin(
        project, record, spec, parameters={}, tiles_total=1, cell_px=STRIDE, context_px=24, threshold=0.5, device="cpu",
        provenance={}, replacing=replacing,
    )  # fmt: skip


class ToyModel(Model):
    """The brightness of a cell, 0 to 1; `scores` averages over 3 × 3 cells, so that tiles need their neighbours."""

    def __init__(self, spec: ModelSpec | None = None) -> None:
        self.spec = spec or toy_spec()
        self.mapped = 0

    def map_tile(self, pixels: np.ndarray) -> np.ndarray:
        self.mapped += 1
        height, width = pixels.shape[:2]
        grey = pixels.mean(axis=2, dtype=np.float32) / 255
        cells = cv2.resize(grey, (width // STRIDE, height // STRIDE), interpolation=cv2.INTER_AREA)
        return cells[None]

    def scores(self, maps: np.ndarray) -> np.ndarray:
        return cv2.blur(maps[0], (3, 3), borderType=cv2.BORDER_REPLICATE)[None]


def spotted_image(size: int = 400, spots: int = 12, seed: int = 0) -> np.ndarray:
    """Dark with bright squares of 24 px, far enough apart to be one finding each; some lie across tile borders.

    The ground is striped, so that nothing of it looks like empty background.
    """
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 20, (size, size, 3), np.uint8)
    image += (np.arange(size) // 40 % 2 * 60).astype(np.uint8)[None, :, None]
    places = [(x, y) for x in range(8, size - 32, 64) for y in range(8, size - 32, 64)]
    for index in rng.choice(len(places), spots, replace=False):
        x, y = places[index]
        x, y = x + int(rng.integers(0, 24)), y + int(rng.integers(0, 24))
        image[y : y + 24, x : x + 24] = 240
    return image


def write_image(path: Path, image: np.ndarray) -> Path:
    assert cv2.imwrite(str(path), image[..., ::-1])
    return path
