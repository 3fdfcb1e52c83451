"""What nobody foresaw, wherever it happens, is shown and logged, and the window lives on; logs are bounded and can be sent."""

from __future__ import annotations

import logging
import sys
import threading
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from PySide6.QtCore import QTimer

from app import log_dialog
from app.log_file import MOST_BYTES, LogFile
from app.start import _report_surprises
from core.worker.messages import error_from_json, error_to_json
from tests.toy import spotted_image, write_image
from tests.window_support import open_and_wait, open_window

LOGGER = logging.getLogger("schliff")


@pytest.fixture
def window(qtbot, qapp, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "__excepthook__", lambda *args: None)  # what it prints is not of interest here
    monkeypatch.setattr(threading, "__excepthook__", lambda args: None)
    with open_window(qapp) as window, monkeypatch.context() as patch:
        patch.setattr(sys, "excepthook", sys.excepthook)
        patch.setattr(threading, "excepthook", threading.excepthook)
        window.log.begin_file()
        _report_surprises(window)
        yield window
        if window.surprises.dialog is not None:
            window.surprises.dialog.close()


def fail(text: str) -> None:
    raise ZeroDivisionError(text)


def test_an_error_in_a_slot_a_thread_or_a_worker_is_shown_and_the_window_lives_on(qtbot, window, tmp_path):
    QTimer.singleShot(0, lambda: fail("in a slot"))
    qtbot.waitUntil(lambda: window.surprises.dialog is not None)
    shown = window.surprises.dialog.details.toPlainText
    assert "ZeroDivisionError: in a slot" in shown()
    thread = threading.Thread(target=fail, args=("in a thread",))
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: "ZeroDivisionError: in a thread" in shown())
    try:
        fail("in a worker")
    except ZeroDivisionError as error:
        told = error_to_json(error)
    window.session.report(error_from_json(told))
    qtbot.waitUntil(lambda: "ZeroDivisionError: in a worker" in shown())
    assert shown().count("in fail") == 3, "each with the place where it was"
    log = window.log.file.path.read_text("utf-8")
    assert all(place in log for place in ("in a slot", "in a thread", "in a worker"))
    open_and_wait(qtbot, window, write_image(tmp_path / "section.png", spotted_image()))
    assert window.session.section is not None


def test_the_log_is_saved_as_one_file(qtbot, window, tmp_path, monkeypatch):
    LOGGER.warning("something to tell")
    folder = window.log.file.folder
    (folder / "crashes.txt").write_text("a native crash", "utf-8")
    (folder / "notes.txt").write_text("somebody's own", "utf-8")
    out = tmp_path / "sent"
    monkeypatch.setattr("app.log_dialog.QFileDialog.getSaveFileName", lambda *args: (str(out), ""))
    window.menus.actions["log"].trigger()
    dialog = window.findChild(log_dialog.LogDialog)
    dialog.save.click()
    assert dialog.said.text() == f"Saved: {out}.zip (2 files)"
    with ZipFile(f"{out}.zip") as packed:
        assert sorted(packed.namelist()) == ["crashes.txt", window.log.file.path.name]
        assert b"something to tell" in packed.read(window.log.file.path.name)
    monkeypatch.setattr(
        "app.log_dialog.QFileDialog.getSaveFileName", lambda *args: (str(tmp_path / "no" / "sent.zip"), "")
    )
    dialog.save.click()
    assert "folder does not exist" in dialog.said.text()
    dialog.close()


def test_a_log_that_grows_is_cut(tmp_path: Path):
    log = LogFile(tmp_path)
    log.install()
    for _ in range(3 * MOST_BYTES // 100_000):
        LOGGER.warning("x" * 100_000)
    log.remove()
    sizes = [one.stat().st_size for one in tmp_path.glob("*.log*")]
    assert len(sizes) == 2
    assert max(sizes) <= MOST_BYTES


def test_nothing_of_an_image_goes_into_the_log(tmp_path: Path):
    """Traces show lines of the program, never what its variables hold."""
    log, pixels = LogFile(tmp_path), np.full((64, 64, 3), 173, np.uint8)
    log.install()
    try:
        _ = pixels[100_000]
    except IndexError:
        LOGGER.exception("unforeseen error")
    log.remove()
    assert log.path is not None
    text = log.path.read_text("utf-8")
    assert "IndexError" in text
    assert "173" not in text.replace(log.path.name, "").partition("unforeseen error")[2]
    assert len(text) < 2000
