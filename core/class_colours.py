"""Decides which colour and which words stand for a class, everywhere: on screen, in exports and in reports.

Hues are those of Okabe and Ito (2008, "Color Universal Design") with a few of equal lightness spacing beside them, so
that the usual forms of colour blindness still tell them apart; the class name always stands beside the colour.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from functools import lru_cache

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

Colour = tuple[int, int, int]  # red, green, blue, 0 to 255
_NONE: Mapping[str, str] = {}

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


def class_hex(labels: Sequence[str], chosen: Mapping[str, str] = _NONE) -> dict[str, str]:
    """A colour "#rrggbb" for each label. Known classes always get the same one; others start at a slot that depends on
    their name only, and move on where another class of the same scan has it, so a class keeps its colour between scans.

    Args:
        chosen: those that somebody chose, "#rrggbb" (`core.classes.ClassTable.colours`); they go before all others.
    """
    return {label: chosen.get(label, usual) for label, usual in _assigned(tuple(labels)).items()}


def colour_of(name: str) -> Colour:
    """Red, green and blue of "#rrggbb"."""
    red, green, blue = bytes.fromhex(name[1:])
    return red, green, blue


@lru_cache(maxsize=64)
def _assigned(labels: tuple[str, ...]) -> dict[str, str]:
    chosen = {label: _KNOWN[label] for label in labels if label in _KNOWN}
    for label in labels:
        if label not in chosen:
            chosen[label] = _free_slot(label, set(chosen.values()))
    return chosen


def _free_slot(label: str, taken: set[str]) -> str:
    start = zlib.crc32(label.encode()) % len(_SLOTS)
    order = [_SLOTS[(start + step) % len(_SLOTS)] for step in range(len(_SLOTS))]
    return next((slot for slot in order if slot not in taken), order[0])
