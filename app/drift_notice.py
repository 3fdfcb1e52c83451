"""Decides how it is said that a section looks unlike what a model of normal learnt from, and what can be done about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.theme import SPACE, tokens

if TYPE_CHECKING:
    from core.anomaly.drift import Finding

_TITLE = "This section looks unlike what the model learnt from"
_STRIPE = 4  # px
_MOST = 3  # findings that are told; all are in the tool tip
_MATCH = {
    "grey": ("Match grey levels", "Brings brightness, contrast and colour to what the model learnt from"),
    "histogram": (
        "Match tones",
        "Brings each tone to what the model learnt from; phases may look more or less than they are",
    ),
}
_TRAIN = ("Train it further", "Goes on training with what is normal on this section")
_IGNORE = ("Ignore", "Hides this notice")


class DriftNotice(QWidget):
    """A bar with what differs, hidden while nothing does. `match_requested("grey" or "histogram")`: the section is to be
    scanned as the model knows it; `train_requested()`: the model is to learn more; `ignored()`."""

    match_requested = Signal(str)
    train_requested = Signal()
    ignored = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title, self.text, self.links = QLabel(_TITLE), QLabel(), QLabel()
        font = self.title.font()
        font.setWeight(font.Weight.DemiBold)
        self.title.setFont(font)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE + _STRIPE, SPACE, SPACE, SPACE)
        layout.setSpacing(SPACE // 2)
        for label in (self.title, self.text, self.links):
            label.setWordWrap(True)
            layout.addWidget(label)
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.links.setTextInteractionFlags(
            Qt.TextInteractionFlag.LinksAccessibleByMouse | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
        )
        self.links.linkActivated.connect(self._activated)
        self.links.linkHovered.connect(lambda link: self.links.setToolTip(_tip(link)))
        self.hide()

    def show_findings(self, findings: Sequence[Finding], matching: bool, training: bool = True) -> None:
        """What differs, the farthest first. `matching`: whether the model can have the section matched; `training`: whether
        it can be trained further."""
        self.text.setText("\n".join(one.text for one in findings[:_MOST]))
        self.setToolTip("\n".join(one.text for one in findings))
        helps = matching and any(one.can_be_matched for one in findings)
        offered = [
            *((how, name) for how, (name, _) in _MATCH.items() if helps),
            *([("train", _TRAIN[0])] if training else []),
        ]
        # Spaces that are kept, and swallowed where a line ends: what is wrapped begins at the left, and between links.
        links = (f'<a href="{link}">{_unbroken(name)}</a>' for link, name in (*offered, ("ignore", _IGNORE[0])))
        self.links.setText(f'<p style="white-space:pre-wrap">{"   ".join(links)}</p>')
        self.setVisible(bool(findings))

    def _activated(self, link: str) -> None:
        if link in _MATCH:
            self.match_requested.emit(link)
        elif link == "train":
            self.train_requested.emit()
        else:
            self.ignored.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = tokens(), QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.raised))
        painter.fillRect(0, 0, _STRIPE, self.height(), QColor(theme.warning))
        painter.end()


def _unbroken(name: str) -> str:
    return name.replace(" ", "\N{NO-BREAK SPACE}")


def _tip(link: str) -> str:
    return _MATCH[link][1] if link in _MATCH else {"train": _TRAIN[1], "ignore": _IGNORE[1]}.get(link, "")
