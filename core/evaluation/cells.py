"""Decides which pictures lie behind a cell of the confusion: what is marked as one class and was called another."""

from __future__ import annotations

from dataclasses import dataclass

from core.evaluation.place_figures import NOT_FOUND, NOTHING, matched
from core.evaluation.values import Evaluation
from core.geometry import Box


@dataclass(frozen=True, slots=True)
class CellPlace:
    """One of them: index into the evaluation's pictures, and where on it (level-0 px). `score`: None where nothing was
    found."""

    picture: int
    box: Box
    score: float | None


def places_of(judged: Evaluation, truth: str, predicted: str) -> list[CellPlace]:
    """The surest first."""
    if judged.kind == "images":
        chosen = [one for one in judged.answers if (one.truth, one.predicted) == (truth, predicted)]
        chosen.sort(key=lambda one: -one.scores[one.predicted])
        sizes = [(judged.pictures[one.picture].width_px, judged.pictures[one.picture].height_px) for one in chosen]
        return [
            CellPlace(one.picture, Box(0, 0, *size), one.scores[one.predicted])
            for one, size in zip(chosen, sizes, strict=True)
        ]
    found = []
    for marked, called in matched(judged):
        names = marked.label if marked else NOTHING, called.label if called else NOT_FOUND
        place = called or marked
        if names == (truth, predicted) and place is not None:
            found.append(CellPlace(place.picture, place.box, called.score if called else None))
    return found
