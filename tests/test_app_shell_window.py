"""The whole window: opening by menu, drop and recent files, keys, panels, themes, notices, and how it is left."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QColor, QDragEnterEvent, QDropEvent, QIcon, QPalette
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QDialogButtonBox, QFileDialog, QLabel, QLineEdit, QTabBar

import app.sample as sample
from app.combo import ComboBox
from app.commands.table import MENUS
from app.export_dialog import ExportDialog
from app.icons import icon
from app.jobs import Job
from app.settings import Settings
from app.start import save_screenshot
from app.theme import DARK, LIGHT, Theme
from core.errors import InputError, ResourceError
from core.scan.options import ScanOptions
from tests.reading_threads import reading_threads_left
from tests.scan_support import scan_here
from tests.toy import spotted_image, toy_spec, write_image
from tests.window_support import shown_window

SPOTS = 12


@pytest.fixture
def window(qtbot, qapp, windows, monkeypatch):
    scan_here(monkeypatch)
    return windows()


@pytest.fixture
def windows(qapp):
    """Makes windows that are left at the end, whatever happens."""
    qapp.setProperty("still", True)
    made = []
    yield lambda how=shown_window: made.append(how(qapp)) or made[-1]
    for window in made:
        window.close()
        window.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    qapp.setProperty("still", False)
    assert not [w for w in qapp.topLevelWidgets() if w.isVisible()]
    assert not reading_threads_left()


@pytest.fixture
def image(tmp_path):
    return write_image(tmp_path / "spots.png", spotted_image(spots=SPOTS))


def open_and_wait(qtbot, window, path):
    with qtbot.waitSignal(window.session.path_opened, timeout=20_000):
        window.commands.file.open_path(path)
    qtbot.waitUntil(lambda: window.is_settled, timeout=20_000)


def scan(qtbot, window):
    with qtbot.waitSignal(window.session.scan_finished, timeout=30_000):
        window.session.start_scan(toy_spec(), ScanOptions())
    qtbot.waitUntil(lambda: window.is_settled and bool(window.session.detections), timeout=20_000)


def press(qtbot, window, key, modifier=Qt.KeyboardModifier.NoModifier):
    """A key in the canvas, after what the last one started has been dealt with."""
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    QApplication.processEvents()
    qtbot.keyClick(window.viewer.canvas, key, modifier)


def test_every_action_has_its_icon_and_a_key_of_its_own(qapp):
    specs = [spec for menu in MENUS.values() for spec in menu]
    keys = [keys for spec in specs for keys in spec.shortcuts]
    assert len(keys) == len(set(keys))
    for spec in specs:
        if spec.icon:
            assert isinstance(icon(spec.icon), QIcon)


def test_the_empty_window_offers_what_to_do(qtbot, window):
    assert window.stack.currentWidget() is window.start_page
    assert window.start_page.area.open_button.isVisible()
    assert not any(dock.isVisible() for dock in window.docks.all)
    actions = window.menus.actions
    assert actions["open"].isEnabled()
    assert not actions["scan"].isEnabled()
    assert not actions["defect"].isEnabled()
    assert [a.text().replace("&", "") for a in window.menuBar().actions()] == list(MENUS)


def test_opening_by_menu_fills_the_window_and_the_recent_files(qtbot, window, image, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(image), ""))
    with qtbot.waitSignal(window.session.path_opened, timeout=20_000):
        window.menus.actions["open"].trigger()
    assert window.stack.currentWidget() is window.viewer
    assert window.windowTitle() == "spots.png — Schliff"
    assert all(dock.isVisible() or dock in window.docks.all[1:] for dock in window.docks.all)
    assert window.settings.recent == [image]
    qtbot.waitUntil(window.menus.actions["close"].isEnabled)
    window.menus.actions["close"].trigger()
    assert window.stack.currentWidget() is window.start_page
    with qtbot.waitSignal(window.session.path_opened, timeout=20_000):
        window.start_page.recent_requested.emit(str(image))
    recent = window.menus.submenus["Recent"]
    recent.aboutToShow.emit()
    assert recent.actions()[0].text() == str(image)


def test_a_file_can_be_dropped_on_the_window(qtbot, window, image):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(image))])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(100, 100), Qt.DropAction.CopyAction, data, buttons, keys)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    assert window.start_page.area.highlighted
    with qtbot.waitSignal(window.session.path_opened, timeout=20_000):
        QApplication.sendEvent(window, QDropEvent(QPointF(100, 100), Qt.DropAction.CopyAction, data, buttons, keys))
    text = QMimeData()
    text.setText("not a file")
    enter = QDragEnterEvent(QPoint(100, 100), Qt.DropAction.CopyAction, text, buttons, keys)
    QApplication.sendEvent(window, enter)
    assert not enter.isAccepted()


def test_an_error_is_a_notice_that_stays_until_it_is_closed(qtbot, window, tmp_path):
    with qtbot.waitSignal(window.session.failed_to_open):
        window.commands.file.open_path(tmp_path / "missing.czi")
    bar = window.notifications
    assert bar.isVisible()
    assert "missing.czi: there is no such file." in bar.text.text()
    window.session.message.emit("info", "something else")
    assert "missing.czi" in bar.text.text()
    assert any("missing.czi" in line for line in window.log.lines)
    bar.findChild(type(window.status.stop)).click()
    assert not bar.isVisible()


def test_scan_judge_by_key_undo_and_find_again(qtbot, window, image):
    open_and_wait(qtbot, window, image)
    scan(qtbot, window)
    session = window.session
    order = [d.id for d in session.visible_detections()]
    assert len(order) == SPOTS
    press(qtbot, window, Qt.Key.Key_N)
    assert session.selected_id == order[0]
    press(qtbot, window, Qt.Key.Key_A)
    assert session.detection(order[0]).status == "defect"
    assert session.selected_id == order[1]  # the gallery goes on
    press(qtbot, window, Qt.Key.Key_R)
    press(qtbot, window, Qt.Key.Key_T)
    assert [session.detection(i).status for i in order[:4]] == ["defect", "false_alarm", "artefact", "unreviewed"]
    press(qtbot, window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert session.detection(order[2]).status == "unreviewed"
    box = session.selected.box
    press(qtbot, window, Qt.Key.Key_G)
    assert window.viewer.canvas.visible_box().contains(*box.center)


def test_keys_move_the_view_but_letters_in_a_field_are_typed(qtbot, window, image):
    open_and_wait(qtbot, window, image)
    canvas = window.viewer.canvas
    press(qtbot, window, Qt.Key.Key_1)
    assert canvas.camera.zoom == 1
    press(qtbot, window, Qt.Key.Key_Plus)
    assert canvas.camera.zoom == pytest.approx(2**0.5)
    press(qtbot, window, Qt.Key.Key_F)
    assert canvas.camera == canvas.limits.fit()
    field = window.docks.gallery.findChild(QLineEdit)
    field.setFocus()
    qtbot.keyClicks(field, "far1")
    assert field.text() == "far1"
    assert canvas.camera == canvas.limits.fit()


def test_layers_are_switched_by_key_and_button(qtbot, window, image):
    open_and_wait(qtbot, window, image)
    scan(qtbot, window)
    press(qtbot, window, Qt.Key.Key_H)
    assert not window.session.layers.layer("heat").visible
    press(qtbot, window, Qt.Key.Key_B)
    assert not window.session.layers.layer("detections").visible
    qtbot.waitUntil(lambda: not window.menus.actions["boxes"].isChecked())
    window.menus.actions["boxes"].trigger()
    assert window.session.layers.layer("detections").visible


def test_exporting_writes_what_is_above_the_threshold_on_the_screen(qtbot, window, image, monkeypatch):
    open_and_wait(qtbot, window, image)
    scan(qtbot, window)
    scores = sorted(d.score for d in window.session.detections)
    window.session.set_threshold(scores[-4])
    out = image.with_name("list.csv")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(out), ""))
    menu = window.menus.submenus["Export"]
    menu.aboutToShow.emit()
    next(a for a in menu.actions() if a.text() == "CSV list…").trigger()
    dialog = window.findChild(ExportDialog)
    qtbot.waitUntil(dialog.isVisible)
    with qtbot.waitSignal(window.session.message, timeout=10_000) as told:
        qtbot.mouseClick(dialog.buttons.button(QDialogButtonBox.StandardButton.Ok), Qt.MouseButton.LeftButton)
    assert told.args == ["info", f"4 detections written to {out}"]
    assert len(out.read_text(encoding="utf-8").splitlines()) == 5


def test_a_picture_of_the_view_can_be_saved(qtbot, window, image, monkeypatch):
    open_and_wait(qtbot, window, image)
    out = image.with_name("view.png")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(out.with_suffix("")), ""))
    window.menus.actions["screenshot"].trigger()
    qtbot.waitUntil(lambda: "Picture saved" in window.notifications.text.text())
    assert out.stat().st_size > 1000
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: ("/nowhere/at/all.png", ""))
    window.menus.actions["screenshot"].trigger()
    qtbot.waitUntil(lambda: window.notifications.level == "error")
    assert "/nowhere/at/all.png" in window.notifications.text.text()


def test_the_theme_can_be_chosen_and_icons_follow(qtbot, window, qapp):
    def ink() -> QColor:
        image = window.menus.actions["open"].icon().pixmap(24, 24).toImage()
        return max((image.pixelColor(x, y) for x in range(24) for y in range(24)), key=QColor.alpha)

    window.commands.view.set_theme("dark")
    assert qapp.palette().color(QPalette.ColorRole.Window) == QColor(DARK.window)
    assert ink().lightness() > 150
    assert window.viewer.canvas.backgroundBrush().color() == QColor(DARK.canvas)
    window.commands.view.set_theme("light")
    assert qapp.palette().color(QPalette.ColorRole.Window) == QColor(LIGHT.window)
    assert ink().lightness() < 100
    assert window.settings.get("theme") == "light"


def test_links_have_the_colour_of_the_theme(qtbot, qapp):
    theme = Theme(qapp, "light")
    label = QLabel('<a href="x">MMMM</a>')
    qtbot.addWidget(label)
    label.show()
    for mode, tokens in (("light", LIGHT), ("dark", DARK), ("light", LIGHT)):
        theme.set_mode(mode)
        image = label.grab().toImage()
        colours = {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}
        assert QColor(tokens.accent).name() in colours
    theme.deleteLater()


def test_the_theme_follows_the_system_while_it_runs(qapp):
    now = Qt.ColorScheme.Light
    theme = Theme(qapp, "system", lambda: now)
    for now, expected in ((Qt.ColorScheme.Dark, DARK), (Qt.ColorScheme.Light, LIGHT), (Qt.ColorScheme.Unknown, LIGHT)):
        qapp.styleHints().colorSchemeChanged.emit(now)
        assert qapp.palette().color(QPalette.ColorRole.Window) == QColor(expected.window)
    theme.deleteLater()


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_chosen_row_of_a_list_of_choices_can_be_read(qtbot, qapp, mode):
    theme = Theme(qapp, mode)
    combo = ComboBox()
    qtbot.addWidget(combo)
    combo.addItems(["pore", "a class with quite a long name"])
    combo.resize(60, 28)
    combo.show()
    combo.setCurrentIndex(1)
    combo.showPopup()
    view = combo.view()
    row = view.visualRect(combo.model().index(1, 0))
    assert row.width() >= view.sizeHintForColumn(0)
    picture = view.viewport().grab().toImage()
    tones = [picture.pixelColor(x, y).lightness() for x in range(row.width()) for y in range(row.top(), row.bottom())]
    assert max(tones) - min(tones) > 100
    combo.hidePopup()
    theme.deleteLater()


def test_help_tells_keys_and_log(qtbot, window):
    for action, text in (("shortcuts", "Ctrl+O"), ("log", "Nothing has happened yet"), ("about", "Schliff")):
        window.menus.actions[action].trigger()
        dialog = next(d for d in window.findChildren(QDialog) if d.isVisible())
        shown = " ".join(
            str(child.property("text") or child.property("plainText")) for child in dialog.findChildren(object)
        )
        assert text in shown
        dialog.close()
        QApplication.processEvents()


def test_panels_size_and_gallery_come_back(qtbot, windows, image):
    first = windows()
    open_and_wait(qtbot, first, image)
    first.resize(800, 640)
    first.docks.dock("gallery").hide()
    first.docks.gallery.foot.side.setValue(160)
    first.close()
    second = windows()
    open_and_wait(qtbot, second, image)
    assert (second.width(), second.height()) == (800, 640)
    assert not second.docks.dock("gallery").isVisible()
    assert second.docks.gallery.foot.side.value() == 160


@pytest.mark.parametrize(
    "content", ["", "{", "[1, 2]", '{"version": 99}', '{"version": 1, "recent": 5, "docks": "%%%"}', "[" * 5000]
)
def test_broken_settings_never_keep_the_window_closed(qtbot, windows, image, content):
    path = Settings().path
    path.parent.mkdir(parents=True)
    path.write_text(content, encoding="utf-8")
    window = windows()
    assert window.settings.recent == []
    open_and_wait(qtbot, window, image)
    assert window.docks.dock("gallery").isVisible()


def test_settings_are_sparse_versioned_and_survive_a_full_disk(tmp_path):
    path = tmp_path / "deep" / "settings.json"
    settings = Settings(path)
    settings.set("theme", "system")
    assert not path.exists()
    settings.set("theme", "dark")
    assert json.loads(path.read_text()) == {"version": 1, "theme": "dark"}
    for index in range(15):
        settings.add_recent(tmp_path / f"{index}.czi")
    settings.add_recent(tmp_path / "9.czi")
    assert [p.name for p in Settings(path).recent[:3]] == ["9.czi", "14.czi", "13.czi"]
    assert len(Settings(path).recent) == 10
    with pytest.raises(KeyError):
        settings.set("no such setting", 1)
    blocked = tmp_path / "file"
    blocked.write_text("")
    Settings(blocked / "settings.json").set("theme", "dark")  # can't be written: no error


def test_recent_files_are_whole_paths_and_stand_there_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = Settings(tmp_path / "settings.json")
    settings.set("recent", ["a.schliff", str(tmp_path / "a.schliff")])
    settings.add_recent(Path("a.schliff"))
    settings.add_recent(Path("folder/../b.czi"))
    assert settings.recent == [tmp_path / "b.czi", tmp_path / "a.schliff"]


def test_a_screenshot_waits_for_everything(qtbot, qapp, image, tmp_path):
    save_screenshot(image, tmp_path / "shot.png", "dark", (1000, 700))
    from PySide6.QtGui import QImage

    shot = QImage(str(tmp_path / "shot.png"))
    assert (shot.width(), shot.height()) == (1000, 700)
    assert shot.pixelColor(500, 400) != QColor(DARK.canvas)
    with pytest.raises(InputError):
        save_screenshot(tmp_path / "missing.czi", tmp_path / "shot.png")
    with pytest.raises(ResourceError):
        save_screenshot(image, tmp_path / "no" / "shot.png")
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    qapp.setProperty("still", False)


def test_the_window_comes_up_without_torch():
    script = (
        "import sys; from app.start import make_application, make_window; app = make_application();"
        "window = make_window(app); window.show(); window.close();"
        "print([m for m in ('torch', 'torchvision', 'scipy', 'zarr', 'tifffile') if m in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).parents[1],
        check=True,
    )
    assert answer.stdout.strip() == "[]"


def test_a_window_that_is_on_the_screen_before_it_is_furnished_gets_its_panels(qtbot, qapp, windows, image):
    from app.start import launch

    window = windows(lambda app: launch(app, image))
    qtbot.waitUntil(lambda: window.session.section is not None and window.is_settled, timeout=20_000)
    assert window.docks.dock("gallery").isVisible()
    assert window.docks.dock("layers").isVisible()
    assert window.docks.gallery.isVisible()


def test_the_tool_bar_stays_when_a_window_that_began_empty_gets_a_section(qtbot, qapp, windows, image):
    from app.start import launch

    window = windows(launch)
    with qtbot.waitSignal(window.session.path_opened, timeout=20_000):
        window.commands.file.open_path(image)
    assert window.menus.tool_bar.isVisible()


def test_a_model_is_chosen_before_the_first_scan_begins(qtbot, window, image):
    open_and_wait(qtbot, window, image)
    window.activateWindow()
    qtbot.waitUntil(window.docks.gallery.empty.button.isVisible)
    QTest.mouseClick(window.docks.gallery.empty.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(window.docks.scan.model.choice.hasFocus)
    assert not window.session.scanning


def test_panels_at_the_bottom_share_tabs_and_keep_their_width(qtbot, window, image):
    open_and_wait(qtbot, window, image)
    window.resize(1280, 800)
    for dock_id in ("scans", "threshold", "registration"):
        window.docks.bring(dock_id)
        panel = window.docks.panel(dock_id)
        qtbot.waitUntil(lambda panel=panel: not panel.visibleRegion().isEmpty() and panel.width() == window.width())


def test_panels_that_are_not_shown_leave_no_tabs_behind(qapp, tmp_path):
    out = tmp_path / "window.png"
    left: list[str] = []

    def look(window, path):
        bars = [one for one in window.findChildren(QTabBar) if one.parent() is window and one.isVisible()]
        left.extend(bar.tabText(at) for bar in bars for at in range(bar.count()))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.start._save", look)
        save_screenshot(write_image(tmp_path / "s.png", spotted_image(64, 0)), out)
    assert left == ["Layers", "Display", "Drawings", "Scan", "Why"]


def test_no_panel_is_made_when_the_window_is_gone(qtbot, window, image):
    with qtbot.waitSignal(window.session.path_opened, timeout=20_000):
        window.session.open_path(image)
    made = len(window.docks._panels)
    window.close()
    window.docks.fill()
    QApplication.processEvents()
    assert len(window.docks._panels) == made


def test_the_sample_does_not_wait_for_the_overviews_of_another_section(qtbot, window, image, monkeypatch):
    monkeypatch.setattr(sample, "sample_section", lambda progress, cancel: image)
    held = threading.Event()
    window.session.lanes.build.submit(Job(lambda progress, cancel: held.wait(20)))
    with qtbot.waitSignal(window.session.path_opened, timeout=20_000):
        window.menus.actions["sample"].trigger()
    assert window.session.lanes.build.busy
    held.set()
