"""Boxes drawn by what speaks for a label: the largest part over 45 % of the maximum, read from the stored map alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.errors import UsageError
from core.geometry import Box
from core.models.base import Model
from core.models.catalog import configure, find_model, load_model
from core.models.networks.backbones import DenseBackbone, build
from core.project import Project
from core.readers.base import open_section
from core.scan.activation_boxes import tightened
from core.scan.extract import Mark
from core.scan.options import Foreground, ScanOptions
from core.scan.plan import map_parameters
from core.scan.runner import run_scan
from tests.dense_support import write_model
from tests.toy import ToyModel, spotted_image, toy_spec, write_image

MARK = Mark(1, 0.9, Box(4, 6, 10, 8), 60, (9, 8))


def activations() -> np.ndarray:
    maps = np.zeros((2, 20, 24), np.float32)
    maps[1, 8:11, 6:10] = 4.0
    maps[1, 9, 7] = 8.0
    maps[1, 12, 12] = 8.0  # as strong, but smaller
    maps[1, 0:4, 16:24] = 20.0  # another defect, outside the mark
    maps[0] = 50.0
    return maps


def test_the_largest_part_over_the_share_is_boxed() -> None:
    drawn = tightened(MARK, activations())
    assert (drawn.box, drawn.cells) == (Box(6, 8, 4, 3), 12)
    assert (drawn.peak, drawn.score, drawn.label) == (MARK.peak, MARK.score, MARK.label)
    stronger = activations()
    stronger[1, 9, 7] = 9.0  # 4 is less than 45 % of it now
    stronger[1, 12, 11:13] = 9.0
    assert tightened(MARK, stronger).box == Box(11, 12, 2, 1)


def test_where_nothing_speaks_for_it_the_mark_stays() -> None:
    assert tightened(MARK, np.zeros((2, 20, 24), np.float32)) == MARK
    assert tightened(MARK, np.full((2, 20, 24), np.nan, np.float32)) == MARK


class Cells(ToyModel):
    """Bright cells speak for the label; scores reach a cell further, as those of windows do."""

    def scores(self, maps: np.ndarray) -> np.ndarray:
        return cv2.dilate(maps[0], np.ones((5, 5), np.uint8))[None]

    def activations(self, maps: np.ndarray) -> np.ndarray:
        return maps


def found(section: Path, folder: Path, boxes: str, tile_px: int) -> list[Box]:
    spec = toy_spec(tile_px=tile_px, context_cells=2, values={"boxes": boxes})
    with Project.open_or_create(folder) as project, open_section(section) as opened:
        run_scan(project, opened, Cells(spec), ScanOptions(foreground=Foreground(skip=False)))
        return sorted(one.box for one in project.detections() if one.score >= 0.5)


@pytest.mark.usefixtures("quick_disk")
def test_a_scan_draws_them_the_same_on_every_grid(tmp_path: Path) -> None:
    picture = spotted_image(400, 6, 5)
    section = write_image(tmp_path / "section.png", picture)
    _, _, stats, _ = cv2.connectedComponentsWithStats((picture[..., 0] > 200).astype(np.uint8))
    truth = [Box(*(float(v) for v in row[:4])) for row in stats[1:]]
    windows, drawn = (found(section, tmp_path / boxes, boxes, 512) for boxes in ("windows", "cam"))
    assert len(windows) == len(drawn) == len(truth)
    overlap = [np.mean([max(box.iou(one) for box in boxes) for one in truth]) for boxes in (windows, drawn)]
    assert overlap[1] > overlap[0] + 0.2
    assert found(section, tmp_path / "tiles", "cam", 72) == drawn


def test_they_are_read_from_the_stored_map() -> None:
    spec = find_model("battery-windows")
    one, other = configure(spec, {}), configure(spec, {"boxes": "cam"})
    assert other.values == {"boxes": "cam"}
    assert map_parameters(one, {}) == map_parameters(other, {})
    assert replace(other, values={}) == one


def test_windows_cut_out_one_by_one_have_none(tmp_path: Path) -> None:
    network = build({"backbone": "resnet18"}, 2)
    assert isinstance(network, DenseBackbone)
    write_model(tmp_path, network, "resnet18", 64, tile_px=256)
    spec = find_model(tmp_path)
    with pytest.raises(UsageError, match="dense"):
        configure(spec, {"boxes": "cam", "mode": "windows"})
    model: Model = load_model(configure(spec, {"boxes": "cam", "zooms": "1,0.5"}), "cpu")
    maps = np.random.default_rng(0).normal(0, 2, (4, 8, 8)).astype(np.float32)
    maps[2:] = maps[2:, ::2, ::2].repeat(2, 1).repeat(2, 2)
    activations = model.activations(maps)
    assert activations is not None
    assert activations.shape == (1, 8, 8)
    exact = load_model(replace(spec, values={"mode": "windows"}), "cpu")
    assert exact.activations(maps[:2]) is None
