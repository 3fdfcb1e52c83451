"""Decides the surface of a sintered NdFeB magnet: polygonal grains, grown block by block, never repeating, in black resin."""

from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np

from core.geometry import Box
from core.synthetic import magnet_defects
from core.synthetic.noise import generator, smooth_noise
from core.synthetic.specimen import ARTEFACT, Patch, Specimen

Array = np.ndarray

UM_PER_PX = 0.25
# Seeds of grains: one in most cells of a jittered lattice of this step (7 µm).
_LATTICE_PX = 28
_HALO_PX = 62
# How far the Nd-rich phase at a pixel depends on the boundaries around it.
_PHASE_REACH_PX = 5
_NOISE_PX = 1024


class MagnetSpecimen(Specimen):
    """A sintered magnet, polished and lightly etched: Nd2Fe14B grains, Nd-rich phase at boundaries and triple points."""

    labels = magnet_defects.LABELS
    pixel_size_um = UM_PER_PX

    def __init__(self, size: int, seed: int) -> None:
        self.size, self.seed = size, seed
        rng = generator(seed, 61)
        exposure, warmth = rng.uniform(0.94, 1.05), rng.uniform(-0.025, 0.025)
        tint = exposure * np.array([1 + warmth, 1.0, 1 - warmth])
        self.matrix = np.array([186.0, 180.0, 170.0]) * tint
        self.nd_rich = np.array([104.0, 100.0, 102.0]) * tint
        self.resin = np.array([34.0, 33.0, 32.0]) * tint
        self._contrast = float(rng.uniform(7.0, 11.0))
        self._salt = int(rng.integers(1, 2**31))
        self._margin = float(rng.uniform(0.03, 0.05) * size)

    @cached_property
    def _noise(self) -> Array:
        """Three wrapping fields (displacement x and y, thickness of the Nd-rich phase), repeated by half: float32."""
        rng = generator(self.seed, 62)
        fields = [smooth_noise(rng, (_NOISE_PX, _NOISE_PX), sigma, sigma) for sigma in (5, 5, 9)]
        return np.stack([np.pad(field, (0, _NOISE_PX // 2), mode="wrap") for field in fields])

    def block(self, x: int, y: int, width: int, height: int, shift: Array | None) -> Array:
        inside = self._inside(x, y, width, height)
        if not inside.any():
            return self._resin_block(x, y, width, height)
        rim = _PHASE_REACH_PX
        noise = self._noise_at(x - rim, y - rim, width + 2 * rim, height + 2 * rim)
        surface = self._paint(*self._grains(x - rim, y - rim, noise), noise[2])[rim:-rim, rim:-rim].copy()
        self._add_pores(surface, x, y)
        if not inside.all():
            np.copyto(surface, self._resin_block(x, y, width, height), where=~inside[..., None])
        return surface

    def patch(self, label: str, rng: np.random.Generator) -> Patch | None:
        x, y = rng.uniform(self._margin, self.size - self._margin, 2)
        return magnet_defects.make(self, label, rng, float(x), float(y))

    def holds(self, box: Box, label: str) -> bool:
        """Inside the magnet; a trace of preparation may reach beyond."""
        room = self._margin + 8
        whole = Box.from_edges(room, room, self.size - room, self.size - room)
        return label == ARTEFACT or box.intersection(whole) == box

    def _grains(self, x: int, y: int, noise: Array) -> tuple[Array, Array]:
        """Which grain each pixel of a block belongs to (uint16, as large as `noise`), and each grain's tone."""
        height, width = noise.shape[1] + 2 * _HALO_PX, noise.shape[2] + 2 * _HALO_PX
        seeds_x, seeds_y, tone = self._seeds(x - _HALO_PX, y - _HALO_PX, width, height)
        free = np.full((height, width), 255, np.uint8)
        free[seeds_y, seeds_x] = 0
        _, nearest = cv2.distanceTransformWithLabels(free, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
        tones = np.zeros(len(seeds_x) + 2, np.float32)
        tones[nearest[seeds_y, seeds_x]] = tone
        inner_h, inner_w = noise.shape[1:]
        rows, columns = np.arange(inner_h, dtype=np.float32), np.arange(inner_w, dtype=np.float32)
        map_x = (columns[None, :] + _HALO_PX) + 1.5 * noise[0]
        map_y = (rows[:, None] + _HALO_PX) + 1.5 * noise[1]
        return cv2.remap(nearest.astype(np.uint16), map_x, map_y, cv2.INTER_NEAREST), tones

    def _seeds(self, x: int, y: int, width: int, height: int) -> tuple[Array, Array, Array]:
        """Middles of grains in a block's own px, and their tones; each cell of the lattice decides for itself."""
        columns = np.arange(x // _LATTICE_PX, (x + width) // _LATTICE_PX + 1)
        rows = np.arange(y // _LATTICE_PX, (y + height) // _LATTICE_PX + 1)
        grid_x, grid_y = (axis.ravel() for axis in np.meshgrid(columns, rows))
        chance = [_hashed(grid_x, grid_y, self._salt + k) for k in range(4)]
        seeds_x = (grid_x * _LATTICE_PX + chance[0] * _LATTICE_PX).astype(np.int64) - x
        seeds_y = (grid_y * _LATTICE_PX + chance[1] * _LATTICE_PX).astype(np.int64) - y
        # Dropped cells leave room for their neighbours: grains of 4 to 10 µm and more.
        kept = (chance[2] > 0.16) & (seeds_x >= 0) & (seeds_x < width) & (seeds_y >= 0) & (seeds_y < height)
        tone = (chance[3] - 0.5) * 2 + (chance[3] > 0.93) * 0.8
        return seeds_x[kept], seeds_y[kept], tone[kept]

    def _paint(self, labels: Array, tones: Array, thickness: Array) -> Array:
        edge = np.zeros(labels.shape, np.uint8)
        edge[:, 1:] |= labels[:, 1:] != labels[:, :-1]
        edge[1:] |= labels[1:] != labels[:-1]
        edge *= 255
        near = cv2.blur(edge, (3, 3)).astype(np.float32) * np.float32(1 / 255)
        wide = cv2.blur(edge, (9, 9)).astype(np.float32) * np.float32(1 / 255)
        pockets = np.clip((wide - 0.22 + 0.035 * thickness) * 14, 0, 1)
        film = np.clip(near * (0.95 + 0.35 * thickness), 0.0, 1.0)
        share = np.maximum(pockets, film)
        grey = tones[labels] * np.float32(self._contrast)
        out = np.empty((*labels.shape, 3), np.float32)
        for channel in range(3):
            base = grey + np.float32(self.matrix[channel])
            out[..., channel] = base + (np.float32(self.nd_rich[channel]) - base) * share
        return np.clip(out, 0, 255).astype(np.uint8)

    def _add_pores(self, surface: Array, x: int, y: int) -> None:
        """The small pores every sintered magnet has, in some cells of a coarser lattice."""
        step, reach = 96, 10
        columns = np.arange((x - reach) // step, (x + surface.shape[1] + reach) // step + 1)
        rows = np.arange((y - reach) // step, (y + surface.shape[0] + reach) // step + 1)
        grid_x, grid_y = (axis.ravel() for axis in np.meshgrid(columns, rows))
        chance = np.stack([_hashed(grid_x, grid_y, self._salt + 10 + k) for k in range(6)])
        for i in np.flatnonzero(chance[0] < 0.42):
            center = ((grid_x[i] + chance[1, i]) * step - x, (grid_y[i] + chance[2, i]) * step - y)
            axes = 1.2 + 5.0 * chance[3, i] ** 3, (1.2 + 5.0 * chance[3, i] ** 3) * (0.5 + 0.5 * chance[4, i])
            dark = (34, 32, 31) if chance[4, i] < 0.7 else (84, 86, 94)
            fixed = [round(16 * v) for v in (*center, *axes)]
            cv2.ellipse(surface, fixed[:2], fixed[2:], 180 * chance[5, i], 0, 360, dark, -1, cv2.LINE_AA, 4)

    def _inside(self, x: int, y: int, width: int, height: int) -> Array:
        """The magnet's outline: straight, with edges a little broken. One value stands for a block well inside."""
        room = self._margin + 10
        if min(x, y) > room and max(x + width, y + height) < self.size - room:
            return np.ones((1, 1), bool)
        columns, rows = np.arange(x, x + width), np.arange(y, y + height)
        wave_x = 1.5 * self._noise[2, 0, rows % _NOISE_PX]
        wave_y = 1.5 * self._noise[2, columns % _NOISE_PX, 0]
        low, high = self._margin, self.size - self._margin
        in_x = (columns[None] > low + wave_x[:, None]) & (columns[None] < high + wave_x[:, None])
        in_y = (rows[:, None] > low + wave_y[None]) & (rows[:, None] < high + wave_y[None])
        return in_x & in_y

    def _resin_block(self, x: int, y: int, width: int, height: int) -> Array:
        field = self._noise_at(x, y, width, height)
        tone = 2.0 * field[2] + 30 * np.clip(field[0] - 2.6, 0, 1)
        return np.clip(self.resin + tone[..., None], 0, 255).astype(np.uint8)

    def _noise_at(self, x: int, y: int, width: int, height: int) -> Array:
        left, top = x % _NOISE_PX, y % _NOISE_PX
        return self._noise[:, top : top + height, left : left + width]


def _hashed(column: Array, row: Array, salt: int) -> Array:
    """A number in [0, 1) for each lattice cell, from nothing but its place and the salt."""
    key = column.astype(np.int64).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    key ^= row.astype(np.int64).astype(np.uint64) * np.uint64(0xC2B2AE3D27D4EB4F)
    key ^= np.uint64(salt * 0x165667B19E3779F9 % 2**64)
    for multiplier in (0xBF58476D1CE4E5B9, 0x94D049BB133111EB):
        key ^= key >> np.uint64(30)
        key *= np.uint64(multiplier)
    key ^= key >> np.uint64(31)
    return (key >> np.uint64(11)).astype(np.float64) / 2.0**53
