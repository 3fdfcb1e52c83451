"""Decides how a feature memory looks at what is normal: windows as they are, mirrored, and under another lamp; and which
of what its network says of them counts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from core.jobs import CancelToken, Progress, Step
from core.models.memory import CELL_PX
from core.models.networks.memory_model import Places
from core.train.augment import photograph
from core.train.normal_windows import NormalWindows

Array = np.ndarray

# Bit 0 mirrors left and right, bit 1 up and down: an edge or corner seen once is known on all sides. Not turned by 90°:
# of what is rolled, drawn or layered that would make another material.
VIEWS = 4
# What another lamp changes counts as so many times what normal places differ by (within-class covariance normalisation,
# Hatch et al. 2006): so that it decides nothing, and all that it leaves alone decides.
_LAMP = 1000.0
# Of a component's spread, how much is taken away: at 0 the strongest decide alone, at 1 noise counts as much.
_WHITENED, _LEAST = 0.5, 1e-3


class Views:
    """What a network says of windows. `halo_px`: the surroundings it is shown; `variety`: the strength of `photograph`."""

    def __init__(
        self,
        windows: NormalWindows,
        places: Places,
        halo_px: int,
        variety: float,
        seed: int,
        progress: Progress,
        cancel: CancelToken,
    ) -> None:
        self._windows, self._places, self._edge = windows, places, halo_px // CELL_PX
        self._halo, self._variety, self._seed = halo_px, variety, seed
        self._progress, self._cancel = progress, cancel

    @property
    def across(self) -> int:
        """Cells of a window's side."""
        return self._windows.side // CELL_PX

    def each(self, indices: Array) -> Iterator[torch.Tensor]:
        """(`VIEWS` · cells, features) of each window: as it is, then mirrored, each of those under another lamp."""
        random = np.random.default_rng(self._seed)
        for pixels in self._around(indices):
            seen = [pixels, *(photograph(_mirrored(pixels, view), random, self._variety) for view in range(1, VIEWS))]
            yield torch.cat([self._inner(one) for one in seen])

    def projection(self, indices: Array, components: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean (features,) and projection (features, components) of what some windows say: onto what normal places differ
        by and lamps don't, most of all."""
        random = np.random.default_rng(self._seed)
        plain, changed = [], []
        for pixels in self._around(indices):
            plain.append(self._inner(pixels))
            changed.append(self._inner(photograph(pixels, random, self._variety)) - plain[-1])
        return projection_of(torch.cat(plain), torch.cat(changed), components)

    def origin(self, place: int) -> tuple[int, int]:
        """Row and column, in its window as it is, of one of the cells that `each` gives."""
        view, cell = divmod(place, self.across**2)
        row, column = divmod(cell, self.across)
        last = self.across - 1
        return (last - row if view & 2 else row), (last - column if view & 1 else column)

    def _around(self, indices: Array) -> Iterator[Array]:
        for done, pixels in enumerate(self._windows.around(indices, self._halo)):
            self._cancel.check()
            self._progress(Step(done, len(indices), "Looking at what is normal"))
            yield pixels

    def _inner(self, pixels: Array) -> torch.Tensor:
        return self._places.of(pixels)[self._edge : -self._edge, self._edge : -self._edge].flatten(0, 1)


def projection_of(found: torch.Tensor, changed: torch.Tensor, components: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean (features,) and projection (features, components) of features (n, features).

    Args:
        changed: (m, features) by how much something that means nothing, as another lamp, changes them.
    """
    mean, deviation = found.mean(0), found.std(0)
    # What is never seen to change says nothing, and nothing of how much is much.
    scale = torch.where(deviation > _LEAST * deviation.max(), deviation, torch.inf)
    heard = _inverse_root(_covariance(changed / scale))
    spread, axes = torch.linalg.eigh(heard @ _covariance((found - mean) / scale) @ heard)
    count = min(components, len(spread))
    spread, axes = spread[-count:].clamp(min=float(spread[-1]) * _LEAST), axes[:, -count:]
    return mean, (heard @ axes).float() / scale[:, None] * spread.float() ** (-_WHITENED / 2)


def _covariance(values: torch.Tensor) -> torch.Tensor:
    return (values.T @ values / len(values)).double()


def _inverse_root(covariance: torch.Tensor) -> torch.Tensor:
    """(1 + `_LAMP` · covariance) to the power -1/2."""
    strength, axes = torch.linalg.eigh(covariance)
    return (axes * (1 + _LAMP * strength.clamp(min=0)) ** -0.5) @ axes.T


def _mirrored(pixels: Array, view: int) -> Array:
    pixels = pixels[:, ::-1] if view & 1 else pixels
    return np.ascontiguousarray(pixels[::-1] if view & 2 else pixels)
