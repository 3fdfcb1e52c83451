"""Scans by drawing windows again: the same whatever the tiles, the batches and the order; odd pictures; what is shown."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.detection import Detection
from core.errors import InputError, UsageError
from core.explain import explain_detection
from core.geometry import Box
from core.models.base import Model
from core.models.catalog import configure, load_model, read_model_folder
from core.models.networks.window_classifier import tensors_of
from core.models.reconstruction import CHANNELS, STRIDES, raw_scores, scoring_of
from core.models.weights import save_model
from core.models.window_blending import blended, ramp, window_starts
from core.readers.base import open_section
from core.scan.reading import _mirrored_window
from tests.reconstruction_support import SCORES, card_of, noise, random_model, random_network
from tests.toy import write_image

pytestmark = pytest.mark.usefixtures("one_thread")

Array = np.ndarray
METHODS = pytest.mark.parametrize("method", ["vae", "cgan"])
WAYS = [(stride, score) for stride in STRIDES for score in SCORES]


def tile_map(model: Model, section: Array, x: int, y: int, width: int, height: int) -> Array:
    """The map of a tile's core, given with its halo as a scan does."""
    halo, cell = model.spec.halo_px, model.spec.stride_px
    pixels = _mirrored_window(section, x - halo, y - halo, width + 2 * halo, height + 2 * halo)
    edge = halo // cell
    return model.map_tile(pixels)[:, edge : edge + height // cell, edge : edge + width // cell]


def whole_map(model: Model, section: Array, tile: int) -> Array:
    """The map of a section scanned in tiles of `tile` px, the last ones first."""
    cell = model.spec.stride_px
    height, width = (-(-length // cell) * cell for length in section.shape[:2])
    found = np.full((len(SCORES), height // cell, width // cell), np.nan, np.float32)
    for y in reversed(range(0, height, tile)):
        for x in reversed(range(0, width, tile)):
            w, h = min(tile, width - x), min(tile, height - y)
            found[:, y // cell : (y + h) // cell, x // cell : (x + w) // cell] = tile_map(model, section, x, y, w, h)
    return found


# -- the same everywhere -------------------------------------------------------------------------------------------------


@METHODS
@pytest.mark.parametrize("stride", STRIDES)
def test_a_place_scores_the_same_whatever_tile_and_batch_it_was_in(method: str, stride: str) -> None:
    section = noise(330, 407)
    one, other = random_model(method, stride=stride, batch=3), random_model(method, stride=stride, batch=7)
    together = whole_map(one, section, one.spec.tile_px)
    apart = whole_map(other, section, 2 * other.spec.halo_px)
    assert np.isfinite(together).all()
    for score in SCORES:
        own = random_model(method, stride=stride, score=score)
        assert np.abs(own.scores(together) - own.scores(apart)).max() < 1e-4 * max(1, np.abs(own.scores(apart)).max())


@METHODS
def test_tiles_of_a_batch_are_as_if_alone(method: str) -> None:
    model = random_model(method)
    tiles = [noise(240, 192, 1), noise(192, 240, 2), noise(240, 192, 3)]
    together = model.collect(model.submit([model.prepare(tile) for tile in tiles]))
    for tile, found in zip(tiles, together, strict=True):
        assert np.allclose(found, model.map_tile(tile), atol=1e-5, rtol=1e-5, equal_nan=True)


@METHODS
def test_a_window_says_the_same_wherever_it_lies_on_the_grid(method: str) -> None:
    """Two places of a section that show the same, one stride of the windows apart, score the same."""
    model = random_model(method, stride="0.5")
    piece = noise(256, 32, 5)
    section = np.tile(piece, (1, 12, 1))
    found = tile_map(model, section, 64, 64, 192, 64)
    assert np.allclose(found[..., :16], found[..., 16:32], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("side", "stride"), [(32, 24), (32, 16), (8, 6), (4, 4)])
def test_weights_of_overlapping_windows_add_up_to_one(side: int, stride: int) -> None:
    ones = np.ones((4, 5, 1, side, side), np.float32)
    together = blended(ones, stride)[0]
    overlap = side - stride
    inner = together[overlap : together.shape[0] - overlap, overlap : together.shape[1] - overlap]
    assert np.allclose(inner, 1)
    assert ramp(side, stride).shape == (side,)


def test_all_windows_that_touch_a_tiles_core_lie_in_it() -> None:
    for core in (24, 48, 144, 7, 25):
        starts = window_starts(core + 48, 24)
        touching = [at for at in range(-48, core + 48, 24) if at < 24 + core and at + 32 > 24]
        assert set(touching) <= set(starts.tolist())


def test_only_one_batch_is_in_memory_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    model, seen = random_model("cgan", batch=5), []
    own = model._cells

    def counted(windows: Array) -> torch.Tensor:
        seen.append(len(windows))
        return own(windows)

    monkeypatch.setattr(model, "_cells", counted)
    model.map_tile(noise(288, 288))
    assert seen == [5] * 5


# -- odd pictures --------------------------------------------------------------------------------------------------------


@METHODS
@pytest.mark.parametrize("level", [0, 3, 128, 255])
def test_flat_pictures_give_numbers(method: str, level: int) -> None:
    model = random_model(method)
    section = np.full((192, 192, 3), level, np.uint8)
    found = tile_map(model, section, 48, 48, 96, 96)
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert np.isfinite(model.scores(found)).all()
    assert np.isfinite(model.explain(section, "anomaly")).all()


@METHODS
def test_a_tile_far_smaller_than_a_window_is_mapped(method: str) -> None:
    model = random_model(method)
    assert np.isfinite(tile_map(model, noise(5, 7), 0, 0, 8, 6)).all()


@METHODS
def test_the_same_picture_gives_the_same_twice(method: str) -> None:
    model, tile = random_model(method), noise(192, 192)
    assert np.array_equal(model.map_tile(tile), model.map_tile(tile), equal_nan=True)


# -- scores --------------------------------------------------------------------------------------------------------------


def test_scores_are_the_excess_over_what_is_usual_in_multiples_of_the_limit() -> None:
    maps = np.stack([np.full((9, 9), value, np.float32) for value in (0.5, 400.0, 0.3)])
    maps[2, 4, 4] = 0.7
    assert np.allclose(raw_scores(maps, CHANNELS["place"], 0.2), 0.3)
    assert np.allclose(raw_scores(maps, CHANNELS["residual"], 500.0), 0)
    window = raw_scores(maps, CHANNELS["window"], 0.3)
    assert window[4, 4] == pytest.approx(0.4)
    assert np.count_nonzero(window > 1e-6) == 1
    model = random_model("cgan")
    for way in model.spec.card["scan"]["ways"].values():
        way["place"].update(usual=0.2, limit=0.1)
    scored = replace(model.spec, values={**model.spec.values})
    assert np.allclose(scoring_of(scored).scores(maps), 3)


def test_a_place_is_the_mean_of_what_is_known_around_it() -> None:
    values = np.full((3, 11, 11), 0.2, np.float32)
    values[0, 5, 5] = 0.7
    found = raw_scores(values, CHANNELS["place"], 0.0)
    assert found[5, 5] == found[3, 7] == pytest.approx(0.2 + 0.5 / 25)
    assert found[2, 5] == pytest.approx(0.2)
    values[:, :, :4] = np.nan
    found = raw_scores(values, CHANNELS["place"], 0.0)
    assert np.isnan(found[:, :4]).all()
    assert found[0, 4] == pytest.approx(0.2)


def test_each_way_of_running_a_model_has_its_own_calibration() -> None:
    card = card_of("cgan")
    card["calibrations"] = {s: {c: {"limit": 1.0, "way": [s, c]} for c in SCORES} for s in STRIDES}
    spec = random_model("cgan").spec
    spec = replace(spec, card=card)
    for stride, score in WAYS:
        chosen = configure(spec, {"stride": stride, "score": score})
        assert chosen.card["calibration"]["way"] == [stride, score]
        assert chosen.halo_px == STRIDES[stride] * spec.stride_px
        assert chosen.tile_px % (STRIDES[stride] * spec.stride_px) == 0
    for wrong in ({"stride": "0.6"}, {"score": "features"}):
        with pytest.raises(UsageError):
            configure(spec, wrong)


# -- folders -------------------------------------------------------------------------------------------------------------


@METHODS
def test_a_model_comes_back_from_its_folder(method: str, tmp_path: Path) -> None:
    save_model(tmp_path / "m", card_of(method), tensors_of(random_network(method)), np.float32)
    model, tile = load_model(read_model_folder(tmp_path / "m"), "cpu"), noise(192, 192)
    assert np.allclose(model.map_tile(tile), random_model(method).map_tile(tile), rtol=1e-4, equal_nan=True)
    assert [parameter.name for parameter in model.spec.parameters] == ["stride", "score", "matching", "batch"]


def test_cards_that_dont_say_what_is_normal_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    save_model(folder, card_of("vae"), tensors_of(random_network("vae")), np.float32)
    assert load_model(read_model_folder(folder), "cpu").spec.family == "anomaly"
    card = json.loads((folder / "model.json").read_text())
    for wrong in (
        {},
        {"0.75": {"place": {"usual": 0.1, "limit": 0.0}}},
        {"0.75": {"place": {"usual": None, "limit": 1}}},
    ):
        card["scan"]["ways"] = wrong
        (folder / "model.json").write_text(json.dumps(card))
        with pytest.raises(InputError, match="which scores are normal"):
            load_model(read_model_folder(folder), "cpu")


# -- reasons -------------------------------------------------------------------------------------------------------------


@METHODS
def test_the_reasons_are_as_large_as_the_crop(method: str) -> None:
    model, crop = random_model(method), noise(150, 170)
    evidence = model.evidence(crop, "anomaly")
    titles = ["Input", "Edge map", "Drawn again", "Residual"]
    assert [one.title for one in evidence] == (titles if method == "cgan" else [titles[0], *titles[2:]])
    for one in evidence:
        assert one.pixels.shape == crop.shape
        assert one.pixels.dtype == np.uint8
    assert np.array_equal(evidence[0].pixels, crop)
    heat = model.explain(crop, "anomaly")
    assert heat is not None
    assert heat.shape == crop.shape[:2]
    assert 0 <= heat.min() <= heat.max() <= 1


def test_a_crop_with_a_stride_of_surroundings_shows_what_the_scan_drew() -> None:
    """What is drawn of a place doesn't depend on how much of the section the crop shows, on the grid of the windows."""
    model, section = random_model("cgan"), noise(400, 400)
    halo = model.spec.halo_px
    small, large = section[halo : 5 * halo, halo : 5 * halo], section[: 6 * halo, : 6 * halo]
    inner = slice(halo, 3 * halo)
    shown = [model.evidence(one, "anomaly")[2].pixels.astype(int) for one in (small, large)]
    assert np.abs(shown[0][inner, inner] - shown[1][halo:, halo:][inner, inner]).max() <= 1


def test_an_explanation_begins_where_windows_do(tmp_path: Path) -> None:
    """So that what is shown as drawn is what the scan saw drawn."""
    model = random_model("vae")
    box = Box(201, 133, 20, 20)
    with open_section(write_image(tmp_path / "s.png", noise(400, 400))) as section:
        shown = explain_detection(section, Detection(1, 1, "s", "vae", "anomaly", 1.0, box, 400.0, 1.0), model)
    grid = model.spec.grid_px
    assert (shown.box.x % grid, shown.box.y % grid) == (0, 0)
    assert shown.box.intersection(box) == box
    assert [one.title for one in shown.evidence] == ["Input", "Drawn again", "Residual"]
