"""Windows cut from marked pictures: where they lie, what they show, and that a network trained on them finds marks."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from core.data.fingerprint import fingerprint_of
from core.data.labelled import LabelledData, LabelledPicture, Mark
from core.errors import InputError, UsageError
from core.evaluation.judging import evaluate
from core.evaluation.request import EvaluateRequest
from core.geometry import Box
from core.jobs import CancelToken, no_progress
from core.models.base import ModelSpec
from core.models.catalog import read_model_folder
from core.train import rate_finder
from core.train.examples import read_examples, scale_of
from core.train.regions import IGNORED, LabelledSection
from core.train.request import TrainRequest
from core.train.running import run_training
from core.train.trainers import find_trainer
from core.train.window_places import NO_DEFECT, Window, anywhere, shown, shows_nothing, windows_on
from core.train.window_source import WindowSource
from tests.toy import toy_spec, write_image
from tests.training_support import train_and_kill

pytestmark = pytest.mark.usefixtures("one_thread")

SIDE = 32
SMALL = {
    "backbone": "small",
    "input_px": SIDE,
    "batch": 16,
    "learning_rate": 0.02,
    "augmentation": 0.3,
    "negatives": 2.0,
}


def section_with(*boxes: tuple[float, float, float, float], side: int = 400, **others) -> LabelledSection:
    """Black, with a white square for each box; classes 1, 2, 3, …"""
    pixels = np.zeros((side, side, 3), np.uint8)
    for x, y, w, h in boxes:
        pixels[int(y) : int(y + h), int(x) : int(x + w)] = 255
    array = np.array(boxes, np.float32).reshape(-1, 4)
    return LabelledSection("s", pixels, array, np.arange(1, len(boxes) + 1), "g", **others)


# -- places ------------------------------------------------------------------------------------------------------------


def test_a_window_shows_the_mark_whose_middle_is_nearest():
    section = section_with((100, 100, 20, 20), (130, 100, 10, 10))
    assert shown(section, 110, 110, 100) == 1
    assert shown(section, 128, 108, 100) == 2
    assert shown(section, 250, 250, 100) == NO_DEFECT
    # The first mark reaches into it, but its middle lies too far out to say that it is shown.
    assert shown(section, 60, 110, 100) == IGNORED
    assert shown(section_with(), 60, 110, 100) == NO_DEFECT


def test_each_mark_has_its_window_and_each_of_those_so_many_without():
    section = section_with((100, 100, 20, 20), (300, 300, 24, 16))
    windows = windows_on([section], SIDE, 5, np.random.default_rng(0))
    assert [(w.x, w.y, w.shows) for w in windows[:2]] == [(110, 110, 1), (312, 308, 2)]
    without = windows[2:]
    assert len(without) == 10
    assert all(shows_nothing(section, w.x, w.y, SIDE) for w in without)
    beside = [w for w in without if not w.is_anywhere]
    assert len(beside) == 3
    gaps = [
        min(max(abs(w.x - x) - wide / 2, abs(w.y - y) - high / 2) - SIDE / 2 for x, y, wide, high in ((110, 110, 20, 20), (312, 308, 24, 16)))
        for w in beside
    ]  # fmt: skip
    assert all(-0.01 <= gap <= SIDE / 2 + 0.01 for gap in gaps), "near misses end shortly before a mark"
    assert len(windows_on([section], SIDE, 0, np.random.default_rng(0))) == 2


def test_places_that_somebody_found_empty_come_first_and_nothing_else_is_guessed():
    known, empty = np.array([[40, 40, 30, 30]], np.float32), np.array([[45, 45, 20, 20]], np.float32)
    section = section_with((200, 200, 20, 20), known=known, empty=empty)
    windows = windows_on([section], SIDE, 3, np.random.default_rng(0))
    assert windows == [Window(0, 210, 210, 1), Window(0, 55, 55, NO_DEFECT)], "a window of 32 px is known nowhere else"
    wide = section_with((200, 200, 20, 20), known=np.array([[20, 20, 100, 100]], np.float32), empty=empty)
    places = [anywhere(wide, SIDE, np.random.default_rng(seed)) for seed in range(20)]
    assert all(place and min(place) >= 20 + 14 and max(place) <= 120 - 14 for place in places)


def test_validated_windows_stay_and_others_move_but_show_the_same():
    section = section_with((100, 100, 10, 10), (260, 260, 10, 10))
    windows = [Window(0, 105, 105, 1), Window(0, 330, 60, NO_DEFECT, is_anywhere=True)]
    source = WindowSource([section], windows, SIDE)
    fixed = source.batch([0, 1])
    assert (fixed == source.batch([0, 1])).all()
    assert (fixed[0, 11:21, 11:21] == 255).all()
    assert fixed[0].sum() == 10 * 10 * 3 * 255
    assert not fixed[1].any()
    moved = source.batch([0] * 40, np.random.default_rng(0), strength=1.0)
    bright = [cv2.moments((image.max(2) > 128).astype(np.uint8)) for image in moved]
    assert all(m["m00"] > 40 for m in bright), "the mark is in every one of them"
    columns = [m["m10"] / m["m00"] for m in bright]
    assert max(columns) - min(columns) > SIDE / 3, "but not at the same place"
    sizes = [m["m00"] for m in bright]
    assert max(sizes) > 1.3 * min(sizes), "nor of the same size"
    assert not any((image.max(2) > 200).any() for image in source.batch([1] * 40, np.random.default_rng(1), 0.2))


def test_a_window_without_a_defect_never_moves_to_where_nobody_looked():
    """Beyond what is known the section is bright; only its edge may be seen, as little as its known part ends at."""
    section = section_with(known=np.array([[100, 100, 40, 40]], np.float32))
    section.pixels[:] = 255
    section.pixels[100:140, 100:140] = 0
    source = WindowSource([section], [Window(0, 120, 120, NO_DEFECT)], SIDE)
    moved = source.batch([0] * 40, np.random.default_rng(0), strength=1.0)
    assert (moved.max(3) > 200).mean((1, 2)).max() < 0.2
    assert len({image.tobytes() for image in moved}) > 20, "but it moves"


# -- data --------------------------------------------------------------------------------------------------------------


def write_pictures(folder: Path, number: int, seed: int = 0) -> LabelledData:
    """Grey grain with dark discs (pore) and bright bars (chip), boxes exact, an image and a truth CSV each."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    pictures = []
    for index in range(number):
        pixels, marks = rng.normal(120, 10, (256, 256)).clip(0, 255).astype(np.uint8), []
        for number, place in enumerate(rng.permutation(16)[:6]):
            x, y = (int(v) * 64 + 32 + int(rng.integers(-10, 11)) for v in divmod(int(place), 4))
            if number % 2:
                cv2.circle(pixels, (x, y), 8, 20, -1)
                marks.append(Mark("pore", Box(x - 8, y - 8, 17, 17)))
            else:
                pixels[y - 4 : y + 4, x - 10 : x + 10] = 230
                marks.append(Mark("chip", Box(x - 10, y - 4, 20, 8)))
        path = write_image(folder / f"s{index}.png", np.repeat(pixels[..., None], 3, 2))
        rows = [f"{m.label},{m.box.x},{m.box.y},{m.box.w},{m.box.h}" for m in marks]
        (folder / f"s{index}.truth.csv").write_text("class,x_px,y_px,w_px,h_px\n" + "\n".join(rows))
        pictures.append(LabelledPicture(path, tuple(marks), f"group{index // 2}"))
    return LabelledData(folder, "sections", tuple(pictures))


