from __future__ import annotations

import csv
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from core.data.image_set import groups_of, is_image_set, read_image_set
from core.errors import CancelledError, InputError, UsageError
from core.jobs import CancelToken, Step
from core.models.catalog import load_model, read_model_folder
from core.train.class_metrics import class_metrics
from core.train.image_source import squared
from core.train.request import TrainRequest
from core.train.running import run_training
from core.train.splits import class_weights, epoch_order, group_folds, held_back
from tests.toy import write_image

SMALL = {"backbone": "small", "input_px": 32, "batch": 8, "folds": 2, "augmentation": 0.5, "learning_rate": 0.01}


pytestmark = pytest.mark.usefixtures("one_thread")


def image_of(kind: str, rng: np.random.Generator) -> np.ndarray:
    image = rng.integers(90, 110, (32, 32, 3), np.uint8)
    if kind == "scratch":
        image[:, 14:18] = 230
    elif kind == "pit":
        image[10:22, 10:22] = 10
    return image


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes, few pits, twelve sections; a stripe or a pit is what tells them apart."""
    place, rng = tmp_path_factory.mktemp("images"), np.random.default_rng(1)
    for kind, number in (("good", 24), ("scratch", 24), ("pit", 12)):
        (place / kind).mkdir()
        for index in range(number):
            write_image(place / kind / f"section{index % 12}_{index:03}.png", image_of(kind, rng))
    return place


def train(data: Path, out: Path, **settings) -> dict:
    return run_training(TrainRequest("classifier", data, out, SMALL | settings, 0, "cpu"))


def test_classes_come_from_folders_and_the_good_one_is_no_defect(folder: Path):
    images = read_image_set(folder)
    assert (images.labels, images.no_defect) == (("pit", "scratch"), "good")
    assert len({image.group for image in images.images}) == 12
    assert {images.class_of(image) for image in images.images} == {0, 1, 2}


def test_a_table_says_class_and_group(tmp_path: Path, folder: Path):
    rows = [("a.png", "crack", "s1"), ("b.png", "ok", "s2")]
    for name, _, _ in rows:
        write_image(tmp_path / name, np.zeros((4, 4, 3), np.uint8))
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file", "class", "group"), *rows])
    images = read_image_set(tmp_path)
    assert [(i.path.name, i.label, i.group) for i in images.images] == rows
    (tmp_path / "labels.csv").write_text("file;class\r\na.png;crack\r\nb.png;\r\n")
    with pytest.raises(InputError, match="line 3: the class is empty"):
        read_image_set(tmp_path)
    (tmp_path / "labels.csv").write_text("file;class\r\na.png;crack\r\nb.png; ok\r\n")
    assert [image.label for image in read_image_set(tmp_path).images] == ["crack", "ok"]
    (tmp_path / "b.png").unlink()
    with pytest.raises(InputError, match=r"line 3: it names 'b\.png', which is not there"):
        read_image_set(tmp_path)


def test_numbers_taken_after_each_other_stay_together():
    names = [Path(f"cell{number:04}.png") for number in range(200)]
    groups = groups_of(names)
    assert len(set(groups)) == 20
    assert all(len({n for n, g in zip(range(200), groups, strict=True) if g == one}) == 10 for one in set(groups))
    assert sum(a != b for a, b in pairwise(groups)) == 19, "blocks of neighbours"
    assert groups_of([Path(f"s{n % 12}_{n}.png") for n in range(40)])[13] == "s1_"


def test_no_group_stands_on_both_sides(folder: Path):
    images = read_image_set(folder)
    groups = [image.group for image in images.images]
    classes = np.array([images.class_of(image) for image in images.images])
    validated: list[int] = []
    for training, validation in group_folds(classes, groups, 4, seed=3):
        assert not {groups[i] for i in training} & {groups[i] for i in validation}
        validated += validation.tolist()
    assert sorted(validated) == list(range(len(groups)))
    held = held_back(classes, groups, 0.25, seed=3)
    assert {groups[i] for i in held}.isdisjoint(groups[i] for i in np.setdiff1d(np.arange(len(groups)), held))
    assert len(held) == 15
    assert len(held_back(classes, groups, 0.0, seed=3)) == 0
    with pytest.raises(InputError, match="12 groups"):
        group_folds(classes, groups, 13, seed=0)


def test_an_epoch_is_sampled_as_asked():
    classes, rng = np.array([0] * 6 + [1] * 2), np.random.default_rng(0)
    assert sorted(epoch_order(classes, "plain", rng)) == list(range(8))
    over = classes[epoch_order(classes, "over", rng)]
    assert np.bincount(over).tolist() == [6, 6]
    assert np.bincount(classes[epoch_order(classes, "under", rng)]).tolist() == [2, 2]


def test_classes_count_as_asked():
    classes = np.array([0] * 6 + [1] * 2)
    assert class_weights(classes, 3, False, 1.0) is None
    balanced, heavier = class_weights(classes, 3, True, 1.0), class_weights(classes, 3, False, 4.0)
    assert balanced is not None
    assert heavier is not None
    assert balanced.tolist() == pytest.approx([8 / 12, 2.0, 0.0])
    assert heavier.tolist() == [1.0, 4.0, 0.0]


def test_metrics_equal_what_is_counted_by_hand():
    table = class_metrics(np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 2]), ["a", "b", "c"])
    assert table["accuracy"] == 0.6
    assert table["classes"]["a"] == {"images": 3, "precision": 1.0, "recall": 0.6667, "f1": 0.8}
    assert table["classes"]["c"] == {"images": 0, "precision": 0.0, "recall": None, "f1": None}
    assert table["balanced_accuracy"] == pytest.approx((2 / 3 + 1 / 2) / 2, abs=1e-4)
    assert table["macro_f1"] == pytest.approx((0.8 + 0.5) / 2)


def test_an_image_of_any_shape_is_squared_at_one_scale():
    image = np.zeros((10, 40, 3), np.uint8)
    image[:, 20:] = 200
    out = squared(image, 80)
    assert out.shape == (80, 80, 3)
    assert (out[:, :30] == 0).all(), "its border goes on above and below"
    assert (out[:, 50:] == 200).all()


def test_a_trained_one_tells_the_classes_apart_and_scans(tmp_path: Path, folder: Path):
    metrics = train(folder, tmp_path / "model", epochs=8, sampling="over", loss="alpha_js", weighted=True)
    assert metrics["validation"]["macro_f1"] > 0.7
    spec = read_model_folder(tmp_path / "model")
    assert spec.labels == ("pit", "scratch")
    assert spec.card["training"]["images"] == {"good": 24, "pit": 12, "scratch": 24}
    model = load_model(spec, "cpu")
    maps = model.map_tile(np.full((320, 320, 3), 100, np.uint8))
    assert maps.shape == (3, 40, 40)
    assert not list((tmp_path / "model").glob(".training*"))


def test_without_good_images_no_defect_is_never_the_answer(tmp_path: Path, folder: Path):
    data = tmp_path / "data"
    data.mkdir()
    for kind in ("pit", "scratch"):
        (data / kind).symlink_to(folder / kind)
    train(data, tmp_path / "model", epochs=1)
    model = load_model(read_model_folder(tmp_path / "model"), "cpu")
    scores = model.scores(model.map_tile(np.full((320, 320, 3), 100, np.uint8)))
    assert scores.sum(0) == pytest.approx(1.0, abs=1e-4)


def test_a_training_that_was_broken_off_ends_as_one_without_a_break(tmp_path: Path, folder: Path):
    token = CancelToken()

    def stop(step: Step) -> None:
        if "epoch 3" in step.message:
            token.cancel()

    with pytest.raises(CancelledError):
        run_training(
            TrainRequest("classifier", folder, tmp_path / "broken", SMALL | {"epochs": 4}, 0, "cpu"), stop, token
        )
    again = train(folder, tmp_path / "broken", epochs=4)
    whole = train(folder, tmp_path / "whole", epochs=4)
    assert again == whole


def test_bad_sets_and_settings_are_told_plainly(tmp_path: Path, folder: Path):
    with pytest.raises(UsageError, match="can't start from that"):
        train(folder, tmp_path / "m", weights="imagenet")
    (tmp_path / "one" / "good").mkdir(parents=True)
    broken = tmp_path / "one" / "good" / "broken_1.png"
    broken.write_bytes(b"no image")
    with pytest.raises(InputError, match="only one class"):
        read_image_set(tmp_path / "one")
    (tmp_path / "one" / "bad").mkdir()
    for index in range(4):
        write_image(tmp_path / "one" / "bad" / f"s{index}_2.png", np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(InputError, match=r"broken_1\.png"):
        train(tmp_path / "one", tmp_path / "m", epochs=1)
    with pytest.raises(InputError, match="can't be read"):
        is_image_set(tmp_path / "nowhere")
