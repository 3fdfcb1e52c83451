"""The figures of a check, on hand-made cases whose answer can be counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.check import Found, check, match, same_place, same_places
from core.errors import InputError
from core.geometry import Box
from core.truth import TruthBox, read_truth, truth_beside

HEADER = "id,class,x_px,y_px,w_px,h_px,stage_x_um,stage_y_um\n"


def _truth(label: str, x: float, side: float = 40) -> TruthBox:
    return TruthBox(label, Box(x, 0, side, side))


def _found(label: str, score: float, x: float, side: float = 40) -> Found:
    return Found(label, score, Box(x, 0, side, side))


def test_precision_recall_and_classes() -> None:
    marked = [_truth("pore", 0), _truth("pore", 200), _truth("crack", 400), _truth("crack", 600)]
    found = [
        _found("pore", 0.9, 5),  # right
        _found("crack", 0.8, 200),  # right place, wrong class
        _found("crack", 0.7, 400),  # right
        _found("pore", 0.6, 1000),  # nothing there
        _found("crack", 0.3, 600),  # right, but below the threshold
    ]
    result = check(found, marked, 0.5)
    whole = result["defects"]
    assert (whole["tp"], whole["fp"], whole["fn"]) == (3, 1, 1)
    assert whole["precision"] == whole["recall"] == whole["f1"] == 0.75
    pore, crack = result["classes"]["pore"], result["classes"]["crack"]
    assert (pore["tp"], pore["fp"], pore["fn"]) == (1, 1, 1)
    assert (crack["tp"], crack["fp"], crack["fn"]) == (1, 1, 1)
    assert crack["ap"] == pytest.approx((2 / 3 + 2 / 3) / 2, abs=1e-4)


def test_artefacts_are_no_defects() -> None:
    marked = [_truth("preparation_artefact", 0), _truth("preparation_artefact", 200), _truth("pore", 400)]
    found = [
        _found("pore", 0.9, 0),  # an artefact taken for a defect: false alarm
        _found("preparation_artefact", 0.9, 200),  # told apart: neither right nor wrong
        _found("preparation_artefact", 0.9, 400),  # a defect explained away: missed
    ]
    result = check(found, marked, 0.5)
    assert (result["defects"]["truth"], result["defects"]["tp"], result["defects"]["fp"], result["defects"]["fn"]) == (
        1,
        0,
        1,
        1,
    )
    assert result["artefacts_called_defects"] == 1
    assert result["classes"]["preparation_artefact"]["tp"] == 1


def test_a_second_detection_of_one_defect_is_a_false_alarm_and_the_surest_counts() -> None:
    assert match([_found("pore", 0.9, 10), _found("pore", 0.8, 0)], [_truth("pore", 0)]) == [0, None]


def test_a_detection_takes_the_truth_it_overlaps_most() -> None:
    marked = [_truth("pore", 0), _truth("pore", 30)]
    assert match([_found("pore", 0.9, 28), _found("pore", 0.8, 2)], marked) == [1, 0]


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        (Box(0, 0, 10, 10), Box(8, 0, 10, 10), True),  # IoU 0.11
        (Box(0, 0, 10, 10), Box(9, 0, 10, 10), False),  # IoU 0.05, middles outside
        (Box(0, 0, 10, 10), Box(4, 4, 3, 3), True),  # IoU 0.09, but one middle in the other, 11 times as large
        (Box(0, 0, 100, 100), Box(40, 40, 5, 5), False),  # 400 times as large: that says nothing
        (Box(0, 0, 10, 10), Box(50, 50, 10, 10), False),
    ],
)
def test_what_counts_as_the_same_place(a: Box, b: Box, same: bool) -> None:
    assert same_place(a, b) is same_place(b, a) is same


def test_a_model_without_classes_is_matched_with_any() -> None:
    marked = [_truth("oxide_cluster", 0), _truth("fluoride", 200)]
    result = check([_found("anomaly", 7.0, 0), _found("anomaly", 6.0, 900)], marked, 5.0)
    assert result["defects"]["recall"] == result["defects"]["precision"] == 0.5
    assert result["classes"]["oxide_cluster"]["recall"] == 1.0
    assert result["classes"]["fluoride"]["recall"] == 0.0
    assert result["classes"]["fluoride"]["precision"] is None


def test_nothing_found_and_nothing_there() -> None:
    empty = check([], [], 0.5)
    assert empty["defects"]["precision"] is None
    assert empty["defects"]["ap"] is None
    missed = check([], [_truth("pore", 0)], 0.5)
    assert (missed["defects"]["recall"], missed["defects"]["precision"]) == (0.0, None)
    assert missed["classes"]["pore"]["fn"] == 1


def test_a_truth_is_read(tmp_path: Path) -> None:
    path = tmp_path / "s.truth.csv"
    path.write_text("\ufeff" + HEADER + "1,pore,10.5,20,30,40,1000,2000\n2,crack,0,0,5,5,,\n", encoding="utf-8")
    assert read_truth(path) == [TruthBox("pore", Box(10.5, 20, 30, 40)), TruthBox("crack", Box(0, 0, 5, 5))]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (HEADER + "1,pore,1,2,3,4,,\n2,pore,1,two,3,4,,\n", "line 3: y_px is 'two'"),
        (HEADER + "1,pore,1,2,3,0,,\n", "line 2: .*not a box"),
        (HEADER + "1,pore,1,nan,3,3,,\n", "line 2: y_px is .nan.*not a number"),
        (HEADER + "1,,1,2,3,4,,\n", "line 2: the class is empty"),
        (HEADER + "1,pore\n", "line 2: x_px"),
        ("id,class,x,y\n", "line 1: no column 'x_px'"),
        ("", "line 1: no column"),
    ],
)
def test_a_broken_truth_names_its_line(tmp_path: Path, content: str, line: str) -> None:
    path = tmp_path / "s.truth.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=line) as caught:
        read_truth(path)
    assert caught.value.path == path


@pytest.mark.parametrize("content", [b"\xff\xfe\x00\x01" * 9, b"\0" * 100])
def test_a_truth_that_is_no_text(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "s.truth.csv"
    path.write_bytes(content)
    with pytest.raises(InputError):
        read_truth(path)


def test_a_truth_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_truth(tmp_path / "s.truth.csv")


def test_where_the_truth_of_a_section_lies() -> None:
    assert truth_beside(Path("a/s.czi")) == Path("a/s.truth.csv")
    assert truth_beside(Path("a/s.ome.tif")) == Path("a/s.truth.csv")


def test_many_are_compared_by_the_rule_for_two() -> None:
    rng = np.random.default_rng(0)
    boxes = [Box(*values) for values in rng.integers(0, 40, (80, 4)).astype(float).tolist()]
    one, other = (grid.ravel() for grid in np.meshgrid(range(80), range(80)))
    edges = np.array([(box.x, box.y, box.x1, box.y1) for box in boxes])
    same, overlaps = same_places(edges[one], edges[other])
    assert same.tolist() == [same_place(boxes[i], boxes[j]) for i, j in zip(one, other, strict=True)]
    assert overlaps == pytest.approx([boxes[i].iou(boxes[j]) for i, j in zip(one, other, strict=True)])
    assert 0 < same.sum() < len(same)
