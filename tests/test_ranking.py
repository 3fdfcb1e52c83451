"""What "worst" means."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.detection import Detection
from core.geometry import Box
from core.ranking import Ranking, Scale, default_weights, worst_first

scores = st.floats(0, 1)
distances = st.floats(0, 1e4)
areas = st.floats(1, 1e7)
SCALE = Scale(0.5, True, None, {})


def rank(score: float, area: float, *, probability: bool = True, artefact: bool = False, scale: float | None = 0.25):
    weights = default_weights(["pore"], ["pore"] if artefact else [])
    ranking = Ranking(Scale(0.5, probability, scale, weights))
    return float(ranking.severities(["pore"], np.array([score]), np.array([area]))[0])


def one(number: int = 1, label: str = "pore", score: float = 0.9, area: float = 25.0, **place: float) -> Detection:
    return Detection(number, 1, "s", "m", label, score, Box(place.get("x", 0), place.get("y", 0), 5, 5), area, 0.0)


@given(scores, areas, st.booleans(), st.sampled_from([None, 0.25]))
def test_severity_is_0_to_100(score: float, area: float, artefact: bool, scale: float | None):
    assert 0 <= rank(score, area, artefact=artefact, scale=scale) <= 100


@given(distances, areas)
def test_severity_of_a_distance_is_0_to_100(score: float, area: float):
    assert 0 <= rank(score, area, probability=False) <= 100


@given(scores, scores, areas)
def test_surer_is_worse(a: float, b: float, area: float):
    low, high = sorted((a, b))
    assert rank(low, area) <= rank(high, area)


@given(scores, areas, areas)
def test_larger_is_worse(score: float, a: float, b: float):
    low, high = sorted((a, b))
    assert rank(score, low) <= rank(score, high)


@given(scores, areas)
def test_a_trace_of_preparation_counts_a_fifth(score: float, area: float):
    assert rank(score, area, artefact=True) == pytest.approx(rank(score, area) / 5)


@given(st.lists(st.tuples(st.sampled_from("abc"), scores, areas), max_size=30), st.floats(0, 1))
def test_parts_add_up_to_the_severity_of_all(given_ones, weight):
    labels, sure, sizes = zip(*given_ones, strict=True) if given_ones else ((), (), ())
    ranking = Ranking(Scale(0.5, True, 0.25, {"a": weight}), labels, sizes)
    found = ranking.severities(labels, np.array(sure, float), np.array(sizes, float))
    for label, score, area, value in zip(labels, sure, sizes, found, strict=True):
        parts = ranking.parts(one(label=label, score=score, area=area))
        assert parts.severity == pytest.approx(value)
        assert 0 <= value <= 100
        assert 0 <= parts.rarity <= 1


def test_rarity_is_the_information_in_meeting_one_like_it():
    labels, sizes = ["pore"] * 7 + ["crack"], [10, 11, 12, 13, 14, 15, 400, 10]
    ranking = Ranking(SCALE, labels, sizes)
    usual, large, lone = (ranking.parts(one(label=n, area=a)) for n, a in (("pore", 12), ("pore", 400), ("crack", 10)))
    assert (usual.alike, usual.count) == (6, 8)
    assert usual.rarity == pytest.approx(math.log(8 / 6) / math.log(8))
    assert large.rarity == lone.rarity == 1
    assert large.severity > usual.severity
    assert ranking.parts(one(label="pore", area=20)).alike == 6, "up to twice the area"
    assert ranking.parts(one(label="pore", area=30.1)).alike == 1, "itself"


def test_all_alike_are_not_unusual_nor_is_the_only_one():
    assert Ranking(SCALE, ["pore"] * 5, [10.0] * 5).parts(one(area=10)).rarity == 0
    assert Ranking(SCALE, ["pore"], [10.0]).parts(one(area=10)).rarity == 0
    assert Ranking(SCALE).parts(one()).rarity == 0


def test_a_weight_scales_and_missing_ones_count_fully():
    full, half = (Ranking(Scale(0.5, True, None, w), ["pore", "crack"], [9.0, 9.0]) for w in ({}, {"pore": 0.5}))
    assert half.parts(one(area=9)).severity == pytest.approx(full.parts(one(area=9)).severity / 2)
    crack = one(label="crack", area=9)
    assert half.parts(crack).severity == full.parts(crack).severity
    assert default_weights(("pore", "scratch"), ("scratch",)) == {"pore": 1.0, "scratch": 0.2}


def test_ranked_ones_are_the_same_with_their_severities():
    some = [one(1, area=9), one(2, "crack", 0.4, 90)]
    ranking = Ranking(SCALE, ["pore", "crack"], [9.0, 90.0])
    assert [d.severity for d in ranking.ranked(some)] == [ranking.parts(d).severity for d in some]
    assert [d.id for d in ranking.ranked(some)] == [1, 2]


def test_words_say_every_part_in_numbers():
    ranking = Ranking(Scale(0.5, True, None, {"pore": 0.3}), ["pore"] * 1500 + ["crack"], [10.0] * 1501)
    words = ranking.parts(one(score=1.0, area=10.0)).words()
    assert words[0].startswith("Severity ")
    assert "65 of 65 for how sure" in words[1]
    assert "1,500 of 1,501 detections are like it" in words[3]
    assert "30 %" in words[4]
    assert len(ranking.parts(one(label="crack")).words()) == 4


def test_ties_run_from_top_to_bottom_and_left_to_right():
    def at(detection_id: int, x: float, y: float, severity: float = 50) -> Detection:
        return Detection(detection_id, 1, "s", "m", "pore", 0.9, Box(x, y, 5, 5), 25, severity)

    some = [at(1, 9, 9), at(2, 5, 1), at(3, 1, 5), at(4, 0, 1), at(5, 99, 99, severity=80), at(6, 5, 1)]
    assert [d.id for d in worst_first(some)] == [5, 4, 2, 6, 3, 1]
    assert worst_first(reversed(some)) == worst_first(some)
