"""The order of a drive: short, whole, and worked out in time however many places there are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core import drive_order as module
from core.drive_order import drive_order, drive_through, path_length, worth_a_visit
from core.geometry import Box
from tests.test_chemistry_rules import found


@pytest.mark.parametrize("most_greedy", [8000, 50], ids=["few", "many"])
def test_a_drive_visits_every_place_once_and_is_short(most_greedy: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_GREEDY", most_greedy)
    places = np.random.default_rng(1).random((400, 2)) * (2000, 1000)
    order = drive_order(places)
    assert sorted(order) == list(range(400))
    shortest = 0.7124 * np.sqrt(400 * 2000 * 1000)  # of a random tour, Beardwood, Halton and Hammersley 1959
    assert path_length(places, order) < 1.25 * shortest


def test_places_in_one_line_or_at_one_place_are_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_GREEDY", 2)
    line = np.array([(3.0, 5.0), (1.0, 5.0), (2.0, 5.0), (0.0, 5.0)])
    assert path_length(line, drive_order(line)) == 3
    assert sorted(drive_order(np.zeros((5, 2)))) == [0, 1, 2, 3, 4]
    assert drive_order(np.zeros((0, 2))).tolist() == []


def test_the_way_is_that_of_the_section_whatever_its_pixels_are() -> None:
    def at(number: int, x: float, y: float):
        return replace(found(number), box=Box(x, y, 2, 2))

    detections = [at(1, 0, 0), at(2, 10, 0), at(3, 0, 4)]
    assert drive_through(detections, None) == [0, 2, 1]
    assert drive_through(detections, (0.1, 1.0)) == [0, 1, 2], "px that are higher than wide"


def test_confirmed_defects_are_worth_a_visit_and_all_while_there_are_none() -> None:
    some = [found(number) for number in (1, 2, 3)]
    assert worth_a_visit(some) == some
    some[1] = replace(some[1], status="defect")
    assert worth_a_visit(some) == [some[1]]
