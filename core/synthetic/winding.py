"""Decides where the layers of a wound cell lie: pixel to (turn, length along the winding, depth within the layers).

An Archimedean spiral with gentle waves. The angle has a branch cut, so everything is written in quantities that stay the
same when the angle loses a full circle and the turn gains one. Small sections are a cut-out of large turns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from core.synthetic.noise import generator

Array = np.ndarray

# A disc smaller than this has no room for a few windings; then the section is a rectangular cut-out.
SMALLEST_DISC_PX = 5000


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of the winding's period: depths in px from the period's inner edge."""

    name: str
    d0: float
    d1: float


@dataclass(frozen=True, slots=True)
class WindingPoint:
    """Smooth quantities at places: angle (radian, near the reference), turns `u` (its integer part is the turn), radius in px of
    the slightly oval cell."""

    theta: Array
    u: Array
    radius: Array


class Winding:
    """The spiral. `pitch` is the period of the layers in px, `turns` how many there are (infinite in a cut-out)."""

    def __init__(self, size: int, pitch: float, seed: int) -> None:
        rng = generator(seed, 11)
        self.size, self.pitch = size, pitch
        self.is_disc = size >= SMALLEST_DISC_PX
        self._waves = [
            (rng.uniform(0.5, 1.2) * length / 180, length, rng.uniform(0, 2 * math.pi), rng.uniform(0, 2 * math.pi))
            for length in (260.0, 420.0, 900.0, 1500.0, 2600.0)
        ]
        if self.is_disc:
            self.cx = self.cy = size / 2
            self.outer = 0.475 * size
            self.can = min(160.0, 0.02 * size)
            self.r0 = max(0.55 * pitch, 0.055 * size) * rng.uniform(0.9, 1.1)
            self.squeeze = rng.uniform(0.003, 0.012), rng.uniform(0, math.pi)
            room = self.outer - self.can - self.r0 - 0.02 * size
            self.turns = max(1.0, room / pitch - 1.15)
        else:
            angle = rng.uniform(-0.3, 0.3) + rng.choice([0, 0.5]) * math.pi
            distance = rng.uniform(4.0, 8.0) * max(size, 1500)
            self.cx = size / 2 - distance * math.sin(angle)
            self.cy = size / 2 + distance * math.cos(angle)
            self.outer, self.can, self.r0, self.squeeze, self.turns = math.inf, 0.0, 0.0, (0.0, 0.0), math.inf
        self.hole = 0.8 * self.r0

    def at(self, x: Array, y: Array, reference: tuple[float, float]) -> WindingPoint:
        """The winding at pixel places; the angle is continuous around `reference` (x, y)."""
        dx, dy = x - self.cx, y - self.cy
        radius = np.hypot(dx, dy)
        middle = math.atan2(reference[1] - self.cy, reference[0] - self.cx)
        turn = np.arctan2(dy, dx) - middle
        theta = middle + np.arctan2(np.sin(turn), np.cos(turn))
        radius = rho = radius * (1 + self.squeeze[0] * np.cos(2 * (theta - self.squeeze[1])))
        for amplitude, length, phase_x, phase_y in self._waves:
            rho = rho + amplitude * np.sin(2 * math.pi * x / length + phase_x) * np.sin(
                2 * math.pi * y / (0.83 * length) + phase_y
            )
        return WindingPoint(theta, (rho - self.r0) / self.pitch - theta / (2 * math.pi), radius)

    def length(self, theta: Array, turn: int, depth: float) -> Array:
        """Length in px along the spiral, at a depth, from its start to an angle on a turn."""
        total = theta + 2 * math.pi * turn
        return (self.r0 + depth) * total + self.pitch * total**2 / (4 * math.pi)

    def is_wound(self, theta: Array, u: Array) -> Array:
        """Whether electrodes are there: after the winding's start and before its end."""
        total = theta / (2 * math.pi) + np.floor(u)
        return (total >= 0) & (total < self.turns)

    def normal(self, x: float, y: float) -> float:
        """Direction (radian, x right, y down) in which depth grows."""
        step = 4.0
        around = self.at(np.array([x - step, x + step, x, x]), np.array([y, y, y - step, y + step]), (x, y)).u
        return math.atan2(around[3] - around[2], around[1] - around[0])
