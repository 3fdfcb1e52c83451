"""What went wrong can be found and sent: a file for each start, a dialog for what nobody foresaw, a window that goes on."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QPlainTextEdit, QPushButton

from app.log_file import KEPT_STARTS, LogFile
from tests.window_support import open_window

LOGGER = logging.getLogger("schliff")


def fail(text: str) -> None:
    try:
        raise ZeroDivisionError(text)
    except ZeroDivisionError:
        LOGGER.exception("unforeseen error")


def test_a_start_has_a_file_of_its_own_with_traces(tmp_path: Path):
    log = LogFile(tmp_path / "logs")
    log.install()
    LOGGER.warning("the drive is slow")
    fail("by nothing")
    log.remove()
    LOGGER.warning("said after the end")
    assert log.path is not None
    text = log.path.read_text("utf-8")
    assert "Schliff " in text.splitlines()[0]
    assert "Python " in text.splitlines()[0]
    assert "WARNING  the drive is slow" in text
    assert "raise ZeroDivisionError(text)\nZeroDivisionError: by nothing" in text
    assert "said after the end" not in text


def test_only_the_last_starts_are_kept(tmp_path: Path):
    for number in range(KEPT_STARTS + 5):
        (tmp_path / f"schliff-{number:06d}-20200101-000000-1.log").write_text("old")
        (tmp_path / f"schliff-{number:06d}-20200101-000000-1.log.1").write_text("older")
    (tmp_path / "notes.txt").write_text("somebody's own")
    log = LogFile(tmp_path)
    log.install()
    log.remove()
    assert log.path is not None
    left = sorted(path.name for path in tmp_path.glob("*.log"))
    assert len(left) == KEPT_STARTS
    assert left[-1] == log.path.name
    assert len(list(tmp_path.glob("*.log.1"))) == KEPT_STARTS - 1
    assert (tmp_path / "notes.txt").exists()


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path):
    (tmp_path / "file").write_text("no folder")
    log = LogFile(tmp_path / "file" / "logs")
    log.install()
    LOGGER.warning("goes on")
    log.remove()
    assert log.path is None


def test_a_native_crash_says_where_it_was(tmp_path: Path):
    program = (
        "import ctypes, pathlib, sys; from app.log_file import LogFile;"
        "LogFile(pathlib.Path(sys.argv[1])).install(); ctypes.string_at(0)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, timeout=60)
    assert done.returncode != 0
    assert "ctypes" in (tmp_path / "crashes.txt").read_text("utf-8")


def test_an_unforeseen_error_is_shown_once_with_details_and_the_window_lives_on(qtbot, qapp, tmp_path):
    with open_window(qapp) as window:
        window.session.report(ZeroDivisionError("first"))
        qtbot.waitUntil(lambda: window.surprises.dialog is not None and window.surprises.dialog.isVisible())
        dialog = window.surprises.dialog
        thread = threading.Thread(target=fail, args=("second, elsewhere",))
        thread.start()
        thread.join()
        qtbot.waitUntil(lambda: "second, elsewhere" in dialog.details.toPlainText())
        assert window.surprises.dialog is dialog, "no second one on top"
        assert not dialog.isModal()
        qtbot.mouseClick(dialog.copy, Qt.MouseButton.LeftButton)
        copied = QGuiApplication.clipboard().text()
        assert "ZeroDivisionError: first" in copied
        assert "Schliff " in copied
        dialog.close()
        qtbot.waitUntil(lambda: window.surprises.dialog is None)
        window.session.report(ZeroDivisionError("third"))
        qtbot.waitUntil(lambda: window.surprises.dialog is not None)
        assert "first" not in window.surprises.dialog.details.toPlainText()
        window.surprises.dialog.close()


def test_errors_with_a_remedy_need_no_dialog(qtbot, qapp, tmp_path):
    with open_window(qapp) as window:
        window.session.open_path(tmp_path / "missing.czi")
        qtbot.waitUntil(lambda: window.notifications.level == "error")
        assert window.surprises.dialog is None


def test_the_log_can_be_copied_and_its_files_found(qtbot, qapp, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr("app.log_dialog.QDesktopServices.openUrl", lambda url: opened.append(url.toLocalFile()))
    monkeypatch.setenv("SCHLIFF_HOME", str(tmp_path / "home"))
    with open_window(qapp) as window:
        window.log.begin_file()
        LOGGER.warning("something to tell")
        window.menus.actions["log"].trigger()
        dialog = next(one for one in window.findChildren(QDialog) if one.windowTitle() == "Log")
        assert "something to tell" in dialog.findChild(QPlainTextEdit).toPlainText()
        buttons = {one.text(): one for one in dialog.findChildren(QPushButton)}
        qtbot.mouseClick(buttons["Copy all"], Qt.MouseButton.LeftButton)
        assert "something to tell" in QGuiApplication.clipboard().text()
        qtbot.mouseClick(buttons["Show the files"], Qt.MouseButton.LeftButton)
        assert opened == [str(tmp_path / "home" / "logs")]
        dialog.close()
