"""Memory and disk are set in a dialog, kept for the next start, and overviews can be thrown away."""

from __future__ import annotations

import os
import threading

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialogButtonBox

from app.jobs import Job
from app.session import Session
from app.settings import Settings
from app.settings_dialog import SettingsDialog
from core.overview_cache import OverviewCache


@pytest.fixture
def dialog(qtbot):
    session = Session()
    made = SettingsDialog(Settings(), session)
    qtbot.addWidget(made)
    made.show()
    yield made
    session.close()


def press(qtbot, dialog, button):
    box = dialog.findChild(QDialogButtonBox)
    qtbot.mouseClick(box.button(button), Qt.MouseButton.LeftButton)


def type_into(qtbot, field, text):
    field.selectAll()
    qtbot.keyClicks(field, text)
    qtbot.keyClick(field, Qt.Key.Key_Tab)


def test_what_is_typed_holds_after_ok_and_not_after_cancel(qtbot, dialog):
    type_into(qtbot, dialog.form.field("memory_for_images"), "1500")
    type_into(qtbot, dialog.form.field("disk_for_overviews"), "7")
    press(qtbot, dialog, QDialogButtonBox.StandardButton.Ok)
    assert (Settings().get("memory_budget_mb"), Settings().get("overview_cache_gb")) == (1500, 7)

    again = SettingsDialog(Settings(), dialog._session)
    qtbot.addWidget(again)
    again.show()
    assert again.form.values()["memory_for_images"] == 1500
    assert again.form.values()["disk_for_overviews"] == 7
    type_into(qtbot, again.form.field("disk_for_overviews"), "9")
    press(qtbot, again, QDialogButtonBox.StandardButton.Cancel)
    assert Settings().get("overview_cache_gb") == 7


def test_the_overview_cache_is_measured_and_emptied(qtbot, dialog):
    folder = OverviewCache().folder / "old-c0z0t0.v0.zarr"
    folder.mkdir(parents=True)
    (folder / "chunk").write_bytes(bytes(1 << 28))
    os.utime(folder, (0, 0))  # one that was made just now might be in use
    dialog._measure()
    qtbot.waitUntil(lambda: "0.2 GB" in dialog.in_use.text())
    qtbot.mouseClick(dialog.empty, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "0.0 GB" in dialog.in_use.text())
    assert not folder.exists()


def test_a_dialog_that_was_closed_is_gone_and_told_nothing_more(qtbot, qapp):
    from tests.window_support import open_window

    told = []
    with open_window(qapp) as window:
        window.session.message.connect(lambda level, text: told.append((level, text)))
        held = threading.Event()
        window.session.run_io(Job(lambda progress, cancel: held.wait(20)))
        window.menus.actions["settings"].trigger()
        window.findChild(SettingsDialog).reject()
        qtbot.waitUntil(lambda: window.findChild(SettingsDialog) is None)
        held.set()
        qtbot.waitUntil(lambda: not window.session.lanes.io.busy)
    assert told == []
