"""Decides which fragments of neighbouring tiles are one object, and when it is wholly seen. Pure.

Everything is decided around one tile at the moment it is emitted, from what is stored then: no pass over the whole
section, and the same objects in whatever order tiles come.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence

from core.detection import Candidate
from core.geometry import Box, bounding_box
from core.outlines import joined
from core.project.fragments import Fragment, Joined, OpenFragments

# Places given in level-0 px come from whole cells; a difference this small is rounding.
_ROUNDING_PX = 1e-3

IsAwaited = Callable[[int], bool]
# A fragment, all of its tile's, all of a neighbour's → those of the neighbour's that are the same object.
Link = Callable[[Fragment, Sequence[Fragment], Sequence[Fragment]], list[Fragment]]


def wholly_seen(
    tile: int, around: Collection[int], stored: OpenFragments, is_awaited: IsAwaited, link: Link
) -> list[Joined]:
    """The objects that are wholly seen now that a tile is emitted.

    Args:
        around: the tile's neighbours.
        stored: with the tile's own fragments and state.
        is_awaited: whether a tile takes part in the scan at all.
        link: says which fragments of two neighbouring tiles are the same object.
    """
    view = _View(stored, is_awaited)
    united, whole, unfinished = [], set[int](), set[int]()
    for start in view.of([tile, *around]):
        if (start.tile != tile and tile not in start.edges) or start.id in whole or start.id in unfinished:
            continue
        found, is_whole = _object_of(start, view, link, unfinished)
        (whole if is_whole else unfinished).update(found)
        if is_whole:
            united.append(_united(list(found.values())))
    return united


def touching(one: Fragment, mine: Sequence[Fragment], theirs: Sequence[Fragment]) -> list[Fragment]:
    """The link for fragments whose edges name the places at which they reach a tile's border."""
    return [other for other in theirs if other.label == one.label and _meet(one, other)]


class _View:
    """What is stored, each tile asked for once."""

    def __init__(self, stored: OpenFragments, is_awaited: IsAwaited) -> None:
        self._stored, self._is_awaited = stored, is_awaited
        self._fragments: dict[int, list[Fragment]] = {}
        self._finished: set[int] = set()

    def of(self, tiles: Iterable[int]) -> list[Fragment]:
        wanted = list(tiles)
        missing = [tile for tile in wanted if tile not in self._fragments]
        self._fragments.update({tile: [] for tile in missing})
        for fragment in self._stored.of(missing) if missing else ():
            self._fragments[fragment.tile].append(fragment)
        return [fragment for tile in wanted for fragment in self._fragments[tile]]

    def all_finished(self, tiles: Iterable[int]) -> bool:
        missing = {tile for tile in tiles if tile not in self._finished and self._is_awaited(tile)}
        if missing:
            self._finished |= self._stored.finished(missing)
        return missing <= self._finished


def _object_of(
    start: Fragment, view: _View, link: Link, unfinished: Collection[int]
) -> tuple[dict[int, Fragment], bool]:
    """The fragments of an object by id, and whether these are all; not while a tile into which it may go on isn't finished.

    Nearest first, as what isn't finished is mostly near. `unfinished`: fragments of which it is known that not all is.
    """
    found, waiting = {start.id: start}, deque([start])
    while waiting:
        fragment = waiting.popleft()
        if fragment.id in unfinished or not view.all_finished(fragment.edges):
            return found, False
        mine = view.of([fragment.tile])
        linked = [other for tile in fragment.edges for other in link(fragment, mine, view.of([tile]))]
        waiting += [other for other in linked if other.id not in found]
        found.update((other.id, other) for other in linked)
    return found, True


def _united(fragments: list[Fragment]) -> Joined:
    """One candidate of an object's fragments; the one with the highest score counts as the one that found it."""
    best = min(fragments, key=lambda one: (-one.score, one.tile, one.peak))
    box = bounding_box(one.box for one in fragments)
    # In a fixed order, for a sum that doesn't depend on the order of work.
    area = sum(one.area_px for one in sorted(fragments, key=lambda one: (one.tile, one.box)))
    outline = joined([one.outline for one in fragments])
    candidate = Candidate(best.label, best.score, box, min(area, box.area), best.peak, outline)
    return Joined(tuple(one.id for one in fragments), best.tile, candidate)


def _meet(one: Fragment, other: Fragment) -> bool:
    places, others = one.edges.get(other.tile, ()), other.edges.get(one.tile, ())
    return any(_touch(a, b) for a in places for b in others)


def _touch(a: Box, b: Box) -> bool:
    """Whether two boxes overlap or meet, in a corner at least."""
    apart_x = max(a.x, b.x) - min(a.x1, b.x1)
    apart_y = max(a.y, b.y) - min(a.y1, b.y1)
    return max(apart_x, apart_y) <= _ROUNDING_PX
