"""The list of drawings: what it says, selection both ways, renaming, deleting, copying, exporting, and the profile's plot."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit

from app.panels.drawings_model import COLUMNS, DrawingsModel
from app.panels.drawings_panel import DrawingsPanel
from core.drawing import Drawing
from tests.gallery_support import fill_from_project, some_detections

RULER = Drawing("ruler", ((10, 20), (110, 20)), name="gap")
BOX = Drawing("box", ((0, 0), (30, 40)), label="pore")
PROFILE = Drawing("profile", ((100.5, 500), (300.5, 500)), width_px=3)


@pytest.fixture
def panel(qtbot, session, tmp_path):
    """Three drawings of a section of 0.5 µm per px; the profile is selected."""
    fill_from_project(session, tmp_path, some_detections(3))
    for drawing in (RULER, BOX, PROFILE):
        session.drawings.add(drawing)
    panel = DrawingsPanel(session)
    qtbot.addWidget(panel)
    panel.resize(420, 600)
    panel.show()
    qtbot.waitUntil(lambda: panel.profile.profile is not None)
    yield panel
    panel.shut()


def cells(panel) -> list[list[str]]:
    model = panel.table.model()
    return [[model.index(r, c).data() for c in range(model.columnCount())] for r in range(model.rowCount())]


def click(panel, row, column=0, modifiers=Qt.KeyboardModifier.NoModifier):
    at = panel.table.visualRect(panel.table.model().index(row, column)).center()
    QTest.mouseClick(panel.table.viewport(), Qt.MouseButton.LeftButton, modifiers, at)


def test_the_list_says_what_each_measures(panel):
    assert cells(panel) == [
        ["gap", "Ruler", "50.00 µm", "0.0°", "", ""],
        ["–", "Box", "300 µm²", "15.0 × 20.0 µm", "pore", ""],
        ["–", "Profile", "100.0 µm", "0.0°", "", ""],
    ]


@pytest.mark.parametrize("width", [288, 420, 900])
def test_no_column_lies_beyond_the_edge(qtbot, panel, width):
    panel.resize(width, 600)
    table = panel.table
    qtbot.waitUntil(lambda: table.width() == panel.width() - 16)
    assert panel.width() - width < 60, "a style with wide buttons may ask for a little more"
    assert not table.horizontalScrollBar().isVisible()
    assert table.horizontalHeader().length() == table.viewport().width()
    shown = [column for column in range(len(COLUMNS)) if not table.isColumnHidden(column)]
    assert all(table.columnWidth(column) >= 24 for column in shown)
    assert table.isColumnHidden(3) == (width == 288)
    tip = table.model().index(1, 2).data(Qt.ItemDataRole.ToolTipRole)
    assert tip == "300 µm², 15.0 × 20.0 µm"


def test_a_column_widened_by_hand_takes_from_the_others_and_stays_so(qtbot, panel):
    table = panel.table
    header = table.horizontalHeader()
    before = table.columnWidth(2)
    edge = QPoint(header.sectionViewportPosition(2) + before - 1, header.height() // 2)
    QTest.mousePress(header.viewport(), Qt.MouseButton.LeftButton, pos=edge)
    QTest.mouseMove(header.viewport(), edge + QPoint(30, 0))
    QTest.mouseRelease(header.viewport(), Qt.MouseButton.LeftButton, pos=edge + QPoint(30, 0))
    widened = table.columnWidth(2)
    assert widened == pytest.approx(before + 30, abs=2)
    assert header.length() == table.viewport().width()
    panel.resize(840, 600)
    qtbot.waitUntil(lambda: table.width() == 840 - 16)
    assert table.columnWidth(2) == pytest.approx(widened * 824 / 404, abs=12)
    assert header.length() == table.viewport().width()


def test_the_model_keeps_qts_rules(qtmodeltester):
    model = DrawingsModel()
    model.set_drawings([replace(RULER, id=1), replace(BOX, id=2)], None)
    qtmodeltester.check(model)
    model.set_drawings([replace(RULER, id=1, name="other"), replace(BOX, id=2)], (1, 1))
    model.set_drawings([replace(BOX, id=2)], (1, 1))
    qtmodeltester.check(model)


def test_selection_goes_both_ways(panel, session):
    drawings = session.drawings
    assert panel.selected_rows() == [2]
    click(panel, 0)
    assert drawings.selected.name == "gap"
    drawings.select(drawings.items[1].id, "viewer")
    assert panel.selected_rows() == [1]
    drawings.select(None, "viewer")
    assert panel.selected_rows() == []
    shown = []
    drawings.wanted.connect(shown.append)
    at = panel.table.visualRect(panel.table.model().index(1, 0)).center()
    QTest.mouseClick(panel.table.viewport(), Qt.MouseButton.LeftButton, pos=at)
    QTest.mouseDClick(panel.table.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert shown == [drawings.items[1]]


def test_renaming_is_stored_and_undone(qtbot, panel, session):
    click(panel, 0)
    panel.table.setFocus()
    QTest.keyClick(panel.table, Qt.Key.Key_F2)
    editor = panel.table.findChild(QLineEdit)
    assert editor.text() == "gap"
    editor.setText("  wide gap ")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: session.drawings.items[0].name == "wide gap")
    assert cells(panel)[0][0] == "wide gap"
    assert panel.selected_rows() == [0]
    session.undo()
    assert cells(panel)[0][0] == "gap"


def test_several_are_deleted_at_once_and_come_back_at_once(panel, session):
    click(panel, 0)
    click(panel, 1, modifiers=Qt.KeyboardModifier.ControlModifier)
    panel.table.setFocus()
    QTest.keyClick(panel.table, Qt.Key.Key_Delete)
    assert [d.kind for d in session.drawings.items] == ["profile"]
    session.undo()
    assert [d.kind for d in session.drawings.items] == ["ruler", "box", "profile"]


def test_rows_are_copied_for_a_spreadsheet(panel):
    click(panel, 0)
    click(panel, 1, modifiers=Qt.KeyboardModifier.ShiftModifier)
    panel.table.setFocus()
    QTest.keyClick(panel.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    lines = QApplication.clipboard().text().split("\n")
    assert lines[0].split("\t") == list(COLUMNS)
    assert lines[1].split("\t")[:3] == ["gap", "Ruler", "50.00 µm"]
    assert len(lines) == 3


def test_sorting_by_measure_is_by_size(panel):
    panel.table.sortByColumn(2, Qt.SortOrder.DescendingOrder)
    assert [row[1] for row in cells(panel)] == ["Box", "Profile", "Ruler"]
    click(panel, 0)
    assert panel.model.drawing(panel.selected_rows()[0]).kind == "box"


@pytest.mark.parametrize(("name", "chosen"), [("d.csv", ""), ("d", "GeoJSON for QuPath (*.geojson)")])
def test_export_writes_all_of_them(qtbot, panel, session, tmp_path, monkeypatch, name, chosen):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(tmp_path / name), chosen))
    with qtbot.waitSignal(session.message) as told:
        panel._buttons["export"].click()
    path = tmp_path / (name if "." in name else "d.geojson")
    assert told.args == ["info", f"3 drawings written to {path}"]
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as file:
            assert [line["kind"] for line in csv.DictReader(file)] == ["ruler", "box", "profile"]
    else:
        assert len(json.loads(path.read_text("utf-8"))["features"]) == 3


def test_the_check_box_hides_the_layer(panel, session):
    panel.visible.click()
    assert not session.layers.layer("drawings").visible
    session.set_layers(session.layers.styled("drawings", visible=True))
    assert panel.visible.isChecked()


def test_the_profile_is_read_shown_and_copied(qtbot, panel, session):
    group = panel.profile
    assert group.isVisible()
    ramp = np.linspace(40, 200, 1024)[100:301].astype(np.uint8)
    assert group.profile.values[:, 0] == pytest.approx(ramp, abs=1e-6)
    plot = group.plot
    area = plot._area()
    QTest.mouseMove(plot, QPoint(round(area.center().x()), round(area.center().y())))
    qtbot.waitUntil(lambda: plot.index >= 0)
    assert plot.index == pytest.approx(100, abs=2)
    assert plot.text.startswith(f"{plot.index / 2:.2f} µm")
    group.copy.click()
    assert len(QApplication.clipboard().text().splitlines()) == 202
    click(panel, 0)
    assert not group.isVisible()


def test_a_wider_profile_is_a_step_of_undo_and_read_again(qtbot, panel, session):
    before = panel.profile.profile
    panel.profile.width_px.setValue(41)
    assert session.drawings.selected.width_px == 41
    qtbot.waitUntil(lambda: panel.profile.profile is not before)
    session.undo()
    assert session.drawings.selected.width_px == 3
    assert panel.profile.width_px.value() == 3


def test_an_unfinished_reading_is_dropped(qtbot, panel, session, monkeypatch):
    import app.panels.profile_group as module

    started = []
    real = module.read_profile

    def read(section, drawing, *args):
        started.append(drawing)
        return real(section, drawing, *args)

    monkeypatch.setattr(module, "read_profile", read)
    profile = session.drawings.selected
    for step in (1, 2, 3):
        session.drawings.change(profile.moved(step, 0))
    qtbot.waitUntil(lambda: bool(started) and not session.lanes.io.busy)
    assert started[-1].points == profile.moved(3, 0).points
    assert len(started) == 1, "only the last place is read"
