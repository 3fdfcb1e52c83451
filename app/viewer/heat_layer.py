"""Decides when the heat map is painted anew: wholly when its look changes, in parts when a scan has stored more."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QTimer

from app.jobs import Job
from app.layer_styles import HeatStyle
from app.scores import scale_of
from app.session import Session
from app.viewer.overlay_heat import HeatLook, HeatPainter
from app.viewer.overlay_item import TiledOverlay
from app.viewer.overlay_worker import OverlayWorker
from core.errors import SchliffError
from core.geometry import Box

if TYPE_CHECKING:
    from core.project.score_map import ScoreMap, Spread

AGAIN_MS = 400  # until the range of a map is looked at again that is only partly known
_SAME_RANGE = 0.02  # of its span; smaller changes of an automatic range keep the colours


@dataclass(frozen=True, slots=True)
class _Known:
    """What the disk says of a map now."""

    stored: np.ndarray
    spread: Spread | None


class HeatLayer(QObject):
    """The item of the heat map, following the session."""

    def __init__(self, session: Session, worker: OverlayWorker, budget: int) -> None:
        super().__init__(worker)
        self._session = session
        self.item = TiledOverlay(worker, budget)
        self._map: ScoreMap | None = None
        self._stored: np.ndarray | None = None
        self._spread: Spread | None = None
        self._look: HeatLook | None = None
        self._label: int | None = None
        self._job: Job | None = None
        self._again = QTimer(self, singleShot=True, interval=AGAIN_MS)
        self._again.timeout.connect(self._inquire)
        session.score_map_changed.connect(self._map_changed)
        session.layers_changed.connect(self._style_changed)
        session.visible_changed.connect(self._style_changed)
        session.section_changed.connect(self._map_changed)

    @property
    def settled(self) -> bool:
        return self._job is None and not self._again.isActive() and self.item.settled

    def _map_changed(self) -> None:
        score_map = self._chosen_map()
        if score_map is not self._map:
            self._map, self._stored, self._spread, self._look, self._job = score_map, None, None, None, None
            self.item.show_tiles_of(None, self._bounds())
        self._inquire()

    def _chosen_map(self) -> ScoreMap | None:
        """Window scores, too, where a scan has no class activation map or that can't be read."""
        session = self._session
        if session.scan is None:
            return None
        if session.layers.heat.shows == "activation" and session.project is not None:
            with suppress(SchliffError):
                return session.project.evidence_map(session.scan.id) or session.score_map
        return session.score_map

    def _style_changed(self) -> None:
        if self._chosen_map() is not self._map:
            self._label = self._session.layers.heat.label_index
            self._map_changed()
            return
        label = self._session.layers.heat.label_index
        if label != self._label:
            self._label, self._spread = label, None
        if self._needs_spread() and self._spread is None:
            self._inquire()
        else:
            self._paint_anew()

    def _needs_spread(self) -> bool:
        mode = self._session.layers.heat.range_mode
        return mode == "auto" or (mode == "scale" and self._scale() is None)

    def _scale(self) -> tuple[float, float] | None:
        scan = self._session.scan
        return scale_of(scan.score_unit) if scan is not None else (0.0, 1.0)

    def _inquire(self) -> None:
        """Asks the disk, in the IO lane, what is stored and how high the scores are."""
        score_map, label = self._map, self._label
        if score_map is None or self._job is not None:
            return
        needs_spread = self._needs_spread()

        def ask(*_: object) -> _Known:
            stored = score_map.refresh()
            return _Known(stored, score_map.spread(label) if needs_spread else None)

        job = self._job = Job(ask, "Heat map")
        job.finished.connect(lambda known: self._answered(job, known, label))
        job.ended.connect(lambda: self._ended(job))
        self._session.run_io(job)

    def _answered(self, job: Job, known: _Known, label: int | None) -> None:
        if job is not self._job or self._map is None:
            return
        before, self._stored = self._stored, known.stored
        if label != self._label:
            self._again.start()
        elif known.spread is not None:
            self._spread = known.spread
            if not known.spread.complete:
                self._again.start()
        self._paint_anew()
        if before is not None and before.shape == known.stored.shape:
            for box in self._map.boxes_of(known.stored & ~before):
                self.item.tiles_changed(box)

    def _ended(self, job: Job) -> None:
        if job is self._job:
            self._job = None

    def _paint_anew(self) -> None:
        """Another look, where it differs from the one that is shown."""
        if self._map is None or self._stored is None:
            return
        look = self._wanted_look()
        if self._look is None or not _alike(look, self._look):
            self._look = look
            self.item.show_tiles_of(HeatPainter(self._map, look), self._bounds())

    def _wanted_look(self) -> HeatLook:
        style = self._session.layers.heat
        low, high = self._range(style)
        floor = self._session.threshold if style.floor is None else style.floor
        return HeatLook(style.colour_map, low, high, floor, style.label_index)

    def _range(self, style: HeatStyle) -> tuple[float, float]:
        if style.range_mode == "fixed":
            return style.low, style.high
        if not self._needs_spread():
            return self._scale() or (0.0, 1.0)
        if self._spread is None:
            return 0.0, 1.0
        return (self._spread.low if style.range_mode == "auto" else 0.0), self._spread.high

    def _bounds(self) -> Box:
        section = self._session.section
        return section.info.box if section is not None else Box(0, 0, 0, 0)


def _alike(one: HeatLook, other: HeatLook) -> bool:
    """Whether nobody would see a difference."""
    if (one.colour_map, one.floor, one.label) != (other.colour_map, other.floor, other.label):
        return False
    least = _SAME_RANGE * (other.high - other.low)
    return abs(one.low - other.low) <= least and abs(one.high - other.high) <= least
