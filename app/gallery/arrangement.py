"""Decides which detections the gallery shows and in which order; no Qt, so that 100,000 of them sort in one pass.

What "worst" means is decided before (`core.ranking`): sorting by severity keeps the order in which detections come.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from core.class_colours import class_name
from core.detection import STATUS_NAMES, STATUSES, Detection, Status


@dataclass(frozen=True, slots=True)
class SortField:
    """One way to sort. `key` is None for the order in which detections come; `first` names what stands at the top."""

    id: str
    name: str
    first: str
    key: Callable[[Detection], Any] | None


SORT_FIELDS: tuple[SortField, ...] = (
    SortField("severity", "Severity", "worst first", None),
    SortField("score", "Score", "highest first", lambda d: -d.score),
    SortField("area", "Area", "largest first", lambda d: -d.area_px),
    SortField("class", "Class", "A to Z", lambda d: d.label),
    SortField("position", "Position", "top to bottom", lambda d: (d.box.y + d.box.h / 2, d.box.x + d.box.w / 2)),
    SortField("status", "Status", "unreviewed first", lambda d: STATUSES.index(d.status)),
)
_FIELDS = {field.id: field for field in SORT_FIELDS}


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How the user wants the gallery. `label` and `status` None mean any; `text` must occur in what is known of it."""

    sort: str = "severity"
    reverse: bool = False
    label: str | None = None
    status: Status | None = None
    text: str = ""

    @property
    def filters(self) -> bool:
        """Whether it may leave anything out."""
        return self.label is not None or self.status is not None or bool(self.text.strip())


def arrange(detections: Sequence[Detection], arrangement: Arrangement) -> list[Detection]:
    """Those that pass the filter, sorted; equals keep the order they came in, also when reversed."""
    found = [d for d in detections if _passes(d, arrangement)] if arrangement.filters else list(detections)
    key = _FIELDS[arrangement.sort].key
    if key is not None:
        found.sort(key=key, reverse=arrangement.reverse)
    elif arrangement.reverse:
        found.reverse()
    return found


def _passes(detection: Detection, arrangement: Arrangement) -> bool:
    if arrangement.label is not None and detection.label != arrangement.label:
        return False
    if arrangement.status is not None and detection.status != arrangement.status:
        return False
    text = arrangement.text.strip().casefold()
    if not text or text in _words(detection.label, detection.status):
        return True
    return text in f"#{detection.id}" or text in detection.note.casefold()


@cache
def _words(label: str, status: Status) -> str:
    return f"{class_name(label)} {label} {STATUS_NAMES[status]}".casefold()
