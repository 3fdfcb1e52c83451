"""Decides how somebody says which detections are left: class, status, score, size, and a region drawn on the section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QDoubleValidator
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QLineEdit, QToolButton, QWidget

from app.class_colours import class_colours, class_name
from app.combo import ComboBox
from app.gallery.badges import chip_icon, status_icon
from app.theme import SPACE
from app.wrap_layout import WrapLayout
from core.detection import STATUS_NAMES, STATUSES
from core.filters import Filters, Range, Region

TYPED_AFTER_MS = 300


class FilterPane(QWidget):
    """A toggle for each class and status, two ends for score and size, one region. `changed(Filters)` follows the user's
    hand; the text of a filter is left as it is."""

    changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._filters = Filters()
        self._regions: dict[str, Region] = {}
        self._labels: tuple[str, ...] = ()
        self.labels: dict[str, QToolButton] = {}
        self.statuses: dict[str, QToolButton] = {}
        self.score_range, self.size_range = RangeEdit("Score"), RangeEdit("Size")
        self.region = ComboBox()
        self._size_name = QLabel()
        self._classes = QWidget()
        self._lay_out()
        self.set_choices((), "px")

    # -- what the bar asks ------------------------------------------------------------------------

    def set_choices(self, labels: Sequence[str], size_unit: str) -> None:
        """The classes of the scan that is shown, and the unit that sizes are said in."""
        self._size_name.setText(f"Size, {size_unit}")
        self.size_range.say_unit(size_unit)
        if tuple(labels) == self._labels:
            return
        self._labels = tuple(labels)
        for button in self.labels.values():
            self._class_flow.removeWidget(button)
            button.hide()
            button.deleteLater()
        self.labels = {}
        for label, colour in class_colours(self._labels).items():
            button = self.labels[label] = _toggle(class_name(label))
            button.setIcon(chip_icon(colour))
            button.clicked.connect(lambda _: self._read())
            self._class_flow.addWidget(button)
            button.show()
        self.show_filters(self._filters)

    def set_regions(self, regions: Mapping[str, Region]) -> None:
        """What may be chosen as a region, by name; the one that is chosen stays as it was when it was chosen."""
        self._regions = dict(regions)
        self._fill_regions()

    def show_filters(self, filters: Filters) -> None:
        """Puts every control to this, without telling it as the user's."""
        self._filters = filters
        for label, button in self.labels.items():
            button.setChecked(label in filters.labels)
        for status, button in self.statuses.items():
            button.setChecked(status in filters.statuses)
        self.score_range.show_range(filters.score)
        self.size_range.show_range(filters.size)
        self._fill_regions()

    # -- following --------------------------------------------------------------------------------

    def _fill_regions(self) -> None:
        chosen = self._filters.region
        self.region.blockSignals(True)
        self.region.clear()
        self.region.addItem("Anywhere", None)
        for name in self._regions:
            self.region.addItem(name, name)
        if chosen is not None and chosen.name not in self._regions:
            self.region.addItem(chosen.name, chosen.name)
        self.region.setCurrentIndex(max(0, self.region.findData(chosen.name if chosen is not None else None)))
        self.region.blockSignals(False)

    def _chosen_region(self) -> Region | None:
        name, before = self.region.currentData(), self._filters.region
        return self._regions.get(name, before if before is not None and before.name == name else None)

    def _read(self) -> None:
        wanted = replace(
            self._filters,
            labels=frozenset(label for label, button in self.labels.items() if button.isChecked()),
            statuses=frozenset(status for status in STATUSES if self.statuses[status].isChecked()),
            score=self.score_range.range,
            size=self.size_range.range,
            region=self._chosen_region(),
        )
        if wanted != self._filters:
            self._filters = wanted
            self.changed.emit(wanted)

    # -- making -----------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self._class_flow = WrapLayout(self._classes)
        states = QWidget()
        flow = WrapLayout(states)
        for status in STATUSES:
            button = self.statuses[status] = _toggle(STATUS_NAMES[status])
            button.setIcon(status_icon(status))
            button.clicked.connect(lambda _: self._read())
            flow.addWidget(button)
        self.region.setAccessibleName("Region")
        self.region.setToolTip("Only what lies in a box, polygon or outline drawn on the section")
        self.region.setMinimumContentsLength(8)
        self.region.currentIndexChanged.connect(lambda _: self._read())
        for edit in (self.score_range, self.size_range):
            edit.changed.connect(self._read)
        self.size_range.setToolTip("The longer side of the box")
        grid = QGridLayout(self)
        grid.setContentsMargins(SPACE, 0, SPACE, SPACE)
        grid.setSpacing(SPACE)
        grid.setColumnStretch(1, 1)
        self._classes.setAccessibleName("Class")
        states.setAccessibleName("Status")
        grid.addWidget(self._classes, 0, 0, 1, 2)
        grid.addWidget(states, 1, 0, 1, 2)
        rows = (
            (QLabel("Score"), self.score_range),
            (self._size_name, self.size_range),
            (QLabel("Region"), self.region),
        )
        for row, (name, control) in enumerate(rows, 2):
            grid.addWidget(name, row, 0)
            grid.addWidget(control, row, 1)


class RangeEdit(QWidget):
    """Two numbers, either of which may be left out. `changed` follows the user's hand, once it rests."""

    changed = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.low, self.high = QLineEdit(placeholderText="from"), QLineEdit(placeholderText="to")
        self._resting = QTimer(self, singleShot=True, interval=TYPED_AFTER_MS)
        self._resting.timeout.connect(self.changed)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE // 2)
        for edit, word in ((self.low, "from"), (self.high, "to")):
            validator = QDoubleValidator(edit)
            validator.setNotation(QDoubleValidator.Notation.StandardNotation)
            edit.setValidator(validator)
            edit.setAccessibleName(f"{name} {word}")
            edit.setToolTip(f"Only what has at {'least' if word == 'from' else 'most'} this {name.lower()}; empty: any")
            edit.textEdited.connect(lambda _: self._resting.start())
            edit.returnPressed.connect(self._entered)
            row.addWidget(edit, 1)

    @property
    def range(self) -> Range:
        """What is typed; what isn't a number counts as left out."""
        return _number(self.low), _number(self.high)

    def show_range(self, limits: Range) -> None:
        if limits != self.range:
            for edit, end in zip((self.low, self.high), limits, strict=True):
                edit.setText("" if end is None else edit.locale().toString(end, "g", 6))

    def say_unit(self, unit: str) -> None:
        """In the tool tips, where what is typed has one."""
        for edit, end in ((self.low, "least"), (self.high, "most")):
            edit.setToolTip(f"Only what is at {end} as large, in {unit}; empty: any")

    def _entered(self) -> None:
        self._resting.stop()
        self.changed.emit()


def _number(edit: QLineEdit) -> float | None:
    value, is_number = edit.locale().toDouble(edit.text())
    return value if is_number else None


def _toggle(text: str) -> QToolButton:
    button = QToolButton()
    button.setProperty("chip", True)
    button.setText(text)
    button.setCheckable(True)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    button.setToolTip(f"Show {text.lower()}")
    return button
