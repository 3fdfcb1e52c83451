"""What "worst" means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.detection import Detection
from core.geometry import Box
from core.ranking import severity, worst_first

scores = st.floats(0, 1)
distances = st.floats(0, 1e4)
areas = st.floats(1, 1e7)


def rank(score: float, area: float, *, probability: bool = True, artefact: bool = False, scale: float | None = 0.25):
    return severity(score, 0.5, area, scale, is_probability=probability, is_artefact=artefact)


@given(scores, areas, st.booleans(), st.sampled_from([None, 0.25]))
def test_severity_is_0_to_100(score: float, area: float, artefact: bool, scale: float | None):
    assert 0 <= rank(score, area, artefact=artefact, scale=scale) <= 100


@given(distances, areas)
def test_severity_of_a_distance_is_0_to_100(score: float, area: float):
    assert 0 <= rank(score, area, probability=False) <= 100


@given(scores, scores, areas)
def test_surer_is_worse(a: float, b: float, area: float):
    assert (rank(a, area) <= rank(b, area)) == (a <= b) or rank(a, area) == rank(b, area)


@given(scores, areas, areas)
def test_larger_is_worse(score: float, a: float, b: float):
    low, high = sorted((a, b))
    assert rank(score, low) <= rank(score, high)


@given(scores, areas)
def test_a_trace_of_preparation_counts_a_fifth(score: float, area: float):
    assert rank(score, area, artefact=True) == pytest.approx(rank(score, area) / 5)


def test_ties_run_from_top_to_bottom_and_left_to_right():
    def at(detection_id: int, x: float, y: float, severity: float = 50) -> Detection:
        return Detection(detection_id, 1, "s", "m", "pore", 0.9, Box(x, y, 5, 5), 25, severity)

    some = [at(1, 9, 9), at(2, 5, 1), at(3, 1, 5), at(4, 0, 1), at(5, 99, 99, severity=80)]
    assert [d.id for d in worst_first(some)] == [5, 4, 2, 3, 1]
    assert worst_first(reversed(some)) == worst_first(some)
