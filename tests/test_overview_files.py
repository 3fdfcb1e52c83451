"""Overviews of real files and of every way a section can be stored: equal to what reading level 0 gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from core.pyramid import OverviewCache, SectionWithOverviews, with_overviews
from core.readers.base import open_section
from core.section import Plane, RegionRequest, Section
from tests.czi_files import RAW, ZSTD1, Tile, write_czi_file
from tests.test_pyramid import noise


def assert_overviews_are_right(base: Section, folder: Path, plane: Plane) -> None:
    section = SectionWithOverviews(base, OverviewCache(folder))
    info = base.info
    scales = [int(level.downsample) for level in section.info.levels if level.made]
    whole = [RegionRequest(0, 0, info.width_px, info.height_px, scale, plane) for scale in scales]
    expected = [base.read(request).astype(int) for request in whole]
    section.build_overviews(plane)
    assert section.overviews_ready(plane)
    for request, true in zip(whole, expected, strict=True):
        glance = section.glance(request)
        assert glance.exact
        assert np.abs(glance.pixels - true).max() <= 1
        assert np.abs(section.read(request) - true).max() <= 1


@pytest.mark.parametrize("name", ["1_tileregion.czi", "RGB-8bit.czi", "Al2O3_SE_020_sp.czi", "DAPI_GFP.czi"])
def test_real_files(shared_data, tmp_path, name):
    with open_section(shared_data / "czi" / name) as base:
        last = Plane(len(base.info.channel_names) - 1, base.info.z_count - 1, base.info.t_count - 1)
        for plane in {Plane(), last}:
            assert_overviews_are_right(base, tmp_path / "cache", plane)


@pytest.mark.parametrize("compression", [RAW, ZSTD1])
def test_a_mosaic_with_overlaps_and_gaps(tmp_path, compression):
    pixels = noise(500, 700, 3)
    places = [(x, y) for y in range(0, 1900, 460) for x in range(0, 9000, 650) if (x // 650 + y // 460) % 5]
    tiles = [Tile(x, y, np.roll(pixels, x + y, axis=1), compression) for x, y in places]
    path = write_czi_file(tmp_path / "mosaic.czi", tiles)
    with open_section(path) as base:
        assert isinstance(with_overviews(base, OverviewCache(tmp_path / "cache")), SectionWithOverviews)
        assert_overviews_are_right(base, tmp_path / "cache", Plane())


@pytest.mark.parametrize(
    "stored", [{"rowsperstrip": 7}, {"rowsperstrip": 33, "compression": "zstd"}, {"tile": (208, 304)}]
)
def test_tiff_strips_and_tiles(tmp_path, stored):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, noise(405, 9001, 1, np.uint16)[..., 0], photometric="minisblack", **stored)
    with open_section(path) as base:
        assert_overviews_are_right(base, tmp_path / "cache", Plane())
