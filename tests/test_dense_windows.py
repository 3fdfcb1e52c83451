"""Dense scanning is exact: the scores, and what a scan finds, are those of windows cut out with their surroundings."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from core.detection import Detection
from core.errors import InputError, UsageError
from core.models.base import Model, ModelSpec
from core.models.catalog import configure, find_model, load_model
from core.models.networks.backbones import DenseBackbone, build
from core.project import Project
from core.readers.base import open_section
from core.scan.options import Foreground, ScanOptions
from core.scan.plan import map_parameters
from core.scan.runner import run_scan
from tests.dense_support import calibrated, cut, spotted, write_model
from tests.toy import write_image

pytestmark = pytest.mark.usefixtures("whole_floats")
WINDOW_PX = 128
# Scores of dense windows and of windows cut out with 128 px around them.
TOLERANCE = 2e-3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    network = calibrated("resnet18", [spotted(256, 256, seed) for seed in (1, 2)], share=0.3)
    return write_model(tmp_path_factory.mktemp("model"), network, "resnet18", WINDOW_PX, tile_px=512)


def model_with(folder: Path, **values: object) -> Model:
    spec = find_model(folder)
    return load_model(dataclasses.replace(spec, values=values), "cpu")


def test_dense_scores_are_those_of_windows_with_their_surroundings(folder: Path) -> None:
    dense, exact = model_with(folder, stride_px=WINDOW_PX), model_with(folder, mode="windows", stride_px=WINDOW_PX)
    picture = spotted(640, 512, 7)
    scores = dense.scores(dense.map_tile(picture))[0]
    for row, column in ((4, 4), (12, 4), (8, 8)):
        alone = exact.map_tile(np.ascontiguousarray(cut(picture, row, column, WINDOW_PX)))
        score = exact.scores(alone)[0, 1, 1]
        assert np.isfinite(alone).all((1, 2)).sum() == 0, "only the window itself is known, not the halo"
        shown = scores[row : row + 4, column : column + 4]
        assert np.ptp(shown) == 0, "all over its block"
        assert abs(shown[0, 0] - score) < TOLERANCE


def test_bare_windows_differ_by_what_is_around_them(folder: Path) -> None:
    dense, bare = model_with(folder, stride_px=128), model_with(folder, mode="bare", stride_px=128, batch=3)
    assert bare.spec.halo_px == 0
    picture = spotted(512, 512, 7)
    scores, others = dense.scores(dense.map_tile(picture))[0, ::4, ::4], bare.scores(bare.map_tile(picture))[0]
    difference = np.abs(scores - others)
    assert difference.max() > TOLERANCE
    assert difference.mean() < 0.3


@pytest.mark.usefixtures("quick_disk")
def test_a_scan_finds_the_same_in_both_ways(folder: Path, tmp_path: Path) -> None:
    path = write_image(tmp_path / "section.png", spotted(512, 768, 11, spots=8))
    found = []
    for mode in ("dense", "windows"):
        with Project.open_or_create(tmp_path / mode) as project, open_section(path) as section:
            model = model_with(folder, mode=mode, stride_px=WINDOW_PX)
            run_scan(project, section, model, ScanOptions(foreground=Foreground(skip=False)))
            found.append(sorted(project.detections(), key=_place))
    dense, exact = found
    assert len(dense) >= 2
    assert [_place(one) for one in dense] == [_place(one) for one in exact]
    assert max(abs(a.score - b.score) for a, b in zip(dense, exact, strict=True)) < TOLERANCE


def test_window_and_stride_only_say_how_the_map_is_read(folder: Path) -> None:
    spec = find_model(folder)
    one, other = (configure(spec, {"window_px": w, "stride_px": s}) for w, s in ((128, 64), (96, 32)))
    grid = ("tile_px", "stride_px", "halo_px", "map_channels")
    assert [getattr(one, name) for name in grid] == [getattr(other, name) for name in grid]
    assert _map_key(one) == _map_key(other)
    assert (one.context_cells, other.context_cells) == (2, 1)
    exact = [configure(spec, {"mode": "windows", "stride_px": s, "batch": b}) for s, b in ((64, 8), (32, 8), (32, 2))]
    assert _map_key(exact[0]) != _map_key(exact[1]) == _map_key(exact[2])
    assert all(s.halo_px >= (s.window_px - s.stride_px) // 2 + 128 and not s.halo_px % s.stride_px for s in exact)


def test_sizes_that_do_not_fit_are_refused(folder: Path) -> None:
    spec = find_model(folder)
    for values in ({"window_px": 100}, {"stride_px": 48}, {"stride_px": 96}, {"mode": "guess"}, {"stride_px": 0}):
        with pytest.raises(UsageError):
            configure(spec, values)


def test_the_bundled_model_has_no_parameters_so_its_scans_stay_known() -> None:
    spec = find_model("battery-windows")
    assert configure(spec, {}).values == {}
    assert configure(spec, {}) == spec
    assert spec.version == "1b6a40ae5756dee3"


@pytest.mark.parametrize("scan", [{"halo_px": 96}, {"stride_px": 16}, {"context_cells": 1}, {"map_channels": 3}])
def test_a_card_that_promises_another_network_is_refused(tmp_path: Path, scan: dict) -> None:
    network = build({"backbone": "resnet18"}, 2)
    assert isinstance(network, DenseBackbone)
    write_model(tmp_path, network, "resnet18", WINDOW_PX, **{"tile_px": 512, **scan})
    with pytest.raises(InputError, match=r"cells|stride"):
        load_model(find_model(tmp_path), "cpu")


def _place(detection: Detection) -> tuple:
    return (detection.label, detection.box.y, detection.box.x, detection.box.h, detection.box.w)


def _map_key(spec: ModelSpec) -> dict[str, object]:
    return map_parameters(spec, {})
