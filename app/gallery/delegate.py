"""Decides how one crop is drawn: picture with its box, class with its colour, score, review badge. Reads nothing."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPainterPath, QPalette, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.class_colours import class_colours, class_name
from app.gallery.badges import draw_badge, draw_chip
from app.gallery.model import DETECTION_ROLE
from app.gallery.thumbnails import Thumbnail, ThumbnailStore
from app.scores import PROBABILITY, score_text
from core.arrangement import Group
from core.detection import Detection
from core.geometry import Box
from core.scale_bar import scale_for

MARGIN = 6
GAP = 4
RADIUS = 6.0
HEADING_GAP = 14
BAR_SHARE = 0.35  # of a crop's width, at most
DISMISSED_OPACITY = 0.4  # of pictures judged not to be defects


class CropDelegate(QStyledItemDelegate):
    """Draws detections. `side` is the picture's side in device independent px, `caption` what is said below its class."""

    def __init__(
        self, thumbnails: ThumbnailStore, reasons: ThumbnailStore | None = None, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._thumbnails, self._reasons = thumbnails, reasons
        self._colours: dict[str, QColor] = {}
        self._um_per_px: float | None = None
        self._score_unit = PROBABILITY
        self.side = 128
        self.scale_bar, self.show_reasons = True, False
        self.fade_dismissed = True
        self.caption: Callable[[Detection], str] = self._score_text

    def set_scan(self, labels: tuple[str, ...], um_per_px: float | None, score_unit: str = PROBABILITY) -> None:
        """Classes and score unit of the scan that is shown, and the section's scale (None: no scale bars)."""
        self._score_unit = score_unit
        self._colours, self._um_per_px = class_colours(labels), um_per_px

    def cell_size(self, font: QFont) -> QSize:
        """The whole cell: picture, two lines of text, margins."""
        text = QFontMetrics(font).height() + QFontMetrics(_small(font)).height()
        return QSize(self.side + 2 * MARGIN, self.side + 2 * MARGIN + GAP + text)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return self.cell_size(option.font)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        detection = index.data(DETECTION_ROLE)
        if detection is None:
            return
        cell: QRect = option.rect
        palette: QPalette = option.palette
        state: QStyle.StateFlag = option.state
        font: QFont = option.font
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.setFont(font)
        size = self.cell_size(font)
        card = QRect(cell.x() + (cell.width() - size.width()) // 2, cell.y(), size.width(), size.height())
        picture = QRectF(card.x() + MARGIN, card.y() + MARGIN, self.side, self.side)
        _draw_card(painter, card, palette, state)
        self._draw_picture(painter, picture, detection, palette)
        self._draw_text(painter, card, detection, palette, font)
        if detection.status != "unreviewed":
            badge = max(16.0, QFontMetrics(font).height() * 1.1)
            draw_badge(painter, QRectF(picture.right() - badge - 4, picture.top() + 4, badge, badge), detection.status)
        painter.restore()

    def _draw_picture(self, painter: QPainter, rect: QRectF, detection: Detection, palette: QPalette) -> None:
        thumbnail = self._thumbnails.get(detection.id)
        painter.save()
        clip = QPainterPath()
        clip.addRoundedRect(rect, RADIUS, RADIUS)
        painter.setClipPath(clip)
        if thumbnail is None or thumbnail.image is None:
            _draw_placeholder(painter, rect, palette, "" if thumbnail is None else "can't be read")
        else:
            dismissed = self.fade_dismissed and detection.status in ("false_alarm", "artefact")
            painter.setOpacity(DISMISSED_OPACITY if dismissed else 1.0)
            painter.drawImage(rect, thumbnail.image)
            self._draw_reasons(painter, rect, detection, thumbnail)
            self._draw_marks(painter, rect, detection, thumbnail)
        painter.restore()

    def _draw_reasons(self, painter: QPainter, rect: QRectF, detection: Detection, thumbnail: Thumbnail) -> None:
        reasons = self._reasons.get(detection.id) if self._reasons is not None and self.show_reasons else None
        if reasons is not None and reasons.image is not None:
            painter.drawImage(_box_on_screen(reasons.crop, thumbnail.crop, rect), reasons.image)

    def _draw_marks(self, painter: QPainter, rect: QRectF, detection: Detection, thumbnail: Thumbnail) -> None:
        box = _box_on_screen(detection.box, thumbnail.crop, rect)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(0, 0, 0, 90), 3.0))
        painter.drawRect(box)
        painter.setPen(QPen(self._colour(detection.label), 1.7))
        painter.drawRect(box)
        painter.setOpacity(1.0)
        if self.scale_bar and self._um_per_px is not None:
            draw_scale_bar(painter, rect, thumbnail.crop.w * self._um_per_px)

    def _draw_text(self, painter: QPainter, card: QRect, detection: Detection, palette: QPalette, font: QFont) -> None:
        metrics, small = QFontMetrics(font), _small(font)
        left, width = card.x() + MARGIN, card.width() - 2 * MARGIN
        top = card.y() + MARGIN + self.side + GAP
        chip = metrics.ascent() * 0.8
        draw_chip(painter, QRectF(left, top + (metrics.height() - chip) / 2, chip, chip), self._colour(detection.label))
        indent = round(chip) + 5
        line = QRect(left + indent, top, width - indent, metrics.height())
        painter.setFont(font)
        painter.setPen(palette.color(QPalette.ColorRole.Text))
        name = metrics.elidedText(class_name(detection.label), Qt.TextElideMode.ElideRight, line.width())
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)
        small_metrics = QFontMetrics(small)
        line = QRect(left, top + metrics.height(), width, small_metrics.height())
        painter.setFont(small)
        painter.setPen(palette.color(QPalette.ColorRole.PlaceholderText))
        score = self.caption(detection)
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, score)
        room = width - small_metrics.horizontalAdvance(score) - 8
        size = small_metrics.elidedText(self._size_text(detection.box), Qt.TextElideMode.ElideRight, room)
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, size)

    def paint_heading(
        self, painter: QPainter, rect: QRect, group: Group, reviewed: int, palette: QPalette, font: QFont
    ) -> None:
        """Class and counts of a group."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        bold = QFont(font)
        bold.setWeight(QFont.Weight.DemiBold)
        metrics = QFontMetrics(bold)
        chip, left = metrics.ascent() * 0.9, rect.x() + MARGIN + 2
        line = rect.adjusted(0, HEADING_GAP // 2, 0, 0)
        draw_chip(painter, QRectF(left, line.center().y() - chip / 2 + 1, chip, chip), self._colour(group.label))
        indent, middle = left + round(chip) + 6, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        name = class_name(group.label)
        painter.setFont(bold)
        painter.setPen(palette.color(QPalette.ColorRole.Text))
        painter.drawText(line.adjusted(indent, 0, 0, 0), middle, name)
        painter.setFont(font)
        painter.setPen(palette.color(QPalette.ColorRole.PlaceholderText))
        counts = f"{group.count:,} · {reviewed:,} reviewed"
        painter.drawText(line.adjusted(indent + metrics.horizontalAdvance(name) + 8, 0, 0, 0), middle, counts)
        painter.restore()

    def _score_text(self, detection: Detection) -> str:
        return score_text(detection, self._score_unit)

    def _size_text(self, box: Box) -> str:
        longest = max(box.w, box.h)
        return f"{longest:.0f} px" if self._um_per_px is None else f"{format_length(longest * self._um_per_px)} µm"

    def _colour(self, label: str) -> QColor:
        return self._colours.get(label) or class_colours((label,))[label]


def heading_height(font: QFont) -> int:
    """Of what stands above a group."""
    return QFontMetrics(font).height() + HEADING_GAP


def format_length(um: float) -> str:
    """Micrometres with two to three significant digits."""
    return f"{um:.1f}" if um < 10 else f"{um:.0f}"


def _small(font: QFont) -> QFont:
    small = QFont(font)
    small.setPointSizeF(font.pointSizeF() * 0.9)
    return small


def _draw_card(painter: QPainter, card: QRect, palette: QPalette, state: QStyle.StateFlag) -> None:
    selected = bool(state & QStyle.StateFlag.State_Selected)
    hovered = bool(state & QStyle.StateFlag.State_MouseOver)
    if not (selected or hovered):
        return
    frame = QRectF(card).adjusted(1, 1, -1, -1)
    fill = palette.color(QPalette.ColorRole.Highlight)
    fill.setAlphaF(0.22 if selected else 0.08)
    focused = bool(state & QStyle.StateFlag.State_HasFocus)
    edge = QPen(palette.color(QPalette.ColorRole.Highlight), 2.0 if focused else 1.4)
    painter.setPen(edge if selected else Qt.PenStyle.NoPen)
    painter.setBrush(fill)
    painter.drawRoundedRect(frame, RADIUS + 2, RADIUS + 2)


def _draw_placeholder(painter: QPainter, rect: QRectF, palette: QPalette, text: str) -> None:
    tone = palette.color(QPalette.ColorRole.Text)
    tone.setAlphaF(0.07)
    painter.fillRect(rect, tone)
    if text:
        painter.setPen(palette.color(QPalette.ColorRole.PlaceholderText))
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, text)


def _box_on_screen(box: Box, crop: Box, rect: QRectF) -> QRectF:
    scale = rect.width() / crop.w
    return QRectF(
        rect.x() + (box.x - crop.x) * scale, rect.y() + (box.y - crop.y) * scale, box.w * scale, box.h * scale
    )


def draw_scale_bar(painter: QPainter, rect: QRectF, width_um: float) -> None:
    """A bar of a round length in the lower left corner, readable on any picture."""
    bar = scale_for(rect.width() / width_um, 1.0, BAR_SHARE * rect.width())
    left, bottom = rect.left() + 6, rect.bottom() - 6
    font = _small(painter.font())
    painter.setFont(font)
    metrics = QFontMetrics(font)
    plate = QRectF(left - 3, bottom - metrics.height() - 5, max(bar.width, metrics.horizontalAdvance(bar.text)) + 6, 0)
    plate.setBottom(bottom + 3)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(0, 0, 0, 130))
    painter.drawRoundedRect(plate, 3, 3)
    painter.setPen(Qt.GlobalColor.white)
    painter.drawText(QPoint(round(left), round(bottom - 5 - metrics.descent() * 0.5)), bar.text)
    painter.setPen(QPen(Qt.GlobalColor.white, 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
    painter.drawLine(round(left), round(bottom), round(left + bar.width), round(bottom))
