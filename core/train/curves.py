"""Decides how what a training measured is kept in its folder, a line for each figure, and read back as curves.

While it runs the file lies beside the checkpoint; with the finished model it stays, so that it can be shown for ever.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from core.jobs import Progress, Step
from core.train.base import TrainStep

CURVES_NAME = ".training.jsonl"
KEPT_NAME = "training.jsonl"
_COUNTS = ("step", "epoch")  # what a card's history is counted in


class Curves:
    """Every figure of a training over its steps, for each phase by itself. `unit`: what is counted, "step" or "epoch".

    After a break the steps since the last checkpoint are run, and told, again: of two for one step the later counts.
    """

    def __init__(self, steps: Iterable[TrainStep] = (), unit: str = "step") -> None:
        self.unit = unit
        self._values: dict[str, dict[str, dict[int, float]]] = {}
        for step in steps:
            self.add(step)

    def add(self, step: TrainStep) -> None:
        for name, value in step.figures.items():
            self._values.setdefault(name, {}).setdefault(step.phase, {})[step.done] = value

    @property
    def names(self) -> list[str]:
        """The figures, in the order in which they were first measured."""
        return list(self._values)

    @property
    def last_step(self) -> int:
        """The last one at which anything was measured; 0 where nothing was."""
        return max((at for phases in self._values.values() for of in phases.values() for at in of), default=0)

    def phases(self, name: str) -> list[str]:
        return list(self._values.get(name, {}))

    def points(self, name: str, phase: str = "") -> tuple[list[int], list[float]]:
        """Steps, ascending, and the figure's value at each."""
        points = sorted(self._values.get(name, {}).get(phase, {}).items())
        return [at for at, _ in points], [value for _, value in points]

    def last(self, name: str) -> float | None:
        """The value measured last in the last phase."""
        phases = self.phases(name)
        return self.points(name, phases[-1])[1][-1] if phases else None


def curves_so_far(folder: Path) -> Iterator[TrainStep]:
    """What was measured before a break, in order. A line that was cut off ends it."""
    return _read(folder / CURVES_NAME)


def curves_of_model(folder: Path | None, card: Mapping[str, Any]) -> Curves:
    """How a model was trained: the curves kept beside it, else what its card says; without curves where neither does."""
    kept = Curves(_read(folder / KEPT_NAME)) if folder is not None else Curves()
    return kept if kept.names else _of_card(card)


def keep_curves(folder: Path) -> None:
    """Lets the curves of a training that has ended stay with its model."""
    with suppress(OSError):  # a picture less; the model is there
        (folder / CURVES_NAME).replace(folder / KEPT_NAME)


class CurveWriter:
    """Passes steps on and writes down the measured ones."""

    def __init__(self, folder: Path, progress: Progress) -> None:
        self._path, self._progress = folder / CURVES_NAME, progress

    def step(self, step: Step) -> None:
        if isinstance(step, TrainStep) and step.figures:
            told = {"done": step.done, "total": step.total, "figures": dict(step.figures), "phase": step.phase}
            # A full disk is told by the checkpoint.
            with suppress(OSError), self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(told) + "\n")
        self._progress(step)


def _read(path: Path) -> Iterator[TrainStep]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        try:
            told = json.loads(line)
            figures = {str(name): float(value) for name, value in told["figures"].items()}
            yield TrainStep(int(told["done"]), int(told["total"]), "", figures, str(told["phase"]))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return


def _of_card(card: Mapping[str, Any]) -> Curves:
    """Cards come from anywhere: what is no number is left out."""
    training = card.get("training")
    history = training.get("history") if isinstance(training, Mapping) else None
    rows = [row for row in history if isinstance(row, Mapping)] if isinstance(history, list) else []
    unit = next((name for name in _COUNTS if any(name in row for row in rows)), _COUNTS[0])
    steps = []
    for row in rows:
        figures = {str(n): float(v) for n, v in row.items() if n != unit and isinstance(v, int | float)}
        at = row.get(unit)
        if isinstance(at, int):
            steps.append(TrainStep(at, 0, "", figures))
    return Curves(steps, unit)
