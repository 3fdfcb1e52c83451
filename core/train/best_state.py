"""Decides which state of a network is kept: the one that did best on what is validated; and what each validation came to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch

from core.jobs import Progress
from core.train.base import TrainStep

State = dict[str, torch.Tensor]
Found = TypeVar("Found")


def copied(network: torch.nn.Module) -> State:
    """Its state as it is now, whatever becomes of it."""
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


@dataclass(frozen=True)
class Measured(Generic[Found]):
    """What a network came to.

    Args:
        value: greater is better, the first one first; figures: what is told of it; found: what the figures are of.
    """

    value: tuple[float, ...]
    figures: Mapping[str, float]
    found: Found


class BestState(Generic[Found]):
    """Looks at a network now and then and remembers the state that did best in `state`, tensors that stay the same ones.

    `measure` judges the network as it is; called for one state twice, it says the same.
    """

    def __init__(
        self, network: torch.nn.Module, measure: Callable[[], Measured[Found]], steps: int, progress: Progress
    ) -> None:
        self._network, self._measure, self._steps, self._progress = network, measure, steps, progress
        self._value: tuple[float, ...] = ()
        self._found: Found | None = None
        self.state = copied(network)
        self.history: list[dict[str, float]] = []

    def look(self, step: int, state: Mapping[str, torch.Tensor]) -> None:
        """Measures some weights; the network that trains is left as it was. Raises what `measure` raises."""
        measured = self._measured(state)
        self.history.append({"step": step, **measured.figures})
        self._progress(TrainStep(step, self._steps, "validated", measured.figures))
        if measured.value > self._value:
            self._value, self._found = measured.value, measured.found
            for name, tensor in state.items():
                self.state[name].copy_(tensor)

    @property
    def last_step(self) -> int:
        """The last one that was looked at; 0 before."""
        return int(self.history[-1]["step"]) if self.history else 0

    @property
    def found(self) -> Found:
        """What the best state found; looked for once more where a break lost it."""
        if self._found is None:
            self._found = self._measured(self.state).found
        return self._found

    @property
    def notes(self) -> dict[str, Any]:
        """All but the weights, JSON-ready."""
        return {"value": list(self._value), "history": self.history}

    def go_on(self, notes: Mapping[str, Any]) -> None:
        """Takes back `notes`; `state` has been put back by then."""
        self._value, self.history = tuple(notes.get("value", ())), list(notes.get("history", ()))

    def _measured(self, state: Mapping[str, torch.Tensor]) -> Measured[Found]:
        own = copied(self._network)
        self._network.load_state_dict(state)
        try:
            return self._measure()
        finally:
            self._network.load_state_dict(own)
