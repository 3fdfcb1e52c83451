"""A first look at a whole CZI: near the truth, from the pyramid where there is one, and nothing made up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import core.readers.czi_look
from core.readers.base import open_section
from core.section import Array, Plane, RegionRequest
from tests.czi_files import RAW, ZSTD1, Tile, write_czi_file


def slow_wave(height: int, width: int) -> Array:
    """Smooth enough for a few rows to stand for all."""
    y, x = np.mgrid[:height, :width]
    return (120 + 100 * np.sin(x / 90) * np.cos(y / 70)).astype(np.uint8)[:, :, None]


def grid_of_tiles(pixels: Array, compression: int = RAW, step: int = 128) -> list[Tile]:
    height, width = pixels.shape[:2]
    corners = [(x, y) for y in range(0, height, step) for x in range(0, width, step)]
    return [Tile(x, y, pixels[y : y + step, x : x + step], compression) for x, y in corners]


@pytest.fixture
def plenty_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core.readers.czi_look, "_SECONDS", 60)


@pytest.mark.usefixtures("plenty_of_time")
@pytest.mark.parametrize("compression", [RAW, ZSTD1])
@pytest.mark.parametrize("downsample", [2, 8, 16, 64])
def test_a_look_at_the_whole_section_is_near_its_means(tmp_path: Path, compression: int, downsample: int):
    path = write_czi_file(tmp_path / "s.czi", grid_of_tiles(slow_wave(900, 1100), compression))
    with open_section(path) as section:
        quick = section.preview(downsample, Plane())
        exact = section.read(RegionRequest(0, 0, 1100, 900, downsample)).astype(int)
        assert quick is not None
        rows, columns = quick.shape[:2]
        assert abs(rows - 900 / downsample) <= 1
        assert abs(columns - 1100 / downsample) <= 1
        assert np.abs(quick - exact[:rows, :columns]).max() <= max(6, downsample)


@pytest.mark.usefixtures("plenty_of_time")
def test_a_look_uses_the_coarsest_pyramid_layer_that_is_fine_enough(tmp_path: Path):
    tiles = grid_of_tiles(np.random.default_rng(7).integers(0, 255, (512, 512, 3), np.uint8))
    layers = [Tile(0, 0, np.full((512 // s, 512 // s, 3), (0, 0, s), np.uint8), shrunk=s) for s in (2, 4, 8)]
    corner = Tile(0, 0, np.full((8, 8, 3), 255, np.uint8), shrunk=16)  # covers too little
    with open_section(write_czi_file(tmp_path / "s.czi", [*tiles, *layers, corner])) as section:
        for downsample, layer in ((2, 2), (4, 4), (8, 8), (16, 8)):
            quick = section.preview(downsample, Plane())
            assert quick is not None
            assert quick.shape == (512 // downsample, 512 // downsample, 3)
            assert (quick == (layer, 0, 0)).all()


@pytest.mark.usefixtures("plenty_of_time")
def test_a_look_that_has_no_time_shows_nothing_and_no_gap_is_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pixels = np.full((256, 256, 1), 9, np.uint8)
    path = write_czi_file(tmp_path / "s.czi", [Tile(0, 0, pixels, ZSTD1), Tile(512, 512, pixels, ZSTD1)])
    with open_section(path) as section:
        quick = section.preview(32, Plane())
        assert quick is not None
        assert (quick[:8, :8] == 9).all()
        assert (quick[16:, 16:] == 9).all()
        assert quick.sum() == 9 * 2 * 64
        monkeypatch.setattr(core.readers.czi_look, "_SECONDS", -1)
        assert section.preview(32, Plane()) is None
