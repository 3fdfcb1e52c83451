"""Decides what a dock is called by: its tab where several share a place, its title bar where it stands alone; never both."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QDockWidget, QMainWindow, QTabBar, QWidget


class DockTitles(QObject):
    """Follows where docks are put. Tabs of `closable` docks have a cross, as title bars have."""

    def __init__(self, window: QMainWindow, docks: Sequence[QDockWidget], closable: Collection[QDockWidget]) -> None:
        super().__init__(window)
        self._window, self._docks, self._closable = window, docks, {dock.windowTitle() for dock in closable}
        self._bars: set[QTabBar] = set()
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._follow)
        for dock in docks:
            for moved in (dock.visibilityChanged, dock.dockLocationChanged, dock.topLevelChanged):
                moved.connect(lambda _: self._soon.start())

    def _follow(self) -> None:
        for dock in self._docks:
            if not dock.isHidden():
                set_title_bar(dock, shown=not self._shares_place(dock))
        for bar in self._window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly):
            self._follow_tabs(bar)

    def _shares_place(self, dock: QDockWidget) -> bool:
        others = self._window.tabifiedDockWidgets(dock)
        return not dock.isFloating() and any(not (one.isHidden() or one.isFloating()) for one in others)

    def _follow_tabs(self, bar: QTabBar) -> None:
        """Qt makes these bars itself, and uses them again for other docks."""
        bar.setTabsClosable({bar.tabText(at) for at in range(bar.count())} <= self._closable)
        if bar not in self._bars:
            self._bars.add(bar)
            bar.tabCloseRequested.connect(lambda at: self._close(bar.tabText(at)))

    def _close(self, title: str) -> None:
        for dock in self._docks:
            if dock.windowTitle() == title:
                dock.close()


class _NoTitle(QWidget):
    """Stands where a title bar would be."""


def set_title_bar(dock: QDockWidget, *, shown: bool) -> None:
    before = dock.titleBarWidget()
    if shown == isinstance(before, _NoTitle):
        dock.setTitleBarWidget(None if shown else _NoTitle(dock))  # type: ignore[arg-type]
        if before is not None:
            before.deleteLater()
