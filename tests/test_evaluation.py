"""A model judged on labelled data of any kind, from the request to what is kept."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.cli import main
from core.check import check_project
from core.data.fingerprint import fingerprint_of
from core.data.labelled import LabelledData, LabelledPicture, Mark
from core.errors import CancelledError, InputError, UsageError
from core.evaluation.asking import Asking, passing_project
from core.evaluation.judging import evaluate
from core.evaluation.request import EvaluateRequest
from core.evaluation.store import read_evaluation, save_evaluation, stored_evaluations
from core.geometry import Box
from core.jobs import CancelToken, no_progress
from core.models.catalog import find_model, load_model
from core.project import Project
from core.readers.base import open_section
from core.scan.runner import run_scan
from core.synthetic import make_sample, write_sample
from core.train.request import TrainRequest
from core.train.running import run_training
from tests.evaluation_support import spots, truth, use_toy
from tests.toy import toy_spec, write_image

pytestmark = pytest.mark.usefixtures("one_thread", "quick_disk")


def judge(model, data: Path, **options):
    spec = toy_spec() if model == "toy" else find_model(model)
    return evaluate(EvaluateRequest.of(spec, data, device="cpu", **options))


def test_a_model_is_judged_on_sections_as_a_scan_and_a_check_would(tmp_path: Path):
    path = tmp_path / "5.tif"
    write_sample(make_sample("battery", 1200, 6, 5), path)
    judged = judge("battery-windows", tmp_path)
    spec = find_model("battery-windows")
    with Project.create(tmp_path / "p") as project, open_section(path) as section:
        run_scan(project, section, load_model(spec, "cpu"))
        figures = check_project(project, path.with_suffix(".truth.csv"))
    assert judged.figures["sections"] == 1
    assert judged.figures["defects"] == figures["defects"]
    assert judged.figures["classes"] == figures["classes"]
    assert judged.figures["defects"]["truth"] > 0
    assert judged.figures["area_mm2"] > 0


@pytest.fixture
def toy_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two pictures: of two squares in each, one is marked in the second; a crack is marked where nothing is."""
    use_toy(monkeypatch)
    folder = tmp_path / "data"
    folder.mkdir()
    for name, marked in (("a.png", [(40, 40), (160, 160)]), ("b.png", [(40, 40), (200, 60)])):
        truth(spots(folder, name, [(40, 40), (160, 160)]), marked)
    return folder


def test_what_is_missed_and_what_is_wrong_can_be_seen(toy_data: Path):
    judged = judge("toy", toy_data)
    assert {n: judged.figures["defects"][n] for n in ("truth", "tp", "fp", "fn")} == {
        "truth": 4, "tp": 3, "fp": 1, "fn": 1,
    }  # fmt: skip
    miss, alarm = judged.failures
    assert (miss.kind, miss.truth, miss.box, miss.picture) == ("miss", "crack", Box(200, 60, 24, 24), 1)
    assert (alarm.kind, alarm.predicted, alarm.picture) == ("false_alarm", "anomaly", 1)
    assert alarm.box.iou(Box(160, 160, 24, 24)) > 0.3
    assert alarm.scores == {"anomaly": pytest.approx(alarm.score, abs=1e-3)}
    for one in judged.failures:
        assert one.crop
        assert one.shown.contains(*one.box.center)
    assert judged.made["device"] == "cpu"


def test_a_threshold_that_is_asked_for_counts(toy_data: Path):
    judged = judge("toy", toy_data, threshold=2.0)
    assert (judged.threshold, judged.figures["defects"]["tp"]) == (2.0, 0)
    assert "--threshold 2" in judged.made["command"]


