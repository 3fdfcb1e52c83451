"""Evaluations for tests, made by hand: every figure of them can be worked out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.evaluation.values import Evaluation, Picture, Place
from core.geometry import Box

BOX = Box(0, 0, 10, 10)


def blank(**changes: Any) -> Evaluation:
    """One of a toy model that knows cracks, pores and traces of preparation, in probabilities."""
    values: dict[str, Any] = {
        "name": "e",
        "kind": "places",
        "model": {
            "id": "toy", "name": "Toy", "version": "0123456789", "family": "classifier",
            "labels": ["crack", "pore", "scratch"], "artefact_labels": ["scratch"], "score_unit": "probability",
            "threshold": 0.5, "commands": ["schliff train toy"],
        },
        "data": {"source": "/data/some", "format": "sections", "part": "all", "fingerprint": "f", "notes": []},
        "made": {
            "date": "2030-01-02T03:04:05+00:00", "seconds": 1.0, "device": "cpu", "schliff": "1",
            "versions": {"python": "3"}, "command": "schliff evaluate toy --data some",
        },
        "threshold": 0.5,
        "pictures": (Picture(Path("/data/some/a.tif"), "a", 1000, 1000, 2.0),),
        "figures": {},
    }  # fmt: skip
    return Evaluation(**{**values, **changes})


def place(label: str, x: float, score: float = 0.0, picture: int = 0, y: float = 0.0, side: float = 10.0) -> Place:
    return Place(picture, label, Box(x, y, side, side), score)
