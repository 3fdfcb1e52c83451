"""Decides how a detector is trained from a folder of marked sections, start to end."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.devices import choose_device
from core.errors import UsageError
from core.jobs import CancelToken, Progress, no_progress
from core.models.base import ModelSpec
from core.models.card import CardError, check_card, spec_from_card
from core.models.catalog import configure
from core.models.detector import NETWORKS
from core.models.networks.box_detector import BoxDetector, limits_of, normalisation
from core.models.networks.detectors import Detector, build
from core.parameters import Parameter, resolve
from core.train.dataset import TrainingFolder, read_sections, survey
from core.train.detector_loop import ADAMW, SGD, DetectorSchedule, State, fit_detector
from core.train.detector_package import DetectorRecipe, make_card, normalisation_of, write_detector
from core.train.detector_quality import mean_average_precision
from core.train.detector_start import put_start, start_weights
from core.train.evaluate import Findings, choose_threshold, find_on, metrics_table
from core.train.package import Identity
from core.train.record import training_record
from core.train.regions import LabelledSection
from core.train.sampling import CropSampler
from core.truth import ARTEFACT_CLASSES

CHECKPOINT_NAME = ".training.safetensors"
# Small networks of their own learn faster with it; torchvision's were made with momentum.
_LIGHT = ("ssd_cells", "ssdlite_mobilenet_v3")
_RATES = {SGD: 5e-3, ADAMW: 2e-3}

PARAMETERS = (
    Parameter("id", str, "", "what --model calls it; empty: the folder's name"),
    Parameter("name", str, "", "what people read; empty: the id"),
    Parameter("description", str, "", "what it finds, and on what it was trained"),
    Parameter("licence", str, "", "under which licence the weights may be used"),
    Parameter("data_commands", str, "", "how the data was made; kept in the card before the training command"),
    Parameter("network", str, "ssd_cells", "the network; ssd_cells is the smallest", choices=NETWORKS),
    Parameter("width", int, 24, "ssd_cells: feature maps of the first layers", 8, 128),
    Parameter("blocks", int, 2, "ssd_cells: residual blocks per stage", 1, 4),
    Parameter("weights", str, "", "start: empty random, imagenet or coco (torchvision's, online), a model folder, or a file"),
    Parameter("um_per_px", float, 1.0, "scale at which the network looks", 0.01, 1000, "µm/px"),
    Parameter("steps", int, 3000, "batches to train on", 1, 1_000_000),
    Parameter("batch", int, 8, "crops per batch", 1, 1024),
    Parameter("crop_px", int, 320, "side of a crop, a multiple of 32", 64, 2048, "px"),
    Parameter("optimiser", str, "auto", "auto: adamw for light networks, else sgd", choices=("auto", SGD, ADAMW)),
    Parameter("learning_rate", float, 0.0, "the highest; falls as (1 - done)²; 0: what suits the optimiser", 0.0, 1.0),
    Parameter("augmentation", float, 1.0, "how strongly light, colour, focus and noise are varied; 0: not", 0.0, 2.0),
    Parameter("defect_share", float, 0.7, "share of crops around marked defects", 0.0, 1.0),
    Parameter("validation_share", float, 0.2, "share of sections set aside, without a folder of them", 0.0, 0.9),
    Parameter("every", int, 500, "steps between two validations (and checkpoints)", 1, 1_000_000),
    Parameter("score_floor", float, 0.05, "boxes that score less are not kept", 0.01, 0.9),
)  # fmt: skip


def train_detector(
    data: Path,
    out: Path,
    settings: Mapping[str, Any],
    seed: int = 0,
    device: str = "auto",
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> dict[str, Any]:
    """Trains on `data` (see `core.train.dataset`) and writes the model folder `out`; returns the validation metrics.

    The state with the best mean average precision on the validation sections is kept. Interrupted, it goes on where it
    was when called again with the same `out`. Raises UsageError for settings, InputError for data or weights,
    ResourceError for device, disk or download, CancelledError when `cancel` was set.
    """
    values = resolve(PARAMETERS, settings)
    if values["crop_px"] % 32:
        raise UsageError("crop_px must be a multiple of 32", remedy="For example 320.")
    cancel = cancel or CancelToken()
    folder = survey(data)
    chosen = values["id"] or out.resolve().name
    identity = Identity(chosen, values["name"] or chosen, values["description"], values["licence"])
    random = np.random.default_rng(seed)
    torch.manual_seed(seed)
    draft = _draft(identity, _recipe(values, folder))
    network = _network(values, draft).to(choose_device(device))
    sections = read_sections(folder, draft, values["validation_share"], random, progress, cancel)
    judge = _Judge(network, draft, sections.validation or sections.training, cancel)
    out.mkdir(parents=True, exist_ok=True)
    sampler = CropSampler(sections.training, values["crop_px"], random, values["defect_share"])
    schedule = _schedule(values, draft, out / CHECKPOINT_NAME)
    started = time.monotonic()
    fit_detector(network, judge.state, sampler, schedule, random, progress, cancel, judge.look)
    network.load_state_dict(judge.state)
    threshold = choose_threshold(judge.findings, draft.artefact_labels, draft.score_floor).threshold
    record = training_record("detector", PARAMETERS, values, folder, seed, data, out)
    record |= {"history": judge.history, "seconds": round(time.monotonic() - started), "device": str(judge.device)}
    metrics = {**judge.precisions(), **metrics_table(judge.findings, draft.artefact_labels, threshold)}
    write_detector(out, identity, _recipe(values, folder, threshold, record, {"validation": metrics}), network)
    (out / CHECKPOINT_NAME).unlink(missing_ok=True)
    return {"threshold": threshold, **metrics}


@dataclass
class _Judge:
    """Looks at the validation sections now and then, and remembers the state that did best in `state`."""

    network: Detector
    spec: ModelSpec
    sections: Sequence[LabelledSection]
    cancel: CancelToken
    best: float = -1.0
    state: State = field(default_factory=dict)
    findings: Findings = Findings((), (), 0.0)  # noqa: RUF009 - it is frozen
    history: list[dict[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state = {name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()}
        self.device = next(self.network.parameters()).device

    def look(self, step: int, state: Mapping[str, torch.Tensor]) -> None:
        """Measures some weights; the network that trains is left as it was."""
        own = {name: tensor.clone() for name, tensor in self.network.state_dict().items()}
        self.network.load_state_dict(state)
        findings = find_on(BoxDetector(self.spec, self.network, self.device), self.sections, self.cancel)
        self.network.load_state_dict(own)
        value = mean_average_precision(findings.found, findings.marked, 0.5)
        self.history.append({"step": step, "map50": round(value, 4)})
        if value > self.best:
            self.best, self.findings = value, findings
            for name, tensor in state.items():
                self.state[name].copy_(tensor)

    def precisions(self) -> dict[str, float]:
        """Over all classes, at the overlaps of the dissertation (§5.2) and of Pascal VOC."""
        found, marked = self.findings.found, self.findings.marked
        return {f"map{round(100 * iou)}": round(mean_average_precision(found, marked, iou), 4) for iou in (0.33, 0.5)}


def _recipe(
    values: Mapping[str, Any],
    folder: TrainingFolder,
    threshold: float = 0.5,
    training: Mapping[str, Any] | None = None,
    metrics: Mapping[str, Any] | None = None,
) -> DetectorRecipe:
    own = {"width": values["width"], "blocks": values["blocks"]} if values["network"] == "ssd_cells" else {}
    mean, deviation = normalisation_of(values["network"])
    return DetectorRecipe(
        labels=folder.labels,
        artefact_labels=[label for label in folder.labels if label in ARTEFACT_CLASSES],
        um_per_px=values["um_per_px"],
        network={"architecture": values["network"], **own},
        threshold=threshold,
        score_floor=values["score_floor"],
        mean=mean,
        deviation=deviation,
        training=training or {},
        metrics=metrics or {},
    )


def _draft(identity: Identity, recipe: DetectorRecipe) -> ModelSpec:
    """The spec of a network that has no weights file yet; raises UsageError now for what could not be saved later."""
    card = {**make_card(identity, recipe), "weights": {"blake2b": "0" * 32}}
    try:
        check_card(card)
    except CardError as error:
        raise UsageError(f"such a model can't be saved: {error}", remedy="Choose another value with --set.") from None
    return configure(spec_from_card(card, "trained", None), {})


def _network(values: Mapping[str, Any], draft: ModelSpec) -> Detector:
    network = build(draft.card["network"], len(draft.labels), limits_of(draft))
    state = start_weights(values["network"], values["weights"])
    if state is not None:
        put_start(network, values["network"], state, values["weights"])
    return network


def _schedule(values: Mapping[str, Any], draft: ModelSpec, checkpoint: Path) -> DetectorSchedule:
    optimiser = values["optimiser"]
    if optimiser == "auto":
        optimiser = ADAMW if values["network"] in _LIGHT else SGD
    scale, shift = normalisation(draft)
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
    )
