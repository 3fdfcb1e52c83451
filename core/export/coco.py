"""Decides how detections are written as COCO: one image for each section, boxes (and outlines, where known) in its px."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.export.base import ExporterSpec
from core.export.document import ExportDocument, ExportItem


def write(document: ExportDocument, path: Path, values: Mapping[str, Any]) -> None:
    labels = sorted({item.detection.label for item in document.items})
    images = [
        {"id": one.id, "file_name": one.name, "width": one.width_px, "height": one.height_px}
        for one in document.sections.values()
    ]
    told = {
        "info": {
            "description": "Schliff",
            "version": document.provenance["schliff"],
            "provenance": document.provenance,
        },
        "images": images,
        "categories": [{"id": number, "name": label} for number, label in enumerate(labels, 1)],
        "annotations": [_annotation(item, labels.index(item.detection.label) + 1) for item in document.items],
    }
    path.write_text(json.dumps(told, indent=1), encoding="utf-8")


def _annotation(item: ExportItem, category: int) -> dict[str, Any]:
    detection = item.detection
    box = detection.box
    return {
        "id": detection.id,
        "image_id": detection.section_id,
        "category_id": category,
        "bbox": [box.x, box.y, box.w, box.h],
        "area": detection.area_px,
        "segmentation": [[round(v, 2) for corner in detection.outline for v in corner]] if detection.outline else [],
        "iscrowd": 0,
        "score": detection.score,
        "status": detection.status,
        "composition": item.row.get("composition"),
    }


SPEC = ExporterSpec(
    id="coco",
    name="COCO",
    suffix=".json",
    help="Boxes, and outlines where there are any, in full-resolution px for other training programs; sections are its images.",
    write=write,
    purpose="exchange",
)
