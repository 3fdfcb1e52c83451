"""Decides how the window comes up: application, theme, session, window; and how it is drawn for a picture."""

from __future__ import annotations

import gc
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
from core.compute_process import share_one_heap

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from app.main_window import MainWindow
    from app.theme import ThemeMode

STYLE = ("-style", "Fusion")  # told so, Qt gives no style back, which PySide6 would take milliseconds to describe
SCREENSHOT_SIZE = (1600, 1000)
SCREENSHOT_SECONDS = 60
LOAD_AFTER_MS = 200  # the window is there and can be used
FURNISH_AFTER_MS = 600  # even if there is no picture yet
QUEUE_AFTER_MS = 1000  # scans from last time can wait for that
REST_AFTER_MS = 3000  # panels are there by then
TOUR_AFTER_MS = 1500  # what is asked about those comes first


def run_app(path: Path | None = None) -> int:
    """Opens the window, on a section or project if one is given; returns when it is closed."""
    prepare(path)
    app = make_application()
    from PySide6.QtCore import QTimer

    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Qt's loop never runs Python's own handler
    window = launch(app, path)
    if not window.isVisible():
        return 0
    QTimer.singleShot(LOAD_AFTER_MS, window, lambda: _watch_end(app, window))
    QTimer.singleShot(TOUR_AFTER_MS, window, lambda: _offer_tour(window))
    return app.exec()


def prepare(path: Path | None) -> None:
    """What can be done before Qt is loaded, so that a section is there sooner."""
    share_one_heap()
    gc.disable()  # until the window is there, nothing of what is made is garbage
    os.environ.setdefault(
        "OPENBLAS_THREAD_TIMEOUT", "4"
    )  # as 2 ** n; its threads kept a core busy for 26 ms after loading
    if path is not None and sys.platform == "win32":  # libraries load without Python's lock there, and nowhere else
        _load_in_background("numpy", "cv2")  # what every reader needs, while Qt is loaded


def launch(app: QApplication, path: Path | None = None) -> MainWindow:
    """The window, shown, on its way to a section or project if one is given."""
    from PySide6.QtCore import QTimer

    window = _make_frame(app, None)
    if path is None:
        window.greet()
        window.show()
        app.processEvents()  # it is on the screen before the rest is loaded
        if not window.isVisible():  # closed already
            return window
        _begin(window)
        window.furnish()
        QTimer.singleShot(LOAD_AFTER_MS, lambda: _load_in_background("app.opening", "app.viewer.viewer"))
    else:
        _begin(window)
        window.session.open_path(path)
        window.expect_section()  # while the file is being opened
        window.show()
        QTimer.singleShot(FURNISH_AFTER_MS, window, window.furnish)
    QTimer.singleShot(LOAD_AFTER_MS, window, window.log.begin_file)
    load_after = LOAD_AFTER_MS if path is None else FURNISH_AFTER_MS
    QTimer.singleShot(load_after, lambda: _load_in_background("core.scan.queue_file"))
    QTimer.singleShot(QUEUE_AFTER_MS, window, window.ask_at_start)
    QTimer.singleShot(REST_AFTER_MS, window, lambda: _keep_house(window))
    return window


def _keep_house(window: MainWindow) -> None:
    """What is done for all that follows, once nobody waits for the window any more."""
    from app.garbage import Garbage

    Garbage(window)
    _load_in_background("scipy.spatial")  # which sorts by distance


def _watch_end(app: QApplication, window: MainWindow) -> None:
    from app.ending import Ending

    Ending(app, window)


def _offer_tour(window: MainWindow) -> None:
    from app.help.tour import offer_tour  # most starts need nothing of it

    if not window.settings.get("tour_over"):
        offer_tour(window)


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
    app = found if isinstance(found, QApplication) else QApplication([*sys.argv[:1], *STYLE])
    app.setApplicationName("Schliff")
    app.setDesktopFileName("schliff")
    return app


def make_window(app: QApplication, mode: ThemeMode | None = None) -> MainWindow:
    window = _make_frame(app, mode)
    _begin(window)
    window.furnish()
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


def _begin(window: MainWindow) -> None:
    from app.session import Session

    _share_memory(window.settings.get("memory_budget_mb"))
    window.setUpdatesEnabled(False)  # what is put in only to be hidden must not flash
    window.begin(Session())
    window.setUpdatesEnabled(True)
    _report_surprises(window)


def _share_memory(budget_mb: int) -> None:
    """Before anything makes a cache. 0: as the machine allows."""
    from core.memory import set_budget

    if budget_mb > 0:
        set_budget(budget_mb << 20)


def _report_surprises(window: MainWindow) -> None:
    """An error nobody caught, in a slot or in a thread, is told in the window; the program goes on."""

    def told(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        logging.getLogger("schliff").error("unforeseen error", exc_info=(kind, error, trace))
        sys.__excepthook__(kind, error, trace)
        if isinstance(error, Exception):
            window.session.message.emit("error", f"Something went wrong: {error}. Help ▸ Log tells more.")

    def told_of_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:  # the log is followed by what shows it, in the window's own thread
            error = (args.exc_type, args.exc_value, args.exc_traceback)
            logging.getLogger("schliff").error("unforeseen error in a thread", exc_info=error)
        threading.__excepthook__(args)

    sys.excepthook = told
    threading.excepthook = told_of_thread


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
