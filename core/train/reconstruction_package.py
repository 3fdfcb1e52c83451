"""Decides what the folder of a network that draws windows again says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.models.networks.cgan import sobel
from core.models.networks.reconstructors import as_seen
from core.models.reconstruction import CGAN, KIND, LABEL, SCORE, STRIDE, scan_fields
from core.train.identity import Identity
from core.train.normal_windows import NormalWindows
from core.train.package import versions
from core.train.reconstruction_judging import Ways

Array = np.ndarray

# So many windows say how steep edges are; of all px this share is as steep as white, or less.
_LOOKED_AT, _BELOW_WHITE = 64, 0.998


def network_fields(
    method: str, values: Mapping[str, Any], windows: NormalWindows, learnt: Array, seed: int
) -> dict[str, Any]:
    """The `network` part of a card. What is white in an edge map is found out here, once for the model."""
    fields: dict[str, Any] = {"method": method, "width": values["width"], "input_px": values["input_px"]}
    if method != CGAN:
        return fields | {"latent": values["latent"]}
    chosen = np.sort(np.random.default_rng(seed).permutation(learnt)[:_LOOKED_AT])
    steep = sobel(as_seen(torch.from_numpy(windows.batch(chosen)), values["input_px"])).numpy()
    return fields | {"edge_white": round(float(np.clip(np.quantile(steep, _BELOW_WHITE), 0.02, 2.0)), 4)}


def make_card(
    folder: Path,
    values: Mapping[str, Any],
    windows: NormalWindows,
    network: Mapping[str, Any],
    ways: Ways,
    learnt: Array,
    training: Mapping[str, Any],
    metrics: Mapping[str, Any],
) -> dict[str, Any]:
    """The card, but for the hash of the weights. `values`: the trainer's parameters; `learnt`: windows that count."""
    numbers = {
        stride: {score: {"usual": usual, "limit": found.limit} for score, (usual, found) in told.items()}
        for stride, told in ways.items()
    }
    calibrations = {
        stride: {score: found.to_json() for score, (_, found) in told.items()} for stride, told in ways.items()
    }
    return {
        **Identity.of(folder, values).card_head(KIND, "anomaly", [LABEL]),
        "input": windows.input_fields,
        "network": dict(network),
        "scan": scan_fields(values["window_px"], numbers),
        "calibration": calibrations[STRIDE.default][SCORE.default],
        "calibrations": calibrations,
        "looks": windows.looks(learnt).to_json(),
        "training": dict(training),
        "metrics": dict(metrics),
        "versions": versions(),
    }
