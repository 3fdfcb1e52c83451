"""A list leaves the window: chosen in a dialog by real clicks, written in the background."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import tifffile
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QComboBox, QDialogButtonBox, QFileDialog, QWidget

from app.export_dialog import ExportDialog, choices_of
from core.arrangement import Arrangement
from core.drawing import Drawing
from core.export.base import exporters, find_exporter
from core.filters import Filters
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
    nothing_judged, judged = choices_of({"unreviewed": 3000}, None), choices_of({"unreviewed": 9, "defect": 1}, [4, 5])
    dialog = ExportDialog(parent, spec, ["pixel", "stage", "sem"], nothing_judged)
    assert dialog.frame == (spec.frames[-1] if spec.purpose == "drive" else spec.frames[0])
    assert dialog.settings == {p.name: p.default for p in spec.parameters}
    assert (dialog.choice.statuses, dialog.choice.only) == ((), None)
    assert "3,000 detections" in dialog.amount.text()
    narrowed = ExportDialog(parent, spec, ["pixel"], judged).choice
    assert (narrowed.statuses, narrowed.only) == ((("defect",), None) if spec.purpose == "drive" else ((), (4, 5)))
    whole = ExportDialog(parent, spec, ["pixel"], choices_of({"unreviewed": 9, "defect": 1}, None)).choice
    assert whole.statuses == (() if spec.purpose == "exchange" else ("defect",))
    assert ExportDialog(parent, spec, ["pixel"], judged, {"nothing": "of ours"}).settings == dialog.settings
    unknown = ExportDialog(parent, spec, [], judged)
    assert not unknown.buttons.button(OK).isEnabled()


def test_much_is_warned_of_before_it_is_written(qtbot) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    dialog = ExportDialog(parent, find_exporter("gallery-html"), ["pixel"], choices_of({"unreviewed": 30_000}, None))
    assert dialog.amount.text() == "The 500 worst of 30,000 detections, about 13.1 MB."
    dialog.form.set_values({"most": 0})
    assert dialog.amount.text() == "30,000 detections, about 786.4 MB. That takes a while; it can be stopped."
    dialog.form.set_values({"most": 20})
    assert dialog.amount.text() == "The 20 worst of 30,000 detections, about 0.5 MB."


def test_what_the_gallery_shows_is_exported(qtbot, window, tmp_path: Path, monkeypatch) -> None:
    out = tmp_path / "shown.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(out), ""))
    gallery, session = window.docks.gallery, window.session
    qtbot.waitUntil(lambda: len(gallery.model.shown) == len(session.detections))
    chosen = [one.id for one in session.detections[2:5]]
    session.reviewing.decide("unsure", chosen)
    gallery.bar.set_arrangement(Arrangement(filters=Filters(statuses=frozenset({"unsure"}))))
    qtbot.waitUntil(lambda: len(gallery.model.shown) == 3)
    window.commands.file.export(find_exporter("csv"))
    dialog = window.findChild(ExportDialog)
    qtbot.waitUntil(dialog.isVisible)
    assert dialog.which.currentText() == "as the gallery shows (3)"
    qtbot.mouseClick(dialog.buttons.button(OK), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(out.exists, timeout=20_000)
    with out.open(newline="", encoding="utf-8") as file:
        assert sorted(int(line["id"]) for line in csv.DictReader(file)) == sorted(chosen)


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
