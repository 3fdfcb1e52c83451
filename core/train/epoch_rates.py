"""Decides how rising learning rates are tried on single pictures: on batches as the training has them, then all is undone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from core.jobs import CancelToken, Progress
from core.train.best_state import copied
from core.train.course import Array, Course, batch_loss, batches_of, descend, new_optimiser
from core.train.rate_finder import RateCurve, find_rate
from core.train.splits import epoch_order


def try_rates(course: Course, progress: Progress, cancel: CancelToken) -> RateCurve:
    """Which rate suits a course; weights and what is random in torch are afterwards as before. Raises as `find_rate`."""
    network, before, random = course.network, copied(course.network), torch.get_rng_state()
    rng = np.random.default_rng([course.plan.seed, 1])
    optimiser, batches = new_optimiser(course), _without_end(course, rng)
    network.train()

    def learn(rate: float) -> float:
        for group in optimiser.param_groups:
            group["lr"] = rate
        loss = batch_loss(course, next(batches), rng)
        if torch.isfinite(loss):
            descend(optimiser, loss)
        return loss.item()

    try:
        return find_rate(learn, progress, cancel)
    finally:
        network.load_state_dict(before)
        torch.set_rng_state(random)


def _without_end(course: Course, rng: np.random.Generator) -> Iterator[Array]:
    while True:
        order = epoch_order(course.classes[course.training], course.plan.sampling, rng)
        yield from batches_of(course.training[order], course.plan.batch)
