"""Decides on which defect a composition was measured: by our number, else by the nearest place, and never by a guess."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.chemistry.composition import Measurement
from core.detection import Detection
from core.registration.registration import Registration

Array = np.ndarray

# A place counts as the defect's within the predicted error and half the defect's size; and never within less than this.
LEAST_REACH_UM = 2.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A defect that may have been meant, and how far its middle lies from the measured place (None: named by number)."""

    detection: Detection
    distance_um: float | None


@dataclass(frozen=True, slots=True)
class Match:
    """A measurement and the defects it may belong to, nearest first: one is clear, several must be asked, none is lost."""

    measurement: Measurement
    candidates: tuple[Candidate, ...]

    @property
    def clear(self) -> Detection | None:
        return self.candidates[0].detection if len(self.candidates) == 1 else None


def match_measurements(
    measurements: Sequence[Measurement], detections: Sequence[Detection], registration: Registration | None
) -> list[Match]:
    """One match for each measurement, in their order.

    Args:
        detections: of one section.
        registration: of that section; without one only numbers match.
    """
    by_id = {detection.id: detection for detection in detections}
    places = reaches = np.zeros((0,))
    if registration is not None and detections:
        middles = np.array([detection.box.center for detection in detections])
        places = registration.fit.to_sem(middles)
        reaches = _reaches(detections, registration)
    matches = []
    for one in measurements:
        if one.detection_id is not None:
            named = by_id.get(one.detection_id)
            matches.append(Match(one, (Candidate(named, None),) if named else ()))
        elif one.place is None or not len(places):
            matches.append(Match(one, ()))
        else:
            matches.append(Match(one, _near(one, detections, places, reaches)))
    return matches


def _near(one: Measurement, detections: Sequence[Detection], places: Array, reaches: Array) -> tuple[Candidate, ...]:
    """Where the beam stood aside of the stage's place in an unknown direction, all within its circle may be meant."""
    away = np.hypot(*(places - one.place).T)
    near = np.flatnonzero(away <= reaches + one.reach_um)
    return tuple(Candidate(detections[i], float(away[i])) for i in near[np.argsort(away[near], kind="stable")])


def _reaches(detections: Sequence[Detection], registration: Registration) -> Array:
    """(n,) µm around each defect's middle within which a place counts as its own."""
    um_per_px = registration.fit.um_per_px * registration.fit.scale
    sizes = np.array([(d.box.w, d.box.h) for d in detections]) * um_per_px / 2
    errors = [registration.predicted_error_um(*d.box.center) or 0.0 for d in detections]
    return np.maximum(np.hypot(*sizes.T) + np.array(errors), LEAST_REACH_UM)
