"""Decides how the user says what the gallery shows: search, class, status, order, crop size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QSizePolicy,
    QSlider,
    QToolButton,
    QWidget,
)

from app.class_colours import class_colours, class_name
from app.combo import ComboBox
from app.gallery.arrangement import SORT_FIELDS, Arrangement
from app.gallery.badges import chip_icon, status_icon
from app.gallery.view import LARGEST_SIDE, SMALLEST_SIDE
from app.icons import set_icon
from app.theme import SPACE
from core.detection import STATUS_NAMES, STATUSES
from core.ranking import RANKING_HELP

SEARCH_AFTER_MS = 150
WIDE_PX = 720

# Row, column, rows, columns of search, class, status, order and size.
_ONE_ROW = ((0, 0, 1, 1), (0, 1, 1, 1), (0, 2, 1, 1), (0, 3, 1, 1))
_THREE_ROWS = ((0, 0, 1, 2), (1, 0, 1, 1), (1, 1, 1, 1), (2, 0, 1, 2))


class ArrangementBar(QWidget):
    """One or three rows of controls, by width. `arrangement_changed(Arrangement)` and `side_changed(int)` follow the user's hand."""

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
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(SPACE, SPACE, SPACE, SPACE)
        self._grid.setSpacing(SPACE)
        self._order = QHBoxLayout()
        self._order.setSpacing(4)
        self._order.addWidget(self.sort, 1)
        self._order.addWidget(self.reverse)
        self._order.addSpacing(4)
        self._order.addWidget(self.side, 1)
        self._place(wide=False)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._wide != (self.width() >= WIDE_PX):
            self._place(wide=not self._wide)

    def _place(self, *, wide: bool) -> None:
        """One row where there is room for it, so that the crops get the height; else three."""
        self._wide = wide
        while self._grid.count():
            self._grid.takeAt(0)
        self._order.setParent(None)
        places = _ONE_ROW if wide else _THREE_ROWS
        for control, place in zip((self.search, self.label_filter, self.status_filter), places, strict=False):
            self._grid.addWidget(control, *place)
        self._grid.addLayout(self._order, *places[3])
        for column, share in enumerate((3, 2, 2, 3) if wide else (1, 1, 0, 0)):
            self._grid.setColumnStretch(column, share)

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


def _combo(name: str, tool_tip: str) -> ComboBox:
    """A combo box that may become narrower than its longest entry."""
    combo = ComboBox()
    combo.setAccessibleName(name)
    combo.setToolTip(tool_tip)
    combo.setMinimumContentsLength(8)
    combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return combo
