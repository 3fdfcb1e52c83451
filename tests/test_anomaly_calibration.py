"""What scores of normal windows say of thresholds: quantiles, tails, presets; against cases worked out by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from core.anomaly.calibration import Calibration, calibrate, calibration_in
from core.anomaly.tail import Spread, spread_of
from core.anomaly.thresholds import BEST_F1, TRAINING_EXTREME, Reviewed, best_f1, distributions, expects, presets
from core.anomaly.window_maxima import window_maxima
from core.errors import InputError
from core.project.score_map import ScoreMap


def _exponential(count: int = 1000) -> Spread:
    """Of 1,000 scores whose quantile at p is -ln(1 - p): an exponential of scale 1."""
    return spread_of(-np.log(1 - (np.arange(count) + 0.5) / count))


def _known(window_mm2: float | None = 0.01) -> Calibration:
    """Half of the windows below 1, a tail of scale 0.5 beyond: above(x) = 0.5 · exp(-(x - 1) / 0.5). The limit is 2."""
    spread = Spread(1000, (0.0, 0.5), (0.0, 1.0), 0.5)
    return Calibration(2.0, spread, spread, window_mm2, 3.0)


def test_a_sample_tells_its_own_quantiles() -> None:
    spread = _exponential()
    for score in (0.1, 0.7, 2.0, 4.0):
        assert spread.above(score) == pytest.approx(np.exp(-score), rel=0.05)
    assert spread.above(-1.0) == 1.0
    assert spread.exceeded_by(0.5) == pytest.approx(np.log(2), rel=0.01)


def test_beyond_the_sample_the_tail_goes_on() -> None:
    spread = _exponential()
    assert spread.scale == pytest.approx(1.0, rel=0.05)
    for share in (1e-3, 1e-5, 1e-8):
        assert spread.exceeded_by(share) == pytest.approx(-np.log(share), rel=0.06)
        assert spread.above(spread.exceeded_by(share)) == pytest.approx(share)


def test_the_tail_of_a_few_scores_by_hand() -> None:
    """Ten scores: the tail begins at the 9th (20 %); one exceeds it, by 3: the scale is 3 / 1."""
    spread = spread_of(np.array([1, 2, 3, 4, 5, 6, 7, 8, 9, 12.0]))
    assert spread.scale == pytest.approx(3.0)
    assert spread.levels == (0.0,)  # no quantile has ten scores above it
    assert spread.exceeded_by(np.exp(-2)) == pytest.approx(1 + 3 * 2)


def test_a_few_defects_among_normal_windows_neither_stretch_the_tail_nor_vanish() -> None:
    rng = np.random.default_rng(0)
    clean = rng.exponential(1.0, 1900)
    mixed = np.concatenate([clean, rng.uniform(30, 60, 100)])  # 5 % defects
    naive, robust, honest = (spread_of(*given) for given in ((mixed,), (mixed, 0.05), (clean, 0.05)))
    limit = spread_of(clean).exceeded_by(1e-3)
    assert naive.exceeded_by(1e-3) > 5 * limit
    assert robust.exceeded_by(1e-3) == pytest.approx(limit, rel=0.25)
    assert honest.exceeded_by(1e-3) == pytest.approx(limit, rel=0.25)  # nothing is lost where nothing was wrong


@pytest.mark.parametrize("defects", [0, 7])
def test_two_heaps_of_scores_are_no_long_tail(defects: int) -> None:
    """Windows of resin and of grains, 145 in all, the grains' scores spread by 0.02: the limit lies just above them."""
    rng = np.random.default_rng(4)
    normal = np.concatenate([rng.uniform(0.0, 0.3, 74), 0.5 + rng.exponential(0.02, 71 - defects)])
    scores = np.concatenate([normal, rng.uniform(0.8, 1.2, defects)])
    assert spread_of(scores, 0.05).exceeded_by(1e-3) == pytest.approx(0.5 + 0.02 * np.log(0.5 / 1e-3), rel=0.1)


