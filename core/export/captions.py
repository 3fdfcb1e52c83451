"""Decides what a page says of one detection beside its picture, and of where everything on the page comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.chemistry.composition import Composition
from core.class_colours import class_name
from core.detection import BY_PERSON, STATUS_NAMES
from core.export.document import ExportDocument, ExportItem

_ELEMENTS_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Caption:
    """`facts`: (name, text) pairs of what is known."""

    title: str
    facts: tuple[tuple[str, str], ...]


def caption(item: ExportItem, *, places: bool = True) -> Caption:
    """`places`: with the coordinates in every frame there is."""
    found = [("Status", STATUS_NAMES[item.detection.status]), *_measured(item.row)]
    if places:
        found += _places(item)
    if item.detection.note:
        found.append(("Note", item.detection.note))
    return Caption(title(item), tuple(found))


def title(item: ExportItem) -> str:
    return f"#{item.detection.id} {class_name(item.detection.label)}"


def size_text(item: ExportItem) -> str:
    """Width and height, in µm where the scale is known."""
    area, box = item.row["area_um2"], item.detection.box
    if area is None or not item.detection.area_px:
        return f"{box.w:.0f} × {box.h:.0f} px"
    um = (area / item.detection.area_px) ** 0.5
    digits = 0 if max(box.w, box.h) * um >= 10 else 1
    return f"{box.w * um:,.{digits}f} × {box.h * um:,.{digits}f} µm"


def composition_text(row: dict[str, Any], most: int = _ELEMENTS_SHOWN, *, sigmas: bool = True) -> str:
    """The largest amounts, with their 1-sigma where there is room for it; "" where nothing was measured."""
    return Composition.from_json(row["composition"]).text(most, sigmas=sigmas) if row["composition"] else ""


def _measured(row: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "Severity", f"{row['severity']:.0f} of 100, score {row['score']:.4g}"
    if composition := composition_text(row):
        yield "Composition", composition


def _places(item: ExportItem) -> Iterator[tuple[str, str]]:
    row, (x, y) = item.row, item.detection.box.center
    area = "" if row["area_um2"] is None else f", {row['area_um2']:,.0f} µm²"
    yield "Size", size_text(item) + area
    yield "Pixel", f"{x:,.1f}, {y:,.1f}"
    if row["stage_x_um"] is not None:
        yield "Stage", f"{row['stage_x_um']:,.1f}, {row['stage_y_um']:,.1f} µm"
    if row["sem_x"] is not None:
        digits = 4 if row["sem_unit"] == "mm" else 1
        yield "SEM", f"{row['sem_x']:,.{digits}f}, {row['sem_y']:,.{digits}f} {row['sem_unit']}"
    if row["predicted_error_um"] is not None:
        yield "Predicted error", f"{row['predicted_error_um']:,.1f} µm"


def heading(document: ExportDocument) -> str:
    """Which sections a page is about."""
    return ", ".join(one.name for one in document.sections.values()) or "Nothing to show"


def sources(document: ExportDocument) -> Iterator[tuple[str, str]]:
    """(name, text) of where all comes from: files, models with threshold, registrations, program, date."""
    told = document.provenance
    for section in told["sections"]:
        yield "Section", f"{Path(section['path']).name}, fingerprint {section['fingerprint']}"
    for scan in told["scans"]:
        if scan["model"] == BY_PERSON:
            yield "Drawn", "by hand"
            continue
        card = f", card {scan['card_hash']}" if scan["card_hash"] else ""
        yield "Scan", f"{scan['model']} {scan['version']}{card}, threshold {scan['threshold']:.4g}"
    for one in told["registrations"]:
        rms = "" if one["rms_um"] is None else f", residuals {one['rms_um']:.2f} µm (rms)"
        mirrored = ", mirrored" if one["mirrored"] else ""
        fitted = (
            f"{one['kind']} on {len(one['fiducials'])} fiducials{rms}, rotated {one['rotation_deg']:.2f}°{mirrored}"
        )
        yield "Registration", fitted
    yield "Written", f"{told['exported']} by Schliff {told['schliff']}"
