"""Decides how further pictures of a model's reasons stand below the crop: in as many columns as there is room for, each
with its title, and which of them is shown large."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPaintEvent, QPalette, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from app.gallery.rendering import to_image
from app.theme import RADIUS, SPACE

if TYPE_CHECKING:
    from core.models.base import Evidence

NARROWEST, WIDEST = 88, 200  # px, side of one picture


class EvidencePicture(QAbstractButton):
    """One picture and the title under it. Pressed, it is the one that is shown large."""

    def __init__(self, evidence: Evidence, parent: QWidget) -> None:
        super().__init__(parent)
        self.image = to_image(evidence.pixels)
        self.setText(evidence.title)
        self.setCheckable(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(evidence.title)
        self.setToolTip(f"{evidence.title}. Click to see it large, and again to go back")

    def height_for(self, width: int) -> int:
        return width + SPACE // 2 + self.fontMetrics().height()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        palette = self.palette()
        square = QRectF(0, 0, self.width(), self.width())
        edge = QPainterPath()
        edge.addRoundedRect(square.adjusted(1, 1, -1, -1), RADIUS, RADIUS)
        painter.save()
        painter.setClipPath(edge)
        painter.drawImage(fitted(self.image, square), self.image)
        painter.restore()
        if self.isChecked() or self.hasFocus() or self.underMouse():
            painter.setPen(QPen(palette.color(QPalette.ColorRole.Highlight), 2.0 if self.isChecked() else 1.2))
            painter.drawPath(edge)
        role = QPalette.ColorRole.WindowText if self.isChecked() else QPalette.ColorRole.PlaceholderText
        painter.setPen(palette.color(role))
        title = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        below = QRectF(0, self.width() + SPACE // 2, self.width(), self.fontMetrics().height())
        painter.drawText(below, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, title)
        painter.end()


class EvidencePictures(QWidget):
    """`chosen(place)` when one is to be seen large, -1 when none is any more."""

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.pictures: list[EvidencePicture] = []
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.hide()

    def show_evidence(self, evidence: Sequence[Evidence]) -> None:
        """Those of another explanation; none of them is chosen."""
        for picture in self.pictures:
            picture.hide()
            picture.deleteLater()
        self.pictures = [EvidencePicture(one, self) for one in evidence]
        for place, picture in enumerate(self.pictures):
            picture.clicked.connect(lambda on, place=place: self._clicked(place, on))
            picture.show()
        self.setVisible(bool(self.pictures))
        self._place()
        self.updateGeometry()

    def _clicked(self, place: int, on: bool) -> None:
        for index, picture in enumerate(self.pictures):
            picture.setChecked(on and index == place)
        self.chosen.emit(place if on else -1)

    # -- where they stand -------------------------------------------------------------------------

    def columns_in(self, width: int) -> int:
        """As many as there is room for, in rows that are as full as each other: four never stand as three and one."""
        count = len(self.pictures)
        room = max(1, (width + SPACE) // (NARROWEST + SPACE))
        rows = math.ceil(count / room) if count else 1
        return max(1, math.ceil(count / rows))

    def _side(self, width: int) -> int:
        columns = self.columns_in(width)
        return min((width - SPACE * (columns - 1)) // columns, WIDEST)

    def _place(self) -> None:
        side, columns = self._side(self.width()), self.columns_in(self.width())
        for index, picture in enumerate(self.pictures):
            row, column = divmod(index, columns)
            height = picture.height_for(side)
            picture.setGeometry(column * (side + SPACE), row * (height + SPACE), side, height)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        if not self.pictures:
            return 0
        rows = math.ceil(len(self.pictures) / self.columns_in(width))
        return rows * (self.pictures[0].height_for(self._side(width)) + SPACE) - SPACE

    def sizeHint(self) -> QSize:
        return QSize(280, self.heightForWidth(280))

    def minimumSizeHint(self) -> QSize:
        return QSize(NARROWEST, 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._place()
        super().resizeEvent(event)


def fitted(image: QImage, frame: QRectF) -> QRectF:
    """Where in a frame a picture of any shape is drawn so that all of it is seen."""
    size = QSizeF(image.size()).scaled(frame.size(), Qt.AspectRatioMode.KeepAspectRatio)
    corner = frame.center() - QPointF(size.width() / 2, size.height() / 2)
    return QRectF(corner, size)
