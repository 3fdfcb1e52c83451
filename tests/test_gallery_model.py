"""Which detections the gallery shows, in which order, and that Qt's own tester finds nothing wrong with the model."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester

from app.class_colours import class_colour, class_colours, class_name
from app.gallery.arrangement import SORT_FIELDS, Arrangement, arrange
from app.gallery.model import DETECTION_ROLE, GalleryModel
from app.scores import format_score
from tests.gallery_support import LABELS, make_detection, some_detections


@pytest.fixture
def model(qtbot):
    model = GalleryModel()
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    yield model
    assert tester.model() is model


def ids(model):
    return [d.id for d in model.shown]


def test_severity_keeps_the_order_they_come_in():
    detections = some_detections()
    assert arrange(detections, Arrangement()) == detections
    assert arrange(detections, Arrangement(reverse=True)) == detections[::-1]


@pytest.mark.parametrize("field", [f for f in SORT_FIELDS if f.key is not None], ids=lambda f: f.id)
def test_each_sort_field_orders_and_keeps_equals_in_place(field):
    detections = some_detections()
    for reverse in (False, True):
        found = arrange(detections, Arrangement(sort=field.id, reverse=reverse))
        keys = [field.key(d) for d in found]
        assert keys == sorted(keys, reverse=reverse)
        for key in set(keys):
            same = [d for d in found if field.key(d) == key]
            assert same == [d for d in detections if field.key(d) == key]


def test_class_status_and_text_filters_combine():
    detections = some_detections()
    detections[3] = replace(detections[3], status="defect", note="ask Jana about the Foil")
    target = detections[3]
    assert arrange(detections, Arrangement(text="FOIL ")) == [target]
    assert arrange(detections, Arrangement(text=f"#{target.id}"))[0] == target
    assert arrange(detections, Arrangement(status="defect", label=target.label)) == [target]
    other = next(label for label in LABELS if label != target.label)
    assert arrange(detections, Arrangement(status="defect", label=other)) == []
    found = arrange(detections, Arrangement(text="preparation artefact"))
    assert {d.label for d in found} == {"preparation_artefact"}


def test_rows_show_what_they_stand_for(model):
    detections = some_detections(5)
    model.set_detections(detections, "probability")
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
    model.set_arrangement(Arrangement(label="pore"))
    model.set_detections([])
    model.set_detections(detections[::2])
    assert ids(model) == [d.id for d in arrange(detections[::2], Arrangement(label="pore"))]
    assert all(model.row_of(d.id) == row for row, d in enumerate(model.shown))


def test_a_decision_changes_one_row_in_place(model, qtbot):
    detections = some_detections(50)
    model.set_detections(detections)
    detections = [replace(d, status="defect") if d.id == 7 else d for d in detections]
    row = model.row_of(7)
    with qtbot.waitSignal(model.dataChanged) as changed, qtbot.assertNotEmitted(model.modelReset):
        model.update_decisions(detections, [d for d in detections if d.id == 7])
    assert [changed.args[0].row(), changed.args[1].row()] == [row, row]
    assert model.detection(row).status == "defect"
    assert model.reviewed_count == 1


def test_a_decision_takes_the_row_out_when_the_filter_says_so(model, qtbot):
    detections = some_detections(50)
    model.set_detections(detections)
    model.set_arrangement(Arrangement(status="unreviewed"))
    decided = [replace(d, status="artefact") if d.id == 7 else d for d in detections]
    with qtbot.waitSignal(model.rowsRemoved), qtbot.assertNotEmitted(model.modelReset):
        model.update_decisions(decided, [d for d in decided if d.id == 7])
    assert 7 not in ids(model)
    with qtbot.waitSignal(model.rowsInserted):
        model.update_decisions(detections, [d for d in detections if d.id == 7])
    assert ids(model) == [d.id for d in detections]


def test_a_hundred_thousand_are_filtered_and_sorted(qtbot):
    model = GalleryModel()
    detections = [make_detection(i, (i * 7919 % 100_003) / 100_003, LABELS[i % 4]) for i in range(100_000)]
    model.set_detections(detections)
    for arrangement in (
        Arrangement(sort="position"),
        Arrangement(sort="score", label="pore"),
        Arrangement(text="pore", status="unreviewed", sort="area", reverse=True),
    ):
        model.set_arrangement(arrangement)
        keys = [detection.box.y if arrangement.sort == "position" else detection.score for detection in model.shown]
        if arrangement.sort != "area":
            assert keys == sorted(keys, reverse=arrangement.sort == "score")
        assert all(arrangement.label in (None, detection.label) for detection in model.shown)
    decided = [*detections[:500], replace(detections[500], status="defect"), *detections[501:]]
    model.set_arrangement(Arrangement())
    model.update_decisions(decided, [decided[500]])
    assert model.rowCount(QModelIndex()) == 100_000


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
