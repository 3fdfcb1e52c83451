"""Decides what a training will cost: by really beginning it in a folder that is thrown away, and watching its first steps.

Nothing here knows a trainer: the time to its first step, the pace of some steps, and how long a validation takes are
taken from what it tells. A trainer with a setting `every` is asked to validate soon, so that one is seen.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from typing import Any

from core.errors import CancelledError
from core.jobs import CancelToken, Progress, Step, no_progress
from core.parameters import resolve
from core.timing import spoken_seconds
from core.train.base import TrainerSpec, TrainStep
from core.train.request import TrainRequest
from core.train.running import checked_trainer

STEPS = 10  # watched after the first, which is slow
LIMIT_S = 90.0  # it is stopped then, whatever was seen
LONG_S = 2 * 3600.0  # of a training that should rather be made cheaper
EVERY, SOON = "every", 5  # the setting of trainers that validate after so many steps, and its value meanwhile
_LEFT_OUT = ("find_rate",)  # what comes before the steps that are watched, and is little beside them all


@dataclass(frozen=True, slots=True)
class Cost:
    """What a training is expected to take.

    Args:
        seconds: of the whole of it; None where too little was seen within `LIMIT_S`.
        steps: how many were watched, of total; validated: whether a validation was among them.
        device: what kind of device computed, "cpu", "cuda" or "mps".
    """

    seconds: float | None
    steps: int
    total: int
    validated: bool
    device: str

    @property
    def text(self) -> str:
        """For people: how long, where, and how that is known."""
        where = "this computer (processor)" if self.device == "cpu" else "this computer (graphics card)"
        if self.seconds is None:
            return f"Preparing alone takes more than {spoken_seconds(LIMIT_S)} on {where}."
        seen = f"measured on {self.steps:,} of {self.total:,} steps" if self.steps else "measured while it prepared"
        seen += "" if self.validated or not self.steps else ", validations left out"
        return f"About {spoken_seconds(self.seconds)} on {where}; {seen}."


def estimate_cost(request: TrainRequest, progress: Progress = no_progress, cancel: CancelToken | None = None) -> Cost:
    """Begins a training anew and stops it after some steps; nothing of it is kept.

    Raises what `core.train.running.run_training` raises.
    """
    spec = checked_trainer(request)
    settings = {**request.settings, **_beginning_soon(spec, request.settings)}
    stop = _Stop(cancel or CancelToken())
    watch = _Watch(progress, stop, EVERY in settings)
    guard = threading.Timer(LIMIT_S, stop.cancel)
    guard.daemon = True
    guard.start()
    try:
        with tempfile.TemporaryDirectory(prefix="schliff-cost-", ignore_cleanup_errors=True) as folder:
            out = Path(folder) / request.out.name
            spec.run(request.data, out, settings, request.seed, request.device, watch.step, stop)
            watch.end(whole=True)
    except CancelledError:
        if stop.outer.cancelled:
            raise
        watch.end()
    finally:
        guard.cancel()
    seconds = watch.seconds(resolve(spec.parameters, request.settings).get(EVERY))
    return Cost(seconds, len(watch.paces), watch.total, bool(watch.looks), _kind(request.device))


def cheaper(cost: Cost, spec: TrainerSpec, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What to set so that a training that takes hours on a processor takes less; empty where nothing is to be gained."""
    if cost.device != "cpu" or (cost.seconds is not None and cost.seconds <= LONG_S):
        return {}
    now = resolve(spec.parameters, settings)
    return {name: value for name, value in spec.lighter.items() if now[name] != value}


def _beginning_soon(spec: TrainerSpec, settings: Mapping[str, Any]) -> dict[str, int]:
    usual = resolve(spec.parameters, settings).get(EVERY)
    soon = {} if usual is None else {EVERY: min(SOON, usual)}
    return soon | {name: False for name in _LEFT_OUT if name in settings}


def _kind(device: str) -> str:
    if device != "auto":
        return device.partition(":")[0]
    from core.devices import choose_device  # loads torch

    return choose_device(device).type


class _Stop(CancelToken):
    """Set when enough was seen, or by whoever asked (`outer`)."""

    def __init__(self, outer: CancelToken) -> None:
        super().__init__()
        self.outer = outer

    @property
    def cancelled(self) -> bool:
        return super().cancelled or self.outer.cancelled

    def check(self) -> None:
        self.outer.check()
        super().check()


class _Watch:
    """Takes the time of what a training tells."""

    def __init__(self, progress: Progress, stop: CancelToken, validates: bool) -> None:
        self._progress, self._stop, self._validates = progress, stop, validates
        self._began = self._last = time.monotonic()
        self._first_s: float | None = None  # until the first step was done
        self._whole_s: float | None = None
        self._done, self._phases = 0, 1
        self._first_look = 0
        self._preparing: tuple[float, Step] | None = None
        self.total = 0
        self.paces: list[float] = []  # seconds per step
        self.looks: list[float] = []  # seconds per validation

    def step(self, step: Step) -> None:
        now = time.monotonic()
        if not isinstance(step, TrainStep):
            self._preparing = now - self._began, step
            self._progress(step)
            return
        if self._first_s is None:
            self._first_s = now - self._began
        elif step.done > self._done:
            self.paces.append((now - self._last) / (step.done - self._done))
        else:
            self.looks.append(now - self._last)
            self._first_look = self._first_look or step.done
        self._last, self._done, self.total, self._phases = now, step.done, step.total, step.phases
        self._progress(Step(min(len(self.paces), STEPS), STEPS, "Measuring how long it takes"))
        if len(self.paces) >= STEPS and (self.looks or not self._validates):
            self._stop.cancel()

    def end(self, *, whole: bool = False) -> None:
        """It was stopped, or had an end of its own before."""
        now = time.monotonic()
        if whole:
            self._whole_s = now - self._began
        elif self._validates and not self.looks and self._done and self._done % SOON == 0:
            self.looks.append(now - self._last)  # at least that long
            self._first_look = self._done

    def seconds(self, every: int | None) -> float | None:
        """`every`: steps between two validations where the trainer has a setting for it; else as it was seen."""
        if self._whole_s is not None:
            return self._whole_s
        if self._first_s is not None and self.paces:
            between = every or self._first_look
            looks = mean(self.looks) * max(1, self.total / between) if self.looks else 0.0
            return self._first_s + (median(self.paces) * self.total + looks) * self._phases
        if self._preparing is not None and self._preparing[1].done:
            seconds, step = self._preparing
            return seconds * step.total / step.done
        return None
