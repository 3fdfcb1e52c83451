"""One object, one detection, whatever the grid of tiles and the order of work."""

from __future__ import annotations

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from core.geometry import Box
from core.project.fragments import Fragment
from core.scan.joining import touching, wholly_seen
from tests.seam_support import boxes_of, moved, scan_boxes, scan_scores

Array = np.ndarray
# Without shrinking: every example is a whole scan, and none is hard to read.
_PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
unhurried = settings(deadline=None, max_examples=12, phases=_PHASES, suppress_health_check=[HealthCheck.too_slow])
seeds = st.integers(0, 10_000)
sides = st.sampled_from([16, 20, 24, 32])
shifts = st.tuples(st.integers(0, 31), st.integers(0, 31))


def empty(size: int = 150, labels: int = 1) -> Array:
    return np.zeros((labels, size, size), np.float32)


def spots(seed: int, size: int = 150) -> Array:
    """Spots of many sizes and brightnesses, some on each other; no clump of them as long as the smallest tile.

    Within a clump each mark takes what others leave, so that only who sees all of it finds the same; the margin that is
    looked at around a tile is as wide as the tile here, and far wider than clumps in earnest.
    """
    rng = np.random.default_rng(seed)
    plane = empty(size)[0]
    for _ in range(25):
        centre = tuple(int(v) for v in rng.integers(5, size - 5, 2))
        one = cv2.circle(np.zeros_like(plane), centre, int(rng.integers(1, 6)), float(rng.uniform(0.3, 1)), -1)
        more = np.maximum(plane, cv2.blur(one, (3, 3)))
        _, _, clumps, _ = cv2.connectedComponentsWithStats((more > 0).astype(np.uint8))
        if clumps[1:, cv2.CC_STAT_WIDTH : cv2.CC_STAT_HEIGHT + 1].max() < 16:
            plane = more
    return plane[None]


def crack(points: list[tuple[int, int]], scores: tuple[float, float] = (1.0, 1.0), size: int = 150) -> Array:
    """A line two cells wide, its score going from one end to the other."""
    plane = np.zeros((size, size), np.uint8)
    cv2.polylines(plane, [np.array(points, np.int32)], False, 1, 2)
    along = np.linspace(*scores, size, dtype=np.float32)
    return (plane * along[None])[None]


LONG = {
    "straight": [(5, 70), (140, 70)],
    "diagonal": [(5, 8), (140, 141)],
    "steep": [(60, 4), (75, 145)],
    "curved": [(10, 20), (60, 60), (60, 100), (110, 140), (140, 90), (135, 20)],
    "there and back": [(10, 75), (140, 80), (140, 84), (12, 84)],
}


@unhurried
@given(seeds, sides, shifts, seeds)
def test_spots_are_the_same_on_every_grid(seed, side, shift, order):
    scores = spots(seed)
    expected = boxes_of(scan_scores(scores, 300))
    assert boxes_of(scan_scores(moved(scores, *shift), side, order), *shift) == expected


@unhurried
@given(st.sampled_from(sorted(LONG)), sides, shifts, seeds)
def test_a_long_crack_is_one_on_every_grid(shape, side, shift, order):
    scores = crack(LONG[shape])
    expected = boxes_of(scan_scores(scores, 300))
    assert len(expected) == 1
    assert boxes_of(scan_scores(moved(scores, *shift), side, order), *shift) == expected


@unhurried
@given(st.sampled_from(sorted(LONG)), sides, shifts, seeds)
def test_a_crack_that_fades_is_still_one(shape, side, shift, order):
    """Its one end scores less than the cut at the other: what a tile cuts off belongs to what the next one sees."""
    (expected,) = boxes_of(scan_scores(crack(LONG[shape]), 300))
    scores = crack(LONG[shape], (1.0, 0.35))
    found = boxes_of(scan_scores(moved(scores, *shift), side, order), *shift)
    assert len(found) == 1
    assert found[0][1].iou(expected[1]) >= 0.9


@unhurried
@given(sides, shifts, seeds)
def test_two_that_cross_are_one_and_two_side_by_side_are_two(side, shift, order):
    crossing = np.maximum(crack([(5, 8), (140, 141)]), crack([(5, 141), (140, 8)]))
    assert len(boxes_of(scan_scores(moved(crossing, *shift), side, order))) == 1
    parallel = np.maximum(crack([(5, 8), (130, 133)]), crack([(12, 8), (137, 133)]))
    found = boxes_of(scan_scores(moved(parallel, *shift), side, order), *shift)
    assert found == boxes_of(scan_scores(parallel, 300))
    assert len(found) == 2


@unhurried
@given(seeds, sides, shifts, seeds)
def test_among_spots_a_crack_stays_one(seed, side, shift, order):
    """The spots that the crack runs through are its own; all others are found as ever."""
    scores = np.maximum(spots(seed), crack(LONG["diagonal"], (0.9, 0.9)))
    found = boxes_of(scan_scores(moved(scores, *shift), side, order), *shift)
    long = [box for _, box in found if max(box.w, box.h) > 100]
    assert len(long) == 1
    expected = boxes_of(scan_scores(scores, 300))
    assert abs(len(found) - len(expected)) <= 2


def test_a_scratch_does_not_hide_the_pore_in_its_box():
    scores = empty(labels=2)
    scores[0] = crack(LONG["diagonal"])[0]
    scores[1, 20:24, 100:104] = 0.7
    for side in (16, 300):
        assert [label for label, _ in boxes_of(scan_scores(scores, side))] == ["label 0", "label 1"]


