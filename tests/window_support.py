"""A whole window for tests, with a section in it and real keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QMessageBox

from tests.reading_threads import reading_threads_left


def shown_window(qapp: Any, mode: Any = "light") -> Any:
    """As it was left, or of its first size, for which the screen that nobody sees has no room."""
    from app.main_window import FIRST_SIZE, MainWindow
    from app.session import Session
    from app.settings import Settings
    from app.theme import Theme

    settings = Settings()
    window = MainWindow(Session(), settings, Theme(qapp, mode))
    if not settings.get("geometry"):
        window.resize(*FIRST_SIZE)
    window.show()
    return window


@contextmanager
def open_window(qapp: Any, mode: Any = "light") -> Iterator[Any]:
    """A window that leaves nothing behind; nothing moves by itself meanwhile."""
    from app.scan_queue.for_window import WindowScans
    from app.training.for_window import WindowTraining

    qapp.setProperty("still", True)
    window = shown_window(qapp, mode)
    try:
        yield window
    except BaseException:  # a test that fails while something runs must not wait for somebody to answer
        with pytest.MonkeyPatch.context() as patch:
            for asking in (WindowScans, WindowTraining):
                patch.setattr(asking, "ask", staticmethod(_closes))
            window.close()
        raise
    finally:
        window.close()
        window.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        qapp.setProperty("still", False)
    assert not [w for w in qapp.topLevelWidgets() if w.isVisible()]
    assert not reading_threads_left()


def _closes(box: QMessageBox) -> QAbstractButton:
    """The button that doesn't keep the window open."""
    return next(one for one in box.buttons() if box.buttonRole(one) != QMessageBox.ButtonRole.RejectRole)


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


def drag_over(window: Any, x0: float, y0: float, x1: float, y1: float) -> None:
    """The left button held from one place of the section to another, in level-0 px; both must be in sight."""
    canvas = window.viewer.canvas
    view, shown = canvas.viewport(), canvas.visible_box()

    def send(kind: QEvent.Type, x_px: float, y_px: float, held: Qt.MouseButton) -> None:
        at = QPointF((x_px - shown.x) / shown.w * view.width(), (y_px - shown.y) / shown.h * view.height())
        button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else Qt.MouseButton.LeftButton
        event = QMouseEvent(kind, at, view.mapToGlobal(at), button, held, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(view, event)

    left = Qt.MouseButton.LeftButton
    send(QEvent.Type.MouseButtonPress, x0, y0, left)
    for step in range(1, 5):
        share = step / 4
        send(QEvent.Type.MouseMove, x0 + share * (x1 - x0), y0 + share * (y1 - y0), left)
    send(QEvent.Type.MouseButtonRelease, x1, y1, Qt.MouseButton.NoButton)
