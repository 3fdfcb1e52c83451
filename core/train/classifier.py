"""Decides how a window classifier is trained from pictures with marks on them, start to end."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
from core.models.card import CardError, check_card, spec_from_card
from core.models.catalog import read_model_folder
from core.models.networks.resnet_cells import ResNetCells
from core.models.networks.window_classifier import WindowClassifier, put_weights
from core.parameters import resolve
from core.train.base import TrainStep
from core.train.dataset import read_sections
from core.train.evaluate import Findings, Quality, choose_threshold, find_on, metrics_table
from core.train.families.cells import PARAMETERS
from core.train.loop import Schedule, State, fit
from core.train.package import Identity, Recipe, make_card, write_classifier
from core.train.record import training_record
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

    The state that did best on the validation sections is kept. Interrupted, it goes on where it was when called again
    with the same `out`. Raises UsageError for settings, InputError for data, ResourceError for device or disk,
    CancelledError when `cancel` was set.
    """
    values = resolve(PARAMETERS, settings)
    if values["crop_px"] % 8:
        raise UsageError("crop_px must be a multiple of 8")
    cancel = cancel or CancelToken()
    marked = read_marks(data)
    identity = _identity(values, out)
    random = np.random.default_rng(seed)
    torch.manual_seed(seed)
    network = ResNetCells(len(marked.labels) + 1, values["width"], values["blocks"])
    draft = _spec(identity, _recipe(values, marked, 0.5), network)
    emphasis = _emphasis(values["emphasis"], marked.labels)
    if values["start"]:
        _go_on_from(Path(values["start"]), network, draft)
    network = network.to(choose_device(device)).to(memory_format=torch.channels_last)
    sections = read_sections(marked, draft, values["validation_share"], random, progress, cancel)
    judge = _Judge(network, draft, sections.validation or sections.training, values["steps"], progress, cancel)
    out.mkdir(parents=True, exist_ok=True)
    schedule = Schedule(
        values["steps"], values["batch"], values["learning_rate"], smoothing=values["smoothing"],
        augmentation=values["augmentation"], narrowing=values["narrowing"], every=values["every"], checkpoint=out / CHECKPOINT_NAME,
    )  # fmt: skip
    sampler = CropSampler(sections.training, values["crop_px"], random, values["defect_share"], emphasis=emphasis)
    started = time.monotonic()
    fit(
        network, judge.state, sampler, schedule, _class_weights(values, marked), values["context_cells"], random,
        progress, cancel, judge.look,
    )  # fmt: skip
    network.load_state_dict(judge.state)
    training = _record(values, marked, seed, data, out, time.monotonic() - started, judge)
    metrics = metrics_table(judge.findings, draft.artefact_labels, judge.best.threshold)
    recipe = _recipe(values, marked, judge.best.threshold, training, {"validation": metrics})
    write_classifier(out, identity, recipe, network)
    (out / CHECKPOINT_NAME).unlink(missing_ok=True)
    return {"threshold": judge.best.threshold, **metrics}


_NOTHING = Quality(0.5, 0.0, 0.0, -1.0)
_NOTHING_FOUND = Findings((), (), 0.0)


@dataclass
class _Judge:
    """Looks at the validation sections now and then, and remembers the state that did best in `state`."""

    network: ResNetCells
    spec: ModelSpec
    sections: Any
    steps: int
    progress: Progress
    cancel: CancelToken
    best: Quality = _NOTHING
    state: State = field(default_factory=dict)
    findings: Findings = _NOTHING_FOUND
    history: list[dict[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state = {name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()}

    def look(self, step: int, averaged: Mapping[str, torch.Tensor]) -> None:
        """Measures the averaged weights; the network that trains is left as it was."""
        own = {name: tensor.clone() for name, tensor in self.network.state_dict().items()}
        self.network.load_state_dict(averaged)
        device = next(self.network.parameters()).device
        findings = find_on(WindowClassifier(self.spec, self.network, device), self.sections, self.cancel)
        quality = choose_threshold(findings, self.spec.artefact_labels, self.spec.score_floor)
        figures = {"f2": round(quality.f2, 4), "ap": round(quality.ap, 4)}
        self.history.append({"step": step, **figures})
        self.progress(TrainStep(step, self.steps, "validated", figures))
        if (quality.f2 + quality.ap) > (self.best.f2 + self.best.ap):
            self.best, self.findings = quality, findings
            for name, tensor in averaged.items():
                self.state[name].copy_(tensor)
        self.network.load_state_dict(own)


def _identity(values: Mapping[str, Any], out: Path) -> Identity:
    chosen = values["id"] or out.resolve().name
    return Identity(chosen, values["name"] or chosen, values["description"], values["licence"])


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


def _spec(identity: Identity, recipe: Recipe, network: ResNetCells) -> ModelSpec:
    """The spec of a network that has no weights file yet; raises UsageError now for what could not be saved later."""
    card = {**make_card(identity, recipe, network.reach_px), "weights": {"blake2b": "0" * 32}}
    try:
        check_card(card)
    except CardError as error:
        raise UsageError(f"such a model can't be saved: {error}", remedy="Choose another value with --set.") from None
    return spec_from_card(card, "trained", None)


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


def _record(
    values: Mapping[str, Any], marked: LabelledData, seed: int, data: Path, out: Path, seconds: float, judge: _Judge
) -> dict[str, Any]:
    start = values["start"]
    before = read_model_folder(Path(start)).card["training"].get("commands", []) if start else []
    return {
        **training_record("cells", PARAMETERS, values, marked, seed, data, out, before),
        "history": judge.history,
        "seconds": round(seconds),
        "device": str(next(judge.network.parameters()).device),
    }
