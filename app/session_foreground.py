"""Decides which part of the section counts as empty background, and finds out in the background what that comes to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from app.jobs import Job
from core.jobs import CancelToken, Progress, Step

if TYPE_CHECKING:
    from app.session import Session
    from core.foreground import SpecimenFinder
    from core.scan.options import Foreground
    from core.section import Plane, Section
    from core.specimen_mask import Mask

USUAL_CAUTION = 0.5


class ForegroundControl(QObject):
    """What is chosen for scans of the open section, and the mask it gives. The section is looked at only when somebody
    wants to see that (`want`), once; other cautions then take no more reading."""

    changed = Signal()  # somebody has chosen something else
    mask_changed = Signal()  # `mask`, `looking` or `looked_at`
    adjusting_changed = Signal(bool)  # somebody is choosing, and should see what it does

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self.skip, self.caution = True, USUAL_CAUTION
        self.mask: Mask | None = None  # of what is chosen; None: not known, or nothing is skipped
        self.looked_at = 0  # percent of the section, while `looking`
        self.adjusting = False
        self._finder: tuple[Plane, SpecimenFinder] | None = None
        self._known: tuple[Plane, float] | None = None  # what `mask` is of
        self._asked: tuple[Plane, float] | None = None  # what was looked for last
        self._job: Job | None = None
        session.section_changed.connect(self._forget)
        session.display_changed.connect(self._display_changed)

    @property
    def looking(self) -> bool:
        return self._job is not None

    def options(self) -> Foreground:
        """For a scan."""
        from core.scan.options import Foreground

        return Foreground(self.skip, self.caution)

    def is_of(self, parameters: Mapping[str, Any]) -> bool:
        """Whether a stored scan's parameters (`core.scan.plan.scan_parameters`) skip what is chosen now."""
        from core.scan.options import Foreground

        return Foreground(**parameters.get("foreground") or {}) == self.options()

    def choose(self, *, skip: bool | None = None, caution: float | None = None) -> None:
        before = self.skip, self.caution
        self.skip = before[0] if skip is None else skip
        self.caution = before[1] if caution is None else min(max(round(caution, 2), 0.0), 1.0)
        if (self.skip, self.caution) != before:
            self.changed.emit()
            self.want()

    def set_adjusting(self, adjusting: bool) -> None:
        if adjusting != self.adjusting:
            self.adjusting = adjusting
            self.adjusting_changed.emit(adjusting)

    def want(self) -> None:
        """Finds out what the present choice skips, unless that is known; `mask_changed` tells."""
        session = self._session
        wanted = (session.plane, self.caution)
        if not self.skip or session.section is None:
            self._asked = None
            self._take(None, None)
        elif wanted not in (self._known, self._asked) and self._job is None:
            self._look(session.section, *wanted)

    @property
    def chosen(self) -> tuple[bool, float]:
        return self.skip, self.caution

    def adopt(self, saved: tuple[bool, float]) -> None:
        """What was chosen for this section when it was left; `section_changed` follows."""
        self.skip, self.caution = saved

    # -- looking ----------------------------------------------------------------------------------

    def _look(self, section: Section, plane: Plane, caution: float) -> None:
        known = self._finder[1] if self._finder is not None and self._finder[0] == plane else None
        self._asked, self.looked_at = (plane, caution), 0
        job = self._job = Job(
            lambda progress, cancel: _found(section, plane, caution, known, progress, cancel),
            "Looking for the specimen",
        )
        job.progress.connect(lambda step: self._progressed(job, step))
        job.finished.connect(lambda found: self._looked(job, *found))
        job.failed.connect(lambda error: self._session.report(error) if job is self._job else None)
        job.ended.connect(lambda: self._ended(job))
        self._session.lanes.eye.submit(job)
        self.mask_changed.emit()

    def _progressed(self, job: Job, step: Step) -> None:
        if job is self._job and step.total:
            self.looked_at = 100 * step.done // step.total
            self.mask_changed.emit()

    def _looked(self, job: Job, finder: SpecimenFinder, mask: Mask) -> None:
        if job is self._job and self._asked is not None:
            self._finder = self._asked[0], finder
            self._take(mask, self._asked)

    def _ended(self, job: Job) -> None:
        if job is self._job:
            self._job = None
            self.mask_changed.emit()
            if self._asked == self._known:
                self.want()  # something else may have been chosen meanwhile

    def _take(self, mask: Mask | None, of: tuple[Plane, float] | None) -> None:
        if mask is not self.mask or of != self._known:
            self.mask, self._known = mask, of
            self.mask_changed.emit()

    def _display_changed(self) -> None:
        """Another plane may show other things."""
        if self._known is not None and self._known[0] != self._session.plane:
            self._asked = None
            self._take(None, None)

    def _forget(self) -> None:
        """Of the section before: what runs is dropped."""
        if self._job is not None:
            self._job.cancel()
        self._job, self._finder, self._asked = None, None, None
        self.set_adjusting(False)
        self.mask, self._known = None, None
        self.mask_changed.emit()


def _found(
    section: Section,
    plane: Plane,
    caution: float,
    finder: SpecimenFinder | None,
    progress: Progress,
    cancel: CancelToken,
) -> tuple[SpecimenFinder, Mask]:
    """In the lane for what is measured: as `core.scan` does it, so that what is shown is what is skipped."""
    if finder is None:
        from core.display import auto_range
        from core.foreground import SpecimenFinder as Finder

        shown = auto_range(section, plane)
        finder = Finder(section, plane, (shown.low, shown.high), progress, cancel)
    return finder, finder.mask(caution)
