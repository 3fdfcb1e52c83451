"""Decides how a registration and places in the SEM are said: units, digits, and what isn't known."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.session_registration import RegistrationControl
    from core.geometry import Box
    from core.registration.fiducials import SemUnit
    from core.registration.registration import Registration

UNIT_NAMES: dict[SemUnit, str] = {"mm": "mm", "um": "µm"}
_DIGITS: dict[SemUnit, int] = {"mm": 4, "um": 1}


def sem_numbers(fit: Registration, x_px: float, y_px: float) -> tuple[str, str]:
    """A level-0 place on the SEM's stage, to a tenth of a µm, in the registration's unit."""
    x, y = (f"{value:.{_DIGITS[fit.unit]}f}" for value in fit.to_sem(x_px, y_px))
    return x, y


def sem_text(fit: Registration, x_px: float, y_px: float) -> str:
    x, y = sem_numbers(fit, x_px, y_px)
    return f"{x}, {y} {UNIT_NAMES[fit.unit]}"


def error_text(fit: Registration, x_px: float, y_px: float) -> str:
    """How far off that may be, and whether it lies where the fiducials say little."""
    error = fit.predicted_error_um(x_px, y_px)
    known = f"within {error:.1f} µm" if error is not None else "not known (add fiducials)"
    return known if fit.surrounds(x_px, y_px) else f"{known}, outside the fiducials"


def field_text(fit: Registration, box: Box) -> str:
    """The field of view that shows it for sure, once the SEM stands where it was told to; "" where nothing tells."""
    width = fit.field_um(box)
    return "" if width is None else f"{width / 1000:g} mm wide" if width >= 1000 else f"{width:g} µm wide"


def missing_text(registration: RegistrationControl) -> str:
    """Why there is no fit, and what would help."""
    picked = len(registration.fiducials)
    seen = sum(one.is_seen for one in registration.fiducials)
    if not picked:
        return "Pick three or more places that you will know again in the SEM, far apart and not in a line; four show errors."
    if seen < min(picked, 3):
        return f"{picked} picked, {seen} with SEM positions: type them in, paste or import them."
    return registration.reason


def fit_facts(fit: Registration) -> dict[str, str]:
    """What was fitted, one short text each."""
    rms = fit.rms_um
    return {
        "Fit": fit.fit.kind.capitalize(),
        "Scale": f"{fit.fit.scale:.6g}",
        "Rotation": f"{fit.fit.rotation_deg:.3f}°",
        "Mirrored": "yes" if fit.fit.mirrored else "no",
        "Residuals": f"{rms:.2f} µm rms" if rms is not None else "–",
    }


def arrows_text(factor: float) -> str:
    """What the layer's arrows mean; "" where there are none."""
    return f"Arrows: residuals, enlarged {factor:,.6g} times" if factor else ""
