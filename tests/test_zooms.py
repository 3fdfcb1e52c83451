"""Window classifiers at several zooms: a defect larger than a window is one box, on every grid and after every stop."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.errors import CancelledError, UsageError
from core.geometry import Box
from core.jobs import CancelToken
from core.models.base import Model, ModelSpec
from core.models.catalog import configure, find_model
from core.models.zooms import NEARLY, Zoomed, surest, zoomed
from core.project import Project
from core.readers.base import open_section
from core.scan.options import Foreground, ScanOptions
from core.scan.runner import run_scan
from tests.toy import STRIDE, toy_spec, write_image

WINDOW_PX = 40
SIZE = 1000
LARGE = Box(330, 410, 160, 160)
SMALL = [Box(80, 90, 40, 40), Box(720, 150, 40, 40), Box(800, 790, 40, 40)]


class Rings(Model):
    """Finds bright squares of about 40 px by their four edges: dark on one side, bright on the other, a window apart.

    Of a square four times as large it sees single edges, which score too little.
    """

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec

    def map_tile(self, pixels: np.ndarray) -> np.ndarray:
        grey = pixels.mean(axis=2, dtype=np.float32) / 255
        inner = cv2.blur(grey, (25, 25), borderType=cv2.BORDER_REFLECT)
        ring = np.stack([np.roll(grey, shift, axis) for axis in (0, 1) for shift in (-28, 28)])
        contrast = np.clip(inner - ring.max(0), 0, 1)
        size = (pixels.shape[1] // STRIDE, pixels.shape[0] // STRIDE)
        return cv2.resize(contrast, size, interpolation=cv2.INTER_AREA)[None]

    def scores(self, maps: np.ndarray) -> np.ndarray:
        return cv2.dilate(maps[0], np.ones((3, 3), np.uint8))[None]

    def activations(self, maps: np.ndarray) -> np.ndarray:
        return maps


def model_of(zooms: str, tile_px: int = 512) -> Model:
    one = toy_spec(tile_px=tile_px, halo_px=48, window_px=WINDOW_PX, context_cells=1, values={"zooms": zooms})
    spec = zoomed(one)
    return Rings(spec) if spec == one else Zoomed(spec, Rings(one))


@pytest.fixture(scope="module")
def section(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(3)
    picture = rng.integers(20, 40, (SIZE, SIZE, 3), np.uint8)
    for box in (LARGE, *SMALL):
        x, y, w, h = box.outer_pixels()
        picture[y : y + h, x : x + w] = 230
    return write_image(tmp_path_factory.mktemp("zooms") / "section.png", picture)


def scan(section: Path, folder: Path, model: Model) -> list[tuple[float, Box]]:
    wanted = ScanOptions(foreground=Foreground(skip=False))
    with Project.open_or_create(folder) as project, open_section(section) as opened:
        run_scan(project, opened, model, wanted)
        return sorted((one.score, one.box) for one in project.detections() if one.score >= 0.5)


@pytest.mark.usefixtures("quick_disk")
def test_a_defect_four_times_a_window_is_one_box_and_small_ones_stay(section: Path, tmp_path: Path) -> None:
    without = [box for _, box in scan(section, tmp_path / "1", model_of("1"))]
    found = [box for _, box in scan(section, tmp_path / "3", model_of("1,0.5,0.25"))]
    on_large = [box for box in found if box.intersection(LARGE)]
    assert [box.iou(LARGE) > 0.5 for box in on_large] == [True]
    assert not any(box.iou(LARGE) > 0.2 for box in without)
    for one in SMALL:
        (before,) = (box for box in without if box.intersection(one))
        (after,) = (box for box in found if box.intersection(one))
        assert before == after, "coarser windows that see it too do not blow it up"


@pytest.mark.usefixtures("quick_disk")
def test_neither_the_grid_nor_a_stop_changes_what_is_found(section: Path, tmp_path: Path) -> None:
    whole = scan(section, tmp_path / "whole", model_of("1,0.5,0.25", 1024))
    assert scan(section, tmp_path / "tiles", model_of("1,0.5,0.25", 288)) == whole
    cancel = CancelToken()
    model = model_of("1,0.5,0.25", 288)
    collect, seen = model.collect, []

    def few(pending: object) -> list[np.ndarray]:
        seen.append(1)
        if len(seen) == 5:
            cancel.cancel()
        return collect(pending)

    model.collect = few  # type: ignore[method-assign]
    options = ScanOptions(foreground=Foreground(skip=False))
    with (
        Project.open_or_create(tmp_path / "stopped") as project,
        open_section(section) as opened,
        pytest.raises(CancelledError),
    ):
        run_scan(project, opened, model, options, cancel=cancel)
    again = model_of("1,0.5,0.25", 288)
    assert scan(section, tmp_path / "stopped", again) == whole


def test_a_map_holds_each_zoom_as_it_would_be_mapped_alone() -> None:
    model = model_of("1,0.5")
    pixels = np.random.default_rng(1).integers(0, 255, (256 + 208, 280 + 208, 3), np.uint8)
    assert model.spec.halo_px == 104
    found = model.map_tile(pixels)
    halved = cv2.resize(pixels, (pixels.shape[1] // 2, pixels.shape[0] // 2), interpolation=cv2.INTER_AREA)
    alone = [Rings(toy_spec()).map_tile(one)[0] for one in (pixels, np.ascontiguousarray(halved[4:228, 4:244]))]
    assert np.array_equal(found[0, 13:-13, 13:-13], alone[0][13:-13, 13:-13])
    assert np.array_equal(found[1, 13:-13:2, 13:-13:2][:16, :17], alone[1][6:22, 6:23])
    assert np.isnan(found[:, :13]).all()
    assert np.isnan(found[:, :, -13:]).all()


def test_a_coarser_window_counts_where_no_finer_one_in_it_is_clearly_surer() -> None:
    fine, coarse = np.full((1, 24, 24), 0.1, np.float32), np.full((1, 24, 24), 0.2, np.float32)
    coarse[0, 8:12, 8:12] = 0.9
    merged, taken = surest([fine, coarse], (1, 2), 3)
    assert (merged == coarse).all()
    assert taken.all()
    fine[0, 9, 9] = 0.9 / NEARLY - 0.01
    assert (surest([fine, coarse], (1, 2), 3)[0][0, 8:12, 8:12] >= 0.9).all(), "nearly as sure: parts of one"
    fine[0, 9, 9] = 0.96
    merged, taken = surest([fine, coarse], (1, 2), 3)
    assert merged[0, 9, 9] == fine[0, 9, 9]
    assert not taken[0, 8:12, 8:12].any()
    assert taken[0, 20, 20]
    fine[0, :2] = np.nan
    assert np.isnan(surest([fine, coarse], (1, 2), 3)[0][0, :2]).all()


@pytest.mark.parametrize("zooms", ["1,0.5", "1,0.5,0.25"])
def test_a_score_looks_no_further_than_it_says(zooms: str) -> None:
    model = model_of(zooms)
    assert isinstance(model, Zoomed)
    reach, at = model.spec.context_cells, 48
    blank = np.zeros((model.spec.map_channels, 96, 96), np.float32)
    maps = blank.copy()
    maps[:, at : at + 4, at : at + 4] = np.array([0.5, 0.9, 0.8][: len(maps)])[:, None, None]
    rows, columns = np.nonzero(np.abs(model.scores(maps) - model.scores(blank)).max(0) > 1e-6)
    assert min(rows.min(), columns.min()) >= at - reach
    assert max(rows.max(), columns.max()) <= at + 3 + reach


def test_without_coarser_zooms_nothing_changes() -> None:
    spec = find_model("battery-windows")
    assert configure(spec, {"zooms": "1", "boxes": "windows"}) == spec
    chosen = configure(spec, {"zooms": "1,0.5"})
    assert (chosen.values, chosen.map_channels) == ({"zooms": "1,0.5"}, 2 * spec.map_channels)
    assert configure(chosen, chosen.values) == chosen
    assert configure(chosen, {}) == spec
    assert replace(chosen, values={}) != spec, "tiles and halo are others"


def test_what_does_not_fit_is_refused() -> None:
    spec = find_model("battery-windows")
    with pytest.raises(UsageError, match="zooms"):
        configure(spec, {"zooms": "2"})
    with pytest.raises(UsageError, match="too large"):
        zoomed(toy_spec(tile_px=512, window_px=400, values={"zooms": "1,0.5,0.25"}))
