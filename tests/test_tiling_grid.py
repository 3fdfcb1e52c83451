"""The tile grid: every cell has one owner, names are stable, the order goes outwards."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.geometry import Box
from core.tiling import TileGrid


@settings(max_examples=60, deadline=None)
@given(
    width=st.integers(1, 1500),
    height=st.integers(1, 1500),
    scale=st.sampled_from([0.37, 0.5, 1.0, 1.7, 2.0, 3.3]),
    stride=st.sampled_from([1, 8, 16]),
    tile_cells=st.integers(8, 80),
)
def test_every_cell_has_exactly_one_owner(width, height, scale, stride, tile_cells):
    grid = TileGrid(width, height, scale, tile_cells * stride, stride)
    owners = np.zeros(grid.cells, int)
    for tile in grid.tiles():
        owners[tile.y_cell : tile.y_cell + tile.h_cells, tile.x_cell : tile.x_cell + tile.w_cells] += 1
        assert grid.tile(tile.index) == tile
    assert (owners == 1).all()
    _, columns = grid.cells
    assert columns * grid.cell_px >= width * (1 - 1e-6)
    assert (columns - 1) * grid.cell_px < width


def test_a_region_gets_the_sections_own_tiles():
    grid = TileGrid(5000, 3000, 1.0, 512, 16)
    every = {tile.index: tile for tile in grid.tiles()}
    region = Box(700, 600, 900, 10)
    some = grid.tiles(region)
    assert [every[tile.index] for tile in some] == some
    assert {tile.index for tile in some} == {i for i, tile in every.items() if tile.box.intersection(region)}


def test_a_region_that_ends_at_a_tiles_edge_does_not_take_the_neighbour():
    grid = TileGrid(2048, 2048, 1.0, 512, 16)
    assert [tile.index for tile in grid.tiles(Box(512, 512, 512, 512))] == [5]
    assert grid.tiles(Box(5000, 5000, 10, 10)) == []
    assert grid.tiles(Box(-300, -300, 100, 100)) == []


def test_order_goes_outwards_and_is_the_same_every_time():
    grid = TileGrid(4096, 4096, 1.0, 512, 16)
    order = grid.order(grid.indices()[::-1], (2000.0, 2000.0))
    tiles = [grid.tile(index) for index in order]
    distances = [np.hypot(t.box.center[0] - 2000, t.box.center[1] - 2000) for t in tiles]
    assert distances == sorted(distances)
    assert (order == grid.order(grid.indices(), (2000.0, 2000.0))).all()
    assert (grid.order(order) == np.arange(64)).all()


@settings(max_examples=40, deadline=None)
@given(x=st.floats(0, 3000), y=st.floats(0, 2000), w=st.floats(1, 3000), h=st.floats(1, 2000))
def test_within_a_region_too_each_tile_comes_once_nearest_first(x, y, w, h):
    grid = TileGrid(3000, 2000, 1.7, 256, 16)
    region = Box(x, y, w, h)
    order = [grid.tile(index) for index in grid.order(grid.indices(region), region.center)]
    assert sorted(t.index for t in order) == [t.index for t in grid.tiles(region)]
    distances = [np.hypot(t.box.center[0] - region.center[0], t.box.center[1] - region.center[1]) for t in order]
    assert np.allclose(distances, sorted(distances))


@settings(max_examples=40, deadline=None)
@given(width=st.integers(1, 5000), height=st.integers(1, 5000), scale=st.sampled_from([0.37, 1.0, 3.3]))
def test_edges_are_those_of_the_tiles(width, height, scale):
    grid = TileGrid(width, height, scale, 512, 16)
    x_edges, y_edges = grid.edges
    for tile in grid.tiles():
        assert np.allclose(x_edges[tile.col : tile.col + 2], (tile.box.x, tile.box.x1))
        assert np.allclose(y_edges[tile.row : tile.row + 2], (tile.box.y, tile.box.y1))


def test_model_box_has_the_halo_on_every_side():
    grid = TileGrid(1000, 700, 2.0, 256, 16)
    last = grid.tiles()[-1]
    x, y, width, height = grid.model_box(last, 64)
    assert (x + 64) * 2.0 == last.box.x
    assert (width - 128) * 2.0 == last.box.w
    assert (height - 128) * 2.0 == last.box.h
    assert y == last.row * 256 - 64


@pytest.mark.parametrize("bad", [(0, 5, 1.0, 64, 16), (5, 5, 0.0, 64, 16), (5, 5, 1.0, 60, 16)])
def test_what_is_no_grid_is_refused(bad):
    with pytest.raises(ValueError, match="not a grid"):
        TileGrid(*bad)
