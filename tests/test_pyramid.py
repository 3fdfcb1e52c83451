"""Overviews for files without any: exact places, true means, complete or not there at all."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.display import auto_range
from core.errors import CancelledError, InputError
from core.jobs import CancelToken
from core.overview_build import level_size, overview_scales
from core.pyramid import OverviewCache, SectionWithOverviews, lacks_overviews, quick_overview, with_overviews
from core.section import Array, Plane, PyramidLevel, RegionRequest, Section, SectionInfo

PLANE = Plane()


class FlatSection(Section):
    """One stored level in memory, named by a real file; counts the level-0 px that are read."""

    def __init__(self, pixels: Array, path: Path, levels: tuple[PyramidLevel, ...] = ()) -> None:
        height, width, samples = pixels.shape
        if not path.exists():
            path.write_bytes(pixels.tobytes()[:4096] + str(path).encode())
        self.pixels, self.read_px, self.fails_after = pixels, 0, None
        levels = levels or (PyramidLevel(width, height, 1.0),)
        self.info = SectionInfo(path, "flat", width, height, samples, pixels.dtype, levels)

    fails_after: int | None

    def read_level(self, level: int, x: int, y: int, width: int, height: int, plane: Plane) -> Array:
        if self.fails_after is not None and self.read_px >= self.fails_after:
            raise InputError("the drive went away", path=self.info.path)
        self.read_px += width * height
        return self.pixels[y : y + height, x : x + width].copy()


def noise(height: int, width: int, samples: int = 3, dtype: type = np.uint8) -> Array:
    top = np.iinfo(dtype).max
    return np.random.default_rng(3).integers(0, top, (height, width, samples), dtype=dtype, endpoint=True)


@pytest.fixture
def cache(tmp_path: Path) -> OverviewCache:
    return OverviewCache(tmp_path / "pyramids")


@pytest.mark.parametrize(("samples", "dtype"), [(3, np.uint8), (1, np.uint16)])
def test_every_level_is_the_true_area_mean(cache, tmp_path, samples, dtype):
    base = FlatSection(noise(2307, 4611, samples, dtype), tmp_path / "a")
    section = with_overviews(base, cache)
    assert isinstance(section, SectionWithOverviews)
    section.build_overviews(PLANE)
    assert base.read_px == 2307 * 4611  # each px once
    assert section.overviews_ready(PLANE)
    for index, level in enumerate(section.info.levels[1:], start=1):
        scale = int(level.downsample)
        assert (level.height_px, level.width_px) == level_size(base.info, scale)
        got = section.read_level(index, 0, 0, level.width_px, level.height_px, PLANE)
        expected = exact_mean(base.pixels, scale)
        assert got.dtype == dtype
        assert np.abs(got - expected).max() <= (0.501 if scale <= 16 else 1.0)
    assert base.read_px == 2307 * 4611


def exact_mean(pixels: Array, scale: int) -> Array:
    rows = np.add.reduceat(pixels.astype(np.float64), np.arange(0, pixels.shape[0], scale), axis=0)
    sums = np.add.reduceat(rows, np.arange(0, pixels.shape[1], scale), axis=1)
    tall = np.diff([*range(0, pixels.shape[0], scale), pixels.shape[0]])
    wide = np.diff([*range(0, pixels.shape[1], scale), pixels.shape[1]])
    return sums / (tall[:, None] * wide[None, :])[..., None]


def test_a_planted_point_stays_where_it_is_on_every_level(cache, tmp_path):
    pixels = np.zeros((3000, 4000, 1), np.uint16)
    spot = cv2.GaussianBlur(np.pad([[6e7]], 300), (0, 0), 60)
    pixels[1000:1601, 2000:2601, 0] += spot.astype(np.uint16)
    section = SectionWithOverviews(FlatSection(pixels, tmp_path / "a"), cache)
    section.build_overviews(PLANE)
    for index, level in enumerate(section.info.levels):
        values = section.read_level(index, 0, 0, level.width_px, level.height_px, PLANE)[..., 0].astype(float)
        y, x = ((np.arange(n) + 0.5) * level.downsample for n in values.shape)
        assert abs((values.sum(0) * x).sum() / values.sum() - 2300.5) < 0.5
        assert abs((values.sum(1) * y).sum() / values.sum() - 1300.5) < 0.5


def test_before_and_after_building_the_same_is_read(cache, tmp_path):
    section = SectionWithOverviews(FlatSection(noise(1500, 2500), tmp_path / "a"), cache)
    request = RegionRequest(64, 128, 2000, 1370, 8)
    before = section.read(request)
    section.build_overviews(PLANE)
    assert np.abs(section.read(request).astype(int) - before).max() <= 1


def test_the_automatic_range_is_the_same_with_overviews_and_reads_no_more_for_it(cache, tmp_path):
    ramp = np.broadcast_to(np.linspace(1000, 40_000, 9000).astype(np.uint16)[:, None, None], (9000, 9000, 1))
    base = FlatSection(ramp, tmp_path / "a")
    alone, read_alone = auto_range(base, PLANE), base.read_px
    assert auto_range(SectionWithOverviews(base, cache), PLANE) == alone
    assert base.read_px == 2 * read_alone


def test_a_cancelled_build_leaves_nothing_and_can_be_done_again(cache, tmp_path):
    base = FlatSection(noise(2500, 9000, 1), tmp_path / "a")
    cancel = CancelToken()
    with pytest.raises(CancelledError):
        cache.build(base, PLANE, progress=lambda step: cancel.cancel(), cancel=cancel)
    assert list(cache.folder.iterdir()) == []
    assert cache.open(base, PLANE) is None
    assert cache.build(base, PLANE).read(4, 0, 0, 10, 10) is not None


def test_a_failing_file_leaves_nothing(cache, tmp_path):
    base = FlatSection(noise(2500, 9000, 1), tmp_path / "a")
    base.fails_after = 2048 * 2048
    with pytest.raises(InputError, match="drive"):
        cache.build(base, PLANE)
    assert list(cache.folder.iterdir()) == []


def test_what_a_killed_program_left_is_not_taken_for_complete_and_goes_in_the_end(cache, tmp_path):
    base = FlatSection(noise(2500, 3000, 1), tmp_path / "a")
    cache.build(base, PLANE)
    (complete,) = cache.folder.iterdir()
    killed = complete.with_name(complete.name + ".building-0123456789ab")
    complete.rename(killed)
    assert cache.open(base, PLANE) is None
    cache.build(base, PLANE)
    assert {path.name for path in cache.folder.iterdir()} == {complete.name, killed.name}
    for path in (killed, *killed.rglob("*")):
        os.utime(path, (0, 0))
    cache.build(FlatSection(noise(2500, 3100, 1), tmp_path / "b"), PLANE)
    assert not killed.exists()


def test_of_two_builders_at_once_the_first_stays(cache, tmp_path):
    base = FlatSection(noise(2500, 3000, 1), tmp_path / "a")
    other = OverviewCache(cache.folder)

    def other_is_first(step: object) -> None:
        if not list(cache.folder.glob("*.zarr")):
            other.build(base, PLANE)

    overviews = cache.build(base, PLANE, progress=other_is_first)
    assert len(list(cache.folder.iterdir())) == 1
    pixels = overviews.read(4, 0, 0, 100, 100)
    assert pixels is not None
    np.testing.assert_array_equal(pixels, np.rint(exact_mean(base.pixels[:400, :400], 4)))


def test_the_least_recently_used_goes_and_its_reader_goes_on(cache, tmp_path):
    a, b, c = (FlatSection(noise(1500, 2500 + n, 1), tmp_path / str(n)) for n in range(3))
    reader = SectionWithOverviews(a, cache)
    reader.build_overviews(PLANE)
    cache.limit_bytes = int(2.5 * sum(path.stat().st_size for path in cache.folder.rglob("*") if path.is_file()))
    (folder_a,) = cache.folder.iterdir()
    cache.build(b, PLANE)
    os.utime(folder_a / "zarr.json", (1, 1))
    cache.build(c, PLANE)
    assert cache.open(a, PLANE) is None
    assert cache.open(b, PLANE) is not None
    assert cache.open(c, PLANE) is not None
    np.testing.assert_allclose(reader.read_level(1, 5, 6, 7, 8, PLANE), exact_mean(a.pixels, 4)[6:14, 5:12], atol=0.6)


def test_a_section_with_overviews_is_left_alone(cache, tmp_path):
    levels = (PyramidLevel(9000, 9000, 1.0), PyramidLevel(2250, 2250, 4.0), PyramidLevel(562, 562, 16.0))
    pixels = np.zeros((9000, 9000, 1), np.uint8)
    section = FlatSection(pixels, tmp_path / "a", levels)
    assert not lacks_overviews(section)
    assert with_overviews(section, cache) is section
    small = FlatSection(noise(900, 900), tmp_path / "b")
    assert with_overviews(small, cache) is small


def test_scales_go_on_until_one_chunk_holds_the_section(tmp_path):
    section = FlatSection(np.zeros((10, 100_000, 1), np.uint8), tmp_path / "a")
    assert overview_scales(section.info) == (4, 8, 16, 32, 64, 128, 256)


def test_a_quick_overview_looks_at_few_pixels_and_says_so(tmp_path):
    y, x = np.mgrid[:4096, :4096].astype(np.float32)
    wave = 128 + 60 * np.sin(x / 900) + 60 * np.cos(y / 700)
    base = FlatSection(wave.astype(np.uint8)[..., None], tmp_path / "a")
    quick = quick_overview(base, 512)
    assert quick.approximate
    assert quick.downsample == 8
    assert base.read_px <= 512 * 4096
    true = base.read(RegionRequest(0, 0, 4096, 4096, 8))
    assert np.abs(quick.pixels.astype(int) - true).max() <= 2
    hurried = quick_overview(base, 512, seconds=0)
    assert hurried.pixels.shape == quick.pixels.shape
    assert not quick_overview(FlatSection(noise(2000, 1500), tmp_path / "b"), 1000).approximate
