"""Decides how a model of instances is trained from pictures with outlined parts, start to end: first parts, then classes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.data.labelled import LabelledData
from core.data.reading import read_marks
from core.devices import choose_device
from core.errors import InputError, UsageError
from core.jobs import CancelToken, Progress, Step, no_progress
from core.models.base import ModelSpec
from core.models.card import draft_of
from core.models.instances import no_defect_of
from core.models.networks.box_detector import normalisation
from core.models.networks.detectors import Detector
from core.models.networks.instance_model import InstanceModel, Judge, build_networks
from core.parameters import resolve
from core.train.base import TrainStep
from core.train.best_state import BestState
from core.train.dataset import TrainingData, read_sections
from core.train.detector_loop import DetectorSchedule, fit_detector
from core.train.detector_start import commands_before, put_start, start_weights
from core.train.evaluate import choose_threshold, metrics_table
from core.train.families.detector import ADAMW, SGD
from core.train.families.instances import CELLS, PARAMETERS
from core.train.identity import Identity
from core.train.instances_classes import fit_judge
from core.train.instances_package import PART, make_card, parts_alone, write_instances
from core.train.instances_parts import PARTS, measure_parts
from core.train.instances_quality import findings, look_at, part_figures
from core.train.record import training_record
from core.train.sampling import CropSampler
from core.truth import is_no_defect

PARTS_CHECKPOINT, CLASSES_CHECKPOINT = ".training.safetensors", ".training-classes.safetensors"
_RATES = {SGD: 5e-3, ADAMW: 1e-3}


@dataclass(frozen=True)
class _Task:
    """What both stages need. `names`: the classes from 1: the model's labels, and "no defect" last where there is one."""

    values: Mapping[str, Any]
    draft: ModelSpec
    names: tuple[str, ...]
    sections: TrainingData
    out: Path
    seed: int
    device: torch.device
    progress: Progress
    cancel: CancelToken

    @property
    def phases(self) -> int:
        return 1 if self.draft.card["network"]["judge"] is None else 2


