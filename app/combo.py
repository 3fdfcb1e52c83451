"""Decides how wide a list of choices opens: as wide as its longest text needs, however narrow its box has become."""

from __future__ import annotations

from PySide6.QtWidgets import QComboBox

from app.theme import SPACE


class ComboBox(QComboBox):
    """A combo box that may be narrower than its texts; the list never is."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)

    def showPopup(self) -> None:
        room = 3 * SPACE + self.view().verticalScrollBar().sizeHint().width()
        self.view().setMinimumWidth(self.view().sizeHintForColumn(0) + room)
        super().showPopup()
