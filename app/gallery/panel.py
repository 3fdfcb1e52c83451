"""Decides what of the session the gallery shows, and how its parts follow the session and the user.

Which crops in which order: `core.arrangement`; judging and going on: `app.gallery.walk`; how crops are drawn:
`app.gallery.pictures`. Flying to a detection is for the viewer, keys for `app.commands`.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QFrame, QMenu, QStackedWidget, QVBoxLayout, QWidget

from app.drift_notice import DriftNotice
from app.drift_watch import OfShownScan
from app.gallery.bar import ArrangementBar
from app.gallery.empty import EmptyState, why_empty
from app.gallery.foot import GalleryFoot
from app.gallery.knowledge import Knowledge
from app.gallery.menu import CropMenuActions, crop_menu
from app.gallery.model import GalleryModel
from app.gallery.picked_bar import PickedBar
from app.gallery.pictures import CropPictures
from app.gallery.view import CropView
from app.gallery.walk import SOURCE, Walk
from app.scores import PROBABILITY
from app.session import Session
from app.severity_words import severity_words
from core.arrangement import Arrangement
from core.detection import Status

RELOAD_AFTER_MS = 40
DEFAULT_SIDE = 132


class GalleryPanel(QWidget):
    """The detections worth looking at as crops, the worst first.

    `fly_requested(id)`: Enter or a double click on a crop, also on the one that is already selected.
    `model_requested()`, `resume_requested()` and `open_requested()`: buttons of the empty gallery.
    """

    fly_requested = Signal(int)
    model_requested = Signal()
    resume_requested = Signal()
    open_requested = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.pictures = CropPictures(session, self)
        self.model = GalleryModel(self)
        self.view = CropView(self.model, self.pictures.crops, self.pictures.reasons, self)
        self._walk = Walk(session, self.model, self.view)
        self.bar = ArrangementBar(self)
        self.picked_bar = PickedBar(session, self)
        self.drift = DriftNotice()
        self.drift_watch = OfShownScan(session, self.drift)
        self.empty = EmptyState(self)
        self.foot = GalleryFoot(self)
        self._knowledge = Knowledge(session, self.bar, self)
        self._stack = QStackedWidget()
        self._reload_timer = QTimer(self, singleShot=True, interval=RELOAD_AFTER_MS)
        self._lay_out()
        self._connect()
        self.foot.side.setValue(DEFAULT_SIDE)
        self._scan_changed()
        self._knowledge.section_changed()
        self.reload()

    # -- for the window's actions -----------------------------------------------------------------

    def decide(self, status: Status | None, label: str | None = None) -> None:
        """Records a decision about the selected crops (or the selection made elsewhere), then goes on if wanted.

        A `label` without a status: it is of this class (`core.review`).
        """
        drawing = bool(self._session.drawings.label)  # missed defects: the view stays where the hand is
        self._walk.decide(status, label, go_on=self.foot.auto_advance.isChecked() and not drawing)

    def choose_class(self, number: int) -> None:
        """Says of the selected crops that they are of the class with this number, from 0."""
        choices = self._session.classes.choices
        if number < len(choices):
            self.decide(None, choices[number])
        elif self.chosen_ids():
            self._session.message.emit("info", f"There is no class {number + 1} yet: Ctrl+0 names one.")

    def delete_drawn(self) -> None:
        """Deletes those of the selected crops that a person drew; what a model found can only be judged."""
        chosen = [one for one in map(self._session.detection, self.chosen_ids()) if one is not None]
        drawn = [one.drawing_id for one in chosen if one.drawing_id is not None]
        if drawn:
            self._session.drawings.remove(drawn)
        elif chosen:
            self._session.message.emit("info", "What a model found stays: mark it as a false alarm (R).")

    def chosen_ids(self) -> list[int]:
        """The selected crops, or what was selected elsewhere."""
        return self._walk.chosen_ids()

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

    def compare_selected(self) -> None:
        """The selected crops side by side, in a window of their own."""
        from app.gallery.side_by_side import SideBySide

        chosen = [d for d in map(self._session.detection, self._walk.chosen_ids()) if d is not None]
        if len(chosen) > 1:
            window = SideBySide(self._session, chosen, self.window())
            window.fly_requested.connect(self._opened)
            window.show()
        else:
            self._session.message.emit("info", "Select several crops (Ctrl or Shift and a click) to compare them.")

    def show_weights(self) -> None:
        """What "worst" means, with the weights of the classes."""
        from app.gallery.weights_dialog import WeightsDialog

        WeightsDialog(self._session, self.window()).show()

    @property
    def settled(self) -> bool:
        """Whether it shows the session's detections as they are, with all their crops."""
        return not self._reload_timer.isActive() and self.pictures.settled

    # -- how it is left ---------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """What the window may keep between runs, as JSON. Filters stay with their section (`Knowledge`)."""
        return {
            "side": self.foot.side.value(),
            "auto_advance": self.foot.auto_advance.isChecked(),
            "scale_bars": self.view.crop_delegate.scale_bar,
            "wide": self.foot.wide.isChecked(),
            "reasons": self.foot.reasons.isChecked(),
            **self.bar.arrangement.order_json(),
        }

    def restore_state(self, state: dict[str, Any]) -> None:
        """Takes back what `state` gave; unknown or missing values are left as they are."""
        if isinstance(state.get("side"), int):
            self.foot.side.setValue(state["side"])
        for name, button in (
            ("auto_advance", self.foot.auto_advance), ("wide", self.foot.wide), ("reasons", self.foot.reasons)
        ):  # fmt: skip
            button.setChecked(bool(state.get(name, button.isChecked())))
        self._set_scale_bars(bool(state.get("scale_bars", self.view.crop_delegate.scale_bar)))
        self.bar.set_arrangement(self.bar.arrangement.with_order(state))

    def shut(self) -> None:
        """Stops the reading threads; to be called before the window goes."""
        self._reload_timer.stop()
        self.pictures.close()

    # -- following the session --------------------------------------------------------------------

    def reload(self) -> None:
        """Shows the session's visible detections as they are now."""
        self._reload_timer.stop()
        session = self._session
        unit = session.scan.score_unit if session.scan else PROBABILITY
        with self.view.held():
            self.model.set_detections(session.table, session.picking.rows(), unit, self._knowledge.beside)
            self.view.follow(session.selected_id)
        self._shown_changed()

    def _reload_soon(self) -> None:
        """At most every so often, however fast changes come; a change is never put off by the next one."""
        if not self._reload_timer.isActive():
            self._reload_timer.start()

    def _scan_changed(self) -> None:
        session = self._session
        labels = session.classes.shown()
        size = session.section.info.pixel_size_um if session.section else None
        unit = session.scan.score_unit if session.scan else PROBABILITY
        self.view.crop_delegate.set_scan(labels, size[0] if size else None, unit)
        self.bar.set_choices(labels, "µm" if size else "px")
        self._reload_soon()

    def _decided(self, ids: list[int]) -> None:
        session = self._session
        if self._reload_timer.isActive():
            self.reload()
            return
        with self.view.held():
            self.model.update_decisions(session.table, ids)
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
        shown = len(self.model.shown)
        self.view.crop_delegate.caption = self._knowledge.caption(self.bar.arrangement)
        self._show_counts()
        if not shown:
            self.empty.set_text(why_empty(self._session, self.bar.arrangement))
        self._stack.setCurrentWidget(self.view if shown else self.empty)
        self.view.lay_again()
        self.view.want_crops()

    def _show_counts(self, selected: int | None = None) -> None:
        selected = len(self._walk.chosen_ids()) if selected is None else selected
        shown = len(self.model.shown)
        self.foot.show_counts(shown, self.model.source_count, self.model.reviewed_count(), selected)

    # -- following the user -----------------------------------------------------------------------

    def _opened(self, detection_id: int) -> None:
        self._session.select(detection_id, SOURCE)
        self.fly_requested.emit(detection_id)

    def _set_scale_bars(self, shown: bool) -> None:
        self.view.crop_delegate.scale_bar = shown
        self.view.viewport().update()

    def _show_reasons(self, shown: bool) -> None:
        self.view.crop_delegate.show_reasons = shown
        self.view.viewport().update()
        self.view.want_crops()

    def make_menu(self) -> QMenu:
        """The menu for the crops that are selected now."""
        chosen = [one for one in map(self._session.detection, self.chosen_ids()) if one is not None]
        more = CropMenuActions(
            decide=self.decide,
            fly=lambda: self._opened(chosen[0].id),
            compare=self.compare_selected,
            join=lambda: self._session.reviewing.join(self.chosen_ids()),
            split=lambda: self._session.reviewing.split(self.chosen_ids()),
            delete=self.delete_drawn,
            set_scale_bars=self._set_scale_bars,
        )
        return crop_menu(self, chosen, self._session.classes.choices, more, self.view.crop_delegate.scale_bar)

    def _show_menu(self, place: QPoint) -> None:
        menu = self.make_menu()
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.view.viewport().mapToGlobal(place))

    def _help(self, remedy: str) -> None:
        session = self._session
        if remedy == "model":
            self.model_requested.emit()
        elif remedy == "resume":
            self.resume_requested.emit()
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
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.bar)
        layout.addWidget(self.picked_bar)
        layout.addWidget(self.drift)
        layout.addWidget(_rule())
        layout.addWidget(self._stack, 1)
        layout.addWidget(self.foot)
        self.setFocusProxy(self.view)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.model.severity_words = lambda detection: severity_words(self._session, detection)

    def _connect(self) -> None:
        session, foot = self._session, self.foot
        session.section_changed.connect(self._scan_changed)
        session.calibration.changed.connect(self._scan_changed)
        session.scans_changed.connect(self._scan_changed)
        session.classes.changed.connect(self._scan_changed)
        for changed in (session.detections_changed, session.visible_changed, session.scan_started):
            changed.connect(self._reload_soon)
        session.scan_finished.connect(lambda _: self._reload_soon())
        session.picking.changed.connect(self._reload_soon)
        session.decisions_changed.connect(self._decided)
        session.selection_changed.connect(self._selected_elsewhere)
        self._reload_timer.timeout.connect(self.reload)
        self._knowledge.changed.connect(self._reload_soon)
        self.pictures.changed.connect(self.view.want_crops)
        self.pictures.reasons_offered.connect(foot.offer_reasons)
        self.bar.arrangement_changed.connect(self._rearranged)
        self.bar.weights_requested.connect(self.show_weights)
        foot.side_changed.connect(self.view.set_side)
        foot.wide_changed.connect(self.pictures.set_wide)
        foot.reasons_changed.connect(self._show_reasons)
        foot.compare_requested.connect(self.compare_selected)
        self.view.side_wanted.connect(foot.side.setValue)
        self.view.selection_counted.connect(self._show_counts)
        self.view.class_wanted.connect(self.choose_class)
        self.view.delete_wanted.connect(self.delete_drawn)
        self.view.chosen.connect(lambda detection_id: self._session.select(detection_id, SOURCE))
        self.view.opened.connect(self._opened)
        self.view.customContextMenuRequested.connect(self._show_menu)
        self.empty.asked.connect(self._help)


def _rule() -> QFrame:
    line = QFrame(frameShape=QFrame.Shape.HLine, frameShadow=QFrame.Shadow.Plain)
    line.setForegroundRole(QPalette.ColorRole.Midlight)
    line.setFixedHeight(1)
    return line
