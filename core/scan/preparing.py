"""Decides what a scan starts from: its plan, its record, what an earlier run or another scan already computed."""

from __future__ import annotations

from dataclasses import dataclass

from core.display import auto_range
from core.foreground import Mask, foreground_mask, whole_section
from core.jobs import CancelToken
from core.models.base import Model
from core.project import Project, SectionRecord
from core.project.maps import ScanMaps
from core.project.scan_store import ScanStore, scan_key
from core.project.taking_over import take_over
from core.scan.options import ScanOptions
from core.scan.plan import ScanPlan, map_parameters, model_scale, plan_scan, scan_parameters
from core.scan.provenance import first_notes
from core.scan.reading import TileSource
from core.section import Section
from core.seen_range import seen_range


@dataclass(frozen=True)
class Prepared:
    """All that a run of a scan needs besides the model.

    `resumed`: an earlier run left tiles behind; `taken_over`: how many tiles' answers came from another scan.
    """

    store: ScanStore
    plan: ScanPlan
    source: TileSource
    resumed: bool
    taken_over: int


def prepare(project: Project, section: Section, model: Model, options: ScanOptions, cancel: CancelToken) -> Prepared:
    """Finds the scan that is asked for, or begins it. Raises as `core.scan.runner.run_scan`."""
    record = project.add_section(section)  # with the scale that was entered for it
    spec, info = model.spec, section.info
    shown = seen_range(section, options.plane, spec)
    parameters = scan_parameters(spec, options, (shown.low, shown.high), model_scale(info, spec))
    earlier = ScanStore.find(project, record, spec, scan_key(record, spec, parameters))
    found = None if earlier is None or options.restart or not earlier.maps.exists() else earlier
    mask = None if found is None else Mask.load(found.maps.specimen_path)
    if mask is None:
        mask = _specimen(section, options, cancel)
        if found is not None:  # of a version that kept none
            mask.save(found.maps.specimen_path)
    plan = plan_scan(info, spec, mask, options.regions, options.start_at)
    store = found or _begin(project, record, model, options, plan, parameters, earlier)
    resumed = bool(store.tile_states())
    if found is not None and options.threshold is not None:
        project.set_threshold(store.record.id, options.threshold)
    store.skip(sorted(plan.skipped))
    taken_over = 0
    if store.record.status != "done":
        wanted = {tile.index: (tile.row, tile.col) for tile in plan.to_map}
        known = store.tile_states()
        missing = {index: place for index, place in wanted.items() if index not in known}
        taken_over = take_over(store, missing, spec.output == "map", cancel)
    return Prepared(store, plan, TileSource(section, options.plane, shown, plan.grid.scale), resumed, taken_over)


def _specimen(section: Section, options: ScanOptions, cancel: CancelToken) -> Mask:
    """Kept with a scan, so that whoever goes on with it, or asks what it found, needs not look again."""
    if not options.foreground.skip:
        return whole_section(section.info)
    shown = auto_range(section, options.plane)
    return foreground_mask(section, options.plane, (shown.low, shown.high), options.foreground.caution, cancel=cancel)


def _begin(
    project: Project,
    record: SectionRecord,
    model: Model,
    options: ScanOptions,
    plan: ScanPlan,
    parameters: dict[str, object],
    earlier: ScanStore | None,
) -> ScanStore:
    """Records the scan, with its files, in place of an earlier one with the same key."""
    spec, grid = model.spec, plan.grid

    def lay_out(maps: ScanMaps) -> None:
        maps.create(grid.cells, spec.tile_px // spec.stride_px, spec.map_channels, len(spec.labels))
        plan.mask.save(maps.specimen_path)

    return ScanStore.begin(
        project,
        record,
        spec,
        parameters=parameters,
        map_key=scan_key(record, spec, map_parameters(spec, parameters)),
        tiles_total=len(plan.tiles),
        cell_px=grid.cell_px,
        context_px=spec.window_px * grid.scale,
        threshold=spec.threshold if options.threshold is None else options.threshold,
        device=str(model.device),
        provenance=first_notes(spec, record, options, plan, parameters),
        replacing=earlier,
        lay_out=lay_out,
    )
