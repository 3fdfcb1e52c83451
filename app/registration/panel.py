"""Decides how fiducials are listed, typed in, pasted, imported and exported; what the fit says stands beside the list."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.icons import set_icon
from app.layout import tool_button
from app.panels.chosen_rows import ChosenRows
from app.panels.fitted_table import FittedTable
from app.registration.model import LEFT_OUT, SEM_X, FiducialsModel
from app.registration.results import Results
from app.session import Session
from app.theme import SPACE
from core.counting import counted
from core.disk import written_whole
from core.errors import SchliffError
from core.registration.fiducials import COLUMNS, fiducials_csv, fiducials_in, read_fiducials
from core.registration.markers import markers_of, read_markers, seen_at
from core.registration.pasted import positions_in

_SHARES = (60, 76, 76, 84, 84, 84, 84, 48)  # of the width, by column
_ROOM_FOR_ALL = 480  # px; a narrower list leaves out what a fit without the fiducial says
_FILES = "CSV list (*.csv);;All files (*)"
_SOURCES = "CSV list or CZI of the SEM (*.csv *.czi);;All files (*)"
_CZI = ".czi"


class RegistrationPanel(QWidget):
    """The registration of the open section to the SEM."""

    pick_requested = Signal(bool)  # take the tool in hand, or put it away

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.model = FiducialsModel(self)
        self.table = _Table(_SHARES, LEFT_OUT, spare_from_px=_ROOM_FOR_ALL)
        self.results = Results(session)
        self.pick = QPushButton("Pick in the section")
        self.use_defect = QPushButton("Use this defect")
        self.buttons: dict[str, QToolButton] = {}
        self._put_away = QShortcut(QKeySequence(Qt.Key.Key_Escape), self)
        self._put_away.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)  # the section has a say of its own
        self._lay_out()
        self._rows = ChosenRows(self.table, SEM_X)
        self._connect()
        self._follow()
        self._tool_changed()

    def selected_rows(self) -> list[int]:
        return self._rows.rows

    def paste(self) -> None:
        """A CSV of fiducials takes the place of all; else lines of two numbers, for the rows from the chosen one on."""
        text, registration = QApplication.clipboard().text(), self._session.registration
        try:
            if text.split("\n", 1)[0].strip().lower().startswith(COLUMNS[0]):
                registration.replace_all(fiducials_in(text))
            else:
                registration.fill(positions_in(text), self._first_row())
        except SchliffError as error:
            self._session.report(error)

    def ask_and_import(self) -> None:
        """A CSV takes the place of all; a CZI of the SEM says where markers of Shuttle & Find were seen."""
        name, _ = QFileDialog.getOpenFileName(self, "Import fiducials", str(self._offered().parent), _SOURCES)
        if name:
            self._import(Path(name))

    def take_markers(self) -> None:
        """Those of Shuttle & Find in the section's own file join the others."""
        section, registration = self._session.section, self._session.registration
        if section is None:
            return
        try:
            known = {one.name for one in registration.fiducials}
            found = markers_of(section.info, registration.unit)
            registration.replace_all([*registration.fiducials, *(one for one in found if one.name not in known)])
        except SchliffError as error:
            self._session.report(error)

    def _import(self, path: Path) -> None:
        registration = self._session.registration
        try:
            if path.suffix.lower() != _CZI:
                registration.replace_all(read_fiducials(path))
                return
            seen = read_markers(path)
            if not any(one.name == marker.name for one in registration.fiducials for marker in seen):
                self.take_markers()
            registration.replace_all(seen_at(registration.fiducials, seen))
        except SchliffError as error:
            self._session.report(error)

    def ask_and_export(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, "Export fiducials", str(self._offered()), _FILES)
        if not name:
            return
        path = Path(name) if Path(name).suffix else Path(name).with_suffix(".csv")
        fiducials = self._session.registration.fiducials
        try:
            with written_whole(path) as part:
                part.write_text(fiducials_csv(fiducials), "utf-8")
        except SchliffError as error:
            self._session.report(error)
            return
        self._session.message.emit("info", f"{counted(len(fiducials), 'fiducial')} written to {path}")

    def remove(self) -> None:
        self._session.registration.remove(self.selected_rows())

    def _offered(self) -> Path:
        section = self._session.section
        path = section.info.path if section is not None else Path("section")
        return path.with_name(f"{path.stem}-fiducials.csv")

    def _first_row(self) -> int:
        """That pasted positions begin at: the chosen row, else the first that was not seen in the SEM yet."""
        rows, fiducials = self.selected_rows(), self._session.registration.fiducials
        if len(rows) == 1 and len(fiducials) > 1 and self.table.hasFocus():
            return rows[0]
        return next((row for row, one in enumerate(fiducials) if not one.is_seen), 0)

    # -- making -----------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.pick.setCheckable(True)
        set_icon(self.pick, "fiducial")
        self.pick.setToolTip("Click places in the section; a loupe shows them 8 times larger (Shift+F; Esc ends)")
        self.use_defect.setToolTip(
            "The middle of the selected defect becomes a fiducial: centre it in the SEM, type its place"
        )
        bar = QHBoxLayout()
        bar.setSpacing(SPACE // 2)
        bar.addWidget(self.pick)
        bar.addWidget(self.use_defect)
        bar.addStretch(1)
        registration = self._session.registration
        for name, icon, tip, action in (
            (
                "paste",
                "paste",
                "Paste SEM positions, two numbers in each line, or a CSV of fiducials (Ctrl+V)",
                self.paste,
            ),
            ("markers", "target", "Take the Shuttle & Find markers that this section's file holds", self.take_markers),
            (
                "import",
                "open",
                "Import fiducials from a CSV, or from a CZI of the SEM where it saw the Shuttle & Find markers",
                self.ask_and_import,
            ),
            ("export", "export", "Export the fiducials as CSV", self.ask_and_export),
            ("remove", "delete", "Remove the chosen fiducials (Del); Ctrl+Z brings them back", self.remove),
            ("clear", "close", "Forget the registration; Ctrl+Z brings it back", lambda: registration.replace_all(())),
        ):
            button = self.buttons[name] = tool_button(icon, tip, action)
            bar.addWidget(button)
        self._set_up_table()
        left = QVBoxLayout()
        left.setContentsMargins(SPACE, SPACE, 0, SPACE)
        left.setSpacing(SPACE)
        left.addLayout(bar)
        left.addWidget(self.table, 1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE)
        layout.addLayout(left, 1)
        layout.addWidget(self.results)

    def _set_up_table(self) -> None:
        table = self.table
        table.setModel(self.model)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        triggers = QAbstractItemView.EditTrigger
        table.setEditTriggers(triggers.AnyKeyPressed | triggers.DoubleClicked | triggers.EditKeyPressed)
        table.setFrameShape(QFrame.Shape.NoFrame)
        table.setShowGrid(False)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + SPACE)
        table.horizontalHeader().setHighlightSections(False)
        table.setAccessibleName("Fiducials")

    def _connect(self) -> None:
        session, table, registration = self._session, self.table, self._session.registration
        registration.changed.connect(self._follow)
        registration.selection_changed.connect(lambda source: self._show_selection())
        session.selection_changed.connect(lambda source: self._show_buttons())
        session.detections_changed.connect(self._show_buttons)
        session.section_changed.connect(self._follow)
        session.drawings.tool_changed.connect(self._tool_changed)
        self.pick.clicked.connect(self.pick_requested)
        self._put_away.activated.connect(lambda: self.pick_requested.emit(False))
        self.use_defect.clicked.connect(registration.add_defect)
        self.model.edited.connect(lambda row, values: registration.change(row, **values))
        self.model.refused.connect(lambda why: session.message.emit("warning", why))
        self._rows.changed.connect(self._show_buttons)
        self._rows.picked.connect(lambda row: registration.select(row, "panel"))
        table.doubleClicked.connect(
            lambda index: None if _is_edited(index.column()) else registration.show(index.row())
        )
        for keys, action in (
            (QKeySequence.StandardKey.Delete, self.remove),
            (QKeySequence.StandardKey.Paste, self.paste),
        ):
            QShortcut(QKeySequence(keys), table, action, context=Qt.ShortcutContext.WidgetShortcut)

    # -- following --------------------------------------------------------------------------------

    def _follow(self) -> None:
        registration = self._session.registration
        with self._rows.filling():
            self.model.show_fiducials(registration.fiducials, registration.fit, registration.unit)
        self._show_selection()

    def _show_selection(self) -> None:
        self._rows.follow(self._session.registration.selected_row)

    def _show_buttons(self) -> None:
        some = bool(self._session.registration.fiducials)
        self.buttons["remove"].setEnabled(bool(self.selected_rows()))
        for name in ("paste", "export", "clear"):
            self.buttons[name].setEnabled(some or name == "paste")
        section = self._session.section
        self.buttons["markers"].setVisible(section is not None and bool(section.info.markers))
        self.use_defect.setEnabled(self._session.selected is not None)
        self.pick.setEnabled(section is not None)

    def _tool_changed(self) -> None:
        in_hand = self._session.drawings.tool == "fiducial"
        self.pick.setChecked(in_hand)
        self._put_away.setEnabled(in_hand)


class _Table(FittedTable):
    """Typing begins to edit a cell; the window has shortcuts on many of these keys."""

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            plain = not event.modifiers() & ~(Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier)
            if plain and event.text().isprintable() and event.text():
                event.accept()
                return True
        return super().event(event)


def _is_edited(column: int) -> bool:
    return column <= SEM_X + 1
