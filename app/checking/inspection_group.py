"""Decides how a manual inspection is imported and told beside the scan: numbers by class, and a list to click through."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QFileDialog,
    QFrame,
    QHeaderView,
    QLabel,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from app.checking.import_dialog import PositionsDialog
from app.layout import Group, muted
from app.scan_queue.wording import before_scan
from app.session import Session
from core.class_colours import class_name
from core.counting import counted
from core.detection import STATUS_NAMES, Detection
from core.inspection import Comparison
from core.inspection_csv import InspectedPlace

_WHAT = "Positions that somebody found by eye (CSV with x and y in px, or µm or mm of the stage) beside what the scan shows."
_PLACE = Qt.ItemDataRole.UserRole
_ROWS_AT_ONCE = 2000  # of each kind; nobody clicks through more


class InspectionGroup(Group):
    """What people and the scan found, what only people did, what only the scan did."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Manual inspection", parent)
        self._session = session
        self.import_button, self.draw_button = QPushButton("Import positions…"), QPushButton("Add what was missed")
        self.remove_button = QPushButton("Remove")
        self.tolerance = QDoubleSpinBox(decimals=1, minimum=0, maximum=100_000)
        self.tolerance.setKeyboardTracking(False)
        self.figure, self.told, self.tree = QLabel(), muted(), QTreeWidget(columnCount=3)
        self._lay_out()
        self._connect()
        self.follow()

    # -- what can be done ---------------------------------------------------------------------------

    def ask_file(self) -> None:
        start = self._session.section_record.path.parent if self._session.section_record is not None else Path()
        name, _ = QFileDialog.getOpenFileName(self, "Positions", str(start), "Tables (*.csv *.tsv *.txt)")
        if name:
            self.import_file(Path(name))

    def import_file(self, path: Path) -> None:
        """Asks only for what the file's header doesn't say."""
        dialog = PositionsDialog(path, self._session.section_record, self)
        if not dialog.is_needed:
            self._session.inspection.import_file(path)
            dialog.deleteLater()
            return
        dialog.accepted.connect(lambda: self._session.inspection.import_file(path, dialog.unit, dialog.origin))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def draw_missed(self) -> None:
        """Of the selected positions, else of all that were missed."""
        found = self._session.inspection.comparison
        if found is None:
            return
        chosen = [item.data(0, _PLACE) for item in self.tree.selectedItems()]
        places = [one for one in chosen if isinstance(one, InspectedPlace) and one in found.missed]
        drawn = self._session.inspection.draw_missed(places or found.missed)
        self._session.message.emit(
            "info", f"{drawn} missed places are defects now, drawn by you; Ctrl+Z takes them back."
        )

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls() and self._session.section_record is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.import_file(paths[0])

    # -- following ----------------------------------------------------------------------------------

    def follow(self) -> None:
        control = self._session.inspection
        inspection, found = control.inspection, control.comparison
        self.import_button.setEnabled(self._session.section_record is not None)
        self.import_button.setToolTip("" if self.import_button.isEnabled() else before_scan(self._session))
        self.import_button.setText("Import other positions…" if inspection is not None else "Import positions…")
        for widget in (self.figure, self.told, self.tree, self.remove_button, self._tolerance_row, self.tolerance):
            widget.setVisible(inspection is not None)
        self.draw_button.setVisible(found is not None and bool(found.missed))
        self.grid.setRowStretch(self._rest, int(inspection is None))  # without a list nothing else takes the room below
        if inspection is None:
            return
        scale = self._um_per_px()
        self.tolerance.blockSignals(True)
        self.tolerance.setSuffix(" µm" if scale else " px")
        self.tolerance.setValue(inspection.tolerance_px * (scale or 1.0))
        self.tolerance.blockSignals(False)
        if found is None:
            self.figure.setText("…" if self._session.scan is not None else "Scan the section to compare.")
            self.told.setText(f"{counted(len(inspection.places), 'position')} of {inspection.source}")
            self.tree.clear()
            return
        self.figure.setText(f"{len(found.agreed):,} agreed · {len(found.missed):,} missed · {len(found.extra):,} extra")
        self.told.setText(_told(found, inspection.source))
        self._fill(found)

    def _fill(self, found: Comparison) -> None:
        opened = {item.text(0).split(" (")[0] for item in self._tops() if item.isExpanded()}
        self.tree.clear()
        agreed = [(place, one) for place, one in found.agreed]
        parts: tuple[tuple[str, str, list[QTreeWidgetItem]], ...] = (
            ("Missed", "Only by eye", [_place_item(place, None) for place in found.missed[:_ROWS_AT_ONCE]]),
            ("Extra", "Only by the scan", [_detection_item(one) for one in found.extra[:_ROWS_AT_ONCE]]),
            ("Agreed", "By both", [_place_item(place, one) for place, one in agreed[:_ROWS_AT_ONCE]]),
        )
        counts = {"Missed": len(found.missed), "Extra": len(found.extra), "Agreed": len(found.agreed)}
        for name, tip, items in parts:
            top = QTreeWidgetItem([f"{name} ({counts[name]:,})"])
            top.setToolTip(0, tip)
            top.addChildren(items)
            self.tree.addTopLevelItem(top)
            top.setExpanded(name in opened if opened else name == "Missed")

    def _tops(self) -> list[QTreeWidgetItem]:
        found = (self.tree.topLevelItem(row) for row in range(self.tree.topLevelItemCount()))
        return [item for item in found if item is not None]

    def _clicked(self, item: QTreeWidgetItem) -> None:
        """A position, or a detection: the section goes there."""
        one, detection = item.data(0, _PLACE), item.data(1, _PLACE)
        if isinstance(detection, int):
            self._session.select(detection, "panel")
        if isinstance(one, InspectedPlace):
            self._session.inspection.wanted.emit(one)

    def _um_per_px(self) -> float | None:
        record = self._session.section_record
        return record.um2_per_px2**0.5 if record is not None and record.um2_per_px2 else None

    def _set_tolerance(self, value: float) -> None:
        self._session.inspection.set_tolerance(value / (self._um_per_px() or 1.0))

    def _lay_out(self) -> None:
        self.setAcceptDrops(True)
        font = self.figure.font()
        font.setBold(True)
        self.figure.setFont(font)
        self.figure.setWordWrap(True)
        self.tolerance.setToolTip("How far beside a detection a position may lie and still mean it")
        self.tree.setAccessibleName("Positions compared")
        self.tree.setFrameShape(QFrame.Shape.NoFrame)
        self.tree.setHeaderHidden(True)
        self.tree.setMinimumHeight(160)
        self.tree.setSelectionMode(QTreeWidget.SelectionMode.ExtendedSelection)
        head = self.tree.header()
        head.setStretchLastSection(False)
        head.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in (1, 2):
            head.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        self.draw_button.setToolTip("Boxes around the selected missed positions, else around all: defects by a person")
        self.remove_button.setToolTip("Forget these positions; Ctrl+Z brings them back")
        self.add_wide(muted(_WHAT))
        self.add_wide(self.figure)
        self.add_wide(self.told)
        self._tolerance_row: QWidget = self.add_row("Tolerance", self.tolerance)
        for widget in (self.tree, self.draw_button, self.import_button, self.remove_button):
            self.add_wide(widget)
        self._rest = self.grid.rowCount()

    def _connect(self) -> None:
        session = self._session
        session.inspection.changed.connect(self.follow)
        for changed in (session.section_changed, session.project_changed, session.scan_started):
            changed.connect(self.follow)
        session.scan_finished.connect(lambda _: self.follow())
        self.tolerance.valueChanged.connect(self._set_tolerance)
        self.import_button.clicked.connect(self.ask_file)
        self.draw_button.clicked.connect(self.draw_missed)
        self.remove_button.clicked.connect(lambda: session.inspection.keep(None))
        self.tree.itemClicked.connect(lambda item, column: self._clicked(item))
        self.tree.itemActivated.connect(lambda item, column: self._clicked(item))


