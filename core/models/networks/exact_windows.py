"""Decides how windows are classified one after the other: each cut out by itself, as the dense scores are measured against.

Cells are as wide as the stride; a cell holds the mean logits of the window around its middle, computed from that window
and `surroundings_of` px on each side of it alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from core.models.base import ModelSpec
from core.models.classifier import surroundings_of
from core.models.networks.computing import Network
from core.models.networks.window_classifier import WindowClassifier
from core.models.window_scores import window_probabilities

Array = np.ndarray


class ExactWindows(WindowClassifier):
    """A map is NaN within the halo: the windows of those cells reach beyond the tile."""

    def __init__(self, spec: ModelSpec, network: Network, device: torch.device) -> None:
        super().__init__(spec, network, device)
        self._around = surroundings_of(spec)
        self._batch = spec.values["batch"]

    def prepare(self, pixels: Array) -> Array:  # type: ignore[override]
        return pixels

    def submit(self, prepared: Sequence[Array]) -> list[Array]:  # type: ignore[override]
        return [self._map(pixels) for pixels in prepared]

    def collect(self, pending: Sequence[Array]) -> list[Array]:  # type: ignore[override]
        return list(pending)

    def scores(self, maps: Array) -> Array:
        return window_probabilities(maps, 1)[1:]

    def activations(self, maps: Array) -> None:  # type: ignore[override]
        """A cell holds the mean of a window: where in it something speaks for a label is not known."""

    def _map(self, pixels: Array) -> Array:
        spec = self.spec
        rows, columns = (n // spec.stride_px for n in pixels.shape[:2])
        edge = spec.halo_px // spec.stride_px
        found = np.full((spec.map_channels, rows, columns), np.nan, np.float32)
        cells = [(r, c) for r in range(edge, rows - edge) for c in range(edge, columns - edge)]
        for some in _batches(cells, self._batch):
            logits = self._means(np.stack([self._cut(pixels, row, column) for row, column in some]))
            for (row, column), values in zip(some, logits, strict=True):
                found[:, row, column] = values
        return found

    def _cut(self, pixels: Array, row: int, column: int) -> Array:
        stride, side = self.spec.stride_px, self.spec.window_px + 2 * self._around
        top, left = (n * stride + (stride - side) // 2 for n in (row, column))
        return pixels[top : top + side, left : left + side]

    def _means(self, windows: Array) -> Array:
        """(n, classes) of a batch of windows with what is around them."""
        cell = self._computing.stride_px
        inner = slice(self._around // cell, (self._around + self.spec.window_px) // cell)
        logits = self._computing.submit(self._computing.prepare(windows)).wait()
        return logits[:, :, inner, inner].mean((2, 3))


def _batches(cells: Sequence[tuple[int, int]], size: int) -> Iterator[Sequence[tuple[int, int]]]:
    for start in range(0, len(cells), size):
        yield cells[start : start + size]
