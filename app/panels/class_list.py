"""Decides how classes are shown and hidden: a check box each, with the class's colour and how many there are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QIcon, QPalette
from PySide6.QtWidgets import QCheckBox, QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.class_colours import class_colours, class_name
from app.gallery.badges import chip_icon
from app.layout import muted, value_label
from app.theme import SPACE


class ClassList(QWidget):
    """`hidden_changed(frozenset)` follows the user's hand. Artefacts stand apart below the defects."""

    hidden_changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._labels: tuple[str, ...] = ()
        self._artefacts: frozenset[str] = frozenset()
        self.boxes: dict[str, QCheckBox] = {}
        self._counts: dict[str, QLabel] = {}
        self._rows = QWidget()
        self.show_all = QPushButton("Show all classes")
        self.show_all.clicked.connect(lambda: self._tell(frozenset()))
        self._column = layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE)
        layout.addWidget(self._rows)
        layout.addWidget(self.show_all)

    def set_labels(self, labels: Sequence[str], artefact_labels: Collection[str]) -> None:
        """The classes of a scan, in its order."""
        if tuple(labels) == self._labels and frozenset(artefact_labels) == self._artefacts:
            return
        self._labels, self._artefacts = tuple(labels), frozenset(artefact_labels)
        fresh = QWidget()
        grid = QGridLayout(fresh)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(SPACE)
        grid.setVerticalSpacing(SPACE // 2)
        grid.setColumnStretch(0, 1)
        self.boxes, self._counts = {}, {}
        colours = class_colours(self._labels)
        for label in (x for x in labels if x not in self._artefacts):
            self._add(grid, label, chip_icon(colours[label]))
        if self._artefacts:
            title = muted("Artefacts")
            title.setContentsMargins(0, SPACE // 2, 0, 0)
            grid.addWidget(title, grid.rowCount(), 0, 1, 2)
        for label in (x for x in labels if x in self._artefacts):
            self._add(grid, label, chip_icon(colours[label]))
        self._column.replaceWidget(self._rows, fresh)
        self._rows.deleteLater()
        self._rows = fresh

    def set_state(self, hidden: Collection[str], counts: Mapping[str, int]) -> None:
        """Which are hidden, and how many of each lie above the threshold."""
        for label, box in self.boxes.items():
            box.blockSignals(True)
            box.setChecked(label not in hidden)
            box.blockSignals(False)
            count = counts.get(label, 0)
            self._counts[label].setText(f"{count:,}")
            box.setAccessibleDescription(f"{count} above the threshold")
        self.show_all.setVisible(any(label in hidden for label in self.boxes))

    def _add(self, grid: QGridLayout, label: str, icon: QIcon) -> None:
        box = QCheckBox(class_name(label))
        box.setIcon(icon)
        box.setToolTip(f"Show {class_name(label).lower()} in the section and in the gallery")
        box.toggled.connect(lambda _: self._tell(self._hidden()))
        count = value_label("00,000")
        count.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        row = grid.rowCount()
        grid.addWidget(box, row, 0)
        grid.addWidget(count, row, 1)
        self.boxes[label], self._counts[label] = box, count

    def _hidden(self) -> frozenset[str]:
        return frozenset(label for label, box in self.boxes.items() if not box.isChecked())

    def _tell(self, hidden: frozenset[str]) -> None:
        self.hidden_changed.emit(hidden)
