"""What is normal, chosen in the panel "Train": the section itself, regions drawn on it, another one; by real clicks."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QWidget

from core.data.drawn_normal import DrawnNormal, drawn_normal, window_side_px
from core.drawing import Drawing
from tests.toy import spotted_image, write_image
from tests.training_support import WorkerHere, write_trainer
from tests.window_support import drag_over, open_and_wait, open_window

LONG_MS = 60_000
ITSELF, DRAWN, OTHER = range(3)


@pytest.fixture(autouse=True)
def toy_trainer(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(write_trainer(tmp_path / "plugin")))
    monkeypatch.setattr("core.worker.training.TrainingWorker", WorkerHere)


@pytest.fixture
def window(qtbot, qapp):
    with open_window(qapp) as window:
        yield window


@pytest.fixture
def section(qtbot, window, tmp_path):
    path = write_image(tmp_path / "part.tif", spotted_image(400, 0))
    open_and_wait(qtbot, window, path)
    return path


def choose_normal(qtbot, window):
    """The panel, a way to learn what is normal chosen in it."""
    window.docks.bring("train")
    panel = window.docks.train
    qtbot.waitUntil(panel.isVisible)
    choice = panel.form.trainer.choice
    choice.setCurrentIndex(choice.findData("b_toy"))
    return panel


def click(qtbot, button: QWidget):
    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton, pos=QPoint(10, button.height() // 2))


def until_read(qtbot, group):
    qtbot.waitUntil(lambda: group.summary is not None or bool(group.error), timeout=LONG_MS)


def test_the_section_itself_is_offered_first(qtbot, window, section):
    form = choose_normal(qtbot, window).form
    normal = form.normal
    assert normal.isVisible()
    assert not form.marked.isVisible()
    assert normal.ways[ITSELF].isChecked()
    assert "defects in it don’t hurt" in normal.robust.text()
    assert not normal.ways[DRAWN].isEnabled()
    assert "None drawn yet" in normal.drawn_text.text()
    until_read(qtbot, normal)
    assert not normal.text.isVisible()  # it would say the same again
    assert form.request().data == section
    choice = form.trainer.choice
    choice.setCurrentIndex(choice.findData("a_toy"))
    assert form.marked.isVisible()
    assert not normal.isVisible()


def test_regions_are_drawn_and_learnt_from(qtbot, window, section):
    panel = choose_normal(qtbot, window)
    form, normal, session = panel.form, panel.form.normal, window.session
    click(qtbot, normal.draw_button)
    assert session.drawings.tool == "box"
    assert normal.draw_button.text() == "Stop drawing"
    drag_over(window, 20, 20, 220, 180)
    qtbot.waitUntil(lambda: session.project is not None, timeout=LONG_MS)
    (drawn,) = session.drawings.items
    assert drawn.label == "normal"
    assert normal.ways[DRAWN].isChecked()  # whoever draws them wants them
    assert "1 region" in normal.drawn_text.text()
    assert "room for 7 windows" in normal.drawn_text.text()
    click(qtbot, normal.draw_button)
    assert session.drawings.tool == "pointer"
    qtbot.waitUntil(lambda: normal.summary is not None and "1 normal region" in normal.text.text(), timeout=LONG_MS)
    assert form.request().data == session.project.path
    click(qtbot, form.start_button)
    qtbot.waitUntil(lambda: session.training.state == "done", timeout=LONG_MS)
    assert session.training.metrics == {"pictures": 1, "regions": 1}
    qtbot.waitUntil(panel.run.preview.isVisible)
    qtbot.waitUntil(lambda: panel.run.preview.image.pixelColor(5, 5).red() == 200)  # the newest
    assert panel.run.preview.titles == ("Input", "Drawn again", "Residual")
    click(qtbot, panel.run.again_button)
    session.undo()
    assert normal.ways[ITSELF].isChecked()
    assert not normal.ways[DRAWN].isEnabled()


def test_another_section_can_be_dropped_without_one_open(qtbot, window, tmp_path):
    form = choose_normal(qtbot, window).form
    assert form.normal.ways[OTHER].isChecked()
    assert not form.normal.ways[ITSELF].isEnabled()
    assert not form.normal.draw_button.isEnabled()
    assert "believed good" in form.normal.text.text()
    good = write_image(tmp_path / "good.tif", spotted_image(128, 0))
    form.normal.add(good)
    until_read(qtbot, form.normal)
    assert form.request().data == good
    form.normal.add(tmp_path / "plugin")  # a folder without pictures
    until_read(qtbot, form.normal)
    assert "regions called normal" in form.normal.odd.text()
    assert not form.start_button.isEnabled()


def test_how_much_is_drawn_and_what_has_room():
    box = Drawing("box", ((100, 100), (400, 300)), label="Normal")
    line = Drawing("ruler", ((0, 0), (500, 500)), label="normal")
    pore = Drawing("box", ((0, 0), (90, 90)), label="pore")
    thin = Drawing("polygon", ((0, 0), (1000, 0), (1000, 60), (0, 60)), label="normal")
    assert drawn_normal([line, pore], (0.5, 0.5), 64) == DrawnNormal(0, 0.0, 0.0, 0)
    found = drawn_normal([box, line, pore, thin], (0.5, 0.5), 100)
    assert found == DrawnNormal(2, 120_000.0, pytest.approx(0.03), 6)  # no window fits into the thin one
    assert drawn_normal([box], None, 200).windows == 1
    assert drawn_normal([box], None, 201).windows == 1  # as finely as that is looked
    assert drawn_normal([box], None, 220).windows == 0
    assert drawn_normal([box], None).windows is None
    wide = Drawing("area", ((0, 0), (90_000, 0), (90_000, 90_000)), label="good")
    assert drawn_normal([wide], None, 100).windows == 405_000


def test_the_side_of_a_window_follows_its_scale():
    assert window_side_px({"window_px": 64, "um_per_px": 0.0}, (0.5, 0.5)) == 64
    assert window_side_px({"window_px": 64, "um_per_px": 1.0}, (0.5, 0.5)) == 128
    assert window_side_px({"window_px": 64, "um_per_px": 1.0}, None) == 64
    assert window_side_px({"steps": 3}, (0.5, 0.5)) is None
