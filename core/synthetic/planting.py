"""Decides which defects a section gets and where: balanced classes, apart from one another, reproducible one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from core.errors import UsageError
from core.geometry import Box
from core.synthetic.noise import generator
from core.synthetic.specimen import ARTEFACT, Patch, Specimen

ARTEFACT_SHARE = 0.2
_CELL_PX = 512
# How many places are looked at, and at how many of them the defect is drawn to see whether it fits.
_TRIES = 4000
_DRAWN = 300
_LEAST_AREA_PX = 6000


@dataclass(frozen=True, slots=True)
class Truth:
    """One planted defect (or trace of preparation): its class and its box in level-0 px, tight around what is visible."""

    id: int
    label: str
    box: Box


@dataclass(frozen=True, slots=True)
class Planted:
    """A truth with what it takes to draw it again: the number of the try that succeeded."""

    truth: Truth
    attempt: int


def plant(specimen: Specimen, defects: int, seed: int) -> tuple[Planted, ...]:
    """Finds a place for each defect, and for the artefacts that come on top. Raises UsageError when they don't fit."""
    if defects * _LEAST_AREA_PX > specimen.size**2:
        raise _crowded(specimen, defects)
    taken = _Taken()
    planted = []
    for number, label in enumerate(_labels(specimen, defects, seed), 1):
        found = next(_places(specimen, label, number, seed, taken), None)
        if found is None:
            raise _crowded(specimen, defects)
        taken.add(found.truth.box)
        planted.append(found)
    return tuple(planted)


def redraw(specimen: Specimen, planted: Planted, seed: int) -> Patch:
    """The same patch again."""
    patch = _attempt(specimen, planted.truth.label, planted.truth.id, planted.attempt, seed)
    assert patch is not None
    return patch


def _crowded(specimen: Specimen, defects: int) -> UsageError:
    return UsageError(
        f"{defects} defects don't fit into a section of {specimen.size} px",
        remedy="Ask for fewer defects or a larger section.",
    )


def _labels(specimen: Specimen, defects: int, seed: int) -> list[str]:
    """Classes in the order of planting: as many of each as possible, the artefacts spread among them."""
    rng = generator(seed, 41)
    kinds = [label for label in specimen.labels if label != ARTEFACT]
    start = int(rng.integers(len(kinds)))
    labels = [kinds[(start + i) % len(kinds)] for i in range(defects)]
    labels += [ARTEFACT] * round(ARTEFACT_SHARE * defects)
    return [labels[i] for i in rng.permutation(len(labels))]


def _places(specimen: Specimen, label: str, number: int, seed: int, taken: _Taken) -> Iterator[Planted]:
    whole = Box(0, 0, specimen.size, specimen.size)
    drawn = 0
    for attempt in range(_TRIES):
        patch = _attempt(specimen, label, number, attempt, seed)
        box = patch.box if patch is not None else None
        if box is None:
            continue
        if drawn == _DRAWN:
            return
        drawn += 1
        # The wanted distance shrinks while the search goes on, so that dense sections can be planted too.
        if box.intersection(whole) != box or taken.hits(box.grown(max(4, 40 - drawn / 4))):
            continue
        if specimen.holds(box, label):
            yield Planted(Truth(number, label, box), attempt)


def _attempt(specimen: Specimen, label: str, number: int, attempt: int, seed: int) -> Patch | None:
    return specimen.patch(label, generator(seed, 42, number, attempt))


class _Taken:
    """Boxes in a coarse grid of cells, for quick collision tests."""

    def __init__(self) -> None:
        self._cells: dict[tuple[int, int], list[Box]] = defaultdict(list)

    def add(self, box: Box) -> None:
        for cell in cells_of(box, _CELL_PX):
            self._cells[cell].append(box)

    def hits(self, box: Box) -> bool:
        return any(box.intersection(other) for cell in cells_of(box, _CELL_PX) for other in self._cells.get(cell, ()))


def cells_of(box: Box, cell_px: int) -> Iterable[tuple[int, int]]:
    """The cells (column, row) of a square grid that a box touches."""
    columns = np.arange(int(box.x // cell_px), int(box.x1 // cell_px) + 1)
    rows = np.arange(int(box.y // cell_px), int(box.y1 // cell_px) + 1)
    return [(int(c), int(r)) for c in columns for r in rows]
