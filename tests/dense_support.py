"""Classifiers with random weights that behave like trained ones: sane batch statistics, scores that mean something."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from core.models.card import CARD_FORMAT
from core.models.classifier import CELL_PX, SURROUNDINGS_PX, scan_fields
from core.models.networks.backbones import BACKBONES, DenseBackbone, build
from core.models.networks.resnet_cells import normalise
from core.models.networks.window_classifier import tensors_of
from core.models.weights import save_model

Array = np.ndarray


def spotted(height: int, width: int, seed: int = 0, spots: int = 12) -> Array:
    """A grainy surface with dark and bright spots of 20 to 60 px: (h, w, 3) uint8."""
    rng = np.random.default_rng(seed)
    grain = cv2.GaussianBlur(rng.normal(0, 60, (height, width)).astype(np.float32), (0, 0), 2)
    fine = rng.normal(130, 8, (height, width, 3)).astype(np.float32)
    picture = np.ascontiguousarray(fine + grain[..., None])
    for _ in range(spots):
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        shade = float(rng.choice([20, 240]))
        cv2.circle(picture, centre, int(rng.integers(10, 30)), (shade, shade, shade), -1)
    return np.clip(picture, 0, 255).astype(np.uint8)


def calibrated(
    name: str, pictures: list[Array], share: float = 0.1, spread: float = 3.0, seed: int = 0
) -> DenseBackbone:
    """A network with random convolutions, batch statistics taken from pictures, and a head for two classes set so that
    the logit of a window varies by `spread` and `share` of the windows of 256 px score above one half."""
    torch.manual_seed(seed)
    network = build({"backbone": name}, 2)
    assert isinstance(network, DenseBackbone)
    mean, deviation = (torch.tensor(v)[:, None, None] for v in BACKBONES[name].normalisation)
    batch = normalise(torch.from_numpy(np.stack(pictures)), mean, deviation)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # the plain mean over what is shown
    with torch.no_grad():
        network.train()(batch)
        features = network.eval().features(batch)
        edge = max(
            0, min(4, (features.shape[2] - 8) // 2)
        )  # where the padding is seen, if there is room to leave it out
        features = features[:, :, edge : features.shape[2] - edge, edge : features.shape[3] - edge]
        side = min(8, *features.shape[2:])
        windows = torch.nn.functional.avg_pool2d(features, side, 1).permute(0, 2, 3, 1).reshape(-1, features.shape[1])
        centred = windows - windows.mean(0)
        direction = torch.linalg.svd(centred, full_matrices=False).Vh[0]
        along = windows @ direction
        weight = direction * spread / along.std()
        assert network.head.bias is not None
        network.head.weight.zero_()
        network.head.bias.zero_()
        network.head.weight[1, :, 0, 0] = weight
        network.head.bias[1] = -torch.quantile(windows @ weight, 1 - share)
    return network


def card_of(name: str, window_px: int = 256, **scan: Any) -> dict[str, Any]:
    mean, deviation = BACKBONES[name].normalisation
    return {
        "format": CARD_FORMAT,
        "id": f"windows-{name}",
        "name": name,
        "kind": "classifier",
        "family": "classifier",
        "labels": ["spot"],
        "artefact_labels": [],
        "input": {"um_per_px": None, "mean": mean, "deviation": deviation},
        "network": {"backbone": name},
        "scan": {**scan_fields(name, 1, 0.5, 0.5, window_px), **scan},
    }


def write_model(folder: Path, network: DenseBackbone, name: str, window_px: int = 256, **scan: Any) -> Path:
    save_model(folder, card_of(name, window_px, **scan), tensors_of(network))
    return folder


def cut(picture: Array, row: int, column: int, window_px: int, around_px: int = SURROUNDINGS_PX) -> Array:
    """The window that begins at a cell, with `around_px` on each side."""
    top, left = row * CELL_PX - around_px, column * CELL_PX - around_px
    side = window_px + 2 * around_px
    return picture[top : top + side, left : left + side]
