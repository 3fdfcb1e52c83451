"""Figures of an evaluation against values worked out by hand, and scikit-learn's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from core.evaluation.cells import places_of
from core.evaluation.curves import (
    at_threshold,
    auprc,
    auroc,
    calibration,
    precision_recall_curve,
    roc_curve,
    threshold_table,
)
from core.evaluation.image_figures import image_figures
from core.evaluation.place_figures import matched, place_figures
from core.evaluation.statistics import group_bootstrap, wilson
from core.evaluation.values import Answer, Picture
from core.evaluation.words import consequences, headline, summary
from tests.evaluation_support import blank, place


def test_wilson_is_as_published():
    """Newcombe 1998, table I: 81 of 263 and 0 of 20, method 3 (without continuity correction)."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert wilson(20, 20) == pytest.approx((0.8389, 1.0), abs=1e-4)
    assert wilson(0, 0) is None


def test_the_bootstrap_draws_whole_groups_and_always_the_same():
    groups = [f"g{i // 10}" for i in range(200)]
    values = np.repeat(np.random.default_rng(1).normal(size=20), 10)

    def mean(drawn):
        return float(np.average(values, weights=drawn))

    low, high = group_bootstrap(groups, mean)
    assert (low, high) == group_bootstrap(groups, mean)
    spread = values[::10].std(ddof=0) / np.sqrt(20)
    assert (high - low) / (2 * 1.96 * spread) == pytest.approx(1, abs=0.25)  # single cases would give a third of it
    assert group_bootstrap(groups[:40], lambda drawn: 1.0) is None  # four groups
    assert group_bootstrap(groups, lambda drawn: None) is None


def test_areas_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    truth = rng.random(300) < 0.3
    scores = np.round(rng.normal(size=300) + truth, 1)  # with ties
    assert auroc(truth, scores) == pytest.approx(roc_auc_score(truth, scores), abs=1e-12)
    drawn = rng.integers(0, 3, 300)
    assert auroc(truth, scores, drawn) == pytest.approx(roc_auc_score(truth, scores, sample_weight=drawn), abs=1e-12)
    assert auprc(truth, scores) == average_precision_score(truth, scores)
    assert auroc(truth, scores, np.where(truth, 0, 1)) is None
    assert auprc(np.zeros(3, bool), scores[:3]) is None
    curve = np.array(roc_curve(truth, scores))
    assert np.trapezoid(curve[:, 1], curve[:, 0]) == pytest.approx(roc_auc_score(truth, scores), abs=2e-3)
    assert curve[0].tolist() == [0, 0]
    assert curve[-1].tolist() == [1, 1]


def test_precision_over_recall_has_a_point_for_each_score():
    hits, scores = np.array([True, False, True, True]), np.array([0.9, 0.8, 0.8, 0.3])
    assert precision_recall_curve(hits, scores, 4) == [[0.25, 1.0], [0.5, 0.6667], [0.75, 0.75]]
    assert precision_recall_curve(hits, scores, 0) == []


def test_calibration_has_bins_of_equal_mass():
    claimed = np.concatenate([np.full(20, 0.2), np.full(20, 0.9)])
    right = np.concatenate([np.arange(20) < 4, np.arange(20) < 10])
    told = calibration(claimed, right)
    assert [row["count"] for row in told["bins"]] == [10, 10, 10, 10]
    assert told["bins"][0] == {"claimed": 0.2, "right": 0.4, "interval": wilson(4, 10), "count": 10}
    # |0.4 − 0.2|, |0 − 0.2|, |1 − 0.9|, |0 − 0.9|, a quarter each
    assert told["ece"] == pytest.approx((0.2 + 0.2 + 0.1 + 0.9) / 4)
    assert calibration(claimed[:9], right[:9]) is None


def test_a_threshold_says_what_it_leads_to():
    scores, hits = np.array([0.9, 0.8, 0.5, 0.4]), np.array([True, False, True, False])
    table = threshold_table(scores, hits, truths=3, area_mm2=2.0, also=[0.6])
    assert at_threshold(table, 0.6) == {
        "threshold": 0.6, "review": 2, "found": 1, "missed": 2, "false_alarms": 1, "per_mm2": 0.5,
    }  # fmt: skip
    assert at_threshold(table, 0.0)["review"] == 4
    assert at_threshold(table, 0.95) is None
    assert threshold_table(scores, hits, 3, None)[0]["per_mm2"] is None
    assert threshold_table(np.zeros(0), np.zeros(0, bool), 3, None) == []


