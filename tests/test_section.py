"""Any region at any power-of-two scale is the mean of the level-0 pixels it stands for, wherever it lies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import core.section
from core.section import Array, Plane, PyramidLevel, RegionRequest, Section, SectionInfo


class ArraySection(Section):
    """A section held in memory, its levels made by averaging as a careful writer would."""

    def __init__(self, pixels: Array, scales: tuple[int, ...] = ()) -> None:
        self.arrays = [pixels] + [area_mean(pixels, 0, 0, pixels.shape[1], pixels.shape[0], scale) for scale in scales]
        self.read_levels: list[int] = []
        height, width, samples = pixels.shape
        levels = [
            PyramidLevel(a.shape[1], a.shape[0], scale) for a, scale in zip(self.arrays, (1, *scales), strict=True)
        ]
        self.info = SectionInfo(Path("memory"), "array", width, height, samples, pixels.dtype, tuple(levels))

    def read_level(self, level: int, x: int, y: int, width: int, height: int, plane: Plane) -> Array:
        stored = self.info.levels[level]
        assert x >= 0
        assert y >= 0
        assert x + width <= stored.width_px
        assert y + height <= stored.height_px
        self.read_levels.append(level)
        return self.arrays[level][y : y + height, x : x + width]


def area_mean(pixels: Array, x: int, y: int, width: int, height: int, d: int) -> Array:
    """The contract of `RegionRequest`, pixel by pixel: slow and plain."""
    full_h, full_w, samples = pixels.shape
    out = np.zeros((-(-height // d), -(-width // d), samples), pixels.dtype)
    for j in range(out.shape[0]):
        for i in range(out.shape[1]):
            part = pixels[
                max(y + j * d, 0) : min(max(y + (j + 1) * d, 0), full_h),
                max(x + i * d, 0) : min(max(x + (i + 1) * d, 0), full_w),
            ]
            if part.size:
                out[j, i] = np.rint(part.reshape(-1, samples).astype(np.float64).mean(0))
    return out


def planted(width: int, height: int, samples: int, dtype: str) -> Array:
    values = np.random.default_rng(width * height).integers(0, np.iinfo(dtype).max, (height, width, samples), dtype)
    values[height // 3 : height // 2, width // 4 : width // 2] = np.iinfo(dtype).max
    return values


@settings(max_examples=150, deadline=None)
@given(
    size=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    corner=st.tuples(st.integers(-40, 90), st.integers(-40, 90)),
    region=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    downsample=st.sampled_from([1, 2, 4, 8, 16]),
    kind=st.sampled_from([(1, "uint8"), (3, "uint8"), (1, "uint16"), (3, "uint16")]),
)
def test_a_region_is_the_mean_of_its_level0_pixels(size, corner, region, downsample, kind):
    pixels = planted(*size, *kind)
    got = ArraySection(pixels).read(RegionRequest(corner[0], corner[1], region[0], region[1], downsample))
    want = area_mean(pixels, corner[0], corner[1], region[0], region[1], downsample)
    assert got.dtype == pixels.dtype
    assert got.shape == want.shape
    assert np.abs(got.astype(int) - want.astype(int)).max() <= 1


@settings(max_examples=100, deadline=None)
@given(
    corner=st.tuples(st.integers(-40, 90), st.integers(-40, 90)),
    region=st.tuples(st.integers(1, 80), st.integers(1, 80)),
    downsample=st.sampled_from([1, 2, 4, 8, 16]),
)
def test_stored_levels_change_nothing_but_rounding(corner, region, downsample):
    pixels = planted(64, 48, 1, "uint8")
    got = ArraySection(pixels, scales=(2, 8)).read(
        RegionRequest(corner[0], corner[1], region[0], region[1], downsample)
    )
    want = area_mean(pixels, corner[0], corner[1], region[0], region[1], downsample)
    assert np.abs(got.astype(int) - want.astype(int)).max() <= 1


def test_a_level_is_used_only_where_its_grid_falls_on_the_request():
    section = ArraySection(planted(64, 64, 1, "uint8"), scales=(2, 4))
    section.read(RegionRequest(8, 8, 32, 32, 4))
    section.read(RegionRequest(6, 8, 32, 32, 4))
    section.read(RegionRequest(7, 8, 32, 32, 4))
    section.read(RegionRequest(8, 8, 32, 32, 1))
    assert section.read_levels == [2, 1, 0, 0]


def test_a_level_cut_short_does_not_lose_the_last_pixels():
    pixels = planted(65, 65, 1, "uint8")
    section = ArraySection(pixels)
    half = area_mean(pixels, 0, 0, 64, 64, 2)
    section.arrays.append(half)
    levels = (section.info.levels[0], PyramidLevel(32, 32, 2.0))
    section.info = SectionInfo(Path("memory"), "array", 65, 65, 1, pixels.dtype, levels)
    got = section.read(RegionRequest(0, 0, 65, 65, 2))
    assert np.abs(got.astype(int) - area_mean(pixels, 0, 0, 65, 65, 2).astype(int)).max() <= 1
    section.read(RegionRequest(0, 0, 64, 64, 2))
    assert section.read_levels == [0, 1]


def test_levels_that_are_not_powers_of_two_are_never_used():
    section = ArraySection(planted(60, 60, 1, "uint8"), scales=(3,))
    section.read(RegionRequest(0, 0, 60, 60, 4))
    assert section.read_levels == [0]


def test_a_wide_overview_is_read_in_bounded_blocks(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(core.section, "_BLOCK_PIXELS", 256)
    pixels = planted(70, 50, 3, "uint8")
    section = ArraySection(pixels)
    got = section.read(RegionRequest(-3, 2, 80, 60, 8))
    assert len(section.read_levels) > 10
    assert np.abs(got.astype(int) - area_mean(pixels, -3, 2, 80, 60, 8).astype(int)).max() <= 1


def test_a_region_outside_the_section_is_black_and_reads_nothing():
    section = ArraySection(planted(20, 20, 1, "uint8"))
    assert not section.read(RegionRequest(100, -50, 10, 10, 2)).any()
    assert section.read_levels == []


@pytest.mark.parametrize("downsample", [0, 3, -2])
def test_only_powers_of_two_are_asked_for(downsample):
    with pytest.raises(ValueError, match="power of two"):
        RegionRequest(0, 0, 1, 1, downsample)


def test_an_empty_region_is_refused():
    with pytest.raises(ValueError, match="empty"):
        RegionRequest(0, 0, 0, 5)
