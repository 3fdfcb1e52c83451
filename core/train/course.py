"""Decides what a training on single pictures is of, what each of its batches costs, and what its network says of pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from core.models.networks.computing import Network
from core.train.class_losses import ClassLoss
from core.train.examples import Source
from core.train.window_package import normalisation_of

Array = np.ndarray

MOMENTUM, WEIGHT_DECAY = 0.9, 1e-4


@dataclass(frozen=True)
class Epochs:
    """How a training runs. `class_weights`: (classes,) float32 or None; `patience` in epochs."""

    count: int
    patience: int
    batch: int
    learning_rate: float
    sampling: str
    augmentation: float
    loss: ClassLoss
    class_weights: Array | None
    seed: int
    checkpoint: Path
    title: str = ""
    courses: int = 1  # that are trained after each other


@dataclass(frozen=True)
class Course:
    """What is trained on what.

    Args:
        classes: (n,) class of each image of `source`; training, validation: indices into it.
    """

    network: Network
    source: Source
    classes: Array
    training: Array
    validation: Array
    plan: Epochs

    @property
    def seen(self) -> Array:
        """The classes that are trained on."""
        return np.unique(self.classes[self.training])


def new_optimiser(course: Course) -> torch.optim.Optimizer:
    return torch.optim.SGD(
        course.network.parameters(), course.plan.learning_rate, MOMENTUM, weight_decay=WEIGHT_DECAY, nesterov=True
    )


def batch_loss(course: Course, chosen: Array, rng: np.random.Generator) -> torch.Tensor:
    """The mean loss of some images (indices), varied by chance."""
    network, plan = course.network, course.plan
    device = next(network.parameters()).device
    weights = None if plan.class_weights is None else torch.from_numpy(plan.class_weights).to(device)
    seen = torch.from_numpy(course.seen).to(device)
    pixels = course.source.batch(chosen, rng if plan.augmentation else None, plan.augmentation)
    target = torch.from_numpy(course.classes[chosen]).to(device)
    logits = network(_images(network, pixels)).mean((2, 3))
    # A class without an image would only be unlearnt; among the others the entropy terms keep their meaning.
    place = torch.searchsorted(seen, target)
    return plan.loss(logits[:, seen], place, None if weights is None else weights[seen]).mean()


def descend(optimiser: torch.optim.Optimizer, loss: torch.Tensor) -> None:
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()


def predict(network: Network, source: Source, indices: Array, seen: Array, batch: int) -> Array:
    """(n, classes) probabilities, without variation; only classes that are `seen` (numbers) get any."""
    network.eval()
    unseen = np.setdiff1d(np.arange(network.head.out_channels), seen)
    found = []
    with torch.inference_mode():
        for chosen in batches_of(indices, batch):
            logits = network(_images(network, source.batch(chosen))).mean((2, 3)).float().cpu()
            logits[:, unseen] = -torch.inf
            found.append(logits.softmax(1))
    return torch.cat(found).numpy()


def _images(network: Network, pixels: Array) -> torch.Tensor:
    device = next(network.parameters()).device
    mean, deviation = (torch.tensor(v, device=device)[:, None, None] for v in normalisation_of(network))
    images = torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2).float() / 255
    return ((images - mean) / deviation).contiguous(memory_format=torch.channels_last)


def batches_of(order: Array, size: int) -> Iterator[Array]:
    """Parts of at most `size`; a single one left over joins the last, since batch statistics need two."""
    starts = list(range(0, len(order), size))
    if len(starts) > 1 and len(order) - starts[-1] == 1:
        starts.pop()
    for index, start in enumerate(starts):
        yield order[start:] if index == len(starts) - 1 else order[start : start + size]
