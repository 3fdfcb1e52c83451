"""Decides how the marked overview is written as a PNG: with its resolution, and with its sources as text in the file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL.PngImagePlugin import PngInfo

from core.export.base import ExporterSpec
from core.export.document import ExportDocument
from core.export.marked import MARKING, marked_image, notes_of


def write(document: ExportDocument, path: Path, values: Mapping[str, Any]) -> None:
    notes = PngInfo()
    notes.add_text("Software", f"Schliff {document.provenance['schliff']}")
    notes.add_text("Sources", notes_of(document))
    marked_image(document, values).save(path, "PNG", pnginfo=notes)


SPEC = ExporterSpec(
    id="overview-png",
    name="Marked overview (PNG)",
    suffix=".png",
    help="The whole section with a numbered ring for each detection, with legend and scale bar.",
    write=write,
    purpose="show",
    parameters=MARKING,
)