@pytest.fixture
def places():
    """Two pictures: a crack found, one missed, one called a pore, a scratch called a crack, a false alarm, a weak hit."""
    marked = (
        place("crack", 0), place("crack", 100), place("crack", 200), place("scratch", 300), place("pore", 0, picture=1),
    )  # fmt: skip
    found = (
        place("crack", 0, 0.9), place("pore", 200, 0.8), place("crack", 300, 0.7), place("pore", 500, 0.95),
        place("pore", 1, 0.3, picture=1), place("scratch", 700, 0.6),
    )  # fmt: skip
    pictures = (Picture(Path("a.tif"), "a", 1000, 1000, 1.5), Picture(Path("b.tif"), "b", 1000, 1000, 0.5))
    judged = blank(pictures=pictures, marked=marked, found=found)
    return replace(judged, figures=place_figures(judged))


def test_places_are_counted_as_by_hand(places):
    figures = places.figures
    # Defects: 3 cracks and a pore. Shown at 0.5: crack 0.9 (right), pore 0.8 (a crack: still a defect), crack 0.7 (false),
    # pore 0.95 (false).
    assert {name: figures["defects"][name] for name in ("truth", "tp", "fp", "fn")} == {
        "truth": 4, "tp": 2, "fp": 2, "fn": 2,
    }  # fmt: skip
    assert figures["artefacts_called_defects"] == 1
    assert figures["intervals"]["recall"] == wilson(2, 4)
    assert figures["area_mm2"] == 2.0
    confusion = figures["confusion"]
    assert confusion["columns"] == ["crack", "pore", "scratch", "not found"]
    assert dict(zip(confusion["rows"], confusion["counts"], strict=True)) == {
        "crack": [1, 1, 0, 1], "pore": [0, 0, 0, 1], "scratch": [1, 0, 0, 0], "nothing there": [0, 1, 1, 0],
    }  # fmt: skip
    # Of classes: crack tp 1 fp 1 fn 2, pore 0 2 1, scratch 0 1 1.
    assert figures["micro_f1"] == pytest.approx(2 / (2 + 4 + 4))
    assert figures["macro_f1"] == pytest.approx(np.mean([2 / 5, 0, 0]), abs=1e-4)
    row = at_threshold(figures["thresholds"], 0.5)
    assert (row["review"], row["found"], row["missed"], row["false_alarms"], row["per_mm2"]) == (4, 2, 2, 2, 1.0)
    assert at_threshold(figures["thresholds"], 0.2)["found"] == 3
    assert figures["curves"]["precision_recall"]["crack"] == [[0.3333, 1.0], [0.3333, 0.5]]


def test_average_precision_of_each_class_at_each_overlap(places):
    table = places.figures["average_precision"]
    assert table["crack"]["ap50"] == pytest.approx(1 / 3, abs=1e-4)
    assert table["crack"]["ap50_11"] == pytest.approx(4 / 11, abs=1e-4)  # recall 0, 0.1, 0.2, 0.3
    # The pore of the second picture is third of its class and overlaps by 90 of 110 px²: up to IoU 0.8.
    assert table["pore"]["ap50"] == pytest.approx(1 / 3, abs=1e-4)
    assert table["pore"]["ap50_95"] == pytest.approx(7 / 10 / 3, abs=1e-4)
    assert table["scratch"]["ap33"] == 0
    assert places.figures["map50"] == pytest.approx(np.mean([1 / 3, 1 / 3, 0]), abs=1e-4)
    assert places.figures["intervals"]["map50"] is None  # two pictures say nothing of how much it varies


def test_map_has_an_interval_where_there_are_groups():
    pictures = tuple(Picture(Path(f"{i}.tif"), str(i), 100, 100) for i in range(8))
    marked = [place("crack", 0, picture=i) for i in range(8)]
    found = [place("crack", 0, 0.9, picture=i) for i in range(6)]
    low, high = place_figures(blank(pictures=pictures, marked=tuple(marked), found=tuple(found)))["intervals"]["map50"]
    assert low == pytest.approx(0.5, abs=0.13)  # six of eight found: binomial, 200 draws
    assert high == 1.0


def test_a_model_without_classes_is_judged_by_place():
    model = {**blank().model, "labels": ["anomaly"], "artefact_labels": [], "score_unit": "rarity"}
    found = (place("anomaly", 0, 3.0), place("anomaly", 500, 2.0))
    judged = blank(model=model, threshold=1.0, found=found, marked=(place("crack", 0), place("pore", 100)))
    figures = place_figures(judged)
    assert figures["classes"]["crack"]["recall"] == 1.0
    assert figures["average_precision"] == {"anomaly": {
        "ap33": 0.5, "ap33_11": pytest.approx(6 / 11, abs=1e-4), "ap50": 0.5,
        "ap50_11": pytest.approx(6 / 11, abs=1e-4), "ap50_95": pytest.approx(51 / 101, abs=1e-4),
    }}  # fmt: skip
    assert figures["calibration"] is None  # rarity is no probability
    assert figures["confusion"] == {
        "rows": ["crack", "pore", "nothing there"], "columns": ["anomaly", "not found"],
        "counts": [[1, 0], [0, 1], [1, 0]],
    }  # fmt: skip


