"""Boxes found by their place, against looking at each of them."""

from __future__ import annotations

import numpy as np
import pytest

from core.box_index import BoxIndex


def some_edges(count, seed=0, long_ones=20):
    rng = np.random.default_rng(seed)
    corner, size = rng.uniform(0, 10_000, (count, 2)), rng.uniform(0, 60, (count, 2))
    size[:long_ones, 0] *= 100
    return np.concatenate([corner, corner + size], axis=1)


def one_by_one(edges, x0, y0, x1, y1):
    inside = (edges[:, 2] >= x0) & (edges[:, 0] <= x1) & (edges[:, 3] >= y0) & (edges[:, 1] <= y1)
    return np.flatnonzero(inside)


@pytest.mark.parametrize("count", [1, 7, 300, 20_000])
def test_the_same_boxes_are_found_as_one_by_one(count):
    edges = some_edges(count)
    index = BoxIndex(edges)
    rng = np.random.default_rng(1)
    for size in (0.0, 50.0, 900.0, 30_000.0):
        for x, y in rng.uniform(-500, 10_500, (20, 2)):
            area = (x, y, x + size, y + size)
            expected = one_by_one(edges, *area)
            assert np.array_equal(index.touching(*area), expected)
            for limit in (0, 5, 300):
                assert index.more_than(limit, *area) == (len(expected) > limit)


@pytest.mark.parametrize("count", [0, 1, 300])
def test_pairs_are_those_that_are_found_one_by_one(count):
    edges, asked = some_edges(count), some_edges(200, seed=1) - 200
    index = BoxIndex(edges)
    asking, found = index.pairs(asked)
    pairs = list(zip(asking.tolist(), found.tolist(), strict=True))
    assert sorted(pairs) == [(n, other) for n, one in enumerate(asked) for other in index.touching(*one).tolist()]
    assert index.pairs(asked[:0])[0].size == 0


def test_none_and_all_in_one_place():
    assert BoxIndex(np.zeros((0, 4))).touching(0, 0, 1, 1).size == 0
    same = BoxIndex(np.tile([5.0, 5.0, 5.0, 5.0], (100, 1)))
    assert len(same.touching(5, 5, 5, 5)) == 100
    assert same.touching(6, 6, 9, 9).size == 0


def test_boxes_in_one_line_make_no_endless_grid():
    edges = np.zeros((1000, 4))
    edges[:, 0] = edges[:, 2] = np.arange(1000) * 1e4
    assert np.array_equal(BoxIndex(edges).touching(5e4, -1, 9e4, 1), [5, 6, 7, 8, 9])
