"""A list leaves the window: chosen in a dialog by real clicks, written in the background."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import tifffile
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QComboBox, QDialogButtonBox, QFileDialog, QWidget

from app.export_dialog import ExportDialog
from core.drawing import Drawing
from core.export.base import exporters, find_exporter
from core.project import Project
from core.project.drawing_store import DrawingStore
from core.project.registration_store import RegistrationStore
from core.readers.base import open_section
from tests.test_registration_project import FIDUCIALS, project  # noqa: F401 - a fixture
from tests.toy import spotted_image
from tests.window_support import open_and_wait, open_window

OK = QDialogButtonBox.StandardButton.Ok


@pytest.fixture
def window(qtbot, qapp, project):  # noqa: F811
    RegistrationStore(project).keep(project.sections()[0].id, FIDUCIALS)
    with open_window(qapp) as made:
        open_and_wait(qtbot, made, project.path)
        yield made


def choose(combo: QComboBox, text: str) -> None:
    combo.setFocus()
    combo.setCurrentIndex(combo.findText(text))


@pytest.mark.parametrize("spec", exporters(), ids=lambda spec: spec.id)
def test_every_format_can_be_chosen_in_the_window(qtbot, spec) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    dialog = ExportDialog(parent, spec, ["pixel", "stage", "sem"])
    assert dialog.frame == (spec.frames[-1] if spec.purpose == "drive" else spec.frames[0])
    assert dialog.settings == {p.name: p.default for p in spec.parameters}
    assert dialog.statuses == []
    assert ExportDialog(parent, spec, ["pixel"], True).statuses == (["defect"] if spec.purpose == "drive" else [])
    assert ExportDialog(parent, spec, ["pixel"], before={"nothing": "of ours"}).settings == dialog.settings
    unknown = ExportDialog(parent, spec, [])
    assert not unknown.buttons.button(OK).isEnabled()


def test_what_people_drew_leaves_without_a_scan_and_with_a_name_for_its_kind(
    qtbot, qapp, tmp_path, monkeypatch
) -> None:
    path = tmp_path / "drawn.tif"
    tifffile.imwrite(path, spotted_image()[:300], photometric="rgb")
    with Project.create(tmp_path / "drawn.schliff") as made, open_section(path) as section:
        DrawingStore(made).add(made.add_section(section).id, [Drawing("box", ((10, 10), (40, 30)), label="pore")])
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "list"), ""))
    with open_window(qapp) as window:
        open_and_wait(qtbot, window, made.path)
        assert window.session.scan is None
        window.commands.file.export(find_exporter("csv"))
        dialog = window.findChild(ExportDialog)
        qtbot.waitUntil(dialog.isVisible)
        qtbot.mouseClick(dialog.buttons.button(OK), Qt.MouseButton.LeftButton)
        qtbot.waitUntil((tmp_path / "list.csv").exists, timeout=20_000)
        qtbot.waitUntil(lambda: not window.session.lanes.copies.busy, timeout=20_000)
    with (tmp_path / "list.csv").open(newline="", encoding="utf-8") as file:
        (line,) = csv.DictReader(file)
    assert (line["class"], line["source"], line["x_px"]) == ("pore", "person", "10.0")


def test_a_drive_list_is_written_by_clicks(qtbot, window, tmp_path: Path, monkeypatch) -> None:
    out = tmp_path / "drive.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(out), ""))
    window.commands.file.export(find_exporter("operator-csv"))
    dialog = window.findChild(ExportDialog)
    qtbot.waitUntil(dialog.isVisible)
    choose(dialog.frames, "on the SEM's stage")
    box = dialog.form.field("mirror_x")
    qtbot.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(8, box.height() // 2))
    assert dialog.frame == "sem"
    assert dialog.settings["mirror_x"] is True
    qtbot.mouseClick(dialog.buttons.button(OK), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(out.exists, timeout=20_000)
    with out.open(newline="", encoding="utf-8-sig") as file:
        lines = list(csv.DictReader(file))
    assert [line["Name"] for line in lines[:4]] == ["A", "B", "C", "D"]
    assert float(lines[0]["X (mm)"]) == pytest.approx(-1.005, abs=1e-5)  # the first fiducial, mirrored
    assert len(lines) == 4 + len(window.session.detections)
