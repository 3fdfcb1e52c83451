"""Decides how a training is kept so that it can go on after a break: one safetensors file, settings in its header."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from core.disk import written_whole
from core.errors import InputError, ResourceError

_PARTS = ("network", "average")
_REMEDY = "Delete it to start over, or use another --out."


def save_checkpoint(
    path: Path,
    step: int,
    tensors: Mapping[str, Mapping[str, torch.Tensor]],
    optimiser: Any,
    rate: Any,
    random: Any,
    notes: Mapping[str, Any] | None = None,
) -> None:
    """Writes beside, flushes and renames. `tensors`: the parts "network" and "average", as state dicts.

    What is random from here on is kept too, so that a training with a break ends as one without. `notes`: JSON-ready,
    for `read_notes`. Raises ResourceError when the disk refuses.
    """
    flat = {f"{part}/{name}": t.detach().cpu().contiguous() for part in _PARTS for name, t in tensors[part].items()}
    state = optimiser.state_dict()
    for index, slots in state["state"].items():
        flat.update({f"optimiser/{index}/{name}": value.detach().cpu().contiguous() for name, value in slots.items()})
    flat["torch_random"] = torch.get_rng_state()
    kept = {
        "step": step,
        "rate": rate.state_dict(),
        "groups": state["param_groups"],
        "random": random.bit_generator.state,
        "notes": dict(notes or {}),
    }
    with written_whole(path) as part:
        try:
            save_file({name: tensor.clone() for name, tensor in flat.items()}, part, {"training": json.dumps(kept)})
        except SafetensorError as error:  # what the system said, in words only
            raise ResourceError(
                f"the training can't be kept ({error})",
                path=path,
                remedy="Free some space and go on; what was kept is there.",
            ) from None


def read_notes(path: Path) -> dict[str, Any]:
    """What `save_checkpoint` was given as `notes`. Raises InputError for a file that it didn't write."""
    try:
        with safe_open(path, "pt") as file:
            return dict(json.loads(file.metadata()["training"])["notes"])
    except (SafetensorError, OSError, ValueError, KeyError, TypeError):
        raise InputError("this is no checkpoint of this training", path=path, remedy=_REMEDY) from None


def load_checkpoint(
    path: Path, tensors: Mapping[str, Mapping[str, torch.Tensor]], optimiser: Any, rate: Any, random: Any
) -> int:
    """Puts everything back as it was (into the given state dicts' own tensors) and returns the step.

    Raises InputError when the file belongs to another training or is broken.
    """
    try:
        with safe_open(path, "pt") as file:
            kept = json.loads(file.metadata()["training"])
            flat = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        for part in _PARTS:
            for name, tensor in tensors[part].items():
                tensor.copy_(flat[f"{part}/{name}"])
        optimiser.load_state_dict({"state": _slots(flat), "param_groups": kept["groups"]})
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, RuntimeError):
        raise InputError("this is no checkpoint of this training", path=path, remedy=_REMEDY) from None
    rate.load_state_dict(kept["rate"])
    random.bit_generator.state = kept["random"]
    torch.set_rng_state(flat["torch_random"])
    return int(kept["step"])


def _slots(flat: Mapping[str, torch.Tensor]) -> dict[int, dict[str, torch.Tensor]]:
    slots: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in flat.items():
        part, *rest = name.split("/")
        if part == "optimiser":
            slots.setdefault(int(rest[0]), {})[rest[1]] = tensor
    return slots
