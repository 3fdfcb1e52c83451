"""Decides how the view says that pixels are enhanced for the eye: a small badge with a button that switches it off."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from app.theme import RADIUS, SPACE
from core.look import Look

_STYLE = f"""
LookBadge {{ background: rgba(12, 14, 16, 200); border-radius: {RADIUS}px; }}
QLabel {{ color: white; }}
QPushButton {{ color: white; background: transparent; border: 1px solid rgba(255, 255, 255, 110);
  border-radius: {RADIUS}px; padding: 1px 8px; }}
QPushButton:hover, QPushButton:focus {{ background: rgba(255, 255, 255, 50); }}
"""


class LookBadge(QFrame):
    """Lies over the canvas while a look is enhanced, and only then."""

    switched_off = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setStyleSheet(_STYLE)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.setToolTip("Models get the pixels of the file, without this. Change it in the panel Display")
        self.label = QLabel()
        self.off = QPushButton("Switch off")
        self.off.setToolTip("Show the pixels as the camera saw them (Shift+E)")
        self.off.setCursor(Qt.CursorShape.ArrowCursor)
        self.off.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.off.clicked.connect(self.switched_off)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE, SPACE // 2, SPACE // 2, SPACE // 2)
        layout.setSpacing(SPACE)
        layout.addWidget(self.label)
        layout.addWidget(self.off)
        self.hide()

    def show_look(self, look: Look, *, preparing: bool) -> None:
        """`preparing`: something of it can't be seen yet."""
        text = f"For the eye only: {', '.join(enhancements(look))}"
        self.label.setText(f"{text}; measuring…" if preparing else text)
        self.resize(self.sizeHint())
        self.setVisible(look.is_enhanced)


def enhancements(look: Look) -> list[str]:
    """What is done to the pixels of an enhanced look, in words."""
    done = {
        "sharpened": look.sharpening,
        "local contrast": look.local_contrast,
        "camera tiles evened out": look.flat_field,
    }
    return [name for name, strength in done.items() if strength]
