"""Which window each cell of a logit map shows: against a plain loop, whatever the sizes."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from core.models.window_scores import context_of, window_probabilities


def by_hand(maps: np.ndarray, window: int, step: int) -> np.ndarray:
    """Each cell's window as an interval of half cells around its block's middle."""
    rows, columns = maps.shape[1:]
    halves = maps.repeat(2, 1).repeat(2, 2)
    out = np.empty_like(maps)
    for r in range(rows):
        for c in range(columns):
            spans = []
            for index, size in ((r, rows), (c, columns)):
                first = 2 * (index // step * step) + step - window
                spans.append(slice(max(0, first), max(0, min(2 * size, first + 2 * window))))
            part = halves[:, spans[0], spans[1]].astype(np.float64)
            known = np.isfinite(part[0])
            means = np.array([plane[known].mean() if known.any() else np.nan for plane in part])
            odds = np.exp(means - means.max())
            out[:, r, c] = odds / odds.sum()
    out[:, ~np.isfinite(maps[0])] = np.nan
    return out


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 7), st.integers(1, 5), st.integers(5, 17), st.integers(5, 14), st.integers(0, 2**31), st.booleans()
)
def test_each_cell_shows_the_window_in_the_middle_of_its_block(window, step, rows, columns, seed, holes):
    maps = np.random.default_rng(seed).normal(0, 2, (3, rows, columns)).astype(np.float32)
    if holes:
        maps[:, 2, 3] = np.nan
    found = window_probabilities(maps, window, step)
    assert found.shape == maps.shape
    assert np.allclose(found, by_hand(maps, window, step), atol=2e-6, equal_nan=True)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9), st.integers(1, 4))
def test_a_score_looks_no_further_than_it_says(window, step):
    reach = context_of(window, step)
    maps = np.zeros((2, 48, 48), np.float32)
    before = window_probabilities(maps, window, step)
    at = 6 * step + step // 2
    maps[1, at, at] = 50
    rows, columns = np.nonzero(np.abs(window_probabilities(maps, window, step) - before).max(0) > 1e-6)
    assert max(np.abs(rows - at).max(), np.abs(columns - at).max()) <= reach


def test_an_even_window_counts_its_outermost_cells_half():
    maps = np.zeros((2, 9, 9), np.float32)
    maps[1, 4, 4] = 16.0
    odds = np.log(window_probabilities(maps, 2)[1] / window_probabilities(maps, 2)[0])
    assert np.allclose(odds[3:6, 3:6], [[1, 2, 1], [2, 4, 2], [1, 2, 1]], atol=1e-4)
    assert np.abs(odds).sum() - np.abs(odds[3:6, 3:6]).sum() < 1e-4
