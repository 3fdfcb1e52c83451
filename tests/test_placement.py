"""Where another picture lies on the section: its affine, moved, turned and scaled around its middle."""

from __future__ import annotations

import pytest

from core.placement import Placement

SIZE = (40.0, 20.0)


def test_a_picture_is_laid_around_a_point():
    laid = Placement.around((1000, 500), SIZE, 0.5)
    assert laid.to_section(20, 10) == pytest.approx((1000, 500))
    assert laid.to_section(0, 0) == pytest.approx((990, 495))
    assert (laid.scale, laid.rotation_deg) == pytest.approx((0.5, 0.0))


def test_it_turns_clockwise_on_the_screen():
    laid = Placement.around((0, 0), SIZE, 2.0, 90.0)
    assert laid.to_section(40, 10) == pytest.approx((0, 40)), "its right edge points down"
    assert laid.rotation_deg == pytest.approx(90)


def test_there_and_back():
    laid = Placement(((0.3, -0.2, 7.0), (0.1, 0.9, -3.0)))
    assert laid.to_picture(*laid.to_section(12.5, 3.25)) == pytest.approx((12.5, 3.25))


def test_scaling_and_turning_keep_the_middle_and_each_other():
    laid = Placement.around((100, 200), SIZE, 0.5, 30.0).moved(5, -5)
    changed = laid.scaled_to(3.0, SIZE).turned_to(-120.0, SIZE)
    assert changed.to_section(20, 10) == pytest.approx((105, 195))
    assert (changed.scale, changed.rotation_deg) == pytest.approx((3.0, -120.0))


def test_a_mirrored_picture_stays_mirrored():
    mirrored = Placement(((-1.0, 0.0, 0.0), (0.0, 1.0, 0.0)))
    (a, b, _), (c, d, _) = mirrored.scaled_to(2.0, SIZE).affine
    assert (a, b, c, d) == pytest.approx((-2.0, 0.0, 0.0, 2.0))


@pytest.mark.parametrize("rows", [[[1, 0, 0], [2, 0, 0]], [[float("nan"), 0, 0], [0, 1, 0]], [[1, 0], [0, 1]], 7])
def test_what_is_no_placement_is_refused(rows):
    with pytest.raises((ValueError, TypeError)):
        Placement.from_rows(rows)
