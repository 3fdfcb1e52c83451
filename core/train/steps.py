"""Decides how a network is trained step by step, whatever a step is: a running mean of its weights, when it is validated,
when it is kept, and that it goes on where it stopped as if it never had."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.errors import CancelledError
from core.jobs import CancelToken, Progress
from core.train.base import TrainStep
from core.train.best_state import BestState, State, copied
from core.train.checkpoint import Checkpoint

_RECENT = 50  # steps over which what is told is a mean


@dataclass(frozen=True)
class Plan:
    """How many steps, and how many between two validations; `checkpoint`: a file, taken up again if it is there."""

    steps: int
    every: int
    checkpoint: Path


@dataclass(frozen=True)
class Learner:
    """What learns.

    Args:
        learn: takes a step (counted from 1) and returns its loss; all that it draws, it draws from `random` and torch.
        optimiser, rate: whose state belongs to the training, too.
        figures: what else the last step measured, for its curves.
    """

    network: torch.nn.Module
    learn: Callable[[int], float]
    optimiser: torch.optim.Optimizer
    rate: torch.optim.lr_scheduler.LRScheduler
    random: np.random.Generator
    figures: Callable[[], Mapping[str, float]] = dict


class RunningMean:
    """An exponential mean of all weights and batch statistics: what is validated and kept (Polyak averaging)."""

    def __init__(self, network: torch.nn.Module, decay: float = 0.998) -> None:
        self._decay = decay
        self.state = copied(network)

    @torch.no_grad()
    def update(self, network: torch.nn.Module, step: int) -> None:
        decay = min(self._decay, (1 + step) / (10 + step))
        for name, values in network.state_dict().items():
            if values.dtype.is_floating_point:
                self.state[name].lerp_(values, 1 - decay)
            else:
                self.state[name].copy_(values)


def train_steps(learner: Learner, best: BestState[Any], plan: Plan, progress: Progress, cancel: CancelToken) -> State:
    """Trains the network in place, lets `best` look at its running mean every `plan.every` steps and at the end, and
    returns the last mean.

    Kept after each validation, every two minutes, and when it is cancelled. Raises what a step raises, ResourceError when
    it can't be kept, CancelledError.
    """
    run = _Run(learner, best, plan)
    try:
        run.validate()  # a break may have come between a step and its validation
        while run.done < plan.steps:
            cancel.check()
            progress(run.step())
            run.validate()
            run.keep_if_due()
    except CancelledError:
        run.keep()
        raise
    return run.average.state


class _Run:
    """A training as it is now: `done` steps, of which all went into the network and its mean."""

    def __init__(self, learner: Learner, best: BestState[Any], plan: Plan) -> None:
        self._learner, self._best, self._plan = learner, best, plan
        self.average = RunningMean(learner.network)
        states = {"network": learner.network.state_dict(), "mean": self.average.state, "best": best.state}
        self._kept = Checkpoint(plan.checkpoint, states, learner.optimiser, learner.rate, learner.random)
        self.done, notes = self._kept.load()
        best.go_on(notes)
        self._recent: list[dict[str, float]] = list(notes.get("measured", ()))
        learner.network.train()

    def step(self) -> TrainStep:
        loss = self._learner.learn(self.done + 1)
        self.average.update(self._learner.network, self.done + 1)
        self.done += 1
        self._recent = [*self._recent, {"loss": loss, **self._learner.figures()}][-_RECENT:]
        return _told(self.done, self._plan.steps, self._recent)

    def validate(self) -> None:
        """If it is time to, and it was not done before."""
        is_time = self.done == self._plan.steps or (self.done and self.done % self._plan.every == 0)
        if is_time and self._best.last_step < self.done:
            self._best.look(self.done, self.average.state)
            self._learner.network.train()
            self.keep()

    def keep(self) -> None:
        self._kept.save(self.done, {**self._best.notes, "measured": self._recent})

    def keep_if_due(self) -> None:
        if self._kept.is_due:
            self.keep()


def _told(step: int, steps: int, recent: Sequence[Mapping[str, float]]) -> TrainStep:
    """What is told after a step; its figures are measured over the last ones, and every tenth is worth a point of a curve."""
    means = {name: float(np.mean([one[name] for one in recent])) for name in recent[-1]}
    return TrainStep(step, steps, f"loss {means['loss']:.3f}", means if step % 10 == 0 or step == steps else {})
