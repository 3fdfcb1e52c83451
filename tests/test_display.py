"""What is shown and what models see: 8-bit pixels as they are, 16-bit ones stretched the same way every time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from core.display import DisplayRange, auto_range, to_uint8_rgb
from core.readers.base import open_section
from core.section import Plane


def section_of(path: Path, pixels: np.ndarray):
    tifffile.imwrite(path / "s.tif", pixels, photometric="minisblack")
    return open_section(path / "s.tif")


def test_eight_bits_are_shown_as_they_are(tmp_path: Path):
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    shown = to_uint8_rgb(grey, DisplayRange(0, 255))
    assert shown.shape == (16, 16, 3)
    assert all(np.array_equal(shown[:, :, c], grey[:, :, 0]) for c in range(3))
    rgb = np.random.default_rng(0).integers(0, 255, (7, 5, 3), np.uint8)
    assert np.array_equal(to_uint8_rgb(rgb, DisplayRange(0, 255)), rgb)
    with section_of(tmp_path, np.full((20, 20), 90, np.uint8)) as section:
        assert auto_range(section, Plane()) == DisplayRange(0, 255)


def test_sixteen_bits_are_linear_between_the_ends():
    values = np.array([[0, 1000, 1500, 2000, 65535]], np.uint16)[..., None]
    assert to_uint8_rgb(values, DisplayRange(1000, 2000))[0, :, 1].tolist() == [0, 0, 128, 255, 255]
    colour = np.array([[[1000, 1500, 2000]]], np.uint16)
    assert to_uint8_rgb(colour, DisplayRange(1000, 2000)).tolist() == [[[0, 128, 255]]]


def test_eight_bits_can_be_stretched_too():
    values = np.array([[0, 100, 150, 200]], np.uint8)[..., None]
    assert to_uint8_rgb(values, DisplayRange(100, 200))[0, :, 0].tolist() == [0, 0, 128, 255]


def test_the_automatic_range_ignores_gaps_and_single_hot_pixels(tmp_path: Path):
    pixels = np.random.default_rng(0).integers(3000, 4000, (400, 500)).astype(np.uint16)
    pixels[:, :200] = 0
    pixels[5, 300] = 65535
    with section_of(tmp_path, pixels) as section:
        found = auto_range(section, Plane())
        assert 3000 <= found.low <= 3010
        assert 3990 <= found.high <= 4000
        assert auto_range(section, Plane()) == found


@pytest.mark.parametrize("value", [0, 500, 65535])
def test_a_flat_picture_still_has_a_range(tmp_path: Path, value: int):
    with section_of(tmp_path, np.full((30, 30), value, np.uint16)) as section:
        found = auto_range(section, Plane())
        assert found.low < found.high


@pytest.mark.parametrize("ends", [(5, 5), (9, 3), (-1, 5), (0, 70000)])
def test_impossible_ranges_are_refused(ends):
    with pytest.raises(ValueError, match="display range"):
        DisplayRange(*ends)


def test_the_automatic_range_does_not_depend_on_what_a_preview_had_time_for(tmp_path: Path, monkeypatch):
    pixels = np.random.default_rng(0).integers(3000, 4000, (2600, 2600)).astype(np.uint16)
    pixels[:, 1000:1200] = 0
    with section_of(tmp_path, pixels) as section:
        reads = []
        read_level = section.read_level

        def counted(*args):
            reads.append(args[3] * args[4])
            return read_level(*args)

        monkeypatch.setattr(section, "read_level", counted)
        monkeypatch.setattr(section, "preview", lambda downsample, plane: pytest.fail("it was asked for"))
        found = auto_range(section, Plane())
        assert 3000 <= found.low <= 3010
        assert 3990 <= found.high <= 4000
        assert sum(reads) < pixels.size / 4
        assert auto_range(section, Plane()) == found
