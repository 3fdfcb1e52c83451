"""Decides how many of the chosen detections pages and pictures show, and what they say of the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.counting import counted
from core.export.document import ExportDocument, ExportItem
from core.parameters import Parameter

PAPER = Parameter("paper", str, "A4", "the size of the pages", choices=("A4", "Letter"))


def most(count: int) -> Parameter:
    return Parameter("most", int, count, "so many are shown at most, the worst first; 0: all of them", 0)


def jpeg_bytes(side_px: float) -> float:
    """Roughly, of a crop."""
    return 0.3 * side_px**2


def png_bytes(side_px: float) -> float:
    return 1.5 * side_px**2


def shown_count(count: int, values: Mapping[str, Any]) -> int:
    """How many of so many are shown, by the value of `most`, where there is one."""
    return min(count, values.get("most") or count)


def chosen_items(document: ExportDocument, values: Mapping[str, Any]) -> list[ExportItem]:
    """Those that are shown, by the value of `most`."""
    return list(document.items)[: shown_count(len(document.items), values)]


def count_text(document: ExportDocument, shown: int) -> str:
    count = len(document.items)
    told = counted(count, "detection")
    return told if shown == count else f"{told}, the {shown:,} worst of them shown"
