"""Decides which fiducials decide nothing and are refused, and what a registration must warn of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from core.errors import UsageError
from core.registration.fiducials import Fiducial
from core.registration.fit import Fit, handedness_ratio

Array = np.ndarray

FEWEST = 3
# Breadth over length of the cloud of fiducials: below the first they are a line, below the second nearly one.
_LINE, _NEARLY_A_LINE = 0.01, 0.1
# Nearer than this part of the cloud's length, two fiducials are one.
_SAME_PLACE = 1e-3
# The other handedness should leave so many times more.
_CLEARLY_WORSE = 3.0
# A fiducial that lies so many times farther from the fit to the others than these do from each other is doubtful.
_DOUBTFUL = 4.0
# SerialEM warns beyond these: scale, stretch, µm.
_SCALES = (0.8, 1.25)
_MEAN_UM, _MOST_UM = 5.0, 10.0
# No section and no stage is so large, in px or µm; beyond, sums of squares leave what numbers can hold.
_FARTHEST = 1e12


def refuse_what_lies_nowhere(fiducials: Sequence[Fiducial]) -> None:
    """Raises UsageError for a place, of fiducials seen in the SEM, that can be none."""
    for one in fiducials:
        if max(map(abs, (one.x_px, one.y_px, *one.sem_um))) > _FARTHEST:
            raise UsageError(f"{one.name!r} lies impossibly far away", remedy="Correct its place, or leave it out.")


def refuse_what_decides_nothing(fiducials: Sequence[Fiducial], um_per_px: tuple[float, float] | None) -> None:
    """Raises UsageError with the reason: too few, twice the same, in a line, mixed units."""
    if len(fiducials) < FEWEST:
        raise UsageError(
            f"{len(fiducials)} fiducials decide nothing", remedy="Pick 3 or more, far apart and not in a line; 4 show errors."
        )  # fmt: skip
    names = [one.name for one in fiducials]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"two fiducials are called {twice!r}", remedy="Give each one a name of its own.")
    if len({one.unit for one in fiducials}) > 1:
        raise UsageError("some fiducials are in mm and some in µm", remedy="Give all SEM positions in one unit.")
    scale = np.array(um_per_px or (1.0, 1.0))
    for what, places in (
        ("on the section", np.array([(one.x_px, one.y_px) for one in fiducials]) * scale),
        ("on the SEM's stage", np.array([one.sem_um for one in fiducials])),
    ):
        _refuse_places(what, places, names)


def warnings_of(fiducials: Sequence[Fiducial], chosen: Fit, similarity: Fit, scale_known: bool) -> Iterator[str]:
    """One line each."""
    places = np.array([(one.x_px, one.y_px) for one in fiducials])
    sem = np.array([one.sem_um for one in fiducials])
    if _breadth(places * chosen.um_per_px) < _NEARLY_A_LINE:
        yield "The fiducials lie nearly in a line: across it, places are badly known. Add one far from that line."
    if handedness_ratio(places, sem, chosen.um_per_px) < _CLEARLY_WORSE:
        yield "Mirrored or not fits nearly as well: check one more place before you trust it."
    if scale_known and not _SCALES[0] <= similarity.scale <= _SCALES[1]:
        yield f"The SEM's µm are {similarity.scale:.4g} times the section's: check the units and the section's µm/px."
    if chosen.dof == 0:
        yield "Three fiducials and an affine always fit exactly, so nothing tells how good it is. Add fiducials or a check."
    yield from _doubtful(fiducials, chosen)


def _refuse_places(what: str, places: Array, names: Sequence[str]) -> None:
    extent = float(np.ptp(places, axis=0).max())
    apart = np.linalg.norm(places[:, None] - places[None], axis=2) + np.eye(len(places)) * 1e300
    first, second = divmod(int(apart.argmin()), len(places))
    if apart.min() <= _SAME_PLACE * extent or extent == 0:
        raise UsageError(
            f"{names[first]!r} and {names[second]!r} are the same place {what}", remedy="Leave one of them out."
        )
    if _breadth(places) < _LINE:
        raise UsageError(
            f"the fiducials lie in a line {what}: whether the axes are mirrored can't be told",
            remedy="Add one that lies far from that line.",
        )


def _breadth(places: Array) -> float:
    """Breadth over length of a cloud of places, 0 to 1."""
    values = np.linalg.svd(places - places.mean(0), compute_uv=False)
    return float(values[1] / values[0]) if values[0] else 0.0


def _doubtful(fiducials: Sequence[Fiducial], chosen: Fit) -> Iterator[str]:
    if chosen.dof == 0:
        return
    own = np.linalg.norm(chosen.residuals, axis=1)
    if own.mean() > _MEAN_UM or own.max() > _MOST_UM:
        name = fiducials[int(own.argmax())].name
        yield f"Residuals are large: {own.mean():.1f} µm on average, {own.max():.1f} µm at {name}. Pick them anew."
    if chosen.left_out is None or len(fiducials) <= FEWEST + 1:
        return  # of four, any one bad makes all look bad
    away = np.linalg.norm(chosen.left_out, axis=1)
    worst = int(away.argmax())
    if away[worst] > _DOUBTFUL * max(float(np.median(away)), 1.0):
        yield f"{fiducials[worst].name} lies {away[worst]:.1f} µm from where the others put it: check that one first."
