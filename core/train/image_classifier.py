"""Decides how a classifier with one of torchvision's networks is trained from single labelled images, start to end.

Optimiser and schedule are those of the dissertation (§3.8): Nesterov's momentum, the rate lowered in steps.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.data.image_set import ImageSet, counts, read_image_set
from core.devices import choose_device
from core.errors import UsageError
from core.jobs import CancelToken, Progress, no_progress
from core.models.networks.backbones import build
from core.models.networks.computing import Network
from core.models.networks.pretrained import download_weights, read_weights, start_from
from core.parameters import resolve
from core.train.class_losses import ClassLoss
from core.train.class_metrics import class_metrics
from core.train.epochs import CHECKPOINT_NAME, Course, Epochs, Fitted, predict, train_epochs
from core.train.families.windows import PARAMETERS, SMALL
from core.train.image_package import network_fields, write_image_classifier
from core.train.image_source import ImageSource
from core.train.splits import class_weights, group_folds


@dataclass(frozen=True)
class _Task:
    """What stays the same for every fold."""

    values: Mapping[str, Any]
    images: ImageSet
    source: ImageSource
    classes: np.ndarray
    seed: int
    device: torch.device
    start: Mapping[str, torch.Tensor] | None
    names: tuple[str, ...]


def train_image_classifier(
    data: Path,
    out: Path,
    settings: Mapping[str, Any],
    seed: int = 0,
    device: str = "auto",
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> dict[str, Any]:
    """Trains on a folder of labelled images (`core.data.image_set`), writes the model folder `out`, returns the metrics.

    Groups of images are never split. The state with the best macro F1 on the validated part is kept. Interrupted, it
    goes on from its last epoch when called again with the same `out`. Raises UsageError for settings, InputError for
    data, ResourceError for device, disk or download, CancelledError when `cancel` was set.
    """
    values = resolve(PARAMETERS, settings)
    if values["input_px"] % 32:
        raise UsageError("input_px must be a multiple of 32", remedy="84-px parts fit 96.")
    cancel = cancel or CancelToken()
    images = read_image_set(data, values["no_defect"])
    classes = np.array([images.class_of(image) for image in images.images])
    task = _Task(
        values, images, ImageSource(images.images, values["input_px"]), classes, seed, choose_device(device),
        _start(values), (images.no_defect or "no defect", *images.labels),
    )  # fmt: skip
    out.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    splits = group_folds(images.images, values["folds"], seed)
    fitted: list[tuple[Fitted, dict[str, Any]]] = []
    for fold, (training, validation) in enumerate(splits if values["cross_validate"] else splits[:1]):
        fitted.append(_fit(task, training, validation, out / f"{CHECKPOINT_NAME}.{fold}", fold, progress, cancel))
    network = _network(task)
    network.load_state_dict(fitted[0][0].best)
    metrics = {"validation": fitted[0][1]}
    if len(fitted) > 1:
        metrics["cross_validation"] = _spread([one for _, one in fitted])
    record = _record(task, fitted[0][0], time.monotonic() - started)
    write_image_classifier(out, values, images, network, record, metrics)
    for left in out.glob(f"{CHECKPOINT_NAME}.*"):
        left.unlink(missing_ok=True)
    return metrics


def _record(task: _Task, fitted: Fitted, seconds: float) -> dict[str, Any]:
    """What the card says of the training."""
    return {
        "seed": task.seed,
        "settings": dict(task.values),
        "images": counts(task.images.images),
        "groups": len({image.group for image in task.images.images}),
        "history": fitted.history,
        "seconds": round(seconds),
        "device": str(task.device),
    }


def _start(values: Mapping[str, Any]) -> Mapping[str, torch.Tensor] | None:
    if not values["weights"]:
        return None
    if values["backbone"] == SMALL:
        raise UsageError("there are no weights for the small network to start from", remedy="Choose another backbone.")
    if values["weights"] == "imagenet":
        return download_weights(values["backbone"])
    return read_weights(Path(values["weights"]))


def _network(task: _Task) -> Network:
    torch.manual_seed(task.seed)
    network = build(network_fields(task.values["backbone"]), len(task.names))
    if task.start is not None:
        try:
            start_from(network, task.start)  # type: ignore[arg-type]  # `_start` refuses weights for the small one
        except ValueError as error:
            raise UsageError(str(error), remedy="Name weights of the chosen backbone.") from None
    return network


def _fit(
    task: _Task,
    training: np.ndarray,
    validation: np.ndarray,
    checkpoint: Path,
    fold: int,
    progress: Progress,
    cancel: CancelToken,
) -> tuple[Fitted, dict[str, Any]]:
    values = task.values
    weights = class_weights(task.classes[training], len(task.names)) if values["weighted"] else None
    plan = Epochs(
        count=values["epochs"],
        patience=values["patience"],
        batch=values["batch"],
        learning_rate=values["learning_rate"],
        sampling=values["sampling"],
        augmentation=values["augmentation"],
        loss=ClassLoss(values["loss"], values["gamma"], values["epsilon"], values["beta"], values["alpha"]),
        class_weights=weights,
        seed=task.seed + fold,
        checkpoint=checkpoint,
        title=f"fold {fold + 1}" if values["cross_validate"] else "",
        courses=values["folds"] if values["cross_validate"] else 1,
    )
    network = _network(task).to(task.device).to(memory_format=torch.channels_last)
    course = Course(network, task.source, task.classes, training, validation, plan)
    fitted = train_epochs(course, progress, cancel)
    network.load_state_dict(fitted.best)
    return fitted, class_metrics(task.classes[validation], predict(course).argmax(1), task.names)


def _spread(results: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean and standard deviation over folds."""
    told: dict[str, Any] = {"folds": len(results)}
    for name in ("accuracy", "balanced_accuracy", "macro_f1"):
        values = [one[name] for one in results if one[name] is not None]
        told[name] = {"mean": round(float(np.mean(values)), 4), "sd": round(float(np.std(values, ddof=1)), 4)}
    return told
