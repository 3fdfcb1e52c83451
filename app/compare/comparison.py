"""Decides what is compared, how the two views follow each other, and that leaving brings everything back."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from app.compare.bar import CompareBar
from app.compare.halves import COMPARE_MODES, CompareMode, Halves
from app.compare.link import Link, by_scale, by_stage, lay_together
from app.compare.marks import Marks
from app.compare.pane import ComparePane
from app.compare.partner import Beside, Partner
from app.session import Session
from app.settings import Settings
from app.viewer.camera import Camera
from app.viewer.readout import position_text
from app.viewer.viewer import Viewer
from core.section_info import Plane, SectionInfo

if TYPE_CHECKING:
    from app.viewer.canvas import Canvas


class Comparison(QObject):
    """The viewer's canvas on the left, a pane on the right; between them a `link`, unless it is off."""

    active_changed = Signal(bool)
    marks: Marks  # made with the pane

    def __init__(self, session: Session, viewer: Viewer, settings: Settings) -> None:
        super().__init__(viewer)
        self._session, self._viewer, self._settings = session, viewer, settings
        self.active = False
        self.link = Link()
        self._following = False
        self._pane: ComparePane | None = None
        self.partner = Partner(session)
        self.partner.opened.connect(self._show_other)
        self.frame = QWidget()
        self.bar, self.halves = CompareBar(), Halves()
        column = QVBoxLayout(self.frame)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addWidget(self.halves, 1)
        self._connect()

    def _connect(self) -> None:
        bar = self.bar
        bar.mode_chosen.connect(self.set_mode)
        bar.link.toggled.connect(self._link_toggled)
        bar.stage.toggled.connect(self._relink)
        bar.line_up.clicked.connect(self._relink)
        bar.same_display.clicked.connect(self.use_same_display)
        bar.close_button.clicked.connect(self.leave)
        bar.menu.aboutToShow.connect(self._fill_menu)
        self.halves.divider_moved.connect(lambda: self._lead(self._viewer.canvas))
        self.halves.divider.released.connect(self._remember_divider)
        self._viewer.canvas.camera_changed.connect(lambda: self._lead(self._viewer.canvas))
        self._session.section_changed.connect(self.leave)
        self._session.calibration.changed.connect(lambda: self._relink() if self.active else None)

    # -- for the commands -------------------------------------------------------------------------

    @property
    def pane(self) -> ComparePane:
        """The right view, made when it is first asked for."""
        if self._pane is None:
            pane = self._pane = ComparePane()
            pane.provider.failed.connect(self._session.report)
            pane.canvas.camera_changed.connect(lambda: self._lead(pane.canvas))
            pane.canvas.pointer_moved.connect(self._tell_position)
            pane.canvas.pointer_left.connect(lambda: self._viewer.readout_changed.emit(""))
            self.marks = Marks(self, self._viewer.canvas, pane.canvas)
            self.partner.sharper.connect(pane.provider.sharpen)
        return self._pane

    def enter(self) -> None:
        """The open section beside itself, the right one with the display as it is now."""
        section = self._session.section
        if section is None:
            return
        self.partner.let_go()
        self.pane.show_section(section, self._session.plane, self._session.look)
        self._arrange(section.info.path.name, f"{section.info.path.name}, display as it was")

    def compare_with(self, path: Path) -> None:
        """Another section beside the open one, once it's open."""
        if self._session.section is not None:
            self.partner.open(path)

    def ask_and_compare(self) -> None:
        from core.readers.base import known_suffixes

        patterns = " ".join(f"*{suffix}" for suffix in known_suffixes())
        name, _ = QFileDialog.getOpenFileName(
            self._viewer.window(),
            "Compare with another section",
            self._settings.get("last_folder"),
            f"Sections ({patterns});;All files (*)",
        )
        if name:
            self.compare_with(Path(name))

    def leave(self) -> None:
        """Back to one view, as large and where it was."""
        self.partner.let_go()
        if not self.active:
            return
        self.active = False
        pane, column, canvas = self.pane, self._viewer.column, self._viewer.canvas
        pane.hide()
        self.marks.hide()
        pane.show_section(None, pane.plane, pane.look)
        self.halves.give_back()
        column.replaceWidget(self.frame, canvas)
        column.setStretchFactor(canvas, 1)
        self.frame.hide()
        canvas.show()
        canvas.setFocus()
        self._viewer.show_minimap(self._settings.get("minimap"))
        self.active_changed.emit(False)

    def use_same_display(self) -> None:
        self.pane.show_display(self._session.plane, self._session.look)

    def set_mode(self, mode: CompareMode) -> None:
        self.halves.set_mode(mode, self._share(mode))
        self.bar.show_mode(mode)
        self._settings.set("compare", self._state() | {"mode": mode})
        self._lead(self._viewer.canvas)

    def picture(self) -> QImage:
        """Both views with their names."""
        return self.halves.grab().toImage()

    def shut(self) -> None:
        """Ends the reading threads; the session closes what was open."""
        if self._pane is not None:
            self._pane.close_tiles()
        self.partner.let_go(at_once=True)

    # -- coming and going -------------------------------------------------------------------------

    def _show_other(self, beside: Beside) -> None:
        section = self._session.section
        if section is None:
            self.partner.let_go()
            return
        self.pane.show_section(beside.section, Plane(), beside.look)
        self._arrange(section.info.path.name, beside.section.info.path.name)

    def _arrange(self, left_name: str, right_name: str) -> None:
        viewer, pane = self._viewer, self.pane
        if not self.active:
            self.active = True
            viewer.column.replaceWidget(viewer.canvas, self.frame)
            viewer.column.setStretchFactor(self.frame, 1)
            self.frame.show()
            self.halves.take(viewer.canvas, pane)
            viewer.show_minimap(False)  # half a view has no room for it
            self.active_changed.emit(True)
        self.halves.set_names(left_name, right_name)
        left, right = self._infos()
        is_other = left.path != right.path
        for button, on in ((self.bar.link, True), (self.bar.stage, is_other and lay_together(left, right))):
            button.blockSignals(True)
            button.setChecked(on)
            button.blockSignals(False)
        self.bar.stage.setEnabled(is_other and by_stage(left, right) is not None)
        mode = self._state().get("mode")
        self._relink()
        self.set_mode(mode if mode in COMPARE_MODES else "side")
        viewer.canvas.setFocus()

    def _infos(self) -> tuple[SectionInfo, SectionInfo]:
        left, right = self._session.section, self.pane.section
        assert left is not None
        assert right is not None
        return left.info, right.info

    # -- moving together --------------------------------------------------------------------------

    def _relink(self) -> None:
        """As the buttons say, without an offset."""
        left, right = self._infos()
        staged = by_stage(left, right) if self.bar.stage.isChecked() else None
        self._set_link(staged or by_scale(left, right))

    def _link_toggled(self, on: bool) -> None:
        """Linked again, what lies in both middles now stays together."""
        one, other = self._viewer.canvas.camera, self.pane.canvas.camera
        if not on or one is None or other is None:
            return
        left, right = self._infos()
        link = self.link
        if not self.bar.stage.isChecked():
            link = by_scale(left, right, one.zoom / other.zoom)
        self._set_link(link.through((one.x, one.y), (other.x, other.y)))

    def _set_link(self, link: Link) -> None:
        self.link = link
        camera = self._viewer.canvas.camera
        if camera is not None:
            self._following = True  # placing the right view must not move the left
            self.pane.set_room(link.covers(self._infos()[0].box), link.to_right(camera))
            self._following = False

    def _lead(self, leader: Canvas) -> None:
        """The other view goes where this one is; where it can't, this one stops too."""
        left, right = self._viewer.canvas, self.pane.canvas if self._pane is not None else None
        if self._following or not self.active or right is None or not self.bar.link.isChecked():
            return
        if left.camera is None or right.camera is None:
            return
        self._following = True
        try:
            if leader is right:
                left.fly(self.link.to_left(right.camera), 0)
            wanted = self.link.to_right(left.camera)
            if leader is left or not _is_same(wanted, right.camera):
                right.fly(wanted, 0)
        finally:
            self._following = False

    def counterpart(self, x_px: float, y_px: float, of_left: bool) -> tuple[float, float] | None:
        """The point of the other section beside a point of one; None while they stand for themselves or coincide."""
        if not self.active or self.halves.mode != "side" or not self.bar.link.isChecked():
            return None
        if of_left:
            return self.link.point(x_px, y_px)
        left = self.link.to_left(Camera(x_px, y_px, 1.0))
        return left.x, left.y

    def _tell_position(self, x_px: float, y_px: float) -> None:
        section = self.pane.section
        inside = section is not None and section.info.box.contains(x_px, y_px)
        self._viewer.readout_changed.emit(
            f"right: {position_text(section.info, x_px, y_px)}" if section is not None and inside else ""
        )

    # -- remembering ------------------------------------------------------------------------------

    def _state(self) -> dict[str, Any]:
        return dict(self._settings.get("compare"))

    def _share(self, mode: CompareMode) -> float:
        share = self._state().get(mode)
        return share if isinstance(share, float) else 0.5

    def _remember_divider(self) -> None:
        self._settings.set("compare", self._state() | {self.halves.mode: round(self.halves.share, 4)})

    def _fill_menu(self) -> None:
        menu = self.bar.menu
        menu.clear()
        menu.addAction("Open…", self.ask_and_compare)
        menu.addAction("This section again", self.enter)
        menu.addSeparator()
        here = self._session.section.info.path if self._session.section is not None else None
        for path in self._settings.recent:
            if path != here:
                menu.addAction(str(path).replace("&", "&&"), partial(self.compare_with, path))


def _is_same(one: Camera, other: Camera) -> bool:
    """To a thousandth of a px of the screen."""
    apart = abs(one.x - other.x) + abs(one.y - other.y)
    return abs(one.zoom / other.zoom - 1) < 1e-9 and apart * one.zoom < 1e-3
