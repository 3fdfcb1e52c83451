"""Decides how somebody says what the gallery shows and in which order: search, filters, order, groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLineEdit, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.class_colours import class_colours, class_name
from app.combo import ComboBox
from app.gallery.badges import chip_icon
from app.gallery.filter_chips import FilterChips
from app.gallery.filter_pane import FilterPane
from app.icons import set_icon
from app.layout import tool_button
from app.theme import SPACE
from core.arrangement import Arrangement
from core.filters import Filters, Region
from core.ranking import RANKING_HELP
from core.sorting import SORT_FIELDS

SEARCH_AFTER_MS = 150
WIDE_PX = 620


class ArrangementBar(QWidget):
    """One or two rows of controls, by width; below them the filters, to be set and to be taken away.

    `arrangement_changed(Arrangement)` follows the user's hand, `weights_requested` asks what "worst" means.
    """

    arrangement_changed = Signal(object)
    weights_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._arrangement = Arrangement()
        self._labels: tuple[str, ...] = ()
        self._elements: tuple[str, ...] = ()
        self._size_unit = "px"
        self.search = QLineEdit(clearButtonEnabled=True, placeholderText="Search class, note, number")
        self.filter_button = QToolButton()
        self.pane, self.chips = FilterPane(), FilterChips()
        self.sort, self.of = _combo("Sort by", RANKING_HELP), _combo("Which one", "")
        self.reverse, self.grouped = QToolButton(), QToolButton()
        self.weights = tool_button("weigh", "What “worst” means…", self.weights_requested.emit)
        self._searching = QTimer(self, singleShot=True, interval=SEARCH_AFTER_MS)
        self._fill()
        self._lay_out()
        self._connect()
        self._show(self._arrangement)

    # -- what the panel asks ----------------------------------------------------------------------

    @property
    def arrangement(self) -> Arrangement:
        return self._arrangement

    def set_choices(self, labels: Sequence[str], size_unit: str) -> None:
        """The classes of the scan that is shown, and the unit that sizes are said in; a filter on classes that are not
        among them is dropped."""
        if tuple(labels) != self._labels or size_unit != self._size_unit:
            self._labels, self._size_unit = tuple(labels), size_unit
            self.pane.set_choices(self._labels, size_unit)
            filters = self._arrangement.filters
            self.set_arrangement(self._with_filters(replace(filters, labels=filters.labels.intersection(labels))))

    def set_elements(self, elements: Sequence[str]) -> None:
        """What chemistry has found: sorting by an element is offered where there is any."""
        if tuple(elements) != self._elements:
            self._elements = tuple(elements)
            self._fill_sort()
            self._show(self._arrangement)

    def set_regions(self, regions: Mapping[str, Region]) -> None:
        self.pane.set_regions(regions)

    def clear_filter(self) -> None:
        self.set_arrangement(self._with_filters(Filters()))

    def set_arrangement(self, arrangement: Arrangement) -> None:
        """Puts every control to this, as if by hand."""
        self._searching.stop()
        if not self._may_sort(arrangement.sort):
            arrangement = replace(arrangement, sort="severity")
        arrangement = self._with_choice(arrangement)
        changed = arrangement != self._arrangement
        self._arrangement = arrangement
        self._show(arrangement)
        if changed:
            self.arrangement_changed.emit(arrangement)

    # -- following --------------------------------------------------------------------------------

    def _show(self, wanted: Arrangement) -> None:
        filters, field = wanted.filters, SORT_FIELDS[wanted.sort]
        if self.search.text().strip() != filters.text.strip():
            self.search.setText(filters.text)
        self._searching.stop()
        self.pane.show_filters(filters)
        self.chips.show_filters(filters, self._size_unit)
        count = len(filters.active)
        self.filter_button.setText(str(count) if count else "")
        self.filter_button.setToolTip(f"Filters ({count} set)" if count else "Filters")
        for control in (self.sort, self.of, self.reverse, self.grouped):
            control.blockSignals(True)
        self.sort.setCurrentIndex(max(0, self.sort.findData(wanted.sort)))
        self._fill_of(wanted)
        self.reverse.setChecked(wanted.reverse)
        self.grouped.setChecked(wanted.grouped)
        for control in (self.sort, self.of, self.reverse, self.grouped):
            control.blockSignals(False)
        self.weights.setVisible(wanted.sort == "severity")
        self.sort.setToolTip(RANKING_HELP if wanted.sort == "severity" else f"{field.name}: {field.first}")

    def _fill_of(self, wanted: Arrangement) -> None:
        kind = SORT_FIELDS[wanted.sort].of
        self.of.clear()
        if kind == "class":
            for label, colour in class_colours(self._labels).items():
                self.of.addItem(chip_icon(colour), class_name(label), label)
        for symbol in self._elements if kind == "element" else ():
            self.of.addItem(symbol, symbol)
        self.of.setCurrentIndex(max(0, self.of.findData(wanted.of)))
        self.of.setToolTip("Nearest to one of this class first" if kind == "class" else "Most of this element first")
        self.of.setVisible(bool(kind))

    def _choices(self, sort: str) -> tuple[str, ...]:
        return {"": (), "class": self._labels, "element": self._elements}[SORT_FIELDS[sort].of]

    def _may_sort(self, sort: str) -> bool:
        return not SORT_FIELDS[sort].of or bool(self._choices(sort))

    def _with_choice(self, wanted: Arrangement) -> Arrangement:
        """With a class or an element that there is, where the order needs one."""
        choices = self._choices(wanted.sort)
        return wanted if not choices or wanted.of in choices else replace(wanted, of=choices[0])

    def _with_filters(self, filters: Filters) -> Arrangement:
        return replace(self._arrangement, filters=filters)

    def _chosen_in_pane(self, filters: Filters) -> None:
        """With the text as it stands in its field, though the search for it may not have begun."""
        self.set_arrangement(self._with_filters(replace(filters, text=self.search.text())))

    def _read(self) -> None:
        self.set_arrangement(
            replace(
                self._arrangement,
                sort=self.sort.currentData(),
                of=self.of.currentData() or "",
                reverse=self.reverse.isChecked(),
                grouped=self.grouped.isChecked(),
                filters=replace(self._arrangement.filters, text=self.search.text()),
            )
        )

    # -- making -----------------------------------------------------------------------------------

    def _fill(self) -> None:
        self.search.setAccessibleName("Search detections")
        self._fill_sort()
        for button, name, tip in (
            (self.filter_button, "filter", "Filters"),
            (self.reverse, "sort", "The other way round"),
            (self.grouped, "group", "Group by class"),
        ):
            set_icon(button, name)
            button.setCheckable(True)
            button.setAutoRaise(True)
            button.setToolTip(tip)
            button.setAccessibleName(tip)
        self.filter_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.pane.hide()

    def _fill_sort(self) -> None:
        self.sort.blockSignals(True)
        self.sort.clear()
        for field in SORT_FIELDS.values():
            if field.of != "element" or self._elements:
                self.sort.addItem(field.name, field.id)
                self.sort.setItemData(self.sort.count() - 1, field.first, Qt.ItemDataRole.ToolTipRole)
        self.sort.blockSignals(False)

    def _lay_out(self) -> None:
        self._find, self._order = QHBoxLayout(), QHBoxLayout()
        for row in (self._find, self._order):
            row.setSpacing(SPACE // 2)
        self._find.addWidget(self.search, 1)
        self._find.addWidget(self.filter_button)
        self._order.addWidget(self.sort, 1)
        self._order.addWidget(self.of, 1)
        for button in (self.weights, self.reverse, self.grouped):
            self._order.addWidget(button)
        self._rows = QGridLayout()
        self._rows.setContentsMargins(SPACE, SPACE, SPACE, SPACE)
        self._rows.setSpacing(SPACE)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(self._rows)
        column.addWidget(self.pane)
        self.chips.setContentsMargins(SPACE, 0, SPACE, SPACE)
        column.addWidget(self.chips)
        self._place(wide=False)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._wide != (self.width() >= WIDE_PX):
            self._place(wide=not self._wide)

    def _place(self, *, wide: bool) -> None:
        """One row where there is room for it, so that the crops get the height; else two."""
        self._wide = wide
        while self._rows.count():
            self._rows.takeAt(0)
        for row in (self._find, self._order):
            row.setParent(None)
        self._rows.addLayout(self._find, 0, 0)
        self._rows.addLayout(self._order, *((0, 1) if wide else (1, 0)))
        for column in (0, 1):
            self._rows.setColumnStretch(column, 1 if wide or not column else 0)

    def _connect(self) -> None:
        self._searching.timeout.connect(self._read)
        self.search.textChanged.connect(lambda _: self._searching.start())
        self.search.returnPressed.connect(self._read)
        for combo in (self.sort, self.of):
            combo.currentIndexChanged.connect(lambda _: self._read())
        for button in (self.reverse, self.grouped):
            button.toggled.connect(lambda _: self._read())
        self.filter_button.toggled.connect(self.pane.setVisible)
        self.pane.changed.connect(self._chosen_in_pane)
        self.chips.changed.connect(lambda filters: self.set_arrangement(self._with_filters(filters)))


def _combo(name: str, tool_tip: str) -> ComboBox:
    """A combo box that may become narrower than its longest entry."""
    combo = ComboBox()
    combo.setAccessibleName(name)
    combo.setToolTip(tool_tip)
    combo.setMinimumContentsLength(6)
    combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return combo
