"""Decides what a scan takes over from others of its project, so that no model is asked twice about the same tile.

Scans with the same `map_key` (`core.scan.plan.map_parameters`) would get the same answer for a tile. A scan that was started
over takes nothing: whoever asks for that doubts what is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from core.jobs import CancelToken
from core.project.carrying import has_replaced
from core.project.maps import ScanMaps
from core.project.scan_store import ScanStore

Place = tuple[int, int]

_AT_ONCE = 256  # tiles between two looks at `cancel`


def take_over(store: ScanStore, wanted: Mapping[int, Place], is_map: bool, cancel: CancelToken) -> int:
    """Makes what other scans know of the `wanted` tiles (index → row, column) this scan's own, and notes them as mapped.

    Args:
        is_map: whether the model's answers are maps; else they are boxes, which lie in the records alone.
    Returns how many were taken.
    Raises CancelledError; what was taken by then is kept.
    """
    missing = dict(wanted)
    for scan_id in _alike(store):
        theirs = store.project.maps(scan_id)
        tiles = [tile for tile in _known(store, scan_id) if tile in missing]
        if not tiles or not _learned_the_same(store.maps, theirs):
            continue
        for start in range(0, len(tiles), _AT_ONCE):
            cancel.check()
            part = tiles[start : start + _AT_ONCE]
            taken = _with_their_maps(store, theirs, {tile: missing[tile] for tile in part}) if is_map else part
            _note(store, scan_id, taken)
            for tile in taken:
                del missing[tile]
    return len(wanted) - len(missing)


def _alike(store: ScanStore) -> list[str]:
    """The scans to take from, latest first."""
    own = store.record
    with store.project.database.reading() as db:
        if has_replaced(db, own.key):
            return []
        rows = db.execute(
            "SELECT id FROM scans WHERE map_key = (SELECT map_key FROM scans WHERE id = :id) AND map_key != ''"
            " AND id != :id AND NOT replaced ORDER BY rowid DESC",
            {"id": own.id},
        )
        return [row["id"] for row in rows]


def _known(store: ScanStore, scan_id: str) -> list[int]:
    with store.project.database.reading() as db:
        query = "SELECT tile FROM tiles WHERE scan_id = ? AND state IN ('mapped', 'emitted')"
        return [row["tile"] for row in db.execute(query, (scan_id,))]


def _learned_the_same(mine: ScanMaps, theirs: ScanMaps) -> bool:
    """Whether both scans learned the same from the section; one that has not learned yet takes what the other did."""
    known, other = mine.load_learned(), theirs.load_learned()
    if known is None and other is not None:
        mine.save_learned(other)
        return True
    if known is None or other is None:
        return known is other
    return known.keys() == other.keys() and all(np.array_equal(known[name], other[name]) for name in known)


def _with_their_maps(store: ScanStore, theirs: ScanMaps, tiles: Mapping[int, Place]) -> list[int]:
    taken = set(store.maps.take_model(theirs, list(tiles.values())))
    return [tile for tile, place in tiles.items() if place in taken]


def _note(store: ScanStore, scan_id: str, tiles: Iterable[int]) -> None:
    """Call when their maps are on the disk."""
    with store.project.database.writing() as db:
        db.executemany(
            "INSERT OR IGNORE INTO tiles (scan_id, tile, state, boxes, outlines)"
            " SELECT ?, tile, 'mapped', boxes, outlines FROM tiles WHERE scan_id = ? AND tile = ?",
            [(store.record.id, scan_id, tile) for tile in tiles],
        )
