"""Decides how a training is asked for in words that can be stored and handed to another process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from core.errors import InputError


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """One training.

    Args:
        trainer: id of a `TrainerSpec` or a family's (`core.train.trainers.find_trainer`).
        data: file, folder or project (`core.data.reading`); out: the model folder that it writes.
        settings: values of the trainer's parameters that aren't the default.
    """

    trainer: str
    data: Path
    out: Path
    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    device: str = "auto"

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` takes them back."""
        return {**asdict(self), "data": str(self.data), "out": str(self.out), "settings": dict(self.settings)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> TrainRequest:
        """Raises InputError for what `to_json` didn't write."""
        try:
            return cls(
                str(stored["trainer"]),
                Path(stored["data"]),
                Path(stored["out"]),
                dict(stored["settings"]),
                int(stored["seed"]),
                str(stored["device"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"a stored training can't be read ({error})", remedy="Ask for it again.") from None
