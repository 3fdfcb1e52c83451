"""Chemistry comes back into the window: imported, asked for, shown, undone; and rules propose what a person confirms."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QDialogButtonBox, QFileDialog, QInputDialog

from app.chemistry.import_dialog import ImportDialog
from app.chemistry.rules_dialog import RulesDialog
from app.panels.composition_group import CompositionGroup
from core.project import Project
from core.project.composition_store import CompositionStore
from core.project.registration_store import RegistrationStore
from core.registration.registration import register
from tests.test_registration_project import FIDUCIALS, project  # noqa: F401 - a fixture
from tests.window_support import open_and_wait, open_window

OK = QDialogButtonBox.StandardButton.Ok


@pytest.fixture
def window(qtbot, qapp, project):  # noqa: F811
    RegistrationStore(project).keep(project.sections()[0].id, FIDUCIALS)
    with open_window(qapp) as made:
        open_and_wait(qtbot, made, project.path)
        yield made


def dialog_of(qtbot, window, kind):
    qtbot.waitUntil(lambda: any(one.isVisible() for one in window.findChildren(kind)), timeout=20_000)
    return next(one for one in window.findChildren(kind) if one.isVisible())


def click(qtbot, button) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def import_by_menu(qtbot, window, monkeypatch, path: Path) -> ImportDialog:
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    window.menus.refresh()
    window.menus.actions["import_edx"].trigger()
    return dialog_of(qtbot, window, ImportDialog)


def test_clear_ones_are_attached_and_the_rest_is_asked(qtbot, window, tmp_path: Path, monkeypatch) -> None:
    session = window.session
    first, second, third = session.visible_detections()[:3]
    x, y = register(FIDUCIALS, (0.5, 0.5)).to_sem(*third.box.center)
    path = tmp_path / "edx.csv"
    path.write_text(
        "id,Zr (at.%),Zr sigma,O (at.%),X (mm),Y (mm),spectrum\n"
        f"{first.id},31.2,0.4,68.8,,,Spectrum 1\n"
        f"{second.id},2.1,,97.9,,,Spectrum 2\n{second.id},2.4,,97.6,,,Spectrum 3\n"
        f",10.5,0.5,89.5,{x:.5f},{y:.5f},Spectrum 4\n,1,,99,99.0,99.0,Spectrum 5\n"
    )
    dialog = import_by_menu(qtbot, window, monkeypatch, path)
    assert "2 of 5 spectra are clear" in dialog.summary.text()
    assert sorted(dialog.choices) == [0, 1], "two spectra of one defect are asked for"
    assert set(dialog.chosen()) == {first.id, third.id}
    for combo in dialog.choices.values():
        combo.setCurrentIndex(1)
    assert not dialog.buttons.button(OK).isEnabled()
    assert f"#{second.id}" in dialog.warning.text()
    assert session.selected_id == second.id, "where somebody chooses, they see what"
    dialog.choices[0].setCurrentIndex(0)
    click(qtbot, dialog.buttons.button(OK))
    with Project.open(session.project.path) as again:
        kept = CompositionStore(again).compositions()
    assert {number: one.spectrum for number, one in kept.items()} == {
        first.id: "Spectrum 1", second.id: "Spectrum 3", third.id: "Spectrum 4",
    }  # fmt: skip
    session.undo()
    assert session.chemistry.compositions == {}
    session.redo()
    assert set(session.chemistry.compositions) == {first.id, second.id, third.id}


def test_a_file_without_a_unit_is_asked_for_it(qtbot, window, tmp_path: Path, monkeypatch) -> None:
    first = window.session.visible_detections()[0]
    path = tmp_path / "edx.csv"
    path.write_text(f"id,Zr,O\n{first.id},74.03,25.97\n")
    monkeypatch.setattr(QInputDialog, "getItem", lambda *_: ("wt.%", True))
    dialog = import_by_menu(qtbot, window, monkeypatch, path)
    assert dialog.chosen()[first.id].unit == "wt%"
    dialog.reject()
    assert window.session.chemistry.compositions == {}


def test_results_dropped_on_the_window_are_imported_and_shown(qtbot, window, tmp_path: Path) -> None:
    session = window.session
    first, second = session.visible_detections()[:2]
    path = tmp_path / "edx.csv"
    path.write_text(f"id,Zr wt%,O wt%,Zr sigma,name\n{first.id},74.03,25.97,0.4,Spectrum <7>\n")
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    window.dropEvent(QDropEvent(QPointF(QPoint(50, 50)), Qt.DropAction.CopyAction, mime, buttons, keys))
    click(qtbot, dialog_of(qtbot, window, ImportDialog).buttons.button(OK))
    session.select(first.id, "gallery")
    window.docks.bring("why")
    group = window.findChild(CompositionGroup)
    assert group.isVisibleTo(group.parentWidget())
    for part in ("Zr", "74.03", "0.40", "33.3", "wt.%", "at.%"):
        assert part in group.amounts.text()
    assert group.source.text() == "Spectrum <7>, edx.csv"
    session.select(second.id, "gallery")
    assert not group.isVisibleTo(group.parentWidget())


def test_rules_propose_and_a_person_confirms(qtbot, window) -> None:
    from core.chemistry.composition import Composition

    session = window.session
    one, two, three = session.visible_detections()[:3]
    session.chemistry.keep(
        {
            one.id: Composition({"Zr": 31.0, "O": 69.0}, "at%", {"Zr": 0.4}),
            two.id: Composition({"Zr": 10.5, "O": 89.5}, "at%", {"Zr": 0.5}),
            three.id: Composition({"Fe": 100.0}, "at%", {}),
        }
    )
    window.menus.actions["edx_classes"].trigger()
    dialog = dialog_of(qtbot, window, RulesDialog)
    assert not dialog.take.isEnabled()
    dialog.rules.setFocus()
    qtbot.keyClicks(dialog.rules, "Zr > 10 at")
    qtbot.waitUntil(dialog.trouble.isVisible)
    assert "line 1" in dialog.trouble.text()
    qtbot.keyClicks(dialog.rules, "% -> oxide particle")
    qtbot.waitUntil(lambda: dialog.table.rowCount() == 2)
    assert not dialog.trouble.isVisible()
    assert [proposal.detection.id for proposal in dialog.ticked] == [one.id], "the close one is left to a person"
    assert session.detection(one.id).label == "anomaly"
    assert dialog.take.isDefault(), "Enter accepts what is ticked"
    click(qtbot, dialog.take)
    assert session.detection(one.id).label == "oxide_particle"
    assert session.detection(two.id).label == "anomaly"
    assert dialog.table.rowCount() == 1
    click(qtbot, dialog.all)
    click(qtbot, dialog.take)
    assert session.detection(two.id).label == "oxide_particle"
    dialog.close()
    assert session.chemistry.rules == "Zr > 10 at% -> oxide particle"
    session.undo()
    assert session.detection(two.id).label == "anomaly"
