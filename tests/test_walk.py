"""The whole walk in a real window, by keys and clicks: open, scan, judge, undo, draw, register, export, import, close, reopen.

With the variable SCHLIFF_RECORD naming a folder, a picture of the window is kept there after each step.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest
import tifffile
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialogButtonBox, QFileDialog

from app.chemistry.import_dialog import ImportDialog
from app.export_dialog import ExportDialog
from app.registration.model import SEM_X
from core.detection import Detection
from core.export.base import SOURCES_SUFFIX
from core.project import Project
from core.registration.registration import register
from tests.scan_support import scan_here
from tests.test_export_formats import klarf
from tests.test_registration_panel import PLACES, UM_PER_PX, click, sem_mm, type_into
from tests.toy import spotted_image, toy_spec
from tests.window_support import drag_over, open_and_wait, open_window, press

LEFT, CTRL = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier
OK = QDialogButtonBox.StandardButton.Ok
SIDE_PX, SPOTS, JUDGED, TAKEN_BACK = 640, 24, 20, 3
KEYS = {Qt.Key.Key_A: "defect", Qt.Key.Key_R: "false_alarm", Qt.Key.Key_T: "artefact", Qt.Key.Key_S: "unsure"}


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "steel.ome.tif"
    size = {f"PhysicalSize{axis}": UM_PER_PX for axis in "XY"} | {f"PhysicalSize{axis}Unit": "µm" for axis in "XY"}
    tifffile.imwrite(path, spotted_image(SIDE_PX, SPOTS), photometric="rgb", metadata={"axes": "YXS", **size})
    return path


@pytest.fixture
def models(monkeypatch):
    """The Scan panel offers the toy model, and the queue runs it here."""
    scan_here(monkeypatch)
    monkeypatch.setattr("core.models.catalog.list_models", lambda: [toy_spec()])


def record(window, step: str) -> None:
    if folder := os.environ.get("SCHLIFF_RECORD"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        window.grab().save(str(Path(folder) / f"{step}.png"))


def statuses(window) -> dict[int, str]:
    return {one.id: one.status for one in window.session.detections}


def dialog_of(qtbot, window, kind):
    qtbot.waitUntil(lambda: any(one.isVisible() for one in window.findChildren(kind)), timeout=20_000)
    return next(one for one in window.findChildren(kind) if one.isVisible())


# -- the steps ---------------------------------------------------------------------------------------------------------


def scan(qtbot, window) -> None:
    with qtbot.waitSignal(window.session.scan_finished, timeout=120_000):
        press(qtbot, window, Qt.Key.Key_R, CTRL)
    qtbot.waitUntil(lambda: window.is_settled and len(window.session.detections) == SPOTS, timeout=20_000)


def judge(qtbot, window) -> dict[int, str]:
    """Twenty, one after the other, by a key each; what was said of each."""
    press(qtbot, window, Qt.Key.Key_N)
    said = {}
    for number in range(JUDGED):
        key = list(KEYS)[number % len(KEYS)]
        selected = window.session.selected_id
        assert selected not in said, "the gallery has gone on"
        press(qtbot, window, key)
        said[selected] = KEYS[key]
    assert statuses(window) == dict.fromkeys(statuses(window), "unreviewed") | said
    return said


def take_back(qtbot, window, said: dict[int, str]) -> dict[int, str]:
    for _ in range(TAKEN_BACK):
        press(qtbot, window, Qt.Key.Key_Z, CTRL)
    left = dict(list(said.items())[:-TAKEN_BACK])
    assert statuses(window) == dict.fromkeys(statuses(window), "unreviewed") | left
    return left


def draw_missed(qtbot, window) -> Detection:
    before = set(statuses(window))
    press(qtbot, window, Qt.Key.Key_F)
    qtbot.waitUntil(lambda: window.is_settled)
    press(qtbot, window, Qt.Key.Key_I)
    qtbot.waitUntil(lambda: window.is_settled)
    drag_over(window, 300, 300, 340, 350)
    qtbot.waitUntil(lambda: len(statuses(window)) == len(before) + 1, timeout=20_000)
    press(qtbot, window, Qt.Key.Key_Escape)
    (number,) = set(statuses(window)) - before
    drawn = window.session.detection(number)
    assert (drawn.source, drawn.status) == ("person", "defect")
    return drawn


def register_four(qtbot, window) -> None:
    window.menus.actions["registration"].trigger()
    panel, registration = window.docks.registration, window.session.registration
    qtbot.waitUntil(lambda: panel.isVisible() and window.isActiveWindow())
    press(qtbot, window, Qt.Key.Key_F)
    QTest.mouseClick(panel.pick, LEFT)
    for place in PLACES:
        qtbot.waitUntil(lambda: window.is_settled)
        click(window, place)
    press(qtbot, window, Qt.Key.Key_Escape)
    assert len(registration.fiducials) == len(PLACES)
    for row, one in enumerate(registration.fiducials):
        for column, value in zip((SEM_X, SEM_X + 1), sem_mm(one.x_px, one.y_px), strict=True):
            type_into(panel, row, column, f"{value:.6f}")
    assert registration.fit.fit.mirrored


def export(qtbot, window, monkeypatch, name: str, out: Path) -> None:
    """By the menu: File, Export, the format, the dialog's button."""
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(out), ""))
    menu = window.menus.submenus["Export"]
    menu.aboutToShow.emit()
    next(action for action in menu.actions() if action.text() == f"{name}…").trigger()
    dialog = dialog_of(qtbot, window, ExportDialog)
    dialog.which.setCurrentIndex(0)  # all, not only the defects
    QTest.mouseClick(dialog.buttons.button(OK), LEFT)
    qtbot.waitUntil(out.exists, timeout=20_000)
    qtbot.waitUntil(lambda: not window.session.lanes.copies.busy, timeout=20_000)


