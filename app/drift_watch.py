"""Decides when a notice tells that a section looks unlike what a model learnt from: before a scan, and of one that is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from app.drift_notice import DriftNotice
from app.jobs import Job
from app.session import Session

if TYPE_CHECKING:
    from core.anomaly.drift import Finding
    from core.models.base import ModelSpec

MATCHING, NOT_MATCHED = "matching", "none"  # a parameter of models of normal, and its value for a section as it is
_IGNORED = "drift_ignored:{}"  # in the project's view state, by scan


class _Watch(QObject):
    """Follows; finds out in a lane, and shows the last answer only."""

    def __init__(self, session: Session, notice: DriftNotice) -> None:
        super().__init__(notice)
        self._session, self.notice = session, notice
        self._job: Job | None = None
        notice.ignored.connect(self._ignore)

    @property
    def settled(self) -> bool:
        return self._job is None

    def _ask(self, find: Callable[..., Sequence[Finding]], shown: Callable[[Sequence[Finding]], None]) -> None:
        self._drop()
        job = self._job = Job(find, "Looking at the section")
        job.finished.connect(lambda found: shown(found) if job is self._job else None)
        job.ended.connect(lambda: self._ended(job))
        self._session.lanes.eye.submit(job)

    def _drop(self) -> None:
        job, self._job = self._job, None
        if job is not None:
            job.cancel()
        self.notice.hide()

    def _ended(self, job: Job) -> None:
        if job is self._job:
            self._job = None

    def _ignore(self) -> None:
        self.notice.hide()


class BeforeScan(_Watch):
    """Whether the open section looks like what the chosen model learnt from."""

    def __init__(self, session: Session, notice: DriftNotice) -> None:
        super().__init__(session, notice)
        self._spec: ModelSpec | None = None
        self._found: Sequence[Finding] = ()
        self._matching = NOT_MATCHED
        self._looked_at: tuple[object, str] | None = None
        self._left_alone: set[tuple[object, str]] = set()  # sections and models whose notice was put away

    def look(self, spec: ModelSpec | None) -> None:
        """Another section, or another model."""
        section, before = self._session.section, self._looked_at
        self._spec = spec
        self._looked_at = self._key()
        if self._looked_at == before:
            return
        self._found, self._matching = (), NOT_MATCHED
        if spec is None or section is None or "looks" not in spec.card or self._looked_at in self._left_alone:
            self._drop()
            return

        def find(progress: Any, cancel: Any) -> Sequence[Finding]:
            from core.scan.drift import drift_of_section

            return drift_of_section(section, spec, None, progress, cancel)

        self._ask(find, self._answered)

    def matched(self, how: object) -> None:
        """The form says how the section is to be matched."""
        if how is not None and str(how) != self._matching:
            self._matching = str(how)
            self._show()

    def _answered(self, found: Sequence[Finding]) -> None:
        self._found = found
        self._show()

    def _show(self) -> None:
        left = [one for one in self._found if self._matching == NOT_MATCHED or not one.can_be_matched]
        can_match = self._spec is not None and any(p.name == MATCHING for p in self._spec.parameters)
        self.notice.show_findings(left, can_match and self._matching == NOT_MATCHED)

    def _key(self) -> tuple[object, str]:
        section = self._session.section
        return section.info.path if section is not None else None, self._spec.version if self._spec is not None else ""

    def _ignore(self) -> None:
        self._left_alone.add(self._key())
        super()._ignore()


class OfShownScan(_Watch):
    """Whether the section of the scan that is shown looked like what its model learnt from."""

    def __init__(self, session: Session, notice: DriftNotice) -> None:
        super().__init__(session, notice)
        self._shown: tuple[str, str] | None = None  # id and status of the scan
        session.scans_changed.connect(self._follow)
        session.section_changed.connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        scan, project = self._session.scan, self._session.project
        shown = (scan.id, scan.status) if scan is not None else None
        if shown == self._shown:
            return
        self._shown = shown
        if scan is None or project is None or scan.family != "anomaly":
            self._drop()
            return
        was_matched = scan.parameters.get("model", {}).get(MATCHING, NOT_MATCHED) != NOT_MATCHED

        def find(*_: object) -> Sequence[Finding]:
            from core.scan.drift import drift_of_scan

            if project.get_state(_IGNORED.format(scan.id)):
                return ()
            return [one for one in drift_of_scan(project, scan.id) if not (was_matched and one.can_be_matched)]

        self._ask(find, lambda found: self.notice.show_findings(found, not was_matched))

    def _ignore(self) -> None:
        session = self._session
        if session.project is not None and session.scan is not None:
            session.project.set_state(_IGNORED.format(session.scan.id), True)
        super()._ignore()