def spec_of(data: LabelledData) -> ModelSpec:
    return toy_spec(labels=data.labels, window_px=SIDE, um_per_px=None)


def test_windows_of_one_group_stay_together(tmp_path: Path):
    data = write_pictures(tmp_path, 6)
    examples = read_examples(data, spec_of(data), 1.0, 0, no_progress, CancelToken())
    assert np.bincount(examples.classes).tolist() == [36, 18, 18]
    nothing = np.array([], int)
    for training, validation in examples.folds(5, 0, nothing):
        assert {examples.groups[i] for i in training}.isdisjoint(examples.groups[i] for i in validation)
    assert len(examples.folds(5, 0, nothing)) == 3, "as many as there are groups"
    held = np.arange(5)
    assert all(not set(held) & {*a, *b} for a, b in examples.folds(2, 0, held))


def test_what_was_set_aside_is_validated_on_and_one_group_serves_for_both(tmp_path: Path):
    data = write_pictures(tmp_path, 3)
    split = LabelledData(data.source, "sections", data.pictures[:2], data.pictures[2:])
    examples = read_examples(split, spec_of(data), 0.0, 0, no_progress, CancelToken())
    ((training, validation),) = examples.folds(5, 0, np.array([], int))
    assert (len(training), len(validation)) == (12, 6)
    assert {examples.groups[i] for i in validation} == {"group1"}
    same = LabelledData(data.source, "sections", data.pictures[:1], data.pictures[1:2])  # of one group
    examples = read_examples(same, spec_of(data), 0.0, 0, no_progress, CancelToken())
    assert not examples.is_one_group
    assert examples.folds(5, 0, np.array([], int))[0][1].tolist() == list(range(6, 12))
    alone = LabelledData(data.source, "sections", data.pictures[:1])
    examples = read_examples(alone, spec_of(data), 0.0, 0, no_progress, CancelToken())
    assert examples.is_one_group
    assert (examples.folds(5, 0, np.array([], int))[0][1] == np.arange(6)).all()


