"""Decides what `schliff info --json` says of a section: the names are a contract with users' scripts."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from core.frames import StageTransform
from core.section import PyramidLevel, Scene, Section


def section_report(section: Section) -> dict[str, Any]:
    """Plain JSON values; boxes in level-0 px, stage in µm."""
    info = section.info
    return {
        "path": str(info.path),
        "format": info.format,
        "width_px": info.width_px,
        "height_px": info.height_px,
        "channels": len(info.channel_names),
        "channel_names": list(info.channel_names),
        "samples": info.samples,
        "z_count": info.z_count,
        "t_count": info.t_count,
        "dtype": info.dtype.name,
        "levels": [_level(level) for level in info.levels],
        "pixel_size_um": list(info.pixel_size_um) if info.pixel_size_um else None,
        "pixel_size_source": "hand" if info.as_stated else "file" if info.pixel_size_um else None,
        "scenes": [_scene(scene) for scene in info.scenes],
        "stage": _stage(info.stage),
        "stage_session": asdict(info.stage.session) if info.stage.session else None,
        "markers": [{"name": one.name, "x_um": one.x_um, "y_um": one.y_um} for one in info.markers],
        "sem": None if info.sem is None else asdict(info.sem),
        "objective": info.objective,
        "acquired": info.acquired,
        "warnings": list(info.warnings),
    }


def _level(level: PyramidLevel) -> dict[str, Any]:
    return {"width_px": level.width_px, "height_px": level.height_px, "downsample": level.downsample}


def _scene(scene: Scene) -> dict[str, Any]:
    box = scene.box
    return {"index": scene.index, "name": scene.name, "x_px": box.x, "y_px": box.y, "w_px": box.w, "h_px": box.h}


def _stage(stage: StageTransform) -> dict[str, Any]:
    return {
        "source": stage.source,
        "affine": [list(row) for row in stage.affine] if stage.affine else None,
        "residual_um": stage.residual_um,
        "disagreement_um": stage.disagreement_um,
    }
