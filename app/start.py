"""Decides how the window comes up: application, theme, session, window; and how it is drawn for a picture."""

from __future__ import annotations

import importlib
import logging
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from app import bootstrap

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from app.main_window import MainWindow
    from app.theme import ThemeMode

SCREENSHOT_SIZE = (1600, 1000)
SCREENSHOT_SECONDS = 60
LOAD_AFTER_MS = 200  # the window is there and can be used
QUEUE_AFTER_MS = 1000  # scans from last time can wait for that


def run_app(path: Path | None = None) -> int:
    """Opens the window, on a section or project if one is given; returns when it is closed."""
    if path is not None:
        _load_in_background("numpy", "cv2", "psutil")  # what every reader needs, while Qt is loaded
    app = make_application()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Qt's loop never runs Python's own handler
    window = launch(app, path)
    return app.exec() if window.isVisible() else 0


def launch(app: QApplication, path: Path | None = None) -> MainWindow:
    """The window, shown, on its way to a section or project if one is given."""
    from PySide6.QtCore import QTimer

    window = _make_frame(app, None)
    window.show()
    app.processEvents()  # it is on the screen before the rest is loaded
    if not window.isVisible():  # closed already
        return window
    _furnish(window)
    QTimer.singleShot(LOAD_AFTER_MS, window, window.log.begin_file)
    QTimer.singleShot(LOAD_AFTER_MS, lambda: _load_in_background("core.scan.queue_file"))
    QTimer.singleShot(QUEUE_AFTER_MS, window, window.scans.ask_at_start)
    QTimer.singleShot(QUEUE_AFTER_MS, window, window.training.tell_at_start)
    if path is not None:
        window.session.open_path(path)
        window.prepare_viewer()  # while the file is being opened
    else:
        QTimer.singleShot(LOAD_AFTER_MS, lambda: _load_in_background("app.opening", "app.viewer.viewer"))
    return window


def _load_in_background(*modules: str) -> None:
    """Imports what will be needed soon. What fails here fails again, and is told, where it is needed."""

    def load() -> None:
        for name in modules:
            with suppress(ImportError):
                importlib.import_module(name)

    threading.Thread(target=load, name="loading", daemon=True).start()


def save_screenshot(
    path: Path, out: Path, mode: ThemeMode | None = None, size: tuple[int, int] = SCREENSHOT_SIZE
) -> int:
    """Draws the window on a section or project once everything in sight is loaded. Needs no screen.

    Returns 0. Raises the error that opening met, or ResourceError when the picture can't be written.
    """
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app = make_application()
    app.setProperty("still", True)
    window = make_window(app, mode)
    window.resize(*size)
    window.show()
    try:
        window.session.open_path(path)
        _wait_until_drawn(app, window)
        _save(window, out)
    finally:
        window.close()
        window.deleteLater()
    return 0


def make_application() -> QApplication:
    """The one there is, or a new one."""
    bootstrap.prepare()
    from PySide6.QtWidgets import QApplication

    found = QApplication.instance()
    app = found if isinstance(found, QApplication) else QApplication(sys.argv[:1])
    app.setApplicationName("Schliff")
    app.setDesktopFileName("schliff")
    return app


def make_window(app: QApplication, mode: ThemeMode | None = None) -> MainWindow:
    window = _make_frame(app, mode)
    _furnish(window)
    return window


def _make_frame(app: QApplication, mode: ThemeMode | None) -> MainWindow:
    from app.main_window import MainWindow
    from app.settings import Settings
    from app.theme import THEME_MODES, Theme
    from core.people import call_user

    settings = Settings()
    call_user(settings.get("person"))
    saved = settings.get("theme")
    theme = Theme(app, mode or (saved if saved in THEME_MODES else "system"))
    return MainWindow(None, settings, theme)


def _furnish(window: MainWindow) -> None:
    from app.session import Session

    _share_memory(window.settings.get("memory_budget_mb"))
    window.setUpdatesEnabled(False)  # what is put in only to be hidden must not flash
    window.furnish(Session())
    window.setUpdatesEnabled(True)
    _report_surprises(window)


def _share_memory(budget_mb: int) -> None:
    """Before anything makes a cache. 0: as the machine allows."""
    from core.memory import set_budget

    if budget_mb > 0:
        set_budget(budget_mb << 20)


def _report_surprises(window: MainWindow) -> None:
    """An error nobody caught in a slot is told in the window; the program goes on."""

    def told(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        logging.getLogger("schliff").error("unforeseen error", exc_info=(kind, error, trace))
        sys.__excepthook__(kind, error, trace)
        if isinstance(error, Exception):
            window.session.message.emit("error", f"Something went wrong: {error}. Help ▸ Log tells more.")

    sys.excepthook = told


def _wait_until_drawn(app: QApplication, window: MainWindow) -> None:
    from core.errors import ResourceError

    errors: list[Exception] = []
    window.session.failed_to_open.connect(errors.append)
    until = time.monotonic() + SCREENSHOT_SECONDS
    quiet = 0
    while quiet < 10:  # several looks in a row: one thing done often starts the next
        app.processEvents()
        time.sleep(0.02)
        if errors:
            raise errors[0]
        if time.monotonic() > until:
            raise ResourceError("the window was not drawn in time", remedy="Try again when the machine is less busy.")
        quiet = quiet + 1 if window.is_settled else 0


def _save(window: MainWindow, out: Path) -> None:
    from core.errors import ResourceError

    if not window.grab().save(str(out)):
        raise ResourceError(
            "the picture can't be written",
            path=out,
            remedy="Choose a folder you may write to, and a name ending in .png.",
        )
