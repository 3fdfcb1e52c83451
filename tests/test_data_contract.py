"""Every format of labelled data: the same pictures and marks, however they were written down."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.data.labelled import LabelledData, LabelledPicture
from core.data.reading import formats, read_marks
from core.errors import InputError
from core.geometry import Box
from core.readers.base import open_section
from core.section import Section
from tests.data_formats import LABELS, OUTLINED, PICTURES, WRITERS, Told, square, write_picture


def _edges(box: Box) -> tuple[float, float, float, float]:
    return box.x, box.y, box.x1, box.y1


def _assert_as_told(picture: LabelledPicture, told: Told, outlined: bool) -> None:
    marks = sorted(picture.marks, key=lambda mark: mark.label)
    for mark, expected in zip(marks, sorted(told.marks, key=lambda mark: mark.label), strict=True):
        assert mark.label == expected.label
        assert _edges(mark.box) == pytest.approx(_edges(expected.box), abs=1e-6)
        corners = {(round(x, 6), round(y, 6)) for x, y in mark.outline}
        assert corners == (set(expected.outline) if outlined else set())


@pytest.fixture(params=sorted(WRITERS))
def written(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    (tmp_path / "set").mkdir()
    return request.param, WRITERS[request.param][1](tmp_path / "set")


def test_every_format_is_written_by_some_test() -> None:
    assert {spec.id for spec in formats()} == {spec for spec, _ in WRITERS.values()} | {"project"}


def test_the_same_marks_are_read_back(written: tuple[str, Path]) -> None:
    name, path = written
    data = read_marks(path)
    assert data.format == WRITERS[name][0]
    assert data.labels == LABELS
    assert data.kind == ("outlines" if name in OUTLINED else "boxes")
    assert [p.path.stem for p in data.pictures] == ["a_1", "b_7", "c_9"]
    assert [p.path.stem for p in data.validation] == ["d_12"]
    for picture, told in zip(data.everything, PICTURES, strict=True):
        _assert_as_told(picture, told, name in OUTLINED)
        assert picture.path.is_file()
        assert picture.group
    assert not any("left out" in note for note in data.notes)


def test_folders_of_coco_may_be_written_in_capitals(tmp_path: Path) -> None:
    WRITERS["coco"][1](tmp_path)
    (tmp_path / "annotations").rename(tmp_path / "Annotations")
    data = read_marks(tmp_path)
    assert [len(data.pictures), len(data.validation)] == [3, 1]


def test_what_lies_in_one_folder_only_is_found(written: tuple[str, Path], tmp_path: Path) -> None:
    """An archive is often unpacked into a folder of its own."""
    if not written[1].is_dir():
        pytest.skip("the table itself is given")
    assert read_marks(tmp_path).labels == LABELS


def test_a_picture_that_is_not_there_or_broken_is_left_out_and_told(written: tuple[str, Path]) -> None:
    name, path = written
    root = path if path.is_dir() else path.parent
    (broken,) = root.rglob("c_9.png")
    broken.write_bytes(b"no picture at all")
    if name == "sections":
        pytest.skip("a section that can't be read stops training, as it stops a scan")
    data = read_marks(path)
    assert [p.path.stem for p in data.pictures] == ["a_1", "b_7"]
    assert [path for path, _ in data.unreadable] == [broken]


def _written(tmp_path: Path, name: str, *marks) -> LabelledData:
    told = (Told("a_1", marks), Told("b_7", (square("crack", 10, 10, 20, 20),)))
    return read_marks(WRITERS[name][1](tmp_path, told))  # type: ignore[call-arg]


@pytest.mark.parametrize("name", ["coco", "yolo", "csv"])
def test_marks_that_fit_no_picture_are_told(tmp_path: Path, name: str) -> None:
    data = _written(
        tmp_path,
        name,
        square("pore", 20, 30, 0, 25),
        square("pore", 300, 30, 40, 25),
        square("pore", 190, 100, 40, 15),
        square("pore", 50, 60, 10, 10),
    )
    kept = sorted(_edges(mark.box) for mark in data.pictures[0].marks)
    assert kept == [pytest.approx(e, abs=1e-6) for e in [(50, 60, 60, 70), (190, 100, 200, 115)]]
    assert all("a_1.png" in note for note in data.notes)
    text = "\n".join(data.notes)
    assert "1 mark without area left out" in text
    assert "1 mark beyond the picture left out" in text
    assert "1 mark cut at the picture's edge" in text


def test_a_picture_is_opened_again_only_when_it_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def listen(path: Path) -> Section:
        opened.append(path.name)
        return open_section(path)

    monkeypatch.setattr("core.data.gathering.open_section", listen)
    path = WRITERS["coco"][1](tmp_path)
    read_marks(path)
    assert len(opened) == len(PICTURES)
    read_marks(path)
    assert len(opened) == len(PICTURES)
    write_picture(tmp_path / "train" / "a_1.png", 80, 60)
    read_marks(path)
    assert opened[len(PICTURES) :] == ["a_1.png"]


def _spoil(path: Path, pattern: str, old: str, new: str) -> None:
    root = path if path.is_dir() else path.parent
    file = sorted(root.rglob(pattern))[0]
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


BAD = [
    ("coco", "*.json", '"images"', '"images', r"instances_train\.json: line 2: it is broken JSON"),
    ("coco", "*.json", '"bbox": [', '"bbox": [NaN, ', r"NaN is not a number"),
    ("coco", "*.json", '"bbox": [', '"bbox": ["wide", ', r"annotations\[0\]: a value of bbox is 'wide', not a number"),
    ("coco", "*.json", '"bbox": [', '"bbox": [1e300, ', "beyond any picture"),
    ("coco", "*.json", '"category_id": 6', '"category_id": 99', r"annotations\[0\]: no category has the id 99"),
    ("coco", "*.json", '"image_id": 0', '"image_id": 77', r"no image has the id 77"),
    ("coco", "*.json", "a_1.png", "../../a_1.png", "does not lie within this folder"),
    ("coco", "*.json", "a_1.png", "/etc/passwd", "does not lie within this folder"),
    ("coco", "*.json", "a_1.png", "C:\\\\\\\\a_1.png", "does not lie within this folder"),
    ("coco", "*.json", '"file_name"', '"name"', r"images\[0\]: it has no 'file_name'"),
    ("voc", "*.xml", "</object>", "</objet>", r"a_1\.xml: line 3: it is broken XML"),
    ("voc", "*.xml", "<xmax>60<", "<xmax>sixty<", "object 1: xmax is 'sixty', not a number"),
    ("voc", "*.xml", "<xmax>60<", "<xmax>inf<", "beyond any picture"),
    ("voc", "*.xml", "<name>pore</name>", "", "object 1: '' is no name of a class"),
    ("voc", "*.xml", "a_1.png", "../../../a_1.png", "does not lie within this folder"),
    ("voc", "*.xml", "<annotation>", '<!DOCTYPE a [<!ENTITY b "c">]>\n<annotation>', "declares entities"),
    ("yolo", "a_1.txt", "1 0.2", "1 x.2", r"a_1\.txt: line 1: a coordinate is 'x"),
    ("yolo", "a_1.txt", "\n0 ", "\n7 ", r"line 2: there is no name for class 7"),
    ("yolo", "a_1.txt", "\n0 ", "\n-1 ", r"line 2: '-1' is no number of a class"),
    ("yolo", "a_1.txt", "1 0.2", "1 0.2 0.2 0.2 0.2", "numbers after the class"),
    ("csv", "*.csv", "20.000", "20 px", r"boxes\.csv: line 2: x_px is '20 px', not a number"),
    ("csv", "*.csv", "20.000", "nan", "line 2: x_px is 'nan', not a number"),
    ("csv", "*.csv", "40.000", "-40", "is not a box"),
    ("csv", "*.csv", "train/a_1.png,pore", "train/a_1.png,", "the class is empty"),
    ("csv", "*.csv", "train/a_1.png", "../a_1.png", "does not lie within this folder"),
    ("masks", "classes.txt", "1 crack", "one crack", r"classes\.txt: line 1: 'one crack' is not VALUE NAME"),
]


@pytest.mark.parametrize(("name", "pattern", "old", "new", "said"), BAD)
def test_bad_input_is_one_clear_error(tmp_path: Path, name: str, pattern: str, old: str, new: str, said: str) -> None:
    path = WRITERS[name][1](tmp_path)
    _spoil(path, pattern, old, new)
    with pytest.raises(InputError, match=said) as error:
        read_marks(path)
    assert error.value.path is not None
    assert error.value.remedy


def test_billions_of_laughs_are_not_heard(tmp_path: Path) -> None:
    path = WRITERS["voc"][1](tmp_path)
    laughs = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 12))
    head = f'<!DOCTYPE annotation [<!ENTITY l0 "ha">{laughs}]>\n<annotation>'
    _spoil(path, "*.xml", "<annotation>", head)
    _spoil(path, "*.xml", "<name>pore", "<name>&l11;")
    with pytest.raises(InputError, match="declares entities"):
        read_marks(path)


def test_deep_json_is_refused(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png")
    (tmp_path / "a.json").write_text('{"images": [], "annotations": ' + "[" * 200_000)
    with pytest.raises(InputError, match="JSON"):
        read_marks(tmp_path)


def test_what_is_no_data_is_refused_with_what_there_may_be(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"COCO.*VOC.*YOLO.*CSV.*masks.*folder of images for each class"):
        read_marks(tmp_path)
