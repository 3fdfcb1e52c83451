"""Decides what a window does for the queue of scans: it asks when it is closed and at the next start, and says when all are over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QMessageBox, QPushButton, QWidget

from app.scan_queue.awake import Awake
from app.scan_queue.telling import Teller
from core.counting import counted
from core.scan.queue import Entry, Report

if TYPE_CHECKING:
    from app.session import Session
    from app.settings import Settings

_NAMED = 5  # scans that a question lists by name


class WindowScans:
    """The queue of a session, as far as it needs a window."""

    def __init__(self, window: QWidget, session: Session, settings: Settings) -> None:
        self._window, self._session, self._runner = window, session, session.queue
        self.awake = Awake(self._runner)
        self.teller = Teller(window, self._runner, settings)
        self._keep, self._over = True, False
        self._runner.all_over.connect(self._all_over)

    def ask_at_start(self) -> None:
        """Whether scans that an earlier start left behind go on; nothing goes on unasked."""
        if self._over:
            return
        self._runner.restore()
        waiting = self._runner.queue.waiting
        if not waiting or self._runner.running is not None:
            return
        box = self._box(f"{counted(len(waiting), 'scan')} from last time {_are(waiting)} not finished.", waiting)
        box.setWindowTitle("Scans from last time")
        go_on = box.addButton("Go on", QMessageBox.ButtonRole.AcceptRole)
        later = box.addButton("Not now", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(go_on)
        box.setEscapeButton(later)
        later.setToolTip("They stay in the list of scans and begin when you say so")
        go_on.clicked.connect(self._runner.go_on)
        box.open()

    def may_close(self) -> bool:
        """Asks what becomes of scans that are not over; False when the window is to stay."""
        queue, is_kept = self._runner.queue, self._runner.is_kept
        left = queue.unfinished
        goes_on = self._runner.running is not None or queue.next() is not None
        if not goes_on and (is_kept or not left):
            return True
        box = self._box(f"{counted(len(left), 'scan')} {_are(left)} not finished.", left)
        box.setWindowTitle("Close Schliff")
        stop = box.addButton(
            f"Close and stop {'it' if len(left) == 1 else 'them'}", QMessageBox.ButtonRole.DestructiveRole
        )
        stay = box.addButton("Don't close", QMessageBox.ButtonRole.RejectRole)
        box.setEscapeButton(stay)
        if is_kept:
            box.setDefaultButton(box.addButton("Close and keep for next start", QMessageBox.ButtonRole.AcceptRole))
        else:
            box.setDefaultButton(stay)
            told = box.informativeText()
            box.setInformativeText(f"{told}\nThe list is not kept: another Schliff that is open keeps its own.")
        chosen = self.ask(box)
        self._keep = chosen is not stop
        return chosen not in (stay, None)

    @staticmethod
    def ask(box: QMessageBox) -> QPushButton | None:
        """The button that was pressed."""
        box.exec()
        pressed = box.clickedButton()
        return pressed if isinstance(pressed, QPushButton) else None

    def shut(self) -> None:
        """Before the session is closed."""
        self._over = True
        self._runner.shut(keep=self._keep)
        self.awake.let_go()
        self.teller.shut()

    def _all_over(self, report: Report) -> None:
        """A scan by itself, of the open section, is told by its panel."""
        if len(report.entries) > 1 or not self._session.scan_control.is_of_open_section(report.entries[0]):
            level = "warning" if report.failed else "info"
            self._session.message.emit(level, report.text())

    def _box(self, what: str, entries: tuple[Entry, ...]) -> QMessageBox:
        box = QMessageBox(self._window)
        box.setIcon(QMessageBox.Icon.Question)
        box.setText(what)
        names = [entry.title for entry in entries[:_NAMED]]
        more = [f"and {len(entries) - _NAMED} more"] if len(entries) > _NAMED else []
        box.setInformativeText("\n".join([*names, *more, "", "What was scanned is kept in any case."]))
        return box


def _are(entries: tuple[Entry, ...]) -> str:
    return "is" if len(entries) == 1 else "are"
