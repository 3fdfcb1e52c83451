"""Decides when the grey values of the selected profile are read, in the background, and what can be done with them."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QDoubleSpinBox, QPushButton, QWidget

from app.jobs import Job
from app.layout import Group, muted
from app.panels.profile_plot import ProfilePlot
from app.session import Session
from core.drawing import Drawing
from core.profile import Profile, as_csv, read_profile

_READ_AFTER_MS = 30
WIDEST_PX = 5000.0


class ProfileGroup(Group):
    """Shown while a profile is selected."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Profile", parent)
        self._session = session
        self._shown: Drawing | None = None
        self._job: Job | None = None
        self.profile: Profile | None = None
        self.plot = ProfilePlot()
        self.width_px = QDoubleSpinBox()
        self.note = muted()
        self.copy = QPushButton("Copy as CSV")
        self._timer = QTimer(self, singleShot=True, interval=_READ_AFTER_MS)
        self._timer.timeout.connect(self._read)
        self._lay_out()
        session.drawings.changed.connect(self._follow)
        session.drawings.selection_changed.connect(lambda source: self._follow())
        session.display_changed.connect(self._plane_changed)
        self._follow()

    def shut(self) -> None:
        """Reads no more."""
        self._timer.stop()
        if self._job is not None:
            self._job.cancel()

    def _lay_out(self) -> None:
        self.width_px.setRange(1, WIDEST_PX)
        self.width_px.setDecimals(0)
        self.width_px.setSuffix(" px")
        self.width_px.setKeyboardTracking(False)
        self.width_px.setToolTip("Grey values are averaged this wide across the line")
        self.copy.setToolTip("Distances and grey values, for a spreadsheet")
        self.copy.clicked.connect(self._copy)
        self.width_px.valueChanged.connect(self._width_chosen)
        self.add_wide(self.plot)
        self.add_row("Width", self.width_px, self.copy)
        self.add_wide(self.note)

    def _follow(self) -> None:
        chosen = self._session.drawings.selected
        shown = chosen if chosen is not None and chosen.kind == "profile" else None
        self.setVisible(shown is not None)
        if shown is None:
            self._shown = self.profile = None
            self.shut()
            return
        same = self._shown is not None and (shown.points, shown.width_px) == (self._shown.points, self._shown.width_px)
        self._shown = shown
        self.width_px.blockSignals(True)
        self.width_px.setValue(shown.width_px)
        self.width_px.blockSignals(False)
        if not same:
            self._timer.start()

    def _plane_changed(self) -> None:
        if self._shown is not None:
            self._timer.start()

    def _width_chosen(self, width: float) -> None:
        if self._shown is not None and width != self._shown.width_px:
            self._session.drawings.change(replace(self._shown, width_px=width))

    def _read(self) -> None:
        session, drawing = self._session, self._shown
        section, plane = session.section, session.plane
        if drawing is None or section is None:
            return
        if self._job is not None:
            self._job.cancel()
        job = self._job = Job(
            lambda progress, cancel: read_profile(section, drawing, plane, progress, cancel), "Reading a profile"
        )
        job.finished.connect(lambda profile: self._show(job, profile))
        session.run_io(job)

    def _show(self, job: Job, profile: Profile) -> None:
        if job is not self._job:
            return
        self._job, self.profile = None, profile
        self.plot.show_profile(profile)
        means = (
            f" Means over {profile.downsample} × {profile.downsample} px: the line is long."
            if profile.downsample > 1
            else ""
        )
        self.note.setText(f"The file's own values, not the display's.{means}")

    def _copy(self) -> None:
        if self.profile is not None:
            QApplication.clipboard().setText(as_csv(self.profile))
            self._session.message.emit("info", f"{len(self.profile.distance_px):,} values are in the clipboard.")
