"""What is told of labelled data before it is trained on: as values, and through the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from app.cli import main
from core.data import check_pictures
from core.data.checking import check_data, summary
from core.data.reading import read_data
from tests.data_formats import PICTURES, Told, square, write_coco, write_picture, write_sections, write_yolo


def run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    code = main([str(word) for word in words])
    out, err = capsys.readouterr()
    return code, out, err


def found(path: Path) -> dict[str, str]:
    """Level by line."""
    return {one.line(): one.level for one in check_data(path, read_data(path))}


def level_of(lines: dict[str, str], start: str) -> str:
    (level,) = (level for line, level in lines.items() if start in line)
    return level


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Eight images of each of two classes."""
    folder = tmp_path / "images"
    for label in ("crack", "good"):
        for number in range(8):
            write_picture(folder / label / f"{label}{number}.png", 20, 20)
    return folder


def test_nothing_odd_is_said_of_good_data(images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "check-data", images)
    assert (code, err) == (0, "")
    assert "Nothing odd found." in out
    assert "16 pictures in 8 groups" in out


def test_a_class_with_one_example(images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_picture(images / "pore" / "p1.png", 20, 20)
    code, out, _ = run(capsys, "check-data", images)
    assert code == 0
    assert "problem: the class 'pore' has one example only (p1.png). It can't be both learnt and checked" in out


def test_an_empty_class(images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (images / "pore").mkdir()
    code, out, _ = run(capsys, "check-data", images)
    assert code == 0
    assert "problem: no example of the class pore." in out


def test_an_empty_class_of_marks(tmp_path: Path) -> None:
    only_pores = tuple(Told(one.name, (square("pore", 5, 5, 20, 20),)) for one in PICTURES)
    lines = found(write_coco(tmp_path, only_pores))
    assert level_of(lines, "no example of the class crack") == "problem"


def test_a_mislabelled_file(images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(images / "good" / "good3.png", images / "crack" / "crack9.png")
    code, out, _ = run(capsys, "check-data", images)
    assert code == 0
    assert "problem: the same picture under different classes: crack9.png (crack) = good3.png (good)" in out


def test_an_unreadable_image_stops_a_training(images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = (images / "good" / "good3.png").read_bytes()
    (images / "good" / "good3.png").write_bytes(b"no picture")
    (images / "good" / "good5.png").write_bytes(whole[: len(whole) // 2])  # its header is fine
    code, out, _ = run(capsys, "check-data", images)
    assert code == 3
    assert "problem: 2 pictures can't be read: good3.png (" in out
    assert "good5.png (" in out
    code, _, err = run(capsys, "train", "classifier", "--data", images, "--out", tmp_path / "m")
    assert code == 3
    assert "2 pictures can't be read: good3.png" in err
    assert not (tmp_path / "m").exists()


def test_many_unreadable_images_are_named_up_to_ten(tmp_path: Path) -> None:
    for number in range(30):
        write_picture(tmp_path / f"{'ab'[number % 2]}" / f"x{number}.png", 9, 9)
        if number < 14:
            (tmp_path / f"{'ab'[number % 2]}" / f"x{number}.png").write_bytes(b"x")
    (line,) = (line for line in found(tmp_path) if "can't be read" in line)
    assert line.startswith("14 pictures can't be read")
    assert line.count(".png") == 10
    assert "and 4 more" in line


def test_an_unreadable_picture_with_marks_is_left_out_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_yolo(tmp_path)
    (tmp_path / "images" / "train" / "c_9.png").write_bytes(b"no picture")
    code, out, _ = run(capsys, "check-data", path)
    assert code == 0
    assert "problem: 1 picture can't be opened and is left out: c_9.png (" in out


def test_what_is_odd_is_told_before_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_picture(tmp_path / "s" / "only.png")
    (tmp_path / "s" / "only.truth.csv").write_text("class,x_px,y_px,w_px,h_px\npore,190,100,50,50\n")
    code, out, err = run(
        capsys, "train", "cells", "--data", tmp_path / "s", "--out", tmp_path / "m", "--set", "nonsense=1"
    )
    assert (code, out) == (2, "")  # there is no such setting: nothing was trained
    assert "problem: all pictures are of one group (only.png)" in err
    assert "problem: marks reach beyond the picture: only.png" in err
    assert "problem: the class 'pore' has one example only" in err


def test_duplicates_across_a_split_and_across_groups(tmp_path: Path) -> None:
    marks = (square("pore", 20, 30, 40, 25),)
    told = tuple(Told(f"n_{number}", marks, aside=number > 9) for number in range(12))
    write_yolo(tmp_path / "a", told)
    write_sections(tmp_path / "b", tuple(Told(one.name, one.marks) for one in told))
    folder = tmp_path / "a" / "images"
    shutil.copy(folder / "train" / "n_1.png", folder / "val" / "n_11.png")
    shutil.copy(tmp_path / "b" / "n_1.png", tmp_path / "b" / "n_9.png")
    assert level_of(found(tmp_path / "a"), "same picture on both sides of the split: n_1.png") == "problem"
    assert level_of(found(tmp_path / "b"), "same picture in different groups: n_1.png") == "problem"


def test_imbalance_sizes_and_sides(tmp_path: Path) -> None:
    pores = tuple(square("pore", 5 * i, 5, 3, 3) for i in range(22))
    cracks = (square("crack", 10, 60, 20, 20), square("crack", 60, 60, 20, 20))
    several = [Told(f"n_{number}", pores) for number in range(4)]
    told = (*several, Told("n_5", cracks), Told("n_6", pores[:1], aside=True))
    path = write_yolo(tmp_path, told)
    write_picture(tmp_path / "images" / "train" / "huge.png", 2000, 100)
    lines = found(path)
    assert level_of(lines, "89 examples of 'pore' against 2 of 'crack'") == "hint"
    assert level_of(lines, "fewer than 5 examples: crack (2)") == "hint"
    assert level_of(lines, "not in what is set aside for validation: crack") == "hint"
    assert level_of(lines, "huge.png (2000 × 100 px)") == "hint"


def test_of_large_sets_a_part_is_opened(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_pictures, "OPENED", 10)
    monkeypatch.setattr(check_pictures, "DECODED", 5)
    assert level_of(found(images), "10 of 16 pictures were opened and 5 decoded") == "hint"


def test_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_coco(tmp_path)
    code, out, _ = run(capsys, "check-data", path, "--json")
    assert code == 0
    report = json.loads(out)
    assert report["classes"]["pore"] == {"examples": 2, "pictures": 2, "validation": 0, "groups": 2}
    assert {key: report[key] for key in ("format", "kind", "pictures", "unmarked", "validation")} == {
        "format": "coco", "kind": "outlines", "pictures": 4, "unmarked": 1, "validation": 1,
    }  # fmt: skip
    assert {one["level"] for one in report["findings"]} <= {"problem", "hint"}
    assert summary(read_data(path)).items() <= report.items()


@pytest.mark.parametrize(
    ("name", "pictures"), [("neu_det", 120), ("kolektorsdd", 40), ("magnetic_tile", 190), ("nasa_micronet/instance_segmentation", 34)]
)  # fmt: skip
def test_real_data_is_read(shared_data: Path, name: str, pictures: int) -> None:
    path = shared_data / name
    if not path.is_dir():
        pytest.skip(f"{name} is not there")
    data = read_data(path)
    assert summary(data)["pictures"] == pictures
    assert not any(one.stops for one in check_data(path, data))
