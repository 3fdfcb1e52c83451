"""Decides how the user says what the gallery shows: search, class, status, order, crop size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QSizePolicy,
    QSlider,
    QToolButton,
    QWidget,
)

from app.class_colours import class_colours, class_name
from app.gallery.arrangement import SORT_FIELDS, STATUS_NAMES, Arrangement
from app.gallery.badges import chip_icon, status_icon
from app.gallery.view import LARGEST_SIDE, SMALLEST_SIDE
from app.icons import set_icon
from app.theme import SPACE
from core.detection import STATUSES
from core.ranking import RANKING_HELP

SEARCH_AFTER_MS = 150


class ArrangementBar(QWidget):
    """Two rows of controls. `arrangement_changed(Arrangement)` and `side_changed(int)` follow the user's hand."""

    arrangement_changed = Signal(object)
    side_changed = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._arrangement = Arrangement()
        self._labels: tuple[str, ...] = ()
        self.search = QLineEdit(clearButtonEnabled=True, placeholderText="Search class, note, number")
        self.label_filter = _combo("Class", "Show one class only")
        self.status_filter = _combo("Status", "Show one review status only")
        self.sort = _combo("Sort by", RANKING_HELP)
        self.reverse = QToolButton()
        self.side = QSlider(Qt.Orientation.Horizontal)
        self._searching = QTimer(self, singleShot=True, interval=SEARCH_AFTER_MS)
        self._fill()
        self._lay_out()
        self._connect()
        self.set_labels(())

    # -- what the panel asks ----------------------------------------------------------------------

    @property
    def arrangement(self) -> Arrangement:
        return self._arrangement

    def set_labels(self, labels: Sequence[str]) -> None:
        """The classes of the scan that is shown; a filter on a class that is not among them is dropped."""
        if tuple(labels) == self._labels and self.label_filter.count():
            return
        self._labels = tuple(labels)
        chosen = self._arrangement.label if self._arrangement.label in labels else None
        self.label_filter.blockSignals(True)
        self.label_filter.clear()
        self.label_filter.addItem("All classes", None)
        for label, colour in class_colours(self._labels).items():
            self.label_filter.addItem(chip_icon(colour), class_name(label), label)
        self.label_filter.setCurrentIndex(max(0, self.label_filter.findData(chosen)))
        self.label_filter.blockSignals(False)
        self._read()

    def clear_filter(self) -> None:
        self.search.clear()
        self.label_filter.setCurrentIndex(0)
        self.status_filter.setCurrentIndex(0)
        self._read()

    def set_arrangement(self, arrangement: Arrangement) -> None:
        """Puts every control to this, as if by hand."""
        self.search.setText(arrangement.text)
        self.label_filter.setCurrentIndex(max(0, self.label_filter.findData(arrangement.label)))
        self.status_filter.setCurrentIndex(max(0, self.status_filter.findData(arrangement.status)))
        self.sort.setCurrentIndex(max(0, self.sort.findData(arrangement.sort)))
        self.reverse.setChecked(arrangement.reverse)
        self._read()

    # -- making -----------------------------------------------------------------------------------

    def _fill(self) -> None:
        self.search.setAccessibleName("Search detections")
        self.status_filter.addItem("Any status", None)
        for status in STATUSES:
            self.status_filter.addItem(status_icon(status), STATUS_NAMES[status], status)
        for field in SORT_FIELDS:
            self.sort.addItem(f"By {field.name.lower()}", field.id)
            self.sort.setItemData(self.sort.count() - 1, field.first, Qt.ItemDataRole.ToolTipRole)
        self.reverse.setCheckable(True)
        self.reverse.setAutoRaise(True)
        set_icon(self.reverse, "sort")
        self.reverse.setToolTip("The other way round")
        self.reverse.setAccessibleName("Reverse the order")
        self.side.setRange(SMALLEST_SIDE, LARGEST_SIDE)
        self.side.setPageStep(32)
        self.side.setToolTip("Size of the crops (also Ctrl and the mouse wheel)")
        self.side.setAccessibleName("Crop size")
        self.side.setMinimumWidth(72)
        self.side.setMaximumWidth(160)

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(SPACE, SPACE, SPACE, SPACE)
        grid.setHorizontalSpacing(SPACE)
        grid.setVerticalSpacing(SPACE)
        grid.addWidget(self.search, 0, 0, 1, 2)
        grid.addWidget(self.label_filter, 1, 0)
        grid.addWidget(self.status_filter, 1, 1)
        order = QHBoxLayout()
        order.setSpacing(4)
        order.addWidget(self.sort, 1)
        order.addWidget(self.reverse)
        order.addSpacing(4)
        order.addWidget(self.side, 1)
        grid.addLayout(order, 2, 0, 1, 2)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(1, 1)

    def _connect(self) -> None:
        self._searching.timeout.connect(self._read)
        self.search.textChanged.connect(lambda _: self._searching.start())
        self.search.returnPressed.connect(self._read)
        for combo in (self.label_filter, self.status_filter, self.sort):
            combo.currentIndexChanged.connect(lambda _: self._read())
        self.reverse.toggled.connect(lambda _: self._read())
        self.side.valueChanged.connect(self.side_changed)

    def _read(self) -> None:
        self._searching.stop()
        wanted = replace(
            self._arrangement,
            sort=self.sort.currentData(),
            reverse=self.reverse.isChecked(),
            label=self.label_filter.currentData(),
            status=self.status_filter.currentData(),
            text=self.search.text(),
        )
        if wanted != self._arrangement:
            self._arrangement = wanted
            self.arrangement_changed.emit(wanted)


def _combo(name: str, tool_tip: str) -> QComboBox:
    """A combo box that may become narrower than its longest entry."""
    combo = QComboBox()
    combo.setAccessibleName(name)
    combo.setToolTip(tool_tip)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(8)
    combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return combo
