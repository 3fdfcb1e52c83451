"""Decides which detections are shown and in which order: filtered, sorted, and grouped by class if that is wanted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

from core.detection_table import DetectionTable
from core.filters import Filters
from core.sorting import SORT_FIELDS, Asked, Beside, sorted_rows

Array = np.ndarray


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How somebody wants to see detections. `sort`: one of SORT_FIELDS; `of`: the class or element that it needs."""

    sort: str = "severity"
    of: str = ""
    reverse: bool = False
    grouped: bool = False
    filters: Filters = field(default_factory=Filters)

    @property
    def follows_decisions(self) -> bool:
        """Whether a status or a note may change what is shown, or where."""
        return self.sort in ("status", "decided") or bool({"statuses", "text"} & set(self.filters.active))

    @property
    def follows_classes(self) -> bool:
        """Whether another class of a detection may."""
        return self.grouped or self.sort in ("class", "distance") or bool({"labels", "text"} & set(self.filters.active))

    def order_json(self) -> dict[str, Any]:
        return {"sort": self.sort, "of": self.of, "reverse": self.reverse, "grouped": self.grouped}

    def with_order(self, value: object) -> Arrangement:
        """With the order that `order_json` wrote, as far as it can be understood."""
        if not isinstance(value, dict) or value.get("sort") not in SORT_FIELDS:
            return self
        return replace(
            self,
            sort=value["sort"],
            of=str(value.get("of", "")),
            reverse=bool(value.get("reverse")),
            grouped=bool(value.get("grouped")),
        )


@dataclass(frozen=True, slots=True)
class Group:
    """The detections of one class, one after the other: from `start` up to `stop` in what is arranged."""

    label: str
    start: int
    stop: int

    @property
    def count(self) -> int:
        return self.stop - self.start


def arrange(table: DetectionTable, rows: Array, wanted: Arrangement, beside: Beside | None = None) -> Array:
    """Of some rows of a table, those that pass, in order. Equals keep the order they come in.

    Groups come in the order of their first one: sorted by severity, the class with the worst of all comes first.
    """
    beside = beside or Beside()
    passed = wanted.filters.rows(table, rows, beside.um_per_px)
    found = sorted_rows(Asked(table, passed, rows, beside, wanted.of), wanted.sort, wanted.reverse)
    if not wanted.grouped or not len(found):
        return found
    codes = table.column("label")[found]
    present, first = np.unique(codes, return_index=True)
    rank = np.zeros(len(table.labels), np.int32)
    rank[present[np.argsort(first)]] = np.arange(len(present))
    return found[np.argsort(rank[codes], kind="stable")]


def groups_of(table: DetectionTable, rows: Array) -> tuple[Group, ...]:
    """The runs of one class in rows that are arranged in groups."""
    codes = table.column("label")[rows]
    starts = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(rows)] if len(rows) else []
    return tuple(Group(table.labels[codes[start]], start, stop) for start, stop in pairwise(starts))
