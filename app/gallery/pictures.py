"""Decides from what the gallery's crops are drawn now: section, look, and what the project kept of them; and their reasons."""

from __future__ import annotations

from contextlib import suppress

from PySide6.QtCore import QObject, QTimer, Signal

from app.gallery.rendering import CropRenderer, ReasonRenderer
from app.gallery.thumbnails import ThumbnailStore
from app.jobs import Job
from app.scores import PROBABILITY
from app.session import Session
from core.errors import SchliffError
from core.memory import share
from core.project.crop_store import CropStore

DISPLAY_AFTER_MS = 250  # once the hand that changes the look rests: each crop is read from the file
REASONS_SHARE = 0.1  # of what thumbnails may take: they have few px
_FAINT, _EVIDENT = 0.5, 1.0  # of the threshold: where a score begins to show, and where it shows fully


class CropPictures(QObject):
    """Crops and reasons, each in threads of their own. `changed`: they have to be asked for anew; `reasons_offered(bool)`."""

    changed = Signal()
    reasons_offered = Signal(bool)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._kept: CropStore | None = None
        self._shown: object = None
        self._wide = False
        reasons_bytes = int(REASONS_SHARE * share("thumbnails"))
        self.crops = ThumbnailStore(share("thumbnails") - reasons_bytes, self)
        self.reasons = ThumbnailStore(reasons_bytes, self)
        self._display_timer = QTimer(self, singleShot=True, interval=DISPLAY_AFTER_MS)
        self._display_timer.timeout.connect(self._draw_anew)
        session.section_changed.connect(self._section_changed)
        session.project_changed.connect(self._project_changed)
        session.display_changed.connect(self._display_timer.start)
        for changed in (session.score_map_changed, session.scans_changed):
            changed.connect(self._reasons_anew)
        self._project_changed()

    @property
    def settled(self) -> bool:
        return self.crops.idle and self.reasons.idle

    def set_wide(self, wide: bool) -> None:
        """Much or little of what is around each detection."""
        if wide != self._wide:
            self._wide = wide
            self._draw_anew()
            self._reasons_anew()

    def close(self) -> None:
        self._display_timer.stop()
        for store in (self.crops, self.reasons):
            store.close()
        if self._kept is not None:
            self._kept.close()

    def _section_changed(self) -> None:
        self._draw_anew()
        self._reasons_anew()

    def _project_changed(self) -> None:
        """Ids mean other detections now."""
        before, project = self._kept, self._session.project
        self._kept = CropStore(project.path / "crops") if project is not None else None
        self._shown = None
        self._draw_anew()
        self._reasons_anew()
        if before is not None:  # what it noted last is stored: that may take as long as the drive does
            self._session.run_io(Job(lambda progress, cancel: before.close(), "Keeping pictures"))

    def _draw_anew(self) -> None:
        session, section, record = self._session, self._session.section, self._session.section_record
        keeping, self._shown = section is not None and section is self._shown, section
        if section is None:
            self.crops.set_renderer(None)
            return
        kept, identity = (self._kept, record.fingerprint) if record is not None else (None, "")
        render = CropRenderer(section, session.plane, session.look, self._wide, kept, identity)
        self.crops.set_renderer(render, keeping=keeping)
        self.changed.emit()

    def _reasons_anew(self) -> None:
        """The class activation map, where the scan has one; else the scores themselves."""
        session, scan, score_map = self._session, self._session.scan, self._session.score_map
        is_evidence = False
        if session.project is not None and scan is not None:
            with suppress(SchliffError):
                evidence = session.project.evidence_map(scan.id)
                score_map, is_evidence = (score_map, False) if evidence is None else (evidence, True)
        self.reasons_offered.emit(score_map is not None)
        if score_map is None or scan is None or session.section is None:
            self.reasons.set_renderer(None)
            return
        low, high = (
            _FAINT * scan.threshold,
            max(_EVIDENT * scan.threshold, 1.0 if scan.score_unit == PROBABILITY else 0.0),
        )
        low = 0.1 if is_evidence else low
        around = session.section.info.box
        self.reasons.set_renderer(ReasonRenderer(score_map, scan.labels, around, low, high, self._wide))
        self.changed.emit()
