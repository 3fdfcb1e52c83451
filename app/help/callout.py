"""Decides how the tour points at something: the rest is dimmed, a ring lies round it, a card stands beside it."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPainterPath, QPaintEvent, QPen, QPolygon
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.layout import muted
from app.theme import RADIUS, SPACE, is_dark, tokens

CARD_WIDTH = 320
GAP = 2 * SPACE  # from the ring to the card: room for the arrow
_RING = 3
_ARROW = 10


def place_card(card: QSize, target: QRect, room: QRect) -> QRect:
    """Where a card stands that speaks of `target`, inside `room`: beside it where it covers nothing of it, else where it
    covers least. An empty target has it in the middle."""
    if target.isEmpty():
        middle = QRect(QPoint(0, 0), card)
        middle.moveCenter(room.center())
        return middle
    x = target.center().x() - card.width() // 2
    y = target.center().y() - card.height() // 2
    corners = (
        QPoint(target.right() + GAP, y),
        QPoint(target.left() - GAP - card.width(), y),
        QPoint(x, target.bottom() + GAP),
        QPoint(x, target.top() - GAP - card.height()),
    )
    places = [_kept_inside(QRect(corner, card), room) for corner in corners]
    return min(places, key=lambda place: _area(place.intersected(target)))


def _kept_inside(place: QRect, room: QRect) -> QRect:
    x = max(room.left(), min(place.x(), room.right() - place.width() + 1))
    y = max(room.top(), min(place.y(), room.bottom() - place.height() + 1))
    return QRect(QPoint(x, y), place.size())


def _area(rect: QRect) -> int:
    return 0 if rect.isEmpty() else rect.width() * rect.height()


class Spotlight(QWidget):
    """Lies over the window and lets every click through. `show_at(target, card)` in the window's px."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.target, self._card = QRect(), QRect()

    def show_at(self, target: QRect, card: QRect) -> None:
        self.target, self._card = target, card
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ring = QRectF(self.target).adjusted(-_RING, -_RING, _RING, _RING).intersected(QRectF(self.rect()))
        dimmed, hole = QPainterPath(), QPainterPath()
        dimmed.addRect(QRectF(self.rect()))
        if not self.target.isEmpty():
            hole.addRoundedRect(ring, RADIUS + _RING, RADIUS + _RING)
        painter.fillPath(dimmed.subtracted(hole), QColor(0, 0, 0, 120 if is_dark(self.palette()) else 70))
        if self.target.isEmpty():
            return
        painter.setPen(QPen(QColor(theme.accent), _RING))
        half = _RING / 2
        painter.drawRoundedRect(ring.adjusted(half, half, -half, -half), RADIUS + half, RADIUS + half)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.accent))
        painter.drawPolygon(self._arrow())

    def _arrow(self) -> QPolygon:
        """From the side of the card that looks at the target, towards it; none where they touch."""
        card, target = self._card, self.target
        middle_x = max(card.left() + 2 * _ARROW, min(target.center().x(), card.right() - 2 * _ARROW))
        middle_y = max(card.top() + 2 * _ARROW, min(target.center().y(), card.bottom() - 2 * _ARROW))
        if card.left() > target.right():
            tip, along = QPoint(card.left() - _ARROW, middle_y), QPoint(0, _ARROW)
            base = QPoint(card.left(), middle_y)
        elif card.right() < target.left():
            tip, along = QPoint(card.right() + _ARROW, middle_y), QPoint(0, _ARROW)
            base = QPoint(card.right() + 1, middle_y)
        elif card.top() > target.bottom():
            tip, along = QPoint(middle_x, card.top() - _ARROW), QPoint(_ARROW, 0)
            base = QPoint(middle_x, card.top())
        elif card.bottom() < target.top():
            tip, along = QPoint(middle_x, card.bottom() + _ARROW), QPoint(_ARROW, 0)
            base = QPoint(middle_x, card.bottom() + 1)
        else:
            return QPolygon()
        return QPolygon([tip, base + along, base - along])


class Card(QFrame):
    """What the tour says of one step, and its three buttons. The Tab key stays inside."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("tour-card")
        self.setFixedWidth(CARD_WIDTH)
        self.count, self.title, self.text = muted(wrap=False), QLabel(), QLabel()
        for label in (self.title, self.text):
            label.setWordWrap(True)
        self.text.setTextFormat(Qt.TextFormat.RichText)
        font = QFont(self.title.font())
        font.setPointSizeF(font.pointSizeF() * 1.25)
        font.setWeight(QFont.Weight.DemiBold)
        self.title.setFont(font)
        self.skip, self.back, self.next = QPushButton("Skip"), QPushButton("Back"), QPushButton("Next")
        for button in (self.skip, self.back, self.next):
            button.setAutoDefault(True)  # the Return key presses it, too
        self.skip.setToolTip("Ends the tour (Esc). Help ▸ Show me around begins it again")
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE)
        buttons.addWidget(self.skip)
        buttons.addStretch(1)
        buttons.addWidget(self.back)
        buttons.addWidget(self.next)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setSpacing(SPACE)
        for label in (self.count, self.title, self.text):
            layout.addWidget(label)
        layout.addSpacing(SPACE)
        layout.addLayout(buttons)
        self.dress()

    def dress(self) -> None:
        """In the colours of the theme."""
        theme = tokens()
        sheet = f"#tour-card {{ background: {theme.raised}; border: 1px solid {theme.accent}; border-radius: 8px; }}"
        if sheet != self.styleSheet():
            self.setStyleSheet(sheet)

    def wanted_size(self) -> QSize:
        return QSize(CARD_WIDTH, self.heightForWidth(CARD_WIDTH))

    def focusNextPrevChild(self, forward: bool) -> bool:
        reachable = [one for one in (self.next, self.skip, self.back) if one.isEnabled() and one.isVisible()]
        at = next((i for i, one in enumerate(reachable) if one.hasFocus()), -1)
        if reachable:
            reachable[(at + (1 if forward else -1)) % len(reachable)].setFocus(Qt.FocusReason.TabFocusReason)
        return True
