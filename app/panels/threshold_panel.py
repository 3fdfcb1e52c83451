"""Decides how a threshold explains itself: the spread of scores with the threshold as a line to drag, ready-made ones, and
what it comes to in words."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSize, Qt, QTimer
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QCheckBox, QLabel, QMenu, QPushButton, QVBoxLayout, QWidget

from app.jobs import Job
from app.layout import Panel, muted
from app.own_keys import keeps_key
from app.scan_queue.wording import before_scan
from app.scores import format_score
from app.session import Session
from app.theme import SPACE
from app.wrap_layout import WrapLayout
from core.detection import STATUS_NAMES
from core.errors import InputError

if TYPE_CHECKING:
    from app.panels.threshold_plot import ThresholdPlot
    from core.anomaly.calibration import Calibration
    from core.models.base import ModelSpec
    from core.score_spread import ScoreSpread

AGAIN_MS = 500  # until what has changed is counted anew
_WIDE = 620  # px from which words stand beside the plot
_WORDS_WIDTH = 200, 300  # px beside the plot, least and most
_NARROWEST, _LOWEST = 220, 110
_STEP = 0.005  # of the range, for an arrow key; ten times as much with Shift
_KEYS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Down: -1, Qt.Key.Key_Up: 1}


@dataclass(frozen=True)
class _Known:
    """What the disk says of the scan that is shown."""

    spread: ScoreSpread
    spec: ModelSpec | None
    calibration: Calibration | None
    problem: str = ""


def _calibration_of(spec: ModelSpec | None) -> tuple[Calibration | None, str]:
    """And what is wrong with it: a broken card takes away what normal scores are, not the section's."""
    from core.anomaly.calibration import calibration_in

    try:
        return (calibration_in(spec.card, spec.path) if spec is not None else None), ""
    except InputError as error:
        return None, str(error)


