"""Decides what a person sees of the queue of scans and can do with it: start several, pause, reorder, stop, remove."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QItemSelectionModel, QPoint, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.elided import ElidedLabel
from app.layout import muted, tool_button
from app.panels.scans_model import ScansModel
from app.panels.scans_table import ScansTable
from app.scan_queue.wording import progress_text
from app.session import Session
from app.theme import SPACE
from core.counting import counted
from core.scan.queue import Entry

_EMPTY = (
    "No scan is running or waiting. Scan the open section in the Scan panel, or choose several sections and models."
)


class ScansPanel(QWidget):
    """The queue. `several_requested()` when several scans are to be chosen at once."""

    several_requested = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._runner = session, session.queue
        self.model = ScansModel(self._runner, self)
        self.table = ScansTable()
        self.table.setModel(self.model)
        self.several = QPushButton("Scan several…")
        self.several.setToolTip("Scan many sections one after the other, each with one model or several")
        self.hint = muted(_EMPTY)
        self.status = ElidedLabel(Qt.TextElideMode.ElideRight)
        self.buttons: dict[str, QToolButton] = {}
        self._lay_out()
        self._connect()
        self._follow()

    # -- what can be done --------------------------------------------------------------------------

    def selected(self) -> list[Entry]:
        """In the order of the list."""
        rows = sorted(index.row() for index in self.table.selectionModel().selectedRows())
        return [self.model.entry(row) for row in rows]

    def select(self, ids: list[str]) -> None:
        selection = self.table.selectionModel()
        flags = QItemSelectionModel.SelectionFlag.Rows | QItemSelectionModel.SelectionFlag.Select
        selection.clearSelection()
        for row in self.model.rows_of(ids):
            selection.select(self.model.index(row, 0), flags)
            selection.setCurrentIndex(self.model.index(row, 0), QItemSelectionModel.SelectionFlag.NoUpdate)

    def shift(self, step: int) -> None:
        ids = self._ids()
        self._runner.shift(ids, -1 if step < 0 else 1)
        self.select(ids)

    def drop(self, row: int) -> None:
        """Puts the selected scans before this row."""
        ids = self._ids()
        before = self.model.entry(row).id if row < self.model.rowCount() else None
        self._runner.move(ids, before)
        self.select(ids)

    def stop(self) -> None:
        """Stops the selected ones: the one that runs within a tile, those that wait before they begin."""
        self._runner.stop(self._ids())

    def remove(self) -> None:
        self._runner.remove(self._ids())

    def open(self) -> None:
        entries = self.selected()
        if entries:
            self._session.scan_control.show_entry(entries[0])

    def copy(self) -> None:
        rows = self.model.rows_of(self._ids())
        if rows:
            QApplication.clipboard().setText(self.model.text_of(rows))

    def _ids(self) -> list[str]:
        return [entry.id for entry in self.selected()]

    # -- making ------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        bar = QHBoxLayout()
        bar.setSpacing(SPACE // 2)
        bar.addWidget(self.several)
        bar.addSpacing(SPACE)
        actions: tuple[tuple[str, str, Callable[[], None]], ...] = (
            ("pause", "Pause: the running scan stands still, none starts", self._runner.hold),
            ("play", "Go on scanning", self._runner.go_on),
            ("up", "Scan the selected ones earlier (Alt+Up)", lambda: self.shift(-1)),
            ("down", "Scan the selected ones later (Alt+Down)", lambda: self.shift(1)),
            ("stop", "Stop the selected scans; what was found is kept", self.stop),
            ("delete", "Take the selected scans off the list (Del); what was found is kept", self.remove),
            ("clear", "Take all scans off the list that are over", self._runner.clear_over),
        )
        for name, tip, action in actions:
            button = self.buttons[name] = tool_button(name, tip, action)
            bar.addWidget(button)
        bar.addSpacing(SPACE)
        bar.addWidget(self.status, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE, SPACE, SPACE, SPACE)
        layout.setSpacing(SPACE)
        layout.addLayout(bar)
        layout.addWidget(self.hint)
        layout.addWidget(self.table, 1)
        layout.addStretch(0)

    def _connect(self) -> None:
        table = self.table
        self.several.clicked.connect(self.several_requested)
        self._runner.changed.connect(self._follow)
        self._runner.started.connect(self._bring_in_sight)
        self._runner.progressed.connect(lambda step: self._show_status())
        self.model.modelAboutToBeReset.connect(self._note_selection)
        self.model.modelReset.connect(lambda: self.select(self._noted))
        table.selectionModel().selectionChanged.connect(lambda now, before: self._show_buttons())
        table.doubleClicked.connect(lambda index: self.open())
        table.open_pressed.connect(self.open)
        table.delete_pressed.connect(self.remove)
        table.shifted.connect(self.shift)
        table.dropped.connect(self.drop)
        table.customContextMenuRequested.connect(self._show_menu)
        QShortcut(QKeySequence.StandardKey.Copy, table, self.copy, context=Qt.ShortcutContext.WidgetShortcut)

    def menu(self) -> QMenu:
        """What can be done with the selected scans."""
        chosen, ids = self.selected(), self._ids()
        states = {entry.state for entry in chosen}
        menu = QMenu(self)
        menu.addAction("Show in the section", self.open).setEnabled(len(chosen) == 1)
        menu.addSeparator()
        hold = menu.addAction("Put on hold", lambda: self._runner.put_by(ids))
        hold.setEnabled(bool(states & {"waiting", "running"}))
        again = "Take off hold" if states <= {"paused"} else "Resume" if states <= {"cancelled"} else "Try again"
        menu.addAction(again, lambda: self._runner.take_up(ids)).setEnabled(
            bool(states & {"paused", "cancelled", "failed"})
        )
        menu.addAction("Stop", self.stop).setEnabled(bool(states & {"waiting", "running", "paused"}))
        menu.addSeparator()
        menu.addAction("Move up", lambda: self.shift(-1))
        menu.addAction("Move down", lambda: self.shift(1))
        menu.addSeparator()
        menu.addAction("Copy", self.copy)
        menu.addAction("Remove from the list", self.remove)
        return menu

    def _show_menu(self, at: QPoint) -> None:
        if self.selected():
            menu = self.menu()
            menu.exec(self.table.viewport().mapToGlobal(at))
            menu.deleteLater()

    # -- following ---------------------------------------------------------------------------------

    def _note_selection(self) -> None:
        self._noted = self._ids()

    def _bring_in_sight(self, entry: Entry) -> None:
        """What is over stays on top of the list: without this a long list would hide the one that runs."""
        for row in self.model.rows_of([entry.id]):
            self.table.scrollTo(self.model.index(row, 0))

    def _follow(self) -> None:
        entries = self._runner.queue.entries
        self.hint.setVisible(not entries)
        self.table.setVisible(bool(entries))
        self._show_buttons()
        self._show_status()

    def _show_buttons(self) -> None:
        queue, chosen = self._runner.queue, self.selected()
        self.buttons["pause"].setVisible(not queue.held)
        self.buttons["play"].setVisible(queue.held)
        self.buttons["pause"].setEnabled(bool(queue.unfinished))
        for name in ("up", "down", "delete"):
            self.buttons[name].setEnabled(bool(chosen))
        self.buttons["stop"].setEnabled(any(not entry.is_over for entry in chosen))
        self.buttons["clear"].setEnabled(any(entry.is_over for entry in queue.entries))

    def _show_status(self) -> None:
        """What runs and how it goes; else why nothing does."""
        runner, queue = self._runner, self._runner.queue
        entry, waiting = runner.running, len(queue.waiting)
        if entry is not None:
            how = "Paused" if runner.paused else progress_text(runner.step, runner.seconds_left)
            self.status.setText(f"{entry.section.name}: {how}")
        elif waiting and queue.held:
            self.status.setText(f"Paused, {counted(waiting, 'scan')} waiting")
        else:
            self.status.setText("")
