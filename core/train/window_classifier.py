"""Decides how a window classifier with one of torchvision's networks is trained, start to end.

It learns from whole images by class, or from windows cut from marked pictures (`core.train.examples`). Optimiser and
schedule are those of the dissertation (§3.8): Nesterov's momentum, the rate lowered in steps.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.data.image_set import ImageSet
from core.data.labelled import LabelledData
from core.data.reading import read_data
from core.devices import choose_device
from core.disk import disk_errors
from core.errors import UsageError
from core.jobs import CancelToken, Progress, no_progress
from core.models.card import draft_of
from core.models.networks.computing import Network
from core.parameters import resolve
from core.train.class_losses import ClassLoss
from core.train.class_metrics import class_metrics
from core.train.course import Course, Epochs, predict
from core.train.epoch_rates import try_rates
from core.train.epochs import CHECKPOINT_NAME, Fitted, train_epochs
from core.train.examples import Examples, Folds, read_examples, scale_of
from core.train.families.windows import PARAMETERS
from core.train.rate_finder import RATE_NAME, found_once
from core.train.record import training_record
from core.train.splits import class_weights, held_back
from core.train.window_package import make_card, new_network, write_window_classifier
from core.train.window_start import Start, put_start, start_of

Array = np.ndarray


@dataclass(frozen=True)
class _Task:
    """What stays the same for every fold. `names`: of the classes, "no defect" first."""

    values: Mapping[str, Any]
    names: tuple[str, ...]
    examples: Examples
    start: Start | None
    seed: int
    device: torch.device

    def network(self) -> Network:
        torch.manual_seed(self.seed)
        network = new_network(self.values["backbone"], len(self.names) - 1)
        if self.start is not None:
            put_start(network, self.start)
        return network.to(self.device).to(memory_format=torch.channels_last)


def train_window_classifier(
    data: Path,
    out: Path,
    settings: Mapping[str, Any],
    seed: int = 0,
    device: str = "auto",
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> dict[str, Any]:
    """Trains on labelled data (`core.data.reading`), writes the model folder `out`, returns the metrics.

    Groups are never split. The state with the best macro F1 on the validated part is the model; the last one is kept
    beside it. Interrupted, it goes on from its last epoch when called again with the same `out`. Raises UsageError for
    settings, InputError for data, ResourceError for device, disk or download, CancelledError when `cancel` was set.
    """
    values = resolve(PARAMETERS, settings)
    if values["find_rate"] and "learning_rate" in settings:
        raise UsageError("a learning_rate is given and shall be found", remedy="Leave out one of the two.")
    cancel = cancel or CancelToken()
    started = time.monotonic()
    read = read_data(data, values["no_defect"])
    start = start_of(values["weights"], values["backbone"])
    card = make_card(
        out, values, read.labels, scale_of(read, values["um_per_px"]), new_network(values["backbone"], len(read.labels))
    )
    examples = read_examples(read, draft_of(card), values["negatives"], seed, progress, cancel)
    task = _Task(values, _names(read), examples, start, seed, choose_device(device))
    with disk_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    tested, folds = _split(task)
    curve = None
    if values["find_rate"]:
        curve = found_once(out / RATE_NAME, lambda: try_rates(_course(task, 0, folds, out), progress, cancel))
    rate = curve.suggestion if curve else values["learning_rate"]
    fits = [train_epochs(_course(task, fold, folds, out, rate), progress, cancel) for fold in range(len(folds))]
    fitted, network = fits[0], task.network()
    each = [_judged(task, fit, trained, on) for fit, (trained, on) in zip(fits, folds, strict=True)]
    metrics = {"validation": each[0]}
    if len(tested):
        metrics["test"] = _judged(task, fitted, folds[0][0], tested)
    if len(folds) > 1:
        metrics["cross_validation"] = _spread(each)
    card["training"] = {
        **training_record("windows", PARAMETERS, values, read, seed, data, out, start.commands if start else ()),
        "pictures": _counted(task, folds[0], tested),
        "validated_on_what_it_learnt": examples.is_one_group,
        "history": fitted.history,
        "best_epoch": fitted.epoch,
        "seconds": round(time.monotonic() - started),
        "device": str(task.device),
        **({"rate_curve": curve.to_json()} if curve else {}),
    }
    card["metrics"] = metrics
    unseen = np.setdiff1d(np.arange(len(task.names)), examples.classes[folds[0][0]])
    write_window_classifier(out, card, network, fitted.best, fitted.last, unseen.tolist())
    for left in (out / RATE_NAME, *out.glob(f"{CHECKPOINT_NAME}.*")):
        left.unlink(missing_ok=True)
    return metrics


def _names(read: LabelledData | ImageSet) -> tuple[str, ...]:
    no_defect = read.no_defect if isinstance(read, ImageSet) else None
    return (no_defect or "no defect", *read.labels)


def _split(task: _Task) -> tuple[Array, Folds]:
    """What is kept back for a last look, and the folds of the rest that are trained."""
    values, examples = task.values, task.examples
    tested = held_back(examples.classes, examples.groups, values["test_share"], task.seed)
    folds = examples.folds(values["folds"], task.seed, tested)
    return tested, folds if values["cross_validate"] else folds[:1]


def _course(task: _Task, fold: int, folds: Folds, out: Path, learning_rate: float = 0.0) -> Course:
    values, (training, validation) = task.values, folds[fold]
    plan = Epochs(
        count=values["epochs"],
        patience=values["patience"],
        batch=values["batch"],
        learning_rate=learning_rate,
        sampling=values["sampling"],
        augmentation=values["augmentation"],
        loss=ClassLoss(values["loss"], values["gamma"], values["epsilon"], values["beta"], values["alpha"]),
        class_weights=class_weights(
            task.examples.classes[training], len(task.names), values["weighted"], values["defect_weight"]
        ),
        seed=task.seed + fold,
        checkpoint=out / f"{CHECKPOINT_NAME}.{fold}",
        title=f"fold {fold + 1}" if len(folds) > 1 else "",
        courses=len(folds),
    )
    examples = task.examples
    return Course(task.network(), examples.source, examples.classes, training, validation, plan)


def _judged(task: _Task, fitted: Fitted, trained: Array, judged: Array) -> dict[str, Any]:
    network, examples = task.network(), task.examples
    network.load_state_dict(fitted.best)
    seen = np.unique(examples.classes[trained])
    found = predict(network, examples.source, judged, seen, 2 * task.values["batch"])
    return class_metrics(examples.classes[judged], found.argmax(1), task.names)


def _counted(task: _Task, fold: tuple[Array, Array], tested: Array) -> dict[str, dict[str, int]]:
    """How many pictures of each class were used for what."""
    parts = {"training": fold[0], "validation": fold[1], "test": tested}
    numbers = {part: np.bincount(task.examples.classes[i], minlength=len(task.names)) for part, i in parts.items()}
    return {part: dict(zip(task.names, counts.tolist(), strict=True)) for part, counts in numbers.items()}


def _spread(results: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean and standard deviation over folds."""
    told: dict[str, Any] = {"folds": len(results)}
    for name in ("accuracy", "balanced_accuracy", "macro_f1"):
        values = [one[name] for one in results if one[name] is not None]
        told[name] = {"mean": round(float(np.mean(values)), 4), "sd": round(float(np.std(values, ddof=1)), 4)}
    return told
