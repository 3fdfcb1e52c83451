"""Decides how a window classifier is trained from pictures with marks on them, start to end."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.data.labelled import LabelledData
from core.data.reading import read_marks
from core.devices import choose_device
from core.errors import UsageError
from core.jobs import CancelToken, Progress, no_progress
from core.models.base import ModelSpec
from core.models.card import draft_of
from core.models.catalog import read_model_folder
from core.models.networks.resnet_cells import ResNetCells
from core.models.networks.window_classifier import WindowClassifier, put_weights
from core.parameters import resolve
from core.train.best_state import BestState, Measured
from core.train.dataset import read_sections
from core.train.evaluate import Findings, choose_threshold, find_on, metrics_table
from core.train.families.cells import PARAMETERS
from core.train.identity import Identity
from core.train.loop import Schedule, fit
from core.train.package import Recipe, make_card, save_best_and_last, tensors_at
from core.train.record import training_record
from core.train.regions import LabelledSection
from core.train.sampling import CropSampler
from core.truth import ARTEFACT_CLASSES

CHECKPOINT_NAME = ".training.safetensors"


def train_classifier(
    data: Path,
    out: Path,
    settings: Mapping[str, Any],
    seed: int = 0,
    device: str = "auto",
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> dict[str, Any]:
    """Trains on `data` (see `core.data.reading`) and writes the model folder `out`; returns the validation metrics.

    The state that did best on the validation sections is the model; the last one is kept beside it. Interrupted, it goes on where it was when called again
    with the same `out`. Raises UsageError for settings, InputError for data, ResourceError for device or disk,
    CancelledError when `cancel` was set.
    """
    values = resolve(PARAMETERS, settings)
    if values["crop_px"] % 8:
        raise UsageError("crop_px must be a multiple of 8")
    cancel = cancel or CancelToken()
    marked = read_marks(data)
    identity = Identity.of(out, values)
    random = np.random.default_rng(seed)
    torch.manual_seed(seed)
    network = ResNetCells(len(marked.labels) + 1, values["width"], values["blocks"])
    draft = draft_of(make_card(identity, _recipe(values, marked, 0.5), network.reach_px))
    emphasis = _emphasis(values["emphasis"], marked.labels)
    if values["start"]:
        _go_on_from(Path(values["start"]), network, draft)
    network = network.to(choose_device(device)).to(memory_format=torch.channels_last)
    sections = read_sections(marked, draft, values["validation_share"], random, progress, cancel)
    judged = sections.validation or sections.training
    best = BestState(network, lambda: _measured(network, draft, judged, cancel), values["steps"], progress)
    out.mkdir(parents=True, exist_ok=True)
    schedule = Schedule(
        values["steps"], values["batch"], values["learning_rate"], out / CHECKPOINT_NAME, smoothing=values["smoothing"],
        augmentation=values["augmentation"], narrowing=values["narrowing"], every=values["every"],
    )  # fmt: skip
    sampler = CropSampler(sections.training, values["crop_px"], random, values["defect_share"], emphasis=emphasis)
    started = time.monotonic()
    last = fit(
        network, best, sampler, schedule, _class_weights(values, marked), values["context_cells"], random, progress, cancel
    )  # fmt: skip
    threshold = choose_threshold(best.found, draft.artefact_labels, draft.score_floor).threshold
    training = {
        **training_record("cells", PARAMETERS, values, marked, seed, data, out, _commands_before(values["start"])),
        "history": best.history,
        "seconds": round(time.monotonic() - started),
        "device": str(next(network.parameters()).device),
        "threshold_chosen_on": "validation" if sections.validation else "training",
    }
    metrics = metrics_table(best.found, draft.artefact_labels, threshold)
    card = make_card(identity, _recipe(values, marked, threshold, training, {"validation": metrics}), network.reach_px)
    save_best_and_last(out, card, tensors_at(network, best.state), tensors_at(network, last))
    (out / CHECKPOINT_NAME).unlink(missing_ok=True)
    return {"threshold": threshold, **metrics}


def _measured(
    network: ResNetCells, spec: ModelSpec, sections: Sequence[LabelledSection], cancel: CancelToken
) -> Measured[Findings]:
    findings = find_on(WindowClassifier(spec, network, next(network.parameters()).device), sections, cancel)
    quality = choose_threshold(findings, spec.artefact_labels, spec.score_floor)
    figures = {"f2": round(quality.f2, 4), "ap": round(quality.ap, 4)}
    return Measured((quality.f2 + quality.ap,), figures, findings)


def _recipe(
    values: Mapping[str, Any],
    marked: LabelledData,
    threshold: float,
    training: Mapping[str, Any] | None = None,
    metrics: Mapping[str, Any] | None = None,
) -> Recipe:
    return Recipe(
        labels=marked.labels,
        artefact_labels=[label for label in marked.labels if label in ARTEFACT_CLASSES],
        um_per_px=values["um_per_px"],
        width=values["width"],
        blocks=values["blocks"],
        context_cells=values["context_cells"],
        threshold=threshold,
        score_floor=values["score_floor"],
        training=training or {},
        metrics=metrics or {},
    )


def _go_on_from(folder: Path, network: ResNetCells, draft: ModelSpec) -> None:
    """Puts another model's weights into `network`. Raises UsageError where the two don't fit, InputError for the folder."""
    spec = read_model_folder(folder)
    if (spec.labels, spec.card["network"], spec.um_per_px) != (draft.labels, draft.card["network"], draft.um_per_px):
        raise UsageError("it has other classes, another size or another scale", path=folder, remedy="Start without it.")
    put_weights(network, spec)


def _emphasis(text: str, labels: Sequence[str]) -> dict[int, float]:
    """ "pore:2,crack:3" by class number. Raises UsageError naming what can't be read."""
    weights = {}
    for part in filter(None, text.split(",")):
        name, _, weight = part.partition(":")
        try:
            weights[labels.index(name.strip()) + 1] = float(weight)
        except ValueError:
            raise UsageError(
                f"emphasis {part!r} is not CLASS:WEIGHT", remedy="Classes: " + ", ".join(labels) + "."
            ) from None
        if not 0 < float(weight) <= 1000:
            raise UsageError(f"emphasis {part!r} is out of range", remedy="Weights are above 0, up to 1000.")
    return weights


def _class_weights(values: Mapping[str, Any], marked: LabelledData) -> np.ndarray:
    weights = [values["artefact_weight"] if label in ARTEFACT_CLASSES else 1.0 for label in marked.labels]
    return np.array([1.0, *weights], np.float32)


def _commands_before(start: str) -> list[str]:
    return list(read_model_folder(Path(start)).card["training"].get("commands", [])) if start else []
