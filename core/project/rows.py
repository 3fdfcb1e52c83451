"""Decides how a row of a project's database becomes a value that the rest of Schliff knows."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from core.calibration import stage_with
from core.frames import StageTransform
from core.project.records import ScanRecord, SectionRecord
from core.project.stored import as_stored, number


@as_stored()
def section_of(row: sqlite3.Row) -> SectionRecord:
    """A section from a row of `sections`, with the pixel size that was `entered` for it, as JSON."""
    size, entered = json.loads(row["pixel_size_um"]), json.loads(row["entered"] or "null")
    stated = None if size is None else (size[0], size[1])
    stage = StageTransform.from_json(json.loads(row["stage"]))
    if entered is not None:
        stage = stage_with(stage, stated, (entered[0], entered[1]), (row["width_px"] / 2, row["height_px"] / 2))
    return SectionRecord(
        id=row["id"],
        path=Path(row["path"]),
        fingerprint=row["fingerprint"],
        width_px=row["width_px"],
        height_px=row["height_px"],
        pixel_size_um=stated if entered is None else (entered[0], entered[1]),
        stage=stage,
        scale_by_hand=entered is not None,
    )


@as_stored()
def scan_of(row: sqlite3.Row) -> ScanRecord:
    """A scan from a row of `scans`, with how many tiles are `done`, and `skipped` among them."""
    spec = json.loads(row["spec"])
    return ScanRecord(
        id=row["id"],
        section_id=row["section_id"],
        key=row["key"],
        model_id=spec["id"],
        model_name=spec["name"],
        model_version=spec["version"],
        model_path=Path(spec["path"]) if spec.get("path") else None,
        family=spec["family"],
        labels=tuple(spec["labels"]),
        artefact_labels=tuple(spec["artefact_labels"]),
        score_unit=spec["score_unit"],
        status=row["status"],
        threshold=number(row["threshold"]),
        tiles_total=row["tiles_total"],
        tiles_done=row["done"],
        tiles_skipped=row["skipped"],
        cell_px=number(row["cell_px"]),
        context_px=number(row["context_px"]),
        seconds=number(row["seconds"]),
        device=row["device"],
        parameters=json.loads(row["parameters"]),
        started=row["started"],
        finished=row["finished"],
    )
