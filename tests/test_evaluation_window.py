"""Evaluating a model by hand: mouse and keys in the window, on pictures whose figures are known."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication, QFileDialog

from app.evaluation.window import EvaluationWindow
from app.training.history_dialog import HistoryDialog
from core.errors import InputError
from core.evaluation.judging import evaluate
from core.evaluation.store import save_evaluation
from tests.evaluation_support import spots, truth, use_toy
from tests.gallery_support import MODEL, fill
from tests.toy import toy_spec

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two squares in each of two pictures; in the second one of them is not marked, and a mark lies where nothing is."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, marked in (("a.png", [(40, 40), (160, 160)]), ("b.png", [(40, 40), (200, 60)])):
        truth(spots(folder, name, [(40, 40), (160, 160, 240 if name == "a.png" else 200)]), marked)
    return folder


class Carry:
    """Evaluates in this process; `gate` holds it until it's set, `error` comes instead."""

    def __init__(self, spec) -> None:
        self.spec, self.gate = spec, threading.Event()
        self.gate.set()
        self.error: Exception | None = None

    def __call__(self, request, progress, cancel) -> Path:
        while not self.gate.wait(0.005):
            cancel.check()
        if self.error:
            raise self.error
        return save_evaluation(evaluate(request, progress, cancel), self.spec)[1]


@pytest.fixture
def spec(tmp_path: Path, monkeypatch):
    spec = toy_spec(source="trained", path=tmp_path / "toy-model")
    use_toy(monkeypatch, spec)
    return spec


@pytest.fixture
def carry(spec):
    return Carry(spec)


@pytest.fixture
def window(qtbot, session, spec, carry, quick_disk):
    window = EvaluationWindow(session, list_them=lambda: [spec], carry=carry)
    window.show()
    yield window
    window.close()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def judge(qtbot, window, data: Path) -> None:
    before = window.earlier.count()
    window.data.add(data)
    qtbot.mouseClick(window.begin, LEFT)
    qtbot.waitUntil(lambda: window.earlier.count() > before and window.judged is not None, timeout=30_000)


def test_nothing_begins_without_data(window):
    assert not window.begin.isEnabled()
    assert window.hint.isVisible()
    assert not window.view.isVisible()


def test_what_came_of_it_is_shown(qtbot, window, data):
    judge(qtbot, window, data)
    view = window.view
    assert view.isVisible()
    assert "Of 4 defects it finds 3 (75 %" in view.words.text()
    assert window.earlier.count() == 1
    assert "pictures: 75 %" in window.earlier.item(0).text()
    assert [view._mistake_tabs.tabText(n) for n in range(3)] == [
        "Missed defects (1)", "False alarms (1)", "Wrong classes (0)",
    ]  # fmt: skip
    assert view.mistakes["miss"].item(0).text().startswith("Marked: Crack\nCalled: –")
    assert not view.mistakes["miss"].item(0).icon().isNull()
    assert view.charts[0].chart.title == "Precision over recall"
    assert "toy" in view.origin.text()


def test_the_threshold_says_what_it_leads_to_while_it_moves(qtbot, window, data):
    judge(qtbot, window, data)
    view = window.view
    said, mark = view.effect.text(), view.charts[0].chart.mark
    assert "3 of 4 defects are found, 1 missed, 1 false alarm." in said
    view.slider.setFocus()
    qtbot.keyClick(view.slider, Qt.Key.Key_End)
    assert view.effect.text() != said
    assert "3 places: 3 of 4 defects are found, 1 missed, 0 false alarms." in view.effect.text()
    assert view.charts[0].chart.mark != mark
    qtbot.keyClick(view.slider, Qt.Key.Key_Home)
    assert view.threshold == pytest.approx(window.judged.figures["thresholds"][0]["threshold"])


