"""Decides how a network of one class per image is fitted: epochs, batches, the rate, when to stop, what is kept."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

import numpy as np
import torch

from core.errors import CancelledError, ResourceError
from core.jobs import CancelToken, Progress
from core.train.base import TrainStep
from core.train.best_state import State, copied
from core.train.checkpoint import Checkpoint
from core.train.course import Array, Course, Epochs, batch_loss, batches_of, descend, new_optimiser, predict
from core.train.splits import epoch_order

CHECKPOINT_NAME = ".training.safetensors"
RATE_STEP, RATE_FACTOR = 20, 0.75


@dataclass
class Fitted:
    """The state that did best on the validated images (tensors that stay the same ones), and of which epoch it is; the last
    one; what each epoch came to."""

    best: State = field(default_factory=dict)
    last: State = field(default_factory=dict)
    macro_f1: float = -1.0
    loss: float = math.inf
    epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)

    def is_better(self, macro_f1: float, loss: float) -> bool:
        return (macro_f1, -loss) > (self.macro_f1, -self.loss)

    @property
    def notes(self) -> dict[str, Any]:
        """All but the weights, for a checkpoint."""
        return {"macro_f1": self.macro_f1, "loss": self.loss, "epoch": self.epoch, "history": self.history}


def train_epochs(course: Course, progress: Progress, cancel: CancelToken) -> Fitted:
    """Trains a course's network in place; goes on from the plan's checkpoint where there is one, within an epoch, too.

    Raises ResourceError when the loss is no number any more, CancelledError.
    """
    network, plan = course.network, course.plan
    rng = np.random.default_rng(plan.seed)
    torch.manual_seed(plan.seed)
    optimiser = new_optimiser(course)
    rate = torch.optim.lr_scheduler.StepLR(optimiser, RATE_STEP, RATE_FACTOR)
    fitted = Fitted(best=copied(network))
    kept = Checkpoint(plan.checkpoint, {"network": network.state_dict(), "best": fitted.best}, optimiser, rate, rng)
    done, notes = kept.load()
    under_way = _UnderWay(**notes.pop("under_way", {}))
    for name, value in notes.items():
        setattr(fitted, name, value)
    for epoch in range(done + 1, plan.count + 1):
        if epoch - fitted.epoch > plan.patience:
            break
        told = Told(progress, cancel, plan, epoch, math.ceil(len(course.training) / plan.batch))
        cost = _train_once(course, optimiser, rng, told, under_way, _Keeper(kept, epoch - 1, fitted, under_way))
        rate.step()
        _judge_now(course, fitted, epoch, cost)
        told.judged(fitted.history[-1])
        kept.save(epoch, fitted.notes)
        under_way = _UnderWay()
    fitted.last = copied(network)
    return fitted


@dataclass(frozen=True)
class Told:
    """Who is told of each batch of an epoch."""

    progress: Progress
    cancel: CancelToken
    plan: Epochs
    epoch: int
    batches: int

    def batch(self, index: int, loss: float) -> None:
        done = (self.epoch - 1) * self.batches + index + 1
        self._tell(done, f"loss {loss:.3f}", {"loss": loss} if done % 10 == 0 else {})
        self.cancel.check()

    def judged(self, figures: Mapping[str, float]) -> None:
        self._tell(self.epoch * self.batches, "validated", {n: v for n, v in figures.items() if n != "epoch"})

    def _tell(self, done: int, what: str, figures: Mapping[str, float]) -> None:
        plan = self.plan
        text = f"{plan.title}{': ' if plan.title else ''}epoch {self.epoch}, {what}"
        self.progress(TrainStep(done, plan.count * self.batches, text, figures, plan.title, plan.courses))


@dataclass
class _UnderWay:
    """An epoch that has begun. `random`: the generator's state before its order was drawn; `costs`: of each batch so far."""

    random: Mapping[str, Any] = field(default_factory=dict)
    costs: list[float] = field(default_factory=list)

    def order(self, course: Course, rng: np.random.Generator) -> Array:
        """The images in the order of this epoch; the generator is as it was after the batches so far."""
        now = rng.bit_generator.state
        self.random = rng.bit_generator.state = self.random or now
        order = course.training[epoch_order(course.classes[course.training], course.plan.sampling, rng)]
        if self.costs:
            rng.bit_generator.state = now
        return order


@dataclass(frozen=True)
class _Keeper:
    """Keeps a training within an epoch: every two minutes, and when it is cancelled."""

    checkpoint: Checkpoint
    done: int  # whole epochs
    fitted: Fitted
    under_way: _UnderWay

    def keep(self) -> None:
        self.checkpoint.save(self.done, {**self.fitted.notes, "under_way": asdict(self.under_way)})

    def keep_if_due(self) -> None:
        if self.checkpoint.is_due:
            self.keep()


def _train_once(
    course: Course,
    optimiser: torch.optim.Optimizer,
    rng: np.random.Generator,
    told: Told,
    under_way: _UnderWay,
    keeper: _Keeper,
) -> float:
    """One epoch, or what is left of it; the mean loss."""
    course.network.train()
    batches = list(batches_of(under_way.order(course, rng), course.plan.batch))
    costs = under_way.costs
    for index, chosen in islice(enumerate(batches), len(costs), None):
        loss = batch_loss(course, chosen, rng)
        if not torch.isfinite(loss):
            raise ResourceError("the training ran off to infinity", remedy="Lower learning_rate.")
        descend(optimiser, loss)
        costs.append(float(loss.detach()))
        try:
            told.batch(index, float(np.mean(costs[-20:])))
        except CancelledError:
            keeper.keep()
            raise
        keeper.keep_if_due()
    return float(np.mean(costs))


def _judge_now(course: Course, fitted: Fitted, epoch: int, cost: float) -> None:
    """Notes how the network does on the validated images, and keeps it if it never did better."""
    macro, loss = _quality(course)
    fitted.history.append(
        {"epoch": epoch, "loss": round(cost, 4), "validation_loss": round(loss, 4), "macro_f1": macro}
    )
    if fitted.is_better(macro, loss):
        fitted.macro_f1, fitted.loss, fitted.epoch = macro, loss, epoch
        for name, tensor in course.network.state_dict().items():
            fitted.best[name].copy_(tensor)


def _quality(course: Course) -> tuple[float, float]:
    """Macro F1 and mean cross entropy on the validated images."""
    from core.train.class_metrics import class_metrics

    probabilities = predict(course.network, course.source, course.validation, course.seen, 2 * course.plan.batch)
    truth = course.classes[course.validation]
    names = [str(number) for number in range(probabilities.shape[1])]
    macro = class_metrics(truth, probabilities.argmax(1), names)["macro_f1"] or 0.0
    loss = -np.log(np.maximum(probabilities[np.arange(len(truth)), truth], 1e-7)).mean()
    return macro, float(loss)
