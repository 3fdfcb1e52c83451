"""Decides how a network that finds parts is judged while it learns, and which of its states is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch

from core.average_precision import mean_average_precision
from core.jobs import CancelToken, Progress
from core.models.base import ModelSpec
from core.models.networks.detectors import Detector
from core.models.networks.instance_model import InstanceModel
from core.train.base import TrainStep
from core.train.instances_quality import findings, look_at, matched, mean_overlap
from core.train.loop import State
from core.train.regions import LabelledSection

PARTS = "parts"


@dataclass
class PartsJudged:
    """Looks at the validation pictures now and then, and remembers the state that did best in `state`.

    `names`: of the classes from 1; what comes after the spec's labels has no defect.
    """

    network: Detector
    spec: ModelSpec
    sections: Sequence[LabelledSection]
    names: Sequence[str]
    steps: int
    progress: Progress
    cancel: CancelToken
    best: tuple[float, float] = (-1.0, -1.0)
    state: State = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state = {name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()}

    def look(self, step: int, state: Mapping[str, torch.Tensor]) -> None:
        """Measures some weights; the network that trains is left as it was. Of equal precision, better outlines count."""
        self.cancel.check()
        own = {name: tensor.clone() for name, tensor in self.network.state_dict().items()}
        self.network.load_state_dict(state)
        model = InstanceModel(self.spec, self.network, None, next(self.network.parameters()).device)
        pictures = look_at(model, self.sections, self.names)
        self.network.load_state_dict(own)
        found = findings(pictures, self.names, 0.0)
        pairs = [(m, f) for picture in pictures for m, f in matched(picture) if f is not None]
        figures = {
            "map50": round(mean_average_precision(found.found, found.marked, 0.5), 4),
            "mask_iou": mean_overlap(pairs) or 0.0,
        }
        self.history.append({"step": step, **figures})
        self.progress(TrainStep(step, self.steps, "validated", figures))
        value = figures["map50"], figures["mask_iou"]
        if value > self.best:
            self.best = value
            for name, tensor in state.items():
                self.state[name].copy_(tensor)
