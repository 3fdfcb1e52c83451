"""Decides which room menu and tool bar take before anything is in them, so that no section moves when they are filled.

What they hold is for `app.window_menus`, which takes longer to load than a section to be shown.
"""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QMainWindow, QToolBar

ICON_PX = 20
_TOOLS = "tools"


def reserve_room(window: QMainWindow) -> None:
    """Both bars, empty, as high as they will be."""
    window.menuBar().addMenu(" ")
    bar = QToolBar("Tools", window)
    bar.setObjectName(_TOOLS)
    bar.setMovable(False)
    bar.setIconSize(QSize(ICON_PX, ICON_PX))
    blank = QPixmap(ICON_PX, ICON_PX)
    blank.fill("transparent")
    bar.addAction(blank, "").setEnabled(False)
    window.addToolBar(bar)
    bar.show()  # a window that is on the screen already doesn't do it by itself: its arrangement would keep it hidden


def empty_tool_bar(window: QMainWindow) -> QToolBar:
    """The window's tool bar, and the menu bar too, without what kept their room."""
    window.menuBar().clear()
    bar = window.findChild(QToolBar, _TOOLS)
    assert bar is not None
    bar.clear()
    return bar