def import_chemistry(qtbot, window, monkeypatch, path: Path) -> tuple[int, int]:
    """One spectrum by the number of its defect, one by its place on the SEM's stage."""
    by_number, by_place = (one.id for one in window.session.visible_detections()[:2])
    x, y = window.session.registration.fit.to_sem(*window.session.detection(by_place).box.center)
    path.write_text(
        "id,X (mm),Y (mm),Zr (at.%),Zr sigma,O (at.%),spectrum\n"
        f"{by_number},,,31.2,0.4,68.8,Spectrum 1\n,{x:.6f},{y:.6f},2.0,0.1,98.0,Spectrum 2\n"
    )
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    window.menus.refresh()
    window.menus.actions["import_edx"].trigger()
    dialog = dialog_of(qtbot, window, ImportDialog)
    assert set(dialog.chosen()) == {by_number, by_place}
    QTest.mouseClick(dialog.buttons.button(OK), LEFT)
    return by_number, by_place


# -- the walk ----------------------------------------------------------------------------------------------------------


def test_the_whole_walk_is_there_again_after_a_restart(qtbot, qapp, models, image, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(image), ""))
    with open_window(qapp) as window:
        window.resize(1280, 800)
        with qtbot.waitSignal(window.session.path_opened, timeout=20_000):
            window.menus.actions["open"].trigger()
        qtbot.waitUntil(lambda: window.is_settled, timeout=20_000)
        record(window, "1 opened")
        scan(qtbot, window)
        record(window, "2 scanned")
        said = judge(qtbot, window)
        record(window, "3 judged")
        said = take_back(qtbot, window, said)
        record(window, "4 three taken back")
        drawn = draw_missed(qtbot, window)
        record(window, "5 a missed one drawn")
        register_four(qtbot, window)
        record(window, "6 registered")
        export(qtbot, window, monkeypatch, "KLARF 1.2", tmp_path / "steel.klarf")
        export(qtbot, window, monkeypatch, "Drive list for the SEM (CSV)", tmp_path / "steel.csv")
        record(window, "7 exported")
        measured = import_chemistry(qtbot, window, monkeypatch, tmp_path / "edx.csv")
        record(window, "8 chemistry imported")
        left, fiducials = statuses(window), window.session.registration.fiducials
        project = window.session.project.path

    with Project.open(project) as kept:
        assert {one.id: one.status for one in kept.detections()} == left
    said_by_files(tmp_path, left, fiducials)

    with open_window(qapp) as again:
        again.resize(1280, 800)
        open_and_wait(qtbot, again, project)
        session = again.session
        assert statuses(again) == left
        assert {number: left[number] for number in said} == said
        assert session.detection(drawn.id) == drawn
        assert session.registration.fiducials == fiducials
        assert session.registration.fit.rms_um < 0.5
        assert {n: one.spectrum for n, one in session.chemistry.compositions.items()} == dict(
            zip(measured, ("Spectrum 1", "Spectrum 2"), strict=True)
        )
        again.docks.bring("why")
        session.select(measured[0], "gallery")
        record(again, "9 opened again")
        press(qtbot, again, Qt.Key.Key_Z, CTRL)
        assert session.chemistry.compositions == {}, "undo reaches back beyond the restart"
        press(qtbot, again, Qt.Key.Key_Y, CTRL)
        assert set(session.chemistry.compositions) == set(measured)


def said_by_files(folder: Path, left: dict[int, str], fiducials) -> None:
    """What left the window names everything, where it is, and where it comes from."""
    registration = register(fiducials, (UM_PER_PX, UM_PER_PX))
    records = klarf(folder / "steel.klarf")
    columns = int(records["DefectRecordSpec"][0])
    assert {int(number) for number in records["DefectList"][::columns]} == set(left)
    with (folder / "steel.csv").open(newline="", encoding="utf-8-sig") as file:
        lines = list(csv.DictReader(file))
    assert [line["Name"] for line in lines[:4]] == ["F1", "F2", "F3", "F4"]
    assert {int(line["Name"]): line["Status"] for line in lines[4:]} == left
    for line in lines[4:]:
        x_px, y_px = registration.to_pixel(float(line["X (mm)"]), float(line["Y (mm)"]))
        assert 0 < x_px < SIDE_PX
        assert 0 < y_px < SIDE_PX
    assert "fingerprint" in (folder / f"steel.klarf{SOURCES_SUFFIX}").read_text("utf-8")
