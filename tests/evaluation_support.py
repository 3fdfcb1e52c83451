"""Evaluations for tests, made by hand: every figure of them can be worked out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.evaluation.values import Evaluation, Picture, Place
from core.geometry import Box
from core.models.base import ModelSpec
from tests.toy import ToyModel, spotted_image, toy_spec, write_image


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


def use_toy(monkeypatch: Any, *specs: ModelSpec) -> None:
    """Requests find these models (else the toy model), which need no weights."""
    known = {spec.id: spec for spec in specs or (toy_spec(),)}
    monkeypatch.setattr("core.evaluation.request.model_of_scan", lambda model_id, version, folder: known[model_id])
    monkeypatch.setattr("core.evaluation.asking.load_model", lambda spec, device="auto": ToyModel(spec))


def spots(folder: Path, name: str, at: Sequence[tuple[int, ...]]) -> Path:
    """A striped picture of 256 px with bright squares of 24 px: left, top, and grey where it isn't 240."""
    image = spotted_image(256, 0)
    for x, y, *grey in at:
        image[y : y + 24, x : x + 24] = grey or 240
    return write_image(folder / name, image)


def truth(path: Path, at: Sequence[tuple[int, int]], label: str = "crack") -> None:
    """Marks those squares in the CSV beside a picture."""
    rows = [f"{i},{label},{x},{y},24,24,," for i, (x, y) in enumerate(at)]
    head = "id,class,x_px,y_px,w_px,h_px,stage_x_um,stage_y_um"
    path.with_name(path.stem + ".truth.csv").write_text("\n".join([head, *rows]) + "\n")