def test_joined_it_has_the_highest_score_and_all_of_the_area():
    scores = crack(LONG["curved"], (0.4, 0.9))
    (whole,) = scan_scores(scores, 300).found
    (joined,) = scan_scores(scores, 16).found
    assert joined.score == pytest.approx(whole.score)
    assert joined.peak == whole.peak
    assert joined.area_px == np.count_nonzero(scores)


def test_no_more_is_kept_open_than_the_scan_has_before_it():
    """Cracks across the whole section, row after row: what is done is joined and forgotten."""
    scores = empty(320)
    scores[0, 8::32, 4:316] = 1
    store = scan_scores(scores, 32)
    assert len(store.found) == 10
    assert store.most_open <= 4 * 10


# -- boxes -------------------------------------------------------------------------------------------------------------


def planted(seed: int, size: int = 640, count: int = 60) -> tuple[Array, list[Box]]:
    """Bright rectangles that don't touch, the largest as large as the overlap of tiles."""
    rng = np.random.default_rng(seed)
    image, free, boxes = np.zeros((size, size), np.uint8), np.ones((size, size), bool), []
    for _ in range(count):
        w, h = rng.integers(6, 60, 2)
        x, y = rng.integers(3, size - w - 3), rng.integers(3, size - h - 3)
        if free[y - 3 : y + h + 3, x - 3 : x + w + 3].all():
            image[y : y + h, x : x + w] = 255
            free[y : y + h, x : x + w] = False
            boxes.append(Box(x, y, w, h))
    return image, boxes


@unhurried
@given(seeds, st.sampled_from([64, 96, 128]), shifts, seeds)
def test_every_box_is_found_once_and_as_it_is(seed, tile_px, shift, order):
    image, boxes = planted(seed)
    found = boxes_of(scan_boxes(moved(image, *shift), tile_px, 32, order), *shift)
    assert [box for _, box in found] == sorted(boxes)


LINES = {
    "straight": [(20, 300), (600, 300)],
    "on a seam": [(20, 128), (600, 128)],
    "diagonal": [(20, 30), (600, 610)],
    "steep": [(250, 20), (310, 610)],
    "curved": [(40, 80), (240, 240), (250, 400), (440, 560), (600, 580)],
}


@unhurried
@given(st.sampled_from(sorted(LINES)), st.sampled_from([64, 96, 128]), shifts, seeds)
def test_what_is_longer_than_tiles_is_one_box(shape, tile_px, shift, order):
    image = np.zeros((640, 640), np.uint8)
    cv2.polylines(image, [np.array(LINES[shape], np.int32)], False, 255, 5)
    found = boxes_of(scan_boxes(moved(image, *shift), tile_px, 32, order), *shift)
    x, y, w, h = cv2.boundingRect(image)
    assert [box for _, box in found] == [Box(x, y, w, h)]


@unhurried
@given(seeds, st.sampled_from([64, 96]))
def test_of_two_long_lines_each_is_one_box(seed, tile_px):
    """However their boxes lie in each other, as long as the lines themselves don't touch."""
    rng = np.random.default_rng(seed)
    lines = [np.zeros((640, 640), np.uint8) for _ in range(2)]
    for line in lines:
        start, end = rng.integers(20, 620, (2, 2)).tolist()
        cv2.line(line, start, end, 255, 5)
    assume(not (cv2.dilate(lines[0], np.ones((9, 9))) & lines[1]).any())
    found = boxes_of(scan_boxes(lines[0] | lines[1], tile_px, 32, seed))
    assert [box for _, box in found] == sorted(Box(*cv2.boundingRect(line)) for line in lines)


def test_the_heat_map_of_boxes_shows_each_score_where_it_is():
    image, boxes = planted(3)
    scores = scan_boxes(image, 96, 32).arrays["scores"][0]
    assert not np.isnan(scores).any()
    for box in boxes:
        x, y, w, h = box.scaled(1 / 8).outer_pixels()
        assert (scores[y : y + h, x : x + w] == np.float32(0.9)).all()
    assert (scores == 0).any()


def test_what_covers_the_whole_section_is_not_walked_anew_for_each_tile():
    """Then every tile has a part of the same object, and most of it lies around the tile that is finished."""
    side, links = 20, [0]
    places = {(row, column): row * side + column for row in range(side) for column in range(side)}
    around = {
        tile: [places[r + i, c + j] for i in (-1, 0, 1) for j in (-1, 0, 1) if (i or j) and (r + i, c + j) in places]
        for (r, c), tile in places.items()
    }
    stored: dict[int, Fragment] = {}
    store = SimpleNamespace(
        of=lambda tiles: [stored[tile] for tile in tiles if tile in stored],
        finished=lambda tiles: stored.keys() & set(tiles),
    )

    def link(one, mine, theirs):
        links[0] += 1
        return touching(one, mine, theirs)

    joined = []
    for r, c in sorted(places, key=lambda place: (place[0] - 10) ** 2 + (place[1] - 10) ** 2):
        tile, box = places[r, c], Box(10 * c, 10 * r, 10, 10)
        edges = dict.fromkeys(around[tile], (box,))
        stored[tile] = Fragment(tile, "crack", 0.5, box, 100, box.center, edges, id=tile + 1)
        joined += wholly_seen(tile, around[tile], store, lambda _: True, link)
    assert [len(one.fragments) for one in joined] == [side * side]
    assert links[0] <= 50 * side * side
