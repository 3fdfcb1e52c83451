"""Icons are drawn at any size, none at all too."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap

from app.icons import _Drawing, icon


def drawn(rect: QRect) -> QPixmap:
    pixmap = QPixmap(20, 20)
    pixmap.fill(Qt.GlobalColor.white)
    painter = QPainter(pixmap)
    icon("close").paint(painter, rect)
    painter.end()
    return pixmap


def test_a_button_that_has_no_size_yet_draws_nothing(qtbot, qtlog):
    white = drawn(QRect(30, 30, 5, 5)).toImage()
    assert drawn(QRect(0, 0, 20, 20)).toImage() != white
    for empty in (QRect(), QRect(5, 5, 0, 0), QRect(5, 5, 9, 0)):
        assert drawn(empty).toImage() == white
    engine = _Drawing("close", "#000000", "#888888")
    assert engine.scaledPixmap(QSize(0, 12), QIcon.Mode.Normal, QIcon.State.Off, 1.0).isNull()
    assert not qtlog.records
