"""Decides what can be changed about how the section looks, and when the histogram of what is in sight is made anew."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from app.jobs import Job
from app.layout import Panel
from app.panels.display_channels import ChannelsGroup
from app.panels.display_enhancements import EnhancementsGroup
from app.panels.display_tones import TonesGroup
from app.panels.region_group import VisibleRegion
from app.session import Session
from core.section import Array

LOOK_EVERY_MS = 250  # for another part of the section in sight


class DisplayPanel(Panel):
    """Brightness with its histogram, channels, and what is for the eye only."""

    def __init__(self, session: Session, visible_region: VisibleRegion, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._visible_region = session, visible_region
        self.tones = TonesGroup(session, visible_region)
        self.channels = ChannelsGroup(session)
        self.enhancements = EnhancementsGroup(session)
        for group in (self.channels, self.tones, self.enhancements):
            self.column.addWidget(group)
        self.column.addStretch(1)
        self._counted: object = None  # section, plane and region of the histogram
        self._job: Job | None = None
        self._timer = QTimer(self, interval=LOOK_EVERY_MS)
        self._timer.timeout.connect(self.look)
        session.section_changed.connect(self._forget)
        session.overviews_changed.connect(self._forget)

    @property
    def is_current(self) -> bool:
        """Whether the histogram is that of what is in sight."""
        return self._job is None and self._counted == self._wanted()

    def look(self) -> None:
        """Counts the values in sight if they are not those counted last; one count at a time."""
        session, wanted = self._session, self._wanted()
        section, plane, region = session.section, session.plane, self._visible_region()
        if self._job is not None or section is None or region is None or wanted == self._counted:
            return

        def work() -> Array:
            from core.looks.auto import look_at
            from core.looks.histogram import value_counts

            return value_counts(look_at(section, plane, region))

        self._counted = wanted
        self._job = Job(lambda progress, cancel: work(), "Counting values")
        self._job.finished.connect(lambda counts: self._take(wanted, counts))
        self._job.ended.connect(self._ended)
        session.lanes.eye.submit(self._job)  # what can't be read is told by the view itself

    def _wanted(self) -> object:
        return self._session.section, self._session.plane, self._visible_region()

    def _take(self, counted: object, counts: Array) -> None:
        if self._counted == counted:
            self.tones.show_counts(counts)

    def _ended(self) -> None:
        self._job = None

    def _forget(self) -> None:
        self._counted = None

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()
