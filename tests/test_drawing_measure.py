"""What a drawing measures: right numbers in px and µm, whatever the pixel size, the place and the order of points."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from core.drawing import DRAWING_KINDS, Drawing, kind_name
from core.measure import angle_between, area, axis_angle, length, measure

coordinate = st.floats(-1e5, 1e5)
points = st.tuples(coordinate, coordinate)
pixel_size = st.tuples(st.floats(0.01, 20), st.floats(0.01, 20))
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # others may be at work beside it


def test_a_ruler_is_anisotropic_where_the_pixels_are():
    ruler = Drawing("ruler", ((10.5, 20), (13.5, 24)))
    found = measure(ruler, (1.0, 0.5))
    assert found.length_px == 5
    assert found.length_um == pytest.approx(math.hypot(3, 2))
    assert found.angle_deg == pytest.approx(-math.degrees(math.atan2(2, 3))), "y runs down, angles run up"
    bare = measure(ruler, None)
    assert bare.length_px == 5
    assert bare.length_um is None
    assert bare.angle_deg == pytest.approx(-math.degrees(math.atan2(4, 3)))


@pytest.mark.parametrize(
    ("end", "degrees"), [((5, 0), 0), ((0, -5), 90), ((-5, 0), 180), ((0, 5), -90), ((5, -5), 45), ((0, 0), 0)]
)
def test_an_angle_counts_anticlockwise_from_the_x_axis(end, degrees):
    assert axis_angle((0, 0), end) == pytest.approx(degrees)


def test_three_points_make_an_angle_and_no_length():
    found = measure(Drawing("ruler", ((100, 0), (0, 0), (0, -50))), (0.5, 0.5))
    assert found.angle_deg == pytest.approx(90)
    assert found.length_px is None
    assert found.area_px is None
    assert kind_name(Drawing("ruler", ((100, 0), (0, 0), (0, -50)))) == "Angle"


def test_a_box_a_polygon_and_a_point():
    box = measure(Drawing("box", ((30, 40), (10, 10))), (0.5, 2))
    assert (box.area_px, box.area_um2) == (600, 600)
    assert (box.perimeter_px, box.perimeter_um) == (100, 140)
    assert (box.box.x, box.box.y, box.box.w, box.box.h) == (10, 10, 20, 30)
    assert box.size_um == (10, 60)
    triangle = measure(Drawing("polygon", ((0, 0), (4, 0), (0, 3))), None)
    assert (triangle.area_px, triangle.perimeter_px, triangle.area_um2) == (6, 12, None)
    point = measure(Drawing("point", ((3, 4),)), (1, 1))
    assert point.length_px is point.area_px is point.angle_deg is None


@unhurried
@given(st.lists(points, min_size=3, max_size=12), pixel_size, st.integers(0, 11), points)
def test_area_and_perimeter_know_neither_start_nor_direction_nor_place(corners, size, turn, shift):
    once = measure(Drawing("polygon", tuple(corners)), size)
    turned = [*corners[turn % len(corners) :], *corners[: turn % len(corners)]][::-1]
    again = measure(Drawing("polygon", tuple(turned)).moved(*shift), size)
    scale = max(map(abs, [c for p in corners for c in p] + [*shift, 1.0]))
    assert again.area_px == pytest.approx(once.area_px, abs=1e-9 * scale**2 + 1e-9)
    assert again.perimeter_px == pytest.approx(once.perimeter_px, abs=1e-9 * scale + 1e-9)
    assert once.area_um2 == pytest.approx(once.area_px * size[0] * size[1], rel=1e-6, abs=1e-4 * size[0] * size[1])


@unhurried
@given(points, points, pixel_size)
def test_a_length_in_um_lies_between_those_of_square_pixels(a, b, size):
    assume(a != b)
    found = measure(Drawing("ruler", (a, b)), size)
    slack = 1e-9 * (1 + max(map(abs, (*a, *b))))
    assert found.length_px * min(size) - slack <= found.length_um <= found.length_px * max(size) + slack


@unhurried
@given(points, points, points)
def test_the_angle_between_legs_knows_no_order_and_the_triangle_adds_up(a, b, c):
    assume(min(math.dist(a, b), math.dist(b, c), math.dist(a, c)) > 1e-3)
    assert angle_between(a, b, c) == pytest.approx(angle_between(c, b, a))
    assert angle_between(a, b, c) + angle_between(b, c, a) + angle_between(c, a, b) == pytest.approx(180, abs=1e-3)


def test_a_small_outline_far_from_the_corner_keeps_its_area():
    far = 3e5 + 0.25
    square = [(far, far), (far + 0.125, far), (far + 0.125, far + 0.125), (far, far + 0.125)]
    assert area(square) == pytest.approx(0.125**2, rel=1e-12)
    assert length(square, closed=True) == 0.5


def test_what_is_no_drawing_is_refused():
    for kind in DRAWING_KINDS:
        with pytest.raises(ValueError, match="points"):
            Drawing(kind, ())
    with pytest.raises(ValueError, match="no kind"):
        Drawing("circle", ((0, 0),))
    with pytest.raises(ValueError, match="nowhere"):
        Drawing("point", ((math.nan, 0),))
    with pytest.raises(ValueError, match="width"):
        Drawing("profile", ((0, 0), (1, 1)), width_px=0)


@pytest.mark.parametrize("index", range(4))
def test_dragging_a_boxs_corner_leaves_the_opposite_one(index):
    box = Drawing("box", ((10, 10), (30, 40)))
    opposite = box.handles[(index + 2) % 4]
    moved = box.with_handle(index, (77, 99))
    assert {opposite, (77.0, 99.0)} <= set(moved.handles)
    polygon = Drawing("polygon", box.outline)
    assert polygon.with_handle(index, (7, 8)).points[index] == (7, 8)
    assert replace(polygon, name="x").moved(1, 2).points[0] == (11, 12)
