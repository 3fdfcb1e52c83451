"""Decides how a crop and the reasons over it are drawn: as large as there is room, with the detection's box."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.gallery.delegate import draw_scale_bar
from app.panels.why_evidence import fitted
from app.theme import RADIUS
from core.geometry import Box

LARGEST_SIDE, SMALLEST_SIDE = 420, 160
SHARE_OF_PANEL = 0.3


class WhyPicture(QWidget):
    """A square picture; `message` stands in its place while there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image: QImage | None = None
        self._crop: Box | None = None
        self._box: Box | None = None
        self._colour = QColor()
        self._width_um: float | None = None
        self._message = ""
        self._tallest = LARGEST_SIDE
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAccessibleName("Explanation")

    @property
    def image(self) -> QImage | None:
        return self._image

    @property
    def message(self) -> str:
        return self._message

    def show_image(self, image: QImage, crop: Box | None, box: Box, colour: QColor) -> None:
        """`crop` is what the image shows and `box` the detection, both in level-0 px; None: it shows another place."""
        self._image, self._crop, self._box, self._colour, self._message = image, crop, box, colour, ""
        self.update()

    def show_scale(self, width_um: float | None) -> None:
        """How wide the image is; None: nobody knows."""
        self._width_um = width_um
        self.update()

    def show_message(self, text: str) -> None:
        self._image, self._message = None, text
        self.setAccessibleDescription(text)
        self.update()

    def fit_into(self, height_px: int) -> None:
        """Leaves room for what stands below it in a panel of this height."""
        tallest = min(max(round(height_px * SHARE_OF_PANEL), SMALLEST_SIDE), LARGEST_SIDE)
        if tallest != self._tallest:
            self._tallest = tallest
            self.updateGeometry()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return min(width, self._tallest)

    def sizeHint(self) -> QSize:
        return QSize(280, 280)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 120)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        side = min(self.width(), self.height())
        frame = QRectF((self.width() - side) / 2, (self.height() - side) / 2, side, side)
        clip = QPainterPath()
        clip.addRoundedRect(frame, 2 * RADIUS, 2 * RADIUS)
        painter.setClipPath(clip)
        if self._image is None:
            self._draw_message(painter, frame)
        else:
            shown = fitted(self._image, frame)
            painter.drawImage(shown, self._image)
            self._draw_box(painter, shown)
            if self._width_um is not None:
                draw_scale_bar(painter, shown, self._width_um)
        painter.end()

    def _draw_message(self, painter: QPainter, frame: QRectF) -> None:
        tone = self.palette().color(QPalette.ColorRole.Text)
        tone.setAlphaF(0.05)
        painter.fillRect(frame, tone)
        painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(frame.adjusted(16, 16, -16, -16), flags, self._message)

    def _draw_box(self, painter: QPainter, frame: QRectF) -> None:
        if self._box is None or self._crop is None:
            return
        scale = frame.width() / self._crop.w
        at = self._box.moved(-self._crop.x, -self._crop.y).scaled(scale)
        rect = QRectF(frame.x() + at.x, frame.y() + at.y, at.w, at.h)
        painter.setPen(QPen(QColor(0, 0, 0, 90), 3.4))
        painter.drawRect(rect)
        painter.setPen(QPen(self._colour, 1.8))
        painter.drawRect(rect)
