"""Decides how an evaluation is asked for in words that can be handed to another process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from core.errors import InputError
from core.models.base import ModelSpec
from core.models.catalog import model_of_scan

# auto: what the data's maker set aside for judging, where there is such a part, else everything.
Part = Literal["auto", "validation", "training", "all"]
PARTS: tuple[Part, ...] = get_args(Part)


@dataclass(frozen=True, slots=True)
class EvaluateRequest:
    """One model on some data.

    Args:
        model_id, model_version, model_path: the very model (see `core.models.catalog.model_of_scan`).
        data: file, folder or project (`core.data.reading`).
        threshold: None: the model's own.
        keep_background: look at what shows no specimen, too; None: only on single images, which are all specimen.
    """

    model_id: str
    model_version: str
    model_path: Path | None
    data: Path
    device: str = "auto"
    threshold: float | None = None
    part: Part = "auto"
    keep_background: bool | None = None

    @classmethod
    def of(cls, spec: ModelSpec, data: Path, **options: Any) -> EvaluateRequest:
        return cls(spec.id, spec.version, spec.path, data, **options)

    def spec(self) -> ModelSpec:
        """The model. Raises UsageError when it is not here any more or has changed."""
        return model_of_scan(self.model_id, self.model_version, self.model_path)

    @property
    def command(self) -> str:
        """What does the same on a command line. Only names of folders, so that it can be shown to others."""
        parts = [f"schliff evaluate {self.model_id} --data {self.data.name}"]
        if self.threshold is not None:
            parts.append(f"--threshold {self.threshold:g}")
        if self.part != "auto":
            parts.append(f"--part {self.part}")
        if self.keep_background is not None:
            parts.append(f"--background {'keep' if self.keep_background else 'skip'}")
        return " ".join(parts)

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` takes them back."""
        return {**asdict(self), "data": str(self.data), "model_path": str(self.model_path) if self.model_path else None}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> EvaluateRequest:
        """Raises InputError for what `to_json` didn't write."""
        try:
            path = Path(stored["model_path"]) if stored["model_path"] else None
            return cls(**{**stored, "data": Path(stored["data"]), "model_path": path})
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"a stored request can't be read ({error})", remedy="Ask for it again.") from None
