"""Decides how a detector is trained from pictures with marks on them, start to end."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.average_precision import mean_average_precision
from core.data.labelled import LabelledData
from core.data.reading import read_marks
from core.devices import choose_device
from core.errors import UsageError
from core.jobs import CancelToken, Progress, no_progress
from core.models.base import ModelSpec
from core.models.card import draft_of
from core.models.catalog import configure
from core.models.networks.box_detector import BoxDetector, limits_of, normalisation
from core.models.networks.detectors import Detector, build
from core.parameters import resolve
from core.train.best_state import BestState, Measured
from core.train.dataset import TrainingData, read_sections
from core.train.detector_loop import DetectorSchedule, fit_detector, try_rates
from core.train.detector_package import DetectorRecipe, make_card, normalisation_of
from core.train.detector_start import commands_before, put_start, start_weights
from core.train.evaluate import Findings, choose_threshold, find_on, metrics_table
from core.train.families.detector import ADAMW, PARAMETERS, SGD
from core.train.identity import Identity
from core.train.package import save_best_and_last, tensors_at
from core.train.rate_finder import RATE_NAME, RateCurve, found_once
from core.train.record import training_record
from core.train.regions import LabelledSection
from core.train.sampling import CropSampler
from core.truth import ARTEFACT_CLASSES

CHECKPOINT_NAME = ".training.safetensors"
# Light networks learn faster with AdamW; torchvision's were made with momentum.
_LIGHT = ("ssd_cells", "ssdlite_mobilenet_v3")
_RATES = {SGD: 5e-3, ADAMW: 2e-3}


def train_detector(
    data: Path,
    out: Path,
    settings: Mapping[str, Any],
    seed: int = 0,
    device: str = "auto",
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> dict[str, Any]:
    """Trains on `data` (see `core.data.reading`) and writes the model folder `out`; returns the validation metrics.

    The state with the best mean average precision on the validation sections is the model; the last one is kept beside
    it. Interrupted, it goes on where it was when called again with the same `out`. Raises UsageError for settings, InputError for data or weights,
    ResourceError for device, disk or download, CancelledError when `cancel` was set.
    """
    values = resolve(PARAMETERS, settings)
    if values["crop_px"] % 32:
        raise UsageError("crop_px must be a multiple of 32", remedy="For example 320.")
    if values["find_rate"] and values["learning_rate"]:
        raise UsageError("a learning_rate is given and shall be found", remedy="Leave out one of the two.")
    cancel = cancel or CancelToken()
    marked = read_marks(data)
    identity = Identity.of(out, values)
    random = np.random.default_rng(seed)
    torch.manual_seed(seed)
    draft = configure(draft_of(make_card(identity, _recipe(values, marked))), {})
    network = _network(values, draft).to(choose_device(device))
    sections = read_sections(marked, draft, values["validation_share"], random, progress, cancel)
    judged = sections.validation or sections.training
    best = BestState(network, lambda: _measured(network, draft, judged, cancel), values["steps"], progress)
    out.mkdir(parents=True, exist_ok=True)
    schedule = _schedule(values, draft, out / CHECKPOINT_NAME)
    started = time.monotonic()

    def find() -> RateCurve:
        own = np.random.default_rng([seed, 1])
        return try_rates(network, _sampler(values, sections, own), schedule, own, progress, cancel)

    curve = found_once(out / RATE_NAME, find) if values["find_rate"] else None
    if curve is not None:
        schedule = replace(schedule, learning_rate=curve.suggestion)
    sampler = _sampler(values, sections, random)
    last = fit_detector(network, best, sampler, schedule, random, progress, cancel)
    threshold = choose_threshold(best.found, draft.artefact_labels, draft.score_floor).threshold
    record = training_record(
        "detector", PARAMETERS, values, marked, seed, data, out, commands_before(values["weights"])
    )
    record |= {"history": best.history, "seconds": round(time.monotonic() - started)}
    record |= {"device": str(next(network.parameters()).device)}
    record |= {"threshold_chosen_on": "validation" if sections.validation else "training"}
    record |= {"rate_curve": curve.to_json()} if curve else {}
    metrics = {**_precisions(best.found), **metrics_table(best.found, draft.artefact_labels, threshold)}
    card = make_card(identity, _recipe(values, marked, threshold, record, {"validation": metrics}))
    save_best_and_last(out, card, tensors_at(network, best.state), tensors_at(network, last))
    for left in (CHECKPOINT_NAME, RATE_NAME):
        (out / left).unlink(missing_ok=True)
    return {"threshold": threshold, **metrics}


def _measured(
    network: Detector, spec: ModelSpec, sections: Sequence[LabelledSection], cancel: CancelToken
) -> Measured[Findings]:
    findings = find_on(BoxDetector(spec, network, next(network.parameters()).device), sections, cancel)
    value = mean_average_precision(findings.found, findings.marked, 0.5)
    return Measured((value,), {"map50": round(value, 4)}, findings)


def _precisions(findings: Findings) -> dict[str, float]:
    """Over all classes, at the overlaps of DeepPCB, the dissertation (Badmos 2022, §3.10) and Pascal VOC."""
    found, marked = findings.found, findings.marked
    return {f"map{round(100 * iou)}": round(mean_average_precision(found, marked, iou), 4) for iou in (0.33, 0.45, 0.5)}


def _recipe(
    values: Mapping[str, Any],
    marked: LabelledData,
    threshold: float = 0.5,
    training: Mapping[str, Any] | None = None,
    metrics: Mapping[str, Any] | None = None,
) -> DetectorRecipe:
    own = {"width": values["width"], "blocks": values["blocks"]} if values["network"] == "ssd_cells" else {}
    mean, deviation = normalisation_of(values["network"])
    return DetectorRecipe(
        labels=marked.labels,
        artefact_labels=[label for label in marked.labels if label in ARTEFACT_CLASSES],
        um_per_px=values["um_per_px"],
        network={"architecture": values["network"], **own},
        threshold=threshold,
        score_floor=values["score_floor"],
        mean=mean,
        deviation=deviation,
        training=training or {},
        metrics=metrics or {},
    )


def _network(values: Mapping[str, Any], draft: ModelSpec) -> Detector:
    network = build(draft.card["network"], len(draft.labels), limits_of(draft))
    state = start_weights(values["network"], values["weights"])
    if state is not None:
        put_start(network, values["network"], state, values["weights"])
    return network


def _sampler(values: Mapping[str, Any], sections: TrainingData, rng: np.random.Generator) -> CropSampler:
    return CropSampler(sections.training, values["crop_px"], rng, values["defect_share"])


def _schedule(values: Mapping[str, Any], draft: ModelSpec, checkpoint: Path) -> DetectorSchedule:
    optimiser = values["optimiser"]
    if optimiser == "auto":
        optimiser = ADAMW if values["network"] in _LIGHT else SGD
    scale, shift = normalisation(draft)
    # Channels last is a quarter faster on processors; narrower than 8 maps, as some heads are, it corrupts memory there.
    return DetectorSchedule(
        steps=values["steps"],
        batch=values["batch"],
        learning_rate=values["learning_rate"] or _RATES[optimiser],
        optimiser=optimiser,
        scale=scale,
        shift=shift,
        checkpoint=checkpoint,
        augmentation=values["augmentation"],
        every=values["every"],
        memory_format=torch.channels_last if values["network"] == "ssd_cells" else torch.contiguous_format,
    )
