"""Decides how residuals are drawn on the section: as arrows from where a fiducial was picked towards where the SEM saw it,
so many times larger than life that the eye sees them on the whole section."""

from __future__ import annotations

import math

import numpy as np

from core.registration.registration import Registration

Arrow = tuple[tuple[float, float], tuple[float, float]]

# Of the fiducials' extent, the most that the longest arrow takes.
_LONGEST = 0.25
# Level-0 px; what is shorter is rounding: of an affine on three points, or of the numbers that were typed in.
_NOTHING_PX = 0.01


def arrow_factor(registration: Registration) -> float:
    """1, 2 or 5 times a power of ten; 0 where there is nothing to draw."""
    longest = max((math.dist(*arrow) for arrow in _true_arrows(registration)), default=0.0)
    extent = float(np.ptp([(one.x_px, one.y_px) for one in registration.used], axis=0).max())
    if longest < _NOTHING_PX:
        return 0.0
    most = _LONGEST * extent / longest
    power = 10.0 ** math.floor(math.log10(most))
    return power * max(step for step in (1, 2, 5) if step * power <= most * (1 + 1e-9))


def residual_arrows(registration: Registration) -> list[Arrow]:
    """From and to in level-0 px, enlarged by `arrow_factor`; check points have theirs too."""
    factor = arrow_factor(registration)
    if not factor:
        return []
    return [
        ((x, y), (x + factor * (seen_x - x), y + factor * (seen_y - y)))
        for (x, y), (seen_x, seen_y) in _true_arrows(registration)
    ]


def _true_arrows(registration: Registration) -> list[Arrow]:
    inverse = np.linalg.inv(registration.fit.matrix[:, :2])
    shift = registration.fit.matrix[:, 2]
    found = []
    for one in registration.fiducials:
        x, y = inverse @ (np.array(one.sem_um) - shift)
        found.append(((one.x_px, one.y_px), (float(x), float(y))))
    return found