def test_only_what_is_known_counts(toy_data: Path, monkeypatch: pytest.MonkeyPatch):
    known = (Box(0, 0, 128, 128),)
    marks = (Mark("crack", Box(40, 40, 24, 24)),)
    pictures = (
        LabelledPicture(toy_data / "a.png", marks, "a", known),
        LabelledPicture(toy_data / "b.png", (), "b", known=()),
    )
    data = LabelledData(toy_data, "project", pictures)
    monkeypatch.setattr("core.evaluation.judging.read_data", lambda path: data)
    judged = judge("toy", toy_data)
    assert {n: judged.figures["defects"][n] for n in ("truth", "tp", "fp", "fn")} == {
        "truth": 1, "tp": 1, "fp": 0, "fn": 0,
    }  # fmt: skip
    assert [picture.path.name for picture in judged.pictures] == ["a.png"]  # nobody judged the other one
    only = LabelledData(toy_data, "project", pictures[1:])
    monkeypatch.setattr("core.evaluation.judging.read_data", lambda path: only)
    with pytest.raises(InputError, match="nothing in it was judged"):
        judge("toy", toy_data)


def test_what_several_known_places_share_is_judged_once(toy_data: Path):
    picture = LabelledPicture(toy_data / "a.png", (), "a", (Box(0, 0, 128, 128), Box(64, 96, 64, 64)))
    asking = Asking(toy_spec(), EvaluateRequest.of(toy_spec(), toy_data, device="cpu"), no_progress, CancelToken())
    with passing_project() as project:
        assert asking.scan(project, picture, 0, 1, keep_background=True).area_px == 128 * 128 + 64 * 32


def test_what_was_set_aside_is_judged(toy_data: Path):
    held = toy_data / "validation"
    held.mkdir()
    truth(spots(held, "c.png", [(40, 40)]), [(40, 40)])
    judged = judge("toy", toy_data)
    assert (judged.data["part"], len(judged.pictures)) == ("validation", 1)
    assert len(judge("toy", toy_data, part="all").pictures) == 3
    assert len(judge("toy", toy_data, part="training").pictures) == 2


def test_without_a_part_set_aside_it_says_so(toy_data: Path):
    with pytest.raises(UsageError, match="nothing was set aside"):
        judge("toy", toy_data, part="validation")


def test_boxes_of_coco_are_judged_like_any_others(toy_data: Path):
    """The same marks in another format: the same figures."""
    boxes = {"a": [(40, 40), (160, 160)], "b": [(40, 40), (200, 60)]}
    images = [{"id": i, "file_name": f"{n}.png", "width": 256, "height": 256} for i, n in enumerate(boxes)]
    rows = [(i, at) for i, places in enumerate(boxes.values()) for at in places]
    annotations = [
        {"id": k, "image_id": i, "category_id": 1, "bbox": [x, y, 24, 24]} for k, (i, (x, y)) in enumerate(rows)
    ]
    coco = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "crack"}]}
    before = judge("toy", toy_data)
    (toy_data / "coco.json").write_text(json.dumps(coco))
    judged = judge("toy", toy_data / "coco.json")
    assert judged.figures["defects"] == before.figures["defects"]
    assert (judged.data["format"], before.data["format"]) == ("coco", "sections")


def test_the_same_data_is_known_again_wherever_it_lies(toy_data: Path, tmp_path: Path):
    other = toy_data.rename(tmp_path / "elsewhere")
    first = judge("toy", other).data["fingerprint"]
    assert judge("toy", other.rename(tmp_path / "again")).data["fingerprint"] == first
    truth(tmp_path / "again" / "a.png", [(41, 40)])
    assert judge("toy", tmp_path / "again").data["fingerprint"] != first


def test_pictures_that_chose_the_threshold_are_no_unseen_ones(toy_data: Path, monkeypatch: pytest.MonkeyPatch):
    first, second = (LabelledPicture(toy_data / f"{name}.png", (), name) for name in "ab")
    data = LabelledData(toy_data, "project", (first,), validation=(second,))
    monkeypatch.setattr("core.evaluation.judging.read_data", lambda path: data)
    use_toy(monkeypatch, toy_spec(card={"training": {"data_fingerprint": fingerprint_of(data.everything)}}))
    judged = judge("toy", toy_data)
    assert judged.data["part"] == "validation"
    (note,) = judged.data["notes"]
    assert "the training chose the threshold and the best state of the model on these pictures" in note
    use_toy(monkeypatch, toy_spec(card={"training": {"sections": ["a.png"], "validation_sections": ["b.png"]}}))
    (note,) = judge("toy", toy_data).data["notes"]
    assert note.startswith("1 of 1 pictures have the name of one that the training chose the threshold")


