"""Decides what is kept where not a person ends the program but the system: a signal, the end of the desktop session."""

from __future__ import annotations

import signal
import socket
import sys
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSocketNotifier
from PySide6.QtWidgets import QApplication

if TYPE_CHECKING:
    from app.main_window import MainWindow


class Ending(QObject):
    """Nobody is asked: there may be nobody to answer, and little time. A scan that runs is gone on with at the next start."""

    _notifier: QSocketNotifier

    def __init__(self, app: QApplication, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        app.commitDataRequest.connect(window.save)  # the session may yet go on
        self._listen()

    def _listen(self) -> None:
        """Qt's loop runs no handler of Python: a signal writes into a socket, which wakes the loop."""
        if sys.platform == "win32":  # where programs are told by messages to their windows
            return
        told, tells = self._sockets = socket.socketpair()
        for end in self._sockets:
            end.setblocking(False)
        signal.set_wakeup_fd(tells.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
                signal.signal(number, lambda *_: None)
        self._notifier = QSocketNotifier(told.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._end)

    def _end(self) -> None:
        self._notifier.setEnabled(False)  # once is enough
        try:
            self._window.leave()
        finally:  # whatever goes wrong, nobody else would end it
            QApplication.quit()
