"""Decides how parts of objects that are not wholly seen yet are kept in a project's database."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Protocol

from core.detection import Candidate
from core.geometry import Box
from core.outlines import Outline
from core.project.raw_boxes import packed_outline, unpacked_outline


@dataclass(frozen=True, slots=True)
class Fragment:
    """What one tile saw of an object that is too long for it. In level-0 px.

    Args:
        area_px: the part of the object's area that this tile accounts for.
        peak: where the highest score of this part lies.
        outline: of the part that this tile accounts for, where the model gives outlines.
        edges: for each tile (index) into which the object may go on, the places where it would.
        id: in the database; 0 before it is stored.
    """

    tile: int
    label: str
    score: float
    box: Box
    area_px: float
    peak: tuple[float, float]
    edges: Mapping[int, tuple[Box, ...]]
    id: int = 0
    outline: Outline = ()


@dataclass(frozen=True, slots=True)
class Joined:
    """An object that is wholly seen: its fragments (ids), which are not needed any more; the tile that counts as having
    found it; and what it is, None when it is not to be kept."""

    fragments: tuple[int, ...]
    tile: int
    candidate: Candidate | None


class OpenFragments(Protocol):
    """A scan's fragments and tiles as they are stored now."""

    def of(self, tiles: Iterable[int]) -> list[Fragment]:
        """Those of some tiles."""

    def finished(self, tiles: Iterable[int]) -> set[int]:
        """Those of some tiles which are emitted or skipped."""


class StoredFragments:
    """The fragments of one scan, within a transaction."""

    def __init__(self, db: sqlite3.Connection, scan_id: str) -> None:
        self._db, self._scan = db, scan_id

    def of(self, tiles: Iterable[int]) -> list[Fragment]:
        rows = self._select("SELECT * FROM fragments WHERE scan_id = ? AND tile IN ({}) ORDER BY id", tiles)
        return [_fragment(row) for row in rows]

    def finished(self, tiles: Iterable[int]) -> set[int]:
        query = "SELECT tile FROM tiles WHERE scan_id = ? AND state IN ('emitted', 'skipped') AND tile IN ({})"
        return {row["tile"] for row in self._select(query, tiles)}

    def add(self, fragments: Iterable[Fragment]) -> None:
        self._db.executemany(_INSERT, [_row(self._scan, one) for one in fragments])

    def remove(self, ids: Iterable[int]) -> None:
        self._db.executemany("DELETE FROM fragments WHERE id = ?", [(one,) for one in ids])

    def _select(self, query: str, tiles: Iterable[int]) -> list[sqlite3.Row]:
        wanted = list(tiles)
        return self._db.execute(query.format(", ".join("?" * len(wanted))), (self._scan, *wanted)).fetchall()


def _row(scan_id: str, one: Fragment) -> dict[str, object]:
    edges = {str(tile): [[box.x, box.y, box.w, box.h] for box in places] for tile, places in one.edges.items()}
    return {
        "scan": scan_id,
        "tile": one.tile,
        "label": one.label,
        "score": one.score,
        **asdict(one.box),
        "area": one.area_px,
        "peak_x": one.peak[0],
        "peak_y": one.peak[1],
        "edges": json.dumps(edges),
        "outline": packed_outline(one.outline),
    }


def _fragment(row: sqlite3.Row) -> Fragment:
    edges = {int(tile): tuple(Box(*box) for box in places) for tile, places in json.loads(row["edges"]).items()}
    box = Box(row["x_px"], row["y_px"], row["w_px"], row["h_px"])
    peak = row["peak_x_px"], row["peak_y_px"]
    outline = unpacked_outline(row["outline"])
    return Fragment(row["tile"], row["label"], row["score"], box, row["area_px"], peak, edges, row["id"], outline)


_INSERT = (
    "INSERT INTO fragments (scan_id, tile, label, score, x_px, y_px, w_px, h_px, area_px, peak_x_px, peak_y_px, edges, outline)"
    " VALUES (:scan, :tile, :label, :score, :x, :y, :w, :h, :area, :peak_x, :peak_y, :edges, :outline)"
)
