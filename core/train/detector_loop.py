"""Decides how a detector is fitted: batches, learning rate, a running mean of the weights, starting again where it stopped.

The rate can be found first (`try_rates`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from core.errors import ResourceError
from core.jobs import CancelToken, Progress
from core.models.networks.detectors import Detector
from core.train.checkpoint import load_checkpoint, save_checkpoint
from core.train.detector_crops import draw_batch
from core.train.families.detector import SGD
from core.train.loop import RunningMean, State, loss_step, with_best
from core.train.rate_finder import RateCurve, find_rate
from core.train.sampling import CropSampler

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
    best: State,
    sampler: CropSampler,
    schedule: DetectorSchedule,
    rng: np.random.Generator,
    progress: Progress,
    cancel: CancelToken,
    each: Callable[[int, Mapping[str, torch.Tensor]], None],
) -> None:
    """Trains `network` in place; calls `each(step, averaged state)` every `schedule.every` steps and at the end.

    `best` is whatever state the caller keeps there (of the network's own shapes); it goes into the checkpoint too. With
    a checkpoint there, goes on from it, and calls `each` for the best so far. Raises ResourceError when the loss is no
    number any more, CancelledError.
    """
    optimiser = _optimiser(network, schedule)
    rate = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _share_of_rate(step, schedule))
    average = RunningMean(network)
    parts = {"network": network.state_dict(), "average": with_best(average, best)}
    start = 0
    if schedule.checkpoint.is_file():
        start = load_checkpoint(schedule.checkpoint, parts, optimiser, rate, rng)
        each(start, {name: tensor.clone() for name, tensor in best.items()})
    network.train()
    recent: list[float] = []
    for step in range(start + 1, schedule.steps + 1):
        cancel.check()
        loss = _loss(network, sampler, schedule, rng)
        if not torch.isfinite(loss):
            raise ResourceError(
                "the loss is no number any more", remedy="Start over with a lower learning_rate and another --out."
            )
        _descend(network, optimiser, loss)
        rate.step()
        average.update(network, step)
        recent = [*recent[-49:], loss.item()]
        progress(loss_step(step, schedule.steps, recent))
        if step % schedule.every == 0 or step == schedule.steps:
            each(step, average.state)
            save_checkpoint(schedule.checkpoint, step, parts, optimiser, rate, rng)
            network.train()


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
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
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
