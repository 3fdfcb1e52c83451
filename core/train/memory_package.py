"""Decides what the folder of a feature memory says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from core.anomaly.looks import looks_of
from core.models.card import CARD_FORMAT
from core.models.memory import KIND, LABEL, Sizes, scan_fields
from core.models.networks.memory_model import network_fields
from core.train.memory_start import Start
from core.train.normal_windows import NormalWindows
from core.train.package import versions

Array = np.ndarray

_LOOKED_AT = 64  # windows


def make_card(
    folder: Path, values: Mapping[str, Any], windows: NormalWindows, learnt: Array, start: Start, sizes: Sizes
) -> dict[str, Any]:
    """The card, but for calibration, training, metrics and the hash of the weights. `values`: the trainer's parameters."""
    identity = values["id"] or folder.resolve().name
    mean, deviation = start.input
    return {
        "format": CARD_FORMAT,
        "id": identity,
        "name": values["name"] or identity,
        "kind": KIND,
        "family": "anomaly",
        "description": values["description"],
        "licence": values["licence"] or "not stated",
        "labels": [LABEL],
        "artefact_labels": [],
        "input": {"um_per_px": windows.um_per_px, "mean": mean, "deviation": deviation},
        "network": network_fields(start.network, sizes),
        "scan": scan_fields(str(start.network["backbone"]), start.features.halo_px, values["window_px"]),
        "looks": looks_of(windows.read(int(index)) for index in learnt[:: max(1, len(learnt) // _LOOKED_AT)]).to_json(),
        "versions": versions(),
    }
