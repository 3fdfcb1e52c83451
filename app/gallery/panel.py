"""Decides what of the session the gallery shows, and how its parts follow the session and the user.

Which crops in which order: `app.gallery.arrangement`; judging and going on: `app.gallery.walk`. Flying to a detection is
for the viewer, keys for `app.commands`.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QLabel, QMenu, QStackedWidget, QVBoxLayout, QWidget

from app.gallery.arrangement import Arrangement
from app.gallery.bar import ArrangementBar
from app.gallery.empty import EmptyState, why_empty
from app.gallery.menu import crop_menu
from app.gallery.model import GalleryModel
from app.gallery.picked_bar import PickedBar
from app.gallery.thumbnails import ThumbnailStore
from app.gallery.view import CropView
from app.gallery.walk import SOURCE, Walk
from app.scores import PROBABILITY
from app.session import Session
from app.theme import SPACE
from core.detection import Status

RELOAD_AFTER_MS = 40
DISPLAY_AFTER_MS = 250  # once the hand that changes the look rests: each crop is read from the file
DEFAULT_SIDE = 132


class GalleryPanel(QWidget):
    """The detections worth looking at as crops, the worst first.

    `fly_requested(id)`: Enter or a double click on a crop, also on the one that is already selected.
    `scan_requested()` and `open_requested()`: buttons of the empty gallery.
    """

    fly_requested = Signal(int)
    scan_requested = Signal()
    open_requested = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.thumbnails = ThumbnailStore(self)
        self.model = GalleryModel(self)
        self.view = CropView(self.model, self.thumbnails, self)
        self._walk = Walk(session, self.model, self.view)
        self.bar = ArrangementBar(self)
        self.picked_bar = PickedBar(session, self)
        self.empty = EmptyState(self)
        self.counts = QLabel()
        self.auto_advance = QCheckBox("Go on after a decision")
        self._stack = QStackedWidget()
        self._reload_timer = QTimer(self, singleShot=True, interval=RELOAD_AFTER_MS)
        self._display_timer = QTimer(self, singleShot=True, interval=DISPLAY_AFTER_MS)
        self._lay_out()
        self._connect()
        self.bar.side.setValue(DEFAULT_SIDE)
        self._section_changed()
        self._scan_changed()
        self.reload()

    # -- for the window's actions -----------------------------------------------------------------

    def decide(self, status: Status) -> None:
        """Records a decision about the selected crops (or the selection made elsewhere), then goes on if wanted."""
        self._walk.decide(status, go_on=self.auto_advance.isChecked())

    def next(self) -> None:
        """The crop after the selected one, in the gallery's order; stays at the end."""
        self._walk.step(1)

    def previous(self) -> None:
        self._walk.step(-1)

    def next_unreviewed(self) -> None:
        """The next crop nobody has judged, from the selected one on and then from the top."""
        self._walk.next_unreviewed()

    def focus_search(self) -> None:
        self.bar.search.setFocus()
        self.bar.search.selectAll()

    @property
    def settled(self) -> bool:
        """Whether it shows the session's detections as they are, with all their crops."""
        return not self._reload_timer.isActive() and self.thumbnails.idle

    # -- how it is left ---------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """What the window may keep between runs, as JSON."""
        order = self.bar.arrangement
        return {
            "side": self.bar.side.value(),
            "auto_advance": self.auto_advance.isChecked(),
            "scale_bars": self.view.crop_delegate.scale_bar,
            "sort": order.sort,
            "reverse": order.reverse,
        }

    def restore_state(self, state: dict[str, Any]) -> None:
        """Takes back what `state` gave; unknown or missing values are left as they are."""
        if isinstance(state.get("side"), int):
            self.bar.side.setValue(state["side"])
        self.auto_advance.setChecked(bool(state.get("auto_advance", self.auto_advance.isChecked())))
        self._set_scale_bars(bool(state.get("scale_bars", self.view.crop_delegate.scale_bar)))
        if self.bar.sort.findData(state.get("sort")) >= 0:
            self.bar.set_arrangement(Arrangement(sort=state["sort"], reverse=bool(state.get("reverse"))))

    def shut(self) -> None:
        """Stops the reading threads; to be called before the window goes."""
        self._reload_timer.stop()
        self.thumbnails.close()

    # -- following the session --------------------------------------------------------------------

    def reload(self) -> None:
        """Shows the session's visible detections as they are now."""
        self._reload_timer.stop()
        session = self._session
        with self.view.held():
            self.model.set_detections(
                session.picking.detections(), session.scan.score_unit if session.scan else PROBABILITY
            )
            self.view.follow(session.selected_id)
        self._shown_changed()

    def _reload_soon(self) -> None:
        """At most every so often, however fast changes come; a change is never put off by the next one."""
        if not self._reload_timer.isActive():
            self._reload_timer.start()

    def _section_changed(self) -> None:
        session = self._session
        self.thumbnails.set_source(session.section, session.plane, session.look)
        self._scan_changed()

    def _show_display(self) -> None:
        session = self._session
        self.thumbnails.set_source(session.section, session.plane, session.look)
        self.view.want_crops()

    def _project_changed(self) -> None:
        self.thumbnails.forget()
        self._reload_soon()

    def _scan_changed(self) -> None:
        session = self._session
        labels = session.scan.labels if session.scan else ()
        size = session.section.info.pixel_size_um if session.section else None
        unit = session.scan.score_unit if session.scan else PROBABILITY
        self.view.crop_delegate.set_scan(labels, size[0] if size else None, unit)
        self.bar.set_labels(labels)
        self._reload_soon()

    def _decided(self, ids: list[int]) -> None:
        session = self._session
        if self._reload_timer.isActive():
            self.reload()
            return
        with self.view.held():
            changed = [d for d in map(session.detection, ids) if d is not None]
            self.model.update_decisions(session.picking.detections(), changed)
            self.view.follow(session.selected_id)
        self._shown_changed()

    def _selected_elsewhere(self, source: str) -> None:
        if source != SOURCE:
            self.view.follow(self._session.selected_id)
        self._walk.remember_place()

    def _rearranged(self, arrangement: Arrangement) -> None:
        with self.view.held():
            self.model.set_arrangement(arrangement)
            self.view.follow(self._session.selected_id)
        self._shown_changed()

    def _shown_changed(self) -> None:
        self._walk.remember_place()
        shown, total = len(self.model.shown), self.model.source_count
        reviewed = self.model.reviewed_count
        count = f"{shown:,} of {total:,}" if shown != total else f"{total:,}"
        self.counts.setText(f"{count} · {reviewed:,} reviewed" if total else "")
        if not shown:
            self.empty.set_text(why_empty(self._session, self.bar.arrangement))
        self._stack.setCurrentWidget(self.view if shown else self.empty)
        self.view.want_crops()

    # -- following the user -----------------------------------------------------------------------

    def _opened(self, detection_id: int) -> None:
        self._session.select(detection_id, SOURCE)
        self.fly_requested.emit(detection_id)

    def _set_scale_bars(self, shown: bool) -> None:
        self.view.crop_delegate.scale_bar = shown
        self.view.viewport().update()

    def make_menu(self) -> QMenu:
        """The menu for the crops that are selected now."""
        return crop_menu(
            self,
            len(self._walk.chosen_ids()),
            self.decide,
            lambda: self._opened(self._walk.chosen_ids()[0]),
            self.view.crop_delegate.scale_bar,
            self._set_scale_bars,
        )

    def _show_menu(self, place: QPoint) -> None:
        menu = self.make_menu()
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.view.viewport().mapToGlobal(place))

    def _help(self, remedy: str) -> None:
        session = self._session
        if remedy == "scan":
            self.scan_requested.emit()
        elif remedy == "open":
            self.open_requested.emit()
        elif remedy == "filter":
            self.bar.clear_filter()
        elif remedy == "labels":
            session.set_hidden_labels(())
        elif remedy == "threshold":
            session.set_threshold(max(d.score for d in session.detections))

    # -- making -----------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self._stack.addWidget(self.view)
        self._stack.addWidget(self.empty)
        self.auto_advance.setChecked(True)
        self.auto_advance.setToolTip("After a decision, select the next crop")
        self.counts.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.counts.setAccessibleName("How many are shown")
        foot = QHBoxLayout()
        foot.setContentsMargins(SPACE, SPACE // 2, SPACE, SPACE // 2)
        foot.setSpacing(SPACE)
        foot.addWidget(self.counts, 1)
        foot.addWidget(self.auto_advance)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.bar)
        layout.addWidget(self.picked_bar)
        layout.addWidget(_rule())
        layout.addWidget(self._stack, 1)
        layout.addWidget(_rule())
        layout.addLayout(foot)
        self.setFocusProxy(self.view)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)

    def _connect(self) -> None:
        session = self._session
        session.section_changed.connect(self._section_changed)
        session.project_changed.connect(self._project_changed)
        session.scans_changed.connect(self._scan_changed)
        session.display_changed.connect(self._display_timer.start)
        for changed in (session.detections_changed, session.visible_changed, session.scan_started):
            changed.connect(self._reload_soon)
        session.scan_finished.connect(lambda _: self._reload_soon())
        session.picking.changed.connect(self._reload_soon)
        session.decisions_changed.connect(self._decided)
        session.selection_changed.connect(self._selected_elsewhere)
        self._reload_timer.timeout.connect(self.reload)
        self._display_timer.timeout.connect(self._show_display)
        self.bar.arrangement_changed.connect(self._rearranged)
        self.bar.side_changed.connect(self.view.set_side)
        self.view.side_wanted.connect(self.bar.side.setValue)
        self.view.chosen.connect(lambda detection_id: self._session.select(detection_id, SOURCE))
        self.view.opened.connect(self._opened)
        self.view.customContextMenuRequested.connect(self._show_menu)
        self.empty.asked.connect(self._help)


def _rule() -> QFrame:
    line = QFrame(frameShape=QFrame.Shape.HLine, frameShadow=QFrame.Shadow.Plain)
    line.setForegroundRole(QPalette.ColorRole.Midlight)
    line.setFixedHeight(1)
    return line
