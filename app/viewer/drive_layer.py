"""Decides when the drive through the detections is worked out anew: while its layer is shown, in the background."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, QTimer

from app.jobs import Job
from app.session import Session
from app.viewer.drive_item import DriveItem
from app.viewer.layer_stack import LayerStack
from core.detection import Detection
from core.geometry import Box

LAYER = "drive"
MOST_STOPS = 2000  # nobody drives to more, and the path would be a scribble
_AFTER_MS = 150


class DriveLayer(QObject):
    """The layer "drive" of one scene: through the confirmed defects that are shown, else through all that are."""

    def __init__(self, session: Session, stack: LayerStack) -> None:
        super().__init__(stack)
        self._session = session
        self.item = DriveItem()
        stack.add(LAYER, "Drive path", self.item)
        self._generation = 0
        self._is_stale = True
        self._timer = QTimer(self, singleShot=True, interval=_AFTER_MS)
        self._timer.timeout.connect(self._order)
        for changed in (session.detections_changed, session.visible_changed, session.section_changed):
            changed.connect(self._outdated)
        session.decisions_changed.connect(lambda _: self._outdated())
        session.layers_changed.connect(self._want)
        self._want()

    @property
    def settled(self) -> bool:
        """Whether the path is that of what is shown."""
        return not self.item.isVisible() or not self._is_stale

    def _outdated(self) -> None:
        self._is_stale = True
        self._generation += 1
        if self._session.section is None:
            self.item.show_drive((), Box(0, 0, 0, 0))
        self._want()

    def _want(self) -> None:
        if self._is_stale and self.item.isVisible() and self._session.section is not None:
            self._timer.start()

    def _order(self) -> None:
        """NumPy and the search are loaded when somebody first wants a path."""
        from core.drive_order import drive_through, worth_a_visit

        session, generation = self._session, self._generation
        section = session.section
        if section is None:
            return
        visited = worth_a_visit(session.visible_detections())[:MOST_STOPS]
        scale, box = section.info.pixel_size_um, section.info.box
        job = Job(lambda progress, cancel: drive_through(visited, scale), "Finding the way")
        job.finished.connect(lambda order: self._show(generation, visited, order, box))
        job.failed.connect(session.report)
        session.lanes.eye.submit(job)

    def _show(self, generation: int, visited: Sequence[Detection], order: Sequence[int], section: Box) -> None:
        if generation == self._generation:
            self._is_stale = False
            self.item.show_drive([visited[index].box.center for index in order], section)
