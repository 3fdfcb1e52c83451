"""The texture scan: finds what is unlike the rest, is quiet where there is nothing, and never shows a seam."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.check import Found, check
from core.models.catalog import find_model, load_model
from core.models.texture import SPEC_TEXTURE, TextureModel
from core.scan.extract import find_marks
from core.synthetic.sample import make_sample
from core.texture.gaps import find_gaps
from core.texture.mixture import fit_mixture
from core.truth import TruthBox

Array = np.ndarray

CELL = SPEC_TEXTURE.stride_px


def metal(height: int, width: int, seed: int = 1) -> Array:
    """A two-phase texture with structures of about 12 px, as grey RGB."""
    rng = np.random.default_rng(seed)
    field = cv2.GaussianBlur(rng.standard_normal((height, width)).astype(np.float32), (0, 0), 4)
    grey = cv2.GaussianBlur(np.where(field > 0, 190.0, 110.0), (0, 0), 1) + rng.normal(0, 4, (height, width))
    return np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def learned(*tiles: Array) -> TextureModel:
    model = TextureModel()
    model.learn(len(tiles), lambda index: tiles[index])
    return model


def scores(model: TextureModel, pixels: Array) -> Array:
    """Of a whole picture, mirrored beyond its edges as a scan does."""
    halo = SPEC_TEXTURE.halo_px
    wide = np.pad(pixels, ((halo, halo), (halo, halo), (0, 0)), mode="symmetric")
    inner = slice(halo // CELL, -halo // CELL)
    return model.scores(model.map_tile(wide)[:, inner, inner])[0]


@pytest.fixture(scope="module")
def on_metal() -> TextureModel:
    return learned(metal(1024, 1024, 5), metal(1024, 1024, 6))


def blob(grey: int, radius: int) -> Array:
    pixels = metal(768, 768, 7)
    cv2.circle(pixels, (400, 360), radius, (grey, grey, grey), -1)
    return cv2.GaussianBlur(pixels, (0, 0), 0.8)


@pytest.mark.parametrize(("grey", "radius"), [(20, 12), (20, 60), (150, 30), (190, 90), (245, 40)])
def test_a_blob_is_found_where_it_is_and_little_else(grey, radius):
    pixels = blob(grey, radius)
    found = scores(learned(pixels, metal(1024, 1024, 8)), pixels)
    marks = [m for m in find_marks(found[None], SPEC_TEXTURE.score_floor) if m.score >= SPEC_TEXTURE.threshold]
    assert marks
    x, y = (CELL * value for value in marks[0].box.center)
    assert np.hypot(x - 400, y - 360) <= max(radius, 40)
    assert len(marks) <= 6


def test_a_second_material_is_as_normal_as_the_first():
    rng = np.random.default_rng(9)
    pixels = metal(1024, 1024)
    pixels[:, 640:] = np.clip(60 + rng.normal(0, 5, (1024, 384, 1)), 0, 255)
    found = scores(learned(pixels), pixels)
    assert (found >= SPEC_TEXTURE.threshold).mean() < 0.01


def test_colour_alone_makes_an_anomaly(on_metal):
    pixels = metal(768, 768, 11)
    pixels[300:380, 300:380, 2] //= 2
    found = scores(on_metal, pixels)
    assert found[300 // CELL : 380 // CELL, 300 // CELL : 380 // CELL].max() > SPEC_TEXTURE.threshold


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_a_blank_section_has_nothing(grey):
    pixels = np.full((1024, 1024, 3), grey, np.uint8)
    found = scores(learned(pixels), pixels)
    assert np.isfinite(found).all()
    assert found.max() < SPEC_TEXTURE.score_floor


def test_nothing_learned_means_nothing_found(on_metal):
    assert scores(TextureModel(), blob(20, 30)).max() == 0
    tiny = metal(64, 96)
    assert np.isfinite(scores(learned(tiny), tiny)).all()
    assert learned().map_tile(tiny).shape == (1, 8, 12)


def test_a_restored_model_gives_the_same_map_bit_for_bit(on_metal, tmp_path):
    tiles = [metal(1024, 1024, 5), metal(1024, 1024, 6)]
    state = TextureModel().learn(2, lambda index: tiles[index])
    np.savez(tmp_path / "state.npz", **state)
    with np.load(tmp_path / "state.npz", allow_pickle=False) as stored:
        restored = TextureModel()
        restored.restore(dict(stored))
    pixels = blob(20, 30)
    np.testing.assert_array_equal(restored.map_tile(pixels), on_metal.map_tile(pixels))


def test_a_tiles_core_does_not_depend_on_the_tiling(on_metal):
    pixels = metal(1280, 1280, 12)
    pixels[500:700, 500:700] = 30
    whole = on_metal.map_tile(pixels)[0]
    halo = SPEC_TEXTURE.halo_px
    for x, y in ((0, 64), (192, 128), (320, 320)):
        part = on_metal.map_tile(np.ascontiguousarray(pixels[y : y + 832, x : x + 832]))[0]
        h, side = halo // CELL, (832 - 2 * halo) // CELL
        expected = whole[y // CELL + h :, x // CELL + h :][:side, :side]
        np.testing.assert_allclose(part[h : h + side, h : h + side], expected, atol=1e-4)


def test_a_mixtures_surprise_is_that_of_its_gaussians():
    rng = np.random.default_rng(3)
    cells = np.concatenate([rng.normal(0, 1, (900, 4)), rng.normal(9, 3, (600, 4)) @ rng.normal(0, 1, (4, 4))])
    mixture = fit_mixture(cells.astype(np.float32), 3)
    found = mixture.surprise(cells.astype(np.float32))
    x = (cells - mixture.center) / mixture.scale
    each = [
        offset - 0.5 * np.square((x - mean) @ whitening).sum(1)
        for offset, mean, whitening in zip(mixture.offsets, mixture.means, mixture.whitening, strict=True)
    ]
    np.testing.assert_allclose(found, -np.log(np.exp(each).sum(0)), rtol=1e-4, atol=1e-4)
    assert len(mixture.means) >= 2


def test_a_mosaics_gap_and_its_edge_are_nothing_unusual(monkeypatch):
    pixels = metal(1024, 1024, 13)
    pixels[:, 620:] = 0
    pixels[700:] = 0
    model = learned(pixels, *(metal(1024, 1024, seed) for seed in (14, 15, 16)))
    found = scores(model, pixels) >= SPEC_TEXTURE.threshold
    assert not found[700 // CELL + 1 :].any()
    assert found.sum() <= 50
    monkeypatch.setattr("core.models.texture.find_gaps", lambda pixels: None)
    assert (scores(model, pixels) >= SPEC_TEXTURE.threshold).sum() > 500


def test_a_black_pore_is_no_gap():
    pixels = metal(512, 512)
    cv2.circle(pixels, (250, 250), 60, (0, 0, 0), -1)
    assert find_gaps(cv2.GaussianBlur(pixels, (0, 0), 1.2)) is None


def test_explain_points_at_what_is_unusual(on_metal):
    pixels = blob(20, 40)[200:523, 250:557]
    heat = on_metal.explain(pixels, "anomaly")
    assert heat is not None
    assert heat.shape == pixels.shape[:2]
    assert 0 <= heat.min() <= heat.max() <= 1
    y, x = np.unravel_index(heat.argmax(), heat.shape)
    assert np.hypot(x - 150, y - 160) < 60


def test_each_scale_of_textures_shows_where_it_is_rare(on_metal):
    pixels = blob(20, 40)[200:523, 250:557]
    shown = on_metal.evidence(pixels, "anomaly")
    assert [one.title for one in shown] == [f"Textures of {px} px" for px in (8, 16, 32, 64)]
    assert {one.pixels.shape for one in shown} == {pixels.shape}
    darkest, brightest = shown[0].pixels.min(), shown[0].pixels.max()
    assert int(brightest) - int(darkest) > 100
    assert TextureModel().evidence(pixels, "anomaly") == ()  # nothing is known before it has learnt


def test_planted_defects_of_a_magnet_are_found():
    sample = make_sample("magnet", 2048, 8, 90100)
    pixels = sample.render(0, 0, 2048, 2048)
    model = learned(*(np.ascontiguousarray(pixels[y : y + 1024, x : x + 1024]) for y in (0, 1024) for x in (0, 1024)))
    marks = find_marks(scores(model, pixels)[None], SPEC_TEXTURE.score_floor)
    found = [Found("anomaly", mark.score, mark.box.scaled(CELL)) for mark in marks]
    truth = [TruthBox(t.label, t.box) for t in sample.truth]
    figures = check(found, truth, SPEC_TEXTURE.threshold)["defects"]
    assert figures["recall"] >= 0.7
    assert figures["fp"] <= 5 * figures["tp"]


def test_it_is_in_the_catalogue():
    spec = find_model("texture")
    assert spec.labels == ("anomaly",)
    assert spec.tile_px % spec.stride_px == spec.halo_px % spec.stride_px == 0
    assert isinstance(load_model(spec), TextureModel)
