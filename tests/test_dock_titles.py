"""Docks are called by their tab or by their title bar, never by both; and a low screen has room for all of them."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtWidgets import QTabBar

from app.main_window import FIRST_SIZE, TITLE_BAR_HEIGHT
from tests.gallery_support import fill, some_detections
from tests.window_support import open_window

LOWEST_SCREEN = QSize(1280, 720)


@pytest.fixture
def window(qapp):
    with open_window(qapp) as window:
        fill(window.session, some_detections())
        window.docks.fill()
        yield window


def has_title_bar(dock):
    return dock.titleBarWidget() is None


def tabs_of(window, title):
    bars = window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly)
    return next((bar for bar in bars if title in [bar.tabText(at) for at in range(bar.count())]), None)


def test_what_shares_its_place_is_called_by_its_tab(qtbot, window):
    docks = window.docks
    scans, threshold = docks.dock("scans"), docks.dock("threshold")
    docks.bring("scans")
    qtbot.waitUntil(lambda: has_title_bar(scans))
    assert has_title_bar(docks.dock("gallery"))
    assert not has_title_bar(docks.dock("layers"))
    docks.bring("threshold")
    qtbot.waitUntil(lambda: not has_title_bar(scans) and not has_title_bar(threshold))
    bar = tabs_of(window, "Scans")
    assert bar.tabsClosable()
    assert not tabs_of(window, "Layers").tabsClosable()
    bar.tabCloseRequested.emit([bar.tabText(at) for at in range(bar.count())].index("Scans"))
    assert scans.isHidden()
    qtbot.waitUntil(lambda: has_title_bar(threshold))


def test_a_panel_that_is_taken_out_of_its_row_gets_a_title_bar(qtbot, window):
    why = window.docks.dock("why")
    window.docks.bring("why")
    assert not has_title_bar(why)
    why.setFloating(True)
    qtbot.waitUntil(lambda: has_title_bar(why))
    why.setFloating(False)
    qtbot.waitUntil(lambda: not has_title_bar(why))


def test_a_low_screen_has_room_for_every_panel(qtbot, window):
    for spec in window.docks._specs:
        window.docks.bring(spec)
    window.notifications.tell("error", "The disk of this project is full. " * 6)
    least = window.minimumSizeHint()
    assert least.width() <= LOWEST_SCREEN.width()
    assert least.height() <= LOWEST_SCREEN.height() - TITLE_BAR_HEIGHT


def test_at_its_first_start_the_window_fits_its_screen(monkeypatch, window):
    class Screen:
        def availableSize(self):
            return LOWEST_SCREEN

    monkeypatch.setattr(window, "screen", Screen)
    assert window._first_size() == LOWEST_SCREEN - QSize(0, TITLE_BAR_HEIGHT)
    monkeypatch.setattr(Screen, "availableSize", lambda self: QRect(0, 0, 2560, 1400).size())
    assert window._first_size() == QSize(*FIRST_SIZE)
