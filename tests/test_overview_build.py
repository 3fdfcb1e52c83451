"""Building overviews: nearest first, resumable, shared by programs, each byte read once, readable by others."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile

from core.errors import CancelledError, InputError
from core.jobs import CancelToken, Step
from core.overview_claims import Claims
from core.overview_layout import Chunk
from core.overview_means import coarse_means, direct_means
from core.overview_row import Row, row_length, slab_size
from core.overview_store import OverviewStore
from core.pyramid import OverviewCache, SectionWithOverviews
from core.readers.base import open_section
from core.section import Plane, RegionRequest
from tests.slow_section import SlowSection
from tests.test_pyramid import FlatSection, exact_mean, noise

PLANE = Plane()
PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture
def cache(tmp_path: Path) -> OverviewCache:
    return OverviewCache(tmp_path / "pyramids")


def built(section: SectionWithOverviews) -> frozenset[Chunk]:
    """The super-blocks that are there."""
    return frozenset(chunk for chunk in section._store(PLANE).there() if chunk.scale == 16)


# -- means ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [(64, 48), (1, 1), (67, 33), (16, 131)])
def test_means_are_exact_and_rounded_once(dtype, size):
    pixels = noise(*size, 3, dtype)
    for scale, mean in direct_means(pixels).items():
        np.testing.assert_array_equal(mean, np.rint(exact_mean(pixels, scale)))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_largest_sums_do_not_overflow(dtype):
    top = np.iinfo(dtype).max
    pixels = np.full((32, 32, 1), top, dtype)
    pixels[0, 0] -= 1
    for mean in direct_means(pixels).values():
        assert (mean == top).all()


def test_coarse_means_count_cells_by_their_share():
    cells = np.array([[[10], [20], [40]]], np.uint8)
    mean = coarse_means(cells, 2, np.array([0.5], np.float32), np.array([1, 1, 0.25], np.float32))
    assert mean[0, :, 0].tolist() == [15, 40]


# -- where reading goes ---------------------------------------------------------------------------


class Striped(FlatSection):
    """Stored in stripes over the whole width; counts how often each is read."""

    stripe = 320

    @property
    def block_px(self) -> tuple[int, int]:
        return self.info.width_px, self.stripe

    def read_level(self, level, x, y, width, height, plane):
        assert width == self.info.width_px
        assert y % self.stripe == 0
        return super().read_level(level, x, y, width, height, plane)


def test_stripes_are_read_whole_and_once(cache, tmp_path):
    base = Striped(noise(1500, 20_000, 1), tmp_path / "a")
    SectionWithOverviews(base, cache).build_overviews(PLANE)
    assert base.read_px == 1500 * 20_000


def test_reads_and_rows_stay_small_however_wide_the_stripes(tmp_path):
    info = FlatSection(np.zeros((4, 4, 3), np.uint16), tmp_path / "a").info
    from dataclasses import replace

    huge = replace(info, width_px=400_000, height_px=400_000)
    width, height = slab_size(huge, (400_000, 8192), 400_000)
    assert width * height * 6 <= 40 << 20
    assert row_length(huge, (400_000, 8192), 64 << 20) * 6 * 8192**2 // 32 <= 64 << 20
    assert slab_size(huge, (1, 1), 8192) == (2048, 2048)
    assert slab_size(huge, (2048, 300), 8192) == (2048, 2048)
    assert slab_size(huge, (40_000, 64), 40_960)[1] == 64


def test_a_row_cuts_a_section_into_slabs_without_gap_or_overlap(tmp_path):
    section = FlatSection(np.zeros((3001, 10_007, 1), np.uint8), tmp_path / "a")
    store = OverviewStore(tmp_path / "o", section.info, PLANE)
    row = Row(store, [Chunk(16, 0, 0), Chunk(16, 1, 0)], lambda row: None)
    seen = np.zeros((3001, 10_007), np.uint8)
    for x, y, width, height in row.slabs((700, 90)):
        seen[y : y + height, x : x + width] += 1
    assert (seen == 1).all()


def test_several_threads_read_where_decoding_is_slow(cache, tmp_path, monkeypatch):
    import core.overview_build as build

    monkeypatch.setattr(build.os, "cpu_count", lambda: 4)
    monkeypatch.setattr(build, "_TRIED_BYTES", 1 << 20)
    monkeypatch.setattr(build, "_SLOW_BYTES_PER_S", 1e12)
    pixels = noise(2100, 18_000, 1)
    base = SlowSection(FlatSection(pixels, tmp_path / "a"), 0.02)
    section = SectionWithOverviews(base, cache)
    section.build_overviews(PLANE)
    assert len(base.readers) > 2
    np.testing.assert_array_equal(section.read(RegionRequest(0, 0, 18_000, 2100, 8)), np.rint(exact_mean(pixels, 8)))


def test_what_is_looked_at_is_built_first(cache, tmp_path):
    section = SectionWithOverviews(FlatSection(np.zeros((16_500, 24_700, 1), np.uint8), tmp_path / "a"), cache)
    order: list[tuple[float, float]] = []
    section.build_overviews(PLANE, focus=lambda: (23_000, 9000), changed=lambda box: order.append((box.x, box.w)))
    super_blocks = [x // 8192 for x, width in order if width == 8192]
    assert len(super_blocks) == 12
    assert super_blocks[0] == 2
    assert super_blocks[-1] == 0


# -- going on -------------------------------------------------------------------------------------


def test_a_cancelled_build_goes_on_where_it_was(cache, tmp_path):
    base = FlatSection(noise(1200, 25_000, 1), tmp_path / "a")
    cancel = CancelToken()
    with pytest.raises(CancelledError):
        SectionWithOverviews(base, cache).build_overviews(
            PLANE, cancel=cancel, changed=lambda box: cancel.cancel() if box.w == 8192 else None
        )
    assert not SectionWithOverviews(base, cache).overviews_ready(PLANE)
    again = SectionWithOverviews(base, cache)
    done = built(again)
    assert done
    base.read_px = 0
    steps: list[Step] = []
    again.build_overviews(PLANE, progress=steps.append)
    assert steps[0].done == len(done)
    assert steps[-1].done == steps[-1].total == 4
    assert base.read_px == sum(min(8192, 25_000 - 8192 * c) * 1200 for c in range(4) if Chunk(16, c, 0) not in done)
    assert again.overviews_ready(PLANE)


def test_a_failing_file_leaves_what_is_finished(cache, tmp_path):
    base = FlatSection(noise(1200, 25_000, 1), tmp_path / "a")
    base.fails_after = 8192 * 1200 + 1
    with pytest.raises(InputError, match="drive"):
        SectionWithOverviews(base, cache).build_overviews(PLANE, focus=lambda: (0, 0))
    assert built(SectionWithOverviews(base, cache)) == {Chunk(16, 0, 0)}


def test_chunks_without_their_line_in_the_journal_do_not_count(cache, tmp_path):
    base = FlatSection(noise(1200, 9000, 1), tmp_path / "a")
    SectionWithOverviews(base, cache).build_overviews(PLANE)
    (folder,) = cache.folder.iterdir()
    journal = folder / "journal"
    lines = journal.read_bytes()
    journal.write_bytes(lines.replace(b"16 1 0 ok", b"16 1 0") + b"\n16 5 0 ok\n16 0 0 o")
    section = SectionWithOverviews(base, cache)
    assert built(section) == {Chunk(16, 0, 0)}
    assert not section.overviews_ready(PLANE)
    section.build_overviews(PLANE)
    assert SectionWithOverviews(base, cache).overviews_ready(PLANE)


def test_overviews_that_another_window_just_begins_are_not_thrown_away(cache, tmp_path):
    base = FlatSection(noise(100, 9000, 1), tmp_path / "a")
    begun = cache.open(base, Plane(c=1)).folder
    begun.mkdir(parents=True)
    SectionWithOverviews(base, cache).build_overviews(PLANE)
    assert begun.is_dir()
    cache.empty()
    assert begun.is_dir()


def test_what_was_read_before_a_file_was_replaced_is_never_the_new_ones(cache, tmp_path):
    old = FlatSection(noise(100, 9000, 1), tmp_path / "a")
    section, other = SectionWithOverviews(old, cache), SectionWithOverviews(old, cache)
    section.build_overviews(PLANE)
    (tmp_path / "new").write_bytes(b"another section of the same size")
    (tmp_path / "new").replace(tmp_path / "a")
    for opened in (section, other):
        with pytest.raises(InputError, match="changed while it was open"):
            opened.build_overviews(Plane(c=1))
    new = SectionWithOverviews(FlatSection(255 - old.pixels, tmp_path / "a"), cache)
    for plane in (PLANE, Plane(c=1)):
        assert not new.overviews_ready(plane)
        assert not new._store(plane).there()
    assert section.overviews_ready(PLANE)


def test_a_passing_trouble_does_not_cost_what_is_built(cache, tmp_path, monkeypatch):
    base = FlatSection(noise(100, 9000, 1), tmp_path / "a")
    section = SectionWithOverviews(base, cache)
    section.build_overviews(PLANE)

    def too_many(*args: object, **named: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    request = RegionRequest(0, 0, 9000, 100, 16)
    expected = section.read(request)
    with monkeypatch.context() as patch:
        patch.setattr(np, "fromfile", too_many)
        assert (section.read(request) == expected).all()
    assert section.overviews_ready(PLANE)
    assert SectionWithOverviews(base, cache).overviews_ready(PLANE)


BUILD = """
import sys
from pathlib import Path
from core.pyramid import OverviewCache, SectionWithOverviews
from core.readers.base import open_section
from core.section import Plane
base = open_section(Path(sys.argv[1]))
read, total = base.read_level, [0]
def counted(level, x, y, width, height, plane):
    total[0] += width * height
    return read(level, x, y, width, height, plane)
