"""Decides how the values in sight are drawn, with the curve that makes them brightness, and how that curve is dragged."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen, QPolygonF, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.panels.display_handles import SIDE, Handle
from core.look import LEAST_GAMMA, MOST_GAMMA, Curve, gamma_for, middle_of
from core.looks.histogram import axis_ends, bars
from core.section import Array

_RGB = ("#e5484d", "#30a46c", "#3b82f6")
_CURVE_POINTS = 48
_HEIGHT_LINES = 6.5


class ToneHistogram(QWidget):
    """Counts of stored values, black, white and gamma. `curve_changed(Curve)` comes from the user's hand only."""

    curve_changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.counts: Array | None = None
        self.curve = Curve(0, 255)
        self.sample: int | None = None  # whose curve it is; the others' counts are drawn quietly
        self.logarithmic = False
        self._largest = 255
        self._ends = (0, 255)
        self.black = Handle("Black", "#000000", "Values up to this one are black", self)
        self.gamma = Handle("Gamma", "#808080", "The value that is shown half as bright as white", self)
        self.white = Handle("White", "#ffffff", "Values from this one on are white", self)
        for handle in (self.black, self.white, self.gamma):
            handle.dragged.connect(lambda x, moved=handle: self._move(moved, self._value(x)))
            handle.released.connect(self._fit)
            handle.stepped.connect(lambda steps, moved=handle: self._step(moved, steps))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("How often each value occurs in what is in sight")
        self._held: Handle | None = None

    def show_counts(self, counts: Array | None) -> None:
        """(samples, 256 or 65536), or None while nothing is known."""
        self.counts = counts
        self._fit()

    def show_curve(self, curve: Curve, sample: int | None, largest: int) -> None:
        if (curve, sample, largest) != (self.curve, self.sample, self._largest):
            self.curve, self.sample, self._largest = curve, sample, largest
            self._fit()

    def set_logarithmic(self, on: bool) -> None:
        self.logarithmic = on
        self.update()

    def x_of(self, value: float) -> float:
        """Where a stored value lies, in px of the widget."""
        area, (first, last) = self._area(), self._ends
        return area.x() + (value - first) / max(last - first, 1) * area.width()

    def sizeHint(self) -> QSize:
        return QSize(160, round(self.fontMetrics().height() * _HEIGHT_LINES) + SIDE)

    # -- the user's hand --------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """The nearest of the three is taken, so that nobody has to aim."""
        if event.button() == Qt.MouseButton.LeftButton:
            x = event.position().x()
            handles = (self.gamma, self.black, self.white)
            self._held = min(handles, key=lambda handle: abs(handle.geometry().center().x() - x))
            self._held.setFocus(Qt.FocusReason.MouseFocusReason)
            self._move(self._held, self._value(x))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held is not None and event.buttons() & Qt.MouseButton.LeftButton:
            self._move(self._held, self._value(event.position().x()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._held = None
        self._fit()

    def _step(self, handle: Handle, steps: int) -> None:
        if handle is self.gamma:
            gamma = self.curve.gamma * 1.02**steps  # to the right: darker
            self._tell(replace(self.curve, gamma=min(max(gamma, LEAST_GAMMA), MOST_GAMMA)))
            return
        step = max((self._ends[1] - self._ends[0]) // 256, 1) * steps
        self._move(handle, (self.curve.low if handle is self.black else self.curve.high) + step)

    def _move(self, handle: Handle, value: float) -> None:
        """Black stays below white, and gamma keeps its own value while they move."""
        low, high, whole = self.curve.low, self.curve.high, round(value)
        if handle is self.gamma:
            self._tell(replace(self.curve, gamma=gamma_for(low, high, value)))
        elif handle is self.black:
            self._tell(replace(self.curve, low=min(max(whole, 0), high - 1)))
        else:
            self._tell(replace(self.curve, high=max(min(whole, self._largest), low + 1)))

    def _tell(self, curve: Curve) -> None:
        if curve != self.curve:
            self.curve = curve
            self._place_handles()
            self.update()
            self.curve_changed.emit(curve)

    # -- drawing ----------------------------------------------------------------------------------

    def _fit(self) -> None:
        """The axis stays while somebody drags along it."""
        if self._held is None and not any(handle.held for handle in (self.black, self.gamma, self.white)):
            self._ends = axis_ends(self.counts, self.curve.low, self.curve.high, self._largest)
        self._place_handles()
        self.update()

    def _place_handles(self) -> None:
        bottom = self._area().bottom() + 1
        values = (self.curve.low, middle_of(self.curve), self.curve.high)
        for handle, value in zip((self.black, self.gamma, self.white), values, strict=True):
            x = min(max(self.x_of(value), self._area().left()), self._area().right())
            handle.put(x, bottom)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_handles()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        area, palette = self._area(), self.palette()
        painter.fillRect(area, palette.color(QPalette.ColorRole.Base))
        painter.setClipRect(area)
        self._paint_counts(painter, area)
        self._paint_curve(painter, area)
        painter.setClipping(False)
        painter.setPen(palette.color(QPalette.ColorRole.Mid))
        painter.drawRect(area.adjusted(-0.5, -0.5, 0.5, 0.5))
        painter.end()

    def _paint_counts(self, painter: QPainter, area: QRectF) -> None:
        if self.counts is None:
            return
        heights = bars(self.counts, *self._ends, round(area.width()), logarithmic=self.logarithmic)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        grey = self.palette().color(QPalette.ColorRole.PlaceholderText)
        for sample, heights_of_one in enumerate(heights):
            colour = QColor(_RGB[sample]) if len(heights) == 3 else QColor(grey)
            loud = self.sample is None or self.sample == sample
            colour.setAlpha((110 if len(heights) == 3 else 190) if loud else 35)
            painter.setBrush(colour)
            width = area.width() / len(heights_of_one)
            points = [QPointF(area.left(), area.bottom())]
            for i, height in enumerate(heights_of_one):
                y = area.bottom() - height * (area.height() - 2)
                points += [QPointF(area.left() + i * width, y), QPointF(area.left() + (i + 1) * width, y)]
            painter.drawPolygon(QPolygonF([*points, QPointF(area.right(), area.bottom())]))

    def _paint_curve(self, painter: QPainter, area: QRectF) -> None:
        curve, palette = self.curve, self.palette()
        left, right = self.x_of(curve.low), self.x_of(curve.high)
        outside = QColor(palette.color(QPalette.ColorRole.Window))
        outside.setAlpha(150)
        painter.fillRect(QRectF(area.left(), area.top(), left - area.left(), area.height()), outside)
        painter.fillRect(QRectF(right, area.top(), area.right() - right, area.height()), outside)
        line = QPen(palette.color(QPalette.ColorRole.Text), 1)
        painter.setPen(line)
        for x in (left, right):
            painter.drawLine(QLineF(x, area.top(), x, area.bottom()))
        shares = [i / _CURVE_POINTS for i in range(_CURVE_POINTS + 1)]
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(palette.color(QPalette.ColorRole.Highlight), 1.6))
        painter.drawPolyline(
            QPolygonF(
                [QPointF(left + s * (right - left), area.bottom() - s**curve.gamma * area.height()) for s in shares]
            )
        )

    def _value(self, x: float) -> float:
        area, (first, last) = self._area(), self._ends
        return first + (x - area.x()) / area.width() * (last - first)

    def _area(self) -> QRectF:
        """Of the plot; the handles hang below it and reach half their width beyond it."""
        return QRectF(self.rect()).adjusted(SIDE / 2, 1, -SIDE / 2, -SIDE - 1)
