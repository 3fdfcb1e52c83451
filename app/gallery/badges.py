"""Decides how a review decision looks: one sign and one colour per status, drawn at any size."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPainterPath, QPen, QPixmap

from core.detection import Status

# Accepted, set aside, rejected, unsure: teal, amber, grey and indigo stay apart for the colour-blind too; signs say the same.
STATUS_COLOURS: dict[Status, str] = {
    "unreviewed": "#8A919C",
    "defect": "#0B7A75",
    "artefact": "#A15C00",
    "false_alarm": "#5C6670",
    "unsure": "#4A5BC4",
}


def draw_badge(painter: QPainter, rect: QRectF, status: Status) -> None:
    """A disc with a sign: a tick (defect), a tilde (artefact), a cross (false alarm), a question mark (unsure); a ring while
    unreviewed."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    colour = QColor(STATUS_COLOURS[status])
    stroke = rect.width() / 9
    if status == "unreviewed":
        painter.setPen(QPen(colour, stroke))
        painter.drawEllipse(rect.adjusted(stroke, stroke, -stroke, -stroke))
    else:
        painter.setPen(QPen(QColor(255, 255, 255, 230), stroke * 0.8))
        painter.setBrush(colour)
        painter.drawEllipse(rect.adjusted(stroke / 2, stroke / 2, -stroke / 2, -stroke / 2))
        pen = QPen(Qt.GlobalColor.white, stroke * 1.2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(_sign(rect, status))
    painter.restore()


def status_icon(status: Status, side: int = 32) -> QIcon:
    """The badge as an icon for menus and combo boxes."""
    pixmap = QPixmap(side, side)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    gap = side / 10  # styles set the text close to an icon
    draw_badge(painter, QRectF(0, gap, side - 2 * gap, side - 2 * gap), status)
    painter.end()
    return QIcon(pixmap)


def chip_icon(colour: QColor, side: int = 32) -> QIcon:
    """A class colour as an icon: a rounded square, outlined so that it shows on any background."""
    pixmap = QPixmap(side, side)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    draw_chip(painter, QRectF(0, 0, side, side).adjusted(4, 4, -4, -4), colour)
    painter.end()
    return QIcon(pixmap)


def draw_chip(painter: QPainter, rect: QRectF, colour: QColor) -> None:
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(colour.darker(150), max(1.0, rect.width() / 14)))
    painter.setBrush(colour)
    painter.drawRoundedRect(rect, rect.width() / 4, rect.width() / 4)
    painter.restore()


def _sign(rect: QRectF, status: Status) -> QPainterPath:
    def at(x: float, y: float) -> QPointF:
        return QPointF(rect.x() + x * rect.width(), rect.y() + y * rect.height())

    path = QPainterPath()
    if status == "defect":
        path.moveTo(at(0.28, 0.52))
        path.lineTo(at(0.44, 0.68))
        path.lineTo(at(0.73, 0.35))
    elif status == "artefact":
        path.moveTo(at(0.25, 0.57))
        path.cubicTo(at(0.40, 0.30), at(0.58, 0.74), at(0.75, 0.44))
    elif status == "unsure":
        path.moveTo(at(0.36, 0.40))
        path.cubicTo(at(0.36, 0.18), at(0.66, 0.18), at(0.66, 0.38))
        path.cubicTo(at(0.66, 0.50), at(0.50, 0.48), at(0.50, 0.62))
        path.moveTo(at(0.50, 0.76))
        path.lineTo(at(0.50, 0.765))
    else:
        path.moveTo(at(0.34, 0.34))
        path.lineTo(at(0.66, 0.66))
        path.moveTo(at(0.66, 0.34))
        path.lineTo(at(0.34, 0.66))
    return path