class ThresholdPanel(Panel):
    """The threshold of the scan that is shown; follows and sets the session's. Arrow keys move it."""

    known: _Known | None = None  # Qt asks for keys before all is made

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.plot: ThresholdPlot | None = None
        self._scan_id: str | None = None
        self._loading: Job | None = None
        self._counting: Job | None = None
        self._again = QTimer(self, singleShot=True, interval=AGAIN_MS)
        self.legend, self.value, self.words = QLabel(), QLabel(), QLabel()
        self.hint = muted()
        self.presets = QPushButton("Set it to")
        self.logarithmic = QCheckBox("Logarithmic")
        self._by_hand = False  # whether somebody chose the scale
        self._lay_out()
        self._connect()
        self._scan_changed()
        self._show()

    @property
    def settled(self) -> bool:
        """Whether it shows what there is."""
        return self.plot is not None and self._counting is None and not self._again.isActive()

    # -- following --------------------------------------------------------------------------------

    def showEvent(self, event: object) -> None:
        super().showEvent(event)  # type: ignore[arg-type]
        self._load_plot()
        self._count()

    def _scan_changed(self) -> None:
        """Another scan, or the same one with other records."""
        scan = self._session.scan
        if (scan.id if scan is not None else None) == self._scan_id:
            return
        self._scan_id = scan.id if scan is not None else None
        self._counting, self.known, self._by_hand = None, None, False
        self._show()
        self._count()

    def _soon(self) -> None:
        if not self._again.isActive():
            self._again.start()

    def _count(self) -> None:
        """Counts the scores, in the IO lane, while somebody looks."""
        session = self._session
        scan, score_map, detections, known = session.scan, session.score_map, list(session.detections), self.known
        if scan is None or self._counting is not None or not self.isVisible():
            return

        def work(*_: object) -> _Known:
            from core.score_spread import configured_model, spread_of

            spec = known.spec if known is not None else configured_model(scan)
            calibration, problem = (known.calibration, known.problem) if known is not None else _calibration_of(spec)
            spread = spread_of(score_map, scan.context_px, detections, scan.score_unit, calibration)
            return _Known(spread, spec, calibration, problem)

        job = self._counting = Job(work, "Counting scores")
        job.finished.connect(lambda found: self._counted(job, found))
        job.ended.connect(lambda: self._ended(job))
        session.run_io(job)

    def _counted(self, job: Job, known: _Known) -> None:
        if job is not self._counting:
            return
        self.known = known
        if not known.spread.complete:
            self._again.start()
        if not self._by_hand:
            self.logarithmic.blockSignals(True)
            self.logarithmic.setChecked(known.spread.is_steep)
            self.logarithmic.blockSignals(False)
        self._show()

    def _ended(self, job: Job) -> None:
        if job is self._counting:
            self._counting = None

    def _load_plot(self) -> None:
        """Loads what draws it in the background, once: that takes a second or two."""
        if self._loading is None:
            job = self._loading = Job(
                lambda progress, cancel: importlib.import_module("app.panels.threshold_plot"), "Loading"
            )
            job.finished.connect(lambda module: self._make_plot(module.ThresholdPlot))
            self._session.lanes.data.submit(job)

    def _make_plot(self, kind: type[ThresholdPlot]) -> None:
        self.plot = kind()
        self.plot.setFocusProxy(self)
        self.plot.moved.connect(self._session.set_threshold)
        self._place.addWidget(self.plot, 1)
        self._show()

    # -- showing ----------------------------------------------------------------------------------

    def _show(self) -> None:
        scan, known = self._session.scan, self.known
        self._tell_what_first()
        for widget in (self.legend, self.value, self.words, self.presets, self.logarithmic):
            widget.setVisible(scan is not None)
        self.presets.setEnabled(known is not None)
        if self.plot is not None:
            self.plot.setVisible(scan is not None)
            spread = known.spread if known is not None else None
            unit = scan.score_unit if scan is not None else ""
            self.plot.show_spread(spread, unit, self._session.threshold, self.logarithmic.isChecked())
            self._show_legend()
        self._show_threshold()

    def _tell_what_first(self) -> None:
        first = before_scan(self._session)
        self.hint.setText(f"{first} Then the scores to choose a threshold by stand here.")
        self.hint.setVisible(self._session.scan is None)

    def _show_legend(self) -> None:
        from app.panels.threshold_plot import colours_of_bars, status_colour

        known, chips = self.known, []
        if known is not None:
            normal, section = colours_of_bars(self)
            if known.spread.normal is not None:
                chips.append(("■", normal, "What is normal", ""))
            if known.spread.section is not None:
                name = "This section" if self._session.score_map is not None else "Detections"
                chips.append(("■", section, name, ""))
            for status, scores in known.spread.judged.items():
                chips.append(("●", status_colour(self, status).name(), STATUS_NAMES[status], f"{len(scores):,}"))
        parts = (f'<span style="color:{c}">{sign}</span>&nbsp;{name} <b>{n}</b>' for sign, c, name, n in chips)
        self.legend.setText(" &nbsp; ".join(parts))

    def _show_threshold(self) -> None:
        session = self._session
        scan, threshold = session.scan, session.threshold
        if scan is None:
            return
        from core.score_spread import judged_words, shown_words

        if self.plot is not None:
            self.plot.show_threshold(threshold)
        self.value.setText(f"<b>{format_score(threshold, scan.score_unit)}</b> {scan.score_unit}")
        said = [shown_words(session.detections, threshold), *judged_words(session.detections, threshold)]
        if self.known is not None and self.known.calibration is not None:
            from core.anomaly.thresholds import expects

            said.insert(1, expects(self.known.calibration, threshold))
        spec = self.known.spec if self.known is not None else None
        if spec is not None and threshold < spec.score_floor:
            said.insert(1, f"What scores below {format_score(spec.score_floor, scan.score_unit)} is never stored.")
        if self.known is not None and self.known.problem:
            said.append(self.known.problem)
        self.words.setText("\n".join(said))

    # -- by hand ----------------------------------------------------------------------------------

    def _fill_presets(self) -> None:
        menu = self.presets.menu()
        menu.clear()
        session, known = self._session, self.known
        if known is None or session.scan is None:
            return
        from core.score_spread import offered

        for preset in offered(known.spec, known.calibration, session.detections):
            score = format_score(preset.threshold, session.scan.score_unit)
            action = menu.addAction(f"{preset.name}\t{score}", partial(session.set_threshold, preset.threshold))
            action.setToolTip(preset.expects)
        if menu.isEmpty():
            menu.addAction("The model of this scan is not here any more").setEnabled(False)

    def _scale_chosen(self) -> None:
        self._by_hand = True
        self._show()

    def event(self, event: QEvent) -> bool:
        return (self.known is not None and keeps_key(event, _KEYS)) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        way = _KEYS.get(Qt.Key(event.key()))
        if way is None or self.known is None:
            super().keyPressEvent(event)
            return
        edges = self.known.spread.edges
        step = _STEP * (10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1)
        low, high = float(edges[0]), float(edges[-1])
        self._session.set_threshold(min(max(self._session.threshold + way * step * (high - low), low), high))

    # -- making -----------------------------------------------------------------------------------

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self.plot is not None:
            self.plot.dress()
            self._show()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Words stand beside the plot where there is room, else below it."""
        is_wide = event.size().width() >= _WIDE
        way = QBoxLayout.Direction.LeftToRight if is_wide else QBoxLayout.Direction.TopToBottom
        self._parts.setDirection(way)
        self._beside.setMinimumWidth(_WORDS_WIDTH[0] if is_wide else 0)
        self._beside.setMaximumWidth(_WORDS_WIDTH[1] if is_wide else 16_777_215)
        super().resizeEvent(event)

    def minimumSizeHint(self) -> QSize:
        return QSize(_NARROWEST, _LOWEST)

    def _lay_out(self) -> None:
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Threshold")
        self.setToolTip("Drag the line, or move it with the arrow keys (Shift: faster)")
        for label in (self.legend, self.value, self.words):
            label.setWordWrap(True)
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.presets.setToolTip("Ready-made thresholds, each with what it promises")
        menu = QMenu(self.presets)
        menu.setToolTipsVisible(True)
        menu.aboutToShow.connect(self._fill_presets)
        self.presets.setMenu(menu)
        self.logarithmic.setToolTip("Few high scores show beside many low ones")
        self._place, self._beside = QVBoxLayout(), QWidget()
        self._place.setSpacing(SPACE // 2)
        self._place.addWidget(self.legend)
        words = QVBoxLayout(self._beside)
        words.setContentsMargins(0, 0, 0, 0)
        words.setSpacing(SPACE)
        controls = WrapLayout()
        controls.addWidget(self.presets)
        controls.addWidget(self.logarithmic)
        words.addWidget(self.value)
        words.addWidget(self.words)
        words.addLayout(controls)
        words.addStretch(1)
        self._parts = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._parts.setSpacing(2 * SPACE)
        self._parts.addLayout(self._place, 1)
        self._parts.addWidget(self._beside)
        self.column.addWidget(self.hint)
        self.column.addLayout(self._parts, 1)

    def _connect(self) -> None:
        session = self._session
        session.scans_changed.connect(self._scan_changed)
        session.section_changed.connect(self._scan_changed)
        session.scan_started.connect(self._tell_what_first)
        session.scan_finished.connect(lambda _: self._tell_what_first())
        session.visible_changed.connect(self._show_threshold)
        for changed in (session.score_map_changed, session.detections_changed, session.decisions_changed):
            changed.connect(self._soon)
        self._again.timeout.connect(self._count)
        self.logarithmic.clicked.connect(self._scale_chosen)