def train_instances(
    data: Path,
    out: Path,
    settings: Mapping[str, Any],
    seed: int = 0,
    device: str = "auto",
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> dict[str, Any]:
    """Trains on `data` (see `core.data.reading`) and writes the model folder `out`; returns the validation metrics.

    Parts are found by the state with the best mean average precision on the validation pictures, and told apart by the one
    with the best macro F1 on the parts marked there. Interrupted, it goes on where it was when called again with the same
    `out`. Raises UsageError for settings, InputError for data or weights, ResourceError for device, disk or download,
    CancelledError when `cancel` was set.
    """
    values = resolve(PARAMETERS, settings)
    for name in ("crop_px", "input_px"):
        if values[name] % 32:
            raise UsageError(f"{name} must be a multiple of 32", remedy="For example 96.")
    cancel = cancel or CancelToken()
    started = time.monotonic()
    marked = read_marks(data)
    if not any(mark.outline for picture in marked.everything for mark in picture.marks):
        raise InputError(
            "nothing in it has an outline", path=data, remedy="Give polygons or masks, or train a detector."
        )
    labels, no_defect = _classes(marked, values["no_defect"])
    identity = Identity.of(out, values)
    draft = draft_of(make_card(identity, values, labels, no_defect))
    names = (*labels, *((no_defect,) if no_defect else ()))
    random = np.random.default_rng(seed)
    sections = read_sections(marked, replace(draft, labels=names), values["validation_share"], random, progress, cancel)
    out.mkdir(parents=True, exist_ok=True)
    task = _Task(values, draft, names, sections, out, seed, choose_device(device), progress, cancel)
    parts, history = _fit_parts(task, random)
    judge, told = _fit_classes(task)
    threshold, metrics = _judged(task, parts, judge)
    before = commands_before(values["weights"])
    record = training_record("instances", PARAMETERS, values, marked, seed, data, out, before)
    record |= {"history": {"parts": history, "classes": told}, "seconds": round(time.monotonic() - started)}
    record |= {"device": str(task.device)}
    record |= {"threshold_chosen_on": "validation" if sections.validation else "training"}
    card = make_card(identity, values, labels, no_defect, threshold, record, {"validation": metrics})
    write_instances(out, card, parts, judge)
    for left in (PARTS_CHECKPOINT, CLASSES_CHECKPOINT):
        (out / left).unlink(missing_ok=True)
    return {"threshold": threshold, **metrics}


def _classes(marked: LabelledData, wanted: str) -> tuple[tuple[str, ...], str | None]:
    """The labels, and the name of parts without a defect if there is one."""
    if wanted and wanted not in marked.labels:
        raise InputError(
            f"nothing is marked as {wanted!r}", path=marked.source, remedy="Known: " + ", ".join(marked.labels)
        )
    no_defect = wanted or next((one for one in marked.labels if is_no_defect(one)), None)
    labels = tuple(one for one in marked.labels if one != no_defect)
    if not labels:
        raise InputError(
            "all that is marked has no defect", path=marked.source, remedy="Mark parts with a defect, too."
        )
    return labels, no_defect


def _fit_parts(task: _Task, random: np.random.Generator) -> tuple[Detector, list[dict[str, float]]]:
    """The network that finds parts, at its best, and how it did on the way."""
    values, alone = task.values, parts_alone(task.draft)
    torch.manual_seed(task.seed)
    network, _ = build_networks(alone)
    state = start_weights(values["network"], values["weights"])
    if state is not None:
        put_start(network, values["network"], state, values["weights"])
    network = network.to(task.device)
    one_class = alone.labels == (PART,)
    training, validation = (
        [replace(s, classes=np.ones_like(s.classes)) if one_class else s for s in sections]
        for sections in (task.sections.training, task.sections.validation or task.sections.training)
    )
    told = _in_phase(task.progress, PARTS, task.phases)
    names = (PART,) if one_class else task.names
    best = BestState(
        network, lambda: measure_parts(network, alone, validation, names, task.cancel), values["steps"], told
    )
    sampler = CropSampler(training, values["crop_px"], random, values["defect_share"])
    fit_detector(network, best, sampler, _schedule(task, alone), random, told, task.cancel)
    network.load_state_dict(best.state)
    return network, best.history


def _fit_classes(task: _Task) -> tuple[Judge | None, list[dict[str, float]]]:
    """The judge, at its best, and how it did on the way; none where there is nothing to tell apart."""
    if task.draft.card["network"]["judge"] is None:
        return None, []
    checkpoint = task.out / CLASSES_CHECKPOINT
    return fit_judge(
        task.draft, task.sections, task.values, checkpoint, task.seed, task.device, task.progress, task.cancel
    )


def _judged(task: _Task, parts: Detector, judge: Judge | None) -> tuple[float, dict[str, Any]]:
    """The threshold, and how the whole model does on the validation pictures."""
    model = InstanceModel(task.draft, parts, judge, task.device)
    sections = task.sections.validation or task.sections.training
    pictures = look_at(model, sections, task.names)
    area = sum(one.pixels.shape[0] * one.pixels.shape[1] for one in sections)
    found = findings(pictures, task.draft.labels, area / 1e6)
    artefacts = task.draft.artefact_labels
    threshold = choose_threshold(found, artefacts, task.draft.score_floor).threshold
    figures = {"parts": part_figures(pictures, task.names, no_defect_of(task.draft))}
    return threshold, {**figures, **metrics_table(found, artefacts, threshold)}


def _in_phase(progress: Progress, phase: str, phases: int) -> Progress:
    def told(step: Step) -> None:
        progress(replace(step, phase=phase, phases=phases) if isinstance(step, TrainStep) else step)

    return told


def _schedule(task: _Task, spec: ModelSpec) -> DetectorSchedule:
    values, optimiser = task.values, task.values["optimiser"]
    if optimiser == "auto":
        optimiser = ADAMW if values["network"] == CELLS else SGD
    scale, shift = normalisation(spec)
    return DetectorSchedule(
        steps=values["steps"],
        batch=values["batch"],
        learning_rate=values["learning_rate"] or _RATES[optimiser],
        optimiser=optimiser,
        scale=scale,
        shift=shift,
        checkpoint=task.out / PARTS_CHECKPOINT,
        masks=True,
        augmentation=values["augmentation"],
        every=values["every"],
    )
