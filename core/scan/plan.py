"""Decides what a scan will do before it does it: the scale, the tiles and their order. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any

import numpy as np

from core.errors import UsageError
from core.geometry import Box, disjoint
from core.models.base import ModelSpec
from core.scan.options import Foreground, ScanOptions
from core.section import SectionInfo
from core.specimen_mask import Mask
from core.tiling import Tile, TileGrid

# Beyond this factor between the section's µm/px and the model's, what the model learned to see is not visible.
COARSEST_UPSAMPLING = 4.0
# Coarser or finer than this against the model's, what the model knows looks too different for its results to be trusted.
# A finer section is brought to the model's scale and loses nothing by it; but much finer ones show other things.
DOUBTFULLY_COARSE = 3.0
DOUBTFULLY_FINE = 8.0


@dataclass(frozen=True)
class ScanPlan:
    """`tiles` in the order of work; those of `skipped` (indices) show no specimen, nor do others beyond `mask`.

    `area`: what is asked for, inside the section, as boxes in level-0 px that don't overlap.
    """

    grid: TileGrid
    mask: Mask
    tiles: tuple[Tile, ...]
    skipped: frozenset[int]
    area: tuple[Box, ...]

    @property
    def to_map(self) -> list[Tile]:
        return [tile for tile in self.tiles if tile.index not in self.skipped]

    @property
    def by_chance(self) -> list[Tile]:
        """Those to be mapped in an order that has nothing to do with where they lie, always the same: to learn from."""
        return sorted(self.to_map, key=lambda tile: blake2b(str(tile.index).encode()).digest())

    @property
    def skipped_area_px(self) -> float:
        """Level-0 px² of the area whose tiles are skipped."""
        return self.area_of(self.skipped)

    def area_of(self, indices: Collection[int]) -> float:
        """Level-0 px² of what is asked for in tiles; those at its edge count with their part inside."""
        rows, columns = np.divmod(np.fromiter(indices, np.int64, len(indices)), self.grid.shape[1])
        x_edges, y_edges = self.grid.edges
        total = 0.0
        for part in self.area:
            widths = np.diff(np.clip(x_edges, part.x, part.x1))
            heights = np.diff(np.clip(y_edges, part.y, part.y1))
            total += float((heights[rows] * widths[columns]).sum())
        return total

    def neighbours(self, tile: Tile) -> list[int]:
        """Indices of the up to 8 tiles around one."""
        rows, columns = self.grid.shape
        around = [(tile.row + i, tile.col + j) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j]
        return [r * columns + c for r, c in around if 0 <= r < rows and 0 <= c < columns]


def model_scale(info: SectionInfo, spec: ModelSpec) -> float:
    """Level-0 px per model px; 1 when the section or the model states no scale.

    Raises UsageError when the section is far too coarse for the model.
    """
    return scale_for(info, spec.um_per_px, spec.id)


def scale_for(info: SectionInfo, um_per_px: float | None, made_for: str) -> float:
    """As `model_scale`, for whatever (`made_for`) looks at `um_per_px`."""
    if um_per_px is None or info.pixel_size_um is None:
        return 1.0
    section_um = (info.pixel_size_um[0] * info.pixel_size_um[1]) ** 0.5
    scale = um_per_px / section_um
    if scale * COARSEST_UPSAMPLING < 1:
        raise UsageError(
            f"{info.path.name} has {section_um:.3g} µm per px, too coarse for {made_for}, made for {um_per_px:.3g}",
            remedy="Scan it with the texture model, which needs no scale.",
        )
    return scale


def scale_doubt(info: SectionInfo, spec: ModelSpec) -> str:
    """What the user should know of the scale before this section is scanned; "" when it suits the model."""
    if spec.um_per_px is None:
        return ""
    trained = f"This model was trained at {spec.um_per_px:.3g} µm per px; this section"
    if info.pixel_size_um is None:
        return f"{trained} does not state its scale. Results may be poor."
    section_um = (info.pixel_size_um[0] * info.pixel_size_um[1]) ** 0.5
    if 1 / DOUBTFULLY_FINE <= section_um / spec.um_per_px <= DOUBTFULLY_COARSE:
        return ""
    return f"{trained} has {section_um:.3g}. Results will be poor."


def plan_scan(
    info: SectionInfo, spec: ModelSpec, mask: Mask, regions: Sequence[Box], start_at: tuple[float, float] | None
) -> ScanPlan:
    """`regions`: what is scanned of the section; all of it without any. Raises UsageError for one outside the section."""
    grid = TileGrid(info.width_px, info.height_px, model_scale(info, spec), spec.tile_px, spec.stride_px)
    inside = [region.intersection(info.box) for region in regions or (info.box,)]
    parts = tuple(part for part in inside if part is not None)
    if len(parts) < len(inside):
        raise UsageError(
            "a region lies outside the section",
            remedy=f"Give X,Y,W,H within {info.width_px} × {info.height_px} px.",
        )
    indices = grid.order(np.unique(np.concatenate([grid.indices(part) for part in parts])), start_at)
    is_empty = ~mask.covers_grid(*grid.edges).ravel()[indices]
    tiles = grid.tiles_at(indices.tolist())
    return ScanPlan(grid, mask, tuple(tiles), frozenset(indices[is_empty].tolist()), disjoint(parts))


def scan_parameters(
    spec: ModelSpec, options: ScanOptions, display: tuple[float, float], scale: float
) -> dict[str, object]:
    """All that makes the result what it is, besides section and model; goes into the scan's key and provenance.

    `core.scan.request.ScanRequest.again` is the inverse.
    """
    plane, foreground = options.plane, options.foreground
    parameters: dict[str, object] = {
        "plane": [plane.c, plane.z, plane.t],
        "region": stored_regions(options.regions),
        "display_range": list(display),
        "scale": scale,
    }
    if spec.values:
        parameters["model"] = dict(spec.values)
    if foreground != Foreground():
        parameters["foreground"] = asdict(foreground)
    return parameters


def stored_regions(regions: Sequence[Box]) -> list[Any] | None:
    """Regions as a scan's parameters hold them: None, one as [x, y, w, h], several as a list of those."""
    values = [[box.x, box.y, box.w, box.h] for box in regions]
    return values[0] if len(values) == 1 else values or None


def regions_of(stored: list[Any] | None) -> tuple[Box, ...]:
    """The inverse of `stored_regions`."""
    if not stored:
        return ()
    return tuple(Box(*one) for one in (stored if isinstance(stored[0], list) else [stored]))


def map_parameters(spec: ModelSpec, parameters: Mapping[str, object]) -> dict[str, object]:
    """Those of `scan_parameters` that change what the model says of a tile: two scans with the same ones can share maps.

    A model that learns from the section learned from the tiles it was offered, so for it all of them count.
    """
    reread = {p.name for p in spec.parameters if p.rereads}
    kept = {k: v for k, v in parameters.items() if spec.learns or k not in ("region", "foreground")}
    kept["model"] = {name: value for name, value in spec.values.items() if name not in reread}
    return kept
