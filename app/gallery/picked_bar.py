"""Decides what the gallery says above a short list: what it is, why the selected one is on it, and how to leave it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.icons import set_icon
from app.session import Session
from app.theme import SPACE


class PickedBar(QWidget):
    """Hidden while all detections are shown."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.title, self.hint = QLabel(), QLabel()
        self.close_button = QToolButton(autoRaise=True)
        self._lay_out()
        session.picking.changed.connect(self._follow)
        session.selection_changed.connect(lambda source: self._follow())
        self._follow()

    def _follow(self) -> None:
        picking = self._session.picking
        self.setVisible(picking.picked is not None)
        if picking.picked is not None:
            self.title.setText(picking.picked.title)
            hint = picking.hint(self._session.selected_id)
            self.hint.setText(hint)
            self.hint.setVisible(bool(picking.picked.hints))

    def _lay_out(self) -> None:
        for label in (self.title, self.hint):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        font = self.title.font()
        font.setBold(True)
        self.title.setFont(font)
        self.hint.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        set_icon(self.close_button, "close")
        self.close_button.setToolTip("Show all detections again")
        self.close_button.setAccessibleName("Show all detections again")
        self.close_button.clicked.connect(self._session.picking.leave)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(self.title)
        words.addWidget(self.hint)
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE, 0, SPACE // 2, SPACE)
        row.addLayout(words, 1)
        row.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)
