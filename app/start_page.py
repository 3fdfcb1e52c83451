"""Decides what the window shows while nothing is open: how to open something, the last files, the sample."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.icons import icon, set_icon
from app.theme import RADIUS, SPACE, tokens

_WIDTH = 560
_SHOWN_RECENT = 5


class StartPage(QWidget):
    """A drop area with three buttons, and the recent files under it."""

    open_requested = Signal()
    folder_requested = Signal()
    sample_requested = Signal()
    recent_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.area = _DropArea()
        self._recent = QVBoxLayout()
        self._recent.setSpacing(0)
        self._recent_title = _muted(QLabel("Recent"))
        column = QVBoxLayout()
        column.setSpacing(SPACE)
        column.addStretch(2)
        column.addWidget(self.area)
        column.addSpacing(SPACE)
        column.addWidget(self._recent_title)
        column.addLayout(self._recent)
        column.addStretch(3)
        row = QHBoxLayout(self)
        row.addStretch(1)
        row.addLayout(column)
        row.addStretch(1)
        self.area.open_button.clicked.connect(self.open_requested)
        self.area.folder_button.clicked.connect(self.folder_requested)
        self.area.sample_button.clicked.connect(self.sample_requested)
        self.set_recent([])

    def set_recent(self, paths: Sequence[Path]) -> None:
        while (item := self._recent.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        for path in paths[:_SHOWN_RECENT]:
            self._recent.addWidget(self._recent_button(path))
        self._recent_title.setVisible(bool(paths))

    def _recent_button(self, path: Path) -> QPushButton:
        button = QPushButton()
        button.setFlat(True)
        button.setIcon(icon("recent"))
        set_icon(button, "project" if path.suffix == ".schliff" else "recent")
        folder = button.fontMetrics().elidedText(str(path.parent), Qt.TextElideMode.ElideMiddle, _WIDTH // 2)
        button.setText(f"{path.name}   {folder}")
        button.setToolTip(str(path))
        button.setStyleSheet("text-align: left; border: none; background: transparent; padding: 6px 8px;")
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        button.clicked.connect(lambda: self.recent_requested.emit(str(path)))
        return button


class _DropArea(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.setFixedWidth(_WIDTH)
        self.highlighted = False
        title = QLabel("Open a polished section")
        font = QFont(title.font())
        font.setPointSizeF(font.pointSizeF() * 1.7)
        font.setWeight(QFont.Weight.DemiBold)
        title.setFont(font)
        hint = _muted(QLabel("Drop a CZI, TIFF, OME-Zarr, PNG or JPEG here, or a .schliff project."))
        self.open_button = QPushButton("Open a section…")
        self.open_button.setDefault(True)
        self.folder_button = QPushButton("Open a project…")
        self.sample_button = QPushButton("Try the sample")
        for button, name in ((self.folder_button, "project"), (self.sample_button, "sample")):
            set_icon(button, name)
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE)
        buttons.addStretch(1)
        for button in (self.open_button, self.folder_button, self.sample_button):
            button.setIconSize(QSize(16, 16))
            button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
            buttons.addWidget(button)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4 * SPACE, 5 * SPACE, 4 * SPACE, 5 * SPACE)
        layout.setSpacing(SPACE)
        for label in (title, hint):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            layout.addWidget(label)
        layout.addSpacing(2 * SPACE)
        layout.addLayout(buttons)

    def set_highlighted(self, on: bool) -> None:
        """While something that can be opened is held over the window."""
        self.highlighted = on
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(QColor(theme.accent if self.highlighted else theme.border), 2 if self.highlighted else 1.5)
        pen.setDashPattern([4, 4])
        painter.setPen(pen)
        painter.setBrush(QColor(theme.surface))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 2 * RADIUS, 2 * RADIUS)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()


def _muted(label: QLabel) -> QLabel:
    label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
    return label
