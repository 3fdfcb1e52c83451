"""Decides what a model of normal finds out about a section before it scans it: how it looks, and how it is matched.

Of some tiles of the specimen, once; it is kept with the scan, so that going on, and explaining, see the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.anomaly.drift import Finding, findings
from core.anomaly.looks import Looks, looks_of
from core.anomaly.matching import NONE, lookup, matched

Array = np.ndarray

_SECTION, _TRAINING, _TABLE = "looks_section", "looks_training", "matching_table"
TILES = 16  # looked at of a section at most


@dataclass(frozen=True)
class Acquaintance:
    """A section as a model came to know it, beside what it learnt from. `table`: see `core.anomaly.matching.lookup`."""

    section: Looks
    training: Looks
    table: Array | None

    @classmethod
    def made(cls, tiles: Sequence[Array], training: Looks, matching: str = NONE) -> Acquaintance:
        """From some of a section's tiles, (h, w, 3) uint8, at least one."""
        section = looks_of(tiles)
        return cls(section, training, lookup(matching, section, training))

    @property
    def findings(self) -> list[Finding]:
        """In what the section differs, whether it is matched or not; the farthest first."""
        return findings(self.training, self.section)

    def matched(self, pixels: Array) -> Array:
        """(h, w, 3) uint8 as the model is to see it."""
        return matched(pixels, self.table)

    def to_state(self) -> dict[str, Array]:
        kept = {_SECTION: self.section.to_state(), _TRAINING: self.training.to_state()}
        return kept if self.table is None else {**kept, _TABLE: self.table}

    @classmethod
    def from_state(cls, state: Mapping[str, Array]) -> Acquaintance | None:
        """What a scan kept; None where it kept nothing of the kind. Raises ValueError for what `to_state` didn't give."""
        if _SECTION not in state:
            return None
        table = state.get(_TABLE)
        if table is not None and (table.shape != (256, 3) or table.dtype != np.uint8):
            raise ValueError("no table of grey levels")
        return cls(Looks.from_state(state[_SECTION]), Looks.from_state(state[_TRAINING]), table)
