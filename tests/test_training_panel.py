"""The panel "Train" by real clicks: asked for, paused, stopped, killed, gone on with, finished, with and without a process."""

from __future__ import annotations

import os
import signal

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QMessageBox, QTabBar

from app.evaluation.window import EvaluationWindow
from app.training.for_window import WindowTraining
from core.models.catalog import find_model
from core.train.request import TrainRequest
from core.train.running import unfinished_in
from core.userdirs import models_dir
from tests.toy import spotted_image, write_image
from tests.training_support import CHECKPOINT, WorkerHere, write_images, write_trainer
from tests.window_support import open_and_wait, open_window

LONG_MS = 60_000


@pytest.fixture(autouse=True)
def toy_trainer(tmp_path, monkeypatch):
    """One that needs no torch, also in other processes."""
    monkeypatch.syspath_prepend(str(write_trainer(tmp_path / "plugin")))


@pytest.fixture
def here(monkeypatch):
    """Trains in this process: what a process of its own adds needs one test, and seconds."""
    monkeypatch.setattr("core.worker.training.TrainingWorker", WorkerHere)


@pytest.fixture
def answers(monkeypatch):
    asked = {"press": "go on later"}

    def ask(box):
        asked["text"] = box.text()
        return next(button for button in box.buttons() if asked["press"] in button.text())

    monkeypatch.setattr(WindowTraining, "ask", staticmethod(ask))
    return asked


@pytest.fixture
def window(qtbot, qapp, answers):
    with open_window(qapp) as window:
        yield window


@pytest.fixture
def data(tmp_path):
    return write_images(tmp_path / "plates", chip=12, pore=12)


@pytest.fixture
def panel(qtbot, window, data):
    """The form, filled but for the settings."""
    window.menus.actions["train"].trigger()
    panel = window.docks.train
    qtbot.waitUntil(panel.isVisible)
    drop(panel.form.data, data)
    qtbot.waitUntil(lambda: panel.form.data.summary is not None, timeout=LONG_MS)
    choose_toy(panel)
    return panel


def choose_toy(panel, **settings):
    choice = panel.form.trainer.choice
    choice.setCurrentIndex(choice.findData("a_toy"))
    panel.form.settings.set_values(settings)


def drop(group, path):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    copy, left, plain = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    group.dropEvent(QDropEvent(QPointF(5, 5), copy, mime, left, plain))


def click(qtbot, button):
    qtbot.waitUntil(lambda: button.isVisible() and button.isEnabled(), timeout=LONG_MS)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def until_over(qtbot, window):
    qtbot.waitUntil(lambda: not window.session.training.running, timeout=LONG_MS)


def start_slowly(qtbot, window, panel):
    """A training that has got beyond its first checkpoint and is far from its end."""
    choose_toy(panel, steps=10_000, pause_s=0.02)
    click(qtbot, panel.form.start_button)
    qtbot.waitUntil(lambda: window.session.training.step.done > 12, timeout=LONG_MS)


def test_the_form_says_what_the_data_holds_and_names_the_model(panel):
    form = panel.form
    assert "24 images" in form.data.text.text()
    assert "Chip 12, Pore 12" in form.data.text.text()
    assert form.name.text() == "plates classifier"
    assert form.folder.text().endswith("plates-classifier")
    assert form.start_button.isEnabled()


def test_a_model_is_trained_and_scanned_with(qtbot, window, panel, tmp_path):
    open_and_wait(qtbot, window, write_image(tmp_path / "s.tif", spotted_image(64, 0)))
    scan = window.docks.scan
    assert scan.model.choice.findData("poren-2") < 0
    panel.form.name.setText("Poren 2")
    window.docks.bring("train")
    click(qtbot, panel.form.start_button)
    assert panel.run.isVisible()
    until_over(qtbot, window)
    assert window.session.training.error is None
    assert "Of 20 images that it was not trained on it names the class of 90\u00a0% rightly." in panel.run.learnt.text()
    assert "75\u00a0%" in panel.run.classes.text()
    qtbot.waitUntil(lambda: panel.run.curves is not None, timeout=LONG_MS)
    curves = panel.run.curves
    qtbot.waitUntil(lambda: len(curves.loss.lines) == len(curves.judged.lines) == 1)  # they are drawn a moment later
    spec = find_model("poren-2")
    assert (spec.name, spec.path) == ("Poren 2", models_dir() / "poren-2")
    assert scan.model.choice.findData("poren-2") >= 0  # without a new start
    click(qtbot, panel.run.scan_button)
    assert scan.model.spec.id == "poren-2"
    assert scan.isVisible()


