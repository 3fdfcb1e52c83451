"""Decides how a position is asked for: one line that says at once how it was understood."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QDialog, QDialogButtonBox, QLabel, QLineEdit, QVBoxLayout, QWidget

from app.layout import muted
from app.theme import SPACE, tokens
from core.goto import Goal, Hint, understand
from core.section import SectionInfo


class GotoDialog(QDialog):
    """`chosen` when a point of the section is confirmed."""

    chosen = Signal(float, float, bool)  # level-0 px; whether to look at it one to one

    def __init__(self, parent: QWidget, info: SectionInfo, *, one_to_one: bool = True) -> None:
        super().__init__(parent)
        self._info = info
        self.understood: Goal | Hint = Hint("")
        self.setWindowTitle("Go to")
        self.line = QLineEdit()
        self.line.setPlaceholderText(_placeholder(info))
        self.line.setAccessibleName("Position")
        self.line.setToolTip("Two numbers; px unless a unit stands behind them: µm or mm")
        self.answer = QLabel()
        self.answer.setWordWrap(True)
        self.answer.setMinimumHeight(2 * self.answer.fontMetrics().lineSpacing())
        self.one_to_one = QCheckBox("Look at it one to one")
        self.one_to_one.setChecked(one_to_one)
        self.one_to_one.setToolTip("Otherwise the zoom stays as it is")
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.go = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        self.go.setText("Go")
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setSpacing(SPACE)
        layout.addWidget(muted(_explanation(info)))
        for widget in (self.line, self.answer, self.one_to_one, self.buttons):
            layout.addWidget(widget)
        self.line.textChanged.connect(self._read)
        self.setMinimumWidth(440)
        self._read("")

    def accept(self) -> None:
        if isinstance(self.understood, Goal):
            self.chosen.emit(self.understood.x_px, self.understood.y_px, self.one_to_one.isChecked())
            super().accept()

    def _read(self, text: str) -> None:
        self.understood = understand(text, self._info)
        is_goal = isinstance(self.understood, Goal)
        self.go.setEnabled(is_goal)
        colour = tokens().text if is_goal else tokens().muted
        self.answer.setText(self.understood.text)
        self.answer.setStyleSheet(f"color: {colour}")


def _placeholder(info: SectionInfo) -> str:
    return f"{info.width_px // 2}, {info.height_px // 2}"


def _explanation(info: SectionInfo) -> str:
    if info.stage.source != "none":
        return "Pixels, or a position on the stage with its unit (µm or mm)."
    if info.pixel_size_um is not None:
        return "Pixels, or µm or mm from the top-left corner. The file says nothing of the stage."
    return "Pixels from the top-left corner. The file says neither stage nor pixel size."
