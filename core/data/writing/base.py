"""Decides how a project's decisions become a training set: tiles as PNG, labels in a format, and where each label is from.

A set is a new folder, whole or not there. `provenance.json` says of every label which section and scan it came from and who
decided it when; `groups.csv` says which section a picture is of, so that no section is on both sides of a split
(`core.data.gathering` reads it, whatever the format).
"""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

import core
import core.data.writing
from core.data.gathering import GROUPS_FILE
from core.data.judged import JudgedSection, judged_sections
from core.data.writing.tiles import DEFAULT_TILE_PX, LEAST_TILE_PX, MOST_TILE_PX, Tile, tiles_of
from core.detection import Detection
from core.discovery import find_specs, spec_called
from core.disk import disk_errors, take_place
from core.display import auto_range
from core.errors import InputError, UsageError
from core.jobs import CancelToken, Progress, Step
from core.outlines import Outline
from core.project import Project
from core.project.drawing_store import DrawingStore
from core.scan.reading import TileSource
from core.section import Plane
from core.timing import timestamp

Array = np.ndarray

PROVENANCE_FILE = "provenance.json"
_RULE = (
    "A tile counts as looked at as a whole, but for its unknown places: detections that nobody has decided, and marks "
    "of which less than a quarter lies in it. Where a format can't say that nothing is known of a place, it is painted "
    "over with the tile's mean."
)


@dataclass(frozen=True, slots=True)
class WrittenTile:
    """A tile with the name of its picture file (without a folder) and the section it is of."""

    file: str
    group: str
    tile: Tile


@dataclass(frozen=True, slots=True)
class DataWriter:
    """A format to write a training set in.

    Args:
        pictures: the folder inside the set that holds the pictures.
        hides_unknown: whether it can't say that nothing is known of a place, so that such places are painted over.
        write: gets the set's folder, which holds the pictures already, the tiles and every class, sorted.
    """

    id: str
    name: str
    pictures: str
    hides_unknown: bool
    write: Callable[[Path, Sequence[WrittenTile], Sequence[str]], None]


@dataclass(frozen=True, slots=True)
class WrittenSet:
    """What was written: tiles, marks by class, and tiles without any."""

    path: Path
    tiles: int
    empty: int
    marks: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        return {"out": str(self.path), "tiles": self.tiles, "empty_tiles": self.empty, "marks": self.marks}


@cache
def data_writers() -> tuple[DataWriter, ...]:
    """Every format there is."""
    return tuple(find_specs(core.data.writing, "schliff.data_writers"))


def find_writer(format_id: str) -> DataWriter:
    """Raises UsageError for a format there isn't."""
    return spec_called(format_id, data_writers(), "data format")


