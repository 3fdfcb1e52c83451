"""Decides how one evaluation is shown: words and figures first, then curves, classes, mistakes, and other models beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QSlider,
    QTableWidget,
    QTableWidgetItem,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from app.evaluation.chart_view import ChartView
from app.evaluation.confusion_view import ConfusionView
from app.evaluation.pictures import PictureList, Shown, image_of_jpeg, with_box
from app.layout import Group, Panel, muted
from app.theme import SPACE
from core.evaluation.drawings import charts
from core.evaluation.values import Evaluation, Failure
from core.evaluation.words import (
    CLASS_COLUMNS,
    FAILURE_TITLES,
    PRECISION_COLUMNS,
    columns_of,
    consequences,
    headline,
    provenance,
    spoken_label,
    summary,
)

_CHARTS = 3  # no evaluation has more


class ResultView(QTabWidget):
    """`cell_chosen(truth, predicted)`: somebody wants to see what lies behind a cell; its pictures go into `cell`.

    `threshold_wanted(score)`: take it for the scan that is open.
    """

    cell_chosen = Signal(str, str)
    threshold_wanted = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self.setDocumentMode(True)
        self.judged: Evaluation | None = None
        self.words, self.notes, self.effect = QLabel(), muted(), QLabel()
        self.tiles = QGridLayout()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.use = QPushButton("Use in this scan")
        self.charts = [ChartView() for _ in range(_CHARTS)]
        self.classes, self.compared = _table("Classes"), _table("Models on the same data")
        self.confusion = ConfusionView()
        self.cell_text, self.cell = muted(), PictureList("Pictures of the chosen cell")
        self.mistakes = {kind: PictureList(title, 2) for kind, title in FAILURE_TITLES.items()}
        self.origin = QLabel()
        self.addTab(self._overview(), "Overview")
        self.addTab(self._classes_page(), "Classes")
        self.addTab(self._mistakes_page(), "Mistakes")
        self.addTab(self._compare_page(), "Compare")
        self.slider.valueChanged.connect(self._threshold_moved)
        self.confusion.chosen.connect(self.cell_chosen)
        self.use.clicked.connect(lambda: self.threshold_wanted.emit(self.threshold))

    @property
    def threshold(self) -> float:
        """Where the slider stands."""
        rows = self.judged.figures["thresholds"] if self.judged is not None else []
        return float(rows[self.slider.value()]["threshold"]) if rows else 0.0

    def show_evaluation(self, judged: Evaluation) -> None:
        self.judged = judged
        self.words.setText("<br>".join(_escaped(line) for line in summary(judged)))
        self.notes.setText("\n".join(judged.data["notes"]))
        self.notes.setVisible(bool(judged.data["notes"]))
        self._fill_tiles(judged)
        drawn = charts(judged)
        for view, chart in zip(self.charts, drawn, strict=False):
            view.show_chart(chart)
        for place, view in enumerate(self.charts):
            view.setVisible(place < len(drawn))
        self._fill_slider(judged)
        _fill(self.classes, _class_rows(judged.figures))
        self.confusion.show_confusion(dict(judged.figures["confusion"]))
        self.cell.clear()
        self.cell_text.setText("Choose a cell to see what lies behind it.")
        for number, (kind, pictures) in enumerate(self.mistakes.items()):
            shown = [_picture_of(judged, one) for one in judged.failures if one.kind == kind]
            pictures.show_pictures(shown)
            self._mistake_tabs.setTabText(number, f"{FAILURE_TITLES[kind]} ({len(shown)})")
        first = next((n for n, pictures in enumerate(self.mistakes.values()) if pictures.count()), 0)
        self._mistake_tabs.setCurrentIndex(first)
        rows = "".join(f"<p><b>{_escaped(n)}</b><br>{_escaped(v)}</p>" for n, v in provenance(judged))
        self.origin.setText(rows)

    def compare(self, others: Sequence[Evaluation]) -> None:
        """A row for each evaluation on the same data."""
        rows = []
        for one in others:
            figures = headline(one)
            row: dict[str, Any] = {"Model": one.model["name"], "Version": one.model["version"][:8]}
            row |= {title: figures[key] for key, title in columns_of(one)}
            rows.append({**row, "Threshold": one.threshold, "Date": one.made["date"][:16].replace("T", " ")})
        _fill(self.compared, rows)

    # -- making ------------------------------------------------------------------------------------

    def _overview(self) -> QWidget:
        panel, threshold, curves = Panel(), Group("Threshold"), Group("Curves")
        self.words.setWordWrap(True)
        font = self.words.font()
        font.setPointSizeF(font.pointSizeF() * 1.15)
        self.words.setFont(font)
        self.effect.setWordWrap(True)
        self.slider.setAccessibleName("Threshold")
        self.slider.setToolTip("From which score on something counts; the figures follow")
        self.use.setToolTip("Show what scores at least this in the scan that is open")
        row = QHBoxLayout()
        row.addWidget(self.effect, 1)
        row.addWidget(self.use)
        effect = QWidget()
        effect.setLayout(row)
        row.setContentsMargins(0, 0, 0, 0)
        threshold.add_wide(self.slider)
        threshold.add_wide(effect)
        self.threshold_group = threshold
        grid = QGridLayout()
        grid.setSpacing(SPACE)
        for place, view in enumerate(self.charts):
            grid.addWidget(view, place // 2, place % 2)
        drawings = QWidget()
        drawings.setLayout(grid)
        curves.add_wide(drawings)
        tiles = QWidget()
        tiles.setLayout(self.tiles)
        self.tiles.setContentsMargins(0, 0, 0, 0)
        self.tiles.setHorizontalSpacing(4 * SPACE)
        for widget in (self.words, self.notes, tiles, threshold, curves):
            panel.column.addWidget(widget)
        panel.column.addStretch(1)
        return panel

    def _classes_page(self) -> QWidget:
        page, column = _page()
        for title, widget, share in (("Classes", self.classes, 2), ("Truth against answers", self.confusion, 3)):
            column.addWidget(QLabel(f"<b>{title}</b>"))
            column.addWidget(widget, share)
        column.addWidget(self.cell_text)
        column.addWidget(self.cell, 3)
        return page

    def _mistakes_page(self) -> QWidget:
        self._mistake_tabs = QTabWidget()
        self._mistake_tabs.setDocumentMode(True)
        for kind, pictures in self.mistakes.items():
            self._mistake_tabs.addTab(pictures, FAILURE_TITLES[kind])
        return self._mistake_tabs

    def _compare_page(self) -> QWidget:
        page, column = _page()
        column.addWidget(muted("Every evaluation on exactly these pictures and marks, the newest first."))
        column.addWidget(self.compared, 1)
        self.origin.setWordWrap(True)
        self.origin.setTextFormat(Qt.TextFormat.RichText)
        self.origin.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        origin = Panel()
        origin.column.addWidget(self.origin)
        origin.column.addStretch(1)
        column.addWidget(QLabel("<b>How this one came about</b>"))
        column.addWidget(origin, 1)
        return page

    # -- showing -----------------------------------------------------------------------------------

    def _fill_tiles(self, judged: Evaluation) -> None:
        while (item := self.tiles.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        figures = headline(judged)
        for place, (key, title) in enumerate(columns_of(judged)):
            value = QLabel(f"<span style='font-size: large'><b>{_number(figures[key])}</b></span>")
            self.tiles.addWidget(muted(title, wrap=False), 0, place)
            self.tiles.addWidget(value, 1, place)
        self.tiles.setColumnStretch(len(columns_of(judged)), 1)

    def _fill_slider(self, judged: Evaluation) -> None:
        rows = judged.figures["thresholds"]
        self.threshold_group.setVisible(bool(rows))
        if rows:
            start = next(
                (i for i, row in enumerate(rows) if row["threshold"] >= judged.threshold - 1e-9), len(rows) - 1
            )
            self.slider.blockSignals(True)
            self.slider.setRange(0, len(rows) - 1)
            self.slider.setValue(start)
            self.slider.blockSignals(False)
            self._threshold_moved()

    def _threshold_moved(self) -> None:
        if self.judged is None:
            return
        self.effect.setText(consequences(self.judged, self.threshold))
        for view, chart in zip(self.charts, charts(self.judged, self.threshold), strict=False):
            view.move_mark(chart)


def _picture_of(judged: Evaluation, one: Failure) -> Shown:
    crop = with_box(image_of_jpeg(one.crop), one.shown, one.box)
    images = (crop, image_of_jpeg(one.heat)) if one.heat else (crop,)
    path = judged.pictures[one.picture].path
    called = spoken_label(one.predicted) + (f" {one.score:.3g}" if one.predicted else "")
    top = "\n".join(f"{spoken_label(name)} {score:.3f}" for name, score in one.scores.items())
    return Shown(images, f"Marked: {spoken_label(one.truth)}\nCalled: {called}\n{path.name}", f"{path}\n{top}")


def _class_rows(figures: Mapping[str, Any]) -> list[dict[str, Any]]:
    columns = {**CLASS_COLUMNS, **PRECISION_COLUMNS}
    precisions: Mapping[str, Mapping[str, Any]] = figures.get("average_precision", {})
    rows = []
    for label, row in figures["classes"].items():
        known = {**row, **precisions.get(label, {})}
        rows.append(
            {"Class": spoken_label(label), **{title: known[key] for key, title in columns.items() if key in known}}
        )
    return rows


def _table(name: str) -> QTableWidget:
    table = QTableWidget()
    table.setAccessibleName(name)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.verticalHeader().hide()
    for header in (table.horizontalHeader(), table.verticalHeader()):
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    return table


def _fill(table: QTableWidget, rows: Sequence[Mapping[str, Any]]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    table.setRowCount(len(rows))
    table.setColumnCount(len(names))
    table.setHorizontalHeaderLabels(names)
    for y, row in enumerate(rows):
        for x, name in enumerate(names):
            value = row.get(name)
            item = QTableWidgetItem(value if isinstance(value, str) else _number(value))
            if not isinstance(value, str):
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            table.setItem(y, x, item)


def _page() -> tuple[QWidget, QVBoxLayout]:
    page = QWidget()
    column = QVBoxLayout(page)
    column.setContentsMargins(SPACE, SPACE, SPACE, SPACE)
    column.setSpacing(SPACE)
    return page, column


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
