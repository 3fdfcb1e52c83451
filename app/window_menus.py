"""Decides how the table of actions becomes menus, tool bar and keys, and when each of them can be used."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu, QToolBar

from app.commands.base import ActionSpec, Commands, Needs
from app.commands.table import MENUS, CommandSet
from app.commands.tools import TOOLS
from app.icons import icon
from app.session import Session
from app.settings import Settings
from app.theme import THEME_MODES, Theme
from app.window_bars import empty_tool_bar
from app.window_docks import Docks
from core.class_colours import class_name

if TYPE_CHECKING:
    from core.export.base import Purpose

_EXPORTS: tuple[Purpose, ...] = ("drive", "show", "exchange")  # in this order, apart


class Menus:
    """The window's actions by id, in `actions`."""

    def __init__(
        self,
        window: QMainWindow,
        session: Session,
        commands: CommandSet,
        docks: Docks,
        settings: Settings,
        theme: Theme,
    ) -> None:
        self._window, self._session, self._commands = window, session, commands
        self._docks, self._settings, self._theme = docks, settings, theme
        self.actions: dict[str, QAction] = {}
        self.submenus: dict[str, QMenu] = {}
        self._specs = {spec.id: spec for specs in MENUS.values() for spec in specs if spec.id}
        bar = empty_tool_bar(window)
        for name, specs in MENUS.items():
            self._fill(window.menuBar().addMenu(f"&{name}"), specs, getattr(commands, name.lower()))
        self.tool_bar = self._fill_tool_bar(bar)
        self._refresh_timer = QTimer(window, singleShot=True, interval=0)
        self._refresh_timer.timeout.connect(self.refresh)
        self._follow()
        self.refresh()

    def show_theme(self) -> None:
        """Icons in the colours of the palette in use."""
        for action_id, action in self.actions.items():
            if self._specs[action_id].icon:
                action.setIcon(icon(self._specs[action_id].icon))

    def refresh(self) -> None:
        """What can be used now."""
        session = self._session
        has: dict[Needs, bool] = {
            "nothing": True,
            "section": session.section is not None,
            "project": session.project is not None,
            "scan": session.scan is not None,
            "detections": bool(session.visible_detections()),
            "selection": session.selected is not None,
            "scanning": session.scanning,
            "scans": bool(session.queue.queue.unfinished),
            "training": session.training.running,
            "undo": session.can_undo,
            "redo": session.can_redo,
        }
        for action_id, action in self.actions.items():
            action.setEnabled(has[self._specs[action_id].needs])
        self.actions["boxes"].setChecked(session.layers.layer("detections").visible)
        self.actions["heat"].setChecked(session.layers.layer("heat").visible)
        self.actions["drive"].setChecked(session.layers.layer("drive").visible)
        self.actions["minimap"].setChecked(self._settings.get("minimap"))
        for tool_id in TOOLS:
            self.actions[f"tool_{tool_id}"].setChecked(session.drawings.tool == tool_id)
        self.actions["pause_scans"].setChecked(session.queue.queue.held)
        self.actions["pause_training"].setChecked(session.training.paused)
        self.actions["snapping"].setChecked(session.drawings.snapping)
        self.actions["drawings"].setChecked(session.layers.layer("drawings").visible)
        self.submenus["Export"].setEnabled(has["project"])
        self._name_classes()

    def _name_classes(self) -> None:
        """Number keys stand for the classes there are."""
        choices = self._session.classes.choices
        for number in range(1, 10):
            action = self.actions[f"class_{number}"]
            action.setVisible(number <= len(choices))
            if number <= len(choices):
                action.setText(class_name(choices[number - 1]))

    # -- making -----------------------------------------------------------------------------------

    def _fill(self, menu: QMenu, specs: tuple[ActionSpec, ...], commands: Commands) -> None:
        fillers: dict[str, Callable[[QMenu], None]] = {
            "@Recent": self._recent_menu,
            "@Export": self._export_menu,
            "@Panels": self._panels_menu,
            "@Theme": self._theme_menu,
            "@Bookmarks": self._bookmarks_menu,
        }
        for spec in specs:
            if spec.text in fillers:
                submenu = self.submenus[spec.text[1:]] = menu.addMenu(spec.text[1:])
                fillers[spec.text](submenu)
            elif not spec.text:
                menu.addSeparator()
            else:
                self._inside(menu, spec.submenu).addAction(self._make(spec, getattr(commands, spec.handler)))

    def _inside(self, menu: QMenu, submenu: str) -> QMenu:
        if submenu and submenu not in self.submenus:
            self.submenus[submenu] = menu.addMenu(submenu)
        return self.submenus[submenu] if submenu else menu

    def _make(self, spec: ActionSpec, handler: Callable[..., None]) -> QAction:
        action = QAction(spec.text, self._window)
        action.setObjectName(spec.id)
        action.setShortcuts([QKeySequence(keys) for keys in spec.shortcuts])
        keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        tip = spec.tip or spec.text.rstrip("…")
        action.setToolTip(f"{tip} ({keys})" if keys else tip)
        action.setCheckable(spec.checkable)
        action.triggered.connect(handler if spec.checkable else lambda checked=False: handler())
        if spec.icon:
            action.setIcon(icon(spec.icon))
        self.actions[spec.id] = action
        return action

    def _fill_tool_bar(self, bar: QToolBar) -> QToolBar:
        for specs in MENUS.values():
            shown = [self.actions[spec.id] for spec in specs if spec.in_toolbar]
            if shown and bar.actions():
                bar.addSeparator()
            bar.addActions(shown)
        return bar

    def _recent_menu(self, menu: QMenu) -> None:
        def fill() -> None:
            menu.clear()
            for path in self._settings.recent:
                menu.addAction(str(path), partial(self._commands.file.open_path, path))
            menu.addSeparator()
            menu.addAction("Forget these", self._settings.forget_recent).setEnabled(bool(self._settings.recent))

        menu.aboutToShow.connect(fill)

    def _export_menu(self, menu: QMenu) -> None:
        def fill() -> None:
            from core.export.base import exporters

            menu.clear()
            for purpose in _EXPORTS:
                menu.addSeparator()
                for spec in (one for one in exporters() if one.purpose == purpose):
                    action = menu.addAction(f"{spec.name}…", partial(self._commands.file.export, spec))
                    action.setToolTip(spec.help)
            menu.setToolTipsVisible(True)

        menu.aboutToShow.connect(fill)

    def _bookmarks_menu(self, menu: QMenu) -> None:
        def fill() -> None:
            menu.clear()
            go, bookmarks = self._commands.go, self._session.places.bookmarks
            for bookmark in bookmarks:
                menu.addAction(bookmark.name.replace("&", "&&"), partial(go.go_to_bookmark, bookmark.view))
            if not bookmarks:
                menu.addAction("No bookmark yet").setEnabled(False)

        menu.aboutToShow.connect(fill)

    def _panels_menu(self, menu: QMenu) -> None:
        for dock in self._docks.all:
            menu.addAction(dock.toggleViewAction())

    def _theme_menu(self, menu: QMenu) -> None:
        group = QActionGroup(menu)
        for mode in THEME_MODES:
            action = menu.addAction("As the system" if mode == "system" else mode.capitalize())
            action.setCheckable(True)
            action.setChecked(mode == self._theme.mode)
            action.triggered.connect(lambda checked, mode=mode: self._commands.view.set_theme(mode))
            group.addAction(action)

    def _follow(self) -> None:
        session = self._session
        for signal in (
            session.section_changed,
            session.project_changed,
            session.detections_changed,
            session.visible_changed,
            session.selection_changed,
            session.decisions_changed,
            session.layers_changed,
            session.classes.changed,
            session.drawings.changed,
            session.drawings.tool_changed,
            session.registration.changed,
            session.queue.changed,
            session.training.changed,
        ):
            signal.connect(self._refresh_timer.start)
