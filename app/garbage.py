"""Decides when garbage is looked for: at set times, in the thread of the window.

Python by itself does it in whichever thread happens to make an object. Where that is a reader's, what belongs to Qt would be
destroyed in the wrong thread; and looking through all objects in the middle of a frame makes it late.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

YOUNG_MS = 1000
ALL_EVERY = 45  # of these times
MANY = 300_000  # objects made since: all of it is looked at now


class Garbage(QObject):
    """From now on until it goes. What is there already stays until the end, and is looked through no more."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._times = 0
        gc.disable()
        gc.freeze()
        self._timer = QTimer(self, interval=YOUNG_MS)
        self._timer.timeout.connect(self._collect)
        self._timer.start()
        self.destroyed.connect(gc.enable)

    def _collect(self) -> None:
        self._times += 1
        if self._times % ALL_EVERY == 0 or gc.get_count()[0] > MANY:
            gc.collect()
        else:
            gc.collect(1)
