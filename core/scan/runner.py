"""Decides how a scan runs: one model over one section, tile by tile, storing as it goes, resuming by itself."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import replace

from core.compute_memory import memory_told
from core.errors import SchliffError
from core.jobs import CancelToken, Progress, Step, no_progress
from core.models.base import Model
from core.project import Project
from core.project.records import ScanStatus
from core.project.scan_store import TileState
from core.scan.emitting import make_emitter
from core.scan.mapping import TilePipeline
from core.scan.options import ScanOptions, ScanSummary, TileDone, Watchers
from core.scan.preparing import Prepared, prepare
from core.scan.progress import BusyClock, ScanPace
from core.scan.provenance import RunNotes, doubts_in
from core.section import Section
from core.tiling import Tile

NOTE_EVERY_S = 30.0  # so much of the time that a scan took is unknown when it is killed


def run_scan(
    project: Project,
    section: Section,
    model: Model,
    options: ScanOptions | None = None,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
    watchers: Watchers | None = None,
) -> ScanSummary:
    """Scans a section into a project; goes on where the same scan was interrupted.

    `progress` gets `ScanStep`s once tiles are being scanned.
    Raises CancelledError when `cancel` was set (what was done is kept), ResourceError when the disk or the device
    fails, InputError when the section can't be read any more, UsageError when the options make no sense.
    """
    options = options or ScanOptions()
    cancel = cancel or CancelToken()
    progress(Step(0, 0, "Looking for the specimen"))
    prepared = prepare(project, section, model, options, cancel)
    return _Run(prepared, model, options, cancel, progress, watchers or Watchers()).go()


class _Run:
    """One run of one scan, from where it stands to its end."""

    def __init__(
        self,
        prepared: Prepared,
        model: Model,
        options: ScanOptions,
        cancel: CancelToken,
        progress: Progress,
        watchers: Watchers,
    ) -> None:
        self._store, self._plan, self._info = prepared.store, prepared.plan, prepared.source.section.info
        self._resumed = prepared.resumed
        self._model = model
        self._busy = BusyClock(cancel.clock)
        self._pipeline = TilePipeline(model, prepared.plan, prepared.source, cancel, self._busy)
        self._emitter = make_emitter(model, prepared.plan, prepared.store, self._info.box, options.regions)
        self._cancel, self._progress, self._watchers = cancel, progress, watchers
        self._states: dict[int, TileState] = prepared.store.tile_states()
        self._tiles = {tile.index: tile for tile in prepared.plan.tiles}
        self._done = sum(index in self._tiles for index in self._states)
        self._pace = ScanPace(self._busy, self._info.um2_per_px2, cancel.clock)
        self._taken_over, self._mapped, self._seconds = prepared.taken_over, 0, 0.0
        self._noted = cancel.clock()

    def go(self) -> ScanSummary:
        if self._store.record.status != "done":
            self._store.set_status("running")
            self._found = self._count()
            self._notes = RunNotes(self._store, self._model, self._taken_over)
            try:
                with memory_told(self._model.device, self._model.spec.id):
                    self._learn()
                    self._notes.update(doubts=self._model.doubts())
                    self._map_all()
            except BaseException as error:
                with suppress(SchliffError):  # what went wrong counts, not that it can't be noted either
                    self._notes.update(ended_by=str(error) or type(error).__name__)
                    self._note("interrupted")
                raise
            self._note("done")
        return self._summary()

    def _note(self, status: ScanStatus) -> None:
        """How the scan stands now, for whoever asks later, after a power cut too."""
        now = self._cancel.clock()
        self._seconds += now - self._noted
        self._store.set_status(status, now - self._noted)
        self._noted = now
        self._notes.update(
            status=status,
            seconds=round(self._seconds, 3),
            tiles=self._mapped,
            megapixels=round(self._pace.megapixels, 3),
            busy=self._pace.busy_share,
        )

    # -- learning what is normal here ------------------------------------------------------------------------------

    def _learn(self) -> None:
        learned = self._store.maps.load_learned()
        if learned is not None:
            self._model.restore(learned)
            return
        offered = self._plan.by_chance
        learned = self._model.learn(
            len(offered), lambda i: self._pipeline.read(offered[i]), self._learning, self._cancel
        )
        if learned is not None:
            self._store.maps.save_learned(learned)
            self._model.restore(learned)

    def _learning(self, step: Step) -> None:
        """Learning is no share of the tiles, so it has no bar of its own, only words."""
        share = f" ({100 * step.done // step.total} %)" if step.total else ""
        self._progress(Step(0, 0, f"Learning what is normal here{share}"))

    # -- tile by tile ----------------------------------------------------------------------------------------------

    def _map_all(self) -> None:
        self._report()
        for index in self._tiles:
            self._cancel.check()
            self._emit_ready([index])
        pending = [tile for tile in self._plan.to_map if tile.index not in self._states]
        self._pace = ScanPace(self._busy, self._info.um2_per_px2, self._cancel.clock)
        with closing(self._pipeline.results(pending)) as results:
            for tile, result in results:
                self._emitter.keep(tile, result)
                self._states[tile.index] = "mapped"
                self._done += 1
                self._mapped += 1
                self._emit_ready([tile.index, *self._plan.neighbours(tile)])
                self._pace.scanned(self._plan.area_of([tile.index]))
                self._report()
                if self._cancel.clock() - self._noted > NOTE_EVERY_S:
                    self._note("running")

    def _emit_ready(self, indices: Iterable[int]) -> None:
        for index in indices:
            tile = self._tiles.get(index)
            if tile is not None and self._states.get(index) == "mapped" and self._surrounded(tile):
                self._emit(tile)

    def _surrounded(self, tile: Tile) -> bool:
        around = (index for index in self._plan.neighbours(tile) if index in self._tiles)
        return all(index in self._states for index in around)

    def _emit(self, tile: Tile) -> None:
        found = self._emitter.emit(tile)
        self._states[tile.index] = "emitted"
        self._found += sum(one.score >= self._store.record.threshold for one in found)
        if self._watchers.on_detections and found:
            self._watchers.on_detections(found)
        if self._watchers.on_tile:
            self._watchers.on_tile(TileDone(tile.box))

    # -- telling ---------------------------------------------------------------------------------------------------

    def _report(self) -> None:
        step = self._pace.step(self._done, len(self._tiles))
        self._progress(replace(step, device=str(self._model.device), found=self._found))

    def _count(self) -> int:
        """Detections above the threshold."""
        return len(self._store.project.detections(self._store.record.id, self._store.record.threshold))

    def _summary(self) -> ScanSummary:
        record = self._store.project.scan(self._store.record.id)
        area = self._plan.area_of([tile.index for tile in self._plan.to_map])
        skipped = self._plan.skipped_area_px
        um2 = self._info.um2_per_px2
        return ScanSummary(
            scan_id=record.id,
            section=str(self._info.path),
            model=record.model_id,
            device=record.device,
            threshold=record.threshold,
            tiles_total=record.tiles_total,
            tiles_done=record.tiles_done,
            tiles_skipped=record.tiles_skipped,
            detections=len(self._store.project.detections(record.id, record.threshold)),
            seconds=round(record.seconds, 3),
            megapixels=round(area / 1e6, 3),
            resumed=self._resumed,
            skipped_megapixels=round(skipped / 1e6, 3),
            skipped_mm2=None if um2 is None else round(skipped * um2 / 1e6, 4),
            busy=self._pace.busy_share,
            sound_parts=self._store.sound(),
            doubts=doubts_in(self._store.project.provenance(record.id)),
        )
