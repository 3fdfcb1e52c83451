"""The mask itself: what it covers, how it is added up, kept and read again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.geometry import Box
from core.specimen_mask import Mask


def some_mask(seed: int = 0, rows: int = 30, columns: int = 40, cell_px: int = 16) -> Mask:
    return Mask(np.random.default_rng(seed).random((rows, columns)) < 0.1, cell_px)


def covers_by_hand(mask: Mask, box: Box) -> bool:
    cells = np.argwhere(mask.values) * mask.cell_px
    return any(Box(x, y, mask.cell_px, mask.cell_px).intersection(box) for y, x in cells)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 50), x=st.floats(-200, 800), y=st.floats(-200, 800), w=st.floats(1, 90), h=st.floats(1, 90))
def test_a_box_is_covered_where_any_cell_it_touches_shows_specimen(seed, x, y, w, h):
    mask, box = some_mask(seed), Box(x, y, w, h)
    assert mask.covers(box) == covers_by_hand(mask, box)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 50), side=st.floats(7, 120))
def test_a_grid_of_boxes_is_covered_as_each_of_them(seed, side):
    mask = some_mask(seed)
    x_edges, y_edges = np.arange(-1, 8) * side, np.arange(0, 7) * side
    covered = mask.covers_grid(x_edges, y_edges)
    assert covered.shape == (6, 8)
    for row, y in enumerate(y_edges[:-1]):
        for column, x in enumerate(x_edges[:-1]):
            assert covered[row, column] == mask.covers(Box.from_edges(x, y, x_edges[column + 1], y_edges[row + 1]))


def test_the_empty_area_counts_only_what_lies_inside():
    mask = Mask(np.array([[True, False], [False, False]]), 16)
    assert mask.empty_px2(Box(0, 0, 20, 20)) == 20 * 20 - 16 * 16
    assert mask.empty_px2(Box(8, 0, 16, 10)) == 8 * 10
    assert mask.empty_px2(Box(100, 0, 16, 10)) == 0


@pytest.mark.parametrize("area", [Box(0, 0, 56, 40), Box(3.5, 10.25, 30, 20.5), Box(9, 9, 2, 2), Box(-5, 33, 200, 100)])
def test_the_empty_part_of_an_area_is_that_of_its_px(area):
    values = np.random.default_rng(3).random((5, 7)) < 0.5
    fine = np.kron(~values, np.ones((32, 32)))  # quarters of a px
    y0, y1, x0, x1 = (max(0, round(4 * v)) for v in (area.y, area.y1, area.x, area.x1))
    assert Mask(values, 8).empty_px2(area) == pytest.approx(fine[y0:y1, x0:x1].sum() / 16)


def test_a_mask_is_kept_and_read_again(tmp_path):
    mask = some_mask(3)
    mask.save(tmp_path / "mask.npz")
    read = Mask.load(tmp_path / "mask.npz")
    assert read is not None
    assert (read.values == mask.values).all()
    assert read.cell_px == 16


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 cut short", b"no archive"])
def test_what_is_no_mask_counts_as_none(tmp_path, content):
    if content is not None:
        (tmp_path / "mask.npz").write_bytes(content)
    assert Mask.load(tmp_path / "mask.npz") is None
