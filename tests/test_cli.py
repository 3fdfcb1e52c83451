"""The command line's contract: names, columns, exit codes, one line of trouble, JSON alone on stdout."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from app.cli import main
from core.listing import COLUMNS
from tests.toy import spotted_image, write_image


def run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    try:
        code = main([str(word) for word in words])
    except SystemExit as stop:
        code = int(stop.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


def document(capsys: pytest.CaptureFixture[str], *words: str | Path):
    code, out, err = run(capsys, *words, "--json")
    assert code == 0, err
    return json.loads(out)


@pytest.fixture
def section_path(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    image = rng.normal(120, 6, (1200, 1200, 3)).clip(0, 255).astype(np.uint8)
    image[480:600, 660:780] = 10
    return write_image(tmp_path / "section.png", image)


@pytest.fixture
def project_path(tmp_path: Path, section_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    code, _, err = run(capsys, "scan", section_path, "--model", "texture", "--project", tmp_path / "p")
    assert code == 0, err
    return tmp_path / "p"


def test_a_sample_says_what_it_holds_in_whole_words(capsys, tmp_path: Path):
    for defects, said in ((5, "5 defects and 1 artefact\n"), (1, "1 defect and 0 artefacts\n")):
        code, out, err = run(capsys, "sample", tmp_path / f"{defects}.tif", "--size", "2400", "--defects", str(defects))
        assert code == 0, err
        assert out.endswith(said)


def test_info_has_the_contracts_fields(capsys, section_path: Path):
    report = document(capsys, "info", section_path)
    assert set(report) >= {
        "path", "format", "width_px", "height_px", "channels", "dtype", "levels", "pixel_size_um", "scenes", "stage",
        "objective", "acquired", "warnings",
    }  # fmt: skip
    assert (report["width_px"], report["height_px"]) == (1200, 1200)
    assert set(report["stage"]) == {"source", "affine", "residual_um", "disagreement_um"}
    code, out, _ = run(capsys, "info", section_path)
    assert code == 0
    assert "1200 × 1200 px" in out


def test_models_lists_what_scan_takes(capsys):
    models = document(capsys, "models")
    assert {"id", "family", "name", "labels", "um_per_px", "tile_px", "source", "path"} == set(models[0])
    families = {model["family"] for model in models}
    assert {"classifier", "anomaly"} <= families
    assert any(model["id"].startswith("texture") for model in models)


def test_scan_finds_and_lists_and_exports(capsys, tmp_path: Path, section_path: Path):
    summary = document(capsys, "scan", section_path, "--model", "texture", "--project", tmp_path / "p")
    assert set(summary) >= {
        "scan_id", "section", "model", "device", "threshold", "tiles_total", "tiles_done", "tiles_skipped",
        "detections", "seconds", "megapixels", "resumed",
    }  # fmt: skip
    assert "error" not in summary
    assert summary["detections"] >= 1
    assert not summary["resumed"]
    again = document(capsys, "scan", section_path, "--model", "texture", "--project", tmp_path / "p")
    assert again["scan_id"] == summary["scan_id"]
    assert again["resumed"]

    listed = document(capsys, "defects", tmp_path / "p")
    assert len(listed) == summary["detections"]
    assert tuple(listed[0]) == COLUMNS
    with_classes = document(capsys, "defects", tmp_path / "p", "--top3")
    for one in with_classes:
        (only,) = one.pop("top3")
        assert only["class"] == "anomaly"
        assert only["score"] >= one["score"] - 1e-3
    assert with_classes == listed
    assert "may be" in run(capsys, "defects", tmp_path / "p", "--top3")[1]
    worst = listed[0]
    assert worst["x_px"] < 780
    assert worst["x_px"] + worst["w_px"] > 660
    code, out, _ = run(capsys, "export", tmp_path / "p", "--format", "csv", "--out", tmp_path / "list.csv")
    assert code == 0
    assert "list.csv" in out
    with (tmp_path / "list.csv").open(encoding="utf-8") as file:
        assert tuple(next(csv.reader(file))) == COLUMNS


def test_check_against_a_truth(capsys, tmp_path: Path, project_path: Path):
    truth = tmp_path / "truth.csv"
    truth.write_text(
        "id,class,x_px,y_px,w_px,h_px,stage_x_um,stage_y_um\n1,pore,660,480,120,120,,\n2,pore,100,100,60,60,,\n"
    )
    result = document(capsys, "check", project_path, "--truth", truth)
    assert result["defects"]["truth"] == 2
    assert result["defects"]["tp"] == 1
    assert result["defects"]["recall"] == 0.5
    code, out, _ = run(capsys, "check", project_path, "--truth", truth)
    assert code == 0
    assert "all defects" in out


def test_doctor_says_what_is_here(capsys):
    report = document(capsys, "doctor")
    assert {"czi", "tiff", "zarr", "image"} <= {
        name.replace("ome_", "").replace("ome-", "") for name in report["readers"]
    }
    assert {"csv", "geojson"} <= set(report["exporters"])
    assert report["problems"] == []


def test_unknown_words_are_wrong_usage(capsys, section_path: Path, tmp_path: Path):
    project = tmp_path / "p"
    for words in (
        ("scan", section_path, "--model", "no-such-model", "--project", project),
        ("scan", section_path, "--project", project),
        ("scan", section_path, "--model", "texture", "--project", project, "--region", "1,2,3"),
        ("scan", section_path, "--model", "texture", "--project", project, "--region", "9000,9000,5,5"),
        ("scan", section_path, "--model", "texture", "--project", project, "--threshold", "nan"),
        ("sample", tmp_path / "s.tif", "--size", "9999999999", "--defects", "0"),
        ("export", project, "--format"),
        ("train", "wishful", "--data", tmp_path, "--out", tmp_path / "m"),
        ("demo", "--size", "3"),
        ("--nonsense",),
        ("infoo", section_path),
    ):
        code, out, err = run(capsys, *words)
        assert code == 2, (words, err)
        assert out == ""
        assert len(err.strip().splitlines()) == 1, err


@pytest.fixture
def bad_inputs(tmp_path: Path) -> dict[str, Path]:
    """Files that can't be used, each in another way."""
    folder = tmp_path / "bad"
    folder.mkdir()
    contents = {
        "empty.czi": b"",
        "text.czi": b"This is not a microscope image.\n" * 50,
        "notes.txt": b"hello",
        "half.png": (write_image(tmp_path / "whole.png", spotted_image())).read_bytes()[:2000],
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    tifffile.imwrite(folder / "whole.tif", spotted_image(), tile=(64, 64), photometric="rgb")
    (folder / "truncated.tif").write_bytes((folder / "whole.tif").read_bytes()[:9000])
    (folder / "no sections").mkdir()
    return {"missing": folder / "missing.czi", "a folder": folder / "no sections"} | {
        name: folder / name for name in [*contents, "truncated.tif"]
    }


def test_input_that_cant_be_used_is_exit_3_in_one_line_and_leaves_nothing(capsys, bad_inputs, tmp_path: Path):
    for name, path in bad_inputs.items():
        code, out, err = run(capsys, "scan", path, "--model", "texture", "--project", tmp_path / "p")
        assert code == 3, (name, code, err)
        assert out == ""
        assert len(err.strip().splitlines()) == 1, err
        assert path.name in err
    assert "no section in this folder" in run(capsys, "info", bad_inputs["a folder"])[2]
    assert run(capsys, "defects", tmp_path / "nowhere")[0] == 3


def test_a_scan_that_fails_at_once_leaves_no_project(capsys, section_path: Path, tmp_path: Path):
    outside = ("--region", "9000,9000,5,5")
    project = tmp_path / "p"
    assert run(capsys, "scan", section_path, "--model", "texture", "--project", project, *outside)[0] == 2
    assert not project.exists()
    assert run(capsys, "scan", section_path, "--model", "texture", "--project", project)[0] == 0
    assert run(capsys, "scan", section_path, "--model", "texture", "--project", project, *outside)[0] == 2
    assert len(document(capsys, "defects", project)) >= 1, "a project with results stays"


def test_a_project_that_cant_be_written_is_exit_5(capsys, section_path: Path, tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    code, _, err = run(capsys, "scan", section_path, "--model", "texture", "--project", tmp_path / "file" / "p")
    assert code == 5, err
    assert len(err.strip().splitlines()) == 1


def test_debug_shows_a_traceback(capsys, tmp_path: Path):
    with pytest.raises(Exception, match="no such file"):
        main(["info", str(tmp_path / "missing.czi"), "--debug"])


def test_a_terminal_of_few_characters_is_no_reason_to_fail(section_path: Path):
    path = section_path.rename(section_path.with_name("schliff-µ.png"))

    def said(*options: str) -> bytes:
        words = [sys.executable, "-m", "app", "info", str(path), *options]
        few = os.environ | {"PYTHONIOENCODING": "ascii"}
        return subprocess.run(words, env=few, capture_output=True, check=True).stdout

    assert b"1200 ? 1200 px" in said()
    assert json.loads(said("--json"))["path"] == str(path)
