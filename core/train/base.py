"""Decides how a way to train is declared, and what a training tells of itself while it runs."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.data.labelled import DataKind
from core.jobs import CancelToken, Progress, Step
from core.parameters import Parameter

# In the folder of the model to be: some windows it doesn't learn from, as it sees and makes them now, a row for each.
PREVIEW_NAME = "preview.png"

# What a model is called and how its data was made: parameters that a form has fields of its own for, or none.
ASKED_ELSEWHERE = frozenset({"id", "name", "data_commands"})

# (data, model folder to write, settings, seed, device, progress, cancel) → metrics. Called again with the same folder
# after a break it goes on. Raises UsageError for settings, InputError for data, ResourceError for device, disk or
# download, CancelledError.
Trainer = Callable[[Path, Path, Mapping[str, Any], int, str, Progress, CancelToken | None], dict[str, Any]]


# How a model is called and what it may be used for; every way to train takes these.
IDENTITY = (
    Parameter("id", str, "", "what --model calls it; empty: the folder's name"),
    Parameter("name", str, "", "what people read; empty: the id"),
    Parameter("description", str, "", "what it finds or tells apart, and on what it was trained"),
    Parameter("licence", str, "", "under which licence the model may be used"),
)


def imported(module: str, function: str) -> Trainer:
    """A trainer whose module, and torch with it, is imported when it is called."""

    def train(*given: Any) -> dict[str, Any]:
        metrics: dict[str, Any] = getattr(importlib.import_module(module), function)(*given)
        return metrics

    return train


@dataclass(frozen=True, slots=True)
class TrainStep(Step):
    """A step at which something was measured.

    Args:
        figures: by name what is new at this step: "loss" (mean since the last time), "validation_loss", and whatever
            the trainer judges by ("macro_f1", "map50", "f2", …). What is measured seldom is told seldom.
        phase: several courses after each other, as folds: each has curves of its own; phases: how many there are.
    """

    figures: Mapping[str, float] = field(default_factory=dict)
    phase: str = ""
    phases: int = 1


@dataclass(frozen=True, slots=True)
class TrainerSpec:
    """One way to train a model, before anything heavy is imported.

    Args:
        id: what `schliff train` takes; family: the kind of model that comes out, and what `schliff train` takes, too.
        description: one line for people who choose.
        data: the kinds of data it learns from, the one it was made for first; ("normal",) for what needs no marks.
        lighter: settings that make it much cheaper where there is no graphics card; empty: there are none.
        goes_on: which parameter takes a model that it trained before, to go on from; empty: it always begins anew.
        preview: what the columns of its `PREVIEW_NAME` show, from left to right; empty: it makes none.
    """

    id: str
    family: str
    name: str
    description: str
    data: tuple[DataKind, ...]
    parameters: tuple[Parameter, ...]
    run: Trainer
    lighter: Mapping[str, Any] = field(default_factory=dict)
    preview: tuple[str, ...] = ()
    goes_on: str = ""
