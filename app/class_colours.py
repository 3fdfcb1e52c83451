"""Decides which colour and which words stand for a class, everywhere: boxes in the viewer, chips in gallery and panels.

Where the colours are drawn is for the widgets. Hues are those of Okabe and Ito (2008, "Color Universal Design") with a
few of equal lightness spacing beside them, so that the usual forms of colour blindness still tell them apart; the class
name always stands beside the colour.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import lru_cache

from PySide6.QtGui import QColor

_VERMILION = "#E8622A"
_SKY = "#56B4E9"
_YELLOW = "#F0E442"
_GREEN = "#12A87B"
_PURPLE = "#D982B5"
_BLUE = "#2F7FC4"
_ORANGE = "#F2A516"
_GREY = "#A9AFB8"

# Free slots for classes nobody has met yet, the most different ones first.
_SLOTS = (
    _VERMILION,
    _SKY,
    _YELLOW,
    _PURPLE,
    _GREEN,
    _ORANGE,
    _BLUE,
    "#B3DE69",
    "#9F7BE1",
    "#7FD6D0",
    "#C98B5B",
    "#F7B6C8",
)

_KNOWN = {
    "anomaly": _ORANGE,
    "foreign_particle": _VERMILION,
    "pore": _SKY,
    "large_pore": _SKY,
    "crack": _YELLOW,
    "agglomerate": _GREEN,
    "large_round_particle": _PURPLE,
    "geometry": _BLUE,
    "oxide_cluster": _VERMILION,
    "fluoride": _GREEN,
    "large_grain": _PURPLE,
    "preparation_artefact": _GREY,
}


def class_name(label: str) -> str:
    """A label of a model's card as people read it: "foreign_particle" → "Foreign particle"."""
    words = label.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def class_colour(label: str, labels: Sequence[str] = ()) -> QColor:
    """The colour of one class among `labels` (the scan's; without them, the colour it gets when alone)."""
    return QColor(class_colours((*labels, label) if label not in labels else tuple(labels))[label])


@lru_cache(maxsize=64)
def _assigned(labels: tuple[str, ...]) -> dict[str, str]:
    chosen = {label: _KNOWN[label] for label in labels if label in _KNOWN}
    for label in labels:
        if label not in chosen:
            chosen[label] = _free_slot(label, set(chosen.values()))
    return chosen


def class_colours(labels: Sequence[str]) -> dict[str, QColor]:
    """A colour for each label. Known classes always get the same one; others start at a slot that depends on their
    name only, and move on where another class of the same scan has it, so a class keeps its colour between scans."""
    return {label: QColor(name) for label, name in _assigned(tuple(labels)).items()}


def _free_slot(label: str, taken: set[str]) -> str:
    start = zlib.crc32(label.encode()) % len(_SLOTS)
    order = [_SLOTS[(start + step) % len(_SLOTS)] for step in range(len(_SLOTS))]
    return next((slot for slot in order if slot not in taken), order[0])