def test_what_lies_behind_a_cell(places):
    assert [(one.picture, one.box.x, one.score) for one in places_of(places, "crack", "pore")] == [(0, 200, 0.8)]
    (missed,) = places_of(places, "pore", "not found")
    assert (missed.picture, missed.score) == (1, None)
    assert len(matched(places)) == 7


def test_the_words_say_what_the_figures_do(places):
    assert summary(places)[0] == (
        "Of 4 defects it finds 2 (50 %, 15 to 85); of 4 places it shows, 2 are defects (50 %, 15 to 85)."
    )
    assert "1 false alarms on each mm², over 2 mm²" in summary(places)[1]
    assert "pore, of which it finds 0 %" in summary(places)[2]
    assert consequences(places, 0.5) == (
        "At 0.5 you review 4 places: 2 of 4 defects are found, 2 missed, 2 false alarms (1 per mm²)."
    )
    assert "nothing to review; all 4 defects are missed" in consequences(places, 0.99)
    highest = max(row["threshold"] for row in places.figures["thresholds"] if row["review"] == 1)
    assert consequences(places, highest).startswith(f"At {highest:.3g} you review 1 place: ")
    assert headline(places)["recall"] == 0.5


def answers(rows):
    """(truth, scores of good, crack, pore) with the highest one predicted."""
    names = ("good", "crack", "pore")
    return [
        Answer(i, truth, names[int(np.argmax(scores))], dict(zip(names, scores, strict=True)), 1 - scores[0])
        for i, (truth, scores) in enumerate(rows)
    ]


def test_images_are_counted_as_by_hand():
    given = answers([
        ("good", (0.9, 0.05, 0.05)), ("good", (0.4, 0.5, 0.1)), ("crack", (0.2, 0.7, 0.1)), ("crack", (0.6, 0.3, 0.1)),
        ("pore", (0.1, 0.1, 0.8)), ("pore", (0.1, 0.6, 0.3)),
    ])  # fmt: skip
    figures = image_figures(given, ("good", "crack", "pore"), list("abcdef"), 0.5, probabilistic=True)
    assert figures["accuracy"] == figures["micro_f1"] == 0.5
    assert figures["confusion"]["counts"] == [[1, 1, 0], [1, 1, 0], [0, 1, 1]]
    assert figures["intervals"]["accuracy"] == wilson(3, 6)
    is_defect, defect = [0, 0, 1, 1, 1, 1], [0.1, 0.6, 0.8, 0.4, 0.9, 0.9]
    assert figures["auroc"]["defect"] == pytest.approx(roc_auc_score(is_defect, defect), abs=1e-4)
    assert figures["auroc"]["crack"] == pytest.approx(
        roc_auc_score([0, 0, 1, 1, 0, 0], [0.05, 0.5, 0.7, 0.3, 0.1, 0.6]), abs=1e-4
    )
    assert figures["auroc"]["mean"] == pytest.approx(
        np.mean([figures["auroc"][name] for name in ("good", "crack", "pore")]), abs=1e-4
    )
    assert figures["intervals"]["auroc"][0] < figures["auroc"]["defect"] <= figures["intervals"]["auroc"][1]
    row = at_threshold(figures["thresholds"], 0.5)
    assert (row["review"], row["found"], row["missed"], row["false_alarms"]) == (4, 3, 1, 1)
    assert figures["calibration"] is None  # six images


def test_images_without_a_good_one_have_no_threshold():
    given = answers([("crack", (0.0, 0.7, 0.3)), ("pore", (0.0, 0.6, 0.4))])
    figures = image_figures(given, ("good", "crack", "pore"), ["a", "b"], 0.5, probabilistic=True)
    assert figures["thresholds"] == []
    assert "defect" not in figures["auroc"]
    assert figures["auroc"]["good"] is None
    judged = blank(kind="images", answers=tuple(given), figures=figures)
    assert headline(judged)["auroc"] == figures["auroc"]["mean"] == 1.0
    assert summary(judged)[0] == "Of 2 images 1 is called right (50 %, 9 to 91)."
