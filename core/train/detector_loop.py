"""Decides what a detector does in each step of its training: batches, loss, learning rate.

The rate can be found first (`try_rates`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.errors import ResourceError
from core.jobs import CancelToken, Progress
from core.models.networks.detectors import Detector
from core.train.best_state import BestState, State, copied
from core.train.detector_crops import draw_batch
from core.train.families.detector import SGD
from core.train.rate_finder import RateCurve, find_rate
from core.train.sampling import CropSampler
from core.train.steps import Learner, Plan, train_steps

_GRADIENT = 5.0  # longer gradients are shortened: the first steps from random weights are wild


@dataclass(frozen=True)
class DetectorSchedule:
    """How long and how fast. The rate rises over the first `warm_up` share of the steps and then falls as (1 − done)².

    `scale`, `shift`: (1, 3, 1, 1), pixels are normalised to pixel · scale − shift.
    """

    steps: int
    batch: int
    learning_rate: float
    optimiser: str
    scale: torch.Tensor
    shift: torch.Tensor
    checkpoint: Path
    memory_format: torch.memory_format = torch.contiguous_format
    masks: bool = False  # the network learns outlines, too
    weight_decay: float = 1e-4  # Badmos 2022, §3.10
    augmentation: float = 1.0
    warm_up: float = 0.03
    every: int = 500


def fit_detector(
    network: Detector,
    best: BestState[Any],
    sampler: CropSampler,
    schedule: DetectorSchedule,
    rng: np.random.Generator,
    progress: Progress,
    cancel: CancelToken,
) -> State:
    """Trains `network` in place and returns the last running mean of its weights.

    Raises ResourceError when the loss is no number any more, and as `train_steps`.
    """
    optimiser = _optimiser(network, schedule)
    rate = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _share_of_rate(step, schedule))

    def learn(step: int) -> float:
        loss = _loss(network, sampler, schedule, rng)
        if not torch.isfinite(loss):
            raise ResourceError(
                "the loss is no number any more", remedy="Start over with a lower learning_rate and another --out."
            )
        _descend(network, optimiser, loss)
        rate.step()
        return loss.item()

    plan = Plan(schedule.steps, schedule.every, schedule.checkpoint)
    return train_steps(Learner(network, learn, optimiser, rate, rng), best, plan, progress, cancel)


def try_rates(
    network: Detector,
    sampler: CropSampler,
    schedule: DetectorSchedule,
    rng: np.random.Generator,
    progress: Progress,
    cancel: CancelToken,
) -> RateCurve:
    """Which rate suits this training; weights and what is random in torch are afterwards as they were before.

    `sampler` and `rng` are used up, so give others than the training's. Raises as `find_rate`.
    """
    before = copied(network)
    random = torch.get_rng_state()
    optimiser = _optimiser(network, schedule)
    network.train()

    def learn(rate: float) -> float:
        for group in optimiser.param_groups:
            group["lr"] = rate
        loss = _loss(network, sampler, schedule, rng)
        if torch.isfinite(loss):
            _descend(network, optimiser, loss)
        return loss.item()

    try:
        return find_rate(learn, progress, cancel)
    finally:
        network.load_state_dict(before)
        torch.set_rng_state(random)


def _optimiser(network: Detector, schedule: DetectorSchedule) -> torch.optim.Optimizer:
    learned = [parameter for parameter in network.parameters() if parameter.requires_grad]
    if schedule.optimiser == SGD:
        return torch.optim.SGD(learned, schedule.learning_rate, 0.9, weight_decay=schedule.weight_decay, nesterov=True)
    return torch.optim.AdamW(learned, schedule.learning_rate, weight_decay=schedule.weight_decay)


def _share_of_rate(step: int, schedule: DetectorSchedule) -> float:
    """Polynomial decay of second degree (Badmos 2022, dissertation §3.10), after a short rise."""
    rise = min(1.0, (step + 1) / max(1.0, schedule.warm_up * schedule.steps))
    return rise * max(0.0, 1 - step / schedule.steps) ** 2


def _loss(
    network: Detector, sampler: CropSampler, schedule: DetectorSchedule, rng: np.random.Generator
) -> torch.Tensor:
    """Of the next batch: all that the network counts as wrong, added up."""
    device = next(network.parameters()).device
    pixels, targets = draw_batch(sampler, schedule.batch, rng, schedule.augmentation, schedule.masks)
    images = pixels.to(device).float().mul_(schedule.scale.to(device)).sub_(schedule.shift.to(device))
    moved = [{name: values.to(device) for name, values in target.items()} for target in targets]
    losses = network(images.contiguous(memory_format=schedule.memory_format), moved)
    return torch.stack(list(losses.values())).sum()


def _descend(network: Detector, optimiser: torch.optim.Optimizer, loss: torch.Tensor) -> None:
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), _GRADIENT)
    optimiser.step()