def test_a_model_that_learnt_from_these_files_is_told_of(toy_data: Path, monkeypatch: pytest.MonkeyPatch):
    use_toy(monkeypatch, toy_spec(card={"training": {"sections": ["a.png"], "commands": ["schliff train"]}}))
    judged = judge("toy", toy_data)
    assert judged.data["notes"] == ["1 of 2 pictures have the name of one that the model was trained on"]
    assert judged.model["commands"] == ["schliff train"]
    use_toy(monkeypatch, toy_spec(card={"training": {"data_fingerprint": judged.data["fingerprint"]}}))
    assert judge("toy", toy_data.rename(toy_data.with_name("renamed"))).data["notes"] == [
        "this is the data that the model was trained on: the figures are too good"
    ]


def test_it_can_be_stopped(toy_data: Path):
    cancel = CancelToken()
    with pytest.raises(CancelledError):
        evaluate(EvaluateRequest.of(toy_spec(), toy_data), lambda step: cancel.cancel(), cancel)


def test_a_request_crosses_a_pipe(tmp_path: Path):
    request = EvaluateRequest.of(toy_spec(path=tmp_path), tmp_path, threshold=0.4, keep_background=True)
    assert EvaluateRequest.from_json(json.loads(json.dumps(request.to_json()))) == request
    with pytest.raises(InputError):
        EvaluateRequest.from_json({"data": "x"})


def test_an_evaluation_is_kept_beside_its_model(toy_data: Path, tmp_path: Path):
    spec = toy_spec(source="trained", path=tmp_path / "model")
    judged = judge("toy", toy_data)
    first, path = save_evaluation(judged, spec)
    second, _ = save_evaluation(judged, spec)
    assert path.parent == tmp_path / "model" / "evaluations"
    assert first.name != second.name
    assert {p.stem for p in stored_evaluations(spec)} == {first.name, second.name}
    assert json.loads(json.dumps(read_evaluation(path).to_json())) == json.loads(json.dumps(first.to_json()))
    assert stored_evaluations(replace(spec, source="bundled")) == []
    cut = first.to_json()
    del cut["figures"]["map50"]
    path.write_text(json.dumps(cut))
    with pytest.raises(InputError, match="figures are missing: map50"):
        read_evaluation(path)
    path.write_text('{"format": 99}')
    with pytest.raises(InputError, match="format 99"):
        read_evaluation(path)
    path.write_text("[")
    with pytest.raises(InputError, match="can't be read"):
        read_evaluation(path)


def test_a_model_without_classes_is_judged_on_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Two of three defective ones have a bright square; the highest score anywhere is the image's."""
    use_toy(monkeypatch)
    for label, name, at in (
        ("good", "1", []), ("good", "2", []), ("pore", "3", [(40, 40)]), ("crack", "4", [(90, 80)]), ("crack", "5", []),
    ):  # fmt: skip
        (tmp_path / label).mkdir(exist_ok=True)
        spots(tmp_path / label, f"{name}.png", at)
    judged = judge("toy", tmp_path)
    figures = judged.figures
    assert figures["confusion"] == {
        "rows": ["good", "anomaly"], "columns": ["good", "anomaly"], "counts": [[2, 0], [1, 2]],
    }  # fmt: skip
    assert figures["found_of_class"] == {"crack": {"images": 2, "found": 1}, "pore": {"images": 1, "found": 1}}
    by_truth = [(one.truth != "good", one.defect) for one in judged.answers]
    pairs = [(d > g) + (d == g) / 2 for is_so, d in by_truth if is_so for other, g in by_truth if not other]
    assert figures["auroc"]["defect"] == pytest.approx(np.mean(pairs), abs=1e-4)
    assert figures["calibration"] is None
    assert judged.data["notes"] == []
    use_toy(monkeypatch, toy_spec(card={"training": {"data_fingerprint": judged.data["fingerprint"]}}))
    assert ["the model was trained on" in note for note in judge("toy", tmp_path).data["notes"]] == [True]
    (miss,) = judged.failures
    assert (miss.kind, judged.pictures[miss.picture].path.name) == ("miss", "5.png")
    assert miss.crop