def test_marks_alone_say_nothing_of_what_is_no_defect(tmp_path: Path):
    picture = write_pictures(tmp_path, 1).pictures[0]
    places = tuple(mark.box for mark in picture.marks)
    marked = LabelledData(tmp_path, "project", (LabelledPicture(picture.path, picture.marks, "g", known=places),))
    with pytest.raises(InputError, match="nothing says where no defect is"):
        read_examples(marked, spec_of(marked), 2.0, 0, no_progress, CancelToken())


def test_the_scale_is_the_pictures_own_if_they_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    data = write_pictures(tmp_path, 2)
    sizes: dict[str, float | None] = {}
    monkeypatch.setattr("core.train.scales._um_per_px", lambda picture, entered: sizes[picture.name])
    sizes |= {"s0.png": 0.5, "s1.png": 0.5}
    assert scale_of(data, 0) == 0.5
    assert scale_of(data, 2.0) == 2.0
    for other in (1.0, None):
        sizes["s1.png"] = other
        with pytest.raises(UsageError, match="different scales"):
            scale_of(data, 0)
    sizes["s0.png"] = None
    assert scale_of(data, 0) is None


def test_the_fingerprint_changes_with_pictures_and_marks_and_not_with_names(tmp_path: Path):
    first, other = write_pictures(tmp_path / "a", 2), write_pictures(tmp_path / "b", 2)
    before = fingerprint_of(first.pictures)
    assert fingerprint_of(reversed(other.pictures)) == before
    fewer = LabelledPicture(first.pictures[0].path, first.pictures[0].marks[1:], "group0")
    assert fingerprint_of([fewer, first.pictures[1]]) != before
    write_image(other.pictures[1].path, np.zeros((8, 8, 3), np.uint8))
    assert fingerprint_of(other.pictures) != before


def test_a_setting_of_its_own_chooses_this_trainer_for_marked_pictures():
    assert find_trainer("classifier", "boxes").id == "cells"
    assert find_trainer("classifier", "boxes", frozenset({"um_per_px"})).id == "cells"
    assert find_trainer("classifier", "outlines", frozenset({"backbone"})).id == "windows"


# -- a whole training ----------------------------------------------------------------------------------------------------


def test_one_trained_on_windows_finds_marks_in_a_picture(tmp_path: Path):
    write_pictures(tmp_path / "data", 8)
    out = tmp_path / "model"
    settings = {**SMALL, "epochs": 8, "sampling": "over", "test_share": 0.25, "um_per_px": 2.0}
    metrics = run_training(TrainRequest("classifier", tmp_path / "data", out, settings, 1, "cpu"))
    assert metrics["validation"]["macro_f1"] > 0.9
    assert metrics["test"]["macro_f1"] > 0.8
    spec = read_model_folder(out)
    assert (spec.labels, spec.um_per_px, spec.window_px) == (("chip", "pore"), 2.0, SIDE)
    training = spec.card["training"]
    assert training["commands"][0].startswith("schliff train windows --data data --out model --seed 1 --set ")
    assert [sum(part.get(name, 0) for part in training["pictures"].values()) for name in spec.labels] == [24, 24]
    assert training["pictures"]["test"]["pore"] == metrics["test"]["classes"]["pore"]["images"] == 6
    assert len(training["data_fingerprint"]) == 32

    last = read_model_folder(out / "last")
    assert (last.id, last.labels) == ("model-last", spec.labels)
    write_pictures(tmp_path / "unseen", 2, seed=9)
    figures = evaluate(EvaluateRequest.of(spec, tmp_path / "unseen", device="cpu")).figures
    assert figures["defects"]["truth"] == 12
    assert figures["defects"]["recall"] >= 0.75, "a scan finds them where they are"
    assert figures["defects"]["precision"] >= 0.6


