"""Decides nothing but who stands where and who listens to whom: the section in the middle, panels around it.

It comes up in steps, so that it is there within a moment. Without a section: frame and start page first, then everything
that a person can do. With one: frame and viewer first, and all else once there is a picture of it.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QEvent, QSize, QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QDialog, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from app.icons import program_icon
from app.notifications import LogKeeper, NotificationBar
from app.settings import Settings
from app.theme import Theme

if TYPE_CHECKING:
    from app.compare.comparison import Comparison
    from app.navigation import Navigator
    from app.session import Session
    from app.start_page import StartPage
    from app.viewer.viewer import Viewer

FIRST_SIZE = (1280, 800)
TITLE_BAR_HEIGHT = 40  # px, as high as systems make them
AFTER_PICTURE_MS = 20  # a picture that has come is painted before anything else is made
PANELS_AFTER_MS = 1500  # if the first picture takes longer than that


class MainWindow(QMainWindow):
    """Schliff's one window. Without a session it is only frame and start page, until `furnish` is called."""

    navigator: Navigator  # made with the viewer

    def __init__(self, session: Session | None, settings: Settings, theme: Theme) -> None:
        super().__init__()
        self.settings, self._theme = settings, theme
        self.log = LogKeeper()
        self.log.install()
        self._left = False
        self.setWindowTitle("Schliff")
        self.setWindowIcon(program_icon())
        self.setAcceptDrops(True)
        self.setMinimumSize(800, 520)
        self.setCentralWidget(self._middle())
        if not self.restoreGeometry(_from_text(settings.get("geometry"))):
            self.resize(self._first_size())
        self._furnished = False
        if session is not None:
            self.begin(session)
            self.furnish()

    def begin(self, session: Session) -> None:
        """What it takes to show a section of this session, with the room that all else will need around it."""
        from app.status_bar import StatusBar
        from app.window_bars import reserve_room
        from app.window_docks import Docks

        self.session = session
        reserve_room(self)
        self.docks: Docks = Docks(self, session, lambda: self.viewer.visible_region())
        self.status = StatusBar(session, self)
        self.setStatusBar(self.status)
        session.message.connect(self._tell)
        session.section_changed.connect(self._section_changed)
        session.failed_to_open.connect(self._failed_to_open)
        session.path_opened.connect(self._remember)
        self.docks.set_shown(False)
        self.docks.arrangement = _from_text(self.settings.get("docks"))

    def furnish(self) -> None:
        """Everything that a person can do. What that needs is loaded here and not before. A second call does nothing."""
        if self._furnished:
            return
        from app.commands.base import Place
        from app.commands.table import CommandSet
        from app.scan_queue.for_window import WindowScans
        from app.section_file import SectionFile
        from app.surprises import Surprises
        from app.training.for_window import WindowTraining
        from app.window_menus import Menus

        session, settings, theme = self.session, self.settings, self._theme
        self._furnished = True
        self.commands = CommandSet(Place(self, session, self.docks, settings, theme, self.log))
        self.menus = Menus(self, session, self.commands, self.docks, settings, theme)
        self.scans = WindowScans(self, session, settings)
        self.training = WindowTraining(self, session)
        self.section_file = SectionFile(self, session)
        self.surprises = Surprises(self)
        self._connect(theme)
        if not session.opener.opening:
            self._show_middle()

    @cached_property
    def notifications(self) -> NotificationBar:
        """Made when there is something to tell."""
        bar = NotificationBar()
        self._middle_column.insertWidget(0, bar)
        return bar

    @cached_property
    def start_page(self) -> StartPage:
        """Made when it is first asked for: a section that is opened at once needs none."""
        from app.start_page import StartPage

        page = StartPage()
        page.set_recent(self.settings.recent)
        page.open_requested.connect(lambda: self.commands.file.open_section())
        page.folder_requested.connect(lambda: self.commands.file.open_folder())
        page.sample_requested.connect(lambda: self.commands.file.try_sample())
        page.recent_requested.connect(lambda path: self.commands.file.open_path(Path(path)))
        self.stack.addWidget(page)
        return page

    @cached_property
    def viewer(self) -> Viewer:
        """Made when it is first asked for."""
        from app.navigation import Navigator
        from app.viewer.viewer import Viewer

        viewer = Viewer(self.session)
        self.navigator = Navigator(self.session, viewer)
        self.stack.addWidget(viewer)
        viewer.show_minimap(self.settings.get("minimap"))
        viewer.readout_changed.connect(self.status.pointer.setText)
        viewer.zoom_changed.connect(self.status.show_zoom)
        viewer.first_picture.connect(self._fill_soon)
        viewer.canvas.region_drawn.connect(self._region_drawn)
        return viewer

    @cached_property
    def comparison(self) -> Comparison:
        """Made when it is first asked for."""
        from app.compare.comparison import Comparison

        comparison = Comparison(self.session, self.viewer, self.settings)
        comparison.active_changed.connect(self.menus.actions["compare"].setChecked)
        return comparison

    def greet(self) -> None:
        """Shows what to do without a section."""
        self.stack.setCurrentWidget(self.start_page)

    def expect_section(self) -> None:
        """One is on its way: room for it, and for what stands around it."""
        self.stack.setCurrentWidget(self.viewer)
        self.docks.set_shown(True)

    def ask_at_start(self) -> None:
        """What is left of the last time."""
        self.scans.ask_at_start()
        self.training.tell_at_start()

    def _first_size(self) -> QSize:
        """No more than the screen has room for, with a title bar."""
        room = self.screen().availableSize() - QSize(0, TITLE_BAR_HEIGHT)
        return QSize(*FIRST_SIZE).boundedTo(room).expandedTo(self.minimumSize())

    @property
    def _has_viewer(self) -> bool:
        return "viewer" in self.__dict__

    @property
    def _has_session(self) -> bool:
        return "session" in self.__dict__

    def _middle(self) -> QWidget:
        self.stack = QStackedWidget()
        middle = QWidget()
        self._middle_column = layout = QVBoxLayout(middle)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.stack, 1)
        return middle

    def _connect(self, theme: Theme) -> None:
        self.docks.panel_made.connect(self._panel_made)
        theme.changed.connect(self._theme_changed)

    def _panel_made(self, dock_id: str, panel: QWidget) -> None:
        if dock_id == "gallery":
            gallery, commands = self.docks.gallery, self.commands
            gallery.restore_state(self.settings.get("gallery"))
            gallery.open_requested.connect(commands.file.open_section)
            gallery.model_requested.connect(commands.scan.choose_model)
            gallery.resume_requested.connect(commands.scan.resume_scan)
            gallery.fly_requested.connect(commands.review.fly_to)
            gallery.drift.match_requested.connect(commands.scan.scan_matched)
            gallery.drift.train_requested.connect(commands.train.train_scanned_with)
        elif dock_id == "scan":
            self.docks.scan.several_requested.connect(self.commands.scan.scan_several)
            self.docks.scan.queue_requested.connect(self.commands.scan.show_scans)
            self.docks.scan.further_requested.connect(self.commands.train.train_further)
            self.docks.scan.region.region_changed.connect(self._show_region)
        elif dock_id == "scans":
            self.docks.scans.several_requested.connect(self.commands.scan.scan_several)
        elif dock_id == "train":
            self._wire_training()
        elif dock_id == "layers":
            self.docks.layers.threshold.spread_requested.connect(lambda: self.docks.bring("threshold"))
        elif dock_id == "registration":
            self.docks.registration.pick_requested.connect(self.commands.tools.take_fiducial)
        elif dock_id == "places":
            places, go = self.docks.places, self.commands.go
            places.fly_requested.connect(go.go_to_bookmark)
            places.add_requested.connect(go.add_bookmark)

    def _wire_training(self) -> None:
        panel = self.docks.train
        panel.form.remember_in(self.settings)
        panel.form.normal.draw_requested.connect(self.viewer.canvas.setFocus)
        panel.scan_requested.connect(self.commands.scan.scan_with)

    @property
    def is_settled(self) -> bool:
        """Whether a section is shown and everything in sight is drawn."""
        session = self.session
        return (
            self._furnished
            and session.section is not None
            and not session.opener.opening
            and not session.lanes.io.busy
            and self.viewer.is_sharp
            and self.docks.filled
            and self.docks.gallery.settled
        )

    # -- following --------------------------------------------------------------------------------

    def _tell(self, level: str, text: str) -> None:
        self.notifications.tell(level, text)

    def _section_changed(self) -> None:
        section = self.session.section
        if "notifications" in self.__dict__:
            self.notifications.hide()  # what is said there is about the one before
        self._show_middle()
        if section is not None:
            QTimer.singleShot(PANELS_AFTER_MS, self.docks, self._fill)
        self.setWindowTitle(f"{section.info.path.name} — Schliff" if section is not None else "Schliff")
        if section is not None:
            self.viewer.canvas.setFocus()
        else:
            self.start_page.set_recent(self.settings.recent)

    def _failed_to_open(self, error: Exception) -> None:
        """Maybe before anything stands around the section that was asked for."""
        self._show_middle()
        if not self._left:
            self.furnish()
            self.section_file.failed_to_open(error)

    def _show_middle(self) -> None:
        section = self.session.section
        self.stack.setCurrentWidget(self.viewer if section is not None else self.start_page)
        self.docks.set_shown(section is not None)

    def _fill_soon(self) -> None:
        """Once the first picture is on the screen."""
        QTimer.singleShot(AFTER_PICTURE_MS, self.docks, self._fill)

    def _fill(self) -> None:
        if not self._left:
            self.furnish()
            self.docks.fill()

    def _region_drawn(self, x0: float, y0: float, x1: float, y1: float) -> None:
        from core.geometry import Box

        section = self.session.section
        region = Box.from_edges(x0, y0, x1, y1).intersection(section.info.box) if section is not None else None
        if region is not None:
            self.docks.scan.set_drawn_region(region)
            self.docks.bring("scan")

    def _show_region(self) -> None:
        if self._has_viewer:
            self.viewer.region.show_region(self.docks.scan.region.outlined)

    def _remember(self, path: str) -> None:
        self.settings.add_recent(Path(path))

    def _theme_changed(self) -> None:
        self.menus.show_theme()
        self.notifications.dress_again()

    # -- files dropped on it ----------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()
            self.start_page.area.set_highlighted(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.start_page.area.set_highlighted(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self.start_page.area.set_highlighted(False)
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths and self._furnished:
            event.acceptProposedAction()
            self.commands.file.take_dropped(paths[0])

    # -- how it is left ---------------------------------------------------------------------------

    def save(self) -> None:
        """How the window stands, and what is looked at."""
        if not self._furnished or self._left:
            return
        self.settings.set("geometry", _to_text(self.saveGeometry()))
        self.settings.set("docks", _to_text(self.docks.state()))
        if self.docks.made("gallery") is not None:
            self.settings.set("gallery", self.docks.gallery.state())
        self.session.saving.now()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange and self._furnished:
            self.menus.actions["fullscreen"].setChecked(self.isFullScreen())

    def closeEvent(self, event: QCloseEvent) -> None:
        """Asks, if something goes on that takes long; a running scan can be resumed."""
        if self._furnished and not self._left and not (self.scans.may_close() and self.training.may_close()):
            event.ignore()
            return
        super().closeEvent(event)
        self.leave()

    def leave(self) -> None:
        """Stores all and ends all, without asking. A second call does nothing."""
        if self._has_session:
            self.furnish()  # what ends the work of a window is part of it
        if self._left or not self._furnished:
            return
        self.save()
        self._left = True
        self.docks.set_shown(False)
        self.docks.shut()
        for dialog in self.findChildren(QDialog):
            dialog.close()  # what computes for it ends with it
        if "comparison" in self.__dict__:
            self.comparison.shut()
        self.hide()  # a thread may take seconds to end
        self.scans.shut()
        self.session.close()
        if self._has_viewer:
            self.viewer.close_tiles()
        self.surprises.remove()
        self.log.remove()


def _to_text(data: QByteArray) -> str:
    return bytes(data.toBase64().data()).decode("ascii")


def _from_text(text: str) -> QByteArray:
    return QByteArray.fromBase64(QByteArray(text.encode("ascii", "ignore")))
