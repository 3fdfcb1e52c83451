"""Decides how unusual a cell is: rarity, in powers of ten, against what is normal at its scale in this section.

Normal is what fills the section, and what runs through it: a specimen's edge or a foil is a thin line of rare cells, but
a line longer than any defect. So the mixture is fitted twice, first to all cells, then to those long lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from core.texture.mixture import Mixture, fit_mixture

Array = np.ndarray

LONGEST_DEFECT_PX = 640
FIELD_PX = 256

_CELLS_LEARNED = 20_000
_FEWEST_CELLS = 150
_CELLS_PER_COMPONENT = 400
_MOST_COMPONENTS = {8: 16, 16: 10, 32: 5, 64: 4}  # by the cell's px
_MANY_FIELDS = 200
_QUANTILES = (0.2, 0.35, 0.5, 0.65, 0.8)
_QUANTILES_OF_FEW = (0.2, 0.7)
_SMALLEST_BETA = 0.2
# Of large cells a large defect fills many: a texture in fewer than so many is none.
_SMALLEST_SHARE = {8: 0.01, 16: 0.015, 32: 0.03, 64: 0.03}
_RARE = 1.0
_LINE_COMPONENTS = 6
_FEWEST_LINE_CELLS = 60
_LINE_PASSES = 2
_REACH_PX = 64


@dataclass(frozen=True)
class Normal:
    """What is normal at one scale: surprises of `ordinary` in the middle, of `zero` in the most surprising cell of a field."""

    mixture: Mixture
    ordinary: float
    zero: float
    decade: float

    def rarity_and_excess(self, cells: Array) -> tuple[Array, Array]:
        """Of cells (rows, columns, D) their rarity, and in the same units what they exceed the `ordinary` by: both
        (rows, columns) float32, at least 0."""
        surprise = _of_grid(self.mixture.surprise, cells)
        return self.rarity_of(surprise), self._above(surprise, self.ordinary)

    def rarity_of(self, surprise: Array) -> Array:
        return self._above(surprise, self.zero)

    def _above(self, surprise: Array, level: float) -> Array:
        return np.maximum((surprise - np.float32(level)) / np.float32(self.decade), 0)

    def to_state(self) -> dict[str, Array]:
        mixture = {name: getattr(self.mixture, name) for name in Mixture.__annotations__}
        return {**mixture, "calibration": np.array([self.ordinary, self.zero, self.decade], np.float64)}

    @classmethod
    def from_state(cls, state: Mapping[str, Array]) -> Normal:
        ordinary, zero, decade = (float(value) for value in state["calibration"])
        return cls(Mixture(**{name: state[name] for name in Mixture.__annotations__}), ordinary, zero, decade)


def fit_normal(tiles: Sequence[Array], cell_px: int) -> Normal | None:
    """What is normal in tiles of (rows, columns, D) cells of `cell_px`; None where there are too few cells to tell."""
    cells = _flat(tiles)
    if len(cells) < _FEWEST_CELLS:
        return None
    sample = _thinned(cells)
    mixture = fit_mixture(sample, _components(sample, cell_px), _SMALLEST_SHARE[cell_px])
    normal, rarities = _calibrated(mixture, tiles, cell_px)
    for _ in range(_LINE_PASSES):
        lines = [
            cells
            for tile, rarity in zip(tiles, rarities, strict=True)
            for cells in _long_lines(tile, rarity >= _RARE, cell_px)
        ]
        found = sum(map(len, lines))
        if found < _FEWEST_LINE_CELLS:
            break
        line_cells = _thinned(np.concatenate(lines))
        extra = fit_mixture(line_cells, _LINE_COMPONENTS, smallest=0.04, trim=0.02, like=normal.mixture)
        normal, rarities = _calibrated(normal.mixture.joined(extra, found / len(cells)), tiles, cell_px)
    return normal


def _components(cells: Array, cell_px: int) -> int:
    return int(np.clip(len(cells) // _CELLS_PER_COMPONENT, 1, _MOST_COMPONENTS[cell_px]))


def _calibrated(mixture: Mixture, tiles: Sequence[Array], cell_px: int) -> tuple[Normal, list[Array]]:
    """What is normal, and the rarity of each tile's cells.

    The largest of many surprises follows Gumbel's law, whatever they look like one by one (Fisher and Tippett 1928).
    Its parameters come from the largest surprise of each field of `FIELD_PX`: q = μ − β log(−log p). Fields of several
    materials, or with defects, spread the quantiles further than chance does, so β is the smallest that any
    neighbouring two of them give; where fields are few that would be luck, and two distant ones are taken.
    """
    surprises = [_of_grid(mixture.surprise, tile) for tile in tiles]
    highest = np.concatenate([_field_maxima(surprise, FIELD_PX // cell_px) for surprise in surprises])
    at = _QUANTILES if len(highest) >= _MANY_FIELDS else _QUANTILES_OF_FEW
    values, places = np.quantile(highest.astype(np.float64), at), -np.log(-np.log(at))
    beta = max(float((np.diff(values) / np.diff(places)).min()), _SMALLEST_BETA)
    middle = len(at) // 2
    ordinary = float(np.median(np.concatenate([surprise.ravel() for surprise in surprises])))
    normal = Normal(mixture, ordinary, float(values[middle] - beta * places[middle]), float(beta * np.log(10)))
    return normal, [normal.rarity_of(surprise) for surprise in surprises]


def _field_maxima(values: Array, side: int) -> Array:
    """The largest value of each whole field of side × side cells, or of all where there is no whole one."""
    rows, columns = values.shape[0] // side, values.shape[1] // side
    if rows == 0 or columns == 0:
        return values.max(keepdims=True).ravel()
    fields = values[: rows * side, : columns * side].reshape(rows, side, columns, side)
    return fields.max(axis=(1, 3)).ravel()


def _of_grid(function: Callable[[Array], Array], cells: Array) -> Array:
    return function(cells.reshape(-1, cells.shape[-1])).reshape(cells.shape[:2])


def _long_lines(tile: Array, rare: Array, cell_px: int) -> Iterator[Array]:
    """The rare cells (N, D) of each row of them that is longer than any defect, with gaps of up to 2 · `_REACH_PX`."""
    reach = 2 * (_REACH_PX // cell_px) + 1
    linked = cv2.dilate(rare.astype(np.uint8), np.ones((reach, reach), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(linked, connectivity=8)
    for label in range(1, count):
        length = max(stats[label, cv2.CC_STAT_WIDTH], stats[label, cv2.CC_STAT_HEIGHT]) - reach + 1
        if length * cell_px >= LONGEST_DEFECT_PX:
            yield tile[rare & (labels == label)]


def _flat(tiles: Sequence[Array]) -> Array:
    return np.concatenate([tile.reshape(-1, tile.shape[-1]) for tile in tiles]) if tiles else np.empty((0, 1))


def _thinned(cells: Array) -> Array:
    """At most `_CELLS_LEARNED` of all cells, evenly."""
    return cells[:: max(1, -(-len(cells) // _CELLS_LEARNED))]
