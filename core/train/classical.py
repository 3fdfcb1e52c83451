"""Decides how a model without a network is trained, start to end, and what its folder says of itself."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import core
from core.data.image_set import ImageSet
from core.data.reading import read_data
from core.errors import InputError, UsageError
from core.jobs import CancelToken, Progress, Step, no_progress
from core.models.base import Family
from core.models.card import draft_of
from core.models.classical import ANOMALY, METHODS, ONE_CLASS, scan_fields, tensors_of
from core.models.classical_features import width_of, window_features
from core.models.weights import save_model
from core.parameters import resolve
from core.train.classical_learning import learn
from core.train.examples import Examples, Folds, read_examples, scale_of
from core.train.families.classical import PARAMETERS
from core.train.identity import Identity
from core.train.record import training_record
from core.truth import ARTEFACT_CLASSES

# Of probabilities, and of a one-class machine's score, which is 1 at the limit of what is normal.
_THRESHOLD, _FLOOR = 0.5, 0.2
_LIMIT, _LIMIT_FLOOR = 1.0, 0.5


def train_classical(
    data: Path,
    out: Path,
    settings: Mapping[str, Any],
    seed: int = 0,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> dict[str, Any]:
    """Trains on labelled data (`core.data.reading`), writes the model folder `out`, returns the metrics.

    It takes seconds to minutes; interrupted, it begins anew. Raises UsageError for settings, InputError for data,
    ResourceError when the disk refuses, CancelledError when `cancel` was set.
    """
    values, cancel, started = resolve(PARAMETERS, settings), cancel or CancelToken(), time.monotonic()
    check_windows(values)
    read = read_data(data, values["no_defect"])
    no_defect = read.no_defect if isinstance(read, ImageSet) else None
    card = make_card(out, values, read.labels, scale_of(read, values["um_per_px"]))
    examples = read_examples(read, draft_of(card), values["negatives"], seed, progress, cancel)
    left_out = np.random.default_rng(seed).permutation(len(examples.classes))[values["most"] :]
    folds = examples.folds(values["folds"], seed, left_out)
    _check(examples.classes, folds, values["method"], data)
    looks = _looks(examples, left_out, values, seed, progress, cancel)
    learned = learn(
        looks, examples.classes, folds, (no_defect or "no defect", *read.labels), values, seed, progress, cancel
    )
    card["training"] = {
        **training_record("classical", PARAMETERS, values, read, seed, data, out),
        "learnt_from": len(examples.classes),
        "validated_on_what_it_learnt": examples.is_one_group,
        "seconds": round(time.monotonic() - started),
    }
    card["metrics"] = {"validation": learned.metrics}
    card["network"] = {"method": values["method"], "sizes": learned.machine.sizes()}
    if values["method"] in ONE_CLASS:
        card["labels"], card["artefact_labels"] = [ANOMALY], []
    save_model(out, card, tensors_of(learned.machine, learned.weight, learned.bias), np.float64)
    return {"validation": learned.metrics}


def check_windows(values: Mapping[str, Any]) -> None:
    """Raises UsageError where a window has no cell in its middle."""
    if values["window_px"] / values["stride_px"] % 2 != 1:
        raise UsageError(
            f"a window of {values['window_px']} px is no odd number of strides of {values['stride_px']} px",
            remedy="Choose window_px as 3 or 5 times stride_px.",
        )


def _check(classes: np.ndarray, folds: Folds, method: str, data: Path) -> None:
    if not all(len(unseen) for _, unseen in folds):
        raise UsageError("nothing is left to calibrate on", remedy="Raise most, or set more of the data aside.")
    if method not in ONE_CLASS:
        if len(np.unique(classes)) < 2:
            raise InputError("all of it is of one class", path=data, remedy="Add something of another one.")
    elif not all((classes[training] == 0).any() for training, _ in folds):
        raise InputError(
            "too little of it is without a defect", path=data,
            remedy="Say which class is (--set no_defect=NAME), and add it from other sections.",
        )  # fmt: skip


def _looks(
    examples: Examples,
    left_out: np.ndarray,
    values: Mapping[str, Any],
    seed: int,
    progress: Progress,
    cancel: CancelToken,
) -> np.ndarray:
    """(n, looks, features) float64; the first look of each is as it is, the others are varied. 0 for what is left out."""
    rng, kinds, count = np.random.default_rng(seed), METHODS[values["method"]][1], len(examples.classes)
    found = np.zeros((count, values["looks"], width_of(kinds)))
    for done, index in enumerate(np.setdiff1d(np.arange(count), left_out)):
        cancel.check()
        progress(Step(done, count - len(left_out), "Measuring textures"))
        for look in range(values["looks"]):
            pixels = examples.source.batch([index], rng)[0] if look else examples.source.read(index)
            found[index, look] = window_features(pixels, values["window_px"], values["stride_px"], kinds)[0, 0]
    return found


def make_card(
    out: Path,
    values: Mapping[str, Any],
    labels: Sequence[str],
    um_per_px: float | None,
    family: Family = "classical",
) -> dict[str, Any]:
    """The card but for what is known after learning. A one-class machine's labels are the data's until then."""
    limits = (_LIMIT, _LIMIT_FLOOR) if values["method"] in ONE_CLASS else (_THRESHOLD, _FLOOR)
    artefacts = [label for label in labels if label in ARTEFACT_CLASSES]
    return {
        **Identity.of(out, values).card_head("classical", family, labels, artefacts),
        "input": {"um_per_px": um_per_px},
        "network": {},
        "scan": scan_fields(values["method"], len(labels), values["window_px"], values["stride_px"], *limits),
        "versions": {
            "schliff": core.__version__,
            "python": platform.python_version(),
            "scikit-learn": version("scikit-learn"),
            "scikit-image": version("scikit-image"),
            "numpy": np.__version__,
        },
    }
