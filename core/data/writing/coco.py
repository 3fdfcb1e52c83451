"""Decides how a training set is written as COCO: `annotations.json` beside `images` (cocodataset.org, "Data format").

Places of which nothing is known are crowds of every class, so that what is found there is neither right nor wrong. Each
annotation says in `attributes` who decided it, and of which section and scan.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.data.writing.base import DataWriter, WrittenTile
from core.data.writing.tiles import TileMark
from core.geometry import Box
from core.measure import area

_PICTURES = "images"


def _write(folder: Path, tiles: Sequence[WrittenTile], labels: Sequence[str]) -> None:
    annotations: list[dict[str, Any]] = []
    for image, one in enumerate(tiles, 1):
        size = round(one.tile.box.h), round(one.tile.box.w)
        found = [_mark(mark, labels) for mark in one.tile.marks]
        found += [crowd for box in one.tile.unknown for crowd in _crowds(box, size, len(labels))]
        annotations += [{"id": len(annotations) + n, "image_id": image, **row} for n, row in enumerate(found, 1)]
    content = {
        "images": [
            {
                "id": number, "file_name": f"{_PICTURES}/{one.file}", "width": round(one.tile.box.w),
                "height": round(one.tile.box.h), "section": one.group,
            }
            for number, one in enumerate(tiles, 1)
        ],
        "categories": [{"id": number, "name": label} for number, label in enumerate(labels, 1)],
        "annotations": annotations,
    }  # fmt: skip
    (folder / "annotations.json").write_text(json.dumps(content), "utf-8")


def _mark(one: TileMark, labels: Sequence[str]) -> dict[str, Any]:
    box, outline, said = one.mark.box, list(one.mark.outline), one.detection
    return {
        "category_id": labels.index(one.mark.label) + 1,
        "bbox": [box.x, box.y, box.w, box.h],
        "area": area(outline) if outline else box.area,
        "segmentation": [[value for point in outline for value in point]] if outline else [],
        "iscrowd": 0,
        "attributes": {
            "detection": said.id, "scan": said.scan_id, "decided_by": said.decided_by, "decided_at": said.decided_at,
        },
    }  # fmt: skip


def _crowds(box: Box, size: tuple[int, int], classes: int) -> Iterator[dict[str, Any]]:
    mask = np.zeros(size, np.uint8)
    x, y, w, h = box.outer_pixels()
    mask[max(y, 0) : y + h, max(x, 0) : x + w] = 1
    flat = np.concatenate([[0], mask.T.ravel(), [1 - mask[-1, -1]]])  # by columns; counts begin with what is outside
    runs = np.diff(np.concatenate([[0], np.flatnonzero(np.diff(flat)), [mask.size]]))
    counts = [int(run) for run in runs if run] if not mask[0, 0] else [0, *(int(run) for run in runs if run)]
    for number in range(1, classes + 1):
        yield {
            "category_id": number, "bbox": [box.x, box.y, box.w, box.h], "area": int(mask.sum()), "iscrowd": 1,
            "segmentation": {"size": list(size), "counts": counts},
        }  # fmt: skip


SPEC = DataWriter(id="coco", name="COCO", pictures=_PICTURES, hides_unknown=False, write=_write)
