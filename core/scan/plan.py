"""Decides what a scan will do before it does it: the scale, the tiles and their order. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from core.errors import UsageError
from core.geometry import Box
from core.models.base import ModelSpec
from core.scan.options import Foreground, ScanOptions
from core.section import SectionInfo
from core.specimen_mask import Mask
from core.tiling import Tile, TileGrid

# Beyond this factor between the section's µm/px and the model's, what the model learned to see is not visible.
COARSEST_UPSAMPLING = 4.0
# Beyond this one, either way, what the model knows looks too different for its results to be trusted.
DOUBTFUL_FACTOR = 3.0


@dataclass(frozen=True)
class ScanPlan:
    """`tiles` in the order of work; those of `skipped` (indices) show no specimen, nor do others beyond `mask`.

    `area`: what is asked for, inside the section, in level-0 px.
    """

    grid: TileGrid
    mask: Mask
    tiles: tuple[Tile, ...]
    skipped: frozenset[int]
    area: Box

    @property
    def to_map(self) -> list[Tile]:
        return [tile for tile in self.tiles if tile.index not in self.skipped]

    @property
    def skipped_area_px(self) -> float:
        """Level-0 px² of the area whose tiles are skipped; tiles at its edge count with their part inside."""
        x_edges, y_edges = self.grid.edges
        widths = np.diff(np.clip(x_edges, self.area.x, self.area.x1))
        heights = np.diff(np.clip(y_edges, self.area.y, self.area.y1))
        rows, columns = np.divmod(np.fromiter(self.skipped, np.int64, len(self.skipped)), self.grid.shape[1])
        return float((heights[rows] * widths[columns]).sum())

    def neighbours(self, tile: Tile) -> list[int]:
        """Indices of the up to 8 tiles around one."""
        rows, columns = self.grid.shape
        around = [(tile.row + i, tile.col + j) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j]
        return [r * columns + c for r, c in around if 0 <= r < rows and 0 <= c < columns]


def model_scale(info: SectionInfo, spec: ModelSpec) -> float:
    """Level-0 px per model px; 1 when the section or the model states no scale.

    Raises UsageError when the section is far too coarse for the model.
    """
    if spec.um_per_px is None or info.pixel_size_um is None:
        return 1.0
    section_um = (info.pixel_size_um[0] * info.pixel_size_um[1]) ** 0.5
    scale = spec.um_per_px / section_um
    if scale * COARSEST_UPSAMPLING < 1:
        raise UsageError(
            f"{info.path.name} has {section_um:.3g} µm per px, too coarse for {spec.id}, made for {spec.um_per_px:.3g}",
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
    if 1 / DOUBTFUL_FACTOR <= section_um / spec.um_per_px <= DOUBTFUL_FACTOR:
        return ""
    return f"{trained} has {section_um:.3g}. Results will be poor."


def plan_scan(
    info: SectionInfo, spec: ModelSpec, mask: Mask, region: Box | None, start_at: tuple[float, float] | None
) -> ScanPlan:
    """Raises UsageError when the region lies outside the section."""
    grid = TileGrid(info.width_px, info.height_px, model_scale(info, spec), spec.tile_px, spec.stride_px)
    inside = info.box if region is None else region.intersection(info.box)
    if inside is None:
        raise UsageError(
            "the region lies outside the section",
            remedy=f"Give X,Y,W,H within {info.width_px} × {info.height_px} px.",
        )
    indices = grid.order(grid.indices(inside), start_at)
    is_empty = ~mask.covers_grid(*grid.edges).ravel()[indices]
    tiles = grid.tiles_at(indices.tolist())
    return ScanPlan(grid, mask, tuple(tiles), frozenset(indices[is_empty].tolist()), inside)


def scan_parameters(
    spec: ModelSpec, options: ScanOptions, display: tuple[float, float], scale: float
) -> dict[str, object]:
    """All that makes the result what it is, besides section and model; goes into the scan's key and provenance."""
    plane, region, foreground = options.plane, options.region, options.foreground
    parameters: dict[str, object] = {
        "plane": [plane.c, plane.z, plane.t],
        "region": None if region is None else [region.x, region.y, region.w, region.h],
        "display_range": list(display),
        "scale": scale,
    }
    if spec.values:
        parameters["model"] = dict(spec.values)
    if foreground != Foreground():
        parameters["foreground"] = asdict(foreground)
    return parameters


def map_parameters(spec: ModelSpec, parameters: Mapping[str, object]) -> dict[str, object]:
    """Those of `scan_parameters` that change what the model says of a tile: two scans with the same ones can share maps.

    A model that learns from the section learned from the tiles it was offered, so for it all of them count.
    """
    reread = {p.name for p in spec.parameters if p.rereads}
    kept = {k: v for k, v in parameters.items() if spec.learns or k not in ("region", "foreground")}
    kept["model"] = {name: value for name, value in spec.values.items() if name not in reread}
    return kept
