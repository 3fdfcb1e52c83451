"""Decides what models that learnt what is normal have in common in a scan: each first looks at the section it is to scan.

What they learnt from is in their card under "looks". What they see of a section says whether it looks like that
(`core.anomaly.drift`), and, where `matching` asks for it, is brought to that (`core.anomaly.matching`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from core.anomaly.acquaintance import TILES, Acquaintance
from core.anomaly.calibration import Calibration, calibration_in
from core.anomaly.drift import advice, looks_in
from core.anomaly.matching import MATCHING, NONE
from core.jobs import CancelToken, Progress, Step, no_progress
from core.models.base import Model, ModelSpec, TileReader

Array = np.ndarray


def learning_if_matched(spec: ModelSpec) -> ModelSpec:
    """For a family's `configure`: what is matched depends on what of the section is scanned."""
    return replace(spec, learns=spec.values.get(MATCHING.name, NONE) != NONE)


def _doubts_of(calibration: Calibration | None) -> tuple[str, ...]:
    if calibration is None or not calibration.is_of_few:
        return ()
    count = calibration.windows.count
    return (
        f"Its limit of what is normal is a guess, made from {count} windows: train it with more of what is normal.",
    )


class ModelOfNormal(Model):
    """A model that only knows what is normal. Its family offers `MATCHING`; whatever it is shown it first gives to
    `matched`: tiles, crops to explain, crops to give evidence of."""

    _acquaintance: Acquaintance | None = None

    def learn(
        self, tiles: int, read: TileReader, progress: Progress = no_progress, cancel: CancelToken | None = None
    ) -> dict[str, Array] | None:
        """Looks at a few of the offered tiles; the weights stay what they are. None for a card that tells no looks."""
        self._acquaintance = None
        training, seen = looks_in(self.spec.card, self.spec.path), []
        for index in range(min(tiles, TILES) if training is not None else 0):
            if cancel is not None:
                cancel.check()
            progress(Step(index, min(tiles, TILES), "Looking at the section"))
            seen.append(read(index))
        if training is None or not seen:
            return None
        self._acquaintance = Acquaintance.made(seen, training, self.spec.values.get(MATCHING.name, NONE))
        return self._acquaintance.to_state()

    def restore(self, state: Mapping[str, Array]) -> None:
        self._acquaintance = Acquaintance.from_state(state)

    def doubts(self) -> tuple[str, ...]:
        found = self._acquaintance.findings if self._acquaintance is not None else []
        told = (*(one.text for one in found), advice(found)) if found else ()
        return (*told, *_doubts_of(calibration_in(self.spec.card, self.spec.path)))

    def matched(self, pixels: Array) -> Array:
        """(h, w, 3) uint8 as the model is to see it."""
        return pixels if self._acquaintance is None else self._acquaintance.matched(pixels)
