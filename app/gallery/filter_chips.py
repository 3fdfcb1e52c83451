"""Decides how the filters that hold are shown: a chip each, which takes its own away, and one button for all of them."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSizePolicy, QToolButton, QWidget

from app.icons import set_icon
from app.wrap_layout import WrapLayout
from core.filters import Filters

LONGEST = 34  # characters of a chip


class FilterChips(QWidget):
    """Hidden while nothing is filtered. `changed(Filters)` follows the user's hand."""

    changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._filters = Filters()
        self.chips: dict[str, QToolButton] = {}
        self.clear_all = _chip("", "Show all again")
        self.clear_all.clicked.connect(lambda: self.changed.emit(Filters()))
        self._flow = WrapLayout(self)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.hide()

    def show_filters(self, filters: Filters, size_unit: str) -> None:
        self._filters = filters
        for button in self.chips.values():
            self._flow.removeWidget(button)
            button.hide()
            button.deleteLater()
        self._flow.removeWidget(self.clear_all)
        self.chips = {name: self._make(name, filters.words(name, size_unit)) for name in filters.active}
        self.clear_all.setText(f"Clear all {len(self.chips)}")
        self.clear_all.setVisible(len(self.chips) > 1)
        self._flow.addWidget(self.clear_all)
        self.setVisible(bool(self.chips))
        self.updateGeometry()

    def _make(self, name: str, words: str) -> QToolButton:
        chip = _chip(words if len(words) <= LONGEST else words[: LONGEST - 1] + "…", f"Take this filter away: {words}")
        set_icon(chip, "close")
        chip.clicked.connect(lambda: self.changed.emit(self._filters.without(name)))
        self._flow.addWidget(chip)
        chip.show()
        return chip


def _chip(text: str, tip: str) -> QToolButton:
    chip = QToolButton()
    chip.setProperty("chip", True)
    chip.setText(text)
    chip.setToolTip(tip)
    chip.setAccessibleName(tip)
    chip.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    return chip
