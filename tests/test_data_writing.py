"""Decisions as training sets: every format is read back, whose label it is stays known, sections are never split."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.data.image_set import ImageSet
from core.data.labelled import LabelledData, LabelledPicture
from core.data.reading import read_data, read_marks
from core.data.writing.base import PROVENANCE_FILE, data_writers, find_writer, write_data
from core.drawing import Drawing
from core.errors import CancelledError, InputError, UsageError
from core.geometry import Box
from core.jobs import CancelToken
from core.project import Project
from core.project.drawing_store import DrawingStore
from core.review import Review
from tests.test_project import scan_with
from tests.toy import spotted_image, write_image

FORMATS = ("coco", "schliff", "voc", "yolo")
TILE_PX = 64
TRIANGLE = ((200.0, 200.0), (240.0, 200.0), (200.0, 230.0))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Two sections: on the first 1 to 5 are found in a row, of which some are decided; on the second something is drawn."""
    with Project.create(tmp_path / "p.schliff") as project:
        scan_with(project, write_image(tmp_path / "one.png", spotted_image()), 5)
        scan_with(project, write_image(tmp_path / "two.png", spotted_image(seed=3)), 0)
        review = Review(project, "Ada")
        review.decide([1], label="pore")
        review.decide([3], "false_alarm")
        Review(project, "Ben").decide([5], "artefact", "cloth")
        review.decide([4], "unsure")
        store = DrawingStore(project, "Eve")
        store.add(2, [Drawing("polygon", TRIANGLE, label="crack")])
        store.add(2, [Drawing("box", ((10, 10), (145, 75)), label="normal")])
    return tmp_path / "p.schliff"


def written(path: Path, out: Path, format_id: str) -> LabelledData:
    with Project.open(path) as project:
        write_data(project, format_id, out, TILE_PX)
    data = read_data(out)
    assert not isinstance(data, ImageSet)
    assert not data.notes
    assert not data.unreadable
    return data


def with_mark(data: LabelledData, label: str) -> LabelledPicture:
    (picture,) = [one for one in data.pictures if label in {mark.label for mark in one.marks}]
    return picture


def test_every_format_is_tried():
    assert tuple(one.id for one in data_writers()) == FORMATS


@pytest.mark.parametrize("format_id", FORMATS)
def test_what_was_decided_is_read_back(path: Path, tmp_path: Path, format_id: str):
    data = written(path, tmp_path / "set", format_id)
    assert data.labels == ("crack", "pore", "preparation_artefact")
    assert {one.group for one in data.pictures} == {"one.png", "two.png"}
    found = with_mark(data, "pore")
    assert found is with_mark(data, "preparation_artefact"), "all five lie in one tile"
    boxes = {mark.label: mark.box for mark in found.marks}
    assert boxes == {"pore": Box(0, 5, 8, 8), "preparation_artefact": Box(40, 5, 8, 8)}
    (crack,) = with_mark(data, "crack").marks
    assert (crack.box.w, crack.box.h) == (40, 30)
    assert sum(not one.marks for one in data.pictures) == 2, "what was drawn as normal"
    for picture in data.pictures:
        pixels = cv2.imread(str(picture.path))
        assert pixels is not None
        assert pixels.shape == (TILE_PX, TILE_PX, 3)


def test_its_own_format_loses_nothing(path: Path, tmp_path: Path):
    data = written(path, tmp_path / "set", "schliff")
    (project,) = [one for one in read_marks(path).pictures if one.group == "one.png"]
    found = with_mark(data, "pore")
    assert found.empty == (Box(20, 5, 8, 8),) == project.empty
    assert found.known is not None
    assert project.known is not None
    tile = Box(0, 0, TILE_PX, TILE_PX)
    assert set(found.known) == {inside for box in project.known if (inside := box.intersection(tile))}
    for x in (14, 34):  # nobody has decided these
        assert not any(box.contains(x, 9) for box in found.known)
    (crack,) = with_mark(data, "crack").marks
    assert crack.outline == tuple((x - 188, y - 183) for x, y in TRIANGLE)
    source = cv2.imread(str(path.with_name("one.png")))
    assert source is not None
    tile_pixels = cv2.imread(str(found.path))
    assert tile_pixels is not None
    assert np.array_equal(tile_pixels, source[:TILE_PX, :TILE_PX])


def test_places_nobody_decided_are_not_taught(path: Path, tmp_path: Path):
    coco = with_mark(written(path, tmp_path / "coco", "coco"), "pore")
    assert coco.known is not None
    assert not any(box.contains(14, 9) or box.contains(34, 9) for box in coco.known)
    for format_id in ("voc", "yolo"):
        pixels = cv2.imread(str(with_mark(written(path, tmp_path / format_id, format_id), "pore").path))
        assert pixels is not None
        for x in (10, 30):
            assert np.ptp(pixels[5:13, x : x + 8].reshape(-1, 3), axis=0).max() == 0, "painted over"
        assert np.ptp(pixels[5:13, 20:28].reshape(-1, 3), axis=0).max() > 0, "a false alarm is looked at"


