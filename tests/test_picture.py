"""Pictures of regions: the same px as the section's own, whatever the size, and never a half-written file."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

import core.picture as pictures
from core.display import DisplayRange, to_uint8_rgb
from core.errors import CancelledError, InputError, ResourceError, UsageError
from core.frames import StageTransform
from core.geometry import Box
from core.jobs import CancelToken, Step
from core.look import Look
from core.looks.aids import aids_of
from core.looks.drawing import draw
from core.picture import Picture, picture_shape, region_request, write_region
from core.readers.base import open_section
from core.section import Plane, PyramidLevel, RegionRequest, Section
from tests.memory_section import MemorySection, noise

SCREEN = DisplayRange(1000, 30_000)


def read_picture(path: Path) -> np.ndarray:
    """(h, w, samples)."""
    if path.suffix == ".png":
        stored = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert stored is not None
        return stored[..., None] if stored.ndim == 2 else stored[..., ::-1]
    stored = tifffile.imread(path, series=0, level=0)
    return stored[..., None] if stored.ndim == 2 else stored


@pytest.mark.parametrize("ending", [".png", ".tif", ".ome.tiff"])
@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("downsample", [1, 2, 8])
def test_the_values_are_the_sections_own(tmp_path, ending, samples, dtype, downsample):
    section = MemorySection(noise(1301, 1707, samples, dtype))
    request = region_request(section.info, Box(37.2, 61.9, 1500, 1100), downsample)
    path = tmp_path / f"picture{ending}"
    shape = write_region(section, Picture(request), path)
    stored = read_picture(path)
    assert stored.dtype == dtype
    assert stored.shape == (shape.height, shape.width, samples)
    np.testing.assert_array_equal(stored, section.read(request))


def test_a_picture_wider_than_a_piece_has_no_seam(tmp_path):
    section = MemorySection(noise(700, 9001))
    for name in ("wide.png", "wide.tif"):
        write_region(section, Picture(region_request(section.info, section.info.box)), tmp_path / name)
        np.testing.assert_array_equal(read_picture(tmp_path / name), section.pixels)


def test_as_displayed_is_what_the_eye_sees(tmp_path):
    section = MemorySection(noise(600, 900, 1, np.uint16))
    request = region_request(section.info, section.info.box)
    look = Look().with_curve(SCREEN.low, SCREEN.high)
    write_region(section, Picture(request, look), tmp_path / "seen.png")
    seen = read_picture(tmp_path / "seen.png")
    assert seen.shape == (600, 900, 1), "grey stays grey"
    np.testing.assert_array_equal(seen, to_uint8_rgb(section.pixels, SCREEN)[..., :1])


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("look", [Look(inverted=True), Look(sharpening=0.5, local_contrast=0.5), Look(blended=True)])
def test_looks_leave_no_seams(tmp_path, samples, look):
    section = MemorySection(noise(1100, 1300, samples), channels=2 if samples == 1 else 1)
    request = region_request(section.info, section.info.box)
    write_region(section, Picture(request, look), tmp_path / "look.tif")
    whole = draw(section.read, section.info, request, look, aids_of(section))
    np.testing.assert_array_equal(read_picture(tmp_path / "look.tif"), whole)


def test_what_lies_over_grey_may_have_colours(tmp_path):
    section = MemorySection(noise(200, 300, 1))
    red = np.zeros((200, 300, 4), np.uint8)
    red[20:40, 30:60] = (255, 0, 0, 255)
    request = region_request(section.info, section.info.box)
    write_region(section, Picture(request, Look(), lambda x, y, w, h: red[y : y + h, x : x + w]), tmp_path / "a.png")
    seen = read_picture(tmp_path / "a.png")
    assert seen[30, 40].tolist() == [255, 0, 0]
    np.testing.assert_array_equal(seen[50:], np.repeat(section.pixels[50:], 3, axis=2))


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_an_overlay_covers_what_it_says_and_nothing_else(tmp_path, samples, dtype):
    section = MemorySection(noise(800, 5000, samples, dtype))
    stamp = np.zeros((800, 5000, 4), np.uint8)
    stamp[500:530, 4000:4200] = 255
    request = region_request(section.info, section.info.box)
    overlay = lambda x, y, w, h: stamp[y : y + h, x : x + w]  # noqa: E731
    write_region(section, Picture(request, overlay=overlay), tmp_path / "stamped.tif")
    expected = section.pixels.copy()
    expected[500:530, 4000:4200] = np.iinfo(dtype).max
    np.testing.assert_array_equal(read_picture(tmp_path / "stamped.tif"), expected)


def test_a_tiff_has_its_levels_its_pixel_size_and_its_place_on_the_stage(tmp_path):
    stage = StageTransform("tile_positions", ((0.5, 0.0, 1000.0), (0.0, 0.5, -2000.0)))
    section = MemorySection(noise(2601, 3101), stage=stage)
    request = region_request(section.info, Box(301, 200, 2500, 2100), 1)
    path = tmp_path / "part.ome.tif"
    write_region(section, Picture(request), path)
    with tifffile.TiffFile(path) as tiff:
        levels = [level.asarray() for level in tiff.series[0].levels]
    assert [level.shape[:2] for level in levels] == [(2100, 2500), (1050, 1250), (525, 625)]
    half = cv2.resize(levels[0], (1250, 1050), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(levels[1], half)
    with open_section(path) as again:
        assert again.info.pixel_size_um == pytest.approx((0.5, 0.5))
        assert again.info.stage.to_stage(0, 0) == pytest.approx(stage.to_stage(301, 200))
        assert again.info.stage.to_stage(2500, 2100) == pytest.approx(stage.to_stage(2801, 2300))


def test_levels_of_odd_sizes_are_whole(tmp_path):
    section = MemorySection(noise(1537, 2051, 1))
    write_region(section, Picture(region_request(section.info, section.info.box)), tmp_path / "odd.tif")
    with tifffile.TiffFile(tmp_path / "odd.tif") as tiff:
        shapes = [level.shape for level in tiff.series[0].levels]
        coarse = tiff.series[0].levels[1].asarray()
    assert shapes == [(1537, 2051), (769, 1026), (385, 513)]
    padded = cv2.copyMakeBorder(section.pixels[..., 0], 0, 1, 0, 1, cv2.BORDER_REPLICATE)
    np.testing.assert_array_equal(coarse, cv2.resize(padded, (1026, 769), interpolation=cv2.INTER_AREA))


def test_a_turned_stage_is_left_out_rather_than_written_wrong(tmp_path):
    stage = StageTransform("pixel_to_stage", ((0.0, 0.5, 0.0), (-0.5, 0.0, 0.0)))
    section = MemorySection(noise(300, 300), stage=stage)
    write_region(section, Picture(region_request(section.info, section.info.box)), tmp_path / "a.tif")
    with open_section(tmp_path / "a.tif") as again:
        assert again.info.stage.source == "none"


def test_the_pixel_size_follows_the_scale(tmp_path):
    section = MemorySection(noise(512, 512))
    request = region_request(section.info, section.info.box, 4)
    write_region(section, Picture(request), tmp_path / "a.tif")
    with open_section(tmp_path / "a.tif") as again:
        assert again.info.pixel_size_um == pytest.approx((2.0, 2.0))
    write_region(section, Picture(request), tmp_path / "a.png")
    assert (500_000).to_bytes(4, "big") * 2 + b"\1" in (tmp_path / "a.png").read_bytes()[:80]


class EndlessSection(Section):
    """As large as one likes, of no memory at all."""

    def __init__(self, width: int, height: int) -> None:
        base = MemorySection(np.zeros((8, 8, 3), np.uint8))
        level = PyramidLevel(width, height, 1.0)
        self.info = replace(base.info, width_px=width, height_px=height, levels=(level,))

    def read_level(self, level: int, x: int, y: int, width: int, height: int, plane: Plane) -> np.ndarray:
        return np.full((height, width, 3), 7, np.uint8)


@pytest.mark.parametrize("name", ["large.png", "large.tif"])
def test_memory_does_not_grow_with_the_picture(tmp_path, name):
    peaks = []
    for height in (1024, 6144):
        section = EndlessSection(12_000, height)
        picture = Picture(region_request(section.info, section.info.box))
        tracemalloc.start()
        write_region(section, picture, tmp_path / name)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]
    assert peaks[1] < 100 << 20 < picture_shape(section.info, picture).nbytes


def test_a_cancelled_picture_leaves_what_was_there(tmp_path):
    section = MemorySection(noise(2000, 900))
    path = tmp_path / "picture.tif"
    path.write_text("the one before")
    cancel = CancelToken()
    steps: list[Step] = []

    def progress(step: Step) -> None:
        steps.append(step)
        if step.done == 2:
            cancel.cancel()

    with pytest.raises(CancelledError):
        write_region(section, Picture(region_request(section.info, section.info.box)), path, progress, cancel)
    assert [(step.done, step.total) for step in steps] == [(0, 4), (1, 4), (2, 4)]
    assert path.read_text() == "the one before"
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_is_said(tmp_path, monkeypatch):
    section = EndlessSection(70_000, 70_000)
    whole = Picture(region_request(section.info, section.info.box))
    with pytest.raises(UsageError, match=r"too large for a PNG.*OME-TIFF"):
        write_region(section, whole, tmp_path / "huge.png")
    with pytest.raises(UsageError, match=r"\.ome\.tif"):
        write_region(section, whole, tmp_path / "huge.bmp")
    with pytest.raises(UsageError, match="outside the section"):
        region_request(section.info, Box(-10, -10, 5, 5))
    usage = type("Usage", (), {"free": 1_000_000})
    monkeypatch.setattr(pictures.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(ResourceError, match=r"may need 24\.5 GB and only 0\.0 GB are free"):
        write_region(section, whole, tmp_path / "huge.tif")
    assert not list(tmp_path.iterdir())


def test_the_section_itself_is_never_written_over(tmp_path):
    path = tmp_path / "section.tif"
    tifffile.imwrite(path, noise(64, 64))
    before = path.read_bytes()
    with open_section(path) as section, pytest.raises(InputError, match="section itself"):
        write_region(section, Picture(RegionRequest(0, 0, 64, 64)), path)
    assert path.read_bytes() == before


def test_nothing_is_written_into_a_section_that_is_a_folder(tmp_path):
    folder = tmp_path / "tiles"
    folder.mkdir()
    for x in (0, 64):
        cv2.imwrite(str(folder / f"x{x}_y0.png"), np.full((48, 64), x, np.uint8))
    tile = folder / "x64_y0.png"
    before = tile.read_bytes()
    with open_section(folder) as section:
        for path in (tile, folder / "new.png"):
            with pytest.raises(InputError, match="section itself"):
                write_region(section, Picture(RegionRequest(0, 0, 64, 48)), path)
    assert tile.read_bytes() == before
    assert not (folder / "new.png").exists()
