"""Quality against how much was learnt from: nested parts of the data, one validation, going on after a break, the picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from app.cli import main
from core.data.image_set import ImageSet
from core.data.labelled import LabelledData
from core.data.part import DataPart
from core.data.reading import read_data
from core.errors import CancelledError, InputError, UsageError
from core.evaluation.judging import evaluate
from core.evaluation.page import page
from core.evaluation.request import EvaluateRequest
from core.jobs import CancelToken, Step
from core.models.catalog import read_model_folder
from core.train.learning_curve import learning_curve
from core.train.learning_curve_file import CURVE_NAME, learning_curve_of, read_learning_curve
from core.train.request import TrainRequest

SETTINGS = {"window_px": 24, "stride_px": 24, "folds": 2}


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six sections with two smooth and two striped images each."""
    folder = tmp_path_factory.mktemp("data") / "images"
    rng = np.random.default_rng(0)
    rows = ["file,class,group"]
    for label in ("good", "striped"):
        (folder / label).mkdir(parents=True)
    for number in range(24):
        label = ("good", "striped")[number % 2]
        pixels = rng.normal(120, 12, (24, 24, 3))
        pixels[:: 3 if label == "striped" else 99] -= 70
        cv2.imwrite(str(folder / label / f"{number:02}.png"), pixels.clip(0, 255).astype(np.uint8))
        rows.append(f"{label}/{number:02}.png,{label},section{number // 4}")
    (folder / "labels.csv").write_text("\n".join(rows))
    return folder


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five pictures with two marks each."""
    folder = tmp_path_factory.mktemp("marked")
    for number in range(5):
        cv2.imwrite(str(folder / f"s{number}.png"), np.full((64, 64, 3), 90, np.uint8))
        rows = "class,x_px,y_px,w_px,h_px\npore,4,4,9,9\nchip,30,30,9,9"
        (folder / f"s{number}.truth.csv").write_text(rows)
    return folder


def ask(data: Path, out: Path, **changes: Any) -> TrainRequest:
    return TrainRequest("classical", data, out, {**SETTINGS, **changes}, 2, "cpu")


@pytest.fixture(scope="module")
def trained(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "curve"
    learning_curve(ask(images, out), (0.4, 1.0))
    return out


# -- parts of data ------------------------------------------------------------------------------------------------------


def test_a_part_of_marked_data_is_read_as_data(marked: Path, tmp_path: Path) -> None:
    whole = read_data(marked)
    assert isinstance(whole, LabelledData)
    groups = [picture.group for picture in whole.pictures]
    DataPart(marked, tuple(groups[:2]), (groups[4],)).write(tmp_path / "x.part.json")
    part = read_data(tmp_path / "x.part.json")
    assert isinstance(part, LabelledData)
    assert part.pictures == whole.pictures[:2]
    assert part.validation == whole.pictures[4:]


def test_what_was_set_aside_stays_aside_in_every_part(marked: Path) -> None:
    whole = read_data(marked)
    assert isinstance(whole, LabelledData)
    split = LabelledData(marked, whole.format, whole.pictures[:4], whole.pictures[4:])
    part = DataPart(marked, (whole.pictures[0].group,)).of(split)
    assert isinstance(part, LabelledData)
    assert (part.pictures, part.validation) == (whole.pictures[:1], whole.pictures[4:])


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"source": "a", "training": 3, "validation": []}'])
def test_a_broken_part_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.part.json").write_text(text)
    with pytest.raises(InputError, match="no part of labelled data"):
        read_data(tmp_path / "x.part.json")


def test_a_part_of_itself_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.part.json"
    DataPart(path, ("a",)).write(path)
    with pytest.raises(InputError, match="a part of a part"):
        read_data(path)


# -- the curve ----------------------------------------------------------------------------------------------------------


def test_each_training_knows_what_the_one_before_did_and_all_are_judged_alike(trained: Path) -> None:
    curve = read_learning_curve(trained)
    assert curve is not None
    assert (curve.figure, curve.unit) == ("macro_f1", "images")
    assert [(p.groups, p.examples, p.folder) for p in curve.points] == [(2, 8, "groups-2"), (4, 16, "groups-4")]
    parts = [read_data(trained / f"{point.folder}.part.json") for point in curve.points]
    small, large = (part for part in parts if isinstance(part, ImageSet))
    assert small.aside == large.aside
    assert len(small.aside) == 2
    assert {image.group for image in small.images} < {image.group for image in large.images}
    for point in curve.points:
        metrics = read_model_folder(trained / point.folder).card["metrics"]["validation"]
        assert point.value == metrics["macro_f1"]
        assert metrics["images"] == 8


def test_after_a_break_only_what_is_missing_is_trained(images: Path, trained: Path, tmp_path: Path) -> None:
    cancel, told = CancelToken(), []

    def stop(step: Step) -> None:
        if step.message.startswith("training 2 of 2"):
            cancel.cancel()

    with pytest.raises(CancelledError):
        learning_curve(ask(images, tmp_path), (0.4, 1.0), stop, cancel)
    first = read_learning_curve(tmp_path)
    assert first is not None
    assert len(first.points) == 1
    curve = learning_curve(ask(images, tmp_path), (0.4, 1.0), lambda step: told.append(step.message))
    assert {message[:15] for message in told} == {"training 2 of 2"}
    whole = read_learning_curve(trained)
    assert whole is not None
    assert curve.points == whole.points


def test_another_curve_in_the_same_folder_is_refused(images: Path, trained: Path) -> None:
    with pytest.raises(UsageError, match="another learning curve"):
        learning_curve(ask(images, trained, cost=3.0), (1.0,))


@pytest.mark.parametrize("shares", [(), (0.0, 1.0), (1.5,), (float("nan"),)])
def test_shares_out_of_range_are_refused(shares: tuple[float, ...], images: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="shares"):
        learning_curve(ask(images, tmp_path / "o"), shares)
    assert not (tmp_path / "o").exists()


def test_too_few_groups_are_refused(marked: Path, tmp_path: Path) -> None:
    whole = read_data(marked)
    assert isinstance(whole, LabelledData)
    DataPart(marked, tuple(p.group for p in whole.pictures[:2])).write(tmp_path / "two.part.json")
    with pytest.raises(UsageError, match="3 groups"):
        learning_curve(ask(tmp_path / "two.part.json", tmp_path / "o"), (1.0,))


# -- telling ------------------------------------------------------------------------------------------------------------


def test_the_command_prints_a_table_and_json(images: Path, trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = [f"--set={name}={value}" for name, value in SETTINGS.items()]
    out = trained.parent / "told"
    arguments = ["learning-curve", "classical", "--data", str(images), "--out", str(out), "--shares", "1", *given]
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["groups", "images", "macro", "F1", "model"]
    assert lines[-1] == str(out / CURVE_NAME)
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((out / CURVE_NAME).read_text())


def test_an_evaluation_shows_the_curve_beside_its_model(images: Path, trained: Path) -> None:
    spec = read_model_folder(trained / "groups-4")
    judged = evaluate(EvaluateRequest.of(spec, images, device="cpu"))
    assert "Learning curve" in page(judged)
    assert "Images learnt from" in page(judged)
    (trained / "groups-2" / CURVE_NAME).write_text('{"format": 1}')
    assert learning_curve_of(trained / "groups-2") == read_learning_curve(trained), "a broken one is passed over"
    (trained / "groups-2" / CURVE_NAME).unlink()
    assert learning_curve_of(None) is None
