"""Training models of instances: a short one learns both stages, is judged through a scan, and goes on after a break."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from core.data.labelled import LabelledPicture, Mark
from core.data.reading import read_marks
from core.detection import Detection
from core.errors import CancelledError, InputError, UsageError
from core.evaluation.instance_figures import instance_figures
from core.geometry import Box
from core.jobs import CancelToken, Step
from core.models.card import CARD_NAME, WEIGHTS_NAME
from core.models.catalog import load_model, read_model_folder
from core.models.instance_crops import CropShape
from core.models.instances import GREYED
from core.project import Project
from core.readers.base import open_section
from core.scan.runner import run_scan
from core.train import instances_quality
from core.train.base import TrainStep
from core.train.instances import CLASSES_CHECKPOINT, PARTS_CHECKPOINT, train_instances
from core.train.instances_quality import look_at
from core.train.instances_source import MarkedPart, PartSource, parts_on
from core.train.regions import LabelledSection
from core.train.trainers import find_trainer
from tests.instances_support import picture, write_coco
from tests.toy import toy_spec

pytestmark = pytest.mark.usefixtures("one_thread", "quick_disk")

FAST = {
    "width": 8, "blocks": 1, "batch": 2, "crop_px": 96, "um_per_px": 1.0, "input_px": 32, "augmentation": 0.2,
    "learning_rate": 3e-3, "judge_rate": 0.02, "judge_batch": 8, "every": 1000,
}  # fmt: skip
LEARNS = {"steps": 36, "epochs": 10, "batch": 2, "width": 12, "learning_rate": 5e-3, "score_floor": 0.3}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_coco(tmp_path_factory.mktemp("data") / "boards", (1, 2, 3, 4, 5), 144)


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict, list[TrainStep]]:
    out = tmp_path_factory.mktemp("out") / "joints"
    told: list[TrainStep] = []

    def listen(step: Step) -> None:
        if isinstance(step, TrainStep) and step.figures:
            told.append(step)

    return out, train_instances(data, out, {**FAST, **LEARNS}, 5, "cpu", listen), told


def test_a_short_training_finds_outlines_and_classes(trained: tuple[Path, dict, list[TrainStep]]) -> None:
    folder, metrics, told = trained
    parts = metrics["parts"]
    assert parts["found"] >= 0.8 * parts["marked"]
    assert parts["mask_iou"] >= 0.6
    assert parts["class_accuracy"] >= 0.5
    assert parts["no_defect"] == "good"
    assert set(metrics["classes"]) == {"bitten", "crossed"}
    assert {step.phase for step in told} == {"parts", "classes"}
    assert {name for step in told for name in step.figures} >= {"loss", "map50", "mask_iou", "macro_f1"}
    card = read_model_folder(folder).card
    assert (card["kind"], card["labels"], card["network"]["no_defect"]) == ("instances", ["bitten", "crossed"], "good")
    assert card["training"]["commands"][-1].startswith("schliff train instances --data ")
    assert sorted(path.name for path in folder.iterdir()) == sorted([CARD_NAME, WEIGHTS_NAME])


def scan(model: Path, image: np.ndarray, folder: Path, tile_px: int) -> tuple[list[Detection], int]:
    """Through the engine, in tiles of another size than the card says."""
    folder.mkdir()
    cv2.imwrite(str(folder / "s.png"), image[..., ::-1])
    card = json.loads((model / CARD_NAME).read_text())
    card["scan"]["tile_px"], card["scan"]["halo_px"] = tile_px, 64
    shutil.copytree(model, folder / "m")
    (folder / "m" / CARD_NAME).write_text(json.dumps(card))
    with open_section(folder / "s.png") as section, Project.create(folder / "p.schliff") as project:
        summary = run_scan(project, section, load_model(read_model_folder(folder / "m"), "cpu"))
        return sorted(project.detections(summary.scan_id), key=lambda d: d.box), summary.sound_parts


def test_a_trained_model_finds_as_much_on_every_grid(
    trained: tuple[Path, dict, list[TrainStep]], tmp_path: Path
) -> None:
    """So short a training finds parts several times over: the more there is in a tile, the sooner something is left out."""
    image, parts = picture(7, 192)
    (small, small_sound), (large, large_sound) = (
        scan(trained[0], image, tmp_path / str(side), side) for side in (64, 256)
    )
    assert len(small) + small_sound >= len(parts)
    assert len(small) + small_sound == pytest.approx(len(large) + large_sound, rel=0.2)
    pairs = [(here, max(small, key=lambda there: here.box.iou(there.box))) for here in large]
    same = [(here, there) for here, there in pairs if here.box.iou(there.box) > 0.5]
    assert len(same) >= 0.9 * len(large)
    assert np.median([abs(here.area_px / there.area_px - 1) for here, there in same]) < 0.1


def test_evaluation_says_how_well_parts_are_outlined(
    trained: tuple[Path, dict, list[TrainStep]], data: Path, tmp_path: Path
) -> None:
    spec, marked = read_model_folder(trained[0]), read_marks(data)
    first = marked.pictures[0]
    image = cv2.imread(str(first.path))
    assert image is not None
    found, _ = scan(trained[0], image[..., ::-1], tmp_path / "a", 256)
    told: dict[str, Any] = instance_figures(spec, [first], [found])["instances"]
    assert told["marked"] == len(first.marks)
    assert told["found"] + told["too_many"] == len(found)
    kinds = set(read_model_folder(trained[0]).labels)
    assert told["found"] >= 0.7 * sum(one.label in kinds for one in first.marks)
    assert told["mask_iou"] > 0.5
    assert instance_figures(replace(spec, family="detector"), [first], [found]) == {}


def test_parts_are_judged_where_it_is_known_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = toy_spec(family="instances", labels=("crack",), card={"network": {}})
    inside, outside = Box(10, 10, 20, 20), Box(60, 60, 20, 20)
    rows = [[b.x, b.y, b.x1, b.y1, 0.9, 0, *(32 * b.center)] for b in (inside, outside)]
    monkeypatch.setattr(instances_quality, "section_boxes", lambda model, pixels: np.array(rows, np.float32))
    model: Any = SimpleNamespace(spec=spec)
    known = np.array([[0, 0, 50, 50]], np.float32)
    section = LabelledSection("s", np.zeros((96, 96, 3), np.uint8), known[:0], known[:0, 0], known=known)
    assert [part.box for part in look_at(model, [section], spec.labels)[0].found] == [inside]
    assert len(look_at(model, [replace(section, known=None)], spec.labels)[0].found) == 2

    marks = (Mark("crack", inside), Mark("crack", outside))
    some, everything = (LabelledPicture(Path("s.png"), marks, "s", k) for k in ((Box(0, 0, 50, 50),), None))
    told = [instance_figures(spec, [one], [[]])["instances"]["marked"] for one in (some, everything)]
    assert told == [1, 2]


def test_parts_of_which_only_the_box_is_known_are_cut_out_by_it() -> None:
    """Somebody's drawn outlines beside a model's boxes, in one data set."""
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    section = LabelledSection("s", pixels, np.array([[16, 16, 32, 32]], np.float32), np.array([1]))
    source = PartSource(parts_on([section]), CropShape(32, 0.0, GREYED))
    assert np.array_equal(source.read(0), pixels[16:48, 16:48])


def test_long_thin_parts_are_shown_displaced_as_others_are() -> None:
    section = LabelledSection(
        "s", np.zeros((200, 200, 3), np.uint8), np.empty((0, 4), np.float32), np.empty(0, int), "g"
    )
    outline = np.array([(50, 40), (52, 40), (52, 135), (50, 135)], np.float32)
    source = PartSource([MarkedPart(section, Box(50, 40, 2, 95), outline, 0)], CropShape(32, 0.1, GREYED))
    shown = source.batch([0] * 60, np.random.default_rng(0), strength=1.0)
    assert shown.shape == (60, 32, 32, 3)


def test_what_made_a_part_look_like_its_class_lies_on_the_part(trained: tuple[Path, dict, list[TrainStep]]) -> None:
    model = load_model(read_model_folder(trained[0]), "cpu")
    image, parts = picture(78, 144, ("crossed",))
    x, y = (int(v) for v in parts[0][1].mean(0))
    crop = np.pad(image, ((96, 96), (96, 96), (0, 0)), mode="symmetric")[y + 32 : y + 160, x + 32 : x + 160]
    heat = model.explain(np.ascontiguousarray(crop), "crossed")
    assert heat is not None
    assert heat.shape == (128, 128)
    assert heat.max() == pytest.approx(1)
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    assert abs(row - 64) < 25
    assert abs(column - 64) < 25
    assert model.explain(np.zeros((128, 128, 3), np.uint8), "crossed") is None


def test_a_training_that_was_stopped_in_each_phase_goes_on_to_the_same_end(tmp_path: Path) -> None:
    data = write_coco(tmp_path / "data", (1, 2), 96)
    settings = {**FAST, "steps": 4, "every": 2, "epochs": 3, "score_floor": 0.5}
    train_instances(data, tmp_path / "one", settings, 2, "cpu")
    two = tmp_path / "two"
    for phase, checkpoint in (("parts", PARTS_CHECKPOINT), ("classes", CLASSES_CHECKPOINT)):
        cancel, steps = CancelToken(), list[int]()

        def stop(step: Step, phase: str = phase, cancel: CancelToken = cancel, steps: list[int] = steps) -> None:
            if isinstance(step, TrainStep) and step.phase == phase and "loss" in step.message:
                steps.append(step.done)
                if step.done >= 3:
                    cancel.cancel()

        with pytest.raises(CancelledError):
            train_instances(data, two, settings, 2, "cpu", stop, cancel)
        assert (two / checkpoint).is_file()
        assert steps[-1] >= 3
    train_instances(data, two, settings, 2, "cpu")
    assert not (two / PARTS_CHECKPOINT).exists()
    assert not (two / CLASSES_CHECKPOINT).exists()
    straight, broken = (read_model_folder(tmp_path / name).card for name in ("one", "two"))
    assert straight["weights"] == broken["weights"]
    assert straight["metrics"] == broken["metrics"]


def test_what_can_not_be_trained_on_is_refused(data: Path, tmp_path: Path) -> None:
    for settings, said in (
        ({"crop_px": 100}, "crop_px"),
        ({"input_px": 50}, "input_px"),
        ({"weights": "coco"}, "coco"),
        ({"network": "yolact"}, "network"),
    ):
        with pytest.raises(UsageError, match=said):
            train_instances(data, tmp_path / "m", {**FAST, **settings}, device="cpu")
    with pytest.raises(InputError, match="'sound'"):
        train_instances(data, tmp_path / "m", {**FAST, "no_defect": "sound"}, device="cpu")
    with pytest.raises(InputError, match="no defect"):
        train_instances(write_coco(tmp_path / "d", (1,), kinds=("good",)), tmp_path / "m", FAST, device="cpu")
    assert find_trainer("instances", "outlines").id == "instances"
    with pytest.raises(UsageError, match="outlines"):
        find_trainer("instances", "boxes")


def test_parts_of_one_kind_need_no_judge(tmp_path: Path) -> None:
    data = write_coco(tmp_path / "d", (1, 2), 96, ("void",))
    train_instances(data, tmp_path / "m", {**FAST, "steps": 1, "score_floor": 0.5}, 0, "cpu")
    spec = read_model_folder(tmp_path / "m")
    assert spec.card["network"]["judge"] is None
    assert torch.get_num_threads() == 1
    assert load_model(spec, "cpu").find_boxes(np.zeros((96, 96, 3), np.uint8)).shape[1] > 6
