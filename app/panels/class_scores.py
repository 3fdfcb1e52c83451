"""Decides how the scores of all classes at one detection are drawn and chosen: a bar each, the called class first."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.class_colours import class_colours
from app.own_keys import keeps_key
from app.scores import PROBABILITY, format_score
from app.theme import RADIUS
from core.class_colours import class_name
from core.top_classes import TOP

MOST = 5
LEAST_SHARE = 0.005
WIDEST_NUMBER = "0.0000"
SHORTEST_BAR = 48  # px; names give way beyond it
GAP = 8
INDENT = 6
_STEPS = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}


class ClassScores(QWidget):
    """Up to five classes; the others score next to nothing. One of the first three can be chosen.

    `chosen(str)` tells its label: a click, the arrow keys, or `choose`.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[tuple[str, float, QColor]] = []
        self._labels: list[str] = []
        self._current = self._hovered = -1
        self._full = 1.0
        self._unit = PROBABILITY
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName("Scores of the classes")

    @property
    def rows(self) -> list[tuple[str, float]]:
        return [(name, score) for name, score, _ in self._rows]

    @property
    def choices(self) -> list[str]:
        """The labels that can be chosen."""
        return self._labels[:TOP] if len(self._labels) > 1 else []

    @property
    def current(self) -> str:
        """The label that is chosen; "" for none."""
        return self._labels[self._current] if 0 <= self._current < len(self._labels) else ""

    def choose(self, place: int) -> None:
        """The class in a place, 0 being the first, where it can be chosen and isn't yet."""
        if 0 <= place < len(self.choices) and place != self._current:
            self._current = place
            self._describe()
            self.update()
            self.chosen.emit(self.current)

    def set_scores(
        self, scores: dict[str, float], labels: tuple[str, ...], full: float, unit: str = PROBABILITY, keep: str = ""
    ) -> None:
        """The class `keep` is chosen then, or the first one. `full` is the score of a whole bar, `unit` that of all scores."""
        self._unit = unit
        colours = class_colours(labels)
        self._full = full
        worth = [(label, s) for label, s in scores.items() if s >= LEAST_SHARE * full][:MOST]
        self._rows = [(class_name(label), score, colours[label]) for label, score in worth]
        self._labels = [label for label, _ in worth]
        choices = self.choices
        self._current = choices.index(keep) if keep in choices else min(len(choices), 1) - 1
        self._describe()
        self.updateGeometry()
        self.update()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self._tip(self._row_at(QPointF(event.pos()))), self)
            return True
        return (bool(self.choices) and keeps_key(event, _STEPS)) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = _STEPS.get(Qt.Key(event.key())) if self.choices else None
        if step is None:
            super().keyPressEvent(event)
        else:
            self.choose(self._current + step)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.choose(self._row_at(event.position()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self._row_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(-1)

    def _hover(self, row: int) -> None:
        hovered = row if row < len(self.choices) else -1
        if hovered != self._hovered:
            self._hovered = hovered
            self.setCursor(Qt.CursorShape.PointingHandCursor if hovered >= 0 else Qt.CursorShape.ArrowCursor)
            self.update()

    def _row_at(self, place: QPointF) -> int:
        return int(place.y() // self._row_height())

    def _tip(self, row: int) -> str:
        if 0 <= row < len(self.choices):
            return f"Show what speaks for “{self._rows[row][0].lower()}” ({row + 1})"
        return f"The highest score of each class within the box ({self._unit})"

    def _describe(self) -> None:
        said = [f"{name} {format_score(score, self._unit)}" for name, score in self.rows]
        if self._current >= 0:
            said[self._current] += ", shown above"
        self.setAccessibleDescription(", ".join(said))

    def sizeHint(self) -> QSize:
        return QSize(200, len(self._rows) * self._row_height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics = self.fontMetrics()
        number = metrics.horizontalAdvance(WIDEST_NUMBER)
        inner = self.width() - 2 * INDENT
        names = self.names_width(inner, max((metrics.horizontalAdvance(n) for n, _ in self.rows), default=0))
        track = QRectF(INDENT + names, 0, max(inner - names - number - 8, 10), 6)
        for place, (name, score, colour) in enumerate(self._rows):
            line = QRectF(0, place * self._row_height(), self.width(), self._row_height())
            self._draw_choice(painter, line, place)
            painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
            line.adjust(INDENT, 0, -INDENT, 0)
            text = metrics.elidedText(name, Qt.TextElideMode.ElideRight, names - GAP)
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
            painter.drawText(
                line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, format_score(score, self._unit)
            )
            track.moveTop(line.center().y() - 3)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self.palette().color(QPalette.ColorRole.Mid))
            painter.drawRoundedRect(track, 3, 3)
            painter.setBrush(colour)
            share = min(max(score / self._full, 0.0), 1.0)
            painter.drawRoundedRect(QRectF(track.x(), track.y(), max(track.width() * share, 6), 6), 3, 3)
        painter.end()

    def _draw_choice(self, painter: QPainter, line: QRectF, place: int) -> None:
        """The chosen row is framed, stronger with the keyboard's focus; the one under the mouse is tinted."""
        if place not in (self._current, self._hovered):
            return
        palette = self.palette()
        tint = palette.color(QPalette.ColorRole.Highlight if place == self._current else QPalette.ColorRole.Text)
        tint.setAlphaF(0.22 if place == self._current else 0.06)
        painter.setPen(palette.color(QPalette.ColorRole.Highlight) if self._is_ringed(place) else Qt.PenStyle.NoPen)
        painter.setBrush(tint)
        painter.drawRoundedRect(line.adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)

    def _is_ringed(self, place: int) -> bool:
        return place == self._current and self.hasFocus()

    def names_width(self, width: int, longest: int) -> int:
        """Of the column of names in px, with its gap, where the longest name takes `longest`: the bar gives way first.

        Advances are rounded, and Qt elides a text that lacks a fraction of a px: hence 2 more.
        """
        number = self.fontMetrics().horizontalAdvance(WIDEST_NUMBER)
        return min(longest + GAP + 2, max(width - number - SHORTEST_BAR, width // 3))

    def _row_height(self) -> int:
        return self.fontMetrics().height() + 6
