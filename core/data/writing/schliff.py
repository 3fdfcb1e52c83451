"""Decides how a training set is written in Schliff's own format, which loses nothing: see `core.data.formats.schliff`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.data.formats.schliff import FILE_NAME, FORMAT
from core.data.writing.base import DataWriter, WrittenTile
from core.geometry import Box

_PICTURES = "pictures"


def _write(folder: Path, tiles: Sequence[WrittenTile], labels: Sequence[str]) -> None:
    content = {"format": FORMAT, "classes": list(labels), "pictures": [_picture(one) for one in tiles]}
    (folder / FILE_NAME).write_text(json.dumps(content, indent=1), "utf-8")


def _picture(one: WrittenTile) -> dict[str, Any]:
    marks = [mark.mark for mark in one.tile.marks]
    return {
        "file": f"{_PICTURES}/{one.file}",
        "group": one.group,
        "marks": [{"class": m.label, "box": _box(m.box), "outline": [list(p) for p in m.outline]} for m in marks],
        "known": [_box(box) for box in one.tile.known],
        "empty": [_box(box) for box in one.tile.empty],
    }


def _box(box: Box) -> list[float]:
    return [box.x, box.y, box.w, box.h]


SPEC = DataWriter(id="schliff", name="Schliff", pictures=_PICTURES, hides_unknown=False, write=_write)
