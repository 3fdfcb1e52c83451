"""Decides which detections are driven to and in which order: a short open path, by nearest neighbours first and 2-opt after.

The order is that of the section, whatever frame its places are said in, so that a list and the path on the screen agree.

2-opt (Croes 1958, "A method for solving traveling-salesman problems"): wherever two legs cross, the part between them is
driven the other way round.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.detection import Detection

Array = np.ndarray

# Of each place so many others are tried as the end of the part that is turned; more would only cost time.
_REACH, _SWEEPS = 1500, 40
# More places than that are driven to in strips, there and back, and only the worst detours are mended: seconds, not hours.
_MOST_GREEDY = 8000
_REACH_OF_MANY, _SWEEPS_OF_MANY = 60, 3
_LEAST_GAIN = 1e-9


def drive_order(places: Array, start: Array | None = None) -> Array:
    """(n,) indices in the order of visits.

    Args:
        places: (n, 2), any unit that is the same in both directions.
        start: (2,) where the drive begins; None: at the place with the least x + y. Of thousands: in a corner.
    """
    count = len(places)
    if count == 0:
        return np.arange(0)
    if count > _MOST_GREEDY:
        order = _strips(places)
        return _two_opt(places[order], order, _REACH_OF_MANY, _SWEEPS_OF_MANY)
    order = _nearest_neighbours(places, start)
    return _two_opt(places[order], order, _REACH, _SWEEPS)


def worth_a_visit(detections: Sequence[Detection]) -> list[Detection]:
    """Confirmed defects; where nobody has confirmed any yet, all of them."""
    return [one for one in detections if one.status == "defect"] or list(detections)


def drive_through(detections: Sequence[Detection], um_per_px: tuple[float, float] | None) -> list[int]:
    """The detections of one section in the order of visits, as indices; the first is near the upper left corner.

    `um_per_px`: the section's; None: px are taken as square.
    """
    middles = np.array([one.box.center for one in detections]).reshape(-1, 2)
    return [int(index) for index in drive_order(middles * (um_per_px or (1.0, 1.0)))]


def path_length(places: Array, order: Array) -> float:
    """From the first to the last place visited, in the unit of the places."""
    return float(np.linalg.norm(np.diff(places[order], axis=0), axis=1).sum())


def _nearest_neighbours(places: Array, start: Array | None) -> Array:
    left = np.ones(len(places), bool)
    at = int(places.sum(1).argmin()) if start is None else int(((places - start) ** 2).sum(1).argmin())
    order = [at]
    left[at] = False
    for _ in range(len(places) - 1):
        away = ((places - places[at]) ** 2).sum(1)
        away[~left] = np.inf
        at = int(away.argmin())
        left[at] = False
        order.append(at)
    return np.array(order)


def _strips(places: Array) -> Array:
    """Up one strip and down the next, each so wide that a place more or less in it costs as much across as along."""
    low, size = places.min(axis=0), np.maximum(np.ptp(places, axis=0), 1e-9)
    strips = max(1, round(float(np.sqrt(len(places) * size[0] / size[1] / 3))))
    strip = np.minimum(((places[:, 0] - low[0]) / size[0] * strips).astype(int), strips - 1)
    along = np.where(strip % 2 == 0, places[:, 1], -places[:, 1])
    return np.lexsort((along, strip))


def _two_opt(path: Array, order: Array, reach: int, sweeps: int) -> Array:
    """Turns parts of an open path round until nothing is gained; the first place stays the first, the end is free."""
    path, order = path.copy(), order.copy()
    count = len(path)
    for _ in range(sweeps):
        gained = 0.0
        for first in range(count - 2):
            last = np.arange(first + 2, min(first + reach, count))
            before = _far(path[first], path[first + 1]) + _leg_after(path, last)
            after = _far(path[first], path[last]) + _leg_from(path, first + 1, last)
            gains = before - after
            best = int(gains.argmax())
            if gains[best] > _LEAST_GAIN:
                turned = slice(first + 1, int(last[best]) + 1)
                path[turned], order[turned] = path[turned][::-1].copy(), order[turned][::-1].copy()
                gained += float(gains[best])
        if gained <= _LEAST_GAIN:
            break
    return order


def _far(a: Array, b: Array) -> Array:
    return np.hypot(*(np.asarray(a - b).T))


def _leg_after(path: Array, index: Array) -> Array:
    """(m,) the leg from each of these places to the next one; 0 from the last place of all."""
    following = np.minimum(index + 1, len(path) - 1)
    return _far(path[index], path[following])


def _leg_from(path: Array, place: int, index: Array) -> Array:
    """(m,) what the leg to the next place is once the part that ends there is turned round."""
    following = np.minimum(index + 1, len(path) - 1)
    return np.where(index + 1 < len(path), _far(path[place], path[following]), 0.0)
