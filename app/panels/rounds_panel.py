"""Decides how the loop scan, judge, train, scan again is shown: what changed in each round, and what to judge next."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import (
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QSpinBox,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.combo import ComboBox
from app.jobs import Job
from app.layout import muted
from app.panels.layers_panel import describe_scan
from app.panels.rounds_rows import Row, rows_of
from app.session import Session
from app.session_picked import Picked
from app.theme import SPACE
from core.project import ScanRecord
from core.proposals import DEFAULT_COUNT, MOST, Proposal, propose
from core.rounds import Round, compare

COMPARE_AFTER_MS = 300  # once the hand that judges rests: a comparison reads the detections of all scans
_ROW_ROLE = Qt.ItemDataRole.UserRole
_FEWER = (
    "Scan this section a second time, with another model or one that has learnt more: what that finds anew and what it doesn't "
    "find any more stands here."
)


class RoundsPanel(QWidget):
    """The rounds of the open section; a click on a row shows its detections in the gallery and goes to the first."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._finished: list[ScanRecord] = []
        self._deciding = QTimer(self, singleShot=True, interval=COMPARE_AFTER_MS)
        self._asked = 0  # answers to earlier questions are dropped
        self.scans, self.before, self.after = QWidget(), ComboBox(), ComboBox()
        self.tree = QTreeWidget(columnCount=2)
        self.empty = muted(_FEWER)
        self.count = QSpinBox(minimum=1, maximum=MOST, value=DEFAULT_COUNT)
        self.propose_button = QPushButton("Review what teaches most")
        self._lay_out()
        self._connect()
        self.reload()

    # -- following the session ---------------------------------------------------------------------

    def reload(self) -> None:
        """Lists the finished scans anew; the latest round is shown where another one was not chosen."""
        record = self._session.section_record
        before = [(scan.id, scan.started) for scan in self._finished]  # another section has scans of the same id
        self._finished = [s for s in self._session.scans if s.status == "done"] if record is not None else []
        if [(scan.id, scan.started) for scan in self._finished] != before:
            self._fill(self.before, -2)
            self._fill(self.after, -1)
        self.compare()

    def compare(self) -> None:
        """Works out what changed between the two chosen scans; nothing while there are fewer."""
        self._asked += 1
        chosen = [self._scan(combo.currentData()) for combo in (self.before, self.after)]
        project, earlier, later = self._session.project, *chosen
        self.propose_button.setEnabled(self._session.scan is not None and project is not None)
        several = len(self._finished) > 1
        self.empty.setVisible(not several)
        self.scans.setVisible(several)
        self.tree.setVisible(several)
        if project is None or earlier is None or later is None or not self.isVisible():
            return
        asked = self._asked
        job = Job(lambda progress, cancel: compare(project, earlier, later), "Comparing scans")
        job.finished.connect(lambda found: self._show(found) if asked == self._asked else None)
        self._session.run_io(job)

    def review_proposals(self) -> None:
        """Puts the detections whose label would teach most into the gallery."""
        project, scan, count = self._session.project, self._session.scan, self.count.value()
        if project is None or scan is None:
            return
        self._session.saving.now()  # the threshold as it is shown now
        scan = self._session.scan
        assert scan is not None
        job = Job(lambda progress, cancel: propose(project, scan, count), "Looking for what teaches most")
        job.finished.connect(lambda found: self._show_proposals(scan, found))
        self._session.run_io(job)

    def showEvent(self, event: object) -> None:
        super().showEvent(event)  # type: ignore[arg-type]
        self.compare()

    # -- showing -----------------------------------------------------------------------------------

    def _show(self, found: Round) -> None:
        items = [self.tree.topLevelItem(row) for row in range(self.tree.topLevelItemCount())]
        opened = {item.text(0) for item in items if item is not None and item.isExpanded()}
        self.tree.clear()
        for row in rows_of(found):
            item = _item(row)
            self.tree.addTopLevelItem(item)
            item.addChildren([_item(part) for part in row.parts])
            item.setExpanded(row.text in opened)

    def _show_proposals(self, scan: ScanRecord, proposals: Sequence[Proposal]) -> None:
        if not proposals:
            self._session.message.emit("info", "Everything this scan found has been judged.")
            return
        hints = {one.detection.id: one.why for one in proposals}
        title = f"{len(proposals)} whose label would teach “{scan.model_name}” most"
        self._session.picking.show(Picked(title, scan.id, tuple(hints), hints))

    def _clicked(self, item: QTreeWidgetItem) -> None:
        row: Row = item.data(0, _ROW_ROLE)
        if row.picks is not None:
            self._session.picking.show(row.picks)

    # -- making ------------------------------------------------------------------------------------

    def _scan(self, scan_id: str | None) -> ScanRecord | None:
        return next((scan for scan in self._finished if scan.id == scan_id), None)

    def _fill(self, combo: ComboBox, chosen: int) -> None:
        combo.blockSignals(True)
        combo.clear()
        for scan in self._finished:
            combo.addItem(describe_scan(scan), scan.id)
            combo.setItemData(combo.count() - 1, describe_scan(scan), Qt.ItemDataRole.ToolTipRole)
        combo.setCurrentIndex(max(0, len(self._finished) + chosen) if self._finished else -1)
        combo.blockSignals(False)

    def _lay_out(self) -> None:
        self.before.setAccessibleName("Earlier scan")
        self.before.setToolTip("The scan to compare with")
        self.after.setAccessibleName("Later scan")
        self.after.setToolTip("The scan whose finds are new")
        self.tree.setAccessibleName("What changed")
        self.tree.setFrameShape(QFrame.Shape.NoFrame)
        self.tree.setStyleSheet(f"QTreeView::item {{ padding: {SPACE // 2}px; }}")
        self.tree.header().hide()
        self.tree.header().setStretchLastSection(False)
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.tree.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.count.setAccessibleName("How many to review")
        self.count.setToolTip("How many to review")
        self.propose_button.setToolTip(
            "Shows the unjudged detections the model is least sure of, unlike each other, in the gallery"
        )
        foot = QHBoxLayout()
        foot.setSpacing(SPACE)
        foot.addWidget(self.propose_button, 1)
        foot.addWidget(self.count)
        scans = QFormLayout(self.scans)
        scans.setContentsMargins(0, 0, 0, 0)
        scans.setSpacing(SPACE)
        scans.addRow("Before", self.before)
        scans.addRow("After", self.after)
        for combo in (self.before, self.after):
            scans.labelForField(combo).setMinimumHeight(combo.sizeHint().height())  # else it stands above its field
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE, SPACE, SPACE, SPACE)
        layout.setSpacing(SPACE)
        layout.addWidget(self.scans)
        layout.addWidget(self.empty)
        layout.addWidget(self.tree, 1)
        layout.addStretch(0)
        layout.addLayout(foot)

    def _connect(self) -> None:
        session = self._session
        session.scans_changed.connect(self.reload)
        session.section_changed.connect(self.reload)
        session.decisions_changed.connect(lambda ids: self._deciding.start())
        self._deciding.timeout.connect(self.compare)
        for combo in (self.before, self.after):
            combo.currentIndexChanged.connect(lambda _: self.compare())
        self.tree.itemClicked.connect(lambda item, column: self._clicked(item))
        self.tree.itemActivated.connect(lambda item, column: self._clicked(item))
        self.propose_button.clicked.connect(self.review_proposals)


def _item(row: Row) -> QTreeWidgetItem:
    item = QTreeWidgetItem([row.text, f"{row.count:,}"])
    item.setData(0, _ROW_ROLE, row)
    item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight)
    item.setToolTip(0, row.tip)
    item.setDisabled(not row.count)
    return item
