"""Decides how a list of choices fits: it opens as wide as its longest text needs, and its narrower box elides the text."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QComboBox, QStyle, QStyleOptionComboBox, QStylePainter

from app.theme import SPACE


class ComboBox(QComboBox):
    """A combo box that may be narrower than its texts, then elided in the middle; the list never is."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, option = QStylePainter(self), QStyleOptionComboBox()
        self.initStyleOption(option)
        style = self.style()
        field = style.subControlRect(
            QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, self
        )
        icon = 0 if option.currentIcon.isNull() else option.iconSize.width() + 4
        option.currentText = self.shown_text(field.width() - icon)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()

    def shown_text(self, width_px: int) -> str:
        """The chosen text as it fits into a width; both its ends stay, as what tells two choices apart may be either."""
        room = max(width_px - 2 * self.style().pixelMetric(QStyle.PixelMetric.PM_FocusFrameHMargin), 0)
        return self.fontMetrics().elidedText(self.currentText(), Qt.TextElideMode.ElideMiddle, room)

    def showPopup(self) -> None:
        room = 3 * SPACE + self.view().verticalScrollBar().sizeHint().width()
        self.view().setMinimumWidth(self.view().sizeHintForColumn(0) + room)
        super().showPopup()
