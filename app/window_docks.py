"""Decides which panels stand around the section, and where they stand before the user moves them."""

from __future__ import annotations

from itertools import pairwise

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QTabWidget, QWidget

from app.gallery.panel import GalleryPanel
from app.panels.layers_panel import LayersPanel
from app.panels.region_group import VisibleRegion
from app.panels.scan_panel import ScanPanel
from app.panels.why_panel import WhyPanel
from app.session import Session

RIGHT_WIDTH = 336
GALLERY_WIDTH = 312  # two crops side by side


class Docks:
    """The gallery stands on the left; the other panels share the right side, and their tabs are their titles."""

    def __init__(self, window: QMainWindow, session: Session, visible_region: VisibleRegion) -> None:
        self._window, self._shown = window, True
        self.arrangement = QByteArray()
        self.layers = LayersPanel(session)
        self.scan = ScanPanel(session, visible_region)
        self.why = WhyPanel(session)
        self.gallery = GalleryPanel(session)
        left, right = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
        self.layers_dock = _dock(window, "Layers", self.layers, right)
        self.scan_dock = _dock(window, "Scan", self.scan, right)
        self.why_dock = _dock(window, "Why", self.why, right)
        self.gallery_dock = _dock(window, "Gallery", self.gallery, left)
        self._tabs = (self.layers_dock, self.scan_dock, self.why_dock)
        self.all = (self.gallery_dock, *self._tabs)
        for dock in self._tabs:
            dock.setTitleBarWidget(QWidget(dock))
        window.setDockNestingEnabled(True)
        window.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        for before, after in pairwise(self._tabs):
            window.tabifyDockWidget(before, after)
        self.layers_dock.raise_()
        window.resizeDocks(
            [self.gallery_dock, self.layers_dock], [GALLERY_WIDTH, RIGHT_WIDTH], Qt.Orientation.Horizontal
        )

        self._first_arrangement = window.saveState()

    def set_shown(self, shown: bool) -> None:
        """Without a section there is nothing to put around it; the arrangement comes back with the next one."""
        if shown == self._shown:
            return
        self._shown = shown
        if shown:
            if not self._window.restoreState(self.arrangement):
                self._window.restoreState(self._first_arrangement)
            return
        self.arrangement = self._window.saveState()
        for dock in self.all:
            dock.hide()

    def shut(self) -> None:
        """Ends the threads of the panels."""
        self.gallery.shut()
        self.why.shut()

    def bring(self, dock: QDockWidget) -> None:
        """Shows a dock, in front of those it shares its place with."""
        dock.show()
        dock.raise_()


def _dock(window: QMainWindow, title: str, panel: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
    dock = QDockWidget(title, window)
    dock.setObjectName(f"{title.lower()}-dock")
    dock.setWidget(panel)
    dock.setFeatures(
        QDockWidget.DockWidgetFeature.DockWidgetClosable
        | QDockWidget.DockWidgetFeature.DockWidgetMovable
        | QDockWidget.DockWidgetFeature.DockWidgetFloatable
    )
    window.addDockWidget(area, dock)
    return dock
