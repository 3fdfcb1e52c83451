"""Decides where a picture from a microscope lies on a section: through the registration, by hand, or by matched places.

Frames: the picture's own px and the section's level-0 px, both with x right and y down; the SEM's stage in µm. An
unturned scan has +X to the right and +Y up (a real CZI of a ZEISS SEM says so of its axes); how a picture is turned or
mirrored against that is a value of its own, as the tags of microscopes don't say it for sure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

import numpy as np

from core.placement import Placement
from core.registration.fit import best_similarity
from core.registration.registration import Registration
from core.section_info import SectionInfo

Point = tuple[float, float]
Way = Literal["registration", "hand", "matched"]


@dataclass(frozen=True, slots=True)
class Match:
    """One place that is known in both: in the picture's own px, and in the section's level-0 px."""

    picture: Point
    section: Point


@dataclass(frozen=True, slots=True)
class LaidPicture:
    """A picture laid over a section.

    Args:
        id: unique within the section.
        fingerprint: what the file is (`core.readers.fingerprint`).
        size: width and height in its own px.
        way: what says where it lies.
        placement: by hand, and wherever `way` can't say it.
        pixel_size_um, stage_um: what its file says: (x, y), and where its middle was on the SEM's stage; or None.
        turn_deg, mirrored: how it lies on the SEM's axes, the turn from X to Y; only `way` "registration" asks.
        tilt_deg: what the file says, for whoever wonders at lengths.
    """

    id: int
    path: str
    fingerprint: str
    size: tuple[int, int]
    placement: Placement
    way: Way = "hand"
    pixel_size_um: tuple[float, float] | None = None
    stage_um: tuple[float, float] | None = None
    turn_deg: float = 0.0
    mirrored: bool = False
    tilt_deg: float | None = None
    matches: tuple[Match, ...] = ()

    @property
    def can_be_registered(self) -> bool:
        """Whether its file says enough for a registration to lay it."""
        return self.pixel_size_um is not None and self.stage_um is not None

    def lies(self, registration: Registration | None) -> Placement:
        """Where, now: a registration that changes takes it along; without one it lies where it was laid first."""
        if self.way == "registration" and registration is not None and self.can_be_registered:
            return self._through(registration)
        if self.way == "matched" and self.matches:
            return by_matches(self.matches, self.placement)
        return self.placement

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> LaidPicture:
        """What `to_json` gave. Raises KeyError, TypeError or ValueError for anything else."""
        width, height = stored["size"]
        if stored["way"] not in get_args(Way):
            raise ValueError(f"no way: {stored['way']}")
        return cls(
            **{
                **stored,
                "size": (int(width), int(height)),
                "placement": Placement.from_rows(stored["placement"]["affine"]),
                "pixel_size_um": _pair(stored["pixel_size_um"]),
                "stage_um": _pair(stored["stage_um"]),
                "matches": tuple(
                    Match(_point(one["picture"]), _point(one["section"])) for one in stored["matches"]
                ),
            }
        )  # fmt: skip

    def _through(self, registration: Registration) -> Placement:
        """Picture px → SEM µm → level-0 px."""
        assert self.pixel_size_um is not None
        assert self.stage_um is not None
        turn = math.radians(self.turn_deg)
        cos, sin, across = math.cos(turn), math.sin(turn), -1.0 if self.mirrored else 1.0
        to_sem = np.array([[cos, -sin], [sin, cos]]) @ np.diag([across * self.pixel_size_um[0], -self.pixel_size_um[1]])
        fit = registration.fit.matrix
        linear = np.linalg.solve(fit[:, :2], to_sem)
        middle = np.linalg.solve(fit[:, :2], np.array(self.stage_um) - fit[:, 2])
        return _placement(linear, middle - linear @ (np.array(self.size) / 2))


def by_matches(matches: Sequence[Match], before: Placement) -> Placement:
    """One match shifts a placement; two turn and scale it too; from three on, what fits best, mirrored if need be.

    Matches that decide nothing (all in one place) only shift it.
    """
    there = np.array([one.picture for one in matches])
    here = np.array([one.section for one in matches])
    (a, b, _), (c, d, _) = before.affine
    linear = np.array([[a, b], [c, d]])
    if np.ptp(there, axis=0).max() > 0 and np.ptp(here, axis=0).max() > 0:
        w, z = there - there.mean(0), here - here.mean(0)
        hands = (1.0, -1.0) if len(matches) > 2 else (math.copysign(1.0, a * d - b * c),)
        linear = best_similarity(w, z, hands)
    return _placement(linear, here.mean(0) - linear @ there.mean(0))


def misfit_px(matches: Sequence[Match], placement: Placement) -> float | None:
    """How far from each other the places of matches are then, root mean square, in level-0 px; None where two or fewer
    always fit."""
    if len(matches) < 3:
        return None
    return math.sqrt(
        sum(math.dist(placement.to_section(*one.picture), one.section) ** 2 for one in matches) / len(matches)
    )


def newly_laid(
    info: SectionInfo,
    fingerprint: str,
    number: int,
    registration: Registration | None,
    by_hand: Placement,
) -> LaidPicture:
    """A picture as it is first laid: through the registration where its file says where it was taken, else by hand."""
    sem = info.sem
    laid = LaidPicture(
        id=number,
        path=str(info.path.absolute()),
        fingerprint=fingerprint,
        size=(info.width_px, info.height_px),
        placement=by_hand,
        pixel_size_um=info.pixel_size_um,
        stage_um=sem.stage_um if sem else None,
        turn_deg=(sem.scan_rotation_deg if sem else None) or 0.0,
        tilt_deg=sem.tilt_deg if sem else None,
    )
    if registration is None or not laid.can_be_registered:
        return laid
    laid = replace(laid, way="registration")
    return replace(laid, placement=laid.lies(registration))


def _placement(linear: np.ndarray, shift: np.ndarray) -> Placement:
    return Placement.from_rows(np.column_stack([linear, shift]).tolist())


def _pair(stored: Sequence[float] | None) -> tuple[float, float] | None:
    return None if stored is None else _point(stored)


def _point(stored: Sequence[float]) -> Point:
    x, y = (float(value) for value in stored)
    if not (math.isfinite(x) and math.isfinite(y)):
        raise ValueError(f"no place: {stored}")
    return x, y
