"""Decides how a person who looks elsewhere learns that the scans are over: a notification of the desktop, if wanted."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QSystemTrayIcon, QWidget

from app.icons import icon
from app.scan_queue.runner import ScanRunner
from app.settings import Settings
from core.scan.queue import Report

SHOWN_MS = 20_000


class Teller:
    """Follows a runner on behalf of a window."""

    def __init__(self, window: QWidget, runner: ScanRunner, settings: Settings) -> None:
        self._window, self._settings = window, settings
        self._tray: QSystemTrayIcon | None = None
        runner.all_over.connect(self._all_over)

    def shut(self) -> None:
        if self._tray is not None:
            self._tray.hide()

    def _all_over(self, report: Report) -> None:
        if not self._settings.get("tell_when_scanned") or self._window.isActiveWindow():
            return
        if report.done or report.failed:
            QApplication.alert(self._window)
            self._show(report)

    def _show(self, report: Report) -> None:
        """A notification belongs to an icon in the tray, which goes again with it."""
        if not QSystemTrayIcon.isSystemTrayAvailable():
            return
        tray = self._tray = self._tray or self._make_tray()
        kind = QSystemTrayIcon.MessageIcon
        title = "Scans are over, not all went well" if report.failed else "Scans are done"
        tray.show()
        tray.showMessage(title, report.text(), kind.Warning if report.failed else kind.Information, SHOWN_MS)
        QTimer.singleShot(SHOWN_MS, tray, tray.hide)

    def _make_tray(self) -> QSystemTrayIcon:
        tray = QSystemTrayIcon(icon("sample"), self._window)
        tray.setToolTip("Schliff")
        tray.messageClicked.connect(self._come_forward)
        tray.activated.connect(self._come_forward)
        return tray

    def _come_forward(self) -> None:
        self._window.setWindowState(self._window.windowState() & ~Qt.WindowState.WindowMinimized)
        self._window.raise_()
        self._window.activateWindow()
