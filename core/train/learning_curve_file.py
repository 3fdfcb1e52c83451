"""Decides how a learning curve is kept: a JSON file in the folder of its trainings, found again from each of their models."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.disk import written_whole
from core.errors import InputError

CURVE_NAME = "learning_curve.json"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Point:
    """One training.

    Args:
        groups, pictures, examples: what it learnt from; examples are marks, or whole images.
        value: from 0 to 1 on what all were validated on; None where that shows nothing.
        folder: its model, beside the file.
    """

    groups: int
    pictures: int
    examples: int
    value: float | None
    folder: str


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """As far as it was trained.

    Args:
        asked: trainer, data, settings and seed; figure: "map50" or "macro_f1", "" before there is any point.
        unit: what examples are, "marks" or "images".
    """

    asked: Mapping[str, Any]
    figure: str
    unit: str
    points: tuple[Point, ...]

    def to_json(self) -> dict[str, Any]:
        return {"format": _FORMAT, **asdict(self), "asked": dict(self.asked)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> LearningCurve:
        """Raises KeyError, TypeError or ValueError for what `to_json` didn't write."""
        if stored["format"] != _FORMAT:
            raise ValueError(f"format {stored['format']!r} is not known to this version")
        return cls(
            dict(stored["asked"]), str(stored["figure"]), str(stored["unit"]), tuple(map(_point, stored["points"]))
        )

    def write(self, folder: Path) -> None:
        """Raises ResourceError."""
        with written_whole(folder / CURVE_NAME) as part:
            part.write_text(json.dumps(self.to_json(), indent=1), "utf-8")


def read_learning_curve(folder: Path) -> LearningCurve | None:
    """The one in a folder; None where there is none. Raises InputError for a broken one."""
    path = folder / CURVE_NAME
    if not path.is_file():
        return None
    try:
        return LearningCurve.from_json(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"a learning curve can't be read ({error})", path=path, remedy="Delete it and ask for it again."
        ) from None


def learning_curve_of(model: Path | None) -> LearningCurve | None:
    """The one that lies in a model's folder, or above it; None where there is none that can be read, or nothing in it."""
    for folder in () if model is None else (model, model.parent):
        try:
            curve = read_learning_curve(folder)
        except InputError:
            continue
        if curve is not None and any(point.value is not None for point in curve.points):
            return curve
    return None


def _point(stored: Mapping[str, Any]) -> Point:
    value = None if stored["value"] is None else float(stored["value"])
    if value is not None and not math.isfinite(value):
        raise ValueError("a figure is no number")
    groups, pictures, examples = (int(stored[name]) for name in ("groups", "pictures", "examples"))
    return Point(groups, pictures, examples, value, str(stored["folder"]))
