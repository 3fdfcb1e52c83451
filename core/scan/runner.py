"""Decides how a scan runs: one model over one section, tile by tile, storing as it goes, resuming by itself.

Reading the next tile overlaps with computing this one. A tile's detections are stored when its neighbours are mapped
too, from scores computed over all nine, so that they don't depend on the order of work, on a restart, or on a seam.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np

import core
from core.detection import Detection
from core.display import auto_range
from core.errors import ResourceError
from core.foreground import foreground_mask
from core.geometry import Box
from core.jobs import CancelToken, Progress, Step, no_progress
from core.models.base import Model
from core.project import Project, SectionRecord
from core.project.scan_store import ScanStore, TileState, scan_key
from core.scan.extract import find_marks, to_candidate
from core.scan.plan import ScanPlan, plan_scan, scan_parameters
from core.scan.reading import TileSource
from core.section import Plane, Section
from core.tiling import Tile

Array = np.ndarray


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """What can be chosen for a scan. `region` and `start_at` are level-0 px; the order of work starts at `start_at`.

    `device` is for whoever loads the model; the scan takes the model as it is.
    """

    region: Box | None = None
    threshold: float | None = None
    device: str = "auto"
    start_at: tuple[float, float] | None = None
    plane: Plane = field(default_factory=Plane)
    restart: bool = False


@dataclass(frozen=True, slots=True)
class TileDone:
    """One more tile is finished and its scores are stored: its core in level-0 px."""

    box: Box


@dataclass(frozen=True, slots=True)
class ScanSummary:
    """What a finished scan has to say. `megapixels`: level-0, of the tiles scanned; `seconds`: work in all runs."""

    scan_id: str
    section: str
    model: str
    device: str
    threshold: float
    tiles_total: int
    tiles_done: int
    tiles_skipped: int
    detections: int
    seconds: float
    megapixels: float
    resumed: bool


def run_scan(
    project: Project,
    section: Section,
    model: Model,
    options: ScanOptions | None = None,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
    on_detections: Callable[[list[Detection]], None] | None = None,
    on_tile: Callable[[TileDone], None] | None = None,
) -> ScanSummary:
    """Scans a section into a project; goes on where the same scan was interrupted.

    Raises CancelledError when `cancel` was set (what was done is kept), ResourceError when the disk or the device
    fails, InputError when the section can't be read any more, UsageError when the options make no sense.
    """
    options = options or ScanOptions()
    cancel = cancel or CancelToken()
    progress(Step(0, 0, "Looking for the specimen"))
    prepared = _prepare(project, section, model, options, cancel)
    run = _Run(prepared, model, options, cancel, progress, on_detections, on_tile)
    return run.go()


@dataclass(frozen=True)
class _Prepared:
    store: ScanStore
    plan: ScanPlan
    source: TileSource
    resumed: bool


def _prepare(project: Project, section: Section, model: Model, options: ScanOptions, cancel: CancelToken) -> _Prepared:
    spec, info = model.spec, section.info
    shown = auto_range(section, options.plane)
    mask = foreground_mask(section, options.plane, (shown.low, shown.high), cancel=cancel)
    plan = plan_scan(info, spec, mask, options.region, options.start_at)
    parameters = scan_parameters(options.plane, options.region, (shown.low, shown.high), plan.grid.scale)
    record = project.add_section(section)
    found = ScanStore.find(project, record, spec, scan_key(record, spec, parameters))
    if found is not None and not options.restart and found.maps.exists():
        store, resumed = found, bool(found.tile_states())
        if options.threshold is not None:
            project.set_threshold(store.record.id, options.threshold)
    else:
        store, resumed = _begin(project, record, model, options, plan, parameters), False
    store.skip(sorted(plan.skipped))
    return _Prepared(store, plan, TileSource(section, options.plane, shown, plan.grid.scale), resumed)


def _begin(
    project: Project,
    record: SectionRecord,
    model: Model,
    options: ScanOptions,
    plan: ScanPlan,
    parameters: dict[str, object],
) -> ScanStore:
    spec, grid = model.spec, plan.grid
    store = ScanStore.begin(
        project,
        record,
        spec,
        parameters=parameters,
        tiles_total=len(plan.tiles),
        cell_px=grid.cell_px,
        context_px=spec.window_px * grid.scale,
        threshold=spec.threshold if options.threshold is None else options.threshold,
        device=str(model.device),
        provenance={"schliff": core.__version__, "model": dict(spec.card), "section": str(record.path)},
    )
    store.maps.create(grid.cells, spec.tile_px // spec.stride_px, spec.map_channels, len(spec.labels))
    return store


class _Run:
    """One run of one scan, from where it stands to its end."""

    def __init__(
        self,
        prepared: _Prepared,
        model: Model,
        options: ScanOptions,
        cancel: CancelToken,
        progress: Progress,
        on_detections: Callable[[list[Detection]], None] | None,
        on_tile: Callable[[TileDone], None] | None,
    ) -> None:
        self._store, self._plan, self._source = prepared.store, prepared.plan, prepared.source
        self._resumed = prepared.resumed
        self._model, self._spec = model, model.spec
        self._region = options.region
        self._cancel, self._progress = cancel, progress
        self._on_detections, self._on_tile = on_detections, on_tile
        self._states: dict[int, TileState] = prepared.store.tile_states()
        self._tiles = {tile.index: tile for tile in prepared.plan.tiles}
        self._section_box = prepared.source.section.info.box
        self._noted = time.monotonic()

    def go(self) -> ScanSummary:
        if self._store.record.status != "done":
            self._store.set_status("running")
            try:
                self._learn()
                self._map_all()
            except BaseException:
                self._note("interrupted")
                raise
            self._note("done")
        return self._summary()

    def _note(self, status: str) -> None:
        now = time.monotonic()
        self._store.set_status(status, now - self._noted)  # type: ignore[arg-type]  # one of ScanStatus
        self._noted = now

    # -- learning what is normal here ------------------------------------------------------------------------------

    def _learn(self) -> None:
        learned = self._store.maps.load_learned()
        if learned is not None:
            self._model.restore(learned)
            return
        offered = sorted(self._plan.to_map, key=lambda tile: blake2b(str(tile.index).encode()).digest())
        learned = self._model.learn(len(offered), lambda i: self._read(offered[i]), self._learning, self._cancel)
        if learned is not None:
            self._store.maps.save_learned(learned)
            self._model.restore(learned)

    def _learning(self, step: Step) -> None:
        """Learning is no share of the tiles, so it has no bar of its own, only words."""
        share = f" ({100 * step.done // step.total} %)" if step.total else ""
        self._progress(Step(0, 0, f"Learning what is normal here{share}"))

    # -- mapping tiles ---------------------------------------------------------------------------------------------

    def _map_all(self) -> None:
        self._emit_ready(self._tiles)
        self._report()
        pending = [tile for tile in self._plan.to_map if tile.index not in self._states]
        for tile, pixels in self._read_ahead(pending):
            self._map(tile, pixels)
            self._emit_ready([tile.index, *self._plan.neighbours(tile)])
            self._report()

    def _read_ahead(self, tiles: Sequence[Tile]) -> Iterator[tuple[Tile, Array]]:
        """Each tile with its pixels, the next one being read meanwhile."""
        with ThreadPoolExecutor(1, "schliff-scan-read") as reader:
            upcoming = reader.submit(self._read, tiles[0]) if tiles else None
            for position, tile in enumerate(tiles):
                assert upcoming is not None
                pixels = upcoming.result()
                following = tiles[position + 1] if position + 1 < len(tiles) else None
                upcoming = reader.submit(self._read, following) if following else None
                self._cancel.check()
                yield tile, pixels

    def _read(self, tile: Tile) -> Array:
        return self._source.read(*self._plan.grid.model_box(tile, self._spec.halo_px))

    def _map(self, tile: Tile, pixels: Array) -> None:
        halo = self._spec.halo_px // self._spec.stride_px
        values = self._model.map_tile(pixels)[:, halo : halo + tile.h_cells, halo : halo + tile.w_cells]
        if not np.isfinite(values).all():
            raise ResourceError(
                f"{self._spec.id} gave values that are not numbers", remedy="Scan on the CPU (--device cpu)."
            )
        self._store.maps.write("model", tile.y_cell, tile.x_cell, values)
        self._store.mapped(tile.index)
        self._states[tile.index] = "mapped"

    # -- from maps to detections -----------------------------------------------------------------------------------

    def _emit_ready(self, indices: Sequence[int] | dict[int, Tile]) -> None:
        for index in indices:
            tile = self._tiles.get(index)
            if tile is not None and self._states.get(index) == "mapped" and self._surrounded(tile):
                self._emit(tile)

    def _surrounded(self, tile: Tile) -> bool:
        around = (index for index in self._plan.neighbours(tile) if index in self._tiles)
        return all(index in self._states for index in around)

    def _emit(self, tile: Tile) -> None:
        row, column, block = self._block(tile)
        scores = self._scores(row, column, block)
        r, c = tile.y_cell - row, tile.x_cell - column
        core_scores = scores[:, r : r + tile.h_cells, c : c + tile.w_cells]
        self._store.maps.write("scores", tile.y_cell, tile.x_cell, core_scores)
        # Half floats, as stored: a threshold then means the same for the map and for the detections.
        marks = find_marks(scores.astype(np.float16).astype(np.float32), self._spec.score_floor)
        candidates = [
            to_candidate(mark, self._spec.labels, self._plan.grid.cell_px, row, column, self._section_box)
            for mark in marks
            if r <= mark.peak[0] < r + tile.h_cells and c <= mark.peak[1] < c + tile.w_cells
        ]
        if self._region is not None:
            candidates = [one for one in candidates if self._region.contains(*one.box.center)]
        found = self._store.emit(tile.index, candidates)
        self._states[tile.index] = "emitted"
        if self._on_detections and found:
            self._on_detections(found)
        if self._on_tile:
            self._on_tile(TileDone(tile.box))

    def _block(self, tile: Tile) -> tuple[int, int, Array]:
        """The model's map of a tile and its neighbours: first row and column, and the values within the section."""
        side = self._spec.tile_px // self._spec.stride_px
        rows, columns = self._plan.grid.cells
        row, column = max(0, tile.y_cell - side), max(0, tile.x_cell - side)
        height = min(rows, tile.y_cell + 2 * side) - row
        width = min(columns, tile.x_cell + 2 * side) - column
        return row, column, self._store.maps.read("model", row, column, height, width)

    def _scores(self, row: int, column: int, block: Array) -> Array:
        """The model's scores; NaN where nothing was scanned and where there is no specimen.

        Where nothing was scanned the model is shown what is usual around. Dust in the resin is no defect.
        """
        missing = np.isnan(block)
        usual = np.nanmedian(block, axis=(1, 2), keepdims=True)
        scores = self._model.scores(np.where(missing, usual, block))
        grid = self._plan.grid
        specimen = self._plan.mask.at_cells(block.shape[1], block.shape[2], grid.cell_px, (row, column))
        return np.where(missing.any(axis=0) | ~specimen, np.float32(np.nan), scores)

    # -- telling ---------------------------------------------------------------------------------------------------

    def _report(self) -> None:
        mapped = sum(index in self._tiles for index in self._states)
        self._progress(Step(mapped, len(self._tiles), "Scanning"))

    def _summary(self) -> ScanSummary:
        record = self._store.project.scan(self._store.record.id)
        area = sum(tile.box.area for tile in self._plan.to_map)
        return ScanSummary(
            scan_id=record.id,
            section=str(self._source.section.info.path),
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
        )
