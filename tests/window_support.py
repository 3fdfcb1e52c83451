"""A whole window for tests, with a section in it and real keys."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication


@contextmanager
def open_window(qapp: Any, mode: Any = "light") -> Iterator[Any]:
    """A window that leaves nothing behind; nothing moves by itself meanwhile."""
    from app.main_window import MainWindow
    from app.session import Session
    from app.settings import Settings
    from app.theme import Theme

    qapp.setProperty("still", True)
    settings = Settings()
    window = MainWindow(Session(), settings, Theme(qapp, mode))
    window.show()
    try:
        yield window
    finally:
        window.close()
        window.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        qapp.setProperty("still", False)
    assert not [w for w in qapp.topLevelWidgets() if w.isVisible()]
    assert not [t.name for t in threading.enumerate() if t.name.startswith("tile-reader")]


def open_and_wait(qtbot: Any, window: Any, path: Any) -> None:
    with qtbot.waitSignal(window.session.path_opened, timeout=20_000):
        window.commands.file.open_path(path)
    qtbot.waitUntil(lambda: window.is_settled, timeout=20_000)


def press(qtbot: Any, window: Any, key: Any, modifier: Any = Qt.KeyboardModifier.NoModifier) -> None:
    """A key in the canvas, once the menus have followed."""
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    window.viewer.canvas.setFocus()
    window.menus.refresh()
    qtbot.keyClick(window.viewer.canvas, key, modifier)
    QApplication.processEvents()


def ask_for_picture(qtbot: Any, window: Any) -> Any:
    """The dialog of File ▸ Export picture, brought up by its key."""
    from app.picture_dialog import PictureDialog

    press(qtbot, window, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    dialog = window.findChild(PictureDialog)
    qtbot.waitUntil(dialog.isVisible)
    return dialog
