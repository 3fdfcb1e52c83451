"""Decides how the scale of a section is entered by hand: as a number, or from a line over something of known length."""

from __future__ import annotations

import math

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from app.combo import ComboBox
from app.layout import muted
from app.theme import SPACE, tokens
from core.calibration import PixelSize, measured, pixel_size
from core.drawing import Drawing
from core.errors import SchliffError
from core.registration.pasted import number_in
from core.section import SectionInfo

_UNITS = (("µm", 1.0), ("mm", 1000.0), ("nm", 0.001))


class ScaleDialog(QDialog):
    """`chosen` with what was entered, None for what the file states; `line_wanted` when one is to be drawn first."""

    chosen = Signal(object)  # PixelSize or None
    line_wanted = Signal()

    def __init__(self, parent: QWidget, info: SectionInfo, line: Drawing | None) -> None:
        super().__init__(parent)
        self._stated = (info.as_stated or info).pixel_size_um
        self._line = line
        self.understood: PixelSize | None = None
        self.setWindowTitle("Set the scale")
        self.typed, self.drawn, self.stated = QRadioButton("A pixel is"), QRadioButton(), QRadioButton()
        self.um, self.length, self.unit = QLineEdit(), QLineEdit(), ComboBox()
        self.draw = QPushButton("Draw a line…")
        self.answer = QLabel(wordWrap=True)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.accept_button = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        self.accept_button.setText("Set the scale")
        self._lay_out(info)
        self._connect()
        (self.drawn if line is not None else self.typed).setChecked(True)
        (self.length if line is not None else self.um).setFocus()
        self._read()

    def accept(self) -> None:
        if self.accept_button.isEnabled():
            self.chosen.emit(self.understood)
            super().accept()

    def _lay_out(self, info: SectionInfo) -> None:
        own = self._stated
        self.stated.setText(
            f"As the file states: {own[0]:.6g} × {own[1]:.6g} µm" if own else "None, as in the file: lengths in pixels"
        )
        self.drawn.setText(f"The line of {_length_px(self._line):,.1f} px is" if self._line else "A line is")
        for edit, name, tip in (
            (self.um, "µm per pixel", "What a pixel of the full resolution measures, in µm"),
            (self.length, "Length of the line", "What the line measures in truth, in the unit beside it"),
        ):
            edit.setAccessibleName(name)
            edit.setToolTip(tip)
        if info.pixel_size_um is not None:
            self.um.setText(f"{info.pixel_size_um[0]:.8g}")
        for name, factor in _UNITS:
            self.unit.addItem(name, factor)
        self.unit.setAccessibleName("Unit of the length")
        self.unit.setToolTip("The unit of the length")
        self.unit.setMinimumContentsLength(4)
        self.length.setEnabled(self._line is not None)
        self.unit.setEnabled(self._line is not None)
        self.drawn.setEnabled(self._line is not None)
        self.draw.setToolTip("Over a scale bar in the image, or a feature whose size is known")
        grid = QGridLayout()
        grid.setHorizontalSpacing(SPACE)
        grid.setVerticalSpacing(SPACE)
        grid.addWidget(self.typed, 0, 0)
        grid.addWidget(self.um, 0, 1)
        grid.addWidget(QLabel("µm wide"), 0, 2)
        grid.addWidget(self.drawn, 1, 0)
        grid.addWidget(self.length, 1, 1)
        grid.addWidget(self.unit, 1, 2)
        grid.addWidget(self.draw, 2, 1, 1, 2)
        grid.addWidget(self.stated, 3, 0, 1, 3)
        grid.setColumnStretch(1, 1)
        self._choice = QButtonGroup(self)
        for button in (self.typed, self.drawn, self.stated):
            self._choice.addButton(button)
        self.answer.setMinimumHeight(2 * self.answer.fontMetrics().lineSpacing())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setSpacing(SPACE)
        layout.addWidget(
            muted("Lengths, areas, the scale bar, exports and the next scans go by it. Ctrl+Z takes it back.")
        )
        layout.addLayout(grid)
        layout.addWidget(self.answer)
        layout.addWidget(self.buttons)
        self.setMinimumWidth(460)

    def _connect(self) -> None:
        self.um.textEdited.connect(lambda _: self._take(self.typed))
        self.length.textEdited.connect(lambda _: self._take(self.drawn))
        self.unit.currentIndexChanged.connect(lambda _: self._take(self.drawn))
        self._choice.buttonToggled.connect(lambda *_: self._read())
        self.draw.clicked.connect(self._want_line)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)

    def _take(self, choice: QRadioButton) -> None:
        choice.setChecked(True)
        self._read()

    def _want_line(self) -> None:
        self.reject()
        self.line_wanted.emit()

    def _read(self) -> None:
        """Says at once how it was understood, or why not."""
        self.understood, text, is_good = None, "", True
        try:
            if not self.stated.isChecked():
                self.understood = self._entered()
                text = f"{self.understood[0]:.6g} × {self.understood[1]:.6g} µm per px, entered by hand."
        except (SchliffError, ValueError) as error:
            is_good = False
            text = error.what if isinstance(error, SchliffError) else ""
        self.accept_button.setEnabled(is_good)
        self.answer.setText(text)
        self.answer.setStyleSheet(f"color: {tokens().text if is_good else tokens().muted}")

    def _entered(self) -> PixelSize:
        """Raises ValueError while nothing is written yet, SchliffError for what can't be."""
        if self.drawn.isChecked() and self._line is not None:
            length = number_in(self.length.text()) * float(self.unit.currentData())
            return measured(self._line.points, length, self._stated)
        across = number_in(self.um.text())
        return pixel_size(across, across * self._stated[1] / self._stated[0] if self._stated else across)


def is_line(drawing: Drawing | None) -> bool:
    """Whether a length can be read off it."""
    return drawing is not None and drawing.kind in ("ruler", "profile") and not drawing.is_angle


def _length_px(line: Drawing) -> float:
    return math.dist(*line.points)