def write_data(
    project: Project,
    format_id: str,
    out: Path,
    tile_px: int = DEFAULT_TILE_PX,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> WrittenSet:
    """Writes what was decided in a project as a training set into a new or empty folder.

    Raises UsageError (format, size of tiles), InputError (nothing was judged; a section isn't there; something lies at `out`
    already), ResourceError (it can't be written), CancelledError; then nothing is there.
    """
    writer, cancel = find_writer(format_id), cancel or CancelToken()
    if not LEAST_TILE_PX <= tile_px <= MOST_TILE_PX:
        raise UsageError(f"tiles of {tile_px} px", remedy=f"Choose {LEAST_TILE_PX} to {MOST_TILE_PX} px.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError("something else lies here already", path=out, remedy="Choose a new folder.")
    planned = _planned(project, tile_px)
    if not any(tile.judged for _, tiles in planned for tile in tiles):
        judge = "Say of detections whether they are defects, or draw some."
        raise InputError("nothing has been judged in it yet", path=project.path, remedy=judge)
    temporary = out.with_name(f".{out.name}.{os.getpid()}.part")
    with disk_errors(out):
        try:
            (temporary / writer.pictures).mkdir(parents=True)
            written = _write_pictures(project, planned, temporary / writer.pictures, writer, progress, cancel)
            labels = sorted({mark.mark.label for one in written for mark in one.tile.marks})
            writer.write(temporary, written, labels)
            _write_groups(temporary / GROUPS_FILE, written)
            told = json.dumps(_provenance(project, writer, tile_px, written), indent=1)
            (temporary / PROVENANCE_FILE).write_text(told, "utf-8")
            if out.exists():
                out.rmdir()
            take_place(temporary, out)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    counted = Counter(mark.mark.label for one in written for mark in one.tile.marks)
    return WrittenSet(out, len(written), sum(not one.tile.marks for one in written), dict(sorted(counted.items())))


def _planned(project: Project, tile_px: int) -> list[tuple[JudgedSection, list[Tile]]]:
    judged = {one.record.id: one for one in judged_sections(project)}
    store = DrawingStore(project)
    planned = []
    for record in project.sections():
        normal: list[Outline] = [d.outline for d in store.drawings(record.id) if d.is_normal]
        section = judged.get(record.id)
        if section is None and normal:
            section = JudgedSection(record, (), (), 0)
        if section is not None:
            planned.append((section, tiles_of(section, normal, tile_px)))
    return planned


def _write_pictures(
    project: Project,
    planned: Sequence[tuple[JudgedSection, list[Tile]]],
    folder: Path,
    writer: DataWriter,
    progress: Progress | None,
    cancel: CancelToken,
) -> list[WrittenTile]:
    total = sum(len(tiles) for _, tiles in planned)
    written: list[WrittenTile] = []
    for number, (judged, tiles) in enumerate(planned, 1):
        with project.open_section_of(judged.record) as section:
            source = TileSource(section, Plane(), auto_range(section, Plane()), 1.0)
            for tile in tiles:
                cancel.check()
                box = tile.box
                pixels = source.read(int(box.x), int(box.y), int(box.w), int(box.h))
                if writer.hides_unknown:
                    pixels = _painted_over(pixels, tile)
                name = f"{_plain(judged.record.path.stem)}_s{number}_x{int(box.x)}_y{int(box.y)}.png"
                done, png = cv2.imencode(".png", pixels[..., ::-1])
                assert done
                (folder / name).write_bytes(png.tobytes())
                written.append(WrittenTile(name, judged.record.name, tile))
                if progress is not None:
                    progress(Step(len(written), total, "Writing pictures"))
    return written


def _painted_over(pixels: Array, tile: Tile) -> Array:
    """Without the places of which nothing is known; a mark in one of them stays, as it is known."""
    hidden = np.zeros(pixels.shape[:2], bool)
    for boxes, value in ((tile.unknown, True), ([one.mark.box for one in tile.marks], False)):
        for box in boxes:
            x, y, w, h = box.outer_pixels()
            hidden[max(y, 0) : y + h, max(x, 0) : x + w] = value
    painted = pixels.copy()
    painted[hidden] = np.rint(pixels.reshape(-1, 3).mean(axis=0)).astype(np.uint8)
    return painted


def _plain(stem: str) -> str:
    """A name that any system and any reader takes."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", stem) or "section"


def _write_groups(path: Path, written: Sequence[WrittenTile]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("file", "group"))
        rows.writerows((one.file, one.group) for one in written)


def _provenance(project: Project, writer: DataWriter, tile_px: int, written: Sequence[WrittenTile]) -> dict[str, Any]:
    scans = sorted({d.scan_id for one in written for d in one.tile.judged})
    groups = {one.group for one in written}
    return {
        "schliff": core.__version__,
        "written": timestamp(),
        "project": str(project.path.absolute()),
        "format": writer.id,
        "tile_px": tile_px,
        "rule": _RULE,
        "sections": [
            {"group": one.name, "path": str(one.path), "fingerprint": one.fingerprint}
            for one in project.sections()
            if one.name in groups
        ],
        "scans": [_scan(project, scan_id) for scan_id in scans],
        "pictures": [
            {
                "file": one.file, "section": one.group,
                "box": [one.tile.box.x, one.tile.box.y, one.tile.box.w, one.tile.box.h],
                "labels": [_label(d, one.tile) for d in one.tile.judged],
            }
            for one in written
        ],
    }  # fmt: skip


def _scan(project: Project, scan_id: str) -> dict[str, Any]:
    scan = project.scan(scan_id)
    return {"id": scan.id, "model": scan.model_id, "version": scan.model_version, "threshold": scan.threshold}


def _label(detection: Detection, tile: Tile) -> dict[str, Any]:
    """Who said what of a place, and on whose finding."""
    mark = next((one.mark for one in tile.marks if one.detection.id == detection.id), None)
    return {
        "detection": detection.id, "scan": detection.scan_id, "source": detection.source,
        "status": detection.status, "class": None if mark is None else mark.label,
        "model_class": None if detection.is_drawn else detection.said_label,
        "decided_by": detection.decided_by, "decided_at": detection.decided_at,
        "carried_from": detection.carried_from, "note": detection.note,
    }  # fmt: skip
