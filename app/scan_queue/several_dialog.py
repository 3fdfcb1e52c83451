"""Decides how several scans are chosen at once: sections × models, whole, each into its section's own project."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.combo import ComboBox
from app.layout import muted
from app.panels.model_group import ListModels, list_models
from app.panels.scan_panel import DEVICE_NAMES
from app.session import Session
from app.settings import Settings
from app.theme import SPACE
from core.counting import counted
from core.devices import DEVICES
from core.models.base import ModelSpec, with_values
from core.project import PROJECT_SUFFIX
from core.scan.options import ScanOptions
from core.scan.queue import Entry
from core.scan.request import ScanRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

SIZE = (760, 480)


class SeveralDialog(QDialog):
    """`entries()` are the scans that were chosen. Sections come by button, from the recent ones, or dropped here."""

    def __init__(
        self, session: Session, settings: Settings, list_them: ListModels = list_models, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._settings = session, settings
        self._specs = list_them()
        self.setWindowTitle("Scan several")
        self.setAcceptDrops(True)
        self.sections = QListWidget()
        self.models = QListWidget()
        self.device = ComboBox()
        self.add_button, self.recent_button = QPushButton("Add files…"), QPushButton("Recent")
        self.remove_button = QPushButton("Remove")
        self.told = muted()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.scan_button = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        self._fill()
        self._lay_out()
        self._connect()
        self._changed()
        self.resize(*SIZE)

    # -- what is chosen ----------------------------------------------------------------------------

    def paths(self) -> list[Path]:
        return [self._path(row) for row in range(self.sections.count())]

    def chosen_models(self) -> list[ModelSpec]:
        rows = range(self.models.count())
        return [self._specs[row] for row in rows if self.models.item(row).checkState() == Qt.CheckState.Checked]

    def add(self, paths: Iterable[Path]) -> None:
        """Puts sections on the list, each once."""
        there = {os.path.normcase(path) for path in self.paths()}
        for path in paths:
            whole = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links
            if os.path.normcase(whole) in there or whole.name.lower().endswith(PROJECT_SUFFIX):
                continue
            there.add(os.path.normcase(whole))
            item = QListWidgetItem(whole.name)
            item.setData(Qt.ItemDataRole.UserRole, str(whole))
            item.setToolTip(str(whole))
            self.sections.addItem(item)
        self._changed()

    def remove(self) -> None:
        for item in self.sections.selectedItems():
            self.sections.takeItem(self.sections.row(item))
        self._changed()

    def entries(self) -> list[Entry]:
        """A scan for each section with each model, section by section."""
        options = ScanOptions(device=self.device.currentData())
        return [
            Entry(ScanRequest.of(path, self._home(path), with_values(spec, {}), options), spec.name)
            for path in self.paths()
            for spec in self.chosen_models()
        ]

    def _home(self, path: Path) -> Path:
        """The project that is open, for the section that is open; else the section's own."""
        from app.opening import project_home

        session = self._session
        if session.section is not None and session.project is not None and session.section.info.path == path:
            return session.project.path
        return project_home(path)

    def _path(self, row: int) -> Path:
        return Path(self.sections.item(row).data(Qt.ItemDataRole.UserRole))

    # -- by hand -----------------------------------------------------------------------------------

    def add_files(self) -> None:
        from core.readers.base import known_suffixes

        patterns = " ".join(f"*{suffix}" for suffix in known_suffixes())
        names, _ = QFileDialog.getOpenFileNames(
            self, "Sections to scan", self._settings.get("last_folder"), f"Sections ({patterns});;All files (*)"
        )
        if names:
            self._settings.set("last_folder", str(Path(names[0]).parent))
            self.add(map(Path, names))

    def dragEnterEvent(self, event: QDragEnterEvent | QDragMoveEvent) -> None:
        if _dropped(event):
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        self.dragEnterEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        self.add(_dropped(event))
        event.acceptProposedAction()

    def _changed(self) -> None:
        sections, models = self.sections.count(), len(self.chosen_models())
        scans = sections * models
        if not sections:
            told = "Add the sections to scan, or drop them here."
        elif not models:
            told = "Check at least one model."
        else:
            many = f"{counted(sections, 'section')} × {counted(models, 'model')} = " if models > 1 else ""
            told = f"{many}{counted(scans, 'scan')}, one after the other, of whole sections. Each goes into its section's own project."
        self.told.setText(told)
        self.scan_button.setEnabled(scans > 0)
        self.scan_button.setText("Add to queue" if self._session.scanning else "Scan")
        self.remove_button.setEnabled(bool(self.sections.selectedItems()))

    # -- making ------------------------------------------------------------------------------------

    def _fill(self) -> None:
        for device in DEVICES:
            self.device.addItem(DEVICE_NAMES[device], device)
        chosen = next((spec.id for spec in self._specs if spec.id.startswith("texture")), None)
        for spec in self._specs:
            item = QListWidgetItem(spec.name)
            item.setToolTip(spec.description)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked if spec.id == chosen else Qt.CheckState.Unchecked)
            self.models.addItem(item)
        if self._session.section is not None:
            self.add([self._session.section.info.path])
        menu = QMenu(self)
        for path in self._recent():
            menu.addAction(str(path)).triggered.connect(lambda checked=False, path=path: self.add([path]))
        self.recent_button.setMenu(menu)
        self.recent_button.setEnabled(not menu.isEmpty())

    def _recent(self) -> Sequence[Path]:
        return [path for path in self._settings.recent if not path.name.lower().endswith(PROJECT_SUFFIX)]

    def _lay_out(self) -> None:
        self.sections.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.sections.setAccessibleName("Sections to scan")
        for box in (self.sections, self.models):
            box.setSpacing(SPACE // 4)
        self.sections.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.models.setAccessibleName("Models to scan with")
        self.device.setToolTip("Where the models compute; Automatic takes the fastest there is")
        self.device.setAccessibleName("Device")
        row = QHBoxLayout()
        row.setSpacing(SPACE)
        for button in (self.add_button, self.recent_button, self.remove_button):
            row.addWidget(button)
        row.addStretch(1)
        device = QHBoxLayout()
        device.setSpacing(SPACE)
        device.addWidget(QLabel("Device"))
        device.addWidget(self.device, 1)
        grid = QGridLayout()
        grid.setSpacing(SPACE)
        grid.setColumnStretch(0, 3)
        grid.setColumnStretch(1, 2)
        for column, (name, box, below) in enumerate(
            (("Sections", self.sections, row), ("Models", self.models, device))
        ):
            grid.addWidget(QLabel(name), 0, column)
            grid.addWidget(box, 1, column)
            grid.addLayout(below, 2, column)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setSpacing(SPACE)
        layout.addLayout(grid, 1)
        layout.addWidget(self.told)
        layout.addWidget(self.buttons)

    def _connect(self) -> None:
        self.add_button.clicked.connect(self.add_files)
        self.remove_button.clicked.connect(self.remove)
        self.sections.itemSelectionChanged.connect(self._changed)
        self.models.itemChanged.connect(lambda item: self._changed())
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        QShortcut(
            QKeySequence.StandardKey.Delete, self.sections, self.remove, context=Qt.ShortcutContext.WidgetShortcut
        )


def _dropped(event: QDropEvent) -> list[Path]:
    return [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