def test_going_on_from_another_classifier_keeps_all_but_its_last_layer(tmp_path: Path):
    write_pictures(tmp_path / "data", 2)
    first = TrainRequest("windows", tmp_path / "data", tmp_path / "first", {**SMALL, "epochs": 1}, 0, "cpu")
    run_training(first)
    settings = {**SMALL, "epochs": 1, "learning_rate": 1e-7, "weights": str(tmp_path / "first")}
    run_training(TrainRequest("windows", tmp_path / "data", tmp_path / "second", settings, 5, "cpu"))
    commands = read_model_folder(tmp_path / "second").card["training"]["commands"]
    assert ["--out first" in commands[0], "--out second" in commands[1]] == [True, True]
    from safetensors.numpy import load_file

    before, after = (load_file(tmp_path / name / "weights.safetensors") for name in ("first", "second"))
    assert np.abs(before["layer3.0.conv1.weight"] - after["layer3.0.conv1.weight"]).max() < 1e-3
    assert np.abs(before["head.weight"] - after["head.weight"]).max() > 1e-3
    with pytest.raises(UsageError, match="another network"):
        run_training(
            TrainRequest(
                "windows", tmp_path / "data", tmp_path / "third", {**settings, "backbone": "resnet18"}, 0, "cpu"
            )
        )


def test_a_training_that_was_killed_ends_as_one_that_was_not(tmp_path: Path):
    """SIGKILL some batches after an epoch was kept, so that nothing could be put in order."""
    write_pictures(tmp_path / "data", 4)
    settings = {**SMALL, "epochs": 40, "patience": 2, "learning_rate": 0.05, "negatives": 1.0}
    kept = tmp_path / "killed" / ".training.safetensors.0"
    train_and_kill(TrainRequest("windows", tmp_path / "data", kept.parent, settings, 3, "cpu"), kept.exists)
    results = [
        run_training(TrainRequest("windows", tmp_path / "data", tmp_path / name, settings, 3, "cpu"))
        for name in ("killed", "whole")
    ]
    assert results[0] == results[1]
    cards = [read_model_folder(tmp_path / name).card for name in ("killed", "whole")]
    assert cards[0]["weights"] == cards[1]["weights"]
    assert cards[0]["training"]["history"] == cards[1]["training"]["history"]
    assert len(cards[0]["training"]["history"]) < 40, "it stopped early, as the other"


def test_a_rate_can_be_found_first_and_the_training_is_that_of_this_rate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rate_finder, "_FACTOR", 2.0)
    write_pictures(tmp_path / "data", 2)
    settings = {**SMALL, "epochs": 1, "negatives": 1.0, "batch": 64, "augmentation": 0.0}
    given = settings.pop("learning_rate")
    found = TrainRequest("windows", tmp_path / "data", tmp_path / "found", {**settings, "find_rate": True}, 1, "cpu")
    run_training(found)
    curve = read_model_folder(found.out).card["training"]["rate_curve"]
    assert curve["rates"][0] < curve["suggestion"] <= curve["rates"][-1]
    settings["learning_rate"] = curve["suggestion"]
    run_training(TrainRequest("windows", tmp_path / "data", tmp_path / "given", settings, 1, "cpu"))
    weights = [read_model_folder(tmp_path / name).card["weights"] for name in ("found", "given")]
    assert weights[0] == weights[1], "trying rates left nothing behind"
    assert not list(found.out.glob(".training*"))
    with pytest.raises(UsageError, match="learning_rate"):
        run_training(
            TrainRequest(
                "windows", tmp_path / "data", tmp_path / "o", {"find_rate": True, "learning_rate": given}, 1, "cpu"
            )
        )
