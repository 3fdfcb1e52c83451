"""Decides what the small classifier does in each step of its training: batches, loss, learning rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.jobs import CancelToken, Progress
from core.models.networks.resnet_cells import STRIDE_PX, ResNetCells, normalise
from core.train.augment import augment
from core.train.best_state import BestState, State
from core.train.losses import window_loss
from core.train.package import DEVIATION, MEAN
from core.train.regions import CellTargets, Crop, cell_targets
from core.train.sampling import CropSampler
from core.train.steps import Learner, Plan, train_steps

Array = np.ndarray


@dataclass(frozen=True)
class Schedule:
    """How long and how fast.

    In the first `narrowing` share of the steps, boxes narrow from all their windows to the surest (`losses.box_loss`).
    `every`, `checkpoint`: see `core.train.steps.Plan`.
    """

    steps: int
    batch: int
    learning_rate: float
    checkpoint: Path
    weight_decay: float = 1e-3
    smoothing: float = 0.02
    margin_cells: int = 2
    augmentation: float = 1.0
    narrowing: float = 0.4
    every: int = 500


def fit(
    network: ResNetCells,
    best: BestState[Any],
    sampler: CropSampler,
    schedule: Schedule,
    weights: Array | None,
    context_cells: int,
    rng: np.random.Generator,
    progress: Progress,
    cancel: CancelToken,
) -> State:
    """Trains `network` in place and returns the last running mean of its weights. Raises as `train_steps`."""
    device = next(network.parameters()).device
    optimiser = torch.optim.AdamW(network.parameters(), schedule.learning_rate, weight_decay=schedule.weight_decay)
    rate = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, schedule.learning_rate, total_steps=schedule.steps, pct_start=0.1
    )
    class_weights = None if weights is None else torch.as_tensor(weights, dtype=torch.float32, device=device)

    def learn(step: int) -> float:
        crops = [augment(sampler.draw(), rng, schedule.augmentation) for _ in range(schedule.batch)]
        narrowed = min(1.0, step / max(1.0, schedule.narrowing * schedule.steps))
        loss = _loss(network, crops, schedule, class_weights, context_cells, narrowed)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        rate.step()
        return loss.item()

    plan = Plan(schedule.steps, schedule.every, schedule.checkpoint)
    return train_steps(Learner(network, learn, optimiser, rate, rng), best, plan, progress, cancel)


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
