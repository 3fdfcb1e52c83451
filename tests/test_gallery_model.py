"""Which detections the gallery shows, in which order, and that Qt's own tester finds nothing wrong with the model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester

from app.class_colours import class_colour, class_colours, class_name
from app.gallery.model import DETECTION_ROLE, GalleryModel
from app.scores import format_score
from core.arrangement import Arrangement, arrange
from core.detection_table import DetectionTable
from core.filters import Filters
from tests.gallery_support import LABELS, make_detection, some_detections


@pytest.fixture
def model(qtbot):
    model = GalleryModel()
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    yield model
    assert tester.model() is model


def ids(model):
    return [d.id for d in model.shown]


def arranged(detections, wanted):
    table = DetectionTable(detections)
    return [table[row].id for row in arrange(table, np.arange(len(table)), wanted)]


def only(**conditions):
    return Arrangement(filters=Filters(**conditions))


def test_rows_show_what_they_stand_for(model):
    detections = some_detections(5)
    model.set_detections(detections, score_unit="probability")
    index = model.index(0)
    assert index.data(DETECTION_ROLE) is detections[0]
    assert "probability" in index.data(Qt.ItemDataRole.ToolTipRole)
    assert class_name(detections[0].label) in index.data(Qt.ItemDataRole.AccessibleTextRole)
    assert model.rowCount(index) == 0


def test_every_kind_of_change_is_told_correctly(model, qtbot):
    detections = some_detections(200)
    model.set_detections(detections)
    with qtbot.assertNotEmitted(model.modelReset):
        model.set_detections(detections[:190])  # the threshold rises a little
        model.set_detections([*detections[:50], *detections[60:195]])
    model.set_arrangement(Arrangement(sort="position"))
    model.set_detections(detections[100:])
    model.set_arrangement(only(labels=frozenset({"pore"})))
    model.set_detections([])
    model.set_detections(detections[::2])
    assert ids(model) == arranged(detections[::2], only(labels=frozenset({"pore"})))
    assert all(model.row_of(d.id) == row for row, d in enumerate(model.shown))


def test_a_decision_changes_one_row_in_place(model, qtbot):
    detections = some_detections(50)
    model.set_detections(detections)
    detections = [replace(d, status="defect") if d.id == 7 else d for d in detections]
    row = model.row_of(7)
    with qtbot.waitSignal(model.dataChanged) as changed, qtbot.assertNotEmitted(model.modelReset):
        model.update_decisions(DetectionTable(detections), [7])
    assert [changed.args[0].row(), changed.args[1].row()] == [row, row]
    assert model.detection(row).status == "defect"
    assert model.reviewed_count() == 1


def test_a_decision_takes_the_row_out_when_the_filter_says_so(model, qtbot):
    detections = some_detections(50)
    model.set_detections(detections)
    model.set_arrangement(only(statuses=frozenset({"unreviewed"})))
    decided = [replace(d, status="artefact") if d.id == 7 else d for d in detections]
    with qtbot.waitSignal(model.rowsRemoved), qtbot.assertNotEmitted(model.modelReset):
        model.update_decisions(DetectionTable(decided), [7])
    assert 7 not in ids(model)
    with qtbot.waitSignal(model.rowsInserted):
        model.update_decisions(DetectionTable(detections), [7])
    assert ids(model) == [d.id for d in detections]


def test_a_hundred_thousand_are_filtered_and_sorted(qtbot):
    model = GalleryModel()
    detections = [make_detection(i, (i * 7919 % 100_003) / 100_003, LABELS[i % 4]) for i in range(100_000)]
    model.set_detections(detections)
    pores = Filters(labels=frozenset({"pore"}))
    for arrangement in (
        Arrangement(sort="position"),
        Arrangement(sort="score", filters=pores),
        Arrangement(sort="area", reverse=True, filters=Filters(text="pore", statuses=frozenset({"unreviewed"}))),
        Arrangement(sort="distance", of="crack", filters=pores, grouped=True),
    ):
        model.set_arrangement(arrangement)
        keys = [
            detection.box.center[1] if arrangement.sort == "position" else detection.score for detection in model.shown
        ]
        if arrangement.sort in ("position", "score"):
            assert keys == sorted(keys, reverse=arrangement.sort == "score")
        assert {detection.label for detection in model.shown} == (
            {"pore"} if arrangement.filters.active else set(LABELS)
        )
    decided = [*detections[:500], replace(detections[500], status="defect"), *detections[501:]]
    model.set_arrangement(Arrangement())
    model.update_decisions(DetectionTable(decided), [decided[500].id])
    assert model.rowCount(QModelIndex()) == 100_000
    assert model.reviewed_count() == 1


@pytest.mark.parametrize(
    ("score", "unit", "text"),
    [
        (0.9341, "probability", "0.934"),
        (1.0, "probability", "1.000"),
        (0.9, "rarity", "0.90"),
        (4.6, "rarity", "4.60"),
        (15.0, "rarity", "15.00"),
        (99.996, "rarity", "100"),
        (1830.2, "rarity", "1830"),
    ],
)
def test_scores_of_a_unit_have_the_same_decimals(score, unit, text):
    assert format_score(score, unit) == text


def test_known_classes_keep_their_colour_whatever_stands_beside_them():
    assert class_colour("pore") == class_colours(("crack", "pore"))["pore"] == class_colour("large_pore")
    alone = class_colour("dendrite")
    assert class_colours(("pore", "crack", "dendrite"))["dendrite"] in (alone, *class_colours(("dendrite",)).values())


def test_classes_of_one_scan_have_different_colours():
    labels = ("pore", "crack", "foreign_particle", *(f"new class {i}" for i in range(8)))
    names = [colour.name() for colour in class_colours(labels).values()]
    assert len(set(names)) == len(labels)
