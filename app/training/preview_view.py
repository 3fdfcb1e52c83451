"""Decides how it is shown what a network of normal makes of windows it doesn't learn from, while it learns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPaintEvent, QPalette
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import RADIUS, SPACE

_WIDEST = 480  # px; larger is only coarser


class PreviewView(QWidget):
    """A picture of columns with a title above each; hidden while there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.image = QImage()
        self.titles: Sequence[str] = ()
        self._written = -1
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setToolTip("Windows it does not learn from, as they are and as the network makes them now")
        self.setAccessibleName("Preview of what it has learnt")
        self.hide()

    def show_file(self, path: Path | None, titles: Sequence[str]) -> None:
        """The picture as it is stored now, where it has changed since; None, or a file that isn't there: nothing."""
        try:
            written = path.stat().st_mtime_ns if path is not None else -1
        except OSError:
            written = -1
        if written == self._written and tuple(titles) == tuple(self.titles):
            return
        self._written, self.titles = written, titles
        self.image = QImage(str(path)) if written >= 0 else QImage()
        self.setVisible(not self.image.isNull())
        self.updateGeometry()
        self.update()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        if self.image.isNull():
            return 0
        return self._head() + round(min(width, _WIDEST) * self.image.height() / self.image.width())

    def sizeHint(self) -> QSize:
        return QSize(280, self.heightForWidth(280))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        width, head = min(self.width(), _WIDEST), self._head()
        painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
        column = width / max(len(self.titles), 1)
        for place, title in enumerate(self.titles):
            text = self.fontMetrics().elidedText(title, Qt.TextElideMode.ElideRight, int(column) - 2)
            painter.drawText(QRectF(place * column, 0, column, head), Qt.AlignmentFlag.AlignHCenter, text)
        frame = QRectF(0, head, width, self.height() - head)
        edge = QPainterPath()
        edge.addRoundedRect(frame, RADIUS, RADIUS)
        painter.setClipPath(edge)
        painter.drawImage(frame, self.image)
        painter.end()

    def _head(self) -> int:
        return self.fontMetrics().height() + SPACE // 2 if self.titles else 0