def test_flat_and_single_scores_have_a_spread() -> None:
    for scores in (np.zeros(50), np.array([2.0])):
        spread = spread_of(scores)
        assert spread.exceeded_by(1e-3) == pytest.approx(scores[0], abs=1e-6)
        assert spread.above(scores[0] + 1) == 0
    for refused in (np.array([]), np.array([1.0, np.nan])):
        with pytest.raises(ValueError, match="no scores"):
            spread_of(refused)


def test_calibrating_takes_the_highest_score_of_each_window() -> None:
    rng = np.random.default_rng(1)
    maps = [rng.exponential(1.0, (4, 4)) for _ in range(2000)]
    calibration = calibrate(maps, maps[:10], 0.01)
    # The highest of 16: 1 - (1 - e^-x)^16 = 1e-3.
    assert calibration.limit == pytest.approx(-np.log(1 - (1 - 1e-3) ** (1 / 16)), rel=0.1)
    assert calibration.alarms_per_1000(1.0) == pytest.approx(1.0, rel=0.01)
    assert calibration.training_extreme == max(one.max() for one in maps[:10])
    with pytest.raises(InputError, match="only 0 windows"):
        calibrate([], [], None)


def test_false_alarms_by_hand() -> None:
    calibration = _known()
    assert calibration.alarms_per_1000(0.5) == pytest.approx(500)  # raw 1
    assert calibration.alarms_per_1000(1.0) == pytest.approx(500 * np.exp(-2))  # raw 2
    assert calibration.threshold_per_1000(500 * np.exp(-2)) == pytest.approx(1.0)
    # Half of the windows of 0.01 mm² have one: -ln(0.5) / 0.01 on a mm².
    assert calibration.alarms_per_mm2(0.5) == pytest.approx(np.log(2) / 0.01)
    assert calibration.threshold_per_mm2(np.log(2) / 0.01) == pytest.approx(0.5)
    unscaled = _known(None)
    assert unscaled.alarms_per_mm2(1.0) is None
    assert unscaled.threshold_per_mm2(1.0) is None


def test_a_calibration_comes_back_from_a_card() -> None:
    calibration = calibrate([np.arange(6.0).reshape(2, 3) + i for i in range(50)], [], None, doubtful=0.05)
    card = json.loads(json.dumps({"calibration": calibration.to_json()}))
    assert calibration_in(card) == calibration
    assert calibration_in({}) is None


@pytest.mark.parametrize(
    "change",
    [{"limit": 0}, {"limit": "x"}, {"windows": None}, {"window_mm2": -1}, {"training_extreme": float("nan")},
     {"cells": {"count": 3, "levels": [0.5, 0.1], "values": [1, 2], "scale": 1}},
     {"cells": {"count": 3, "levels": [0.0, 1.0], "values": [1, 2], "scale": 1}},
     {"cells": {"count": 3, "levels": [0.0], "values": [1], "scale": 0}}],
)  # fmt: skip
def test_a_broken_card_is_told(change: dict[str, object]) -> None:
    with pytest.raises(InputError, match="calibration"):
        calibration_in({"calibration": {**_known().to_json(), **change}})


def test_presets_say_what_they_promise() -> None:
    found = {one.id: one for one in presets(_known())}
    assert found[TRAINING_EXTREME].threshold == pytest.approx(1.5)  # raw 3
    assert found["per_1000_10"].threshold == pytest.approx((1 + 0.5 * np.log(50)) / 2)
    assert "10 of 1,000 windows" in found["per_1000_10"].expects
    assert found["per_mm2_1"].threshold == pytest.approx((1 + 0.5 * np.log(0.5 / -np.expm1(-0.01))) / 2)
    assert BEST_F1 not in found
    assert not any(one.startswith("per_mm2") for one in (p.id for p in presets(_known(None))))
    assert "1,000 windows it never learnt" in expects(_known(), 1.0)
    thresholds = [found[f"per_1000_{n}"].threshold for n in ("10", "1", "0.1")]
    assert thresholds == sorted(thresholds)


