"""Decides how a training is kept so that it can go on after a break, and how often: one safetensors file, settings in its
header."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from core.disk import written_whole
from core.errors import InputError, ResourceError

_REMEDY = "Delete it to start over, or use another --out."
KEPT_EVERY_S = 120.0  # what a power cut costs at most


class Checkpoint:
    """A file, and all that is a training's: state dicts, optimiser, learning rate, and what is random.

    With it a training with a break ends as one without.

    Args:
        states: by name (without a slash); their own tensors are kept and put back.
    """

    def __init__(
        self, path: Path, states: Mapping[str, Mapping[str, torch.Tensor]], optimiser: Any, rate: Any, random: Any
    ) -> None:
        self._path, self._states = path, states
        self._optimiser, self._rate, self._random = optimiser, rate, random
        self._saved_at = time.monotonic()

    @property
    def is_due(self) -> bool:
        """Whether the last time is long ago."""
        return time.monotonic() - self._saved_at >= KEPT_EVERY_S

    def save(self, step: int, notes: Mapping[str, Any]) -> None:
        """Writes beside, flushes and renames; draws nothing. `notes`: JSON-ready, whatever else `load` shall give back.

        Raises ResourceError when the disk refuses.
        """
        flat = {f"{part}/{name}": tensor for part, state in self._states.items() for name, tensor in state.items()}
        state = self._optimiser.state_dict()
        for index, slots in state["state"].items():
            flat.update({f"optimiser/{index}/{name}": value for name, value in slots.items()})
        flat["torch_random"] = torch.get_rng_state()
        kept = {
            "step": step,
            "rate": self._rate.state_dict(),
            "groups": state["param_groups"],
            "random": self._random.bit_generator.state,
            "notes": dict(notes),
        }
        # Copied, since a file has no room for tensors that share memory.
        tensors = {name: value.detach().cpu().contiguous().clone() for name, value in flat.items()}
        with written_whole(self._path) as part:
            try:
                save_file(tensors, part, {"training": json.dumps(kept)})
            except SafetensorError as error:  # what the system said, in words only
                raise ResourceError(
                    f"the training can't be kept ({error})",
                    path=self._path,
                    remedy="Free some space and go on; what was kept is there.",
                ) from None
        self._saved_at = time.monotonic()

    def load(self) -> tuple[int, dict[str, Any]]:
        """Puts everything back as it was and returns step and notes; (0, {}) where nothing was kept.

        Raises InputError when the file belongs to another training or is broken.
        """
        if not self._path.is_file():
            return 0, {}
        try:
            with safe_open(self._path, "pt") as file:
                kept = json.loads(file.metadata()["training"])
                flat = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
            for part, state in self._states.items():
                for name, tensor in state.items():
                    tensor.copy_(flat[f"{part}/{name}"])
            self._optimiser.load_state_dict({"state": _slots(flat), "param_groups": kept["groups"]})
            self._rate.load_state_dict(kept["rate"])
            step, notes = int(kept["step"]), dict(kept["notes"])
        except (SafetensorError, OSError, ValueError, KeyError, TypeError, RuntimeError):
            raise InputError("this is no checkpoint of this training", path=self._path, remedy=_REMEDY) from None
        self._random.bit_generator.state = kept["random"]
        torch.set_rng_state(flat["torch_random"])
        return step, notes


def _slots(flat: Mapping[str, torch.Tensor]) -> dict[int, dict[str, torch.Tensor]]:
    slots: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in flat.items():
        part, *rest = name.split("/")
        if part == "optimiser":
            slots.setdefault(int(rest[0]), {})[rest[1]] = tensor
    return slots