def test_a_cell_shows_its_pictures(qtbot, window, data):
    judge(qtbot, window, data)
    view = window.view
    view.setCurrentIndex(1)
    table = view.confusion
    headings = [table.horizontalHeaderItem(n).text() for n in range(table.columnCount())]
    assert headings == ["Anomaly", "Not found", "Recall"]
    assert [table.item(0, n).text() for n in range(3)] == ["3", "1", "–"]

    def click(row: int, column: int) -> None:
        at = table.visualItemRect(table.item(row, column)).center()
        qtbot.mouseClick(table.viewport(), LEFT, pos=at)

    click(0, 1)
    qtbot.waitUntil(lambda: view.cell.count() == 1)
    assert view.cell.item(0).text() == "b.png"
    click(0, 0)
    qtbot.waitUntil(lambda: view.cell.count() == 3)
    assert "Crack → Anomaly: 3" in view.cell_text.text()
    assert view.cell.item(0).text().endswith(".png")


def test_models_on_the_same_data_stand_in_one_table(qtbot, window, data, tmp_path):
    judge(qtbot, window, data)
    judge(qtbot, window, data)
    assert window.view.compared.rowCount() == 2
    truth(data / "a.png", [(40, 40)])
    judge(qtbot, window, data)
    assert window.view.compared.rowCount() == 1  # other marks: other data
    assert window.earlier.count() == 3
    shown = window.judged.name
    at = window.earlier.visualItemRect(window.earlier.item(2)).center()
    qtbot.mouseClick(window.earlier.viewport(), LEFT, pos=at)
    assert window.judged.name != shown
    assert window.view.compared.rowCount() == 2


def test_it_is_saved_as_one_page(qtbot, window, data, tmp_path, monkeypatch):
    judge(qtbot, window, data)
    path = tmp_path / "page.html"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    qtbot.mouseClick(window.save, LEFT)
    assert "Of 4 defects it finds 3" in path.read_text("utf-8")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "no" / "page.html"), ""))
    qtbot.mouseClick(window.save, LEFT)
    assert "its folder does not exist" in window.told.text()


def test_it_can_be_stopped_but_not_by_a_stray_key(qtbot, window, carry, data):
    carry.gate.clear()
    window.data.add(data)
    qtbot.mouseClick(window.begin, LEFT)
    assert window.stop.isVisible()
    assert not window.begin.isVisible()
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert window.isVisible()
    qtbot.mouseClick(window.stop, LEFT)
    qtbot.waitUntil(lambda: not window.runner.running)
    assert window.told.text() == "Stopped."
    assert window.begin.isEnabled()


def test_what_went_wrong_is_said(qtbot, window, carry, data):
    carry.error = InputError("it is cut off", path="a.png", remedy="Copy it again.")
    window.data.add(data)
    qtbot.mouseClick(window.begin, LEFT)
    qtbot.waitUntil(lambda: not window.runner.running)
    assert window.told.text() == "a.png: it is cut off. Copy it again."


def test_a_picture_that_is_gone_is_named(qtbot, window, data):
    judge(qtbot, window, data)
    (data / "b.png").unlink()
    window.view.setCurrentIndex(1)
    window.view.confusion.setCurrentCell(0, 1)
    qtbot.waitUntil(lambda: window.view.cell.count() == 1)
    assert "b.png" in window.view.cell.item(0).toolTip()


def test_it_is_shown_how_the_model_was_trained(qtbot, session, tmp_path):
    card = {"training": {"seed": 3, "seconds": 60}}
    spec = toy_spec(source="trained", path=tmp_path / "toy-model", card=card)
    window = EvaluationWindow(session, list_them=lambda: [spec])
    qtbot.addWidget(window)
    window.show()
    assert window.model.trained.isVisible()
    window.model.trained.linkActivated.emit("trained")
    qtbot.waitUntil(lambda: window.findChild(HistoryDialog) is not None)
    assert window.findChild(HistoryDialog).isVisible()


def test_saving_is_told(qtbot, window, data, tmp_path, monkeypatch):
    judge(qtbot, window, data)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "page.html"), ""))
    qtbot.mouseClick(window.save, LEFT)
    assert window.told.text() == "Saved page.html."
    assert window.told.isVisible()


def test_the_model_that_scanned_is_chosen(session):
    specs = [toy_spec(id="texture"), toy_spec(id=MODEL.id)]
    fill(session, [])
    window = EvaluationWindow(session, list_them=lambda: specs)
    assert window.model.spec is specs[1]
    window.close()