def test_a_name_that_is_taken_or_none_is_refused(qtbot, panel):
    (models_dir() / "taken").mkdir(parents=True)
    for name, said in (("Taken", "already"), ("", "needs a name"), ("…", "needs a name"), ("con", "folder's name")):
        panel.form.name.setText(name)
        assert said in panel.form.note.text()
        assert not panel.form.start_button.isEnabled()
    panel.form.name.setText("free/one")
    assert panel.form.folder.text().endswith("free-one")
    assert panel.form.start_button.isEnabled()


def test_data_that_cannot_be_used_is_told_with_a_remedy(qtbot, panel, tmp_path):
    (tmp_path / "nothing").mkdir()
    drop(panel.form.data, tmp_path / "nothing")
    qtbot.waitUntil(lambda: bool(panel.form.data.error), timeout=LONG_MS)
    assert "no labelled data" in panel.form.data.odd.text()
    assert not panel.form.start_button.isEnabled()


def test_a_trainer_that_does_not_suit_the_data_is_told(panel):
    choice = panel.form.trainer.choice
    choice.setCurrentIndex(choice.findData("cells"))
    assert "not from images" in panel.form.note.text()
    assert not panel.form.start_button.isEnabled()


def test_the_main_settings_are_in_sight_and_the_others_behind_more(qtbot, panel):
    settings = panel.form.settings
    assert [p.name for p in settings.main.parameters] == ["steps"]
    assert not settings.others.isVisible()
    click(qtbot, settings.more)
    assert settings.others.field("refuses").isVisible()
    settings.set_values({"seed": 4, "steps": 41})
    assert panel.form.request().seed == 4
    assert panel.form.request().settings == {"steps": 41, "name": "plates classifier"}


def test_what_goes_wrong_is_told_and_another_training_can_be_asked_for(qtbot, here, window, panel):
    choose_toy(panel, refuses=True)
    click(qtbot, panel.form.start_button)
    until_over(qtbot, window)
    assert "Ask nicely" in panel.run.headline.text()
    click(qtbot, panel.run.again_button)
    assert panel.form.isVisible()
    assert unfinished_in(models_dir()) == []


def test_a_training_is_paused_and_goes_on(qtbot, here, window, panel):
    training = window.session.training
    start_slowly(qtbot, window, panel)
    assert "Training" in window.status.training.text()
    click(qtbot, panel.run.pause_button)
    assert "Paused" in panel.run.headline.text()
    qtbot.wait(300)
    stood = training.step.done
    qtbot.wait(300)
    assert training.step.done == stood
    click(qtbot, panel.run.pause_button)
    qtbot.waitUntil(lambda: training.step.done > stood, timeout=LONG_MS)


def test_a_stopped_training_goes_on_from_its_checkpoint(qtbot, here, window, panel):
    training = window.session.training
    start_slowly(qtbot, window, panel)
    click(qtbot, panel.run.stop_button)
    until_over(qtbot, window)
    assert "is kept" in panel.run.headline.text()
    kept = int((training.request.out / CHECKPOINT).read_text())
    assert kept >= 10
    told = []
    training.progressed.connect(lambda step: told.append(step.done))
    click(qtbot, panel.run.go_on_button)
    qtbot.waitUntil(lambda: training.step.done > kept, timeout=LONG_MS)
    assert min(done for done in told if done > 0) > 1
    assert training.curves.points("loss")[0][0] == 1  # what was measured before the break


def test_a_worker_that_is_killed_is_told_and_gone_on_with(qtbot, window, panel):
    training = window.session.training
    start_slowly(qtbot, window, panel)
    os.kill(training.worker_pid, signal.SIGKILL)
    until_over(qtbot, window)
    assert "ended unexpectedly" in panel.run.headline.text()
    assert "go on" in panel.run.headline.text()
    before = training.step.done
    click(qtbot, panel.run.go_on_button)
    qtbot.waitUntil(lambda: training.running and training.step.done > before, timeout=LONG_MS)


def test_closing_asks_and_the_next_window_offers_to_go_on(qtbot, here, qapp, window, panel, answers):
    start_slowly(qtbot, window, panel)
    answers["press"] = "Don't close"
    assert not window.close()
    assert window.session.training.running
    answers["press"] = "go on later"
    assert window.close()
    assert "still being trained" in answers["text"]
    (left,) = unfinished_in(models_dir())
    assert left.out.name == "plates-classifier"
    with open_window(qapp) as other, qtbot.waitSignal(other.session.message, timeout=LONG_MS) as told:
        other.training.tell_at_start()
        assert "session" in vars(other)
    assert "plates classifier" in told.args[1]


