from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from app.cli import main
from core.check import check_project
from core.errors import InputError, UsageError
from core.models.catalog import find_model, load_model
from core.project import Project
from core.readers.base import open_section
from core.scan.runner import run_scan
from core.synthetic import make_sample, write_sample
from core.train.judging import judge
from tests.toy import write_image


@pytest.fixture(scope="module")
def sections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sections")
    for seed in (5, 6):
        write_sample(make_sample("battery", 1200, 6, seed), folder / f"{seed}.tif")
    return folder


def test_a_model_is_judged_on_sections_as_a_scan_and_a_check_would(tmp_path: Path, sections: Path):
    spec = find_model("battery-windows")
    told = judge(spec, sections, "cpu")
    assert told["sections"] == 2
    counted = {"truth": 0, "tp": 0, "fp": 0}
    for path in sorted(sections.glob("*.tif")):
        with Project.create(tmp_path / path.stem) as project, open_section(path) as section:
            run_scan(project, section, load_model(spec, "cpu"))
            figures = check_project(project, path.with_suffix(".truth.csv"))["defects"]
        counted = {name: counted[name] + figures[name] for name in counted}
    assert {name: told["defects"][name] for name in counted} == counted
    assert counted["truth"] > 0


def write_labels(folder: Path, rows: list[tuple[str, str]]) -> None:
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file", "class"), *rows])


def test_a_classifier_is_judged_on_images(tmp_path: Path):
    """Grey images hold nothing; and a class the model can't know is refused."""
    rows = [("a.png", "good"), ("b.png", "good"), ("c.png", "pore")]
    for name, _ in rows:
        write_image(tmp_path / name, np.full((64, 64, 3), 120, np.uint8))
    write_labels(tmp_path, rows)
    told = judge(find_model("battery-windows"), tmp_path, "cpu")
    assert told["images"] == 3
    assert told["classes"]["good"]["recall"] == 1.0
    assert told["classes"]["pore"]["recall"] == 0.0
    write_labels(tmp_path, [*rows[:2], ("c.png", "unheard_of")])
    with pytest.raises(UsageError, match="unheard_of"):
        judge(find_model("battery-windows"), tmp_path, "cpu")
    with pytest.raises(UsageError, match="texture"):
        judge(find_model("texture"), tmp_path, "cpu")


def test_a_folder_without_anything_labelled_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="no labelled sections"):
        judge(find_model("texture"), tmp_path)


def test_the_command_says_the_same(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    write_image(tmp_path / "a.png", np.full((64, 64, 3), 120, np.uint8))
    write_image(tmp_path / "b.png", np.full((64, 64, 3), 120, np.uint8))
    write_labels(tmp_path, [("a.png", "good"), ("b.png", "pore")])
    assert main(["evaluate", "battery-windows", "--data", str(tmp_path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["model"], told["accuracy"]) == ("battery-windows", 0.5)
    assert main(["evaluate", "battery-windows", "--data", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "accuracy" in {line.split()[0] for line in lines}
    (heading,) = (line for line in lines if line.startswith("truth \\ predicted"))
    assert (
        len(lines[lines.index(heading) + 1].split()) == len(heading.split()) - 2
    )  # a name, and a count for each class
    assert main(["evaluate", "battery-windows", "--data", str(tmp_path / "nowhere")]) == 3


def test_no_model_is_trained_over_another(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "model.json").write_text("{}")
    assert main(["train", "classifier", "--data", str(tmp_path), "--out", str(tmp_path)]) == 2
    assert "a model lies there already" in capsys.readouterr().err
    assert (tmp_path / "model.json").read_text() == "{}"
