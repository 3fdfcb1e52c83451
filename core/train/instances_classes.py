"""Decides how the second network of a model of instances learns to tell parts apart: from the marked ones, cut out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.errors import InputError
from core.jobs import CancelToken, Progress
from core.models.base import ModelSpec
from core.models.networks.instance_model import Judge, build_judge, classes_of
from core.train.class_losses import ClassLoss
from core.train.course import Course, Epochs
from core.train.dataset import TrainingData
from core.train.epochs import train_epochs
from core.train.instances_source import PartSource, parts_on
from core.train.splits import class_weights
from core.train.window_package import never_call
from core.train.window_start import put_start, start_of

CLASSES = "classes"


def fit_judge(
    draft: ModelSpec,
    sections: TrainingData,
    values: Mapping[str, Any],
    checkpoint: Path,
    seed: int,
    device: torch.device,
    progress: Progress,
    cancel: CancelToken,
) -> tuple[Judge, list[dict[str, float]]]:
    """The judge that a draft's card describes, trained, and what each epoch came to. `values`: the trainer's parameters.

    Goes on from the checkpoint where there is one. Raises UsageError for weights to start from, InputError for too few
    parts, ResourceError when the loss is no number any more, CancelledError.
    """
    torch.manual_seed(seed)
    judge = build_judge(draft.card["network"]["judge"], classes_of(draft))
    start = start_of(values["judge_weights"], values["backbone"])
    if start is not None:
        put_start(judge.network, start)
    training, validation = parts_on(sections.training), parts_on(sections.validation)
    if len(training) < 2:
        raise InputError("fewer than two parts to learn from", remedy="Mark more of them.")
    parts = [*training, *validation]
    classes = np.array([part.class_ for part in parts])
    learnt = np.arange(len(training))
    network: Any = judge.network
    course = Course(
        network=network.to(device).to(memory_format=torch.channels_last),
        source=PartSource(parts, judge.shape),
        classes=classes,
        training=learnt,
        validation=np.arange(len(training), len(parts)) if validation else learnt,
        plan=Epochs(
            count=values["epochs"],
            patience=values["patience"],
            batch=values["judge_batch"],
            learning_rate=values["judge_rate"],
            sampling=values["sampling"],
            augmentation=values["augmentation"],
            loss=ClassLoss(values["loss"], values["gamma"], values["epsilon"], values["beta"], values["alpha"]),
            class_weights=class_weights(classes[learnt], classes_of(draft), values["weighted"], 1.0),
            seed=seed,
            checkpoint=checkpoint,
            title=CLASSES,
            courses=2,
        ),
    )
    fitted = train_epochs(course, progress, cancel)
    network.load_state_dict(fitted.best)
    never_call(network, np.setdiff1d(np.arange(classes_of(draft)), course.seen).tolist())
    return judge, fitted.history
