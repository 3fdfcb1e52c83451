"""Decides what a model's card says of its training: enough that the same command gives the same model again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from core.parameters import Parameter
from core.train.dataset import TrainingFolder


def training_record(
    family: str,
    parameters: Sequence[Parameter],
    values: Mapping[str, Any],
    folder: TrainingFolder,
    seed: int,
    data: Path,
    out: Path,
    before: Sequence[str] = (),
) -> dict[str, Any]:
    """What went in. `before`: the commands that made what this training started from."""
    given = [
        f"--set {shlex.quote(f'{p.name}={values[p.name]}')}"
        for p in parameters
        if values[p.name] != p.default and p.name != "data_commands"
    ]
    made = [values["data_commands"]] if values["data_commands"] else []
    command = f"schliff train {family} --data {data.name} --out {out.name} --seed {seed} " + " ".join(given)
    return {
        "commands": [*before, *made, command.strip()],
        "seed": seed,
        "settings": dict(values),
        "sections": sorted(path.name for path in folder.training),
        "validation_sections": sorted(path.name for path in folder.validation),
        "marked": {label: _count(folder, label) for label in folder.labels},
    }


def _count(folder: TrainingFolder, label: str) -> int:
    return sum(box.label == label for boxes in folder.training.values() for box in boxes)
