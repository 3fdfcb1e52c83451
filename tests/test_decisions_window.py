"""Judging in a real window: classes by key, doubts, drawn and joined defects, classes, samples, positions, training sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit

from core.detection import Candidate
from core.geometry import Box
from core.project import Project
from core.readers.base import open_section
from tests.toy import begin_toy_scan, spotted_image, toy_spec, write_image
from tests.window_support import drag_over, open_and_wait, open_window, press

LABELS = ("pore", "crack", "preparation_artefact")
FOUND = 12


@pytest.fixture
def window(qtbot, qapp, tmp_path: Path, quick_disk: None):
    """A window on a section of 800 px with twelve pores in two rows, the worst first."""
    with open_window(qapp) as opened:
        open_and_wait(qtbot, opened, made_project(tmp_path))
        opened.resize(1400, 900)
        qtbot.waitUntil(lambda: opened.docks.gallery.model.rowCount() == FOUND, timeout=20_000)
        yield opened


def made_project(folder: Path) -> Path:
    path = write_image(folder / "section.png", spotted_image(800))
    with Project.create(folder / "section.schliff") as project, open_section(path) as section:
        record = project.add_section(section)
        spec = toy_spec(labels=LABELS, artefact_labels=LABELS[2:], name="Battery windows")
        store = begin_toy_scan(project, record, spec)
        boxes = [Box(60 + 110 * (i % 6), 100 + 200 * (i // 6), 40, 30) for i in range(FOUND)]
        store.emit(0, [Candidate("pore", 0.95 - i / 50, box, 600, box.center) for i, box in enumerate(boxes)])
        store.set_status("done")
    return path


def shown(window: Any) -> list[Any]:
    return list(window.docks.gallery.model.shown)


def choose(window: Any, *rows: int) -> list[int]:
    """Selects crops of the gallery by clicks; their ids."""
    gallery = window.docks.gallery
    for number, row in enumerate(rows):
        place = gallery.view.visualRect(gallery.model.index(row)).center()
        modifier = Qt.KeyboardModifier.ControlModifier if number else Qt.KeyboardModifier.NoModifier
        QTest.mouseClick(gallery.view.viewport(), Qt.MouseButton.LeftButton, modifier, place)
    return [shown(window)[row].id for row in rows]


def test_number_keys_say_the_class_and_a_key_that_nobody_can_tell(qtbot, window):
    session, gallery = window.session, window.docks.gallery
    (first,) = choose(window, 0)
    QTest.keyClick(gallery.view, Qt.Key.Key_2)
    one = session.detection(first)
    assert (one.label, one.said_label, one.status) == ("crack", "pore", "defect")
    second = session.selected_id
    assert second != first, "it goes on"
    press(qtbot, window, Qt.Key.Key_S)
    assert session.detection(second).status == "unsure"
    third = session.selected_id
    press(qtbot, window, Qt.Key.Key_3, Qt.KeyboardModifier.ControlModifier)
    assert (session.detection(third).label, session.detection(third).status) == ("preparation_artefact", "artefact")
    assert [window.menus.actions[f"class_{n}"].text() for n in (1, 2, 3)] == ["Pore", "Crack", "Preparation artefact"]
    assert not window.menus.actions["class_4"].isVisible()
    gallery.foot.auto_advance.setChecked(False)
    session.select(first, "gallery")
    QTest.keyClick(gallery.view, Qt.Key.Key_1)
    assert session.selected_id == first, "it stays where that was switched off"
    for _ in range(4):
        session.undo()
    assert {d.status for d in session.detections} == {"unreviewed"}
    session.redo()
    assert session.detection(first).label == "crack"


def test_a_number_key_without_a_class_says_so(qtbot, window):
    (first,) = choose(window, 0)
    with qtbot.waitSignal(window.session.message) as told:
        QTest.keyClick(window.docks.gallery.view, Qt.Key.Key_7)
    assert told.args == ["info", "There is no class 7 yet: Ctrl+0 names one."]
    assert window.session.detection(first).status == "unreviewed"


def test_a_note_is_written_from_the_keyboard_between_two_decisions(qtbot, window):
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    (first,) = choose(window, 0)
    gallery = window.docks.gallery.view
    gallery.setFocus()
    window.menus.refresh()
    QTest.keyClick(gallery, Qt.Key.Key_W)
    note = window.docks.why.details.note
    qtbot.waitUntil(note.hasFocus)
    QTest.keyClicks(note, "a scratch")
    QTest.keyClick(note, Qt.Key.Key_Return)
    assert window.session.detection(first).note == "a scratch"
    assert gallery.hasFocus()


def test_a_class_for_what_was_just_drawn_does_not_move_the_view_on(qtbot, window):
    press(qtbot, window, Qt.Key.Key_I)
    drag_over(window, 300, 500, 380, 560)
    qtbot.waitUntil(lambda: any(d.is_drawn for d in window.session.detections))
    (drawn,) = [d for d in window.session.detections if d.is_drawn]
    press(qtbot, window, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    assert window.session.detection(drawn.id).label == "crack"
    assert window.session.selected_id == drawn.id


def test_without_positions_the_check_panel_stands_at_the_top(qtbot, window):
    window.docks.bring("check")
    inspection = window.docks.panel("check").inspection
    window.resize(window.width(), 1000)
    qtbot.waitUntil(lambda: inspection.height() > 300)
    assert inspection.heading.height() < 40
    assert inspection.import_button.geometry().bottom() < 160


def test_the_details_say_who_decided_and_what_the_model_said(qtbot, window):
    from app.panels.details import Details

    window.docks.bring("why")
    session, details = window.session, window.findChild(Details)
    (first,) = choose(window, 0)
    details.class_choice.setCurrentIndex(details.class_choice.findData("crack"))
    details.class_choice.activated.emit(details.class_choice.currentIndex())
    assert session.detection(first).label == "crack"
    assert details.fact("Model says") == "Pore"
    assert details.fact("Decided").startswith(f"{session.detection(first).decided_by}, 20")
    assert "Defect, Crack" in details._values["Decided"].toolTip()


def test_what_was_missed_is_drawn_judged_moved_and_deleted(qtbot, window):
    session, gallery = window.session, window.docks.gallery
    press(qtbot, window, Qt.Key.Key_I)
    assert (session.drawings.tool, session.drawings.label) == ("box", "pore")
    drag_over(window, 300, 500, 380, 560)
    qtbot.waitUntil(lambda: any(d.is_drawn for d in session.detections))
    (drawn,) = [d for d in session.detections if d.is_drawn]
    assert (drawn.label, drawn.status, session.selected_id) == ("pore", "defect", drawn.id)
    assert drawn.box.w == pytest.approx(80, abs=2)
    qtbot.waitUntil(lambda: gallery.model.row_of(drawn.id) is not None)
    press(qtbot, window, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    session.select(drawn.id, "keys")
    assert session.detection(drawn.id).label == "crack"
    assert session.drawings.get(drawn.drawing_id).label == "crack"
    session.drawings.change(session.drawings.get(drawn.drawing_id).moved(20, 0))
    assert session.detection(drawn.id).box.x == pytest.approx(drawn.box.x + 20)
    session.set_threshold(0.99)
    assert [d.id for d in session.visible_detections()] == [drawn.id], "no threshold hides it"
    session.set_threshold(0.5)
    qtbot.waitUntil(lambda: gallery.model.rowCount() == FOUND + 1)
    session.select(drawn.id, "keys")
    QTest.keyClick(gallery.view, Qt.Key.Key_Delete)
    assert session.detection(drawn.id) is None
    session.undo()
    qtbot.waitUntil(lambda: session.detection(drawn.id) is not None)
    assert session.detection(drawn.id).label == "crack"


def test_several_are_joined_and_taken_apart(qtbot, window):
    session = window.session
    parts = choose(window, 0, 1, 2)
    told: list[str] = []
    session.message.connect(lambda level, text: told.append(text))
    session.reviewing.decide("defect", parts[:1])
    window.menus.refresh()
    window.menus.actions["join"].trigger()
    assert all(session.detection(part) is None for part in parts)
    whole = session.selected
    assert (whole.source, whole.status) == ("joined", "defect")
    assert told == ["Joined, and judged “Defect” as 1 of 3 parts had been. Undo takes it back."]
    assert len(session.detections) == FOUND - 2
    session.undo()
    assert session.detection(whole.id) is None
    session.redo()
    session.select(whole.id, "keys")
    window.menus.actions["split"].trigger()
    assert [session.detection(part) is not None for part in parts] == [True] * 3
    assert session.selected_id in parts


def test_classes_are_renamed_in_a_dialog(qtbot, window):
    from app.class_colours import drawn_colour
    from app.classes_dialog import ClassesDialog

    session = window.session
    window.menus.actions["classes"].trigger()
    dialog = window.findChild(ClassesDialog)
    qtbot.waitUntil(dialog.isVisible)
    dialog.rename_button.click()
    assert "Select one" in dialog.trouble.text()
    dialog.list.selectRow(0)
    dialog.rename_button.click()
    editor = dialog.list.findChild(QLineEdit)
    qtbot.keyClicks(editor, "Large void")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: dialog.table.shown("pore") == "Large_void")
    dialog.colour(["Large_void"], "#123456")
    dialog.add("delamination")
    dialog.add("x" * 80)
    assert "no name" in dialog.trouble.text()
    dialog.accept()
    qtbot.waitUntil(lambda: {d.label for d in session.detections} == {"Large_void"})
    assert session.classes.labels == ("Large_void", "crack", "preparation_artefact", "delamination")
    assert session.detections[0].said_label == "pore"
    assert drawn_colour("pore").name() == "#123456", "what was drawn before has the colour too"
    session.undo()
    qtbot.waitUntil(lambda: {d.label for d in session.detections} == {"pore"})
    assert session.classes.labels == LABELS
    assert drawn_colour("pore").name() != "#123456"


def test_a_random_sample_is_judged_by_itself(qtbot, window):
    session = window.session
    window.menus.actions["check_panel"].trigger()
    group = window.docks.panel("check").precision
    group.count.setValue(6)
    group.draw(seed=3)
    qtbot.waitUntil(lambda: session.picking.picked is not None, timeout=20_000)
    qtbot.waitUntil(lambda: window.docks.gallery.model.rowCount() == 6)
    assert session.selected_id == session.picking.picked.ids[0]
    for key in (Qt.Key.Key_A, Qt.Key.Key_A, Qt.Key.Key_A, Qt.Key.Key_A, Qt.Key.Key_A, Qt.Key.Key_R):
        press(qtbot, window, key)
    qtbot.waitUntil(lambda: group.figure.text().startswith("83 %"))
    assert "5 defects, 1 not, of 6 drawn from 12" in group.told.text()
    assert "seed 3" in group.told.text()


def test_positions_found_by_eye_are_compared_and_drawn(qtbot, window, tmp_path):
    session = window.session
    path = tmp_path / "eye.csv"
    path.write_text("x_px,y_px,class\n80,115,pore\n700,700,crack\n", "utf-8")
    window.menus.actions["check_panel"].trigger()
    group = window.docks.panel("check").inspection
    group.import_file(path)
    qtbot.waitUntil(lambda: group.figure.text() == "1 agreed · 1 missed · 11 extra")
    assert window.viewer.inspection.item is not None
    missed = group.tree.topLevelItem(0).child(0)
    assert missed.text(0) == "Crack"
    group.tree.itemClicked.emit(missed, 0)
    assert window.viewer.canvas.visible_box().contains(700, 700)
    group.draw_button.click()
    qtbot.waitUntil(lambda: any(d.is_drawn for d in session.detections))
    (drawn,) = [d for d in session.detections if d.is_drawn]
    assert (drawn.label, drawn.box.center) == ("crack", (700, 700))
    session.undo()
    session.undo()
    assert session.inspection.inspection is None


def test_a_training_set_is_written(qtbot, window, tmp_path):
    from app.data_dialog import DataDialog
    from core.data.reading import read_marks

    choose(window, 0)
    press(qtbot, window, Qt.Key.Key_A)
    dialog = DataDialog(window.session, window)
    dialog.format.setCurrentIndex(dialog.format.findData("coco"))
    with qtbot.waitSignal(window.session.message, timeout=20_000) as told:
        dialog.write(tmp_path / "set")
    assert "1 picture with 1 mark" in told.args[1]
    assert read_marks(tmp_path / "set").count("pore") == 1
    dialog.deleteLater()
