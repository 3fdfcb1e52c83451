"""The foreground mask: resin and gaps are skipped, specimen never is."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.errors import CancelledError
from core.foreground import SpecimenFinder, foreground_mask
from core.geometry import Box
from core.jobs import CancelToken
from core.section import Array, Plane, PyramidLevel, Section, SectionInfo
from core.synthetic.sample import make_sample
from core.synthetic.specimen import ARTEFACT
from core.tiling import TileGrid


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


class ThinSection(ArraySection):
    """Counts what is read of it; `made`: it also has a level that its file lacks, and that tells lies."""

    def __init__(self, pixels: Array, *, made: bool = False) -> None:
        super().__init__(pixels)
        self.px_read = 0
        if made:
            height, width = pixels.shape[:2]
            level = PyramidLevel(width // 16, height // 16, 16.0, made=True)
            self.info = replace(self.info, levels=(*self.info.levels, level))

    def read_level(self, level: int, x: int, y: int, width: int, height: int, plane: Plane) -> Array:
        self.px_read += width * height
        if level:
            return np.zeros((height, width, self.info.samples), self.info.dtype)
        return super().read_level(level, x, y, width, height, plane)


@pytest.fixture
def sampled(monkeypatch):
    """Every section counts as too large to be read whole."""
    monkeypatch.setattr("core.foreground_cells._WHOLE_PX", 0)


def test_a_section_without_overviews_is_sampled_and_the_mask_is_as_good(sampled):
    rng = np.random.default_rng(7)
    inside = disc(2048)
    section = ThinSection(as_section(np.where(inside, metal(rng, 2048), resin(rng, 2048, 60))).pixels)
    mask = foreground_mask(section)
    cells = cv2.resize(inside.astype(np.uint8), None, fx=1 / 16, fy=1 / 16, interpolation=cv2.INTER_NEAREST)
    assert mask.values[cells > 0].all()
    assert mask.share < 0.85
    assert section.px_read < 2048 * 2048 / 3  # patches among them


def test_thin_layers_between_the_sampled_rows_are_specimen(sampled):
    """Layers as far apart as the cells are wide must not look flat because each sample falls into the same layer."""
    rng = np.random.default_rng(8)
    grey = resin(rng, 2048, 60)
    grey[300:1700, 300:1700] += np.where(np.arange(1400) % 16 < 6, 120.0, 0.0)[:, None]
    assert foreground_mask(as_section(grey)).values[19:106, 19:106].all()


@pytest.mark.parametrize("whole", [True, False])
def test_built_overviews_change_nothing(monkeypatch, whole):
    if not whole:
        monkeypatch.setattr("core.foreground_cells._WHOLE_PX", 0)
    rng = np.random.default_rng(9)
    pixels = as_section(np.where(disc(2048), metal(rng, 2048), resin(rng, 2048, 60))).pixels
    before, after = (foreground_mask(ThinSection(pixels, made=made)) for made in (False, True))
    assert (before.values == after.values).all()


@pytest.mark.parametrize("seed", range(3))
def test_more_caution_never_skips_more(seed):
    rng = np.random.default_rng(seed)
    grey = np.where(disc(2048), metal(rng, 2048), resin(rng, 2048, 150))
    for x, y, level in rng.integers([0, 0, 100], [2000, 2000, 200], (12, 3)):
        grey[y : y + 300, x : x + 300] = resin(rng, 300, level)[: len(grey[y : y + 300]), : 2048 - x]
    finder = SpecimenFinder(as_section(grey))
    masks = [finder.mask(caution) for caution in (0, 0.07, 0.2, 0.35, 0.5, 0.6, 0.77, 0.9, 1)]
    for bolder, more_careful in pairwise(masks):
        assert (more_careful.values | ~bolder.values).all()
    assert masks[0].share < 1
    assert masks[-1].values.all()
    again = SpecimenFinder(as_section(grey))
    assert (again.mask(0.5).values == masks[4].values).all()  # whatever was asked before


@pytest.mark.parametrize("kind", ["battery", "magnet"])
def test_no_defect_of_a_sample_section_is_skipped_however_bold(kind, sampled):
    sample = make_sample(kind, 2048, 8, seed=1)
    finder = SpecimenFinder(ArraySection(sample.render(0, 0, 2048, 2048)))
    for caution in (0, 0.5):
        mask = finder.mask(caution)
        for truth in (t for t in sample.truth if t.label != ARTEFACT):
            x, y, x1, y1 = (int(edge) // 16 for edge in (truth.box.x, truth.box.y, truth.box.x1, truth.box.y1))
            assert mask.values[y : y1 + 1, x : x1 + 1].all()


def test_a_small_picture_is_all_specimen_but_for_its_gaps():
    """A single frame of a smooth metal looks like resin at its border; what could be skipped of it saves nothing."""
    rng = np.random.default_rng(10)
    grey = np.full((1024, 1024), 200.0) + rng.normal(0, 2, (1024, 1024))
    grey[400:600, 400:600] = metal(rng, 200)
    assert foreground_mask(as_section(grey), caution=0).values.all()
    grey[:, 700:] = 0
    assert not foreground_mask(as_section(grey)).covers(Box(800, 0, 200, 1024))


def test_a_smooth_specimen_with_gaps_is_no_background():
    """The only texture there is lies at the gaps' edges."""
    rng = np.random.default_rng(11)
    grey = np.full((2304, 2304), 180.0) + rng.normal(0, 3, (2304, 2304))
    grey[:, 1536:] = 0
    grey[:300, :700] = 0
    mask = foreground_mask(as_section(grey), caution=0)
    assert mask.values[20:, :96].all()
    assert not mask.covers(Box(1700, 0, 500, 2304))


def test_a_smooth_layer_along_one_side_is_specimen_unless_one_is_bold():
    """As the substrate of a coating: by its looks alone it could be resin, but no resin lies around the rest."""
    rng = np.random.default_rng(3)
    image = metal(rng, 2112)
    image[1320:] = resin(rng, 2112, 120)[1320:]
    finder = SpecimenFinder(as_section(image, 1))
    assert [finder.mask(caution).share == 1 for caution in (0.9, 0.5)] == [True, True]
    assert finder.mask(0.3).share < 0.7
    around = metal(rng, 2112)
    around[~disc(2112)] = resin(rng, 2112, 120)[~disc(2112)]
    around[:300, :300] = 250  # a label in one corner
    assert SpecimenFinder(as_section(around, 1)).mask(0.5).share < 0.9
