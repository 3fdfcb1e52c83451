"""Decides whether a section looks like what a model learnt from, and says in plain words where it doesn't.

A model of normal calls what it has never seen a defect: on a section that is darker, blurred or of another magnification
that may be everything (Badmos 2022, dissertation §5.3: the false alarms on section HS17051_75).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.anomaly.looks import BRIGHTNESS, CONTRAST, PROPERTIES, SHARPNESS, STRUCTURE, WARMTH, Looks
from core.errors import InputError

# How far two sections may differ by nothing but chance, in the units of the looks: less is never told.
_TOLERANCE: Mapping[str, float] = {BRIGHTNESS: 8.0, CONTRAST: 0.2, SHARPNESS: 0.15, STRUCTURE: 0.2, WARMTH: 8.0}
TELLING, STRIKING = 2.0, 4.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One way in which a section looks unlike the training.

    Args:
        kind: one of `core.anomaly.looks.PROPERTIES`.
        text: what differs and by how much; a sentence.
        how_far: in spreads of the training; `TELLING` at least.
        can_be_matched: whether matching grey levels (`core.anomaly.matching`) takes it away.
    """

    kind: str
    text: str
    how_far: float
    can_be_matched: bool

    @property
    def is_striking(self) -> bool:
        return self.how_far >= STRIKING

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "text": self.text, "how_far": round(self.how_far, 1)}


def findings(training: Looks, section: Looks) -> list[Finding]:
    """In what a section differs, the farthest first; none where it looks like the training."""
    tolerance = np.array([_TOLERANCE[name] for name in PROPERTIES])
    off = section.middle - training.middle
    far = np.abs(off) / np.maximum(training.spread, tolerance)
    found = [
        Finding(name, _TEXTS[name](float(by), training, section), float(one), name in (BRIGHTNESS, CONTRAST, WARMTH))
        for name, by, one in zip(PROPERTIES, off, far, strict=True)
        if one >= TELLING
    ]
    return sorted(found, key=lambda one: -one.how_far)


def advice(found: list[Finding]) -> str:
    """What to do about it: a sentence; "" where nothing was found."""
    if not found:
        return ""
    if all(one.can_be_matched for one in found):
        return "Scan with matching=grey or matching=histogram, or train the model further with regions of this section."
    return "Train the model further with normal regions of this section, or expect false alarms."


def looks_in(card: Mapping[str, Any], path: Path | None = None) -> Looks | None:
    """What a model's card says of its training data; None where it says nothing. Raises InputError for what can't be."""
    if "looks" not in card:
        return None
    try:
        return Looks.from_json(card["looks"])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(
            f"what it says of its training's looks can't be read ({error})", path=path, remedy="Train it again."
        ) from None


def _times(octaves: float) -> str:
    return f"{2 ** abs(octaves):.1f} times"


def _brightness(off: float, training: Looks, section: Looks) -> str:
    than = "brighter" if off > 0 else "darker"
    before, now = (one.middle[PROPERTIES.index(BRIGHTNESS)] for one in (training, section))
    return f"It is {than} than what the model learnt from: grey {now:.0f} in the middle, not {before:.0f}."


def _contrast(off: float, training: Looks, section: Looks) -> str:
    return f"Its contrast is {_times(off)} {'higher' if off > 0 else 'lower'} than in what the model learnt from."


def _sharpness(off: float, training: Looks, section: Looks) -> str:
    than = "sharper or noisier" if off > 0 else "less sharp"
    return f"It is {than} than what the model learnt from: fine detail is {_times(off)} {'stronger' if off > 0 else 'weaker'}."


def _structure(off: float, training: Looks, section: Looks) -> str:
    than = "coarser" if off > 0 else "finer"
    return f"Its structures are {than} than in what the model learnt from: another scale, or another material."


def _warmth(off: float, training: Looks, section: Looks) -> str:
    return f"Its colour is {'redder' if off > 0 else 'bluer'} than in what the model learnt from, by {abs(off):.0f} grey levels."


_TEXTS = {BRIGHTNESS: _brightness, CONTRAST: _contrast, SHARPNESS: _sharpness, STRUCTURE: _structure, WARMTH: _warmth}
