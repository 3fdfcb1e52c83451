"""Explanations of stored detections: the right crop, real surroundings, and heat where the defect is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from core.detection import Detection
from core.explain import LARGEST_CROP_PX, Explanation, explain_detection, overlay
from core.explain_request import ExplainRequest, worst_place
from core.geometry import Box
from core.models.base import Evidence, Model, ModelSpec
from core.models.catalog import configure, find_model, load_model
from core.project.score_map import ScoreMap
from core.readers.base import open_section
from core.section import Section

SIZE = 700


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model(find_model("battery-windows"), "cpu")


@pytest.fixture
def section(tmp_path: Path):
    rng = np.random.default_rng(0)
    pixels = rng.integers(110, 130, (SIZE, SIZE, 3), dtype=np.uint8)
    pixels[300:360, 400:460] = 10
    path = tmp_path / "s.tif"
    resolution = (20_000, 20_000)  # px per cm: 0.5 µm per px
    tifffile.imwrite(
        path, pixels, photometric="rgb", tile=(256, 256), resolution=resolution, resolutionunit="CENTIMETER"
    )
    with open_section(path) as opened:
        yield opened


def _detection(box: Box, label: str = "pore") -> Detection:
    return Detection(1, 1, "s", "battery-windows", label, 0.9, box, box.area, 50.0)


def test_the_crop_shows_the_detection_with_surroundings(section: Section, model: Model) -> None:
    explanation = explain_detection(section, _detection(Box(400, 300, 60, 60)), model)
    h, w = explanation.pixels.shape[:2]
    assert explanation.heat is not None
    assert explanation.heat.shape == (h, w)
    assert (explanation.heat.min(), explanation.heat.max()) == (0.0, 1.0)
    scale = explanation.box.w / w
    assert scale == pytest.approx(2.0, rel=1e-6)
    assert explanation.box.x < 400 < 460 < explanation.box.x1
    dark = np.argwhere(explanation.pixels[..., 0] < 60)
    place = [explanation.box.x + scale * dark[:, 1].min(), explanation.box.y + scale * dark[:, 0].min()]
    assert place == pytest.approx([400, 300], abs=2)


def test_a_crop_at_the_sections_edge(section: Section, model: Model) -> None:
    explanation = explain_detection(section, _detection(Box(0, 0, 30, 30)), model)
    assert explanation.heat is not None
    assert np.isfinite(explanation.heat).all()
    assert explanation.box.contains(15, 15)


def test_a_detection_of_the_whole_section_stays_bounded(section: Section, model: Model) -> None:
    explanation = explain_detection(section, _detection(Box(0, 0, SIZE, SIZE), "geometry"), model)
    assert max(explanation.pixels.shape[:2]) <= LARGEST_CROP_PX


def test_of_a_detection_too_large_to_be_seen_whole_the_worst_place_is_shown(
    section: Section, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.explain.LARGEST_CROP_PX", 64)
    whole = _detection(Box(0, 0, SIZE, SIZE), "geometry")
    at_its_corner = explain_detection(section, whole, model, worst=(60, 640)).box
    assert at_its_corner.contains(60, 640)
    assert not at_its_corner.contains(*whole.box.center)
    assert explain_detection(section, whole, model).box.contains(*whole.box.center)
    small = _detection(Box(400, 300, 60, 60))
    assert (
        explain_detection(section, small, model, worst=(401, 301)).box == explain_detection(section, small, model).box
    )


def test_the_worst_place_is_looked_up_in_the_map() -> None:
    cells = np.zeros((1, 700, 600), np.float32)
    cells[0, 20, 30], cells[0, 450, 333] = 9, 5  # the first one lies outside
    cells[0, 500:] = np.nan
    found = worst_place(ScoreMap.of(cells, 8.0), _detection(Box(0, 400, 600 * 8, 650 * 8)))
    assert found == pytest.approx((333.5 * 8, 450.5 * 8), abs=8 * 4)
    assert worst_place(None, _detection(Box(0, 0, 9, 9))) is None
    assert worst_place(ScoreMap.of(np.full((1, 8, 8), np.nan, np.float32), 8.0), _detection(Box(0, 0, 9, 9))) is None


def test_a_model_is_asked_as_it_was_run_in_the_scan() -> None:
    spec, values = find_model("magnet-edges"), {"stride": "0.5"}
    asked = ExplainRequest(
        Path("s"), None, "s", spec.id, spec.version, None, _detection(Box(0, 0, 9, 9)), values=values
    )
    assert asked.spec() == configure(spec, values)
    assert asked.spec().grid_px != configure(spec, {}).grid_px


def test_an_overlay_is_hot_where_the_heat_is() -> None:
    pixels = np.full((4, 6, 3), 100, np.uint8)
    heat = np.zeros((4, 6), np.float32)
    heat[1, 2] = 1
    drawn = overlay(Explanation(pixels, heat, Box(0, 0, 6, 4)), 1.0)
    assert (drawn[heat == 0] == 100).all()
    assert (drawn[1, 2] != 100).any()
    assert overlay(Explanation(pixels, None, Box(0, 0, 6, 4))) is pixels


class Witness(Model):
    """Shows the crop as it got it, and an example from elsewhere."""

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec

    def evidence(self, pixels: np.ndarray, label: str) -> tuple[Evidence, ...]:
        return Evidence("input", pixels.copy()), Evidence("like it", pixels[:30, :20].copy())


def test_evidence_is_cut_like_the_crop_and_examples_are_not(section: Section, model: Model) -> None:
    explanation = explain_detection(section, _detection(Box(400, 300, 60, 60)), Witness(model.spec))
    inside, elsewhere = explanation.evidence
    assert explanation.heat is None
    np.testing.assert_array_equal(inside.pixels, explanation.pixels)
    assert explanation.box_of(inside) == explanation.box
    assert elsewhere.pixels.shape == (30, 20, 3)
    assert explanation.box_of(elsewhere) is None
    assert explanation.level0_width(elsewhere) == pytest.approx(40)  # the model looks at half the scale
