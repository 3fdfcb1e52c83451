"""Which tiles are wanted and in which order, what stands in for those that are missing, and where the view is going."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QPixmap

from app.viewer import tile_wishes
from app.viewer.motion import Motion
from app.viewer.tile_store import TileStore, part_of
from app.viewer.tiles import TileKey, coarsest_downsample, downsample_for, tiles_in
from core.geometry import Box

SECTION = Box(0, 0, 20_000, 9_000)
COARSEST = coarsest_downsample(SECTION)


def pixmap(side: int = 512) -> QPixmap:
    made = QPixmap(side, side)
    made.fill()
    return made


@pytest.fixture
def store(qapp) -> TileStore:
    store = TileStore(64 << 20)
    store.begin(SECTION, COARSEST)
    return store


@pytest.mark.parametrize(
    ("zoom", "downsample"), [(3, 1), (1, 1), (0.51, 1), (0.5, 2), (0.49, 2), (0.25, 4), (0.126, 4), (0.001, 64)]
)
def test_a_zoom_is_drawn_from_the_coarsest_level_that_is_fine_enough(zoom, downsample):
    assert downsample_for(zoom, COARSEST) == downsample


def test_tiles_of_an_area_are_those_it_touches_inside_the_section():
    assert list(tiles_in(Box(500, 10, 600, 10), 1, SECTION)) == [TileKey(1, 0, 0), TileKey(1, 1, 0), TileKey(1, 2, 0)]
    assert len(tiles_in(Box(-900, -900, 300, 300), 1, SECTION)) == 0
    edge = list(tiles_in(Box(19_900, 8_900, 5000, 5000), 2, SECTION))
    assert edge == [TileKey(2, 19, 8)]
    assert edge[0].box(SECTION) == Box(19 * 1024, 8 * 1024, 20_000 - 19 * 1024, 9_000 - 8 * 1024)
    assert list(tiles_in(SECTION, COARSEST, SECTION)) == [TileKey(COARSEST, 0, 0)]


def test_what_is_nearest_to_the_pointer_comes_first():
    seen = tiles_in(Box(2048, 2048, 2048, 1024), 1, SECTION)
    order = tile_wishes.nearest_first(seen, (3900, 2100))
    assert order[0] == TileKey(1, 7, 4)
    assert order[-1] == TileKey(1, 4, 5)
    assert set(order) == set(seen)


def test_ahead_of_a_movement_the_next_screenful_is_sharp_and_what_follows_rough():
    motion = Motion()
    motion.moved(10.0, Box(4000, 4000, 1600, 1000))
    motion.moved(10.125, Box(4200, 4000, 1600, 1000))  # 1600 px a second to the right
    assert motion.ahead(0.25) == Box(4600, 4000, 1600, 1000)
    assert motion.ahead(1.0) == Box(5800, 4000, 1600, 1000)
    seen = tiles_in(Box(4200, 4000, 1600, 1000), 1, SECTION)
    keys = tile_wishes.ahead([(motion.ahead(s), 1) for s in (0.25, 1.0)], seen, SECTION, COARSEST)
    assert {key.downsample for key in keys} == {1, 4}
    assert all(key.column >= seen.right for key in keys if key.downsample == 1)
    assert TileKey(4, 3, 2) in keys
    assert keys.index(TileKey(1, 12, 8)) < keys.index(TileKey(4, 3, 2))


def test_standing_still_or_jumping_is_no_movement():
    motion = Motion()
    assert motion.ahead(1) is None
    motion.moved(1.0, Box(0, 0, 100, 100))
    motion.moved(1.1, Box(0, 0, 100, 100))
    assert motion.ahead(1) is None
    motion.moved(1.2, Box(5000, 0, 100, 100))
    assert motion.ahead(1) is None
    motion.moved(9.0, Box(5050, 0, 100, 100))
    assert motion.ahead(1) is None  # too long ago
    motion.moved(9.1, Box(5060, 0, 100, 100))
    assert motion.ahead(0.1) == Box(5070, 0, 100, 100)


def test_zooming_in_looks_ahead_to_the_next_level():
    motion = Motion()
    motion.moved(1.0, Box(4000, 4000, 1600, 1000))
    motion.moved(1.1, Box(4200, 4125, 1200, 750))
    view = motion.ahead(0.25)
    assert view.w == pytest.approx(1200 * 0.75**2.5)
    assert view.center == pytest.approx((4800, 4500))


def test_a_missing_tile_is_drawn_from_the_best_coarser_one_and_the_finer_ones_over_it(store):
    key = TileKey(2, 3, 2)
    assert store.pieces(tiles_in(key.box(SECTION), 2, SECTION)) == []
    store.put_preview(pixmap(100))
    (shown,) = store.pieces(tiles_in(key.box(SECTION), 2, SECTION))
    assert (shown.x0, shown.y0, shown.x1, shown.y1) == (3072, 2048, 4096, 3072)
    assert (shown.sx, shown.sw) == pytest.approx((15.36, 5.12))
    store.put(TileKey(8, 0, 0), pixmap(), 0, exact=True)
    (shown,) = store.pieces(tiles_in(key.box(SECTION), 2, SECTION))
    assert (shown.sx, shown.sy, shown.sw, shown.sh, shown.downsample) == (384, 256, 128, 128, 8)
    store.put(TileKey(1, 7, 4), pixmap(), 0, exact=True)
    below, above = store.pieces(tiles_in(key.box(SECTION), 2, SECTION))
    assert (below.downsample, above.downsample) == (8, 1)
    assert (above.x0, above.y0, above.x1, above.y1) == (3584, 2048, 4096, 2560)
    store.put(key, pixmap(), 0, exact=True)
    (shown,) = store.pieces(tiles_in(key.box(SECTION), 2, SECTION))
    assert shown.downsample == 2


def test_one_coarse_tile_is_drawn_once_for_all_that_it_stands_in_for(store):
    store.put(TileKey(COARSEST, 0, 0), pixmap(), 0, exact=True)
    store.put(TileKey(1, 5, 5), pixmap(), 0, exact=True)
    pieces = store.pieces(tiles_in(Box(2048, 2048, 2048, 1024), 1, SECTION))
    assert [piece.downsample for piece in pieces] == [COARSEST, 1]
    assert (pieces[0].x0, pieces[0].y0, pieces[0].x1, pieces[0].y1) == (2048, 2048, 4096, 3072)


def test_four_finer_tiles_need_nothing_under_them(store):
    store.put(TileKey(COARSEST, 0, 0), pixmap(), 0, exact=True)
    key = TileKey(4, 1, 1)
    for child in key.children():
        store.put(child, pixmap(), 0, exact=True)
    assert [p.downsample for p in store.pieces(tiles_in(key.box(SECTION), 4, SECTION))] == [2, 2, 2, 2]


def test_the_picture_of_the_whole_section_is_never_forgotten(qapp):
    store = TileStore(2 << 20)  # two tiles
    store.begin(SECTION, COARSEST)
    store.put(TileKey(COARSEST, 0, 0), pixmap(), 0, exact=True)
    for column in range(4):
        store.put(TileKey(1, column, 0), pixmap(), 0, exact=True)
    assert not store.is_sharp(TileKey(1, 0, 0), 0)
    assert store.is_sharp(TileKey(1, 3, 0), 0)
    assert store.is_sharp(TileKey(COARSEST, 0, 0), 0)
    assert store.overview is not None


def test_inexact_tiles_are_wanted_again_where_better_ones_are_known(store):
    near, far, exact = TileKey(16, 0, 0), TileKey(16, 1, 0), TileKey(8, 0, 0)
    store.put(near, pixmap(), 0, exact=False)
    store.put(far, pixmap(), 0, exact=False)
    store.put(exact, pixmap(), 0, exact=True)
    assert not any(store.is_wanted(key, 0) for key in (near, far, exact))
    assert not store.is_sharp(near, 0)
    store.outdate(Box(100, 100, 10, 10))
    assert [store.is_wanted(key, 0) for key in (near, far, exact)] == [True, False, False]
    assert store.pieces(tiles_in(near.box(SECTION), 16, SECTION))  # shown meanwhile
    store.put(near, pixmap(), 0, exact=True)
    store.outdate(None)
    assert [store.is_wanted(key, 0) for key in (near, far, exact)] == [False, True, False]


def test_another_display_wants_everything_anew_and_late_answers_of_the_old_one_are_dropped(store):
    key = TileKey(1, 0, 0)
    store.put(key, pixmap(), 0, exact=True)
    assert store.is_wanted(key, 1)
    assert store.put(key, pixmap(), 1, exact=True)
    assert not store.put(key, pixmap(), 0, exact=True)
    assert store.is_sharp(key, 1)


def test_what_cannot_be_read_is_not_wanted_until_it_is_tried_again(store):
    key = TileKey(1, 2, 2)
    store.put_broken(key, 0)
    assert not store.is_wanted(key, 0)
    assert [piece.pixmap for piece in store.pieces(tiles_in(key.box(SECTION), 1, SECTION))] == [None]
    store.mend()
    assert store.is_wanted(key, 0)
    assert store.pieces(tiles_in(key.box(SECTION), 1, SECTION)) == []


def test_a_part_of_a_piece_keeps_its_place(store):
    store.put(TileKey(4, 1, 1), pixmap(), 0, exact=True)
    (whole,) = store.pieces(tiles_in(TileKey(4, 1, 1).box(SECTION), 4, SECTION))
    part = part_of(whole, 2148, 0, 2348, 3000)
    assert (part.x0, part.y0, part.x1, part.y1) == (2148, 2048, 2348, 3000)
    assert (part.sx, part.sy, part.sw, part.sh) == (25, 0, 50, 238)
