"""The queue of scans in the window: its panel by mouse and keys, several scans at once, closing, and the next start."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QApplication, QMessageBox, QSystemTrayIcon

from app.scan_queue.for_window import WindowScans
from app.scan_queue.keeper import QueueKeeper
from app.scan_queue.several_dialog import SeveralDialog
from core.errors import InputError
from core.project import Project
from tests.scan_support import FakeWorker, entry_of, scan_here
from tests.toy import ToyModel, spotted_image, toy_spec, write_image
from tests.window_support import open_and_wait, open_window

NAMES = "abcd"
ALT = Qt.KeyboardModifier.AltModifier


@pytest.fixture
def worker(monkeypatch):
    return FakeWorker(monkeypatch)


@pytest.fixture
def answers(monkeypatch):
    """What is asked when the window is closed, and the button that is pressed then."""
    asked = {"press": "keep"}

    def ask(box):
        asked["text"] = f"{box.text()}\n{box.informativeText()}"
        asked["buttons"] = [button.text() for button in box.buttons()]
        return next(button for button in box.buttons() if asked["press"] in button.text())

    monkeypatch.setattr(WindowScans, "ask", staticmethod(ask))
    return asked


@pytest.fixture
def window(qtbot, qapp, answers, worker):
    with open_window(qapp) as window:
        yield window
        worker.blocked.clear()


@pytest.fixture
def panel(window):
    window.docks.bring("scans")
    return window.docks.scans


@pytest.fixture
def entries(tmp_path):
    return [entry_of(write_image(tmp_path / f"{name}.tif", spotted_image(64, 0)), id=name) for name in NAMES]


@pytest.fixture
def queued(qtbot, window, worker, entries, panel):
    """Four scans of which the first stands at its middle."""
    worker.blocked.add("a.tif")
    window.session.queue.add(entries)
    until_half(qtbot, window)
    return window.session.queue


def until_half(qtbot, window):
    queue = window.session.queue
    qtbot.waitUntil(lambda: queue.running is not None and queue.step.done == 5, timeout=10_000)


def order(queue):
    return "".join(entry.id for entry in queue.queue.entries)


def states(queue):
    return {entry.id: entry.state for entry in queue.queue.entries}


def cells(panel):
    model = panel.model
    return [[model.index(row, column).data() for column in range(5)] for row in range(model.rowCount())]


def click(qtbot, panel, row, modifier=Qt.KeyboardModifier.NoModifier):
    at = panel.table.visualRect(panel.model.index(row, 0)).center()
    qtbot.mouseClick(panel.table.viewport(), Qt.MouseButton.LeftButton, modifier, at)


def press(qtbot, panel, name):
    qtbot.mouseClick(panel.buttons[name], Qt.MouseButton.LeftButton)


def test_an_empty_queue_says_what_to_do(panel):
    assert panel.hint.isVisible()
    assert "Scan panel" in panel.hint.text()
    assert not panel.table.isVisible()


def test_the_running_scan_is_in_sight_however_many_are_over(qtbot, window, panel, worker, tmp_path):
    worker.blocked.add("last.tif")
    names = [*(f"over{number}" for number in range(30)), "last"]
    first, *rest = (entry_of(write_image(tmp_path / f"{name}.tif", spotted_image(64, 0)), id=name) for name in names)
    over = [replace(entry, state="done") for entry in (first, *rest[:-1])]
    window.session.queue.add([*over, rest[-1]])
    until_half(qtbot, window)
    assert panel.table.viewport().rect().intersects(panel.table.visualRect(panel.model.index(30, 0)))


def test_each_scan_says_how_it_stands(qtbot, queued, panel, worker):
    worker.fails["b.tif"] = InputError("it is cut off", remedy="Copy it again.")
    assert cells(panel)[0][:3] == ["a.tif", "Toy", "50 %"]
    assert cells(panel)[0][4] == "5"  # found so far
    assert [row[2] for row in cells(panel)[1:]] == ["Waiting"] * 3
    assert panel.status.toolTip().endswith(
        "5 of 10 tiles · 50 % · 2.50 mm² · 2.0 MP/s · processor busy 90\N{NO-BREAK SPACE}%"
    )
    worker.blocked.clear()
    qtbot.waitUntil(lambda: queued.running is None and not queued.queue.unfinished, timeout=10_000)
    assert [row[2] for row in cells(panel)] == ["Done", "Failed", "Done", "Done"]
    assert [row[4] for row in cells(panel)] == ["7", "", "7", "7"]
    tip = panel.model.index(0, 2).data(Qt.ItemDataRole.ToolTipRole)
    assert tip.endswith("40 s on the processor · 80 MP · 2.0 MP/s · 3.21 mm² (20 %) skipped, no specimen there")
    assert "cut off" in panel.model.index(1, 2).data(Qt.ItemDataRole.ToolTipRole)


def test_the_model_keeps_what_qt_expects_of_it(qtmodeltester, queued, panel):
    qtmodeltester.check(panel.model)


def test_keys_move_scans_and_what_was_selected_stays_so(qtbot, queued, panel):
    click(qtbot, panel, 2)
    qtbot.keyClick(panel.table, Qt.Key.Key_Up, ALT)
    assert order(queued) == "acbd"
    assert [entry.id for entry in panel.selected()] == ["c"]
    qtbot.keyClick(panel.table, Qt.Key.Key_Down, ALT)
    qtbot.keyClick(panel.table, Qt.Key.Key_Down, ALT)
    assert order(queued) == "abdc"
    qtbot.keyClick(panel.table, Qt.Key.Key_Up, Qt.KeyboardModifier.NoModifier)
    assert [entry.id for entry in panel.selected()] == ["d"]


def test_buttons_move_several_together(qtbot, queued, panel):
    click(qtbot, panel, 2)
    click(qtbot, panel, 3, Qt.KeyboardModifier.ControlModifier)
    press(qtbot, panel, "up")
    assert order(queued) == "acdb"
    press(qtbot, panel, "down")
    assert order(queued) == "abcd"


@pytest.mark.parametrize(("onto", "low", "expected"), [(1, False, "adbc"), (1, True, "abdc"), (0, False, "dabc")])
def test_a_row_is_dragged_to_another_place(qtbot, queued, panel, onto, low, expected):
    click(qtbot, panel, 3)
    data = panel.model.mimeData(panel.table.selectionModel().selectedIndexes())
    box = panel.table.visualRect(panel.model.index(onto, 0))
    at = QPointF(box.center().x(), box.bottom() - 1 if low else box.top() + 1)
    drop = QDropEvent(at, Qt.DropAction.MoveAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    panel.table.dropEvent(drop)
    assert order(queued) == expected
    assert [entry.id for entry in panel.selected()] == ["d"]


def test_delete_takes_a_scan_off_the_list(qtbot, queued, panel):
    click(qtbot, panel, 1)
    qtbot.keyClick(panel.table, Qt.Key.Key_Delete)
    assert order(queued) == "acd"


def test_pause_and_go_on(qtbot, queued, panel, window, worker):
    press(qtbot, panel, "pause")
    assert cells(panel)[0][2] == "Paused 50 %"
    assert window.status.work.text() == "Scanning paused  5 / 10"
    window.menus.refresh()
    assert window.menus.actions["pause_scans"].isChecked()
    worker.blocked.clear()
    qtbot.wait(50)
    assert queued.step.done == 5
    press(qtbot, panel, "play")
    qtbot.waitUntil(lambda: not queued.queue.unfinished, timeout=10_000)
    assert set(states(queued).values()) == {"done"}


def test_the_bottom_line_says_what_is_being_opened_while_a_scan_runs(window, queued):
    session, status = window.session, window.status
    scanning = status.work.text()
    session.activity_changed.emit("Opening big.czi…", 0, 0)
    session.scan_progress.emit(queued.step)
    assert status.work.text() == "Opening big.czi…"
    assert not status.stop.isVisible()
    session.activity_changed.emit("Building overviews", 1, 2)
    assert status.work.text() == scanning
    assert "Stop the scan" in status.stop.toolTip()


def test_stop_resume_and_clear(qtbot, queued, panel, worker):
    click(qtbot, panel, 0)
    press(qtbot, panel, "stop")
    qtbot.waitUntil(lambda: not queued.queue.unfinished, timeout=10_000)
    assert cells(panel)[0][2] == "Stopped at 50 %"
    worker.blocked.clear()
    click(qtbot, panel, 0)
    resume = next(action for action in panel.menu().actions() if action.text() == "Resume")
    resume.trigger()
    qtbot.waitUntil(lambda: states(queued)["a"] == "done", timeout=10_000)
    press(qtbot, panel, "clear")
    assert order(queued) == ""


def test_on_hold_and_off_again_by_the_menu(qtbot, queued, panel):
    click(qtbot, panel, 1)
    menu = {action.text(): action for action in panel.menu().actions()}
    assert not menu["Take off hold"].isEnabled() if "Take off hold" in menu else True
    menu["Put on hold"].trigger()
    assert cells(panel)[1][2] == "On hold"
    menu = {action.text(): action for action in panel.menu().actions()}
    menu["Take off hold"].trigger()
    assert cells(panel)[1][2] == "Waiting"


# -- several at once -------------------------------------------------------------------------------


@pytest.fixture
def several(qtbot, window, monkeypatch, tmp_path):
    """Real files, a simple model, in this process."""
    specs = [toy_spec(tile_px=256), toy_spec(id="texture-toy", name="Texture", tile_px=256)]
    scan_here(monkeypatch, ToyModel, *specs)
    monkeypatch.setattr("core.models.catalog.list_models", lambda: specs)
    return [write_image(tmp_path / f"{name}.png", spotted_image(seed=seed)) for seed, name in enumerate("xy")]


def ask_for_several(qtbot, window):
    window.menus.actions["scan_several"].trigger()
    dialog = window.findChild(SeveralDialog)
    qtbot.waitUntil(dialog.isVisible)
    return dialog


def drop(dialog, paths):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    event = QDropEvent(
        QPointF(9, 9), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    dialog.dropEvent(event)


def test_sections_times_models_each_into_its_own_project(qtbot, window, several):
    open_and_wait(qtbot, window, several[0])
    dialog = ask_for_several(qtbot, window)
    assert dialog.paths() == [several[0]]
    assert [spec.id for spec in dialog.chosen_models()] == ["texture-toy"]
    drop(dialog, [*several, several[1]])
    assert dialog.paths() == several
    dialog.models.item(0).setCheckState(Qt.CheckState.Checked)
    assert "2 sections × 2 models = 4 scans" in dialog.told.text()
    qtbot.mouseClick(dialog.scan_button, Qt.MouseButton.LeftButton)
    queue = window.session.queue
    qtbot.waitUntil(lambda: len(queue.queue.entries) == 4 and not queue.queue.unfinished, timeout=30_000)
    assert {entry.state for entry in queue.queue.entries} == {"done"}
    assert window.docks.dock("scans").isVisible()
    for path in several:
        with Project.open(path.with_suffix(".schliff")) as project:
            assert sorted(scan.model_id for scan in project.scans()) == ["texture-toy", "toy"]
            assert project.detections()
    qtbot.waitUntil(lambda: len(window.session.scans) == 2, timeout=10_000)  # the open one showed its own as they came
    assert window.session.detections


def shown(window):
    session = window.session
    if session.section is None or session.scan is None:
        return None
    return session.section.info.path, session.scan.id


def test_a_double_click_opens_the_section_and_shows_that_scan(qtbot, window, several):
    dialog = ask_for_several(qtbot, window)
    dialog.add(several)
    dialog.models.item(0).setCheckState(Qt.CheckState.Checked)
    dialog.accept()
    queue, panel = window.session.queue, window.docks.scans
    qtbot.waitUntil(lambda: len(queue.queue.entries) == 4 and not queue.queue.unfinished, timeout=30_000)
    for row in (2, 0, 1):
        entry = panel.model.entry(row)
        at = panel.table.visualRect(panel.model.index(row, 0)).center()
        qtbot.mouseClick(panel.table.viewport(), Qt.MouseButton.LeftButton, pos=at)
        qtbot.mouseDClick(panel.table.viewport(), Qt.MouseButton.LeftButton, pos=at)
        qtbot.waitUntil(lambda entry=entry: shown(window) == (entry.section, entry.summary.scan_id), timeout=20_000)
        assert window.docks.dock("scans").isVisible()


def test_without_sections_or_models_nothing_can_be_scanned(qtbot, window, several):
    dialog = ask_for_several(qtbot, window)
    assert not dialog.scan_button.isEnabled()
    dialog.add(several)
    assert dialog.scan_button.isEnabled()
    dialog.models.item(1).setCheckState(Qt.CheckState.Unchecked)
    assert "at least one model" in dialog.told.text()
    assert not dialog.scan_button.isEnabled()
    dialog.activateWindow()
    dialog.sections.setFocus()
    qtbot.waitUntil(dialog.sections.hasFocus)
    dialog.sections.selectAll()
    qtbot.keyClick(dialog.sections, Qt.Key.Key_Delete)
    assert dialog.paths() == []
    dialog.reject()


# -- the end of the program, and the next start ----------------------------------------------------


def test_closing_with_scans_that_are_not_over_asks_and_can_be_called_off(qtbot, window, queued, answers, worker):
    answers["press"] = "Don't close"
    window.close()
    assert window.isVisible()
    assert queued.running.id == "a"
    assert "4 scans are not finished" in answers["text"]
    assert "a.tif with Toy" in answers["text"]
    answers["press"] = "keep"


@pytest.mark.parametrize(("answer", "left"), [("keep", 4), ("stop", 0)])
def test_what_is_kept_is_offered_at_the_next_start(qtbot, qapp, answers, worker, entries, answer, left):
    answers["press"] = answer
    worker.blocked.add("a.tif")
    with open_window(qapp) as window:
        window.session.queue.add(entries)
        until_half(qtbot, window)
    worker.blocked.clear()
    with open_window(qapp) as window:
        window.scans.ask_at_start()
        assert len(window.session.queue.queue.waiting) == left
        boxes = [box for box in window.findChildren(QMessageBox) if box.isVisible()]
        assert len(boxes) == (1 if left else 0)
        if left:
            assert "4 scans from last time are not finished" in boxes[0].text()
            go_on = next(button for button in boxes[0].buttons() if button.text() == "Go on")
            qtbot.mouseClick(go_on, Qt.MouseButton.LeftButton)
            qtbot.waitUntil(lambda: not window.session.queue.queue.unfinished, timeout=10_000)
            assert set(states(window.session.queue).values()) == {"done"}


def test_not_now_leaves_them_waiting_and_closing_asks_nothing(qtbot, qapp, answers, worker, entries):
    worker.blocked.add("a.tif")
    with open_window(qapp) as window:
        window.session.queue.add(entries)
        until_half(qtbot, window)
    answers.pop("text")
    with open_window(qapp) as window:
        window.scans.ask_at_start()
        (box,) = [box for box in window.findChildren(QMessageBox) if box.isVisible()]
        qtbot.keyClick(box, Qt.Key.Key_Escape)
        assert window.session.queue.queue.held
    assert "text" not in answers
    assert len(worker.began) == 1


def test_beside_another_schliff_nothing_is_promised_that_isnt_kept(qtbot, qapp, answers, worker, entries):
    other = QueueKeeper()
    assert other.owns
    worker.blocked.add("a.tif")
    with open_window(qapp) as window:
        window.session.queue.add(entries)
        until_half(qtbot, window)
        answers["press"] = "Don't close"
        window.close()
        assert window.isVisible()
        assert "The list is not kept: another Schliff" in answers["text"]
        assert not [name for name in answers["buttons"] if "keep" in name]
        answers["press"] = "stop"
    other.close(None)


def test_scans_on_hold_ask_nothing_at_the_end(qtbot, window, worker, entries, answers):
    window.session.queue.add(entries[:1])
    window.session.queue.put_by([entries[0].id])
    assert states(window.session.queue) == {"a": "paused"}
    window.close()
    assert "text" not in answers


# -- being told ------------------------------------------------------------------------------------


@pytest.fixture
def alerts(monkeypatch):
    seen = []
    monkeypatch.setattr(QApplication, "alert", lambda window, msec=0: seen.append(window))
    return seen


@pytest.mark.parametrize(("in_front", "wanted", "told"), [(False, True, 1), (True, True, 0), (False, False, 0)])
def test_who_looks_elsewhere_is_told_when_all_are_over(
    qtbot, window, worker, entries, alerts, monkeypatch, in_front, wanted, told
):
    monkeypatch.setattr(window, "isActiveWindow", lambda: in_front)
    window.settings.set("tell_when_scanned", wanted)
    messages = []
    window.session.message.connect(lambda level, text: messages.append((level, text)))
    worker.fails["b.tif"] = InputError("it is cut off", remedy="Copy it again.")
    window.session.queue.add(entries)
    qtbot.waitUntil(lambda: any("3 scans done" in text for _, text in messages), timeout=10_000)
    assert messages[-1][0] == "warning"
    assert "1 scan failed: b.tif with Toy" in messages[-1][1]
    assert len(alerts) == told


def test_the_desktop_shows_what_came_of_it_and_a_click_brings_the_window(qtbot, window, entries, monkeypatch):
    shown = []
    monkeypatch.setattr(window, "isActiveWindow", lambda: False)
    monkeypatch.setattr(QSystemTrayIcon, "isSystemTrayAvailable", staticmethod(lambda: True))
    monkeypatch.setattr(QSystemTrayIcon, "showMessage", lambda tray, *told: shown.append((tray, told)))
    window.showMinimized()
    window.session.queue.add(entries)
    qtbot.waitUntil(lambda: bool(shown), timeout=10_000)
    tray, (title, text, kind, _) = shown[0]
    assert (title, kind) == ("Scans are done", QSystemTrayIcon.MessageIcon.Information)
    assert text.startswith("4 scans done")
    tray.messageClicked.emit()
    assert not window.isMinimized()


def test_the_setting_stands_in_the_dialog(qtbot, window):
    window.menus.actions["settings"].trigger()
    from app.settings_dialog import SettingsDialog

    dialog = window.findChild(SettingsDialog)
    field = dialog.form.field("tell_when_scans_are_over")
    assert field.isChecked()
    qtbot.mouseClick(field, Qt.MouseButton.LeftButton, pos=QPoint(6, field.height() // 2))
    dialog.accept()
    assert window.settings.get("tell_when_scanned") is False