def test_the_best_f1_by_hand() -> None:
    reviewed = [
        Reviewed(5.0, "defect"), Reviewed(4.0, "false_alarm"), Reviewed(3.0, "defect"), Reviewed(2.0, "defect"),
        Reviewed(1.0, "artefact"), Reviewed(0.9, "unreviewed"), Reviewed(0.8, "unsure"),
    ]  # fmt: skip
    best = best_f1(reviewed)
    assert best is not None
    # Between 2 and 1: three of three defects and one false alarm; 2·3 / (3 + 3 + 1).
    assert (best.threshold, best.found, best.defects, best.false_alarms) == (1.5, 3, 3, 1)
    assert best.f1 == pytest.approx(6 / 7)
    (preset,) = (one for one in presets(_known(), reviewed) if one.id == BEST_F1)
    assert "3 of 3 defects and 1 false alarm are" in preset.expects


def test_equal_scores_are_never_parted() -> None:
    best = best_f1([Reviewed(2.0, "false_alarm"), Reviewed(2.0, "defect"), Reviewed(1.0, "false_alarm")])
    assert best is not None
    assert (best.threshold, best.found, best.false_alarms) == (1.5, 1, 1)
    for one_sided in ([Reviewed(1.0, "defect")], [Reviewed(1.0, "artefact")], [Reviewed(1.0, "unreviewed")], []):
        assert best_f1(one_sided) is None


def test_distributions_are_shares_of_windows_and_counts_of_decisions() -> None:
    section = np.array([[0.1, 0.3, np.nan], [1.7, 50.0, np.nan]], np.float32)
    found = distributions(_known(), section, [Reviewed(1.7, "defect"), Reviewed(0.2, "false_alarm")], bins=10)
    assert found.edges[0] == 0
    assert found.edges[-1] == pytest.approx(20.0, rel=1e-4)
    assert found.normal.sum() == pytest.approx(1.0)
    assert found.normal[0] == pytest.approx(1 - 0.5 * np.exp(-(found.edges[1] * 2 - 1) / 0.5))
    assert found.section is not None
    assert found.section.sum() == pytest.approx(1.0)
    assert (found.section[0], found.section[-1]) == (0.75, 0.25)
    assert found.reviewed["defect"].sum() == 1
    assert json.loads(json.dumps(found.to_json()))["reviewed"]["false_alarm"][0] == 1
    assert distributions(_known(), np.full((2, 2), np.nan)).section is None


def test_windows_of_a_scan_keep_their_highest_score() -> None:
    cells = np.zeros((1, 64, 96), np.float32)
    cells[0, 5, 5], cells[0, 40, 70] = 3.0, 2.0
    maxima, complete = window_maxima(ScoreMap.of(cells, cell_px=8.0), window_px=256.0)
    assert complete
    assert maxima.shape == (2, 3)
    assert (maxima[0, 0], maxima[1, 2], maxima.sum()) == (3.0, 2.0, 5.0)


def test_too_few_windows_are_refused_few_are_told_and_no_limit_is_next_to_nothing() -> None:
    rng = np.random.default_rng(3)
    maps = [rng.exponential(1.0, (4, 4)) for _ in range(12)]
    with pytest.raises(InputError, match="only 2 windows") as caught:
        calibrate(maps[:2], [], None)
    assert "smaller windows" in (caught.value.remedy or "")
    few, enough = calibrate(maps[:9], [], None), calibrate(maps, [], None)
    assert (few.is_of_few, enough.is_of_few) == (True, False)
    assert "a guess" in expects(few, 1.0)
    assert "a guess" not in expects(enough, 1.0)
    with pytest.raises(InputError, match="scores the same"):
        calibrate([np.full((4, 4), 7e-9)] * 20, [], None)


def test_cells_of_doubtful_windows_do_not_say_where_findings_end() -> None:
    rng = np.random.default_rng(1)
    clean = [rng.uniform(0.0, 1.0, (8, 8)) for _ in range(190)]
    mixed = [*clean, *(rng.uniform(2.0, 9.0, (8, 8)) for _ in range(10))]
    known = calibrate(clean, [], None).cells
    assert calibrate(mixed, [], None, doubtful=0.05).cells.exceeded_by(0.01) == pytest.approx(
        known.exceeded_by(0.01), rel=0.02
    )
    assert calibrate(mixed, [], None).cells.exceeded_by(0.01) > 2
