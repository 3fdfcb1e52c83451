"""Average precision on hand-made cases whose answer can be counted."""

from __future__ import annotations

import pytest

from core.average_precision import (
    COCO_POINTS,
    ELEVEN_POINTS,
    average_precision,
    class_precisions,
    coco_precisions,
    mean_average_precision,
)
from core.check import Found
from core.geometry import Box
from core.truth import TruthBox


@pytest.mark.parametrize(
    ("hits", "truths", "expected"),
    [([True, True], 2, 1.0), ([True, False, True], 2, (1 + 2 / 3) / 2), ([False, True], 1, 0.5), ([], 3, 0.0)],
)
def test_the_exact_area(hits: list[bool], truths: int, expected: float) -> None:
    assert average_precision(hits, truths) == pytest.approx(expected)


def test_later_hits_raise_the_precision_of_earlier_ones() -> None:
    """Precisions are 1/2, 2/3, 3/4; the best at any recall from there on is 3/4 for all."""
    assert average_precision([False, True, True, True], 3) == pytest.approx(3 / 4)


def test_where_nothing_can_be_found_there_is_no_precision() -> None:
    assert average_precision([True], 0) is None
    assert average_precision([], 0, ELEVEN_POINTS) is None


@pytest.mark.parametrize(
    ("hits", "truths", "expected"),
    [
        ([True], 2, 6 / 11),  # precision 1 at recalls 0, 0.1 … 0.5
        ([True, False, True], 2, (6 * 1 + 5 * 2 / 3) / 11),
        ([False, True], 1, 11 * 0.5 / 11),
        ([True, True, True], 10, 4 / 11),  # recall 0.3 counts, though 0.1 + 0.1 + 0.1 is more in floats
        ([], 3, 0.0),
    ],
)
def test_eleven_points(hits: list[bool], truths: int, expected: float) -> None:
    assert average_precision(hits, truths, ELEVEN_POINTS) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("hits", "truths", "expected"),
    [([True], 2, 51 / 101), ([True, False, True], 3, (34 + 33 * 2 / 3) / 101), ([True] * 4, 4, 1.0)],
)
def test_cocos_points(hits: list[bool], truths: int, expected: float) -> None:
    assert average_precision(hits, truths, COCO_POINTS) == pytest.approx(expected)


MARKED = [
    TruthBox("pore", Box(0, 0, 10, 10)),
    TruthBox("pore", Box(50, 0, 10, 10)),
    TruthBox("crack", Box(0, 50, 20, 5)),
]
FOUND = [
    Found("pore", 0.9, Box(0, 0, 10, 10)),
    Found("pore", 0.8, Box(0, 0, 10, 9)),  # the same once more
    Found("pore", 0.7, Box(50, 0, 10, 6)),  # IoU 0.6
    Found("crack", 0.9, Box(0, 50, 20, 2)),  # IoU 0.4
    Found("chip", 0.9, Box(0, 50, 20, 5)),
]


def test_overlap_class_and_doubles_count() -> None:
    pore = (1 + 2 / 3) / 2
    assert class_precisions(FOUND, MARKED, 0.5) == {"crack": 0, "pore": pytest.approx(pore)}
    assert class_precisions(FOUND, MARKED, 0.33)["crack"] == 1
    assert mean_average_precision(FOUND, MARKED, 0.5) == pytest.approx((pore + 0) / 2)
    assert mean_average_precision(FOUND, MARKED, 0.5, ELEVEN_POINTS) == pytest.approx((6 + 5 * 2 / 3) / 11 / 2)
    assert mean_average_precision([], MARKED, 0.5) == 0
    assert mean_average_precision(FOUND, [], 0.5) == 0


def test_cocos_mean_over_overlaps() -> None:
    """The second pore is hit at IoU 0.50, 0.55 and 0.60; of the ten overlaps the other seven have one pore only."""
    three, seven = (51 + 50 * 2 / 3) / 101, 51 / 101
    assert coco_precisions(FOUND, MARKED)["pore"] == pytest.approx((3 * three + 7 * seven) / 10)


def test_of_two_truths_a_box_takes_the_one_that_is_free() -> None:
    marked = [TruthBox("pore", Box(0, 0, 10, 10)), TruthBox("pore", Box(3, 0, 10, 10))]
    found = [Found("pore", 0.9, Box(0, 0, 10, 10)), Found("pore", 0.8, Box(1, 0, 10, 10))]  # both like the first more
    assert class_precisions(found, marked, 0.5) == {"pore": 1.0}
    assert class_precisions(found, marked, 0.9) == {"pore": pytest.approx(0.5)}


def test_many_boxes_are_matched_in_pieces() -> None:
    marked = [TruthBox("pore", Box(20 * i, 0, 10, 10)) for i in range(1500)]
    found = [Found("pore", 1 - i / 1e4, Box(20 * i, 0, 10, 8)) for i in range(1500)]
    assert class_precisions(found, marked, 0.5) == {"pore": 1.0}