def test_what_was_not_ended_is_gone_on_with_or_discarded(qtbot, here, window, data):
    for name in ("one", "two"):
        leave_unfinished(TrainRequest("a_toy", data, models_dir() / name, {"steps": 30}))
    window.menus.actions["train"].trigger()
    panel = window.docks.train
    qtbot.waitUntil(lambda: set(panel.form.unfinished.buttons) == {"one", "two"}, timeout=LONG_MS)
    click(qtbot, panel.form.unfinished.buttons["two"][1])
    box = panel.findChild(QMessageBox)
    click(qtbot, next(button for button in box.buttons() if button.text() == "Discard"))
    qtbot.waitUntil(lambda: set(panel.form.unfinished.buttons) == {"one"}, timeout=LONG_MS)
    assert not (models_dir() / "two").exists()
    click(qtbot, panel.form.unfinished.buttons["one"][0])
    until_over(qtbot, window)
    assert window.session.training.state == "done"
    assert find_model("one").id == "one"


def leave_unfinished(request):
    """As a kill at step 10 does."""
    import json

    request.out.mkdir(parents=True)
    (request.out / ".training.json").write_text(json.dumps(request.to_json()))
    (request.out / CHECKPOINT).write_text("10")


def test_what_it_will_cost_is_measured_before(qtbot, here, window, panel):
    choose_toy(panel, steps=100_000, pause_s=0.25)
    panel.form.settings.device.setCurrentIndex(panel.form.settings.device.findData("cpu"))
    click(qtbot, panel.form.cost_button)
    qtbot.waitUntil(lambda: panel.form.cost.text().startswith("About"), timeout=4 * LONG_MS)
    assert "h " in panel.form.cost.text()
    assert "(processor)" in panel.form.cost.text()
    assert not any(models_dir().glob("*"))
    click(qtbot, panel.form.cheaper_button)  # as it would take hours
    assert panel.form.request().settings["steps"] == 20
    assert not panel.form.cost.isVisible()  # what was measured holds no longer


def test_the_start_loads_no_plots_and_makes_no_panel(window):
    assert window.docks.made("train") is None


@pytest.mark.timeout(400)
def test_the_small_classifier_learns_through_its_process(qtbot, window, tmp_path):
    """Torch and all, in the worker: two sections, twelve steps."""
    from tests.test_train import _write_section

    for seed in (1, 2):
        _write_section(tmp_path / "sections", f"s{seed}", seed, size=160)
    window.menus.actions["train"].trigger()
    panel = window.docks.train
    drop(panel.form.data, tmp_path / "sections")
    qtbot.waitUntil(lambda: panel.form.data.summary is not None, timeout=LONG_MS)
    assert "cells" in [spec.id for spec in panel.form.trainer.fitting("boxes")]
    choice = panel.form.trainer.choice
    choice.setCurrentIndex(choice.findData("cells"))
    small = {"steps": 12, "every": 6, "width": 8, "blocks": 1, "batch": 2, "crop_px": 96, "um_per_px": 1.0}
    panel.form.settings.set_values(small)
    panel.form.settings.device.setCurrentIndex(panel.form.settings.device.findData("cpu"))
    click(qtbot, panel.form.start_button)
    qtbot.waitUntil(lambda: not window.session.training.running, timeout=300_000)
    assert window.session.training.error is None
    assert window.session.training.curves.points("f2")[0] == [6, 12]
    spec = find_model("sections-classifier")
    assert spec.labels == ("chip", "pore")
    assert spec.card["training"]["settings"]["steps"] == 12


def test_the_panel_is_there_without_a_section(qtbot, window):
    assert window.session.section is None
    train = window.docks.dock("train")
    train.toggleViewAction().trigger()
    qtbot.waitUntil(train.isVisible)
    assert window.docks.made("train") is train.widget()
    assert window.docks.train.form.data.text.isVisible()


def test_evaluations_end_with_the_window(qtbot, window, data):
    window.menus.actions["evaluate"].trigger()
    evaluation = window.findChild(EvaluationWindow)
    assert evaluation.isVisible()
    with qtbot.waitSignal(evaluation.finished):
        assert window.close()


def test_titles_of_panels_are_never_cut_short(qtbot, window, tmp_path):
    open_and_wait(qtbot, window, write_image(tmp_path / "s.tif", spotted_image(64, 0)))
    for name in ("places", "rounds", "train"):
        window.docks.bring(name)
    bars = [bar for bar in window.findChildren(QTabBar) if bar.parent() is window and bar.count() > 5]
    assert [bar.elideMode() for bar in bars] == [Qt.TextElideMode.ElideNone]


def test_another_training_begins_with_the_settings_of_the_last(qtbot, window, here, panel):
    choose_toy(panel, steps=7)
    click(qtbot, panel.form.start_button)
    until_over(qtbot, window)
    click(qtbot, panel.run.again_button)
    assert panel.form.settings.values()["steps"] == 7
    assert panel.form.name.text() != "plates classifier"  # that one is taken
