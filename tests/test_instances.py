"""Models of instances: networks build, folders are read as written, parts are cut out alike in training and scanning."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.errors import InputError
from core.geometry import Box
from core.models.card import CARD_NAME, draft_of
from core.models.catalog import configure, load_model, read_model_folder
from core.models.instance_crops import CropShape
from core.models.instances import CELLS, GREYED, KEPT
from core.models.networks.detectors import Limits
from core.models.networks.instance_model import build_networks
from core.models.networks.instance_networks import build_parts
from core.outlines import COLUMNS
from core.parameters import resolve
from core.train.detector_crops import targets_of
from core.train.families.instances import PARAMETERS
from core.train.identity import Identity
from core.train.instances_package import make_card, parts_alone, write_instances
from core.train.instances_quality import Part, Pictured, matched, part_figures, ring_of
from core.train.regions import Crop

pytestmark = pytest.mark.usefixtures("one_thread")

LABELS = ("bridge", "void")
SMALL = {"width": 8, "blocks": 1, "input_px": 32}


def write(folder: Path, no_defect: str | None = "good", **settings: Any) -> Path:
    """A model folder with random weights."""
    torch.manual_seed(0)
    values = resolve(PARAMETERS, {**SMALL, **settings})
    card = make_card(Identity("some", "Some"), values, LABELS, no_defect)
    write_instances(folder, card, *build_networks(draft_of(card)))
    return folder


def tile(side: int = 128) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (side, side, 3), np.uint8)


# -- folders ---------------------------------------------------------------------------------------------------------


def test_a_folder_holds_both_networks_and_is_read_as_it_was_written(tmp_path: Path) -> None:
    spec = read_model_folder(write(tmp_path / "a"))
    assert (spec.family, spec.output, spec.labels) == ("instances", "boxes", LABELS)
    assert [p.name for p in spec.parameters] == ["part_score", "nms_iou", "per_tile", "short_side_px", "proposals"]
    again = read_model_folder(write(tmp_path / "b"))
    assert again.version == spec.version
    chosen = {"part_score": 0.05, "per_tile": 20}
    one, other = (load_model(configure(s, chosen), "cpu").find_boxes(tile(96)) for s in (spec, again))
    assert one.shape[1] == COLUMNS
    assert len(one)
    assert np.array_equal(one, other)
    assert set(one[:, 5]) <= {-1.0, 0.0, 1.0}
    assert (np.diff(one[:, 4]) <= 0).all()
    corners = one[:, 6:].reshape(len(one), -1, 2)
    assert (corners >= one[:, None, :2] - 1e-3).all()
    assert (corners <= one[:, None, 2:4] + 1e-3).all()


def test_without_a_judge_the_first_network_names_the_classes(tmp_path: Path) -> None:
    spec = read_model_folder(write(tmp_path / "a", parts="classes"))
    assert spec.card["network"]["judge"] is None
    assert "part_score" not in [p.name for p in spec.parameters]
    found = load_model(configure(spec, {"per_tile": 20}), "cpu").find_boxes(tile(96))
    assert set(found[:, 5]) <= {-1.0, 0.0, 1.0}


def test_cards_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "a")
    card = json.loads((folder / CARD_NAME).read_text())
    network = card["network"]
    for changes, said in (
        ({"parts": {"architecture": "yolact"}}, "no network for parts"),
        ({"parts": {**network["parts"], "width": 4}}, "width"),
        ({"parts": None}, "must be objects"),
        ({"judge": {**network["judge"], "side_px": 50}}, "side_px"),
        ({"judge": {**network["judge"], "margin": "wide"}}, "margin"),
        ({"judge": {**network["judge"], "outside": "blurred"}}, "outside"),
        ({"judge": {**network["judge"], "mean": [0.5]}}, "mean"),
        ({"judge": {**network["judge"], "network": {"backbone": "vit"}}}, "no network"),
        ({"no_defect": "void"}, "no_defect"),
        ({"no_defect": None}, "tensor"),
        ({"judge": None}, "tensor"),
    ):
        (folder / CARD_NAME).write_text(json.dumps({**card, "network": {**network, **changes}}))
        with pytest.raises(InputError, match=said):
            load_model(read_model_folder(folder), "cpu")


def test_both_networks_are_part_of_the_version(tmp_path: Path) -> None:
    one = read_model_folder(write(tmp_path / "a"))
    assert read_model_folder(write(tmp_path / "b", margin=0.5)).version != one.version
    assert parts_alone(one).labels == ("part",)


@pytest.mark.parametrize("name", ["maskrcnn_mobilenet_v3_fpn", CELLS])
def test_networks_give_a_mask_for_each_box_and_learn_from_pictures_without_parts(name: str) -> None:
    torch.manual_seed(0)
    network: Any = build_parts({"architecture": name}, 1, Limits(floor=0.01, per_tile=5, proposals=10)).eval()
    with torch.inference_mode():
        (found,) = network(torch.randn(1, 3, 96, 64))
    assert found["masks"].shape == (len(found["boxes"]), 1, 28, 28)
    crop = Crop(tile(64), np.array([[8, 8, 24, 24]], np.float32), np.array([1]))
    empty = Crop(tile(64), np.zeros((0, 4), np.float32), np.zeros(0, int))
    losses = network.train()(torch.randn(2, 3, 64, 64), targets_of([crop, empty], masks=True))
    assert "loss_mask" in losses
    assert torch.stack(list(losses.values())).isfinite().all()


# -- what the networks are shown -------------------------------------------------------------------------------------


def test_masks_are_what_outlines_enclose_in_a_crop() -> None:
    boxes = np.array([[10, 10, 20, 20], [50, 50, 30, 30]], np.float32)
    triangle = np.array([[10, 10], [30, 10], [10, 30]], np.float32)
    crop = Crop(tile(64), boxes, np.array([1, 1]), outlines=(triangle, np.zeros((0, 2), np.float32)))
    (target,) = targets_of([crop], masks=True)
    assert target["masks"].shape == (1, 64, 64), "of the second one too little is seen"
    assert target["masks"][0].sum().item() == pytest.approx(200, rel=0.06)
    assert target["masks"][0, 28, 28] == 0
    assert "masks" not in targets_of([crop])[0]


def test_a_part_is_cut_out_with_its_margin_and_its_surroundings_greyed_if_wanted() -> None:
    pixels = np.full((100, 100, 3), 10, np.uint8)
    pixels[40:60, 30:70] = 200
    box = Box(30, 40, 40, 20)
    kept = CropShape(32, 0.25, KEPT).cut(pixels, box, np.array(ring_of(box)))
    assert kept.shape == (32, 32, 3)
    assert kept[16, 16, 0] == 200
    assert kept[2, 2, 0] == 10
    assert np.count_nonzero(kept[16, :, 0] > 100) == pytest.approx(32 * 40 / 60, abs=1.5)
    assert np.count_nonzero(kept[:, 16, 0] > 100) == pytest.approx(32 * 20 / 60, abs=1.5)
    greyed = CropShape(32, 0.25, GREYED).cut(pixels, box, np.array(ring_of(box)))
    assert greyed[2, 2, 0] == 128
    assert greyed[16, 16, 0] == 200
    corner = CropShape(64, 0.25, KEPT).cut(pixels, Box(90, 90, 20, 20), np.zeros((0, 2)))
    assert corner.shape == (64, 64, 3)
    assert (corner == 10).all()


# -- figures ---------------------------------------------------------------------------------------------------------


def test_figures_of_parts_can_be_worked_out_by_hand() -> None:
    def part(label: str, x: float, w: float = 10) -> Part:
        return Part(label, Box(x, 0, w, 10), ring_of(Box(x, 0, w, 10)))

    marked = (part("bridge", 0), part("void", 100), part("good", 200), part("good", 300))
    found = (part("void", 0), part("void", 100, 8), part("good", 200), part("bridge", 400))
    picture = Pictured(marked, found)
    assert [f.label if f else None for _, f in matched(picture)] == ["void", "void", "good", None]
    assert matched(Pictured((), found)) == []  # a picture without a part
    assert [f for _, f in matched(Pictured(marked, ()))] == [None] * 4
    figures = part_figures([picture], ("bridge", "void", "good"), "good")
    assert (figures["marked"], figures["found"], figures["too_many"]) == (4, 3, 1)
    assert figures["mask_iou"] == pytest.approx((1 + 0.8 + 1) / 3, abs=0.02)
    assert figures["class_accuracy"] == pytest.approx(2 / 3, abs=1e-3)
    assert figures["confusion"]["counts"] == [[0, 1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1]]
