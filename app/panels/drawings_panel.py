"""Decides how drawings are listed, renamed, deleted and handed over; the selected profile is plotted below the list."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QModelIndex, QPoint, QSortFilterProxyModel, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QCheckBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QMenu,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.jobs import Job
from app.layout import muted, tool_button
from app.panels.chosen_rows import ChosenRows
from app.panels.drawings_model import MORE, SORT_ROLE, DrawingsModel
from app.panels.fitted_table import FittedTable
from app.panels.profile_group import ProfileGroup
from app.session import Session
from app.theme import SPACE
from core.counting import counted

_FORMATS = "CSV list (*.csv);;GeoJSON for QuPath (*.geojson)"
_SHARES = (66, 50, 72, 90, 44, 40)  # of the width, by column
_ROOM_FOR_ALL = 360  # px; a narrower list leaves out the second measure, which the first one's tool tip says too


class DrawingsPanel(QWidget):
    """The drawings of the open section."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.model = DrawingsModel(self)
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSourceModel(self.model)
        self._sorted.setSortRole(SORT_ROLE)
        self.table = FittedTable(_SHARES, MORE, spare_from_px=_ROOM_FOR_ALL)
        self.profile = ProfileGroup(session)
        self.visible = QCheckBox("Show in the section")
        self.visible.setToolTip("Show or hide all drawings (D)")
        self._hint = muted("Nothing drawn yet. Take a ruler, a box or another tool from the Tools menu and draw.")
        self._buttons: dict[str, QToolButton] = {}
        self._lay_out()
        self._rows = ChosenRows(self.table)
        self._connect()
        self._follow()
        self._layers_changed()

    def shut(self) -> None:
        """Ends what works in the background."""
        self.profile.shut()

    def export(self) -> None:
        """Asks where to, then writes all drawings of the section in the background."""
        session = self._session
        record, drawings = session.section_record, list(session.drawings.items)
        if record is None or not drawings:
            session.message.emit("info", "There is nothing drawn to export.")
            return
        offered = record.path.with_name(f"{record.path.stem}-drawings.csv")
        name, chosen = QFileDialog.getSaveFileName(self, "Export drawings", str(offered), _FORMATS)
        if not name:
            return
        path = Path(name)
        if path.suffix.lower() not in (".csv", ".geojson"):
            path = path.with_name(path.name + (".geojson" if "geojson" in chosen else ".csv"))
        from core.export.drawings import export_drawings

        classes = session.classes.table
        job = Job(lambda progress, cancel: export_drawings(drawings, record, path, classes), "Export")
        job.finished.connect(
            lambda count: session.message.emit("info", f"{counted(count, 'drawing')} written to {path}")
        )
        session.run_io(job)

    def selected_rows(self) -> list[int]:
        return self._rows.rows

    def delete(self) -> None:
        self._session.drawings.remove([self.model.drawing(row).id for row in self.selected_rows()])

    def copy(self) -> None:
        rows = self.selected_rows()
        if rows:
            QApplication.clipboard().setText(self.model.text_of(rows))

    def rename(self) -> None:
        index = self.table.currentIndex()
        if index.isValid():
            self.table.edit(index.siblingAtColumn(0))

    # -- making -----------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        bar = QHBoxLayout()
        bar.setSpacing(SPACE // 2)
        bar.addWidget(self.visible)
        bar.addStretch(1)
        for name, tip, action in (
            ("note", "Rename the selected drawing (F2)", self.rename),
            ("copy", "Copy the selected rows for a spreadsheet (Ctrl+C)", self.copy),
            ("delete", "Delete the selected drawings (Del); Ctrl+Z brings them back", self.delete),
            ("export", "Export all drawings as CSV or GeoJSON", self.export),
        ):
            button = self._buttons[name] = tool_button(name, tip, action)
            bar.addWidget(button)
        self._set_up_table()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE, SPACE, SPACE, SPACE)
        layout.setSpacing(SPACE)
        layout.addLayout(bar)
        layout.addWidget(self._hint)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.profile)
        layout.addStretch(0)

    def _set_up_table(self) -> None:
        table = self.table
        table.setModel(self._sorted)
        table.setSortingEnabled(True)
        table.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        table.setFrameShape(QFrame.Shape.NoFrame)
        table.setShowGrid(False)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + SPACE)
        table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        table.horizontalHeader().setHighlightSections(False)
        table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        table.setAccessibleName("Drawings")

    def _connect(self) -> None:
        session, table = self._session, self.table
        session.drawings.changed.connect(self._follow)
        session.drawings.selection_changed.connect(lambda source: self._show_selection())
        session.section_changed.connect(self._follow)
        session.calibration.changed.connect(self._follow)
        session.layers_changed.connect(self._layers_changed)
        self.visible.toggled.connect(lambda on: session.set_layers(session.layers.styled("drawings", visible=on)))
        self.model.edited.connect(session.drawings.change)
        self._rows.changed.connect(self._show_buttons)
        self._rows.picked.connect(self._picked)
        table.doubleClicked.connect(self._double_clicked)
        table.customContextMenuRequested.connect(self._show_menu)
        for keys, action in (
            (QKeySequence.StandardKey.Delete, self.delete),
            (QKeySequence.StandardKey.Copy, self.copy),
        ):
            QShortcut(QKeySequence(keys), table, action, context=Qt.ShortcutContext.WidgetShortcut)

    def _show_menu(self, at: QPoint) -> None:
        if not self.selected_rows():
            return
        menu = QMenu(self)
        menu.addAction("Show in the section", lambda: self._double_clicked(self.table.currentIndex()))
        menu.addAction("Rename", self.rename)
        menu.addAction("Edit class", lambda: self.table.edit(self.table.currentIndex().siblingAtColumn(4)))
        menu.addAction("Edit note", lambda: self.table.edit(self.table.currentIndex().siblingAtColumn(5)))
        menu.addSeparator()
        menu.addAction("Copy", self.copy)
        menu.addAction("Delete", self.delete)
        menu.exec(self.table.viewport().mapToGlobal(at))

    # -- following --------------------------------------------------------------------------------

    def _follow(self) -> None:
        section, drawings = self._session.section, self._session.drawings
        with self._rows.filling():
            self.model.set_drawings(
                drawings.items if section is not None else [], section.info.pixel_size_um if section else None
            )
        self._hint.setVisible(not drawings.items)
        self.table.setVisible(bool(drawings.items))
        self._show_selection()

    def _show_selection(self) -> None:
        self._rows.follow(self.model.row_of(self._session.drawings.selected_id))

    def _picked(self, row: int | None) -> None:
        self._session.drawings.select(self.model.drawing(row).id if row is not None else None, "panel")

    def _double_clicked(self, index: QModelIndex) -> None:
        if index.isValid():
            self._session.drawings.show(self.model.drawing(self._sorted.mapToSource(index).row()).id)

    def _show_buttons(self) -> None:
        for name in ("note", "copy", "delete"):
            self._buttons[name].setEnabled(bool(self.selected_rows()))
        self._buttons["export"].setEnabled(bool(self._session.drawings.items))

    def _layers_changed(self) -> None:
        self.visible.blockSignals(True)
        self.visible.setChecked(self._session.layers.layer("drawings").visible)
        self.visible.blockSignals(False)
