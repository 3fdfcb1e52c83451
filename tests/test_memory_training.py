"""A feature memory from pictures of what is normal to a scan: trained, kept, scanned, explained."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.errors import CancelledError, InputError, UsageError
from core.geometry import Box
from core.jobs import CancelToken, Step
from core.models.base import Model
from core.models.card import CARD_NAME
from core.models.catalog import load_model, read_model_folder
from core.models.memory import EXAMPLE_PX, MOST_EXAMPLES
from core.project import Project
from core.readers.base import open_section
from core.scan.options import Foreground, ScanOptions
from core.scan.runner import run_scan
from core.train.request import TrainRequest
from core.train.running import run_training
from tests.toy import write_image

pytestmark = pytest.mark.usefixtures("one_thread", "quick_disk")

QUICK = {"window_px": 64, "most": 60, "members": 300, "components": 24, "steps": 6, "batch": 4, "width": 8}
SPOT = slice(200, 232)
EDGE = 12  # cells


def ground(height: int, width: int, seed: int) -> np.ndarray:
    """Stripes of grain, as wide as a cell and brighter."""
    rng = np.random.default_rng(seed)
    stripes = 110 + 35 * np.sin(np.arange(width) / 5)[None, :, None]
    return np.clip(stripes + rng.normal(0, 8, (height, width, 1)), 0, 255).repeat(3, 2).astype(np.uint8)


def spoilt() -> np.ndarray:
    picture = ground(416, 416, 40)
    picture[SPOT, SPOT] = np.random.default_rng(4).integers(0, 90, (32, 32, 1))
    return picture


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("normal")
    for number in range(8):
        write_image(place / f"plate{number}_000.png", ground(192, 192, number))
    return place


@pytest.fixture(scope="module")
def folder(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("models") / "mine"
    train(images, place)
    return place


@pytest.fixture
def model(folder: Path) -> Model:
    return load_model(read_model_folder(folder), "cpu")


def train(data: Path, out: Path, cancel: CancelToken | None = None, progress=lambda step: None, **settings) -> dict:
    return run_training(TrainRequest("memory", data, out, {**QUICK, **settings}, 0, "cpu"), progress, cancel)


def highest(model: Model, pixels: np.ndarray) -> tuple[float, float]:
    """The highest score at the spot, and elsewhere, but for the picture's edge, beyond which there is nothing."""
    scores = model.scores(model.map_tile(pixels))[0].copy()
    at = slice(SPOT.start // 8, SPOT.stop // 8)
    around = slice(at.start - 4, at.stop + 4)
    inside = float(scores[at, at].max())
    scores[around, around] = 0
    return inside, float(scores[EDGE:-EDGE, EDGE:-EDGE].max())


def test_the_card_says_what_it_is_and_what_is_normal(folder: Path, model: Model):
    card = json.loads((folder / CARD_NAME).read_text("utf-8"))
    assert (card["kind"], card["family"], card["labels"]) == ("memory", "anomaly", ["anomaly"])
    assert card["scan"]["threshold"] == 1
    assert card["calibration"]["limit"] > 0
    assert card["looks"]["brightness"][0] == pytest.approx(110, abs=15)
    assert card["metrics"]["validation"]["windows"] > 0
    assert "schliff train memory" in card["training"]["commands"][-1]
    assert model.spec.score_unit == "times the limit of what is normal"


def test_what_is_normal_scores_below_the_limit_and_what_is_not_above(model: Model):
    spot, elsewhere = highest(model, spoilt())
    assert spot > 1.5 * elsewhere
    assert spot > 1
    assert highest(model, ground(416, 416, 41))[0] < 1


def test_a_scan_finds_the_spot_once(folder: Path, tmp_path: Path):
    path = write_image(tmp_path / "section.png", spoilt())
    with Project.create(tmp_path / "p") as project, open_section(path) as section:
        model = load_model(read_model_folder(folder), "cpu")
        run_scan(project, section, model, ScanOptions(foreground=Foreground(skip=False)))
        found = [one for one in project.detections() if one.score >= 1]
    inner = Box(0, 0, 416, 416).grown(-8 * EDGE)  # beyond the picture's edge there is nothing
    found = [one for one in found if inner.contains(*one.box.center)]
    assert len(found) == 1
    assert np.hypot(*(np.array(found[0].box.center) - 216)) < 16


def test_scores_do_not_depend_on_the_tile(model: Model):
    pixels, halo = spoilt(), model.spec.halo_px
    whole = model.scores(model.map_tile(pixels))[0]
    for x, y in ((0, 0), (96, 64), (160, 128)):
        side = 2 * halo + 96
        part = model.scores(model.map_tile(np.ascontiguousarray(pixels[y : y + side, x : x + side])))[0]
        inner, at = slice(halo // 8, halo // 8 + 12), ((y + halo) // 8, (x + halo) // 8)
        expected = whole[at[0] : at[0] + 12, at[1] : at[1] + 12]
        np.testing.assert_allclose(part[inner, inner], expected, atol=1e-4)
    batch = model.submit([model.prepare(pixels), model.prepare(pixels[:256, :256])])
    np.testing.assert_allclose(model.scores(model.collect(batch)[0])[0], whole, atol=1e-4)


@pytest.mark.parametrize("grey", [0, 1, 128, 255])
def test_flat_dark_and_saturated_pictures_have_scores(model: Model, grey: int):
    maps = model.map_tile(np.full((200, 136, 3), grey, np.uint8))
    assert maps.shape == (1, 25, 17)
    assert np.isfinite(model.scores(maps)).all()


def test_reasons_are_the_place_and_the_most_similar_normal_ones(model: Model):
    crop = np.ascontiguousarray(spoilt()[216 - 144 : 216 + 144, 216 - 144 : 216 + 144])
    heat = model.explain(crop, "anomaly")
    assert heat is not None
    assert heat.shape == (288, 288)
    y, x = np.unravel_index(heat.argmax(), heat.shape)
    assert np.hypot(x - 144, y - 144) < 30
    place, *examples = model.evidence(crop, "anomaly")
    assert place.title.startswith("Most unusual")
    assert len(examples) == 3
    assert all(one.pixels.shape == (EXAMPLE_PX, EXAMPLE_PX, 3) for one in (place, *examples))
    # The spot is dark; what is normal is not, and has stripes.
    assert place.pixels[16:48, 16:48].mean() < 90
    assert all(one.pixels.mean() > 90 for one in examples)
    assert all(one.pixels.mean((0, 2)).std() > 10 for one in examples)


def test_examples_are_few_however_much_is_remembered(folder: Path):
    card = json.loads((folder / CARD_NAME).read_text("utf-8"))
    assert card["network"]["memory"] == {"features": 48, "components": 24, "members": 300, "examples": MOST_EXAMPLES}


def test_a_few_defects_in_what_it_learnt_from_do_not_hurt(tmp_path: Path):
    """The section itself, spot and all, and nobody has said that it is normal."""
    section = ground(512, 512, 50)
    section[400:432, 300:332] = np.random.default_rng(4).integers(0, 90, (32, 32, 1))
    path = write_image(tmp_path / "section.png", section)
    train(path, tmp_path / "robust", trim=0.1)
    trusted = load_model(read_model_folder(tmp_path / "robust"), "cpu")
    assert trusted.spec.card["training"]["left_out"] > 0
    assert highest(trusted, spoilt())[0] > 1


def test_windows_left_out_of_the_memory_are_doubted_once(tmp_path: Path):
    """Missing among those that tell which scores are normal, they would be doubted a second time, in the shape of others."""
    path = write_image(tmp_path / "section.png", ground(512, 512, 50))  # nobody has said that it is normal
    train(path, tmp_path / "all", trim=0.0)
    train(path, tmp_path / "trimmed", trim=0.2)
    every, trimmed = (read_model_folder(tmp_path / name).card for name in ("all", "trimmed"))
    assert trimmed["training"]["left_out"] > 0
    assert trimmed["calibration"]["windows"]["count"] == every["calibration"]["windows"]["count"]


def test_the_users_own_classifier_can_be_listened_to(images: Path, tmp_path: Path):
    train(images, tmp_path / "mine", weights="battery-windows")
    model = load_model(read_model_folder(tmp_path / "mine"), "cpu")
    assert model.spec.card["network"]["blocks"] == 2
    spot, elsewhere = highest(model, spoilt())
    assert spot > elsewhere


def test_torchvisions_networks_can_be_listened_to(images: Path, tmp_path: Path):
    import torch
    from safetensors.torch import save_file
    from torchvision.models import resnet18

    torch.manual_seed(0)
    save_file(resnet18(weights=None).state_dict(), tmp_path / "weights.safetensors")
    train(images, tmp_path / "mine", backbone="resnet18", weights=str(tmp_path / "weights.safetensors"), most=8)
    model = load_model(read_model_folder(tmp_path / "mine"), "cpu")
    assert model.spec.halo_px == 144
    assert np.isfinite(model.scores(model.map_tile(spoilt()[:160, :160]))).all()


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"backbone": "resnet18"}, "knows nothing"),
        ({"weights": "imagenet"}, "need a backbone"),
        ({"weights": "battery-detector"}, "no window classifier"),
        ({"window_px": 72}, "multiple of 16"),
        ({"weights": "nowhere"}, "no model"),
    ],
)
def test_settings_that_do_not_fit_are_refused(images: Path, tmp_path: Path, settings: dict, match: str):
    with pytest.raises(UsageError, match=match):
        train(images, tmp_path / "mine", **settings)
    assert not (tmp_path / "mine" / CARD_NAME).exists()