def _told(found: Comparison, source: str) -> str:
    by_eye = len(found.agreed) + len(found.missed)
    share = "" if found.share_found is None else f" The scan found {100 * found.share_found:.0f} % of them."
    confirmed = sum(one.status == "defect" for one in found.extra)
    extra = f" Of the extra ones {confirmed} were judged defects: missed by eye." if confirmed else ""
    classes = "; ".join(
        f"{class_name(label) if label else 'no class'}: {n['manual']} by eye, {n['scan']} by the scan"
        for label, n in found.counts().items()
    )
    return f"{counted(by_eye, 'position')} of {source}.{share}{extra}\n{classes}"


def _place_item(place: InspectedPlace, detection: Detection | None) -> QTreeWidgetItem:
    name = " ".join(filter(None, (place.name, class_name(place.label) if place.label else "")))
    item = QTreeWidgetItem([name or "Position", f"{place.x_px:,.0f}, {place.y_px:,.0f}", ""])
    item.setData(0, _PLACE, place)
    item.setToolTip(0, place.note)
    if detection is not None:
        item.setData(1, _PLACE, detection.id)
        item.setText(2, class_name(detection.label))
    return item


def _detection_item(one: Detection) -> QTreeWidgetItem:
    x, y = one.box.center
    item = QTreeWidgetItem([f"{class_name(one.label)} #{one.id}", f"{x:,.0f}, {y:,.0f}", STATUS_NAMES[one.status]])
    item.setData(1, _PLACE, one.id)
    return item
