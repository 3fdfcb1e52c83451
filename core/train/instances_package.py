"""Decides what the folder of a trained model of instances says of itself, and writes it: both networks in one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from core.models.base import ModelSpec
from core.models.instances import CELLS, scan_fields
from core.models.networks import backbones
from core.models.networks.instance_model import Judge, as_one
from core.models.networks.window_classifier import tensors_of
from core.models.weights import save_model
from core.train.detector_package import IMAGENET, OWN
from core.train.families.instances import ONE_CLASS
from core.train.identity import Identity
from core.train.package import versions
from core.train.window_package import network_fields, normalisation_of
from core.truth import ARTEFACT_CLASSES

# The one class of a network that only finds parts.
PART = "part"


def make_card(
    identity: Identity,
    values: Mapping[str, Any],
    labels: Sequence[str],
    no_defect: str | None,
    threshold: float = 0.5,
    training: Mapping[str, Any] | None = None,
    metrics: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The card, but for the hash of the weights, which `save_model` adds. `values`: the trainer's parameters."""
    own = {"width": values["width"], "blocks": values["blocks"]} if values["network"] == CELLS else {}
    mean, deviation = OWN if values["network"] == CELLS else IMAGENET
    artefacts = [label for label in labels if label in ARTEFACT_CLASSES]
    is_judged = values["parts"] == ONE_CLASS and len(labels) + (no_defect is not None) > 1
    return {
        **identity.card_head("instances", "instances", labels, artefacts),
        "input": {"um_per_px": values["um_per_px"], "mean": list(mean), "deviation": list(deviation)},
        "network": {
            "parts": {"architecture": values["network"], **own},
            "judge": _judge(values) if is_judged else None,
            "no_defect": no_defect,
        },
        "scan": scan_fields(threshold, values["score_floor"]),
        "training": dict(training or {}),
        "metrics": dict(metrics or {}),
        "versions": versions(),
    }


def parts_alone(draft: ModelSpec) -> ModelSpec:
    """What the network that finds parts is by itself: a model of one class, or of the draft's own without a judge."""
    network = draft.card["network"]
    if network["judge"] is None:
        return draft
    alone = {**draft.card, "labels": [PART], "network": {"parts": network["parts"], "judge": None, "no_defect": None}}
    return replace(draft, labels=(PART,), artefact_labels=(), card=alone, values={})


def write_instances(folder: Path, card: Mapping[str, Any], parts: nn.Module, judge: Judge | None) -> dict[str, Any]:
    """Writes the model folder and returns its card. Raises ResourceError when the disk refuses."""
    return save_model(folder, card, tensors_of(as_one(parts, judge)))


def _judge(values: Mapping[str, Any]) -> dict[str, Any]:
    fields = network_fields(values["backbone"])
    mean, deviation = normalisation_of(backbones.build(fields, 2))
    return {
        "network": fields,
        "side_px": values["input_px"],
        "margin": values["margin"],
        "outside": values["outside"],
        "mean": list(mean),
        "deviation": list(deviation),
    }
