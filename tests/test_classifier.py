"""The window classifier: the dense map is what cutting every window would give, and the bundled one finds defects."""

from __future__ import annotations

import numpy as np
import pytest

from core.check import Found, check, same_place
from core.models.base import Model
from core.models.catalog import find_model, load_model
from core.scan.extract import Mark, find_marks
from core.synthetic.sample import SampleSection, make_sample
from core.train.evaluate import map_section
from core.truth import TruthBox

SCALE = 2  # level-0 px of a sample per model px


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model(find_model("battery-windows"), "cpu")


@pytest.fixture(scope="module")
def sample() -> SampleSection:
    return make_sample("battery", 2000, 18, 41)


@pytest.fixture(scope="module")
def pixels(sample: SampleSection) -> np.ndarray:
    import cv2

    whole = sample.render(0, 0, sample.size, sample.size)
    return cv2.resize(whole, (1000, 1000), interpolation=cv2.INTER_AREA)


@pytest.fixture(scope="module")
def scores(model: Model, pixels: np.ndarray) -> np.ndarray:
    return model.scores(map_section(model, pixels))


def test_the_dense_map_equals_windows_cut_with_their_surroundings(model: Model, pixels: np.ndarray) -> None:
    spec = model.spec
    dense = model.map_tile(pixels[:512, :640])
    whole = model.scores(dense)
    reach = spec.halo_px + spec.context_cells * spec.stride_px
    cells = reach // spec.stride_px
    for row, column in ((cells, cells), (cells + 5, cells + 9), (64 - cells - 1, 80 - cells - 1)):
        y, x = row * spec.stride_px, column * spec.stride_px
        cut = pixels[y - reach : y + spec.stride_px + reach, x - reach : x + spec.stride_px + reach]
        alone = model.map_tile(np.ascontiguousarray(cut))
        assert alone.shape[1:] == (2 * cells + 1, 2 * cells + 1)
        assert np.abs(model.scores(alone)[:, cells, cells] - whole[:, row, column]).max() < 1e-3
        assert np.abs(alone[:, cells, cells] - dense[:, row, column]).max() < 1e-3


def test_the_halo_is_needed(model: Model, pixels: np.ndarray) -> None:
    """Without surroundings a window's answer changes: the test above is no triviality."""
    dense = model.map_tile(pixels[:512, :640])
    alone = model.map_tile(np.ascontiguousarray(pixels[200:248, 200:248]))
    assert np.abs(alone[:, 2:4, 2:4] - dense[:, 27:29, 27:29]).max() > 1e-2


def test_tiles_put_together_equal_one_large_tile(model: Model, pixels: np.ndarray) -> None:
    import dataclasses

    halo, stride = model.spec.halo_px, model.spec.stride_px
    padded = np.pad(pixels, ((halo, halo), (halo, halo), (0, 0)), mode="symmetric")
    edge = halo // stride
    once = model.map_tile(padded)[:, edge:-edge, edge:-edge]
    spec = model.spec
    try:
        model.spec = dataclasses.replace(spec, tile_px=256)
        tiled = map_section(model, pixels)
    finally:
        model.spec = spec
    assert np.abs(tiled - once.astype(np.float16)).max() < 2e-2  # maps are kept as half floats


def test_scores_are_probabilities_and_unknown_cells_stay_unknown(model: Model) -> None:
    rng = np.random.default_rng(3)
    maps = rng.normal(0, 3, (model.spec.map_channels, 20, 30)).astype(np.float32)
    maps[:, :5] = np.nan
    scores = model.scores(maps)
    assert scores.shape == (len(model.spec.labels), 20, 30)
    assert np.isnan(scores[:, :5]).all()
    assert ((scores[:, 5:] > 0) & (scores[:, 5:].sum(0) < 1)).all()
    assert np.array_equal(scores[:, 8:], model.scores(maps[:, 5:])[:, 3:])


def test_a_score_looks_no_further_than_it_says(model: Model) -> None:
    reach = model.spec.context_cells
    maps = np.zeros((model.spec.map_channels, 21, 21), np.float32)
    before = model.scores(maps)
    maps[1, 10, 10] = 50
    changed = (np.abs(model.scores(maps) - before) > 1e-6).any(0)
    rows, columns = np.nonzero(changed)
    assert max(abs(rows - 10).max(), abs(columns - 10).max()) == reach


def test_planted_defects_are_found(model: Model, sample: SampleSection, scores: np.ndarray) -> None:
    labels = model.spec.labels
    found = [
        Found(labels[mark.label], mark.score, mark.box.scaled(model.spec.stride_px * SCALE))
        for mark in find_marks(scores, model.spec.score_floor)
    ]
    marked = [TruthBox(truth.label, truth.box) for truth in sample.truth]
    figures = check(found, marked, model.spec.threshold, model.spec.artefact_labels)["defects"]
    assert figures["truth"] == 18
    assert figures["recall"] >= 0.8
    assert figures["precision"] >= 0.6
    assert figures["mean_iou"] >= 0.3


def test_ordinary_material_is_left_alone(model: Model, sample: SampleSection) -> None:
    import cv2

    clean = sample.without().render(0, 0, sample.size, sample.size)
    halved = cv2.resize(clean, (1000, 1000), interpolation=cv2.INTER_AREA)
    marks = find_marks(model.scores(map_section(model, halved)), model.spec.threshold)
    assert len([mark for mark in marks if model.spec.labels[mark.label] not in model.spec.artefact_labels]) <= 3


def test_another_lamp_changes_little(model: Model, pixels: np.ndarray, scores: np.ndarray) -> None:
    brighter = np.clip(pixels * 1.12 + 6, 0, 255).astype(np.uint8)
    again = model.scores(map_section(model, brighter))
    assert _alike(find_marks(scores, model.spec.threshold), find_marks(again, model.spec.threshold)) >= 0.75


def test_grad_cam_points_at_the_defect(model: Model, sample: SampleSection, pixels: np.ndarray) -> None:
    """For the compact defects: most of the heat above one half lies in the truth's box, grown by a window."""
    shares = []
    for truth in sample.truth:
        if truth.label not in ("pore", "foreign_particle", "large_round_particle", "agglomerate"):
            continue
        box = truth.box.scaled(1 / SCALE)
        x, y = (int(max(0, min(c - 96, 1000 - 192))) // 8 * 8 for c in box.center)
        heat = model.explain(np.ascontiguousarray(pixels[y : y + 192, x : x + 192]), truth.label)
        assert heat is not None
        assert heat.shape == (192, 192)
        assert heat.dtype == np.float32
        assert 0 <= heat.min() <= heat.max() <= 1
        hot = np.argwhere(heat > 0.5)
        near = box.moved(-x, -y).grown(model.spec.window_px / 2)
        shares.append(np.mean([near.contains(c + 0.5, r + 0.5) for r, c in hot]) if len(hot) else 0.0)
    assert len(shares) >= 8
    assert np.median(np.array(shares)) >= 0.7


def test_a_crop_of_any_size_can_be_explained(model: Model, pixels: np.ndarray) -> None:
    heat = model.explain(np.ascontiguousarray(pixels[3:104, 7:84]), "pore")
    assert heat is not None
    assert heat.shape == (101, 77)


def _alike(one: list[Mark], other: list[Mark]) -> float:
    """Share of the marks of `one` that `other` has too."""
    return float(np.mean([any(same_place(a.box, b.box) for b in other) for a in one]))
