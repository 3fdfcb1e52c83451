"""Decides what the folder of a feature memory says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from core.models.memory import KIND, LABEL, Sizes, scan_fields
from core.models.networks.memory_model import network_fields
from core.train.identity import Identity
from core.train.memory_start import Start
from core.train.normal_windows import NormalWindows
from core.train.package import versions

Array = np.ndarray


def make_card(
    folder: Path, values: Mapping[str, Any], windows: NormalWindows, learnt: Array, start: Start, sizes: Sizes
) -> dict[str, Any]:
    """The card, but for calibration, training, metrics and the hash of the weights. `values`: the trainer's parameters."""
    mean, deviation = start.input
    return {
        **Identity.of(folder, values).card_head(KIND, "anomaly", [LABEL]),
        "input": {**windows.input_fields, "mean": mean, "deviation": deviation},
        "network": network_fields(start.network, sizes),
        "scan": scan_fields(str(start.network["backbone"]), start.features.halo_px, values["window_px"]),
        "looks": windows.looks(learnt).to_json(),
        "versions": versions(),
    }
