"""Decides how the scores of all classes at one detection are drawn: a bar each, the called class first."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.class_colours import class_colours
from app.scores import PROBABILITY, format_score
from core.class_colours import class_name
from core.detection import Detection
from core.project.records import ScanRecord
from core.project.score_map import ScoreMap

MOST = 5
LEAST_SHARE = 0.005
WIDEST_NUMBER = "0.0000"
SHORTEST_BAR = 48  # px; names give way beyond it
GAP = 8


def scores_at(detection: Detection, scan: ScanRecord, score_map: ScoreMap) -> dict[str, float]:
    """The highest score of each class within the detection's box, highest first; none where the map has none."""
    if score_map.labels != len(scan.labels):
        return {}
    highest = score_map.highest_in(detection.box)
    if highest is None:
        return {}
    found = {label: float(score) for label, score in zip(scan.labels, highest, strict=True)}
    return dict(sorted(found.items(), key=lambda item: (item[0] != detection.label, -item[1])))


class ClassScores(QWidget):
    """Up to five classes; the others score next to nothing."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[tuple[str, float, QColor]] = []
        self._full = 1.0
        self._unit = PROBABILITY
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Scores of the classes")

    @property
    def rows(self) -> list[tuple[str, float]]:
        return [(name, score) for name, score, _ in self._rows]

    def set_scores(
        self, scores: dict[str, float], labels: tuple[str, ...], full: float, unit: str = PROBABILITY
    ) -> None:
        """`full` is the score of a whole bar, `unit` that of all scores."""
        self._unit = unit
        colours = class_colours(labels)
        self._full = full
        worth = [(label, s) for label, s in scores.items() if s >= LEAST_SHARE * full][:MOST]
        self._rows = [(class_name(label), score, colours[label]) for label, score in worth]
        self.setAccessibleDescription(
            ", ".join(f"{name} {format_score(score, self._unit)}" for name, score in self.rows)
        )
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, len(self._rows) * self._row_height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics = self.fontMetrics()
        number = metrics.horizontalAdvance(WIDEST_NUMBER)
        names = self.names_width(self.width(), max((metrics.horizontalAdvance(n) for n, _ in self.rows), default=0))
        track = QRectF(names, 0, max(self.width() - names - number - 8, 10), 6)
        for place, (name, score, colour) in enumerate(self._rows):
            line = QRectF(0, place * self._row_height(), self.width(), self._row_height())
            painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
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

    def names_width(self, width: int, longest: int) -> int:
        """Of the column of names in px, with its gap, where the longest name takes `longest`: the bar gives way first.

        Advances are rounded, and Qt elides a text that lacks a fraction of a px: hence 2 more.
        """
        number = self.fontMetrics().horizontalAdvance(WIDEST_NUMBER)
        return min(longest + GAP + 2, max(width - number - SHORTEST_BAR, width // 3))

    def _row_height(self) -> int:
        return self.fontMetrics().height() + 6
