"""The foreground mask: resin and gaps are skipped, specimen never is."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from core.errors import CancelledError
from core.geometry import Box
from core.jobs import CancelToken
from core.section import Array, Plane, PyramidLevel, Section, SectionInfo
from core.tiling import TileGrid, foreground_mask


class ArraySection(Section):
    """A section in memory."""

    def __init__(self, pixels: Array) -> None:
        self.pixels = pixels
        height, width, samples = pixels.shape
        level = PyramidLevel(width, height, 1.0)
        self.info = SectionInfo(Path("array"), "array", width, height, samples, pixels.dtype, (level,))

    def read_level(self, level: int, x: int, y: int, width: int, height: int, plane: Plane) -> Array:
        return self.pixels[y : y + height, x : x + width].copy()


def metal(rng: np.random.Generator, size: int) -> Array:
    """A two-phase texture with structures of about 12 px."""
    field = cv2.GaussianBlur(rng.standard_normal((size, size)).astype(np.float32), (0, 0), 4)
    return np.where(field > 0, 190.0, 110.0) + rng.normal(0, 4, (size, size))


def resin(rng: np.random.Generator, size: int, level: float) -> Array:
    """Flat, noisy and unevenly lit."""
    light = np.linspace(-6, 6, size)[None, :] + np.linspace(-4, 4, size)[:, None]
    return level + light + rng.normal(0, 4, (size, size))


def as_section(grey: Array, samples: int = 3, dtype: type = np.uint8) -> ArraySection:
    values = np.clip(grey, 0, 255) * (np.iinfo(dtype).max // 255)
    return ArraySection(np.repeat(values[..., None], samples, axis=2).astype(dtype))


def disc(size: int) -> Array:
    y, x = np.mgrid[:size, :size]
    return (x - size / 2) ** 2 + (y - size / 2) ** 2 <= (0.48 * size) ** 2


@pytest.mark.parametrize("level", [30, 150, 245])
@pytest.mark.parametrize(("samples", "dtype"), [(1, np.uint16), (3, np.uint8)])
def test_resin_around_a_disc_is_skipped_and_no_specimen_is(level, samples, dtype):
    rng = np.random.default_rng(1)
    inside = disc(2048)
    section = as_section(np.where(inside, metal(rng, 2048), resin(rng, 2048, level)), samples, dtype)
    mask = foreground_mask(section)
    cells = cv2.resize(inside.astype(np.uint8), None, fx=1 / 16, fy=1 / 16, interpolation=cv2.INTER_NEAREST)
    assert mask.values[cells > 0].all()
    grid = TileGrid(2048, 2048, 1.0, 128, 16)
    near = cv2.dilate(cells, np.ones((13, 13), np.uint8))
    empty = [t for t in grid.tiles() if not near[t.y_cell : t.y_cell + 8, t.x_cell : t.x_cell + 8].any()]
    assert len(empty) > 10
    assert not any(mask.covers(tile.box) for tile in empty)


@pytest.mark.parametrize("what", ["specimen", "resin", "black", "two metals"])
def test_an_image_of_one_kind_is_all_foreground(what):
    rng = np.random.default_rng(2)
    pixels = {
        "specimen": metal(rng, 1024),
        "resin": resin(rng, 1024, 150),
        "black": np.zeros((1024, 1024)),
        "two metals": np.hstack([metal(rng, 1024)[:, :512], 255 - metal(rng, 1024)[:, :512]]),
    }[what]
    assert foreground_mask(as_section(pixels)).values.all()


def test_a_large_smooth_pore_inside_the_specimen_is_foreground():
    rng = np.random.default_rng(3)
    pixels = np.where(disc(2048), metal(rng, 2048), resin(rng, 2048, 60))
    pixels[900:1200, 900:1200] = resin(rng, 300, 60)
    mask = foreground_mask(as_section(pixels))
    assert mask.values[900 // 16 : 1200 // 16, 900 // 16 : 1200 // 16].all()


def test_the_gaps_of_a_mosaic_are_skipped():
    rng = np.random.default_rng(4)
    pixels = metal(rng, 2048)
    pixels[:, 1024:] = 0
    mask = foreground_mask(as_section(pixels))
    assert mask.covers(Box(0, 0, 1024, 2048))
    assert not mask.covers(Box(1100, 0, 900, 2048))


def test_a_tiny_section_is_all_foreground_and_boxes_outside_are_not_covered():
    mask = foreground_mask(as_section(np.full((40, 60), 90.0)))
    assert mask.values.all()
    assert mask.covers(Box(-10, -10, 500, 500))
    assert not mask.covers(Box(500, 500, 10, 10))
    assert not mask.covers(Box(-50, -50, 10, 10))


def test_it_can_be_cancelled_between_strips():
    cancel = CancelToken()
    section = as_section(metal(np.random.default_rng(5), 2048))
    with pytest.raises(CancelledError):
        foreground_mask(section, progress=lambda step: cancel.cancel(), cancel=cancel)


def test_a_map_knows_which_of_its_cells_show_specimen():
    rng = np.random.default_rng(6)
    pixels = metal(rng, 1024)
    pixels[:, 512:] = 0
    mask = foreground_mask(as_section(pixels))
    cells = mask.at_cells(16, 40, 8.0, first=(10, 40))
    assert cells.shape == (16, 40)
    assert cells[:, :24].all()
    assert not cells[:, 32:].any()
    assert not mask.at_cells(4, 4, 8.0, first=(126, 0))[2:].any()
