"""Decides what a registration of a section to the SEM is: which fit, what it says of its own quality, what it warns of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from core.errors import UsageError
from core.geometry import Box
from core.registration.checks import refuse_what_decides_nothing, refuse_what_lies_nowhere, warnings_of
from core.registration.fiducials import UM_PER_UNIT, Fiducial, SemUnit
from core.registration.fit import Fit, FitKind, affine_gain, fit

Array = np.ndarray
RegistrationKind = Literal["auto", "similarity", "affine"]

# Nobody picks a place better than this, however small the residuals of a few fiducials happen to be.
LEAST_SIGMA_UM = 0.5
AFFINE_FROM = 5
_BY_CHANCE = 0.01


@dataclass(frozen=True, slots=True)
class Residual:
    """How far a fiducial lies from where the registration puts it, in SEM µm; `left_out_um`: from a fit without it."""

    name: str
    dx_um: float
    dy_um: float
    left_out_um: float | None

    @property
    def um(self) -> float:
        return float(np.hypot(self.dx_um, self.dy_um))


@dataclass(frozen=True, slots=True)
class CheckError:
    """How far off a place was that took no part in the fit, and within what it had to be in 95 of 100 registrations: it
    is picked no better than the fiducials, so that is more than the predicted error of the place itself."""

    name: str
    error_um: float
    predicted_um: float | None


@dataclass(frozen=True)
class Registration:
    """Level-0 px → SEM. Made from fiducials alone, and made again from them whenever it is needed.

    Args:
        fiducials: those that were seen in the SEM.
        unit: in which SEM places are said.
        rms_um: of the residuals; None where they are zero whatever the errors are (an affine on three points).
    """

    fiducials: tuple[Fiducial, ...]
    kind: RegistrationKind
    fit: Fit
    unit: SemUnit
    warnings: tuple[str, ...]

    @property
    def used(self) -> list[Fiducial]:
        return [one for one in self.fiducials if one.role == "fiducial"]

    @property
    def rms_um(self) -> float | None:
        return float(np.sqrt(self.fit.sum_of_squares / len(self.used))) if self.fit.dof else None

    @property
    def residuals(self) -> list[Residual]:
        left_out = self.fit.left_out
        return [
            Residual(
                one.name, float(dx), float(dy), None if left_out is None else float(np.hypot(*left_out[index]))
            )
            for index, (one, (dx, dy)) in enumerate(zip(self.used, self.fit.residuals, strict=True))
        ]  # fmt: skip

    @property
    def checks(self) -> list[CheckError]:
        return [self._check(one) for one in self.fiducials if one.role == "check"]

    def to_sem(self, x_px: float, y_px: float) -> tuple[float, float]:
        """A level-0 place in `unit` of the SEM's stage."""
        x, y = self.fit.to_sem(np.array([[x_px, y_px]]))[0] / UM_PER_UNIT[self.unit]
        return float(x), float(y)

    def to_pixel(self, sem_x: float, sem_y: float) -> tuple[float, float]:
        """The level-0 place of a stage position in `unit`."""
        target = np.array([sem_x, sem_y]) * UM_PER_UNIT[self.unit] - self.fit.matrix[:, 2]
        x, y = np.linalg.solve(self.fit.matrix[:, :2], target)
        return float(x), float(y)

    def predicted_error_um(self, x_px: float, y_px: float) -> float | None:
        """The true place lies this near `to_sem` in 95 of 100 registrations; None where nothing tells."""
        radius = self.fit.predicted_error_um(np.array([[x_px, y_px]]), LEAST_SIGMA_UM)
        return None if radius is None else float(radius[0])

    def field_um(self, box: Box) -> float | None:
        """How wide an SEM's field of view must be, centred on where the middle of a box is predicted, to hold all of what
        lies in the box in 95 of 100 registrations: the next of 1, 1.5, 2, 3, 5, 7 times a power of ten; None where
        nothing tells."""
        error = self.predicted_error_um(*box.center)
        if error is None:
            return None
        corners = np.array([(x, y) for x in (box.x, box.x1) for y in (box.y, box.y1)])
        across = float(np.ptp(self.fit.to_sem(corners), axis=0).max())
        return _rounded_up(2 * error + across)

    @property
    def hull(self) -> Array:
        """(n, 2) float32, level-0 px: the corners of the polygon around the fiducials."""
        import cv2

        return cv2.convexHull(np.array([(one.x_px, one.y_px) for one in self.used], np.float32))[:, 0]

    def surrounds(self, x_px: float, y_px: float) -> bool:
        """Whether a place lies within the polygon around the fiducials; outside, errors grow with every step."""
        import cv2

        return cv2.pointPolygonTest(self.hull, (x_px, y_px), False) >= 0

    def _check(self, one: Fiducial) -> CheckError:
        place = np.array([[one.x_px, one.y_px]])
        error = float(np.hypot(*(self.fit.to_sem(place)[0] - one.sem_um)))
        predicted = self.fit.predicted_error_um(place, LEAST_SIGMA_UM, picked=True)
        return CheckError(one.name, error, None if predicted is None else float(predicted[0]))