def test_without_a_connection_it_says_what_to_do(images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from core.errors import ResourceError

    def lost(*args, **kwargs):
        raise OSError("no route to host")

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", lost)
    with pytest.raises(ResourceError, match="can't be fetched") as caught:
        train(images, tmp_path / "mine", backbone="resnet18", weights="imagenet")
    assert "internet" in (caught.value.remedy or "")


def test_it_goes_on_after_a_break_as_if_there_had_been_none(images: Path, folder: Path, tmp_path: Path):
    cancel = CancelToken()

    def stop(step: Step) -> None:
        if step.message.startswith("loss") and step.done == 4:
            cancel.cancel()

    with pytest.raises(CancelledError):
        train(images, tmp_path / "mine", cancel, stop)
    assert not (tmp_path / "mine" / CARD_NAME).exists()
    train(images, tmp_path / "mine")
    one, other = (load_model(read_model_folder(place), "cpu") for place in (folder, tmp_path / "mine"))
    np.testing.assert_allclose(one.map_tile(spoilt()), other.map_tile(spoilt()), rtol=1e-4)


@pytest.mark.parametrize(
    "broken",
    [
        {"network": {"backbone": "resnet_cells", "width": 8, "blocks": 1}},
        {"calibration": {"limit": 0}},
        {"network": {"backbone": "abacus", "memory": {}}},
    ],
)
def test_a_card_that_promises_something_else_is_refused(folder: Path, tmp_path: Path, broken: dict):
    (tmp_path / "weights.safetensors").write_bytes((folder / "weights.safetensors").read_bytes())
    card = json.loads((folder / CARD_NAME).read_text("utf-8"))
    (tmp_path / CARD_NAME).write_text(json.dumps({**card, **broken}))
    with pytest.raises(InputError):
        load_model(read_model_folder(tmp_path), "cpu")
