"""Decides what is measured of how pictures look, whatever they show: brightness, contrast, sharpness, structures, tones.

All of it in blocks of `BLOCK_PX`, so that windows of a training and tiles of a scan can be compared, and as medians, so that
a few defects change nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

import cv2
import numpy as np

Array = np.ndarray

BRIGHTNESS, CONTRAST, SHARPNESS, STRUCTURE, WARMTH = PROPERTIES = (
    "brightness", "contrast", "sharpness", "structure", "warmth",
)  # fmt: skip
BLOCK_PX = 128
LEVELS = np.linspace(0, 1, 65)
_MOST_BLOCKS = 4096
# How far a block's brightness and contrast are from most others' where it is none of the material: at least, and in middle
# deviations.
_FAR, _UNUSUAL = (16.0, 0.5), 4.0
_OCTAVES = 5
# Rounding to whole grey levels adds so much variance (Widrow 1956); less than that is nothing that was seen.
_ROUNDING = 1 / 12


@dataclass(frozen=True)
class Looks:
    """How some pictures look.

    Args:
        middle, spread: (5,) float64 in the order of `PROPERTIES`: the median over blocks and half the range that holds 68 %
            of them. Brightness and warmth (red less blue) in grey levels; contrast as log2 of the standard deviation;
            sharpness as log2 of the finest octave over the next; structure: in which octave it lies, 1 more for what is
            twice as large.
        tones: (3, 65) float64, of red, green and blue the grey level that each share of the px (`LEVELS`) lies at or below.
    """

    middle: Array
    spread: Array
    tones: Array

    def to_json(self) -> dict[str, Any]:
        pairs = zip(self.middle, self.spread, strict=True)
        told = {name: [round(float(v), 4) for v in pair] for name, pair in zip(PROPERTIES, pairs, strict=True)}
        return {**told, "tones": np.round(self.tones, 2).tolist()}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Looks:
        """Raises ValueError, KeyError or TypeError for what `to_json` didn't write."""
        pairs = np.array([told[name] for name in PROPERTIES], np.float64)
        return cls.checked(pairs[:, 0], pairs[:, 1], np.array(told["tones"], np.float64))

    def to_state(self) -> Array:
        """One array, to be kept with a scan."""
        return np.concatenate([self.middle, self.spread, self.tones.ravel()])

    @classmethod
    def from_state(cls, state: Array) -> Looks:
        """Raises ValueError for what `to_state` didn't give."""
        count = len(PROPERTIES)
        return cls.checked(state[:count], state[count : 2 * count], state[2 * count :].reshape(3, len(LEVELS)))

    @classmethod
    def checked(cls, middle: Array, spread: Array, tones: Array) -> Looks:
        shapes = middle.shape == spread.shape == (len(PROPERTIES),) and tones.shape == (3, len(LEVELS))
        if not shapes or not all(np.isfinite(one).all() for one in (middle, spread, tones)) or (spread < 0).any():
            raise ValueError("these are no looks")
        return cls(middle, spread, tones)


def looks_of(pictures: Iterable[Array]) -> Looks:
    """How (h, w, 3) uint8 pictures look. Raises ValueError where there are none."""
    blocks = islice(chain.from_iterable(map(_blocks, pictures)), _MOST_BLOCKS)
    each = [(_measured(block), _counted(block)) for block in blocks]
    if not each:
        raise ValueError("no pictures to look at")
    found, counts = (np.array(one) for one in zip(*each, strict=True))
    low, middle, high = np.quantile(found, (0.16, 0.5, 0.84), axis=0)
    # Resin beside a specimen, and the edge between them, are far from most of it: no tones of a material.
    off = np.abs(found - middle)[:, :2]
    is_usual = (off <= np.maximum(_FAR, _UNUSUAL * np.median(off, axis=0))).all(1)
    tones = [_tones(one) for one in _without_gaps(counts[is_usual if is_usual.any() else ...].sum(0))]
    return Looks(middle, (high - low) / 2, np.stack(tones))


def _blocks(picture: Array) -> Iterator[Array]:
    """Whole blocks, or the picture where it is smaller."""
    height, width = picture.shape[:2]
    for y in range(0, max(1, height - BLOCK_PX + 1), BLOCK_PX):
        for x in range(0, max(1, width - BLOCK_PX + 1), BLOCK_PX):
            yield picture[y : y + BLOCK_PX, x : x + BLOCK_PX]


def _counted(block: Array) -> Array:
    """(3, 256): how many px of red, green and blue have each grey level."""
    return np.array([np.bincount(block[..., channel].ravel(), minlength=256) for channel in range(3)])


def _measured(block: Array) -> Array:
    grey = cv2.cvtColor(block, cv2.COLOR_RGB2GRAY).astype(np.float32)
    energies = _octaves(grey) + _ROUNDING * 0.25 ** np.arange(_OCTAVES + 1)
    red, _, blue = block.reshape(-1, 3).mean(0)
    return np.array([
        float(grey.mean()),
        0.5 * np.log2(float(grey.var()) + _ROUNDING),
        0.5 * np.log2(energies[0] / energies[1]),
        float(np.average(np.arange(1, _OCTAVES + 1), weights=energies[1:])),
        red - blue,
    ])  # fmt: skip


def _octaves(grey: Array) -> Array:
    """(`_OCTAVES` + 1,) float64: the variance in each octave of a Laplacian pyramid (Burt and Adelson 1983), finest first,
    and in what is coarser."""
    found = []
    for _ in range(_OCTAVES):
        coarser = cv2.pyrDown(grey)
        found.append(float(np.var(grey - cv2.pyrUp(coarser, dstsize=(grey.shape[1], grey.shape[0])))))
        grey = coarser
    return np.array([*found, float(np.var(grey))])


def _without_gaps(counts: Array) -> Array:
    """Exact black is what a mosaic has no px for, unless there is nothing else."""
    return np.where(np.arange(256) > 0, counts, 0) if counts[:, 1:].sum(1).all() else counts


def _tones(counts: Array) -> Array:
    shares = np.cumsum(counts) / counts.sum()
    return np.searchsorted(shares, np.minimum(LEVELS, 1 - 1e-12)).astype(np.float64)
