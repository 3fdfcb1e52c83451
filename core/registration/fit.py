"""Decides how a transform from section to SEM is fitted to fiducials, and how far off it may be anywhere.

Least squares in µm of the SEM's stage. A similarity turns, scales, shifts and may mirror: with z = u + i·v it is
z' = α·z + β, or α·z̄ + β where the axes are mirrored; an affine has all six numbers free. For errors of the same size in
every direction, both predict any place w with variance σ²·c(w) along each axis,

    c(w) = 1/n + (w - m)ᵀ M⁻¹ (w - m),    M = Σ (wᵢ - m)(wᵢ - m)ᵀ  (for a similarity its trace, times the identity)

and σ² is estimated by the residuals' sum of squares over the degrees of freedom, 2n - 4 or 2n - 6 (Seber & Lee 2003,
Linear Regression Analysis, ch. 3). The squared error over 2·σ²·c then follows F(2, dof).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Array = np.ndarray
FitKind = Literal["similarity", "affine"]

PARAMETERS: dict[FitKind, int] = {"similarity": 4, "affine": 6}
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Fit:
    """A fitted transform.

    Args:
        matrix: (2, 3) float64, (x_px, y_px, 1) → SEM µm.
        residuals: (n, 2) µm, where the SEM saw a fiducial minus where the fit puts it.
        left_out: (n, 2) µm, the same for a fit to all others; None where too few are left to say anything.
        dof: degrees of freedom that the residuals have; 0: they are zero whatever the errors are.
        middle, spread: m in µm and (2, 2) M⁻¹ in 1/µm², of the section's own µm.
        um_per_px: (2,) what makes px the section's µm.
    """

    kind: FitKind
    mirrored: bool
    matrix: Array
    residuals: Array
    left_out: Array | None
    dof: int
    middle: Array
    spread: Array
    um_per_px: Array

    @property
    def sum_of_squares(self) -> float:
        """µm², over both axes of all fiducials."""
        return float((self.residuals**2).sum())

    @property
    def sigma_um(self) -> float | None:
        """The error of one coordinate of one fiducial, both pickings together; None where nothing tells."""
        return float(np.sqrt(self.sum_of_squares / self.dof)) if self.dof else None

    @property
    def scale(self) -> float:
        """SEM µm per section µm: the root of the area's change."""
        return float(np.sqrt(abs(np.linalg.det(self._linear))))

    @property
    def rotation_deg(self) -> float:
        """From the section's x to the SEM's x, counted from x to y of the SEM; (-180, 180]."""
        return float(np.degrees(np.arctan2(self._linear[1, 0], self._linear[0, 0])))

    @property
    def _linear(self) -> Array:
        return self.matrix[:, :2] / self.um_per_px

    def to_sem(self, places_px: Array) -> Array:
        """(n, 2) level-0 px → (n, 2) SEM µm."""
        return places_px @ self.matrix[:, :2].T + self.matrix[:, 2]

    def predicted_error_um(self, places_px: Array, least_sigma_um: float, *, picked: bool = False) -> Array | None:
        """(n, 2) level-0 px → (n,) µm: the true place lies this near the predicted one in 95 of 100 registrations.

        `least_sigma_um`: no better than this are coordinates believed to be, however small the residuals happen to be.
        `picked`: not the true place but one picked as the fiducials were, whose own error adds to that.
        None where the residuals tell nothing (`dof` 0).
        """
        sigma = self.sigma_um
        if sigma is None:
            return None
        away = places_px * self.um_per_px - self.middle
        c = picked + 1 / len(self.residuals) + np.einsum("ni,ij,nj->n", away, self.spread, away)
        return max(sigma, least_sigma_um) * np.sqrt(2 * c * _f_quantile(self.dof))


def fit(places_px: Array, sem_um: Array, um_per_px: Array, kind: FitKind) -> Fit:
    """Fits to (n, 2) pairs, n at least 3 and not in a line (`core.registration.checks` sees to that).

    A similarity is tried in both handednesses; the one that leaves less is kept.
    """
    section_um = places_px * um_per_px
    middle, target = section_um.mean(0), sem_um.mean(0)
    w, z = section_um - middle, sem_um - target
    if kind == "affine":
        moments = w.T @ w
        linear, spread = np.linalg.solve(moments, w.T @ z).T, np.linalg.inv(moments)
    else:
        linear = best_similarity(w, z)
        spread = np.eye(2) / (w**2).sum()
    matrix = np.column_stack([linear * um_per_px, target - linear @ middle])
    residuals = z - w @ linear.T
    leverage = 1 / len(w) + np.einsum("ni,ij,nj->n", w, spread, w)
    dof = 2 * len(w) - PARAMETERS[kind]
    return Fit(
        kind=kind,
        mirrored=bool(np.linalg.det(linear) < 0),
        matrix=matrix,
        residuals=residuals,
        left_out=residuals / (1 - leverage)[:, None] if dof >= _ENOUGH_TO_LEAVE_ONE_OUT else None,
        dof=dof,
        middle=middle,
        spread=spread,
        um_per_px=um_per_px,
    )


# With one fiducial less, the others must still be more than enough: 4 for a similarity, 5 for an affine.
_ENOUGH_TO_LEAVE_ONE_OUT = 4


def best_similarity(w: Array, z: Array, hands: Sequence[float] = (1.0, -1.0)) -> Array:
    """(2, 2) that takes centred places `w` nearest to `z`, both (n, 2); of these handednesses, -1 being mirrored."""
    return min((_similarity(w, z, hand) for hand in hands), key=lambda one: _misfit(one, w, z))


def handedness_ratio(places_px: Array, sem_um: Array, um_per_px: Array) -> float:
    """How much more the worse handedness of a similarity leaves than the better one, as a ratio of root sums of squares."""
    section_um = places_px * um_per_px
    w, z = section_um - section_um.mean(0), sem_um - sem_um.mean(0)
    low, high = sorted(_misfit(_similarity(w, z, hand), w, z) for hand in (1.0, -1.0))
    return float(np.sqrt(high / max(low, 1e-12)))


def affine_gain(similarity: Fit, affine: Fit) -> float:
    """The probability that an affine fits so much better by chance alone, by the F test of nested models."""
    gained = (similarity.sum_of_squares - affine.sum_of_squares) / (similarity.dof - affine.dof)
    left = affine.sum_of_squares / affine.dof
    return _f_beyond(gained / max(left, 1e-12), affine.dof)


def _similarity(w: Array, z: Array, hand: float) -> Array:
    """(2, 2) of the best α for centred pairs; `hand` -1 mirrors first."""
    source, target = w[:, 0] + 1j * hand * w[:, 1], z[:, 0] + 1j * z[:, 1]
    alpha = (source.conj() @ target) / (source.conj() @ source)
    return np.array([[alpha.real, -hand * alpha.imag], [alpha.imag, hand * alpha.real]])


def _misfit(linear: Array, w: Array, z: Array) -> float:
    return float(((z - w @ linear.T) ** 2).sum())


# F(2, dof) has closed forms, and both uses of it here have 2 degrees of freedom above the line: P(F > f) = (1 + 2f/dof)^(-dof/2)


def _f_beyond(value: float, dof: int) -> float:
    return float((1 + 2 * max(value, 0.0) / dof) ** (-dof / 2))


def _f_quantile(dof: int) -> float:
    """The `CONFIDENCE` quantile."""
    return dof / 2 * ((1 - CONFIDENCE) ** (-2 / dof) - 1)
