"""Pixel to stage and back."""

from __future__ import annotations

import pytest

from core.frames import NO_STAGE, StageTransform

TURNED = StageTransform("tile_positions", ((0.0, -0.5, 100.0), (0.5, 0.0, -20.0)))


def test_there_and_back_is_where_it_began():
    place = TURNED.to_stage(10, 30)
    assert place == pytest.approx((85, -15))
    assert place is not None
    assert TURNED.to_pixel(*place) == pytest.approx((10, 30))


def test_without_a_stage_there_are_no_positions():
    assert NO_STAGE.source == "none"
    assert NO_STAGE.to_stage(1, 2) is None
    assert NO_STAGE.to_pixel(1, 2) is None


def test_a_flat_transform_has_no_way_back():
    flat = StageTransform("pixel_to_stage", ((1.0, 1.0, 0.0), (1.0, 1.0, 0.0)))
    assert flat.to_stage(1, 2) == (3, 3)
    assert flat.to_pixel(3, 3) is None
