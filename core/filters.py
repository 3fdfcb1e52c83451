"""Decides which detections pass a filter, for all of them at once, and how a filter is said in words.

A detection passes when it meets every condition that is set. It lies in a region when its box's middle does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from core.class_colours import class_name
from core.detection import STATUS_NAMES, STATUSES, Status
from core.detection_table import DetectionTable

Array = np.ndarray
Range = tuple[float | None, float | None]

ANY: Range = (None, None)


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the section: a closed outline, corners in level-0 px, and what it is called."""

    name: str
    corners: tuple[tuple[float, float], ...]

    def holds(self, x_px: Array, y_px: Array) -> Array:
        """(n,) bool: which points lie in it."""
        from skimage.measure import points_in_poly

        (x0, y0), (x1, y1) = np.min(self.corners, axis=0), np.max(self.corners, axis=0)
        inside = (x_px >= x0) & (x_px <= x1) & (y_px >= y0) & (y_px <= y1)
        near = np.flatnonzero(inside)
        inside[near] = points_in_poly(np.stack([x_px[near], y_px[near]], axis=1), np.array(self.corners))
        return inside


@dataclass(frozen=True, slots=True)
class Filters:
    """What is left of the detections. Empty, or None at an end of a range: any.

    `size` is the longer side of the box, in µm, or in px on a section without a scale; `score` in the model's own unit.
    """

    labels: frozenset[str] = frozenset()
    statuses: frozenset[Status] = frozenset()
    score: Range = ANY
    size: Range = ANY
    region: Region | None = None
    text: str = ""

    @property
    def active(self) -> tuple[str, ...]:
        """The names of the conditions that are set."""
        without = Filters()
        names = (field.name for field in fields(self))
        return tuple(name for name in names if _plain(getattr(self, name)) != _plain(getattr(without, name)))

    def without(self, name: str) -> Filters:
        """With one condition taken away."""
        return replace(self, **{name: getattr(Filters(), name)})

    def rows(self, table: DetectionTable, rows: Array, um_per_px: float | None) -> Array:
        """Those of some rows of a table that pass, in their order."""
        passed = np.ones(len(rows), bool)
        for name in self.active:
            passed &= _CONDITIONS[name](self, table, rows, um_per_px)
        return rows[passed]

    def words(self, name: str, unit: str) -> str:
        """One of the `active` conditions as people read it; `unit` is that of sizes."""
        if name == "labels":
            return ", ".join(sorted(map(class_name, self.labels)))
        if name == "statuses":
            return ", ".join(STATUS_NAMES[status] for status in STATUSES if status in self.statuses)
        if name == "score":
            return f"Score {_range_words(self.score)}"
        if name == "size":
            return f"Size {_range_words(self.size)} {unit}"
        if name == "region":
            return f"In {self.region.name}" if self.region is not None else ""
        return f"“{self.text.strip()}”"

    def to_json(self) -> dict[str, Any]:
        """Only what is set."""
        write = {
            "labels": sorted(self.labels),
            "statuses": sorted(self.statuses),
            "score": self.score,
            "size": self.size,
            "region": self.region and {"name": self.region.name, "corners": self.region.corners},
            "text": self.text,
        }
        return {name: write[name] for name in self.active}

    @classmethod
    def from_json(cls, value: object) -> Filters:
        """What `to_json` wrote; a condition that can't be understood is left out."""
        found: dict[str, Any] = {}
        for name, read in _READERS.items():
            try:
                found[name] = read(value[name])  # type: ignore[index]  # whatever else it is, it is left out
            except (KeyError, TypeError, ValueError):
                continue
        return cls(**found)


def _in_range(values: Array, limits: Range) -> Array:
    low, high = limits
    return (values >= (-np.inf if low is None else low)) & (values <= (np.inf if high is None else high))


def _has_text(filters: Filters, table: DetectionTable, rows: Array, um_per_px: float | None) -> Array:
    """In the class, the status, the note; a number with # before it, or alone, is that of the detection."""
    text = filters.text.strip().casefold()
    by_label = np.array([text in f"{class_name(label)} {label}".casefold() for label in table.labels], bool)
    by_status = np.array([text in STATUS_NAMES[status].casefold() for status in STATUSES])
    passed = by_label[table.column("label")[rows]] | by_status[table.column("status")[rows]]
    for place in np.flatnonzero(table.column("has_note")[rows]).tolist():
        passed[place] |= text in table[int(rows[place])].note.casefold()
    number = text.removeprefix("#")
    if number.isascii() and number.isdigit():
        ids = table.column("id")[rows].astype(np.str_)
        passed |= np.char.startswith(ids, number)
    return passed


def _has_status(filters: Filters, table: DetectionTable, rows: Array, um_per_px: float | None) -> Array:
    return np.array([status in filters.statuses for status in STATUSES])[table.column("status")[rows]]


def _is_in_region(filters: Filters, table: DetectionTable, rows: Array, um_per_px: float | None) -> Array:
    assert filters.region is not None
    return filters.region.holds(table.column("x")[rows], table.column("y")[rows])


_CONDITIONS: Mapping[str, Callable[[Filters, DetectionTable, Array, float | None], Array]] = {
    "labels": lambda filters, table, rows, um: table.is_of(filters.labels)[rows],
    "statuses": _has_status,
    "score": lambda filters, table, rows, um: _in_range(table.column("score")[rows], filters.score),
    "size": lambda filters, table, rows, um: _in_range(table.column("side_px")[rows] * (um or 1.0), filters.size),
    "region": _is_in_region,
    "text": _has_text,
}


def _plain(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


def _range_words(limits: Range) -> str:
    low, high = limits
    if low is None:
        return f"up to {high:g}"
    return f"from {low:g}" if high is None else f"{low:g} to {high:g}"


def _range(value: Any) -> Range:
    low, high = (None if end is None else float(end) for end in value)
    if any(end is not None and not math.isfinite(end) for end in (low, high)):
        raise ValueError(value)
    return low, high


def _region(value: Any) -> Region:
    corners = tuple((float(x), float(y)) for x, y in value["corners"])
    if len(corners) < 3 or not np.isfinite(corners).all():
        raise ValueError(value)
    return Region(str(value["name"]), corners)


def _statuses(value: Any) -> frozenset[Status]:
    return frozenset(status for status in STATUSES if status in value)


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "labels": lambda value: frozenset(map(str, value)),
    "statuses": _statuses,
    "score": _range,
    "size": _range,
    "region": _region,
    "text": str,
}
