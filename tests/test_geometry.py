"""Boxes: what overlaps what, and that nothing is lost by a pixel."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.geometry import Box, bounding_box, disjoint

sides = st.integers(-1000, 1000)
sizes = st.integers(0, 500)
boxes = st.builds(Box, sides, sides, sizes, sizes)


@given(boxes, boxes)
def test_intersection_is_symmetric_and_within_both(a: Box, b: Box):
    common = a.intersection(b)
    assert common == b.intersection(a)
    if common is not None:
        assert common.area > 0
        assert a.union(common) == a
        assert b.union(common) == b


@given(boxes, boxes)
def test_iou_is_between_0_and_1_and_1_only_for_equal_boxes(a: Box, b: Box):
    assert 0 <= a.iou(b) <= 1
    if a.area > 0:
        assert a.iou(a) == 1
    if a != b:
        assert a.iou(b) < 1


@given(st.lists(boxes, min_size=1, max_size=6))
def test_bounding_box_is_the_smallest_around_all(some: list[Box]):
    whole = bounding_box(some)
    assert whole.x == min(b.x for b in some)
    assert whole.y1 == max(b.y1 for b in some)


@given(st.floats(-100, 100), st.floats(-100, 100), st.floats(0, 50), st.floats(0, 50))
def test_outer_pixels_cover_the_box(x: float, y: float, w: float, h: float):
    px, py, pw, ph = Box(x, y, w, h).outer_pixels()
    assert px <= x
    assert py <= y
    assert px + pw >= x + w
    assert py + ph >= y + h
    assert px >= x - 1
    assert px + pw <= x + w + 1


def test_neighbours_share_no_point():
    left, right = Box(0, 0, 10, 10), Box(10, 0, 10, 10)
    assert not left.contains(10, 5)
    assert right.contains(10, 5)
    assert left.intersection(right) is None


def test_scaling_and_growing():
    assert Box(2, 4, 6, 8).scaled(0.5) == Box(1, 2, 3, 4)
    assert Box(2, 4, 6, 8).grown(1) == Box(1, 3, 8, 10)
    assert Box(2, 4, 6, 8).grown(-10).area == 0


@pytest.mark.parametrize("bad", [(0, 0, -1, 1), (0, 0, 1, float("nan")), (float("inf"), 0, 1, 1)])
def test_what_is_no_box_is_refused(bad: tuple[float, ...]):
    with pytest.raises(ValueError, match="not a box"):
        Box(*bad)


@given(st.lists(st.tuples(*[st.integers(0, 12)] * 2, *[st.integers(1, 9)] * 2), min_size=1, max_size=5))
def test_disjoint_boxes_cover_the_same(corners):
    boxes = [Box(*one) for one in corners]
    parts = disjoint(boxes)
    for x in range(22):
        for y in range(22):
            covered = any(box.contains(x + 0.5, y + 0.5) for box in boxes)
            assert sum(part.contains(x + 0.5, y + 0.5) for part in parts) == covered
