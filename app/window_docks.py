"""Decides which panels stand around the section, where they stand before the user moves them, and when they are made.

A dock is there from the start, its panel only when somebody looks at it or asks for it: making all of them at once would
keep the first picture waiting.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QByteArray, QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QDockWidget, QMainWindow, QTabWidget, QWidget

from app.dock_titles import DockTitles, set_title_bar

if TYPE_CHECKING:
    from app.gallery.panel import GalleryPanel
    from app.panels.display_panel import DisplayPanel
    from app.panels.drawings_panel import DrawingsPanel
    from app.panels.layers_panel import LayersPanel
    from app.panels.places_panel import PlacesPanel
    from app.panels.region_group import VisibleRegion
    from app.panels.rounds_panel import RoundsPanel
    from app.panels.scan_panel import ScanPanel
    from app.panels.scans_panel import ScansPanel
    from app.panels.threshold_panel import ThresholdPanel
    from app.panels.why_panel import WhyPanel
    from app.registration.panel import RegistrationPanel
    from app.session import Session
    from app.training.panel import TrainPanel

RIGHT_WIDTH = 336
GALLERY_WIDTH = 312  # two crops side by side
BOTTOM_HEIGHT = 216  # five scans, four fiducials

_FEATURES = (
    QDockWidget.DockWidgetFeature.DockWidgetClosable
    | QDockWidget.DockWidgetFeature.DockWidgetMovable
    | QDockWidget.DockWidgetFeature.DockWidgetFloatable
)

_AREAS = {
    "left": Qt.DockWidgetArea.LeftDockWidgetArea,
    "right": Qt.DockWidgetArea.RightDockWidgetArea,
    "bottom": Qt.DockWidgetArea.BottomDockWidgetArea,
}


def _gallery(session: Session, visible_region: VisibleRegion) -> QWidget:
    from app.gallery.panel import GalleryPanel

    return GalleryPanel(session)


def _layers(session: Session, visible_region: VisibleRegion) -> QWidget:
    from app.panels.layers_panel import LayersPanel

    return LayersPanel(session)


def _drawings(session: Session, visible_region: VisibleRegion) -> QWidget:
    from app.panels.drawings_panel import DrawingsPanel

    return DrawingsPanel(session)


def _scan(session: Session, visible_region: VisibleRegion) -> QWidget:
    from app.panels.scan_panel import ScanPanel

    return ScanPanel(session, visible_region)


def _why(session: Session, visible_region: VisibleRegion) -> QWidget:
    from app.panels.why_panel import WhyPanel

    return WhyPanel(session)


def _display(session: Session, visible_region: VisibleRegion) -> QWidget:
    from app.panels.display_panel import DisplayPanel

    return DisplayPanel(session, visible_region)


def _scans(session: Session, visible_region: VisibleRegion) -> QWidget:
    from app.panels.scans_panel import ScansPanel

    return ScansPanel(session)


def _threshold(session: Session, visible_region: VisibleRegion) -> QWidget:
    from app.panels.threshold_panel import ThresholdPanel

    return ThresholdPanel(session)


def _places(session: Session, visible_region: VisibleRegion) -> QWidget:
    from app.panels.places_panel import PlacesPanel

    return PlacesPanel(session)


def _train(session: Session, visible_region: VisibleRegion) -> QWidget:
    from app.training.panel import TrainPanel

    return TrainPanel(session)


def _rounds(session: Session, visible_region: VisibleRegion) -> QWidget:
    from app.panels.rounds_panel import RoundsPanel

    return RoundsPanel(session)


def _check(session: Session, visible_region: VisibleRegion) -> QWidget:
    from app.checking.panel import CheckPanel

    return CheckPanel(session)


def _registration(session: Session, visible_region: VisibleRegion) -> QWidget:
    from app.registration.panel import RegistrationPanel

    return RegistrationPanel(session)


@dataclass(frozen=True, slots=True)
class DockSpec:
    """One dock: `id` names it for ever (it is saved with the arrangement), `make` gives its panel. A panel may have a
    method `shut()`, called before the window goes. Those that aren't there at start wait under View ▸ Panels. `ahead`: its
    panel is made before anybody asks for it."""

    id: str
    title: str
    side: Literal["left", "right", "bottom"]
    make: Callable[[Session, VisibleRegion], QWidget]
    at_start: bool = True
    ahead: bool = True


DOCKS: tuple[DockSpec, ...] = (
    DockSpec("gallery", "Gallery", "left", _gallery),
    DockSpec("layers", "Layers", "right", _layers),
    DockSpec("display", "Display", "right", _display),
    DockSpec("drawings", "Drawings", "right", _drawings),
    DockSpec("scan", "Scan", "right", _scan),
    DockSpec("why", "Why", "right", _why),
    DockSpec("places", "Places", "right", _places, at_start=False),
    DockSpec("rounds", "Rounds", "right", _rounds, at_start=False, ahead=False),
    DockSpec("check", "Check", "right", _check, at_start=False, ahead=False),
    DockSpec("train", "Train", "right", _train, at_start=False, ahead=False),
    DockSpec("scans", "Scans", "bottom", _scans, at_start=False),
    DockSpec("threshold", "Threshold", "bottom", _threshold, at_start=False, ahead=False),
    DockSpec("registration", "SEM registration", "bottom", _registration, at_start=False, ahead=False),
)


class Docks(QObject):
    """The gallery stands on the left. The other panels share the right side, or the bottom, where each needs all its
    width."""

    panel_made = Signal(str, object)  # the dock's id, its panel

    def __init__(self, window: QMainWindow, session: Session, visible_region: VisibleRegion) -> None:
        super().__init__(window)
        self._window, self._session, self._visible_region = window, session, visible_region
        self._shown, self._wanted, self._over = True, False, False
        self._filling = QTimer(self, interval=0)
        self._filling.timeout.connect(self._make_next)
        self.arrangement = QByteArray()
        self._specs = {spec.id: spec for spec in DOCKS}
        self._panels: dict[str, QWidget] = {}
        self._docks = {spec.id: self._dock(spec) for spec in DOCKS}
        self.all = tuple(self._docks.values())
        right, bottom = ([self._docks[spec.id] for spec in DOCKS if spec.side == side] for side in ("right", "bottom"))
        for dock in right:
            set_title_bar(dock, shown=False)
        window.setDockNestingEnabled(True)
        window.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        for before, after in pairwise(right):
            window.tabifyDockWidget(before, after)
        for dock in self.all:
            dock.show()  # a window that is on the screen already doesn't do it by itself
        right[0].raise_()
        window.resizeDocks([self._docks["gallery"], right[0]], [GALLERY_WIDTH, RIGHT_WIDTH], Qt.Orientation.Horizontal)
        window.resizeDocks([bottom[-1]], [BOTTOM_HEIGHT], Qt.Orientation.Vertical)
        for spec in DOCKS:
            self._docks[spec.id].setVisible(spec.at_start)
        # Only now that they are hidden: Qt leaves tabs on the screen of those that are hidden later.
        for before, after in pairwise(bottom):
            window.tabifyDockWidget(before, after)
        self._first_arrangement = window.saveState()
        DockTitles(window, self.all, closable=bottom)

    # -- panels -----------------------------------------------------------------------------------

    @property
    def gallery(self) -> GalleryPanel:
        return self.panel("gallery")  # type: ignore[return-value]

    @property
    def layers(self) -> LayersPanel:
        return self.panel("layers")  # type: ignore[return-value]

    @property
    def display(self) -> DisplayPanel:
        return self.panel("display")  # type: ignore[return-value]

    @property
    def drawings(self) -> DrawingsPanel:
        return self.panel("drawings")  # type: ignore[return-value]

    @property
    def scan(self) -> ScanPanel:
        return self.panel("scan")  # type: ignore[return-value]

    @property
    def scans(self) -> ScansPanel:
        return self.panel("scans")  # type: ignore[return-value]

    @property
    def threshold(self) -> ThresholdPanel:
        return self.panel("threshold")  # type: ignore[return-value]

    @property
    def registration(self) -> RegistrationPanel:
        return self.panel("registration")  # type: ignore[return-value]

    @property
    def train(self) -> TrainPanel:
        return self.panel("train")  # type: ignore[return-value]

    @property
    def rounds(self) -> RoundsPanel:
        return self.panel("rounds")  # type: ignore[return-value]

    @property
    def why(self) -> WhyPanel:
        return self.panel("why")  # type: ignore[return-value]

    @property
    def places(self) -> PlacesPanel:
        return self.panel("places")  # type: ignore[return-value]

    def panel(self, dock_id: str) -> QWidget:
        """A dock's panel, made now if nobody asked for it before."""
        made = self._panels.get(dock_id)
        if made is None:
            made = self._panels[dock_id] = self._specs[dock_id].make(self._session, self._visible_region)
            self._docks[dock_id].setWidget(made)
            self.panel_made.emit(dock_id, made)
        return made

    def made(self, dock_id: str) -> QWidget | None:
        """A dock's panel if there is one yet."""
        return self._panels.get(dock_id)

    def fill(self) -> None:
        """Makes the panels that are made ahead, one in each turn of the event loop, those in sight first."""
        if self._over:
            return
        self._wanted = True
        if len(self._panels) < len(self._docks):
            self._filling.start()

    @property
    def filled(self) -> bool:
        """Whether every dock in sight has its panel."""
        return all(dock_id in self._panels for dock_id, dock in self._docks.items() if _in_sight(dock))

    def _is_wanted(self, dock_id: str) -> bool:
        return self._specs[dock_id].ahead or _in_sight(self._docks[dock_id])

    def _make_next(self) -> None:
        missing = [dock_id for dock_id in self._docks if dock_id not in self._panels and self._is_wanted(dock_id)]
        if len(missing) <= 1:
            self._filling.stop()
        if missing:
            self.panel(min(missing, key=lambda dock_id: not _in_sight(self._docks[dock_id])))

    # -- docks ------------------------------------------------------------------------------------

    def set_shown(self, shown: bool) -> None:
        """Without a section there is nothing to put around it; the arrangement comes back with the next one."""
        if shown == self._shown:
            return
        self._shown = shown
        if shown:
            before = [dock for dock in self.all if dock.isVisible()]
            if not self._window.restoreState(self.arrangement):
                self._window.restoreState(self._first_arrangement)
            for dock in before:  # the scans may be looked at without a section
                dock.show()
            return
        self.arrangement = self._window.saveState()
        for dock in self.all:
            dock.hide()

    def state(self) -> QByteArray:
        """Their arrangement: as they stand, or as they will stand around the next section."""
        return self.arrangement if not self._shown else self._window.saveState()

    def shut(self) -> None:
        """Ends the threads of the panels, and makes no more of them."""
        self._over, self._wanted = True, False
        self._filling.stop()
        for panel in self._panels.values():
            if hasattr(panel, "shut"):
                panel.shut()

    def bring(self, dock_id: str) -> None:
        """Shows a dock, in front of those it shares its place with."""
        self.panel(dock_id)
        self._docks[dock_id].show()
        self._docks[dock_id].raise_()

    def dock(self, dock_id: str) -> QDockWidget:
        return self._docks[dock_id]

    def _dock(self, spec: DockSpec) -> QDockWidget:
        dock = QDockWidget(spec.title, self._window)
        dock.setObjectName(f"{spec.id}-dock")
        dock.setWidget(QWidget())
        dock.setFeatures(_FEATURES)
        dock.visibilityChanged.connect(lambda shown: self._looked_at(spec.id, shown))
        dock.toggleViewAction().triggered.connect(lambda on: self.bring(spec.id) if on else None)
        self._window.addDockWidget(_AREAS[spec.side], dock)
        return dock

    def _looked_at(self, dock_id: str, shown: bool) -> None:
        """A tab that is chosen before its turn has come."""
        if shown and self._wanted:
            self.panel(dock_id)


def _in_sight(dock: QDockWidget) -> bool:
    return dock.isVisible() and not dock.visibleRegion().isEmpty()
