"""Decides how a network is fitted: batches, learning rate, a running mean of the weights, and starting again where it stopped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from core.jobs import CancelToken, Progress
from core.models.networks.resnet_cells import STRIDE_PX, ResNetCells, normalise
from core.train.augment import augment
from core.train.base import TrainStep
from core.train.checkpoint import load_checkpoint, save_checkpoint
from core.train.losses import window_loss
from core.train.package import DEVIATION, MEAN
from core.train.regions import CellTargets, Crop, cell_targets
from core.train.sampling import CropSampler

Array = np.ndarray


@dataclass(frozen=True)
class Schedule:
    """How long and how fast.

    In the first `narrowing` share of the steps, boxes narrow from all their windows to the surest (`losses.box_loss`).
    `checkpoint` (a file) is written every `every` steps and taken up again if it is there.
    """

    steps: int
    batch: int
    learning_rate: float
    weight_decay: float = 1e-3
    smoothing: float = 0.02
    margin_cells: int = 2
    augmentation: float = 1.0
    narrowing: float = 0.4
    every: int = 500
    checkpoint: Path | None = None


def loss_step(step: int, steps: int, recent: Sequence[float]) -> TrainStep:
    """What is told after a step; its loss is measured over the last ones, and every tenth is worth a point of a curve."""
    mean = float(np.mean(recent))
    return TrainStep(step, steps, f"loss {mean:.3f}", {"loss": mean} if step % 10 == 0 or step == steps else {})


State = dict[str, torch.Tensor]


class RunningMean:
    """An exponential mean of all weights and batch statistics: what is validated and kept (Polyak averaging)."""

    def __init__(self, network: torch.nn.Module, decay: float = 0.998) -> None:
        self._decay = decay
        self.state = {name: values.detach().clone() for name, values in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: torch.nn.Module, step: int) -> None:
        decay = min(self._decay, (1 + step) / (10 + step))
        for name, values in network.state_dict().items():
            if values.dtype.is_floating_point:
                self.state[name].lerp_(values, 1 - decay)
            else:
                self.state[name].copy_(values)


def with_best(average: RunningMean, best: State) -> State:
    """Both as one part of a checkpoint; its tensors are theirs."""
    states = (("mean", average.state), ("best", best))
    return {f"{part}/{name}": tensor for part, state in states for name, tensor in state.items()}


def fit(
    network: ResNetCells,
    best: State,
    sampler: CropSampler,
    schedule: Schedule,
    weights: Array | None,
    context_cells: int,
    rng: np.random.Generator,
    progress: Progress,
    cancel: CancelToken,
    each: Callable[[int, Mapping[str, torch.Tensor]], None],
) -> None:
    """Trains `network` in place; calls `each(step, averaged state)` every `schedule.every` steps and at the end.

    `best` is whatever state the caller keeps there (of the network's own shapes); it goes into the checkpoint too. With
    a checkpoint there, goes on from it, and calls `each` for the best so far.
    """
    device = next(network.parameters()).device
    optimiser = torch.optim.AdamW(network.parameters(), schedule.learning_rate, weight_decay=schedule.weight_decay)
    rate = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, schedule.learning_rate, total_steps=schedule.steps, pct_start=0.1
    )
    average = RunningMean(network)
    class_weights = None if weights is None else torch.as_tensor(weights, dtype=torch.float32, device=device)
    parts = {"network": network.state_dict(), "average": with_best(average, best)}
    start = 0
    if schedule.checkpoint is not None and schedule.checkpoint.is_file():
        start = load_checkpoint(schedule.checkpoint, parts, optimiser, rate, rng)
        each(start, {name: tensor.clone() for name, tensor in best.items()})
    network.train()
    recent: list[float] = []
    for step in range(start + 1, schedule.steps + 1):
        cancel.check()
        crops = [augment(sampler.draw(), rng, schedule.augmentation) for _ in range(schedule.batch)]
        narrowed = min(1.0, step / max(1.0, schedule.narrowing * schedule.steps))
        loss = _loss(network, crops, schedule, class_weights, context_cells, narrowed)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        rate.step()
        average.update(network, step)
        recent = [*recent[-49:], loss.item()]
        progress(loss_step(step, schedule.steps, recent))
        if step % schedule.every == 0 or step == schedule.steps:
            each(step, average.state)
            if schedule.checkpoint is not None:
                save_checkpoint(schedule.checkpoint, step, parts, optimiser, rate, rng)
            network.train()


def _loss(
    network: ResNetCells,
    crops: Sequence[Crop],
    schedule: Schedule,
    weights: torch.Tensor | None,
    context_cells: int,
    narrowed: float,
) -> torch.Tensor:
    device = next(network.parameters()).device
    pixels = torch.from_numpy(np.stack([crop.pixels for crop in crops])).to(device)
    images = normalise(pixels, MEAN, DEVIATION).contiguous(memory_format=torch.channels_last)
    side = 2 * context_cells + 1
    logits = torch.nn.functional.avg_pool2d(network(images), side, 1, context_cells, count_include_pad=False)
    targets = [cell_targets(crop, STRIDE_PX, schedule.margin_cells) for crop in crops]
    plain, box_of, box_class, box_least = (torch.from_numpy(a).to(device) for a in _joined(targets))
    return window_loss(logits, plain, box_of, box_class, box_least, weights, schedule.smoothing, narrowed)


def _joined(targets: Sequence[CellTargets]) -> tuple[Array, Array, Array, Array]:
    """The targets of a batch with boxes numbered through."""
    first = np.cumsum([0] + [len(t.box_class) for t in targets])
    box_of = np.stack(
        [np.where(t.box_of >= 0, t.box_of + n, t.box_of) for t, n in zip(targets, first[:-1], strict=True)]
    )
    return (
        np.stack([t.plain for t in targets]),
        box_of,
        np.concatenate([t.box_class for t in targets]).astype(np.int64),
        np.concatenate([t.box_least for t in targets]).astype(np.int64),
    )