def test_crowds_are_what_coco_calls_them(path: Path, tmp_path: Path):
    from core.data.rle import decode

    written(path, tmp_path / "set", "coco")
    content = json.loads((tmp_path / "set" / "annotations.json").read_text("utf-8"))
    crowds = [one for one in content["annotations"] if one["iscrowd"]]
    assert len(crowds) == 2 * len(content["categories"])
    mask = decode(crowds[0]["segmentation"]["counts"], *crowds[0]["segmentation"]["size"])
    x, y, w, h = (int(v) for v in crowds[0]["bbox"])
    expected = np.zeros((TILE_PX, TILE_PX), bool)
    expected[y : y + h, x : x + w] = True
    assert np.array_equal(mask.astype(bool), expected)
    assert len({one["id"] for one in content["annotations"]}) == len(content["annotations"])


def test_every_label_says_where_it_is_from(path: Path, tmp_path: Path):
    written(path, tmp_path / "set", "yolo")
    told = json.loads((tmp_path / "set" / PROVENANCE_FILE).read_text("utf-8"))
    labels = {one["detection"]: one for picture in told["pictures"] for one in picture["labels"]}
    assert {number: (one["class"], one["model_class"], one["decided_by"], one["status"]) for number, one in labels.items()} == {
        1: ("pore", "anomaly", "Ada", "defect"), 3: (None, "anomaly", "Ada", "false_alarm"),
        5: ("preparation_artefact", "anomaly", "Ben", "artefact"), 6: ("crack", None, "Eve", "defect"),
    }  # fmt: skip
    assert {one["id"]: one["model"] for one in told["scans"]} == {"toy-1": "toy", "drawn-2": "person"}
    assert {one["group"] for one in told["sections"]} == {"one.png", "two.png"}
    assert all(one["fingerprint"] for one in told["sections"])


def test_what_is_larger_than_a_tile_gets_a_larger_one(path: Path, tmp_path: Path):
    with Project.open(path) as project:
        DrawingStore(project, "Eve").add(2, [Drawing("box", ((250, 250), (390, 300)), label="delamination")])
    data = written(path, tmp_path / "set", "voc")
    (mark,) = [one for one in with_mark(data, "delamination").marks if one.label == "delamination"]
    assert (mark.box.w, mark.box.h) == (140, 50)


def test_nothing_is_left_of_a_set_that_fails(path: Path, tmp_path: Path):
    out = tmp_path / "set"
    with Project.open(path) as project:
        stopped = CancelToken()
        stopped.cancel()
        with pytest.raises(CancelledError):
            write_data(project, "coco", out, TILE_PX, cancel=stopped)
        with pytest.raises(UsageError, match="format"):
            write_data(project, "xls", out)
        with pytest.raises(UsageError, match="tiles of 5 px"):
            write_data(project, "coco", out, 5)
        (tmp_path / "full").mkdir()
        (tmp_path / "full" / "holiday.jpg").write_bytes(b"x")
        with pytest.raises(InputError, match="something else"):
            write_data(project, "coco", tmp_path / "full")
        (tmp_path / "two.png").unlink()
        with pytest.raises(InputError, match="not where it was"):
            write_data(project, "coco", out)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["full", "one.png", "p.schliff"]
    with (
        Project.create(tmp_path / "empty.schliff") as project,
        pytest.raises(InputError, match="nothing has been judged"),
    ):
        write_data(project, "coco", out)
    assert find_writer("yolo").name == "YOLO"


def test_a_broken_set_is_one_clear_error(path: Path, tmp_path: Path):
    written(path, tmp_path / "set", "schliff")
    file = tmp_path / "set" / "schliff-data.json"
    whole = json.loads(file.read_text("utf-8"))
    for change, what in (
        ({"format": 2}, "version"),
        ({"pictures": [{"file": whole["pictures"][0]["file"]}]}, r"pictures\[0\]: it has no 'known'"),
        ({"pictures": [{**whole["pictures"][0], "marks": [{"class": "x", "box": [0, 0, -1, 3]}]}]}, "no size"),
        ({"pictures": [{**whole["pictures"][0], "file": "../p.png"}]}, "does not lie"),
    ):
        file.write_text(json.dumps({**whole, **change}), "utf-8")
        with pytest.raises(InputError, match=what):
            read_data(tmp_path / "set")
