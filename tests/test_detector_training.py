"""Training detectors: what they are shown and told, what they start from, and that a short training really learns."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from core.average_precision import mean_average_precision
from core.check import Found
from core.data.labelled import LabelledPicture
from core.data.reading import read_marks
from core.errors import CancelledError, InputError, UsageError
from core.jobs import CancelToken, Step, no_progress
from core.models.catalog import find_model, load_model, read_model_folder
from core.models.networks import backbones
from core.models.networks.detectors import build
from core.project import Project
from core.readers.base import open_section
from core.scan.runner import run_scan
from core.train import rate_finder
from core.train.base import TrainStep
from core.train.dataset import read_labelled
from core.train.detector import CHECKPOINT_NAME, train_detector
from core.train.detector_crops import targets_of
from core.train.detector_loop import DetectorSchedule, try_rates
from core.train.detector_sections import section_boxes
from core.train.detector_start import commands_before, put_start, start_weights
from core.train.rate_finder import PHASE, RATE_NAME
from core.train.regions import Crop, LabelledSection
from core.train.sampling import CropSampler, cut
from core.train.trainers import trainers
from core.truth import TruthBox, read_truth
from tests.test_detector import SMALL
from tests.test_train import _write_section

FAST = {
    "width": 8, "blocks": 1, "batch": 4, "crop_px": 128, "um_per_px": 1.0, "learning_rate": 8e-3, "every": 1000,
    "augmentation": 0.2,
}  # fmt: skip
STEPS = 40


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for seed in (1, 2, 3):
        _write_section(folder, f"s{seed}", seed)
    _write_section(folder / "validation", "v", 4)
    return folder


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    out = tmp_path_factory.mktemp("out") / "grains"
    return out, train_detector(data, out, {**FAST, "steps": STEPS}, seed=5, device="cpu")


# -- a whole training ------------------------------------------------------------------------------------------------


def test_a_short_training_finds_what_is_marked(trained: tuple[Path, dict]) -> None:
    folder, metrics = trained
    assert metrics["map50"] >= 0.6
    assert metrics["map33"] >= metrics["map50"]
    assert metrics["defects"]["recall"] >= 0.7
    assert not (folder / CHECKPOINT_NAME).exists()
    assert read_model_folder(folder / "last").card["metrics"] == {}, "the last state is a model by itself"
    card = read_model_folder(folder).card
    assert card["metrics"]["validation"]["map50"] == metrics["map50"]
    assert card["training"]["commands"][-1].startswith("schliff train detector --data ")
    assert card["scan"]["threshold"] == metrics["threshold"]


def test_a_trained_detector_scans_a_section_it_has_not_seen(trained: tuple[Path, dict], tmp_path: Path) -> None:
    """Through the engine: tiles, seams, threshold. Tiles are made small, so that there are seams."""
    folder, metrics = trained
    _write_section(tmp_path, "new", 17, size=500)
    card = json.loads((folder / "model.json").read_text())
    card["scan"] |= {"tile_px": 128, "halo_px": 64}
    small = tmp_path / "model"
    small.mkdir()
    (small / "model.json").write_text(json.dumps(card))
    (small / "weights.safetensors").write_bytes((folder / "weights.safetensors").read_bytes())
    model = load_model(read_model_folder(small), "cpu")
    with open_section(tmp_path / "new.tif") as section, Project.open_or_create(tmp_path / "p.schliff") as project:
        summary = run_scan(project, section, model)
        found = [Found(d.label, d.score, d.box) for d in project.detections(summary.scan_id)]
    assert summary.tiles_done > 4
    assert mean_average_precision(found, read_truth(tmp_path / "new.truth.csv"), 0.5) >= metrics["map50"] - 0.25


def test_a_training_that_was_stopped_goes_on_to_the_same_end(data: Path, tmp_path: Path) -> None:
    settings = {**FAST, "steps": 8, "every": 4}
    straight = train_detector(data, tmp_path / "one", settings, seed=2, device="cpu")
    cancel = CancelToken()

    def stop_after_five(step: Step) -> None:
        if step.message.startswith("loss") and step.done == 5:
            cancel.cancel()

    with pytest.raises(CancelledError):
        train_detector(data, tmp_path / "two", settings, 2, "cpu", stop_after_five, cancel)
    assert (tmp_path / "two" / CHECKPOINT_NAME).is_file()
    again = train_detector(data, tmp_path / "two", settings, seed=2, device="cpu")
    assert again["map33"] == pytest.approx(straight["map33"], abs=1e-3)
    one, two = (load_model(read_model_folder(tmp_path / name), "cpu") for name in ("one", "two"))
    tile = np.random.default_rng(0).integers(0, 255, (128, 128, 3), np.uint8)
    assert np.allclose(one.find_boxes(tile), two.find_boxes(tile), atol=1e-2)


def test_a_rate_can_be_found_first(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_finder, "_FACTOR", 3.0)
    told: list[Step] = []
    settings = {**FAST, "learning_rate": 0.0, "find_rate": True, "steps": 4, "crop_px": 64}
    train_detector(data, tmp_path / "m", settings, 1, "cpu", told.append)
    curve = read_model_folder(tmp_path / "m").card["training"]["rate_curve"]
    assert curve["rates"][0] < curve["suggestion"] < curve["rates"][-1]
    assert [s.figures["loss"] for s in told if isinstance(s, TrainStep) and s.phase == PHASE] == curve["losses"]
    assert not (tmp_path / "m" / RATE_NAME).exists()
    with pytest.raises(UsageError, match="learning_rate"):
        train_detector(data, tmp_path / "n", {**FAST, "find_rate": True}, device="cpu")


def test_trying_rates_leaves_the_network_as_it_was(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_finder, "_FACTOR", 3.0)
    rng = np.random.default_rng(0)
    section = LabelledSection(
        "s", rng.integers(0, 255, (90, 90, 3), np.uint8), np.array([[20, 20, 30, 30]]), np.array([1])
    )
    network = build(SMALL, 1)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    random = torch.get_rng_state()
    one = torch.ones(1, 3, 1, 1)
    schedule = DetectorSchedule(9, 2, 1e-3, "adamw", one / 64, one, tmp_path / "c")
    try_rates(network, CropSampler([section], 64, rng), schedule, rng, no_progress, CancelToken())
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert torch.equal(random, torch.get_rng_state())


@pytest.mark.parametrize(
    ("name", "crop_px"), [("fasterrcnn_mobilenet_v3_fpn", 96), ("ssdlite_mobilenet_v3", 96), ("ssd_resnet50", 64)]
)
def test_larger_networks_can_be_trained(name: str, crop_px: int, data: Path, tmp_path: Path) -> None:
    settings = {**FAST, "network": name, "crop_px": crop_px, "batch": 2, "steps": 1, "every": 2, "learning_rate": 1e-4}
    settings["um_per_px"] = 2.0
    train_detector(data, tmp_path / "m", settings, device="cpu")
    assert read_model_folder(tmp_path / "m").card["network"] == {"architecture": name}


def test_detectors_are_offered_for_training() -> None:
    assert "detector" in trainers()


def test_settings_that_make_no_sense_are_refused(data: Path, tmp_path: Path) -> None:
    for settings in ({"crop_px": 100}, {"network": "yolo"}, {"weights": "coco"}, {"steps": 0}):
        with pytest.raises(UsageError):
            train_detector(data, tmp_path / "m", {**FAST, **settings}, device="cpu")


# -- crops -----------------------------------------------------------------------------------------------------------


def test_boxes_are_cut_to_their_crop_and_what_is_hardly_seen_is_left_out() -> None:
    boxes = np.array([[10, 10, 20, 20], [-10, 30, 20, 20], [90, 90, 100, 100], [50, 50, 2, 30]], np.float32)
    crop = Crop(np.zeros((100, 100, 3), np.uint8), boxes, np.array([1, 2, 3, 1]))
    target = targets_of([crop])[0]
    assert target["boxes"].tolist() == [[10, 10, 30, 30], [0, 30, 10, 50]]
    assert target["labels"].tolist() == [1, 2]


@pytest.mark.parametrize(("x", "y", "side"), [(-20, 10, 80), (-70, -90, 200), (40, 40, 30), (5, 45, 40)])
def test_beyond_a_pictures_edge_its_marks_are_mirrored_with_it(x: int, y: int, side: int) -> None:
    """What a crop shows of each mark is as bright as the mark, and nothing else is bright."""
    boxes = np.array([[2, 5, 9, 6], [30, 41, 8, 7], [50, 20, 10, 14]], np.float32)  # the last one ends at the edge
    pixels = np.zeros((50, 60, 3), np.uint8)
    for number, (bx, by, w, h) in enumerate(boxes.astype(int), 1):
        pixels[by : by + h, bx : bx + w] = number
    outlines = tuple(np.array([[bx, by], [bx + w, by], [bx + w, by + h]], np.float32) for bx, by, w, h in boxes)
    crop = cut(LabelledSection("s", pixels, boxes, np.array([1, 2, 3]), outlines=outlines), x, y, side, side)
    shown = np.zeros((side, side), np.uint8)
    for (bx, by, w, h), label, outline in zip(crop.boxes, crop.classes, crop.outlines, strict=True):
        shown[max(0, round(by)) : round(by + h), max(0, round(bx)) : round(bx + w)] = label
        assert np.allclose([outline.min(0), outline.max(0)], [[bx, by], [bx + w, by + h]])
    assert np.array_equal(shown, crop.pixels[..., 0])


def test_a_crop_without_boxes_is_background() -> None:
    crop = Crop(np.zeros((64, 64, 3), np.uint8), np.empty((0, 4), np.float32), np.empty(0, np.int64))
    target = targets_of([crop, crop])
    network = build(SMALL, 2).train()
    losses = network(torch.randn(2, 3, 64, 64), target)
    assert float(losses["bbox_regression"].detach()) == 0
    assert all(bool(torch.isfinite(value)) for value in losses.values())


def test_negatives_are_the_hardest_of_the_whole_batch() -> None:
    """The crop without a defect holds the surest false alarm: it must be among the negatives."""
    network: Any = build(SMALL, 1)
    boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0]] * 4)
    logits = torch.zeros(2, 4, 2)
    logits[0, 0] = torch.tensor([0.0, 20.0])  # the defect, found
    logits[0, 1:, 0] = 20.0  # surely nothing
    logits[1, :3, 0] = 20.0
    logits[1, 3, 1] = 20.0  # a false alarm
    targets = [
        {"boxes": boxes[:1], "labels": torch.tensor([1])},
        {"boxes": torch.empty(0, 4), "labels": torch.empty(0, dtype=torch.long)},
    ]
    matched = [torch.tensor([0, -1, -1, -1]), torch.full((4,), -1)]
    heads = {"cls_logits": logits, "bbox_regression": torch.zeros(2, 4, 4)}
    losses = network.compute_loss(targets, heads, [boxes, boxes], matched)
    assert float(losses["classification"]) == pytest.approx(20, abs=0.1)


# -- what training starts from ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("by_id", [True, False])
def test_a_window_classifier_gives_its_network_to_a_detector(by_id: bool) -> None:
    spec = find_model("battery-windows")
    network: Any = build({"architecture": "ssd_cells", "width": spec.card["network"]["width"]}, 3)
    start = spec.id if by_id else str(spec.path)
    state = start_weights("ssd_cells", start)
    assert commands_before(start) == spec.card["training"]["commands"]
    assert state is not None
    assert put_start(network, "ssd_cells", state, str(spec.path)) >= len(state) - 2  # all but the head
    assert torch.equal(network.backbone.cells.stem[0].weight, state["stem.0.weight"].float())


@pytest.mark.parametrize(
    ("backbone", "architecture", "place"),
    [("resnet50", "ssd_resnet50", "backbone.stem.4.0.conv1"), ("vgg16", "ssd_vgg16", "backbone.features.2")],
)
def test_a_classifier_of_a_well_known_network_gives_it_to_a_detector(
    backbone: Any, architecture: str, place: str
) -> None:
    """As its folder's weights are named: "trunk." and torchvision's names."""
    given = backbones.build({"backbone": backbone}, 4).state_dict()
    network = build({"architecture": architecture}, 2)
    put_start(network, architecture, given, "given")
    theirs = {"backbone.stem.4.0.conv1": "trunk.layer1.0.conv1", "backbone.features.2": "trunk.2"}[place]
    assert torch.equal(network.state_dict()[f"{place}.weight"], given[f"{theirs}.weight"])


@pytest.mark.parametrize(
    ("architecture", "theirs", "ours"),
    [
        ("fasterrcnn_resnet50", "layer4.0.conv1.weight", "roi_heads.box_head.0.0.conv1.weight"),
        ("fasterrcnn_resnet50_fpn", "conv1.weight", "backbone.body.conv1.weight"),
        ("ssd_resnet50", "layer1.0.conv1.weight", "backbone.stem.4.0.conv1.weight"),
        ("fasterrcnn_mobilenet_v3_fpn", "features.5.block.0.0.weight", "backbone.body.5.block.0.0.weight"),
        ("ssdlite_mobilenet_v3", "features.13.block.1.0.weight", "backbone.features.1.0.1.0.weight"),
    ],
)
def test_imagenet_weights_find_their_place(architecture: str, theirs: str, ours: str, tmp_path: Path) -> None:
    from torchvision.models import mobilenet_v3_large, resnet50

    torch.manual_seed(4)
    given = resnet50(weights=None) if "resnet" in architecture else mobilenet_v3_large(weights=None)
    save_file(given.state_dict(), tmp_path / "given.safetensors")
    network = build({"architecture": architecture}, 2)
    state = start_weights(architecture, str(tmp_path / "given.safetensors"))
    assert state is not None
    put_start(network, architecture, state, "given")
    assert torch.equal(network.state_dict()[ours], given.state_dict()[theirs])


def test_vggs_weights_find_their_place() -> None:
    from core.models.networks.detector_maps import vgg

    for letter, architecture, place in (
        ("D", "ssd_vgg16", {"features.0.weight": "backbone.features.0", "features.28.weight": "backbone.extra.0.5"}),
        ("E", "fasterrcnn_vgg19", {"features.34.weight": "backbone.features.34"}),
    ):
        given = {f"features.{name}": values for name, values in vgg(letter).state_dict().items()}
        network = build({"architecture": architecture}, 2)
        put_start(network, architecture, given, "given")
        for theirs, ours in place.items():
            assert torch.equal(network.state_dict()[f"{ours}.weight"], given[theirs])


def test_other_weights_are_refused(tmp_path: Path) -> None:
    network = build(SMALL, 2)
    with pytest.raises(InputError, match="not weights for"):
        put_start(network, "ssd_cells", {"conv1.weight": torch.zeros(64, 3, 7, 7)}, "given")
    with pytest.raises(UsageError, match="no coco weights"):
        start_weights("ssd_cells", "coco")
    with pytest.raises(InputError):
        start_weights("ssd_cells", str(tmp_path / "nothing.pth"))
    with pytest.raises(UsageError, match="no model"):
        start_weights("ssd_cells", "nothing")
    with pytest.raises(UsageError, match="has no weights"):
        start_weights("ssd_cells", "texture")


# -- small images ------------------------------------------------------------------------------------------------------


def test_images_smaller_than_the_crop_are_learned_scanned_and_judged(tmp_path: Path) -> None:
    """A table of boxes on pictures of 90 px, without a scale; crops of 128 px."""
    rng = np.random.default_rng(3)
    lines = ["file,class,x0,y0,x1,y1"]
    for number in range(6):
        pixels = rng.integers(100, 140, (90, 90), np.uint8)
        x, y = (int(v) for v in rng.integers(5, 60, 2))
        pixels[y : y + 20, x : x + 20] = 10
        cv2.imwrite(str(tmp_path / f"{number}.png"), pixels)
        lines.append(f"{number}.png,pore,{x},{y},{x + 20},{y + 20}")
    (tmp_path / "boxes.csv").write_text("\n".join(lines))
    train_detector(tmp_path, tmp_path / "m", {**FAST, "steps": 30}, seed=1, device="cpu")
    spec = read_model_folder(tmp_path / "m")
    model = load_model(spec, "cpu")
    with open_section(tmp_path / "0.png") as section, Project.open_or_create(tmp_path / "p.schliff") as project:
        summary = run_scan(project, section, model)
        scanned = project.detections(summary.scan_id)
    boxes = section_boxes(model, read_labelled(read_marks(tmp_path).pictures[0], model.spec)[0].pixels)
    assert len(scanned) == len(boxes) > 0
    truth = [TruthBox(mark.label, mark.box) for mark in read_marks(tmp_path).pictures[0].marks]
    found = [Found(d.label, d.score, d.box) for d in scanned]
    assert mean_average_precision(found, truth, 0.5) == 1


# -- a whole section -----------------------------------------------------------------------------------------------


def test_a_whole_section_is_looked_at_without_seams(trained: tuple[Path, dict]) -> None:
    """One large tile and many small ones find nearly the same."""
    folder, _ = trained
    model = load_model(read_model_folder(folder), "cpu")
    _write_section(folder.parent / "seams", "s", 23)
    with open_section(folder.parent / "seams" / "s.tif") as section:
        (labelled,) = read_labelled(LabelledPicture(section.info.path, (), "s"), model.spec)
    whole = section_boxes(model, labelled.pixels)
    model.spec = replace(model.spec, tile_px=160, halo_px=64)
    tiled = section_boxes(model, labelled.pixels)
    sure, again = (boxes[boxes[:, 4] > 0.5] for boxes in (whole, tiled))
    assert len(sure) > 5
    assert abs(len(sure) - len(again)) <= 1