def write_labels(folder: Path, rows: list[tuple[str, str]]) -> None:
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file", "class"), *rows])


@pytest.fixture
def grey_images(tmp_path: Path) -> Path:
    """Grey images hold nothing, whatever their labels say."""
    folder = tmp_path / "grey"
    folder.mkdir()
    for name in ("a.png", "b.png", "c.png"):
        write_image(folder / name, np.full((64, 64, 3), 120, np.uint8))
    write_labels(folder, [("a.png", "good"), ("b.png", "good"), ("c.png", "pore")])
    return folder


@pytest.fixture
def learnt_from_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the bundled model had been trained on whole images."""
    spec = find_model("battery-windows")
    spec = replace(spec, card={**spec.card, "training": {**spec.card["training"], "images": {"pore": 9}}})
    monkeypatch.setattr("core.evaluation.request.model_of_scan", lambda model_id, version, folder: spec)


def test_a_classifier_of_windows_scans_images_that_are_nothing_like_what_it_learnt_from(grey_images: Path):
    """Brought to the size of its windows, 24 px, they would show nothing of what it knows."""
    judged = judge("battery-windows", grey_images)
    assert not judged.probabilistic
    assert [(one.width_px, one.height_px) for one in judged.pictures] == [(64, 64)] * 3
    assert [one.predicted for one in judged.answers] == ["good"] * 3


@pytest.mark.usefixtures("learnt_from_images")
def test_a_classifier_is_judged_on_images(grey_images: Path):
    judged = judge("battery-windows", grey_images)
    assert judged.figures["images"] == 3
    assert judged.figures["classes"]["good"]["recall"] == 1.0
    assert judged.figures["classes"]["pore"]["recall"] == 0.0
    assert judged.probabilistic
    assert sum(judged.answers[0].scores.values()) == pytest.approx(1, abs=1e-4)
    (miss,) = judged.failures
    assert (miss.kind, miss.truth, miss.predicted, len(miss.scores)) == ("miss", "pore", "good", 3)
    assert miss.heat  # what would speak for a pore
    write_labels(grey_images, [("a.png", "good"), ("c.png", "unheard_of")])
    with pytest.raises(UsageError, match="unheard_of"):
        judge("battery-windows", grey_images)


def test_a_folder_without_anything_labelled_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="no labelled"):
        judge("texture", tmp_path)


def test_the_command_says_the_same(capsys: pytest.CaptureFixture[str], grey_images: Path, tmp_path: Path):
    page = tmp_path / "page.html"
    asked = ["evaluate", "battery-windows", "--data", str(grey_images), "--device", "cpu"]
    assert main([*asked, "--json", "--html", str(page)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["model"], told["accuracy"]) == ("battery-windows", 0.6667)
    kept = read_evaluation(Path(told["evaluation"]))
    assert kept.figures["accuracy"] == told["accuracy"]
    assert "Of 3 images 2 are called right" in page.read_text("utf-8")
    assert main(asked) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Of 3 images 2 are called right (67 %")
    (heading,) = (line for line in lines if line.startswith("truth \\ predicted"))
    # A name, and a count for each class.
    assert len(lines[lines.index(heading) + 1].split()) == len(heading.split()) - 2
    assert main(["evaluate", "battery-windows", "--data", str(tmp_path / "nowhere")]) == 3


def test_no_model_is_trained_over_another(tmp_path: Path):
    (tmp_path / "model.json").write_text("{}")
    with pytest.raises(UsageError, match="a model lies there already"):
        run_training(TrainRequest("classifier", tmp_path, tmp_path))
    assert (tmp_path / "model.json").read_text() == "{}"
