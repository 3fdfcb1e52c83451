"""Decides what is laid over the section and how, and which detections count: everything here follows the session."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QCheckBox, QWidget

from app.combo import ComboBox
from app.layout import CheckGroup, Group, Panel, muted
from app.panels.class_list import ClassList
from app.panels.grid_group import GridGroup
from app.panels.heat_group import HeatGroup
from app.panels.layer_list import LayerList
from app.panels.pictures_group import PicturesGroup
from app.panels.threshold import ThresholdControl
from app.scan_queue.wording import before_scan
from app.session import Session
from core.project.records import ScanRecord

RELOAD_AFTER_MS = 60


class LayersPanel(Panel):
    """The layers and their order; scan, threshold, detections by class, heat map, grid, pictures over the section."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.scan_choice = ComboBox()
        self.threshold = ThresholdControl()
        self.classes = ClassList()
        self.layers = LayerList(session)
        self.heat = HeatGroup(session)
        self.grid = GridGroup(session)
        self.pictures = PicturesGroup(session)
        self._no_scan = muted()
        self._scan_group, self._threshold_group = Group("Scan"), Group("Threshold")
        self.detections = CheckGroup("Detections")
        self.on_minimap = QCheckBox("Mark them on the minimap")
        self.on_minimap.setToolTip("Where many are, and the ten worst by themselves")
        self._reload_timer = QTimer(self, singleShot=True, interval=RELOAD_AFTER_MS)
        self._lay_out()
        self._connect()
        self._scans_changed()
        self._layers_changed()

    def reload(self) -> None:
        """Takes over the detections of the session as they are now."""
        self._reload_timer.stop()
        session, scan = self._session, self._session.scan
        self._show_classes()
        if scan is not None:
            floor = float(session.table.column("score").min()) if session.detections else 0.0
            self.threshold.set_scan(session.detections, scan.score_unit, floor, session.threshold)
        self._counts_changed()

    def _reload_soon(self) -> None:
        if not self._reload_timer.isActive():
            self._reload_timer.start()

    def _counts_changed(self) -> None:
        session = self._session
        self.threshold.set_value(session.threshold)
        above = session.table.column("score") >= session.threshold
        self.classes.set_state(session.hidden_labels, session.table.counts(above))

    def _layers_changed(self) -> None:
        layers = self._session.layers
        shown = ((self.detections.check, layers.layer("detections").visible), (self.on_minimap, layers.on_minimap))
        for check, checked in shown:
            check.blockSignals(True)
            check.setChecked(checked)
            check.blockSignals(False)

    def _scans_changed(self) -> None:
        session, scan = self._session, self._session.scan
        self._tell_without_scan()
        for group in (self._threshold_group, self.detections, self.heat):
            group.setVisible(scan is not None)
        self._scan_group.setVisible(len(session.scans) > 1)
        self.scan_choice.clear()
        for record in reversed(session.scans):
            self.scan_choice.addItem(describe_scan(record), record.id)
            last = self.scan_choice.count() - 1
            self.scan_choice.setItemData(last, describe_scan(record), Qt.ItemDataRole.ToolTipRole)
        self.scan_choice.setCurrentIndex(self.scan_choice.findData(scan.id) if scan is not None else -1)
        shown = f"{describe_scan(scan)}\n" if scan is not None else ""
        self.scan_choice.setToolTip(f"{shown}Which of this section's scans is shown")
        if scan is not None:
            self._show_classes()
        self._reload_soon()

    def _tell_without_scan(self) -> None:
        first = before_scan(self._session)
        self._no_scan.setText(f"{first} Its detections and its heat map are laid over the section here.")
        self._no_scan.setVisible(self._session.scan is None)

    def _show_classes(self) -> None:
        scan = self._session.scan
        if scan is not None:
            shown = self._session.classes.table.shown
            self.classes.set_labels(self._session.classes.shown(), tuple(map(shown, scan.artefact_labels)))

    def _lay_out(self) -> None:
        self.scan_choice.setAccessibleName("Scan")
        self.scan_choice.setMinimumContentsLength(10)
        self._scan_group.add_wide(self.scan_choice)
        self._threshold_group.add_wide(self.threshold)
        self.detections.check.setToolTip("Show the boxes over the section")
        self.detections.add_wide(self.classes)
        self.detections.add_wide(self.on_minimap)
        of_scan = (self._scan_group, self._threshold_group, self.detections, self.heat)
        for group in (self.layers, self._no_scan, *of_scan, self.grid, self.pictures):
            self.column.addWidget(group)
        self.column.addStretch(1)

    def _connect(self) -> None:
        session = self._session
        session.scans_changed.connect(self._scans_changed)
        session.scan_started.connect(self._tell_without_scan)
        session.scan_finished.connect(lambda _: self._tell_without_scan())
        session.detections_changed.connect(self._reload_soon)
        session.visible_changed.connect(self._counts_changed)
        session.layers_changed.connect(self._layers_changed)
        self._reload_timer.timeout.connect(self.reload)
        self.threshold.changed.connect(session.set_threshold)
        self.classes.hidden_changed.connect(session.set_hidden_labels)
        self.detections.check.toggled.connect(
            lambda on: session.set_layers(session.layers.styled("detections", visible=on))
        )
        self.on_minimap.toggled.connect(lambda on: session.set_layers(replace(session.layers, on_minimap=on)))
        self.scan_choice.activated.connect(lambda _: session.set_scan(self.scan_choice.currentData()))


def describe_scan(record: ScanRecord) -> str:
    """A scan among others: when it began, its model, and how it stands unless it is done."""
    text = f"{_when(record.started)}, {record.model_name}"
    return text if record.status == "done" else f"{text} ({record.status})"


def _when(started: str) -> str:
    try:
        return datetime.fromisoformat(started).astimezone().strftime("%d %b %H:%M")
    except ValueError:
        return started
