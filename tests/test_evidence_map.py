"""The class activation map of a whole scan, from the stored logits alone: by hand, and as a layer over a section."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from app.session_reading import read_scan
from core.project import Project
from core.project.evidence_map import evidence_of, has_evidence
from core.project.score_map import ScoreMap
from core.readers.base import open_section
from core.scan.options import Foreground, ScanOptions
from core.scan.runner import run_scan
from tests.gallery_support import scan_record
from tests.test_viewer_overlays import LABELS, changed, show
from tests.toy import ToyModel, spotted_image, toy_spec, write_image


def test_a_cells_softmax_by_hand() -> None:
    logits = np.zeros((3, 1, 2), np.float32)
    logits[:, 0, 0] = np.log([0.2, 0.7, 0.1])
    logits[:, 0, 1] = np.nan
    found = evidence_of(logits, 2)
    assert found[:, 0, 0] == pytest.approx([0.7, 0.1])
    assert np.isnan(found[:, 0, 1]).all()
    coarser = np.log(np.array([0.1, 0.3, 0.6], np.float32))[:, None, None].repeat(2, 2)
    assert evidence_of(np.concatenate([logits, coarser]), 2)[:, 0, 0] == pytest.approx([0.7, 0.6])


def test_which_scans_have_one() -> None:
    assert has_evidence(scan_record())
    assert has_evidence(scan_record(parameters={"model": {"mode": "dense"}}))
    assert not has_evidence(scan_record(parameters={"model": {"mode": "windows"}}))
    assert not has_evidence(scan_record(family="anomaly", score_unit="nats"))


class Logits(ToyModel):
    """Two channels: nothing, and ten times how bright a cell is over the middle grey."""

    def map_tile(self, pixels: np.ndarray) -> np.ndarray:
        bright = super().map_tile(pixels)[0]
        return np.stack([np.zeros_like(bright), 10 * (bright - 0.5)])

    def scores(self, maps: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-super().scores(maps[1:])))


@pytest.mark.usefixtures("quick_disk")
def test_a_scan_shows_it_without_its_model(tmp_path: Path) -> None:
    path = write_image(tmp_path / "section.png", spotted_image(200, 3))
    spec = replace(toy_spec(map_channels=2), family="classifier")
    with Project.create(tmp_path / "p") as project, open_section(path) as section:
        summary = run_scan(project, section, Logits(spec), ScanOptions(foreground=Foreground(skip=False)))
        found, scores = project.evidence_map(summary.scan_id), project.score_map(summary.scan_id)
        assert found is not None
        assert scores is not None
        assert found is project.evidence_map(summary.scan_id)
        block = found.look(0, 0, 0, found.rows, found.columns).scores
        logits = project.maps(summary.scan_id).read("model", 0, 0, found.rows, found.columns)
        assert np.allclose(block, 1 / (1 + np.exp(-logits[1])), atol=1e-6)
        windows = scores.look(0, 0, 0, found.rows, found.columns).scores
        assert (block > 0.9).sum() < (windows > 0.5).sum(), "narrower than what windows score"
        assert np.isnan(found.look(0, -2, 0, 2, found.columns).scores).all()


@pytest.mark.usefixtures("quick_disk")
def test_it_is_opened_with_its_scan_before_the_window_asks_for_it(tmp_path: Path, monkeypatch) -> None:
    path = write_image(tmp_path / "section.png", spotted_image(200, 3))
    spec = replace(toy_spec(map_channels=2), family="classifier")
    with Project.create(tmp_path / "p") as project, open_section(path) as section:
        scan_id = run_scan(project, section, Logits(spec), ScanOptions(foreground=Foreground(skip=False))).scan_id
    with Project.open(tmp_path / "p") as project:
        read_scan(project, project.sections()[0].id, scan_id)
        monkeypatch.setattr("zarr.open_array", None)
        assert project.evidence_map(scan_id) is not None
        assert project.score_map(scan_id) is not None


def test_the_heat_layer_shows_it_where_it_is_asked_for(qtbot, viewer, monkeypatch) -> None:
    values = np.zeros((2, len(LABELS), 60, 80), np.float32)
    values[0, 1, 20:40, 20:40] = values[1, 1, 28:32, 28:32] = 0.9
    scores, evidence = (ScoreMap.of(one, 16.0) for one in values)
    show(qtbot, viewer, score_map=scores)
    session = viewer.session
    own = SimpleNamespace(evidence_map=lambda scan_id: evidence, close=lambda: None)
    monkeypatch.setattr(session, "project", own)
    assert changed(viewer, 16, 90, 60, 30)  # level-0 (336, 330), which only windows reach
    session.set_layers(session.layers.with_heat(shows="activation", label_index=1))
    qtbot.waitUntil(lambda: viewer.overlays.settled)
    assert not changed(viewer, 16, 90, 60, 30)
    assert changed(viewer, 140, 220, 40, 40)  # (460, 460), in the middle of both
    session.set_layers(session.layers.with_heat(label_index=0))
    qtbot.waitUntil(lambda: viewer.overlays.settled)
    assert not changed(viewer, 140, 220, 40, 40)