def register(
    fiducials: Sequence[Fiducial], um_per_px: tuple[float, float] | None, kind: RegistrationKind = "auto"
) -> Registration:
    """Fits a registration.

    "auto" is a similarity, with five fiducials or more an affine where it fits better than chance would make it.
    Those not seen in the SEM yet are left out. `um_per_px`: the section's; None: not known, then px are taken as square.
    Raises UsageError saying why these fiducials decide nothing.
    """
    if kind not in get_args(RegistrationKind):
        raise UsageError(f"there is no registration {kind!r}", remedy="Choose auto, similarity or affine.")
    seen = tuple(one for one in fiducials if one.is_seen)
    refuse_what_lies_nowhere(seen)
    used = [one for one in seen if one.role == "fiducial"]
    refuse_what_decides_nothing(used, um_per_px)
    places = np.array([(one.x_px, one.y_px) for one in used])
    sem = np.array([one.sem_um for one in used])
    scale = np.array(um_per_px or (1.0, 1.0))
    fits: dict[FitKind, Fit] = {"similarity": fit(places, sem, scale, "similarity")}
    if kind == "affine" or len(used) >= AFFINE_FROM:
        fits["affine"] = fit(places, sem, scale, "affine")
    chosen = fits[_chosen(kind, fits)]
    return Registration(
        fiducials=seen,
        kind=kind,
        fit=chosen,
        unit=used[0].unit,
        warnings=tuple(warnings_of(used, chosen, fits["similarity"], um_per_px is not None)),
    )


def _chosen(kind: RegistrationKind, fits: dict[FitKind, Fit]) -> FitKind:
    if kind != "auto":
        return kind
    if "affine" in fits and affine_gain(fits["similarity"], fits["affine"]) < _BY_CHANCE:
        return "affine"
    return "similarity"


def describe(registration: Registration) -> dict[str, Any]:
    """JSON-ready: what `schliff register --json` says. Lengths in µm, angles in degrees."""
    fitted = registration.fit
    worst = max(registration.residuals, key=lambda one: one.um)
    known = fitted.dof > 0
    return {
        "kind": fitted.kind,
        "mirrored": fitted.mirrored,
        "rotation_deg": round(fitted.rotation_deg, 5),
        "scale": round(fitted.scale, 7),
        "matrix": fitted.matrix.tolist(),
        "sem_unit": registration.unit,
        "rms_um": _rounded(registration.rms_um),
        "max_um": _rounded(worst.um) if known else None,
        "max_at": worst.name if known else None,
        "fiducials": [
            {
                "name": one.name,
                "dx_um": _rounded(one.dx_um) if known else None,
                "dy_um": _rounded(one.dy_um) if known else None,
                "residual_um": _rounded(one.um) if known else None,
                "left_out_um": _rounded(one.left_out_um),
            }
            for one in registration.residuals
        ],
        "checks": [
            {"name": c.name, "error_um": _rounded(c.error_um), "predicted_error_um": _rounded(c.predicted_um)}
            for c in registration.checks
        ],
        "warnings": list(registration.warnings),
    }


def _rounded_up(um: float) -> float:
    power = 10.0 ** math.floor(math.log10(um))
    return power * next(step for step in (1, 1.5, 2, 3, 5, 7, 10) if step * power >= um * (1 - 1e-9))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
