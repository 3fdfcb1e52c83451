"""AUPRO: what is counted by hand, and what must hold of any such figure."""

from __future__ import annotations

import numpy as np
import pytest

from core.anomaly_metrics import area_under_pro

Array = np.ndarray


def test_it_is_what_is_counted_by_hand():
    """A region of 4 px and one of 1 px among 10 normal ones. Down the scores: 0.9 two px of the large region (overlap 1/4),
    0.8 one normal px (rate 0.1), 0.7 the small region (overlap 3/4), 0.6 two normal px (rate 0.3), 0.5 the rest."""
    truth = np.array([[1, 1, 0, 0, 0], [1, 1, 0, 0, 1], [0, 0, 0, 0, 0]], bool)
    scores = np.array([[0.9, 0.9, 0.8, 0.6, 0.6], [0.5, 0.5, 0.5, 0.5, 0.7], [0.5] * 5])
    # Rates 0, 0, 0.1, 0.1, 0.3 with overlaps 0, 1/4, 1/4, 3/4, 3/4.
    expected = (0.1 * 0.25 + 0.2 * 0.75) / 0.3
    assert area_under_pro([scores], [truth], 0.3) == pytest.approx(expected)
    # Between two thresholds a straight line: at a rate of 0.05 the overlap is 1/4, at 0.2 it is 3/4.
    assert area_under_pro([scores], [truth], 0.05) == pytest.approx(0.25)
    assert area_under_pro([scores], [truth], 0.2) == pytest.approx((0.1 * 0.25 + 0.1 * 0.75) / 0.2)


def test_a_perfect_map_has_all_of_it_and_an_empty_one_what_chance_gives():
    truth = np.zeros((20, 20), bool)
    truth[2:5, 2:5] = truth[10:18, 12] = True
    assert area_under_pro([truth.astype(float)], [truth]) == pytest.approx(1)
    assert area_under_pro([np.ones((20, 20))], [truth]) == pytest.approx(0.15)
    assert area_under_pro([1 - truth.astype(float)], [truth]) == pytest.approx(0)


def test_small_regions_count_as_much_as_large_ones():
    truth = np.zeros((40, 40), bool)
    truth[:20, :20] = truth[30, 30] = True
    large, small = (np.zeros((40, 40)) for _ in range(2))
    large[:20, :20] = small[30, 30] = 1
    # What is found at once stays; the rest is found as chance finds it.
    assert area_under_pro([large], [truth]) == pytest.approx(area_under_pro([small], [truth]))


def test_pictures_are_taken_together():
    random = np.random.default_rng(3)
    scores: list[Array] = [random.random((16, 16)) for _ in range(3)]
    truths = [np.zeros((16, 16), bool) for _ in range(3)]
    truths[1][3:6, 3:9] = truths[2][10:12, 2:4] = True
    gap = np.zeros((16, 1), bool)
    side_by_side = np.concatenate([truths[0], gap, truths[1], gap, truths[2]], axis=1)
    low = np.full((16, 1), -1.0)
    together = area_under_pro(
        [np.concatenate([scores[0], low, scores[1], low, scores[2]], axis=1)], [side_by_side], 1.0
    )
    assert area_under_pro(scores, truths, 1.0) == pytest.approx(together, abs=0.05)


def test_without_a_region_or_without_anything_normal_there_is_none():
    assert area_under_pro([np.ones((4, 4))], [np.zeros((4, 4), bool)]) is None
    assert area_under_pro([np.ones((4, 4))], [np.ones((4, 4), bool)]) is None
