"""What is shown before overviews are built: true at once, sharper with time, exact where something is built."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.geometry import Box
from core.overview_quick import QuickLook
from core.pyramid import OverviewCache, SectionWithOverviews, quick_overview
from core.section import Array, Plane, RegionRequest
from tests.slow_section import SlowSection
from tests.test_pyramid import FlatSection, noise

PLANE = Plane()


class Striped(FlatSection):
    """Stored in rows over the whole width."""

    @property
    def block_px(self) -> tuple[int, int]:
        return self.info.width_px, 16


def waves(height: int, width: int) -> Array:
    across, down = 60 * np.sin(np.arange(width) / 1900), 60 * np.cos(np.arange(height) / 1700)
    return (128 + across[None, :] + down[:, None]).astype(np.float32).astype(np.uint8)[..., None]


@pytest.fixture
def cache(tmp_path: Path) -> OverviewCache:
    return OverviewCache(tmp_path / "pyramids")


def test_a_quick_overview_looks_at_few_pixels_and_says_so(tmp_path):
    base = Striped(waves(4096, 4096), tmp_path / "a")
    quick = quick_overview(base, 512, seconds=20)
    assert quick.approximate
    assert quick.downsample == 8
    assert base.read_px <= 512 * 4096
    true = base.read(RegionRequest(0, 0, 4096, 4096, 8))
    assert np.abs(quick.pixels.astype(int) - true).max() <= 2
    assert not quick_overview(FlatSection(noise(2000, 1500), tmp_path / "b"), 1000).approximate


@pytest.mark.parametrize("kind", [Striped, FlatSection])
def test_even_a_hurried_look_shows_the_whole_and_the_next_is_nearer_to_it(tmp_path, kind):
    base = kind(waves(4096, 8192), tmp_path / "a")
    look = QuickLook(base, PLANE)
    true = base.read(RegionRequest(0, 0, 8192, 4096, 8)).astype(int)
    errors = []
    for _ in range(40):
        look.look(0)
        assert look.picture().shape == true.shape
        errors.append(np.abs(look.picture() - true).mean())
    assert errors[-1] < errors[0] / 2
    assert errors[-1] < 10


def test_samples_start_where_one_looks(tmp_path):
    base = FlatSection(noise(8192, 8192, 1), tmp_path / "a")
    look = QuickLook(base, PLANE)
    read: list[tuple[int, int]] = []
    read_level = base.read_level

    def noted(level: int, x: int, y: int, width: int, height: int, plane: Plane) -> Array:
        read.append((x, y))
        return read_level(level, x, y, width, height, plane)

    base.read_level = noted
    look.look(0, focus=(8000, 100))
    assert read[0][0] > 4096 > read[0][1]


def test_the_readers_own_shortcut_is_taken_even_if_its_size_is_one_px_off(tmp_path):
    class WithPreview(FlatSection):
        def preview(self, downsample, plane):
            return np.full((self.info.height_px // downsample, self.info.width_px // downsample + 1, 1), 77, np.uint8)

    base = WithPreview(noise(4100, 4099, 1), tmp_path / "a")
    quick = quick_overview(base)
    assert quick.approximate
    assert quick.pixels.shape == (-(-4100 // quick.downsample), -(-4099 // quick.downsample), 1)
    assert (quick.pixels == 77).all()
    assert base.read_px == 0


def test_a_glance_far_out_is_quick_and_true_and_says_that_it_is_not_exact(cache, tmp_path):
    base = Striped(waves(3000, 20_000), tmp_path / "a")
    section = SectionWithOverviews(base, cache)
    while not section.first_look_done(PLANE):
        section.first_look(PLANE, 1)
    base.read_px = 0
    for downsample, exact in ((1, True), (4, True), (16, False), (32, False), (64, False)):
        request = RegionRequest(128 * downsample, 0, 128 * downsample, 3000, downsample)
        glance = section.glance(request)
        true = section.base.read(request)
        assert glance.exact is exact
        assert glance.pixels.shape == true.shape
        assert np.abs(glance.pixels.astype(int) - true).max() <= (0 if exact else 8)


def test_a_first_glance_takes_its_own_look(cache, tmp_path):
    """Nobody need ask for a first look before."""
    base = SlowSection(FlatSection(waves(2000, 20_000), tmp_path / "a"), delay_s=0.01)
    section = SectionWithOverviews(base, cache)
    glance = section.glance(RegionRequest(0, 0, 20_000, 2000, 64))
    assert not glance.exact
    true = base.inner.read(RegionRequest(0, 0, 20_000, 2000, 64)).astype(int)
    assert np.abs(glance.pixels - true).mean() < 40
    assert base.reads < 60


def test_what_is_built_lies_over_the_quick_overview_at_every_scale(cache, tmp_path):
    from core.errors import CancelledError
    from core.jobs import CancelToken

    base = FlatSection(noise(1000, 30_000, 3), tmp_path / "a")
    cancel = CancelToken()
    section = SectionWithOverviews(base, cache)
    section.first_look(PLANE, 0)
    with pytest.raises(CancelledError):
        section.build_overviews(PLANE, cancel=cancel, focus=lambda: (0, 0), changed=lambda box: cancel.cancel())
    again = SectionWithOverviews(base, cache)
    for one in (section, again):
        for downsample in (8, 16, 32, 64):
            request = RegionRequest(0, 0, 30_000, 1000, downsample)
            glance = one.glance(request)
            assert not glance.exact
            true = base.read(request)
            columns = 8192 // downsample
            assert np.abs(glance.pixels[:, :columns].astype(int) - true[:, :columns]).max() <= 1
            inside = RegionRequest(0, 0, 8192, 1000, downsample)
            if downsample <= 16:
                assert one.glance(inside).exact


def test_a_glance_at_thrown_away_overviews_is_not_black(cache, tmp_path):
    import shutil

    section = SectionWithOverviews(FlatSection(np.full((9000, 9000, 1), 100, np.uint8), tmp_path / "a"), cache)
    section.build_overviews(PLANE)
    assert section.glance(RegionRequest(0, 0, 9000, 9000, 16)).exact
    (folder,) = cache.folder.iterdir()
    shutil.rmtree(folder)
    glance = section.glance(RegionRequest(0, 0, 9000, 9000, 16))
    assert (glance.pixels == 100).all()


def test_pixels_of_sixteen_bits_keep_their_values(cache, tmp_path):
    section = SectionWithOverviews(FlatSection(np.full((9000, 9000, 1), 60_123, np.uint16), tmp_path / "a"), cache)
    glance = section.glance(RegionRequest(0, 0, 8192, 8192, 16))
    assert (glance.pixels == 60_123).all()


def test_what_a_preview_had_no_time_for_is_looked_at_and_gaps_stay_black(tmp_path):
    class Hurried(FlatSection):
        def preview(self, downsample, plane):
            seen = self.read(RegionRequest(0, 0, self.info.width_px, self.info.height_px, downsample, plane))
            seen[:, seen.shape[1] // 2 :] = 0
            return seen

        def camera_tiles(self):
            return (Box(0, 0, 4096, 1024), Box(0, 3072, 4096, 1024))

    pixels = waves(4096, 4096)
    pixels[1024:3072] = 0
    base = Hurried(pixels, tmp_path / "a")
    quick = quick_overview(base, 512, seconds=20)
    true = base.read(RegionRequest(0, 0, 4096, 4096, 8))
    assert (quick.pixels[128:384] == 0).all()
    assert np.abs(quick.pixels.astype(int) - true).max() <= 1
