"""Decides the surface of a wound cell: the unrolled strip laid along the winding, in a disc of resin with a steel can."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from core.geometry import Box
from core.synthetic import battery_defects
from core.synthetic.noise import generator, node_positions, smooth_noise, spread
from core.synthetic.specimen import ARTEFACT, Patch, Specimen
from core.synthetic.strip import LENGTH_PX, PAD_PX, make_layers, make_palette, make_strip
from core.synthetic.winding import Layer, Winding, WindingPoint

Array = np.ndarray

UM_PER_PX = 0.5
_NODE_PX = 8
_RESIN_PX = 1024


@dataclass(frozen=True, slots=True)
class _Place:
    """The winding under a block: at its pixels, and at the nodes they were interpolated from."""

    pixels: WindingPoint
    nodes: WindingPoint


class BatterySpecimen(Specimen):
    """A wound lithium-ion cell, cut across and polished."""

    labels = battery_defects.LABELS
    pixel_size_um = UM_PER_PX

    def __init__(self, size: int, seed: int) -> None:
        self.size, self.seed = size, seed
        self.palette = make_palette(seed)
        self.layers = make_layers(seed, UM_PER_PX)
        self.winding = Winding(size, self.layers[-1].d1, seed)
        rng = generator(seed, 12)
        self._frame = rng.uniform(0.05, 0.08) * size

    @cached_property
    def _strip(self) -> Array:
        """The unrolled layers, with some of its start repeated at its end, so that a block never wraps."""
        strip = make_strip(self.layers, self.palette, self.seed)
        return np.concatenate([strip, strip[:, : LENGTH_PX // 4]], axis=1)

    @cached_property
    def _resin(self) -> Array:
        rng = generator(self.seed, 13)
        tone = (
            smooth_noise(rng, (_RESIN_PX, _RESIN_PX), 60, 60) * 0.8
            + smooth_noise(rng, (_RESIN_PX, _RESIN_PX), 2, 2) * 1.5
        )
        dust = np.clip(smooth_noise(rng, (_RESIN_PX, _RESIN_PX), 1.6, 1.6) - 3.1, 0, 1) * 60
        return np.clip(self.palette.resin + (tone + dust)[..., None], 0, 255).astype(np.uint8)

    def block(self, x: int, y: int, width: int, height: int, shift: Array | None) -> Array:
        found = self._place(x, y, width, height)
        place, radius = found.pixels, found.pixels.radius
        u = place.u if shift is None else place.u + shift / np.float32(self.winding.pitch)
        turn = np.floor(u)
        low, high = int(turn.min()), int(turn.max())
        total = place.theta / np.float32(2 * math.pi) + turn
        wound = (total >= 0) & (total < self.winding.turns) & self._inside_frame(x, y, width, height)
        if self.winding.is_disc:
            wound &= (radius > self.winding.hole) & (radius < self.winding.outer - self.winding.can)
        if not wound.any():
            return self._around(x, y, radius)
        depth = (u - turn) * np.float32(self.winding.pitch)
        length = self._length(found, low, high, turn, depth)
        depth += np.float32(PAD_PX)
        layers = cv2.remap(self._strip, length, depth, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        if not wound.all():
            np.copyto(layers, self._around(x, y, radius), where=~wound[..., None])
        return layers

    def patch(self, label: str, rng: np.random.Generator) -> Patch | None:
        return battery_defects.make(self, label, rng)

    def holds(self, box: Box, label: str) -> bool:
        """Corners and mid-sides lie in the winding; a trace of preparation may reach beyond."""
        x = np.array([box.x, box.center[0], box.x1] * 3)
        y = np.repeat([box.y, box.center[1], box.y1], 3)
        inner = slice(4, 5) if label == ARTEFACT else slice(None)
        return all(self.is_wound(x[i : i + 1], y[i : i + 1]) for i in range(9)[inner])

    def layer_at(self, x: float, y: float) -> tuple[Layer, float] | None:
        """The layer at a place and the depth in px within the period; None outside the winding."""
        place = self.winding.at(np.array([x]), np.array([y]), (x, y))
        if not self.is_wound(np.array([x]), np.array([y])):
            return None
        depth = float((place.u[0] - math.floor(place.u[0])) * self.winding.pitch)
        return next(layer for layer in self.layers if depth < layer.d1 or layer is self.layers[-1]), depth

    def is_wound(self, x: Array, y: Array) -> bool:
        """Whether all the places lie in the winding."""
        w = self.winding
        place = w.at(x, y, (float(x[0]), float(y[0])))
        inside = w.is_wound(place.theta, place.u) & (np.minimum(x, y) > self._frame)
        inside &= np.maximum(x, y) < self.size - self._frame
        if w.is_disc:
            inside &= (place.radius > w.hole) & (place.radius < w.outer - w.can)
        return bool(inside.all())

    def depth(self, x: int, y: int, width: int, height: int) -> Array:
        """Depth within the period for every pixel of a block: (height, width) float32 px; jumps at the period's end."""
        place = self._place(x, y, width, height).pixels
        return (place.u - np.floor(place.u)) * np.float32(self.winding.pitch)

    def _place(self, x: int, y: int, width: int, height: int) -> _Place:
        """The winding at every pixel centre, interpolated from nodes: it is far smoother than the nodes are apart."""
        grid_x, grid_y = np.meshgrid(node_positions(x, width, _NODE_PX), node_positions(y, height, _NODE_PX))
        nodes = self.winding.at(grid_x, grid_y, (x + width / 2, y + height / 2))
        fields = [spread(field, _NODE_PX, height, width) for field in (nodes.theta, nodes.u, nodes.radius)]
        return _Place(WindingPoint(*fields), nodes)

    def _length(self, place: _Place, low: int, high: int, turn: Array, depth: Array) -> Array:
        """Column of the strip for every pixel; in double precision at the nodes, for the winding is long.

        Anode and cathode have their own length scale each, true at their foils, so that tight turns don't stretch them.
        """
        between = (self.layers[4].d0 + self.layers[4].d1) / 2
        out: Array | None = None
        for n in range(low, high + 1):
            for is_cathode, foil in ((False, self.layers[2]), (True, self.layers[6])):
                here = (turn == n) & ((depth >= between) == is_cathode)
                if not here.any():
                    continue
                nodes = self.winding.length(place.nodes.theta, n, foil.d0)
                start = math.floor(float(nodes.min()) / LENGTH_PX) * LENGTH_PX
                columns = spread(nodes - start, _NODE_PX, *depth.shape)
                out = columns if out is None else np.where(here, columns, out)
        assert out is not None
        return out

    def _inside_frame(self, x: int, y: int, width: int, height: int) -> Array | bool:
        """A cut-out ends in a frame of resin; a disc needs none."""
        if self.winding.is_disc:
            return True
        columns, rows = np.arange(x, x + width), np.arange(y, y + height)
        inside_x = (columns > self._frame) & (columns < self.size - self._frame)
        inside_y = (rows > self._frame) & (rows < self.size - self._frame)
        return inside_x[None, :] & inside_y[:, None]

    def _around(self, x: int, y: int, radius: Array) -> Array:
        """Resin, and the can around a disc."""
        height, width = radius.shape
        rows, columns = np.arange(y, y + height) % _RESIN_PX, np.arange(x, x + width) % _RESIN_PX
        out = self._resin[rows[:, None], columns[None, :]]
        w = self.winding
        can = (radius < w.outer) & (radius > w.outer - w.can)
        if can.any():
            out[can] = np.clip(self.palette.steel + (out[can] - self.palette.resin) * 0.8, 0, 255).astype(np.uint8)
        return out
