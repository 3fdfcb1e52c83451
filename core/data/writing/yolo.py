"""Decides how a training set is written as YOLO: a text file in `labels` for each picture in `images`, and `data.yaml`.

A line is `CLASS X Y W H`, middle and size in shares of the picture; outlines are written where every mark of the set has
one, since tools take a file of one kind only.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from core.data.labelled import Mark
from core.data.writing.base import DataWriter, WrittenTile


def _write(folder: Path, tiles: Sequence[WrittenTile], labels: Sequence[str]) -> None:
    (folder / "labels").mkdir()
    outlines = all(mark.mark.outline for one in tiles for mark in one.tile.marks)
    for one in tiles:
        size = one.tile.box.w, one.tile.box.h
        lines = [_line(mark.mark, labels.index(mark.mark.label), size, outlines) for mark in one.tile.marks]
        (folder / "labels" / one.file).with_suffix(".txt").write_text("".join(lines), "utf-8")
    names = "".join(f"  {number}: {json.dumps(label, ensure_ascii=False)}\n" for number, label in enumerate(labels))
    (folder / "data.yaml").write_text(f"path: .\ntrain: images\nval: images\nnames:\n{names}", "utf-8")


def _line(mark: Mark, number: int, size: tuple[float, float], outlines: bool) -> str:
    (width, height), box = size, mark.box
    if outlines:
        values = [value / side for point in mark.outline for value, side in zip(point, size, strict=True)]
    else:
        (x, y) = box.center
        values = [x / width, y / height, box.w / width, box.h / height]
    return f"{number} {' '.join(f'{value:.8g}' for value in values)}\n"


SPEC = DataWriter(id="yolo", name="YOLO", pictures="images", hides_unknown=True, write=_write)
