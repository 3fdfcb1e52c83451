"""A section in memory for tests of the window: known pixels, countable and, if wanted, slow or failing reads."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np

from core.frames import NO_STAGE, StageTransform
from core.section import Array, Plane, PyramidLevel, Section, SectionInfo


class MemorySection(Section):
    """`gate`, when cleared, holds every read until it is set again. `reads` lists what was read."""

    def __init__(
        self,
        pixels: Array,
        pixel_size_um: tuple[float, float] | None = (0.5, 0.5),
        stage: StageTransform = NO_STAGE,
        channels: int = 1,
        z_count: int = 1,
    ) -> None:
        self.pixels = pixels
        height, width, samples = pixels.shape
        self.info = SectionInfo(
            Path("/nowhere/memory.tif"),
            "memory",
            width,
            height,
            samples,
            pixels.dtype,
            (PyramidLevel(width, height, 1.0),),
            tuple(f"channel {i}" for i in range(channels)),
            z_count=z_count,
            pixel_size_um=pixel_size_um,
            stage=stage,
        )
        self.gate = threading.Event()
        self.gate.set()
        self.reads: list[tuple[int, int, int, int, Plane]] = []
        self.failure: Exception | None = None
        self.closed = False

    def read_level(self, level: int, x: int, y: int, width: int, height: int, plane: Plane) -> Array:
        self.gate.wait(20)
        self.reads.append((x, y, width, height, plane))
        if self.failure is not None:
            raise self.failure
        assert not self.closed
        return self.pixels[y : y + height, x : x + width].copy()

    def close(self) -> None:
        self.closed = True


def noise(height: int, width: int, samples: int = 3, dtype: type = np.uint8, seed: int = 0) -> Array:
    """Random pixels of the whole range of `dtype`."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, np.iinfo(dtype).max, (height, width, samples), dtype, endpoint=True)
