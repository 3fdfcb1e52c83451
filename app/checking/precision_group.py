"""Decides how a random sample is drawn, judged and told in the window: its precision with the interval, and how many are left.

The sample is a short list of its own in the gallery, in random order; what is judged worst first says nothing here.
"""

from __future__ import annotations

import secrets

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QSpinBox, QWidget

from app.decision_words import when
from app.jobs import Job
from app.layout import Group, muted
from app.scan_queue.wording import before_scan
from app.session import Session
from app.session_picked import Picked
from app.theme import SPACE
from core.counting import counted
from core.errors import SchliffError
from core.precision import DEFAULT_COUNT, MOST, Precision, draw_sample, latest_sample, precision_of
from core.project import Project, ScanRecord

COUNT_AFTER_MS = 150  # once the hand that judges rests
_WHAT = (
    "How many of the defects that the scan shows are defects? Judge a random sample: what stands worst first in the gallery "
    "is surer than the rest."
)
_UNFINISHED = (
    "This scan is not finished: a sample of it would say nothing of the rest. Let it finish, or scan only the region that "
    "you want to know of."
)


class PrecisionGroup(Group):
    """`draw` makes a sample, `judge` shows it in the gallery."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Precision", parent)
        self._session = session
        self._found: Precision | None = None
        self.count = QSpinBox(minimum=5, maximum=MOST, value=DEFAULT_COUNT)
        self.draw_button, self.judge_button = QPushButton("Draw a sample"), QPushButton("Judge it")
        self.figure, self.told, self.bar = QLabel(), muted(), QProgressBar()
        self.unfinished = muted(_UNFINISHED)
        self._soon = QTimer(self, singleShot=True, interval=COUNT_AFTER_MS)
        self._lay_out()
        self._connect()
        self.follow()

    # -- what can be done ---------------------------------------------------------------------------

    def draw(self, seed: int | None = None) -> None:
        """Draws a new sample of the shown scan, at the threshold as it is shown, and begins with it."""
        session, count = self._session, self.count.value()
        session.saving.now()
        project, scan = session.project, session.scan
        if project is None or scan is None:
            return
        chosen = secrets.randbelow(1_000_000) if seed is None else seed
        job = Job(
            lambda progress, cancel: precision_of(project, draw_sample(project, scan, count, chosen)), "Random sample"
        )
        job.finished.connect(lambda found: self._drawn(found, scan))
        session.run_io(job)

    def judge(self) -> None:
        """Shows the sample in the gallery, at the first that nobody has judged."""
        found = self._found
        if found is None:
            return
        session, sample = self._session, found.sample
        session.picking.show(Picked(f"Random sample of {len(sample.ids)}", sample.scan_id, found.standing))
        waiting = (
            i for i in found.standing if (one := session.detection(i)) is not None and one.status == "unreviewed"
        )
        first = next(waiting, None)
        if first is not None:
            session.select(first, "picked")

    # -- following ----------------------------------------------------------------------------------

    def follow(self) -> None:
        """Asks in the background what is known of the shown scan's sample."""
        self._soon.stop()
        project, scan = self._session.project, self._session.scan
        done = scan is not None and scan.status == "done"
        self.draw_button.setEnabled(project is not None and done)
        self.unfinished.setText(_UNFINISHED if scan is not None else before_scan(self._session))
        self.unfinished.setVisible(not done)
        if project is None or scan is None:
            self._show(None)
            return
        job = Job(lambda progress, cancel: _known(project, scan), "Precision")
        job.finished.connect(lambda found: self._answered(found, scan))
        self._session.run_io(job)

    def _drawn(self, found: Precision, scan: ScanRecord) -> None:
        self._answered(found, scan)
        self.judge()

    def _answered(self, found: Precision | None, scan: ScanRecord) -> None:
        if self._session.scan is not None and self._session.scan.id == scan.id:
            self._show(found)

    def _show(self, found: Precision | None) -> None:
        self._found = found
        for widget in (self.figure, self.told, self.bar, self.judge_button):
            widget.setVisible(found is not None)
        self.draw_button.setText("Draw another sample" if found is not None else "Draw a sample")
        if found is None:
            return
        self.figure.setText(figure_text(found))
        self.told.setText(told_text(found))
        self.bar.setRange(0, len(found.sample.ids))
        self.bar.setValue(len(found.sample.ids) - found.unreviewed)
        self.judge_button.setText("Judge the rest" if 0 < found.unreviewed < len(found.sample.ids) else "Judge it")
        if not found.unreviewed:
            self.judge_button.setText("Look at it again")

    def _lay_out(self) -> None:
        font = self.figure.font()
        font.setPointSizeF(font.pointSizeF() * 1.25)
        font.setBold(True)
        self.figure.setFont(font)
        self.figure.setWordWrap(True)
        self.figure.setAccessibleName("Precision")
        self.bar.setTextVisible(False)
        self.count.setAccessibleName("Size of the sample")
        self.count.setToolTip("How many to judge; four times as many halve the interval")
        self.draw_button.setToolTip(
            "At random from what the scan shows as a defect at this threshold; kept with its seed"
        )
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(SPACE)
        line.addWidget(self.draw_button, 1)
        line.addWidget(self.count)
        for widget in (muted(_WHAT), self.figure, self.bar, self.told, self.judge_button, row, self.unfinished):
            self.add_wide(widget)

    def _connect(self) -> None:
        session = self._session
        for changed in (session.section_changed, session.project_changed, session.scans_changed, session.scan_started):
            changed.connect(self._soon.start)
        for changed in (session.decisions_changed, session.scan_finished):
            changed.connect(lambda _: self._soon.start())
        self._soon.timeout.connect(self.follow)
        self.draw_button.clicked.connect(lambda: self.draw())
        self.judge_button.clicked.connect(self.judge)


def figure_text(found: Precision) -> str:
    """The precision and its interval, as far as they are known."""
    if found.unreviewed == len(found.sample.ids):
        return "Not judged yet"
    between = f"{100 * found.low:.0f} to {100 * found.high:.0f} %"
    return between if found.precision is None else f"{100 * found.precision:.0f} %  ({between})"


def told_text(found: Precision) -> str:
    """What the figure is made of."""
    sample = found.sample
    unsure = f", {found.unsure} unsure" if found.unsure else ""
    left = f", {found.unreviewed} left" if found.unreviewed else ""
    return (
        f"{counted(found.right, 'defect')}, {found.wrong} not{unsure}{left}, of {len(sample.ids)} drawn from {sample.population:,} at"
        f" or above {sample.threshold:.2f} by {sample.author}, {when(sample.at)} (seed {sample.seed}). The interval holds"
        " with 95 % (Clopper and Pearson), whatever those are that nobody has decided."
    )


def _known(project: Project, scan: ScanRecord) -> Precision | None:
    """None where there is no sample, or it can't be read."""
    try:
        sample = latest_sample(project, scan.id)
        return None if sample is None else precision_of(project, sample)
    except SchliffError:
        return None
