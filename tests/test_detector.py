"""Detectors: each network builds and gives well-formed boxes on tiles of any size; folders are read as they were written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.errors import InputError, UsageError
from core.models.base import Model
from core.models.card import CARD_NAME, CardError, check_card
from core.models.catalog import configure, load_model, read_model_folder
from core.models.detector import NETWORKS, TWO_STAGE
from core.models.networks.box_detector import BoxDetector
from core.models.networks.detectors import Limits, PixelBoxes, TileInput, build
from core.models.networks.window_classifier import tensors_of
from core.models.weights import save_model
from core.train.detector_package import DetectorRecipe, make_card
from core.train.identity import Identity

LABELS = ("crack", "pore", "scratch")
SMALL = {"architecture": "ssd_cells", "width": 8, "blocks": 1}


pytestmark = pytest.mark.usefixtures("one_thread")


def recipe(network: dict, **changes) -> DetectorRecipe:
    values = {
        "labels": LABELS,
        "artefact_labels": ("scratch",),
        "um_per_px": None,
        "network": network,
        "threshold": 0.5,
        "score_floor": 0.05,
    }
    return DetectorRecipe(**{**values, **changes})


def write(folder: Path, network: dict | None = None, seed: int = 0, **changes) -> Path:
    """A model folder with random weights."""
    torch.manual_seed(seed)
    network = network or SMALL
    card = make_card(Identity("some", "Some"), recipe(network, **changes))
    save_model(folder, card, tensors_of(build(network, len(LABELS))))
    return folder


def random_tile(height: int = 160, width: int = 192, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)


def assert_well_formed(boxes: np.ndarray, width: int, height: int) -> None:
    assert boxes.ndim == 2
    assert boxes.shape[1] == 6
    assert boxes.dtype == np.float32
    x0, y0, x1, y1, score, label = boxes.T
    assert ((x0 >= 0) & (x0 < x1) & (x1 <= width + 1e-3) & (y0 >= 0) & (y0 < y1) & (y1 <= height + 1e-3)).all()
    assert ((score >= 0.05) & (score <= 1)).all()
    assert (np.diff(score) <= 0).all()
    assert set(label) <= {0.0, 1.0, 2.0}


@pytest.fixture(scope="module", params=NETWORKS)
def network(request: pytest.FixtureRequest):
    torch.manual_seed(1)
    return build({"architecture": request.param}, len(LABELS), Limits(per_tile=50, proposals=20)).eval()


def test_every_network_finds_well_formed_boxes_in_tiles_of_any_size(network) -> None:
    model = BoxDetector(_spec(SMALL), network, torch.device("cpu"))
    for height, width in ((96, 128), (128, 64)):
        found = model.find_boxes(random_tile(height, width))
        assert_well_formed(found, width, height)
        assert len(found) <= 50


def test_boxes_start_the_same_in_tiles_of_any_size(network) -> None:
    """They are so many px large and lie so many px apart."""
    with torch.inference_mode():
        small, large = (_starting_boxes(network, torch.zeros(1, 3, side, side)) for side in (64, 128))
    assert len(large) > len(small)
    known = {tuple(box) for box in large.round(decimals=2).tolist()}
    assert {tuple(box) for box in small.round(decimals=2).tolist()} <= known


def _starting_boxes(network, images: torch.Tensor) -> torch.Tensor:
    batch, _ = network.transform(images)
    maps = network.backbone(batch.tensors)
    maps = [maps] if isinstance(maps, torch.Tensor) else list(maps.values())
    return _boxes_of(network)(batch, maps)[0]


def _boxes_of(network):
    return network.anchor_generator if hasattr(network, "anchor_generator") else network.rpn.anchor_generator


def test_two_stage_networks_start_from_fifteen_boxes_per_position() -> None:
    for name in ("fasterrcnn_resnet50", "fasterrcnn_vgg19"):
        generator = _boxes_of(build({"architecture": name}, 2))
        assert generator.num_anchors_per_location() == [15]
        sides = [float((box[2] - box[0]) * (box[3] - box[1])) ** 0.5 for box in generator.cell_anchors[0]]
        assert min(sides) == pytest.approx(16, abs=1)
        assert max(sides) == pytest.approx(256, abs=1)


@pytest.mark.parametrize("name", ["ssd_vgg16", "ssd_resnet50"])
def test_one_stage_networks_look_at_six_maps_of_512_px(name: str) -> None:
    with torch.device("meta"):
        detector: Any = build({"architecture": name}, 3)
        maps = detector.backbone(torch.empty(1, 3, 512, 512))
    assert [tuple(one.shape[-2:]) for one in maps.values()] == [(n, n) for n in (64, 32, 16, 8, 4, 2)]
    assert detector.anchor_generator.num_anchors_per_location() == [4, 6, 6, 6, 4, 4]
    assert detector.proposal_matcher.high_threshold == 0.45
    assert detector.neg_to_pos_ratio == 3


def test_default_boxes_have_the_sides_they_were_given() -> None:
    generator = PixelBoxes([[2]], [20.0, 45.0], [8])
    batch, _ = TileInput()(torch.zeros(1, 3, 16, 16))
    boxes = generator(batch, [torch.zeros(1, 1, 2, 2)])[0][:4]
    sides = (boxes[:, 2:] - boxes[:, :2]).tolist()
    assert sides[0] == pytest.approx([20, 20])
    assert sides[1] == pytest.approx([30, 30])
    assert sides[2] == pytest.approx([20 * 2**0.5, 20 / 2**0.5])
    assert torch.allclose((boxes[:, 2:] + boxes[:, :2]) / 2, torch.full((4, 2), 4.0))


# -- folders ---------------------------------------------------------------------------------------------------------


def test_a_folder_is_read_as_it_was_written(tmp_path: Path) -> None:
    spec = read_model_folder(write(tmp_path / "some"))
    assert (spec.family, spec.output, spec.labels, spec.map_channels) == ("detector", "boxes", LABELS, 0)
    assert [p.name for p in spec.parameters] == ["nms_iou", "per_tile", "short_side_px"]
    again = read_model_folder(write(tmp_path / "again"))
    one, other = (load_model(s, "cpu").find_boxes(random_tile()) for s in (spec, again))
    assert len(one)
    assert np.array_equal(one, other)
    assert spec.version == again.version


@pytest.mark.parametrize("name", ["fasterrcnn_mobilenet_v3_fpn", "ssdlite_mobilenet_v3"])
def test_every_tensor_is_saved(name: str, tmp_path: Path) -> None:
    """Saved and loaded again, a network says what it said, but for half floats."""
    network = {"architecture": name}
    spec = read_model_folder(write(tmp_path / "some", network))
    assert ("proposals" in [p.name for p in spec.parameters]) == (name in TWO_STAGE)
    torch.manual_seed(0)
    straight = BoxDetector(configure(spec, {}), build(network, len(LABELS)), torch.device("cpu"))
    one, other = (model.find_boxes(random_tile())[:5] for model in (straight, load_model(spec, "cpu")))
    assert one.shape == other.shape
    assert np.abs(one[:, 4] - other[:, 4]).max() < 0.01


def test_another_networks_weights_are_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "some")
    card = json.loads((folder / CARD_NAME).read_text())
    for network, said in (
        ({**SMALL, "width": 12}, "tensor"),
        ({"architecture": "ssdlite_mobilenet_v3"}, "tensor"),
        ({"architecture": "yolo"}, "no detector"),
        ({**SMALL, "width": 100_000}, "width"),
        ({**SMALL, "width": 4}, "width"),
        ({**SMALL, "path": "/etc/passwd"}, "path"),
    ):
        (folder / CARD_NAME).write_text(json.dumps({**card, "network": network}))
        with pytest.raises(InputError, match=said):
            load_model(read_model_folder(folder), "cpu")


def test_a_card_must_say_what_is_scanned() -> None:
    card = {**make_card(Identity("some", "Some"), recipe(SMALL)), "weights": {"blake2b": "0" * 32}}
    check_card(card)
    for changes in ({"output": "masks"}, {"output": ["boxes"]}, {"map_channels": "many"}, {"tile_px": 100}):
        with pytest.raises(CardError):
            check_card({**card, "scan": {**card["scan"], **changes}})
    with pytest.raises(CardError):
        check_card({**card, "scan": {**card["scan"], "output": "map"}})


# -- what can be chosen ----------------------------------------------------------------------------------------------


def test_fewer_detections_can_be_chosen(tmp_path: Path) -> None:
    spec = read_model_folder(write(tmp_path / "some"))
    many = load_model(spec, "cpu").find_boxes(random_tile())
    few = load_model(configure(spec, {"per_tile": 7}), "cpu").find_boxes(random_tile())
    assert len(many) > 7
    assert np.array_equal(few, many[:7])
    fewer = load_model(configure(spec, {"nms_iou": 0.1}), "cpu").find_boxes(random_tile())
    assert _largest_overlap(fewer) <= 0.1 < _largest_overlap(many) <= 0.5
    with pytest.raises(UsageError):
        configure(spec, {"proposals": 10})


def test_a_zoomed_tile_gives_boxes_in_its_own_px(tmp_path: Path) -> None:
    spec = read_model_folder(write(tmp_path / "some", tile_px=128, halo_px=32))
    found = load_model(configure(spec, {"short_side_px": 96}), "cpu").find_boxes(random_tile(192, 192))
    assert_well_formed(found, 192, 192)
    assert found[:, 2].max() > 100


def _largest_overlap(boxes: np.ndarray) -> float:
    from torchvision.ops import box_iou

    worst = 0.0
    for label in set(boxes[:, 5]):
        own = torch.from_numpy(boxes[boxes[:, 5] == label, :4])
        worst = max(worst, float((box_iou(own, own) - 2 * torch.eye(len(own))).max()))
    return worst


# -- why -------------------------------------------------------------------------------------------------------------


def _spec(network: dict):
    card = {**make_card(Identity("some", "Some"), recipe(network)), "weights": {"blake2b": "0" * 32}}
    from core.models.card import spec_from_card

    return replace(spec_from_card(card, "trained", None), values={})


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load_model(read_model_folder(write(tmp_path_factory.mktemp("models") / "some", seed=3)), "cpu")


def test_a_crop_of_any_size_can_be_explained(model: Model) -> None:
    pixels = random_tile(101, 77)
    label = LABELS[int(model.find_boxes(np.pad(pixels, ((0, 27), (0, 19), (0, 0)), mode="symmetric"))[0, 5])]
    heat = model.explain(pixels, label)
    assert heat is not None
    assert heat.shape == (101, 77)
    assert heat.dtype == np.float32
    assert (heat.min(), heat.max()) == (0, 1)


def test_what_is_not_found_is_not_explained(model: Model) -> None:
    sure = replace(model.spec, score_floor=0.999)
    network = build(SMALL, len(LABELS), Limits(floor=0.999))
    strict = BoxDetector(sure, network, torch.device("cpu"))
    assert strict.find_boxes(random_tile()).shape == (0, 6)
    assert strict.explain(random_tile(), "pore") is None


def test_the_largest_batch_is_found_by_trying(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """As on a graphics card: here it is the model that says when memory is short."""
    model: Any = load_model(read_model_folder(write(tmp_path / "m")), "cpu")
    asked: list[int] = []

    def submit(tiles: Sequence[Any]) -> list[Any]:
        asked.append(len(tiles))
        if len(tiles) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return []

    monkeypatch.setattr(model, "submit", submit)
    assert model._largest_batch() == 4
    assert asked == [1, 2, 4, 8]