base.read_level = counted
section = SectionWithOverviews(base, OverviewCache(Path(sys.argv[2])))
def tell(box):
    print("built", box.w, flush=True)
x = float(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
section.build_overviews(Plane(), changed=tell, focus=lambda: (x, 0))
print("read", total[0], flush=True)
"""


def start(path: Path, folder: Path, x: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", BUILD, str(path), str(folder), str(x)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, cwd=PROJECT, stdin=pipe, stdout=pipe, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


@pytest.fixture
def flat(tmp_path: Path) -> tuple[Path, np.ndarray]:
    pixels = noise(520, 50_000, 1)
    path = tmp_path / "flat.tif"
    tifffile.imwrite(path, pixels[..., 0], tile=(512, 512))
    return path, pixels


def check(path: Path, cache: OverviewCache, pixels: np.ndarray) -> None:
    with open_section(path) as base:
        section = SectionWithOverviews(base, cache)
        assert section.overviews_ready(PLANE)
        for scale in (4, 16):
            request = RegionRequest(0, 0, pixels.shape[1], pixels.shape[0], scale)
            np.testing.assert_array_equal(section.read(request), np.rint(exact_mean(pixels, scale)))


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_killed_build_goes_on(cache, flat):
    path, pixels = flat
    process = start(path, cache.folder, 0)
    go(process)
    assert process.stdout is not None
    process.stdout.readline()  # one super-block is written, if not yet recorded
    process.stdout.readline()
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    with open_section(path) as base:
        section = SectionWithOverviews(base, cache)
        before = built(section)
        steps: list[Step] = []
        section.build_overviews(PLANE, progress=steps.append)
        assert steps[0].done == len(before)
    check(path, cache, pixels)


def test_two_programs_share_the_work(cache, flat):
    path, pixels = flat
    both = [start(path, cache.folder, x) for x in (0, 50_000)]
    for process in both:
        go(process)
    outputs = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    read = [int(output.split("read ")[1]) for output in outputs]
    assert sum(read) == pixels.size
    check(path, cache, pixels)


def test_claims_exclude_each_other_and_end_with_their_holder(tmp_path):
    path = tmp_path / "claims"
    one, two = Claims(path), Claims(path)
    assert one.take(3)
    assert not two.take(3)
    assert two.take(4)
    one.give_back(3)
    assert two.take(3)
    two.close()
    code = (
        f"from core.overview_claims import Claims; c = Claims({str(path)!r}); print(c.take(3), c.take(4), flush=True)"
    )
    assert one.take(4)
    found = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["True", "False"]
    one.close()


# -- others ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("samples", "dtype"), [(3, np.uint8), (1, np.uint16)])
def test_zarr_reads_what_we_wrote(cache, tmp_path, samples, dtype):
    import zarr

    base = FlatSection(noise(1030, 5000, samples, dtype), tmp_path / "a")
    section = SectionWithOverviews(base, cache)
    section.build_overviews(PLANE)
    (folder,) = cache.folder.iterdir()
    group = zarr.open_group(folder, mode="r")
    (image,) = group.attrs["ome"]["multiscales"]
    assert [axis["name"] for axis in image["axes"]] == ["c", "y", "x"]
    assert json.loads((folder / "zarr.json").read_text())["attributes"]["ome"]["version"] == "0.5"
    for index, dataset in enumerate(image["datasets"], start=1):
        array, level = group[dataset["path"]], section.info.levels[index]
        assert array.shape == (samples, level.height_px, level.width_px)
        own = section.read_level(index, 0, 0, level.width_px, level.height_px, PLANE)
        np.testing.assert_array_equal(np.moveaxis(array[:], 0, -1), own)


def test_the_house_reader_opens_it_too(cache, tmp_path):
    section = SectionWithOverviews(FlatSection(noise(1030, 5000), tmp_path / "a"), cache)
    section.build_overviews(PLANE)
    (folder,) = cache.folder.iterdir()
    with open_section(folder) as found:
        np.testing.assert_array_equal(
            found.read_level(0, 7, 9, 600, 200, PLANE), section.read_level(1, 7, 9, 600, 200, PLANE)
        )


def test_reading_for_the_eye_is_not_starved_by_building(cache, tmp_path):
    """A glance while the builder is busy returns, and the builder ends all the same."""
    section = SectionWithOverviews(FlatSection(noise(4000, 20_000, 1), tmp_path / "a"), cache)
    seen: list[bool] = []

    def look(box: object) -> None:
        seen.append(section.glance(RegionRequest(0, 0, 20_000, 4000, 64)).exact)

    section.build_overviews(PLANE, changed=look)
    assert seen[0] is False
    until = time.monotonic() + 10
    while not section.glance(RegionRequest(0, 0, 20_000, 4000, 64)).exact and time.monotonic() < until:
        time.sleep(0.01)
    assert section.glance(RegionRequest(0, 0, 20_000, 4000, 64)).exact
