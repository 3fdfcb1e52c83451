"""Which place of one section stands beside which of the other."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from app.compare.link import Link, by_scale, by_stage, lay_together
from app.viewer.camera import Camera
from core.frames import StageSession, StageTransform
from core.geometry import Box
from tests.memory_section import MemorySection


def info(width=1000, height=800, um=0.5, stage=None):
    size = (um, um) if um else None
    return MemorySection(np.zeros((height, width, 1), np.uint8), size, stage or StageTransform()).info


def test_equal_sections_stand_beside_each_other_px_by_px():
    link = by_scale(info(), info())
    assert link.to_right(Camera(123.0, 45.0, 0.7)) == Camera(123.0, 45.0, 0.7)


def test_other_pixel_sizes_are_shown_at_the_same_um_on_the_screen():
    link = by_scale(info(1000, 800, 0.5), info(4000, 3200, 0.25))
    right = link.to_right(Camera(500.0, 400.0, 2.0))
    assert (right.x, right.y) == (2000.0, 1600.0), "both middles"
    assert 0.25 / right.zoom == pytest.approx(0.5 / 2.0), "µm on each px of the screen"
    moved = link.to_right(Camera(510.0, 400.0, 2.0))
    assert moved.x - right.x == pytest.approx(10 * 0.5 / 0.25), "the same way in µm"


def test_without_pixel_sizes_the_scale_is_what_is_asked_for():
    assert by_scale(info(um=None), info()).scale == 1.0
    assert by_scale(info(um=None), info(), ratio=3.0).scale == pytest.approx(3.0)
    assert by_scale(info(), info(), ratio=3.0).scale == 1.0, "where both are known, they decide"


def test_there_and_back_is_the_same_view():
    angle = math.radians(30)
    matrix = (2 * math.cos(angle), -2 * math.sin(angle), 2 * math.sin(angle), 2 * math.cos(angle))
    link = Link(matrix, 70.0, -30.0)
    camera = Camera(12.0, 34.0, 0.5)
    back = link.to_left(link.to_right(camera))
    assert (back.x, back.y, back.zoom) == pytest.approx((12.0, 34.0, 0.5))


def test_an_offset_keeps_two_points_together():
    link = by_scale(info(), info()).through((100, 100), (130, 90))
    assert link.point(100, 100) == (130, 90)
    assert link.point(0, 0) == (30, -10)


def test_by_the_stage_the_same_place_is_shown():
    left = info(stage=StageTransform("tile_positions", ((0.5, 0.0, 1000.0), (0.0, 0.5, 2000.0))))
    right = info(stage=StageTransform("pixel_to_stage", ((0.0, -0.25, 1600.0), (0.25, 0.0, 1900.0))))
    link = by_stage(left, right)
    assert link is not None
    for x, y in ((0, 0), (700, 20), (333, 777)):
        assert right.stage.to_stage(*link.point(x, y)) == pytest.approx(left.stage.to_stage(x, y))
    assert link.scale == pytest.approx(2.0)


def test_the_stage_links_only_what_lay_on_one():
    stage = StageTransform("tile_positions", ((0.5, 0.0, 0.0), (0.0, 0.5, 0.0)))
    one, other = (replace(stage, session=StageSession(name)) for name in "ab")
    assert lay_together(info(stage=one), info(stage=one))
    assert not lay_together(info(stage=one), info(stage=other))
    flat = StageTransform("tile_positions", ((0.5, 0.0, 0.0), (0.5, 0.0, 0.0)))
    assert by_stage(info(stage=stage), info()) is None
    assert by_stage(info(), info(stage=stage)) is None
    assert by_stage(info(stage=stage), info(stage=flat)) is None
    assert by_stage(info(stage=flat), info(stage=stage)) is None


def test_only_what_lay_in_one_place_is_linked_by_stage_at_first():
    def at(x_um):
        return info(stage=StageTransform("tile_positions", ((0.5, 0.0, x_um), (0.0, 0.5, 0.0))))

    assert lay_together(at(0), at(100))
    assert not lay_together(at(0), at(480))
    assert not lay_together(at(0), at(5000))
    assert not lay_together(at(0), info())


def test_all_of_the_left_has_its_place_in_the_right():
    link = by_scale(info(1000, 800, 1.0), info(100, 100, 0.5))
    box = link.covers(Box(0, 0, 1000, 800))
    assert (box.w, box.h) == (2000, 1600)
    assert box.center == (50, 50)
