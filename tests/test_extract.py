"""Reading detections from a map of scores."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.geometry import Box
from core.mark_levels import MarkLevels
from core.scan.extract import SHARE_OF_PEAK, Mark, find_marks, to_candidate


def scores(rows: int = 12, columns: int = 16, labels: int = 1) -> np.ndarray:
    return np.zeros((labels, rows, columns), np.float32)


def test_a_mark_covers_the_cells_above_the_share_of_its_peak():
    values = scores()
    values[0, 3:6, 4:9] = 0.5
    values[0, 4, 6] = 1.0
    values[0, 3, 4] = SHARE_OF_PEAK - 0.01  # a corner too faint to belong
    (mark,) = find_marks(values, 0.3)
    assert mark.box == Box(4, 3, 5, 3)
    assert mark.cells == 14
    assert mark.peak == (4, 6)
    assert mark.score == pytest.approx(1.0)


def test_two_peaks_with_a_valley_between_are_two_marks():
    values = scores()
    values[0, 5, 2:5] = 0.9
    values[0, 5, 5] = 0.2
    values[0, 5, 6:9] = 0.8
    marks = find_marks(values, 0.3)
    assert [m.box for m in marks] == [Box(2, 5, 3, 1), Box(6, 5, 3, 1)]


def test_the_slope_of_a_peak_is_no_second_mark():
    values = scores()
    values[0, 5, :8] = np.linspace(1.0, 0.3, 8)
    assert len(find_marks(values, 0.25)) == 1


def test_below_the_floor_and_unscanned_there_is_nothing():
    values = scores()
    values[0, 2, 2] = 0.29
    values[0, 8:, :] = np.nan
    assert find_marks(values, 0.3) == []


def test_on_one_place_the_surest_label_stays():
    values = scores(labels=2)
    values[0, 4:7, 4:7] = 0.6
    values[1, 4:7, 4:8] = 0.9
    values[0, 4:7, 12:14] = 0.6
    marks = find_marks(values, 0.3)
    assert [(m.label, m.box) for m in marks] == [(1, Box(4, 4, 4, 3)), (0, Box(12, 4, 2, 3))]


def test_a_plateau_is_one_mark_and_its_peak_the_upper_left_cell():
    values = scores()
    values[0, 4:8, 4:8] = 0.7
    (mark,) = find_marks(values, 0.3)
    assert mark.peak == (4, 4)


def test_a_candidate_is_in_level0_px_and_inside_the_section():
    values = scores()
    values[0, 10:12, 14:16] = 1
    (mark,) = find_marks(values, 0.3)
    candidate = to_candidate(mark, ("pore",), cell_px=8, row=100, column=200, section=Box(0, 0, 1725, 5000))
    assert candidate.label == "pore"
    assert candidate.box == Box(214 * 8, 110 * 8, 1725 - 214 * 8, 16)
    assert candidate.area_px == candidate.box.area, "what it marks beyond the edge is nothing"
    assert candidate.peak == (214.5 * 8, 110.5 * 8)


def test_a_model_may_say_where_findings_end() -> None:
    """A peak of 4 on ground of 0.5, with a part of 1.2 beside it: 45 % of the peak would leave that out."""
    values = np.full((1, 9, 12), 0.5, np.float32)
    values[0, 4, 3], values[0, 3:6, 4:9] = 4.0, 1.2
    values[0, 4, 7] = 1.3
    assert len(find_marks(values, 1.0)) == 2
    (mark,) = find_marks(values, 1.0, MarkLevels(0.8, 1.0))
    assert mark.box == Box(3, 3, 6, 3)
    assert mark.score == 4.0


def test_what_normal_ground_reaches_is_no_part_of_a_finding() -> None:
    values = np.full((1, 9, 12), 0.5, np.float32)
    values[0, 4, 3] = 1.05
    (mark,) = find_marks(values, 1.0)
    assert mark.box == Box(0, 0, 12, 9)  # the ground lies above 45 % of the peak
    (mark,) = find_marks(values, 1.0, MarkLevels(0.8, 1.0))
    assert mark.box == Box(3, 4, 1, 1)


def test_parts_with_little_between_them_are_one_finding_where_the_model_says_so() -> None:
    values = scores()
    values[0, 5, 2:5], values[0, 5, 8:11] = 3.0, 2.0  # three cells between
    values[0, 9, 2:4] = 2.0
    assert len(find_marks(values, 1.0, MarkLevels(0.8, 1.0, gap_cells=1))) == 3
    joined, apart = (
        find_marks(values[:, :7], 1.0, MarkLevels(0.8, 1.0, 2)),
        find_marks(values, 1.0, MarkLevels(0.8, 1.0)),
    )
    assert [mark.box for mark in joined] == [Box(2, 5, 9, 1)]
    assert len(apart) == 3
    faint = np.full((1, 12, 16), 0.5, np.float32)
    faint[0, ::4, ::4], faint[0, 4, 4] = 0.85, 1.2
    (alone,) = find_marks(faint, 1.0, MarkLevels(0.8, 1.0, 2))
    assert alone.box == Box(4, 4, 1, 1), "what is normal joins nothing"
    values[0, :, 6] = np.nan  # what was not scanned joins nothing
    assert len(find_marks(values[:, :7], 1.0, MarkLevels(0.8, 1.0, 2))) == 2


def test_a_strong_finding_takes_its_slopes_and_is_drawn_without_them_where_it_spills() -> None:
    """A peak of 8 whose slopes reach 1.2, and bumps on them: one mark, drawn where it reaches 3.6."""
    values = scores()
    values[0, 2:11, 2:13] = 1.2
    values[0, 3, 11] = 1.5
    values[0, 4:9, 4:9] = 4.0
    values[0, 6, 6] = 8.0
    (mark,) = find_marks(values, 0.5, MarkLevels(0.8, 1.0, spills=True))
    assert mark.box == Box(4, 4, 5, 5)
    assert mark.cells == 25
    (whole,) = find_marks(values, 0.5, MarkLevels(0.8, 1.0))
    assert whole.box == Box(2, 2, 11, 9)


def test_heights_are_measured_from_what_is_normal() -> None:
    """Distances are never 0: on ground of 0.5 a peak of 1.2 has fallen by more than half at 0.8."""
    values = np.full((1, 9, 12), 0.5, np.float32)
    values[0, 2:7, 2:9] = 0.8
    values[0, 4, 4] = 1.2
    (whole,), (mark,) = (find_marks(values, 1.0, MarkLevels(0.6, 1.0, ground=ground)) for ground in (0.0, 0.5))
    assert whole.box == Box(2, 2, 7, 5)
    assert mark.box == Box(4, 4, 1, 1)


LEARNT = MarkLevels(0.8, 1.0, gap_cells=2, spills=True, ground=0.64)


def grained(usual: float, seed: int, spread: float = 0.1, side: int = 96) -> np.ndarray:
    """(1, side, side) float32: ground whose neighbouring cells are alike, as in maps of features."""
    grain = cv2.GaussianBlur(np.random.default_rng(seed).normal(size=(side, side)).astype(np.float32), (0, 0), 0.7)
    return (usual + spread * grain / grain.std())[None]


def marks_at_the_limit(values: np.ndarray) -> list[Mark]:
    return [mark for mark in find_marks(values, 0.5, LEARNT) if mark.score >= 1.0]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("usual", [0.85, 0.9, 1.0])
def test_no_finding_runs_along_ground_that_lies_close_to_the_limit(usual: float, seed: int) -> None:
    found = marks_at_the_limit(grained(usual, seed))
    assert found
    assert max(max(mark.box.w, mark.box.h) for mark in found) <= 16


@pytest.mark.parametrize("usual", [0.64, 0.9, 1.0])
def test_defects_on_any_ground_keep_their_boxes(usual: float) -> None:
    values = grained(usual, 1, 0.08)
    values[0, 40:50, 40:50] += 3.0
    values[0, 70:76, 70:76] += 1.5
    assert [mark.box for mark in marks_at_the_limit(values)][:2] == [Box(40, 40, 10, 10), Box(70, 70, 6, 6)]


def test_a_wide_shallow_inclusion_is_one_finding_with_a_box_of_its_size() -> None:
    for side in (20, 40, 70):  # more than half of all cells at most
        values = grained(0.64, side, 0.08)
        values[0, 14 : 14 + side, 12 : 12 + side] += 0.5
        found = [mark.box for mark in marks_at_the_limit(values)]
        assert [box for box in found if box.w > 2] == [found[0]]
        assert found[0].iou(Box(12, 14, side, side)) > 0.9


def test_a_long_crack_is_one_finding_and_a_rim_close_to_the_limit_none_around_the_map() -> None:
    values = grained(0.64, 5, 0.08)
    cv2.line(values[0], (20, 20), (70, 50), 1.6, 2)
    assert marks_at_the_limit(values)[0].box.iou(Box(20, 20, 51, 31)) > 0.9
    rim = grained(0.64, 6, 0.05)
    rim[0, :, -1] += 0.3 + grained(0.1, 7)[0, 0]
    rim[0, -1, :] += 0.3 + grained(0.1, 8)[0, 0]
    rim[0, ::3, -1], rim[0, -1, ::3] = 0.7, 0.7  # cells at the limit with normal ones between them
    assert all(mark.box.area <= 3 * 3 for mark in marks_at_the_limit(rim))


def test_how_wide_a_gap_is_bridged_depends_on_how_strong_its_sides_are() -> None:
    """Ground 0.6, limit 1: sides of 1.4 bridge four cells, of 1.2 two, of 1.1 none."""
    levels = MarkLevels(0.8, 1.0, gap_cells=2, ground=0.6)
    for height, gap, count in [(1.4, 4, 1), (1.4, 5, 2), (1.25, 2, 1), (1.25, 3, 2), (1.1, 1, 2)]:
        values = np.full((1, 12, 24), 0.6, np.float32)
        values[0, 4:7, 3:6], values[0, 4:7, 6 + gap : 9 + gap] = height, height
        assert len(find_marks(values, 1.0, levels)) == count, (height, gap)
