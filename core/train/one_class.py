"""Decides how a one-class machine learns the texture of what is normal, start to end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from core.anomaly.calibration import calibrate
from core.jobs import CancelToken, Progress, Step, no_progress
from core.models.card import draft_of
from core.models.classical import ANOMALY, METHODS, tensors_of
from core.models.classical_features import width_of, window_features
from core.models.weights import save_model
from core.parameters import resolve
from core.train.classical import check_windows, make_card
from core.train.classical_fit import fit_machine
from core.train.families.one_class import PARAMETERS
from core.train.normal_windows import NormalWindows, read_normal
from core.train.record import training_record

Array = np.ndarray


def train_one_class(
    data: Path,
    out: Path,
    settings: Mapping[str, Any],
    seed: int = 0,
    device: str = "auto",
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> dict[str, Any]:
    """Trains on what is normal in `data` (`core.data.normal`), writes the model folder `out`, returns the metrics.

    Where nobody said what is normal, the windows it finds strangest are left out and it learns anew. It takes seconds to
    minutes; interrupted, it begins anew. Raises UsageError for settings, InputError for data, ResourceError when the disk
    refuses, CancelledError.
    """
    values, cancel, started = resolve(PARAMETERS, settings), cancel or CancelToken(), time.monotonic()
    check_windows(values)
    windows = read_normal(data, values, values["window_px"], seed, progress, cancel)
    card = make_card(out, values, [ANOMALY], windows.um_per_px, "anomaly")
    card["input"] = windows.input_fields
    draft_of(card)
    learnt, held_out = windows.split(values["held_share"], seed)
    features = _features(windows, values, progress, cancel)
    machine = fit_machine(values["method"], features[learnt], np.zeros(len(learnt)), 1, values, seed)
    left_out = min(round(windows.trim * len(learnt)), len(learnt) - 1)
    if left_out:
        order = np.argsort(-machine.decide(features[learnt])[:, 0], kind="stable")
        learnt = np.sort(learnt[order[: len(learnt) - left_out]])
        machine = fit_machine(values["method"], features[learnt], np.zeros(len(learnt)), 1, values, seed)
    strange, known = (-machine.decide(features[part])[:, 0] for part in (held_out, learnt))
    middle = float(np.median(strange))
    is_of_learnt = bool(np.intersect1d(learnt, held_out).size)
    calibration = calibrate(strange - middle, known - middle, windows.window_mm2, windows.trim, seed, is_of_learnt)
    weight, bias = np.array([[-1 / calibration.limit]]), np.array([-middle / calibration.limit])
    card["calibration"] = calibration.to_json()
    card["looks"] = windows.looks(learnt).to_json()
    card["training"] = {
        **training_record("one_class", PARAMETERS, values, windows.data, seed, data, out),
        "windows": len(learnt) + left_out,
        "held_out": len(held_out),
        "validated_on_what_it_learnt": is_of_learnt,
        "left_out": left_out,
        "seconds": round(time.monotonic() - started),
    }
    card["metrics"] = {"validation": {"windows": len(held_out)}}
    card["network"] = {"method": values["method"], "sizes": machine.sizes()}
    save_model(out, card, tensors_of(machine, weight, bias), np.float64)
    return dict(card["metrics"])


def _features(windows: NormalWindows, values: Mapping[str, Any], progress: Progress, cancel: CancelToken) -> Array:
    """(n, features) float64."""
    kinds = METHODS[values["method"]][1]
    found = np.zeros((len(windows), width_of(kinds)))
    for index in range(len(windows)):
        cancel.check()
        progress(Step(index, len(windows), "Measuring textures"))
        found[index] = window_features(windows.read(index), values["window_px"], values["stride_px"], kinds)[0, 0]
    return found
